"""What can be wrong with an installation, and the command that mends it."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from emotalk_data.cli.attempts import decode_flac, decode_wav, find_decoder, resample
from emotalk_data.cli.extras import EXTRAS, probe_extras
from emotalk_data.cli.output import one_line
from emotalk_data.cli.probes import driver_gpu
from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.load import CORPORA, find_release

__all__ = ["CORE_PACKAGES", "Check", "all_checks"]

State = Literal["ok", "absent", "broken"]

CORE_PACKAGES: Final = {
    "av": "18",
    "click": "8.1",
    "datasets": "5.0",
    "fsspec": "2023.1",
    "huggingface-hub": "1.0",
    "jiter": "0.8",
    "numpy": "1.26",
    "pyarrow": "21",
    "pydantic": "2.10",
    "pyyaml": "6",
    "soundfile": "0.13",
    "soxr": "0.5",
    "tqdm": "4.66",
}
"""Each dependency and the oldest version that will do. A test compares them with pyproject.toml."""
_MODULES: Final = {"pyyaml": "yaml"}  # where the module has another name

_MIN_FREE_BYTES: Final = 500_000_000  # a full release's cache is about a tenth of it
_CODECS: Final = {
    "H.264": ("h264",),
    "HEVC": ("hevc",),
    "AV1": ("libdav1d", "av1"),
    "VP9": ("vp9", "libvpx-vp9"),
}


class Check(NamedTuple):
    """One thing that was looked at.

    Attributes:
        section: the heading it belongs under.
        name: what was looked at.
        state: it works, it is not there, or it is there and does not work.
        found: version, path, or what is wrong.
        remedy: the command that mends it; empty when there is nothing to mend.
        is_core: whether loading and decoding need it.
    """

    section: str
    name: str
    state: State
    found: str
    remedy: str = ""
    is_core: bool = False


def all_checks() -> Iterator[Check]:
    """Yield every check as it is made; importing torch and its kin, in another process, takes seconds."""
    yield from _python()
    for package, minimum in CORE_PACKAGES.items():
        yield _package(package, minimum)
    yield from _decoders()
    yield from _cache()
    yield from _data()
    yield from _hub()
    yield from _optional()


def _pip(requirement: str) -> str:
    return f'{sys.executable} -m pip install --upgrade "{requirement}"'


def _python() -> Iterator[Check]:
    number = platform.python_version()
    state: State = "ok" if sys.version_info >= (3, 11) else "broken"
    remedy = "" if state == "ok" else "install Python 3.11 or newer"
    yield Check("Python", "Python", state, f"{number}, {sys.executable}", remedy, is_core=True)
    yield Check("Python", "platform", "ok", f"{platform.platform()}, {os.cpu_count()} cores")


def _package(package: str, minimum: str) -> Check:
    requirement = f"{package}>={minimum}"
    module = _MODULES.get(package, package.replace("-", "_"))
    try:
        importlib.import_module(module)
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Check(
            "Core packages", package, "broken", "no version is recorded", _pip(requirement), is_core=True
        )
    except Exception as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == module
        found = "not installed" if absent else f"fails to import: {_short(error)}"
        mend = _pip(requirement) if absent else f"{_pip(requirement)} --force-reinstall"
        return Check("Core packages", package, "absent" if absent else "broken", found, mend, is_core=True)
    if _numbers(version) < _numbers(minimum):
        found = f"{version}, older than {minimum}"
        return Check("Core packages", package, "broken", found, _pip(requirement), is_core=True)
    return Check("Core packages", package, "ok", version, is_core=True)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:3])


def _decoders() -> Iterator[Check]:
    """Decode something of each kind: an installed package says little about its shared libraries."""
    yield _attempt("PCM wav", decode_wav, _pip("numpy"))
    yield _attempt("FLAC, Ogg, MP3", decode_flac, f"{_pip('soundfile')} --force-reinstall")
    yield _attempt("resampling", resample, f"{_pip('soxr')} --force-reinstall")
    for name, decoders in _CODECS.items():
        yield _attempt(
            f"{name} video",
            lambda decoders=decoders: find_decoder(decoders),  # type: ignore[misc]  # the default binds the loop's value
            f"{_pip('av')} --force-reinstall --only-binary av",
            is_core=name == "H.264",
        )


def _attempt(name: str, work: Callable[[], str], remedy: str, *, is_core: bool = True) -> Check:
    try:
        found = work()
    except Exception as error:
        return Check("Decoders", name, "broken", _short(error), remedy, is_core=is_core)
    return Check("Decoders", name, "ok", found, is_core=is_core)


def _cache() -> Iterator[Check]:
    try:
        from datasets import config
    except Exception as error:
        yield Check("Places", "cache", "broken", f"datasets does not import: {_short(error)}", is_core=True)
        return
    folder = Path(config.HF_DATASETS_CACHE)
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    mend = 'export HF_HOME="$HOME/hf"    (any folder on a disk that you may write to)'
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"x")
        free_bytes = shutil.disk_usage(nearest).free
    except OSError as error:
        found = f"{folder} cannot be written: {error.strerror}"
        yield Check("Places", "cache", "broken", found, mend, is_core=True)
        return
    enough = free_bytes >= _MIN_FREE_BYTES
    found = f"{folder}, writable, {free_bytes / 1e9:,.1f} GB free"
    yield Check("Places", "cache", "ok" if enough else "broken", found, "" if enough else mend, is_core=True)


def _data() -> Iterator[Check]:
    home = os.environ.get("EMOTALK_HOME")
    if not home:
        yield Check(
            "Places",
            "EMOTALK_HOME",
            "absent",
            "not set: give data_dir each time, or put emotalk/ and m3ed/ in one folder",
            "export EMOTALK_HOME=/path/to/that/folder",
        )
        return
    if not Path(home).is_dir():
        yield Check("Places", "EMOTALK_HOME", "broken", f"{home} is not a folder", f"mkdir -p {home}")
        return
    yield Check("Places", "EMOTALK_HOME", "ok", home)
    for corpus in CORPORA:
        try:
            folder = Path(find_release(corpus.name))
        except ReleaseNotFoundError:
            found = f"no {' or '.join(corpus.folders)} in {home}"
            yield Check("Places", f"  {corpus.title}", "absent", found, f"emotalk info {corpus.name}")
            continue
        yield Check("Places", f"  {corpus.title}", "ok", f"{folder.name}: {_content(folder)}")


def _content(folder: Path) -> str:
    """Name what a folder holds at its top, six at most."""
    try:
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{', '.join(names[:6])}{more}" if names else "empty"


def _hub() -> Iterator[Check]:
    """What decides about downloads. The token itself is never looked at, nor printed."""
    yield Check("Hub", "HF_HOME", "ok", os.environ.get("HF_HOME") or "not set: ~/.cache/huggingface")
    is_offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    yield Check("Hub", "HF_HUB_OFFLINE", "ok", "set: nothing is downloaded" if is_offline else "not set")
    if os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN"):
        yield Check("Hub", "token", "ok", "set in the environment")
        return
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    path = Path(os.environ.get("HF_TOKEN_PATH") or home / "token").expanduser()
    if path.is_file():
        yield Check("Hub", "token", "ok", f"saved in {path}")
    else:
        yield Check(
            "Hub", "token", "absent", "none; the gated download of EmotionTalk needs one", "hf auth login"
        )


def _optional() -> Iterator[Check]:
    """Packages that may fail while they load, or take the process with them: in another process."""
    answers = probe_extras()
    torch = answers["torch"]
    if isinstance(torch, dict):
        gpus = [str(name) for name in torch["gpus"]]
        yield Check("Optional", "torch", "ok", f"{torch['version']}: with_format('torch') works")
    else:
        gpus = []
        yield _unusable(
            "torch", torch, 'pip install "emotalk-data[torch]"', "only with_format('torch') needs it"
        )
    codec = answers["torchcodec"]
    if isinstance(codec, dict):
        yield Check("Optional", "torchcodec", "ok", f"{codec['version']}; not needed, PyAV decodes here")
    else:
        yield _unusable("torchcodec", codec, "", "not needed, PyAV decodes here")
    for package, wanted in EXTRAS.items():
        answer = answers[package]
        if isinstance(answer, dict):
            yield Check("Optional", package, "ok", str(answer["version"]))
            continue
        install = f'pip install "emotalk-data[{wanted.extra}]"'
        mend = wanted.mend or install
        if answer == "not installed":
            mend = install
        elif wanted.needs and not isinstance(answers[wanted.needs], dict):
            mend = f"mend {wanted.needs} first"
        yield _unusable(package, answer, mend, wanted.note)
    driver = driver_gpu()
    if gpus:
        yield Check("Optional", "GPU", "ok", f"{len(gpus)}: {', '.join(sorted(set(gpus)))}")
    elif driver:
        found = f"{driver}, which torch does not see"
        yield Check("Optional", "GPU", "broken", found, 'pip install "emotalk-data[torch]"')
    else:
        yield Check("Optional", "GPU", "absent", "none; only encoders are much faster with one")


def _unusable(name: str, reason: str, remedy: str, note: str) -> Check:
    state: State = "absent" if reason == "not installed" else "broken"
    return Check("Optional", name, state, f"{reason}; {note}", remedy)


def _short(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")[:200]

"""Where downloaded releases lie, and which one is taken: nothing here asks the network.

$HF_HUB_CACHE/datasets--BAAI--Emotiontalk/      EmotionTalk, in the Hub's own cache
    refs/emotalk_data                           the commit that is kept: the one that was fetched first
    snapshots/COMMIT/Audio.tar                  a link to its blob; read in place
    blobs/SHA256.incomplete                     a download that was stopped, and will go on
    emotalk_data/COMMIT.json                    names, sizes and digests of that commit's files
$HF_HOME/emotalk_data/m3ed/                     M3ED
    RUCM3ED-COMMIT-NUMBER/                      a clone
    source.json                                 which clone is taken, where it came from, and its commit
    lock                                        held by the process that fetches
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emotalk_data._whole_file import whole_file
from emotalk_data.builder.releases import corpus_named, given_release, what_was_tried
from emotalk_data.errors import ReleaseNotFoundError

__all__ = [
    "COMMIT",
    "M3ED_SOURCE",
    "REPO_ID",
    "M3edSource",
    "downloaded_release",
    "emotalk_folder",
    "find_release",
    "m3ed_folder",
    "m3ed_source",
    "pin",
    "pinned_commit",
    "read_ref",
    "snapshot_folder",
]

REPO_ID: Final = "BAAI/Emotiontalk"
COMMIT: Final = re.compile(r"[0-9a-f]{40}")

M3ED_SOURCE: Final = "source.json"

_PIN: Final = "emotalk_data"
"""A ref of our own: `main` is moved by every other tool that asks the Hub, and with it our rows would change."""


def emotalk_folder() -> Path:
    """Return the folder of EmotionTalk's repository in the Hub's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser() / f"datasets--{REPO_ID.replace('/', '--')}"


def snapshot_folder(commit: str) -> Path:
    """Return the folder of a commit: the release."""
    return emotalk_folder() / "snapshots" / commit


def m3ed_folder() -> Path:
    """Return the folder that holds the clone of M3ED and the note of where it came from."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME).expanduser() / "emotalk_data" / "m3ed"


@dataclass(frozen=True, slots=True)
class M3edSource:
    """Where a clone came from.

    Attributes:
        folder: the release.
        url: of the repository, without a password.
        commit: 40 hex digits.
        fetched: when, as ISO 8601 in UTC.
    """

    folder: Path
    url: str
    commit: str
    fetched: str


def m3ed_source() -> M3edSource | None:
    """Return the clone of M3ED that is taken; None when none was downloaded."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        facts = json.loads((m3ed_folder() / M3ED_SOURCE).read_text(encoding="utf-8"))
        name = str(facts.get("folder", "RUCM3ED"))  # its name in the first version of the note
        folder = m3ed_folder() / name
        if Path(name).name == name and folder.is_dir():
            return M3edSource(folder, str(facts["url"]), str(facts["commit"]), str(facts["fetched"]))
    return None


def pinned_commit() -> str | None:
    """Return the commit of EmotionTalk that is kept: ours, or the one that the Hub's client fetched as `main`."""
    return read_ref(_PIN) or read_ref("main")


def read_ref(revision: str) -> str | None:
    """Return the commit that a branch or tag had when it was last asked for."""
    with suppress(OSError, ValueError):
        commit = (emotalk_folder() / "refs" / revision).read_text(encoding="ascii").strip()
        if COMMIT.fullmatch(commit):
            return commit
    return None


def pin(commit: str) -> None:
    """Keep a commit from now on.

    Raises:
        OSError: it cannot be written.
    """
    # The client's own tools take a ref without a snapshot for a damaged cache.
    snapshot_folder(commit).mkdir(parents=True, exist_ok=True)
    path = emotalk_folder() / "refs" / _PIN
    if read_ref(_PIN) != commit:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(commit.encode("ascii"))


def downloaded_release(corpus_name: str) -> str | None:
    """Return the path of a release that was downloaded, whole or in part; None without one."""
    if corpus_named(corpus_name).name == "m3ed":
        source = m3ed_source()
        return None if source is None else str(source.folder)
    commit = pinned_commit()
    if commit is None:
        return None
    folder = snapshot_folder(commit)
    with suppress(OSError):
        if any(not name.startswith(".") and name != "README.md" for name in os.listdir(folder)):  # noqa: PTH208
            return str(folder)
    return None


def find_release(corpus_name: str, data_dir: str | os.PathLike[str] | None = None) -> str:
    """Return the path of a release: `data_dir`, or below $EMOTALK_HOME, or downloaded. Nothing is fetched.

    Raises:
        ReleaseNotFoundError: nothing there; says what was tried and how to get the release.
    """
    root = given_release(corpus_name, data_dir) or downloaded_release(corpus_name)
    if root is not None:
        return root
    corpus = corpus_named(corpus_name)
    raise ReleaseNotFoundError(
        f"no {corpus.title} release: {what_was_tried(corpus_name)}, none was downloaded. "
        f"To get it: {corpus.source}; or, if you have it, load_dataset({corpus.name!r}, data_dir=DIR). "
        f"To try without it: `emotalk sample {corpus.name} DIR`."
    )

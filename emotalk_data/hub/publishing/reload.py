"""What was published opens for everybody: a row of each config and split, read by plain `datasets` from the Hub.

That runs in a process of its own, which has a cache of its own and may not import this package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from emotalk_data.errors import CacheCorruptError, PublishError, quote
from emotalk_data.hub.publishing.repository import Repository
from emotalk_data.hub.staged import StagedConfig
from emotalk_data.hub_client.token import Token, without_tokens

__all__ = ["LONGEST_SECONDS", "reload_rows"]

LONGEST_SECONDS = 600.0
"""How long reading may take, all configs and splits together."""

_ATTEMPTS: Final = 2
_MAX_SAID_CHARS: Final = 240
_CHILD: Final = Path(__file__).with_name("reload_child.py")  # never imported: it hides this package
_NOT_HANDED_ON: Final = (
    "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_DATASETS_CACHE", "HF_XET_CACHE", "HF_TOKEN_PATH",
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_STORED_TOKENS_PATH", "HF_ASSETS_CACHE", "XDG_CACHE_HOME",
    "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "HF_DEBUG", "HF_HUB_VERBOSITY",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN", "PYTHONWARNINGS",
)  # fmt: skip


class _Row(NamedTuple):
    """A first row that is to be read.

    Attributes:
        config: its config.
        split: its split.
        shard: where the same row lies here.
        out: the file that the process writes it to.
    """

    config: str
    split: str
    shard: Path
    out: Path


def reload_rows(repository: Repository, commit: str, configs: Sequence[StagedConfig], place: Path) -> int:
    """Read the first row of each config and split at a commit, and compare it with what was staged.

    Args:
        repository: what was published to.
        commit: what is read.
        configs: as they were staged.
        place: a folder for the process's cache, and for the rows.

    Returns:
        how many rows were read.

    Raises:
        PublishError: plain `datasets` cannot read one, or reads another one.
    """
    place.mkdir(parents=True, exist_ok=True)
    rows = [
        _Row(config.name, split, shards[0], place / f"{number}-{split}.arrow")
        for number, config in enumerate(configs)
        for split, shards in config.splits.items()
        if shards and config.num_rows.get(split, 0)
    ]
    job = place / "job.json"
    outs = [[row.config, row.split, str(row.out)] for row in rows]
    job.write_text(json.dumps({"repo_id": repository.repo_id, "revision": commit, "rows": outs}), "utf-8")
    problem: str | None = None
    for attempt in range(_ATTEMPTS):
        problem = _read(job, place / f"home-{attempt}", repository.token)
        if problem is None:
            break
    if problem is not None:
        raise PublishError(
            f"{repository.repo_id} holds what was sent, at commit {commit[:12]}, and plain `datasets` does "
            f"not read it: {problem}. No tag was set; the same command tries again."
        )
    for row in rows:
        _compare(row, repository.repo_id)
    return len(rows)


def _read(job: Path, home: Path, token: Token | None) -> str | None:
    """Run the process; return what went wrong, None where nothing did."""
    log = job.with_suffix(".log")
    command = [sys.executable, "-P", str(_CHILD), str(job)]
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603  # this interpreter, a file of ours
            command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=_environment(home), cwd=job.parent
        )
        try:
            # Not `communicate`: its variables would hold the token, and its errors those.
            with suppress(OSError):  # it has ended already: its log says why
                _tell(process, token)
            code = process.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if code == 0:
        return None
    if code is None:
        return f"it had not answered after {LONGEST_SECONDS:,.0f} s"
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = without_tokens(lines[-1] if lines else f"exit status {code}", token)
    last = last.replace(f"{job.parent}/", "")  # `datasets` looks there too, and nothing is there
    return quote(last if len(last) <= _MAX_SAID_CHARS else f"{last[:_MAX_SAID_CHARS]}…", 2 * _MAX_SAID_CHARS)


def _tell(process: subprocess.Popen[bytes], token: Token | None) -> None:
    """Hand the token over, kept in no variable."""
    if process.stdin is not None:
        with process.stdin:
            process.stdin.write(b"" if token is None else token.reveal().encode())


def _environment(home: Path) -> dict[str, str]:
    """Return the environment of a user who has never loaded anything, at the endpoint of this process."""
    from huggingface_hub import constants

    kept = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    return kept | {
        "HF_HOME": str(home),
        "HF_ENDPOINT": constants.ENDPOINT,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "60",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # nobody has loaded it yet
        "PYTHONUTF8": "1",
    }


def _compare(row: _Row, repo_id: str) -> None:
    import pyarrow as pa

    with pa.memory_map(str(row.out)) as file:
        read = pa.ipc.open_file(file).read_all().to_pylist()
    staged = _first_row(row.shard)
    if len(read) == 1 and _plain(read[0]) == _plain(staged):
        return
    there = read[0] if read else {}
    columns = [name for name in {**staged, **there} if _plain(there.get(name)) != _plain(staged.get(name))]
    raise PublishError(
        f"{repo_id} does not read as it was staged: in the first row of config {quote(row.config)}, split "
        f"{quote(row.split)}, plain `datasets` reads other values of {', '.join(map(quote, columns[:4]))}. "
        f"No tag was set; please report this as a defect of emotalk_data."
    )


def _first_row(shard: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(shard, page_checksum_verification=True) as file:
            return dict(next(file.iter_batches(batch_size=1)).to_pylist()[0])
    except (OSError, pa.ArrowException, StopIteration, IndexError) as error:
        raise CacheCorruptError(
            f"cannot read the staged shard {quote(shard.name)}: {quote(str(error), 160)}. Publish again.",
            path=str(shard),
        ) from error


def _plain(value: Any) -> str:
    """Return a value as text that is equal where the value is: NaN too, and whatever the order of fields."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name!r}: {_plain(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return repr(value)

"""Files of the Hub into its cache: several at a time, and going on where a stopped download stopped.

The Hub's client (2.4) keeps nothing of a file that did not come whole. An archive of this release has up to
15 GB, so it is fetched into `blobs/SHA256.incomplete` by the client's own `http_get`, which can go on in the
middle of a file. Then it gets its name, and the client makes the link to it, as it does for a blob it knows.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, Final

from emotalk_data.download.growing import GrowingFile, is_at, locked
from emotalk_data.download.places import REPO_ID, emotalk_folder, snapshot_folder
from emotalk_data.download.plan import HubFile, Plan, is_whole
from emotalk_data.errors import (
    CacheWriteError,
    EmotalkError,
    HubError,
    HubOfflineError,
    HubUnreachableError,
    quote,
)
from emotalk_data.hub_client.calling import hub_api, hub_call
from emotalk_data.hub_client.token import Token

__all__ = ["check_access", "fetch_files"]

_NUM_CONNECTIONS: Final = 4
_LARGE_BYTES: Final = 16_000_000
"""From this size on a file is worth going on with."""

_ETAG: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


def check_access(plan: Plan, token: Token | None) -> None:
    """Ask for the head of one missing file: names and sizes of a gated release are public, its files are not.

    Raises:
        HubError: as `hub_call`.
    """
    if plan.missing:
        _etag_of(max(plan.missing, key=lambda file: file.size_bytes), plan.commit, token, None)


def fetch_files(plan: Plan, token: Token | None) -> None:
    """Fetch what is missing.

    Raises:
        HubError: as `hub_call`; what has come is kept.
        CacheWriteError: the cache cannot be written.
    """
    # Large ones first: the rest comes beside them.
    files = sorted(plan.missing, key=lambda file: (-file.size_bytes, file.name))
    stop = threading.Event()
    num_small = sum(not _is_resumable(file) for file in files)
    with _bar(num_small) as bar, ThreadPoolExecutor(_NUM_CONNECTIONS) as pool:
        tasks = [pool.submit(_fetch, file, plan.commit, token, stop, bar) for file in files]
        try:
            for task in as_completed(tasks):
                task.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _is_resumable(file: HubFile) -> bool:
    return file.is_archive or file.size_bytes >= _LARGE_BYTES


def _fetch(
    file: HubFile, commit: str, token: Token | None, stop: threading.Event, count: Callable[[], object]
) -> None:
    failed = None
    try:
        # Another process may have fetched it since the plan was made, and may be reading it.
        if not is_whole(file, commit):
            if _is_resumable(file):
                _fetch_resumable(file, commit, token, stop)
            _put_in_place(file, commit, token, stop)
    except EmotalkError:
        raise
    except OSError as error:
        where = quote(str(error.filename or emotalk_folder()), 160)
        failed = CacheWriteError(
            f"cannot write {where}: {error.strerror}. Make room, or set HF_HOME to a place with some."
        )
    if failed is not None:
        raise failed
    if not is_whole(file, commit):
        raise HubError(
            f"{file.name} of {REPO_ID} has not come with the {file.size_bytes:,} bytes that the Hub lists. "
            f"Try again."
        )
    if not _is_resumable(file):
        count()


def _put_in_place(file: HubFile, commit: str, token: Token | None, stop: threading.Event) -> None:
    """Give a file its place in the snapshot. What lies there is damaged, or another process has just put it."""
    if not os.path.lexists(snapshot_folder(commit) / file.name):
        _link(file, commit, token, stop)
        return
    lock = emotalk_folder() / "emotalk_data" / "mending.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock, stop):
        _drop_damaged(file, commit)
        _link(file, commit, token, stop)


def _drop_damaged(file: HubFile, commit: str) -> None:
    """Remove a file of another length than it should have: the client would take it for whole."""
    path = snapshot_folder(commit) / file.name
    if is_whole(file, commit) or not os.path.lexists(path):
        return
    blob = path.resolve()
    path.unlink()
    # A large blob that was damaged has been replaced already, by a whole one that others may read.
    is_damaged = not _is_resumable(file) and not _has_length(blob, file.size_bytes)
    if is_damaged and blob.is_relative_to(emotalk_folder().resolve()):
        blob.unlink(missing_ok=True)


def _has_length(path: Path, num_bytes: int) -> bool:
    with suppress(OSError):
        return path.stat().st_size == num_bytes
    return False


def _link(file: HubFile, commit: str, token: Token | None, stop: threading.Event) -> None:
    """Let the client give a blob its place in the snapshot; it fetches the small files that are no blobs yet."""
    api = hub_api(token)
    hub_call(
        f"download {file.name}",
        lambda: api.hf_hub_download(
            REPO_ID, file.name, repo_type="dataset", revision=commit, tqdm_class=_silent_bar_class()
        ),
        token=token,
        repo_id=REPO_ID,
        revision=commit,
        stop=stop,
    )


def _etag_of(file: HubFile, commit: str, token: Token | None, stop: threading.Event | None) -> str:
    """Return the name of a file's blob; asks the Hub, and so sees whether the file may be had."""
    api = hub_api(token)
    head = hub_call(
        f"download {file.name}",
        lambda: api.get_hf_file_metadata(url=_url(file, commit)),
        token=token,
        repo_id=REPO_ID,
        revision=commit,
        stop=stop,
    )
    etag = head.etag or ""
    if not _ETAG.fullmatch(etag) or etag.startswith("."):
        raise HubError(
            f"the Hub gives {file.name} the ETag {quote(etag)}; expected a digest. Is HF_ENDPOINT a Hub?"
        )
    return etag


def _url(file: HubFile, commit: str) -> str:
    from huggingface_hub import constants, hf_hub_url

    return hf_hub_url(REPO_ID, file.name, repo_type="dataset", revision=commit, endpoint=constants.ENDPOINT)


def _fetch_resumable(file: HubFile, commit: str, token: Token | None, stop: threading.Event) -> None:
    blob = emotalk_folder() / "blobs" / _etag_of(file, commit, token, stop)
    blob.parent.mkdir(parents=True, exist_ok=True)
    path = blob.with_name(f"{blob.name}.incomplete")
    while not _has_length(blob, file.size_bytes):
        with locked(path, stop) as out:
            if not is_at(out, path):
                continue  # another process has finished it meanwhile
            if _has_length(blob, file.size_bytes):
                path.unlink()  # and this one has begun another
                continue
            _complete(out, file, commit, token, stop)
            os.fsync(out.fileno())
            path.replace(blob)


def _complete(out: FileIO, file: HubFile, commit: str, token: Token | None, stop: threading.Event) -> None:
    """Fetch what a file lacks, and compare its sha256 where the Hub states one; once anew if it is another."""
    for attempt in (1, 2):
        if os.fstat(out.fileno()).st_size > file.size_bytes:
            out.truncate(0)
        while (before := os.fstat(out.fileno()).st_size) < file.size_bytes:
            try:
                _append(out, file, commit, token, stop)
            except HubUnreachableError as error:
                # As long as something comes it goes on: 15 GB over a bad line take many cuts.
                if isinstance(error, HubOfflineError) or os.fstat(out.fileno()).st_size <= before:
                    raise
        out.seek(0)
        if file.sha256 is None or hashlib.file_digest(out, "sha256").hexdigest() == file.sha256:
            return
        out.truncate(0)
        if attempt == 2:
            raise HubError(
                f"{file.name} of {REPO_ID} came twice with another sha256 than the Hub lists, and was removed. "
                f"Something between here and the Hub changes it: try another network, or without HF_ENDPOINT."
            )


def _append(out: FileIO, file: HubFile, commit: str, token: Token | None, stop: threading.Event) -> None:
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils._headers import build_hf_headers

    def get() -> None:
        http_get(
            _url(file, commit),
            GrowingFile(out, file, stop),  # type: ignore[arg-type]  # all of a file that is asked for
            resume_size=out.seek(0, os.SEEK_END),
            headers=build_hf_headers(token=False if token is None else token.reveal()),
            expected_size=file.size_bytes,
            displayed_filename=file.name,
            tqdm_class=_bar_class(),
        )

    hub_call(f"download {file.name}", get, token=token, repo_id=REPO_ID, revision=commit, stop=stop)


def _bar_class() -> Any:
    """Return the client's progress bar, or a silent one where `datasets` was told to show none."""
    import datasets
    from huggingface_hub.utils.tqdm import tqdm

    return _silent_bar_class() if datasets.utils.are_progress_bars_disabled() else tqdm


def _silent_bar_class() -> Any:
    from huggingface_hub.utils.tqdm import tqdm

    class SilentBar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]

    return SilentBar


@contextmanager
def _bar(num_files: int) -> Iterator[Callable[[], object]]:
    """Show one bar for the many small files of a release that is no archive."""
    if num_files < 2:
        yield lambda: None
        return
    bar = _bar_class()(total=num_files, desc="small files", unit=" files")
    with suppress(AttributeError), bar:
        yield bar.update

"""M3ED from its authors' repository: annotations and split lists, and nothing that they do not release."""

from __future__ import annotations

import json
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from emotalk_data._whole_file import whole_file
from emotalk_data.download.git import check_url, clone, without_password
from emotalk_data.download.growing import locked
from emotalk_data.download.places import M3ED_SOURCE, M3edSource, m3ed_folder, m3ed_source
from emotalk_data.errors import CacheWriteError, EmotalkError, HubError, ReleaseInvalidError, quote

__all__ = ["M3ED_URL", "NOT_RELEASED", "M3edSource", "fetch_m3ed", "m3ed_source"]

M3ED_URL: Final = "https://github.com/AIM3-RUC/RUCM3ED"

NOT_RELEASED: Final = (
    "The authors release annotations, split lists and features. The TV episodes are under copyright and are not "
    "released by anybody; audio clips come from the authors on request. If you own the episodes, "
    "load_dataset('m3ed', episodes_dir=DIR) gives each utterance its sound and pictures out of them."
)

_LOCK: Final = "lock"
_BY_HAND: Final = f"By hand: `git clone --depth 1 {M3ED_URL} DIR`, then data_dir=DIR."


def fetch_m3ed(url: str = M3ED_URL, *, revision: str | None = None) -> M3edSource:
    """Clone the repository; an earlier clone is replaced once the new one is whole.

    Args:
        url: of a mirror, if the authors' own cannot be reached.
        revision: branch or tag; the default branch if omitted.

    Raises:
        MissingDependencyError: git is not installed.
        HubUnreachableError: the repository cannot be cloned; says the way by hand.
        ReleaseInvalidError: what was cloned has no annotation in it.
        CacheWriteError: the folder cannot be written.
        OptionError: a URL or revision that cannot be; a URL with a password or token.
    """
    check_url(url)
    failure: EmotalkError
    try:
        m3ed_folder().mkdir(parents=True, exist_ok=True)
        with locked(m3ed_folder() / _LOCK):
            try:
                return _fetch(url, revision)
            finally:
                _sweep(m3ed_folder())
    except HubError as error:
        failure = error
    except OSError as error:
        if isinstance(error, EmotalkError):
            raise
        where = quote(str(error.filename or m3ed_folder()), 160)
        failure = CacheWriteError(f"cannot write {where}: {error.strerror}. Set HF_HOME to a place of yours.")
    raise type(failure)(f"{failure} {_BY_HAND}")


def _fetch(url: str, revision: str | None) -> M3edSource:
    """Clone beside the clone that is taken, then let the note name the new one: there is always one of them."""
    beside = m3ed_folder() / f".{secrets.token_hex(4)}.writing"
    commit = clone(url, beside, revision=revision)
    if not any(beside.rglob("annotation*.json")):
        raise ReleaseInvalidError(
            f"{quote(without_password(url), 120)} was cloned, and has no annotation.json; expected the "
            f"repository of M3ED. {_BY_HAND}"
        )
    # Another name each time: a folder cannot take the place of one with something in it.
    folder = beside.rename(m3ed_folder() / f"RUCM3ED-{commit[:10]}-{secrets.token_hex(4)}")
    source = M3edSource(
        folder, without_password(url), commit, datetime.now(UTC).isoformat(timespec="seconds")
    )
    facts = {
        "folder": folder.name,
        "url": source.url,
        "commit": source.commit,
        "fetched": source.fetched,
    }
    with whole_file(m3ed_folder() / M3ED_SOURCE) as file:
        file.write(json.dumps(facts, indent=1).encode())
    return source


def _sweep(folder: Path) -> None:
    """Remove earlier clones, and what stopped processes left. Who holds the lock is the only one that writes."""
    source = m3ed_source()
    kept = {_LOCK, M3ED_SOURCE, "" if source is None else source.folder.name}
    # The first version wrote beside this folder.
    for path in (*folder.iterdir(), *folder.parent.glob(".m3ed.*.writing*")):
        if path.name in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

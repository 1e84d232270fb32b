"""M3ED from its authors' repository: annotations and split lists, and nothing that they do not release."""

from __future__ import annotations

import json
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from emotalk_data.download.git import clone, without_password
from emotalk_data.download.places import m3ed_folder
from emotalk_data.errors import CacheWriteError, EmotalkError, HubError, ReleaseInvalidError, quote

__all__ = ["M3ED_URL", "NOT_RELEASED", "M3edSource", "fetch_m3ed", "m3ed_source"]

M3ED_URL: Final = "https://github.com/AIM3-RUC/RUCM3ED"

NOT_RELEASED: Final = (
    "The authors release annotations, split lists and features. The TV episodes are under copyright and are not "
    "released by anybody; audio clips come from the authors on request. If you own the episodes, "
    "load_dataset('m3ed', episodes_dir=DIR) gives each utterance its sound and pictures out of them."
)

_CLONE: Final = "RUCM3ED"
_SOURCE: Final = "source.json"
_BY_HAND: Final = f"By hand: `git clone --depth 1 {M3ED_URL} DIR`, then data_dir=DIR."


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
    """Return what was downloaded; None when nothing was."""
    folder = m3ed_folder()
    with suppress(OSError, ValueError, TypeError, KeyError):
        facts = json.loads((folder / _SOURCE).read_text(encoding="utf-8"))
        if (folder / _CLONE).is_dir():
            return M3edSource(folder / _CLONE, str(facts["url"]), str(facts["commit"]), str(facts["fetched"]))
    return None


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
        OptionError: a URL or revision that cannot be.
    """
    folder = m3ed_folder()
    beside = folder.with_name(f".m3ed.{secrets.token_hex(4)}.writing")
    failure: EmotalkError
    try:
        beside.mkdir(parents=True)
        commit = clone(url, beside / _CLONE, revision=revision)
        if not any((beside / _CLONE).rglob("annotation*.json")):
            raise ReleaseInvalidError(
                f"{quote(without_password(url), 120)} was cloned, and has no annotation.json; expected the "
                f"repository of M3ED. {_BY_HAND}"
            )
        fetched = datetime.now(UTC).isoformat(timespec="seconds")
        facts = {"url": without_password(url), "commit": commit, "fetched": fetched}
        (beside / _SOURCE).write_text(json.dumps(facts, indent=1), encoding="utf-8")
        _put_in_place(beside, folder)
        return M3edSource(folder / _CLONE, facts["url"], commit, fetched)
    except HubError as error:
        failure = error
    except OSError as error:
        if isinstance(error, EmotalkError):
            raise
        where = quote(str(error.filename or folder), 160)
        failure = CacheWriteError(f"cannot write {where}: {error.strerror}. Set HF_HOME to a place of yours.")
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    raise type(failure)(f"{failure} {_BY_HAND}")


def _put_in_place(new: Path, folder: Path) -> None:
    """Give the new clone its name. A kill in between leaves the old one, or, for a moment, none."""
    old = new.with_name(f"{new.name}.old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)

"""What a download of EmotionTalk would fetch: which commit, which of its files, how much, and whether it fits."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from emotalk_data._whole_file import whole_file
from emotalk_data.download.places import (
    COMMIT,
    REPO_ID,
    emotalk_folder,
    pinned_commit,
    read_ref,
    snapshot_folder,
)
from emotalk_data.errors import CacheWriteError, HubError, HubNotFoundError, HubOfflineError, quote
from emotalk_data.hub_client.calling import hub_api, hub_call
from emotalk_data.hub_client.token import Token, find_token
from emotalk_data.loaders.modality_names import modalities_of_name
from emotalk_data.schemas.labels import MODALITIES, Modality

__all__ = ["ARCHIVES", "HubFile", "Plan", "gigabytes", "plan_emotalk"]

ARCHIVES: Final = (".tar", ".tar.gz", ".tgz", ".zip")
_READ: Final = (
    *ARCHIVES,
    ".json",
    ".jsonl",
    ".wav",
    ".mp4",
    ".mkv",
    ".avi",
    ".mov",
    ".flac",
    ".m4a",
    ".webm",
)
_TERMS: Final = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md")
_ROOM_TO_SPARE: Final = 64_000_000
"""Bytes that stay free, for the table and for whoever else writes on that disk."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a commit: its path in the repository, its length, and its sha256 where the Hub states one."""

    name: str
    size_bytes: int
    sha256: str | None

    @property
    def is_archive(self) -> bool:
        """Whether it is a tar or zip."""
        return self.name.lower().endswith(ARCHIVES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A download before it is begun.

    Attributes:
        commit: the commit.
        revision: as the user named it; None for the commit that is kept.
        files: what was asked for, by name.
        missing: those that are not in the cache.
        fetched_bytes: how much of the missing files has come in a download that was stopped.
    """

    commit: str
    revision: str | None
    files: tuple[HubFile, ...]
    missing: tuple[HubFile, ...]
    fetched_bytes: int

    @property
    def folder(self) -> Path:
        """Where the release lies once it is fetched."""
        return snapshot_folder(self.commit)

    @property
    def num_bytes(self) -> int:
        """Bytes that are to come."""
        return max(sum(file.size_bytes for file in self.missing) - self.fetched_bytes, 0)

    def free_bytes(self) -> int:
        """Return how much room there is where they go.

        Raises:
            CacheWriteError: the place cannot be asked.
        """
        place = self.folder
        while not place.exists() and place != place.parent:
            place = place.parent
        try:
            return shutil.disk_usage(place).free
        except OSError as error:
            raise CacheWriteError(f"cannot use {place}: {error.strerror}. Set HF_HOME.") from error

    def check_room(self) -> None:
        """Refuse what does not fit.

        Raises:
            CacheWriteError: says how much is needed and how much is free.
        """
        free = self.free_bytes()
        if self.missing and self.num_bytes + _ROOM_TO_SPARE > free:
            raise CacheWriteError(
                f"cannot download {REPO_ID}: {gigabytes(self.num_bytes)} are to come, and "
                f"{gigabytes(free)} are free at {quote(str(emotalk_folder().parent), 160)}. Make room, set "
                f"HF_HOME to a place with some, or take less: modalities=['text'].",
                path=str(emotalk_folder().parent),
            )


def gigabytes(num_bytes: float) -> str:
    """Return "30.1 GB"; smaller amounts in MB or kB."""
    unit, divisor = next((pair for pair in (("GB", 1e9), ("MB", 1e6)) if num_bytes >= pair[1]), ("kB", 1e3))
    return f"{num_bytes / divisor:,.1f} {unit}"


def plan_emotalk(
    modalities: tuple[Modality, ...] | None, revision: str | None, token: bool | Token | None
) -> Plan:
    """Decide what to fetch. The Hub is asked only for what the cache does not say.

    Raises:
        HubError: as `hub_call`.
        HubNotFoundError: the commit has nothing of a modality; lists what it has.
    """
    asking = _Asking(token)
    commit = _commit_of(revision, asking)
    listing = _stored_listing(commit)
    if listing is None:
        listing = _asked_listing(commit, asking)
    files = _chosen(listing, modalities, commit)
    missing = tuple(file for file in files if not is_whole(file, commit))
    blobs = emotalk_folder() / "blobs"
    partial = [blobs / f"{file.sha256}.incomplete" for file in missing if file.sha256]
    fetched = sum(path.stat().st_size for path in partial if path.is_file())
    return Plan(commit=commit, revision=revision, files=files, missing=missing, fetched_bytes=fetched)


def is_whole(file: HubFile, commit: str) -> bool:
    """Whether the cache has a file with its length. A shorter one is what a broken disk leaves."""
    with suppress(OSError):
        return (snapshot_folder(commit) / file.name).stat().st_size == file.size_bytes
    return False


class _Asking:
    """The token, looked up at the first question."""

    def __init__(self, token: bool | Token | None) -> None:
        self._given = token

    def call(self, what: str, question: Any, revision: str | None = None) -> Any:
        token = find_token(self._given)
        api = hub_api(token)
        return hub_call(what, lambda: question(api), token=token, repo_id=REPO_ID, revision=revision)


def _commit_of(revision: str | None, asking: _Asking) -> str:
    if revision is not None and COMMIT.fullmatch(revision):
        return revision
    if revision is None:
        known = pinned_commit()
        if known is not None:
            return known
    try:
        info = asking.call(
            "find the release on the Hub",
            lambda api: api.repo_info(REPO_ID, repo_type="dataset", revision=revision or "main"),
            revision or "main",
        )
    except HubOfflineError:
        known = read_ref(revision or "main")
        if known is None:
            raise
        return known
    commit = str(info.sha)
    if not COMMIT.fullmatch(commit):
        raise HubError(
            f"the Hub names the commit {quote(commit)}; expected 40 hex digits. Is HF_ENDPOINT a Hub?"
        )
    return commit


def _listing_path(commit: str) -> Path:
    return emotalk_folder() / "emotalk_data" / f"{commit}.json"


def _stored_listing(commit: str) -> tuple[HubFile, ...] | None:
    """Return the files of a commit as we, or the Hub's client, noted them; None where neither did."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        values: Mapping[str, Any] = json.loads(_listing_path(commit).read_text(encoding="utf-8"))
        return _checked(HubFile(name, int(size), sha256) for name, size, sha256 in values["files"])
    # The client's own note. `get_cached_repo_tree` reads it too, and leaves the sha256 out.
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        tree = json.loads((emotalk_folder() / "trees" / f"{commit}.json").read_text(encoding="utf-8"))
        if tree["format_version"] == 1:
            return _checked(
                HubFile(name, int(facts["size"]), facts.get("lfs_sha256"))
                for name, facts in tree["files"].items()
            )
    return None


def _asked_listing(commit: str, asking: _Asking) -> tuple[HubFile, ...]:
    def question(api: Any) -> list[HubFile]:
        tree = api.list_repo_tree(REPO_ID, repo_type="dataset", recursive=True, revision=commit)
        return [
            HubFile(file.path, file.size, file.lfs.sha256 if file.lfs else None)
            for file in tree
            if hasattr(file, "size")
        ]

    files = _checked(asking.call("list the release on the Hub", question, commit))
    text = json.dumps({"files": [[file.name, file.size_bytes, file.sha256] for file in files]}, indent=1)
    path = _listing_path(commit)
    with suppress(OSError):  # without it, the Hub is asked again
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(text.encode())
    return files


def _checked(files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """Return the files by name, if all of the names lie inside of a folder."""
    known = sorted(files, key=lambda file: file.name)
    for file in known:
        path = PurePosixPath(file.name)
        if path.is_absolute() or ".." in path.parts or "\\" in file.name or "\0" in file.name:
            raise HubError(
                f"{REPO_ID} lists a file {quote(file.name)}, which leads out of it. Nothing is fetched."
            )
    return tuple(known)


def _chosen(
    listing: tuple[HubFile, ...], modalities: tuple[Modality, ...] | None, commit: str
) -> tuple[HubFile, ...]:
    """Return the files of a release that are read, or of some modalities; and the terms they come under."""
    read = [file for file in listing if file.name.lower().endswith(_READ) and not _is_hidden(file.name)]
    terms = [file for file in listing if file.name in _TERMS]
    there = {modality for file in read for modality in modalities_of_name(file.name)}
    lacking = [modality for modality in modalities or () if modality not in there]
    if lacking or not read:
        names = ", ".join(file.name for file in (read or listing)[:6]) or "nothing"
        more = f" and {len(read) - 6:,} more" if len(read) > 6 else ""
        raise HubNotFoundError(
            f"{REPO_ID} at {commit[:10]} has nothing of {' and '.join(lacking) or 'a release'}: it has "
            f"{quote(names, 200)}{more}. Modalities there: "
            f"{', '.join(one for one in MODALITIES if one in there) or 'none that a name tells'}."
        )
    if modalities is not None:
        read = [file for file in read if modalities_of_name(file.name) & set(modalities)]
    return tuple(sorted((*read, *terms), key=lambda file: file.name))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))

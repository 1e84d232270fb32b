"""The stores of a double that speaks Xet. `local://` makes the released hf_xet keep one on disk.

Such a store belongs to one process at a time. So each session that uploads gets one of its own, with what the
sessions before it sent, and each token to read gets a fresh copy of one that the double itself has filled.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # our own module only
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from emotalk_data.testing.hub_double import xet_filling
from emotalk_data.testing.hub_double.objects import Objects
from emotalk_data.testing.hub_double.xet_files import XetFile, bytes_of, files_in

__all__ = ["XetStores"]


class XetStores:
    """The stores below one folder, and what Xet calls the objects of the double."""

    def __init__(self, folder: Path, objects: Objects) -> None:
        self._folder = folder / "xet"
        self._objects = objects
        self._lock = threading.RLock()
        self._written: dict[str, Path] = {}
        self._hashes: dict[str, str] = {}
        self._served = self._folder / "served"
        self._num_copies = 0

    def to_write(self, session: str) -> str:
        """Return the address of the store of a session that uploads.

        Args:
            session: what hf_xet calls itself in its request for a token.
        """
        with self._lock:
            if session not in self._written:
                store = self._folder / "written" / str(len(self._written))
                store.mkdir(parents=True)
                any(_copy(each, store) for each in reversed(self._written.values()))  # the last that is free
                self._written[session] = store
            return _address(self._written[session])

    def to_read(self, sha256s: Iterable[str]) -> str:
        """Return the address of a store with these objects, for one process that reads."""
        with self._lock:
            self.hashes_of(sha256s)
            self._num_copies += 1
            copy = self._folder / "read" / str(self._num_copies)
            copy.mkdir(parents=True)
            _copy(self._served, copy)
            return _address(copy)

    def hashes_of(self, sha256s: Iterable[str]) -> Mapping[str, str]:
        """Return what Xet calls these objects, which are here, and others; put them where readers find them."""
        with self._lock:
            new = sorted(set(sha256s) - set(self._hashes))
            if new:
                self._served.mkdir(parents=True, exist_ok=True)
                done = subprocess.run(  # noqa: S603  # our own module
                    [sys.executable, "-m", xet_filling.__name__, _address(self._served)],
                    input="".join(f"{self._objects.path(sha256)}\n" for sha256 in new),
                    env=os.environ | {"HF_HOME": str(self._folder), "HF_XET_TELEMETRY_ENABLED": "0"},
                    capture_output=True,
                    encoding="utf-8",
                    check=False,
                )
                if done.returncode != 0:
                    raise RuntimeError(f"hf_xet could not fill a store:\n{done.stderr}")
                self._hashes.update(zip(new, done.stdout.split(), strict=True))
            return self._hashes

    def bring(self, sha256: str) -> None:
        """Keep an object that a client has sent to its store; nothing happens if none has."""
        with self._lock:
            if self._objects.has(sha256):
                return
            for store in reversed(self._written.values()):
                file = _find(store, sha256)
                if file is not None:
                    self._objects.take_in(bytes_of(file, _xorbs(store)), sha256, is_counted=False)
                    return

    def num_bytes_received(self) -> int:
        """Return the bytes of the xorbs that clients sent: what they had sent before they need not send again."""
        found = [path.stat() for each in self._written.values() for path in _files(_xorbs(each))]
        return sum({each.st_ino: each.st_size for each in found}.values())  # one that was linked is one


def _address(store: Path) -> str:
    return f"local://{store}"


def _xorbs(store: Path) -> Path:
    return store / "xet" / "xorbs" / "xorbs"


def _files(xorbs: Path) -> list[Path]:
    return [path for path in xorbs.glob("default.*") if path.suffix != ".tagset"]


def _find(store: Path, sha256: str) -> XetFile | None:
    for shard in (store / "xet" / "xorbs" / "shards").glob("*.mdb"):
        for file in files_in(shard.read_bytes()):
            if file.sha256 == sha256:
                return file
    return None


def _copy(store: Path, to: Path) -> bool:
    """Copy a store that nobody holds; what never changes is linked. Returns whether it could."""
    import fcntl  # not everywhere, and only Xet needs it

    index = store / "xet" / "xorbs" / "global_dedup_lookup.redb"
    if not index.is_file():
        return False
    with index.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock that hf_xet itself takes
        except BlockingIOError:
            return False
        shutil.copytree(store, to, dirs_exist_ok=True, copy_function=_link_or_copy)
    return True


def _link_or_copy(source: str, target: str) -> str:
    if source.endswith(".redb"):
        return shutil.copyfile(source, target)
    os.link(source, target)
    return target

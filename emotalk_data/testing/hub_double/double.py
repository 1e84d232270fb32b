"""A double of the Hub on this machine: what the clients of the Hub ask for over HTTP, answered from a folder."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from email.message import Message
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from types import TracebackType
from typing import Self

from emotalk_data.testing.hub_double.changing import CHANGING
from emotalk_data.testing.hub_double.faults import Faults, Request
from emotalk_data.testing.hub_double.objects import Objects, StoredFile
from emotalk_data.testing.hub_double.reading import READING
from emotalk_data.testing.hub_double.repositories import Account, Gated, RepoState, Role
from emotalk_data.testing.hub_double.server import HubServer
from emotalk_data.testing.hub_double.uploading import UPLOADING, is_large
from emotalk_data.testing.hub_double.xet_stores import XetStores

__all__ = ["HubDouble"]

_TITLE = "initial commit"
_ATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n"
    for pattern in (
        *(
            "*.7z",
            "*.arrow",
            "*.avro",
            "*.bin",
            "*.bz2",
            "*.ckpt",
            "*.ftz",
            "*.gz",
            "*.h5",
            "*.joblib",
            "*.lz4",
        ),
        *(
            "*.mds",
            "*.mlmodel",
            "*.model",
            "*.msgpack",
            "*.npy",
            "*.npz",
            "*.onnx",
            "*.ot",
            "*.parquet",
            "*.pb",
        ),
        *(
            "*.pickle",
            "*.pkl",
            "*.pt",
            "*.pth",
            "*.rar",
            "*.safetensors",
            "*.tar",
            "*.tar.*",
            "*.tflite",
            "*.tgz",
        ),
        *("*.wasm", "*.xz", "*.zip", "*.zst", "*.pcm", "*.sam", "*.raw", "*.aac", "*.flac", "*.mp3", "*.ogg"),
        *("*.wav", "*.bmp", "*.gif", "*.png", "*.tiff", "*.jpg", "*.jpeg", "*.webp", "*.mp4", "*.webm"),
    )
)


class HubDouble:
    """A small server that answers as the Hub does, so that its clients can be tested without it.

    A context manager: it answers on a free port of the loopback interface until the block ends. It holds
    datasets only. Tests against it are contract tests against a double; nothing here says what the Hub
    itself does tomorrow.

    Attributes:
        endpoint: what `HF_ENDPOINT` has to be.
        cdn: where large files are fetched from and sent to, by signed links. Another host than `endpoint` in
            the eyes of a client, which must not send its token there.
        faults: what is to go wrong. Append a `Fault`.
        requests: what was asked, in the order of arrival.
        errors: tracebacks of the double's own failures. Empty, or the double is wrong.
        page_size: entries of one page of a tree; None for 1,000.
        objects: the contents of all files.
        xet: the stores of Xet; None where large files go by LFS.
        stopping: set once it ends; whatever hangs then wakes.
    """

    def __init__(self, folder: Path | None = None, *, xet: bool = False) -> None:
        """Make a double. It answers once the context is entered.

        Args:
            folder: keeps the contents of files there, and what is there already counts as uploaded; a
                temporary folder that goes with the double if None.
            xet: large files go the way of Xet, through hf_xet and a store on disk, instead of LFS.
        """
        self._is_temporary = folder is None
        self._folder = Path(mkdtemp(prefix="hub-double-")) if folder is None else Path(folder)
        self.objects = Objects(self._folder)
        self.faults = Faults()
        self.requests: list[Request] = []
        self.errors: list[str] = []
        self.page_size: int | None = None
        self.stopping = threading.Event()
        self.signature = token_hex(8)
        self.xet = XetStores(self._folder, self.objects) if xet else None
        self._accounts: dict[str, Account] = {}
        self._repos: dict[str, RepoState] = {}
        self._lock = threading.Lock()
        self._server: HubServer | None = None
        self.endpoint = ""
        self.cdn = ""

    def __enter__(self) -> Self:
        self._server = HubServer(self, READING | CHANGING | UPLOADING)
        port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self.cdn = f"http://{_second_name()}:{port}"
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        if self._server is not None:
            self._server.stop()
        if self._is_temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def received(self) -> Counter[str]:
        """For each sha256, how often a client sent all of its bytes."""
        return self.objects.received

    @property
    def bytes_received(self) -> int:
        """Bytes of the objects that clients sent whole; with Xet, of the xorbs that they sent."""
        return self.objects.num_bytes_received + (self.xet.num_bytes_received() if self.xet else 0)

    def add_account(
        self, name: str, token: str, role: Role = "write", organisations: Collection[str] = ()
    ) -> Account:
        """Let a token in.

        Args:
            name: of the account, and of its namespace.
            token: what it signs in with.
            role: what the token may do: `write`, `read`, or nothing any more, `expired`.
            organisations: further namespaces that are its own.
        """
        account = Account(name, token, role, tuple(organisations))
        self._accounts[token] = account
        return account

    def account_of(self, headers: Message) -> Account | None:
        """Return whose token a request carries; None for none, and for one that is not known."""
        return self._accounts.get((headers.get("Authorization") or "").removeprefix("Bearer ").strip())

    def add_repo(
        self,
        repo_id: str,
        files: Mapping[str, bytes | Path] | None = None,
        *,
        gated: Gated = False,
        private: bool = False,
        let_in: Collection[str] = (),
    ) -> str:
        """Make a repository, as if its owner had: nothing of it counts as received.

        Args:
            repo_id: namespace and name.
            files: path in the repository -> bytes, or a file whose bytes are copied.
            gated: whether others have to be let in.
            private: whether others can see it.
            let_in: names of accounts that have been let in.

        Returns:
            The commit of `main`.
        """
        if not self.create_repo(repo_id, author=repo_id.partition("/")[0], private=private):
            raise ValueError(f"{repo_id} is there already")
        repo = self.repo(repo_id)
        repo.gated = gated
        repo.let_in |= set(let_in)
        if files:
            self.commit(repo_id, files)
        return repo.branches["main"]

    def commit(self, repo_id: str, files: Mapping[str, bytes | Path | None], title: str = "Update") -> str:
        """Make a commit on `main`, as if its owner had: None as content deletes. Returns the commit."""
        repo = self.repo(repo_id)
        stored = {path: self._store(path, content) for path, content in files.items() if content is not None}

        def change(tree: dict[str, StoredFile]) -> None:
            for path in set(files) - set(stored):
                del tree[path]
            tree.update(stored)

        with repo.lock:
            author = repo_id.partition("/")[0]
            made = repo.add_commit(change, title=title, author=author, parent=repo.branches["main"])
            repo.branches["main"] = made.oid
        return made.oid

    def _store(self, path: str, content: bytes | Path) -> StoredFile:
        sha256, num_bytes = self.objects.put(content)
        with self.objects.path(sha256).open("rb") as file:
            sample = file.read(512)
        return self.objects.describe(
            sha256, is_lfs=num_bytes > 0 and is_large(path, num_bytes, sample, _ATTRIBUTES)
        )

    def create_repo(self, repo_id: str, *, author: str, private: bool) -> bool:
        """Make a repository with its first commit. Returns False if it is there already."""
        with self._lock:
            if repo_id in self._repos:
                return False
            repo = RepoState(repo_id, self.objects, private=private)
            attributes = self.objects.describe(self.objects.put(_ATTRIBUTES.encode())[0], is_lfs=False)
            first = repo.add_commit(
                lambda tree: tree.update({".gitattributes": attributes}),
                title=_TITLE,
                author=author,
                parent=None,
            )
            repo.branches["main"] = first.oid
            self._repos[repo_id] = repo
            return True

    def delete_repo(self, repo_id: str) -> None:
        """Remove a repository; its contents stay in the store."""
        with self._lock:
            del self._repos[repo_id]

    def find_repo(self, repo_id: str) -> RepoState | None:
        """Return a repository; None where there is none of this name."""
        return self._repos.get(repo_id)

    def repo(self, repo_id: str) -> RepoState:
        """Return a repository, to look into.

        Raises:
            KeyError: there is none of this name.
        """
        return self._repos[repo_id]

    def environment(self, token: str | None, home: Path) -> dict[str, str]:
        """Return the environment of a child process whose Hub is this double.

        Args:
            token: what it signs in with; None for nobody.
            home: its `HF_HOME`: caches and logins lie there.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "HUGGING", "HUGGINGFACE_")) and not name.lower().endswith("_proxy")
        }
        return kept | self.variables(token, home)

    def variables(self, token: str | None, home: Path) -> dict[str, str]:
        """Return what of the environment differs for a process whose Hub is this double."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_TOKEN": token or "",
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "0" if self.xet else "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "NO_PROXY": "*",
            "no_proxy": "*",
        }


def _second_name() -> str:
    """Return another name of the loopback interface, where this machine has one."""
    try:
        return "localhost" if socket.gethostbyname("localhost") == "127.0.0.1" else "127.0.0.1"
    except OSError:
        return "127.0.0.1"

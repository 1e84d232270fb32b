"""What is to go wrong, and the record of what was asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Fault", "Faults", "Request"]


@dataclass(slots=True)
class Request:
    """One request, in the order of arrival. It is filled in while it is answered.

    Attributes:
        method: GET, HEAD, POST, PUT or DELETE.
        path: what was asked for, percent signs resolved, without the query.
        query: the query as it came.
        account: whose token came along; None without one, `?` for a token that the double does not know.
        range: the header `Range`.
        status: the answer; 0 until there is one, and where none was sent.
        num_body_bytes: bytes of the request's body that were taken in.
        num_sent_bytes: bytes of the answer's body that were sent.
    """

    method: str
    path: str
    query: str = ""
    account: str | None = None
    range: str | None = None
    status: int = 0
    num_body_bytes: int = 0
    num_sent_bytes: int = 0


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with the requests that it fits. Append it to `HubDouble.faults`.

    Without anything else set it changes nothing and only counts.

    Attributes:
        method: only requests of this method; None for any.
        path: a regular expression that is searched in the path (and in the path with its query).
        status: answer this and do nothing of what was asked.
        times: how many requests it hits; None for all.
        skip: how many requests it lets pass first.
        headers: of the answer with `status`.
        body: of the answer with `status`.
        cut_after: do what was asked, and close the connection after so many bytes of the answer's body; 0
            sends nothing at all, so that the answer is lost. Only answers with more bytes than that are cut.
        cut_upload_after: read so many bytes of the request's body, close the connection, do nothing. Only bodies
            with more bytes than that are cut.
        hang_seconds: stay silent so long before the answer; with `cut_after`, once those bytes are sent.
        num_hits: how many requests it has hit.
    """

    path: str = ""
    method: str | None = None
    status: int | None = None
    times: int | None = 1
    skip: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None
    cut_upload_after: int | None = None
    hang_seconds: float | None = None
    num_hits: int = 0

    def fits(self, request: Request) -> bool:
        """Whether it is about this request; it may yet let it pass."""
        if self.method not in (None, request.method) or self.times == self.num_hits:
            return False
        found = re.search(self.path, request.path) or re.search(self.path, f"{request.path}?{request.query}")
        return found is not None


class Faults(list[Fault]):
    """The faults of a double, in the order in which they are tried: each request meets the first that hits."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        super().__init__(faults)
        self._lock = threading.Lock()

    def hit(self, request: Request) -> Fault | None:
        """Return the fault that this request meets, and count it."""
        with self._lock:
            for fault in self:
                if not fault.fits(request):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.num_hits += 1
                return fault
        return None

    def spare(self, fault: Fault) -> None:
        """Take a hit back: the fault had nothing to act on."""
        with self._lock:
            fault.num_hits -= 1

"""The HTTP side of a double: one thread per connection, faults before and after the routes."""

from __future__ import annotations

import re
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from emotalk_data.testing.hub_double.calls import Body, BrokenBodyError, Call
from emotalk_data.testing.hub_double.faults import Fault, Request
from emotalk_data.testing.hub_double.refusals import Answer, RefusedError, json_answer, refused

if TYPE_CHECKING:
    from emotalk_data.testing.hub_double.double import HubDouble

__all__ = ["HubServer", "Route", "Routes"]

Route = Callable[..., Answer]
Routes = dict[tuple[str, str], Route]
"""Methods and a pattern of the path as it was sent -> what answers, with the groups of the pattern by name."""


class HubServer(ThreadingHTTPServer):
    """The server of one double, on a free port of the loopback interface."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, hub: HubDouble, routes: Routes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.routes = [
            (methods.split(), re.compile(pattern), route) for (methods, pattern), route in routes.items()
        ]
        self.connections: set[socket.socket] = set()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="hub-double", daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and end what is being answered."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in list(self.connections):
            _end(connection)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002  # given by socketserver
        """Keep silent about clients that go away, and remember anything else."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.hub.errors.append("".join(traceback.format_exception(error)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "hub-double"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: HubServer

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: `HubDouble.requests` tells more."""

    def _answer(self) -> None:
        hub = self.server.hub
        target = urlsplit(self.path)
        account = hub.account_of(self.headers)
        known = account.name if account else "?" if self.headers.get("Authorization") else None
        request = Request(self.command, unquote(target.path), target.query, known, self.headers.get("Range"))
        hub.requests.append(request)
        body = Body(self.rfile, self.headers, request)
        fault = hub.faults.hit(request)
        try:
            if fault is not None and fault.cut_upload_after is not None:
                if body.is_longer_than(fault.cut_upload_after):
                    body.take(fault.cut_upload_after)
                    self._cut()
                    return
                hub.faults.spare(fault)
            if fault is not None and fault.hang_seconds is not None and fault.cut_after is None:
                hub.stopping.wait(fault.hang_seconds)
            if fault is not None and fault.status is not None:
                answer = Answer(fault.status, dict(fault.headers), fault.body)
            else:
                answer = self._route(Call(hub, request, self.headers, body), target.path)
            body.drain()
        except BrokenBodyError:
            self._cut()
            return
        self._send(request, answer, fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  # names of the base class

    def _route(self, call: Call, path: str) -> Answer:
        try:
            for methods, pattern, route in self.server.routes:
                match = pattern.fullmatch(path)
                if match and self.command in methods:
                    found = match.groupdict()
                    return route(call, **{name: unquote(text or "") for name, text in found.items()})
        except RefusedError as error:
            return error.answer
        except (BrokenBodyError, ConnectionError):
            raise  # the client went away
        except Exception:
            self.server.hub.errors.append(traceback.format_exc())
            return json_answer({"error": "the double failed: see HubDouble.errors"}, 500)
        return refused(404, "Sorry, we can't find the page you are looking for.").answer

    def _send(self, request: Request, answer: Answer, fault: Fault | None) -> None:
        num_bytes = 0 if self.command == "HEAD" else answer.num_bytes
        cut_after = fault.cut_after if fault is not None else None
        if fault is not None and cut_after and cut_after >= num_bytes:
            self.server.hub.faults.spare(fault)  # a redirect, say: there is nothing to cut
            cut_after = None
        if cut_after != 0:
            self._send_head(request, answer)
            self._send_body(request, answer if num_bytes else Answer(), cut_after)
        if fault is not None and cut_after is not None:
            self.wfile.flush()
            self.server.hub.stopping.wait(fault.hang_seconds or 0)
            self._cut()

    def _send_head(self, request: Request, answer: Answer) -> None:
        request.status = answer.status
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers and answer.status != 304:
            self.send_header("Content-Length", str(answer.num_bytes))
        self.end_headers()

    def _send_body(self, request: Request, answer: Answer, cut_after: int | None) -> None:
        for chunk in answer.chunks():
            piece = chunk if cut_after is None else chunk[: cut_after - request.num_sent_bytes]
            request.num_sent_bytes += len(piece)
            self.wfile.write(piece)
            if len(piece) < len(chunk):
                return

    def _cut(self) -> None:
        self.close_connection = True
        self.server.connections.discard(self.connection)
        _end(self.connection)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster

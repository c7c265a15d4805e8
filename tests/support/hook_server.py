"""A server that takes deliveries over real sockets, and does what servers do to them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

__all__ = ["HookServer", "Taken", "hook_server"]

Manner = Literal["takes", "fails", "redirects", "hangs", "breaks", "dribbles"]


@dataclass(frozen=True, slots=True)
class Taken:
    """One delivery as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def seqs(self) -> list[int]:
        """Of its events."""
        return [event["seq"] for event in self.json["events"]]


@dataclass(slots=True)
class _Seen:
    came: list[Taken] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)


class HookServer(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers in its manner."""

    daemon_threads = True

    def __init__(self) -> None:
        self.manner: Manner = "takes"
        self.seen = _Seen()
        self.is_over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Posted)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def taken(self) -> list[Taken]:
        """What was answered with 204."""
        return self.seen.taken

    @property
    def came(self) -> list[Taken]:
        """Whatever came."""
        return self.seen.came

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of those who went away."""


class _Posted(BaseHTTPRequestHandler):
    server: HookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        delivery = Taken(self.path, headers, body)
        self.server.came.append(delivery)
        match self.server.manner:
            case "takes":
                self.server.taken.append(delivery)
                self.send_response(204)
                self.end_headers()
            case "fails":
                self._say(500)
            case "redirects":
                self._say(307, ("Location", "/elsewhere"))
            case "hangs":
                self.server.is_over.wait(20)
                self.close_connection = True
            case "breaks":
                self.close_connection = True
            case "dribbles":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not self.server.is_over.wait(0.02):
                    self.wfile.write(b"x: y\r\n")
                    self.wfile.flush()

    def _say(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def hook_server() -> Iterator[HookServer]:
    """Run a server in a thread of its own, and end it."""
    server = HookServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()

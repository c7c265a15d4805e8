"""Servers that take messages over real sockets: a webhook and a mail server."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

__all__ = ["MailServer", "WebHook", "mail_server", "serving", "web_hook"]


class WebHook(HTTPServer):
    """Keeps what is posted to it; answers with `status`, not before `may_answer` is set."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.may_answer = threading.Event()
        self.may_answer.set()
        super().__init__(("127.0.0.1", 0), _Posted)

    def url(self, path: str = "") -> str:
        """Return its address in apprise's form."""
        return f"json://127.0.0.1:{self.server_port}/{path}"


class _Posted(BaseHTTPRequestHandler):
    server: WebHook

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.posted.append((self.path, json.loads(self.rfile.read(length))))
        self.server.may_answer.wait(20)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class MailServer(socketserver.TCPServer):
    """Takes mail in the words of RFC 5321, with a login that it never refuses."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []
        """Sender, recipient, and the whole text of each."""
        super().__init__(("127.0.0.1", 0), _Mail)

    def url(self, password: str) -> str:
        """Return its address in apprise's form."""
        where = f"mailto://lab:{password}@127.0.0.1:{self.server_address[1]}"
        return f"{where}?from=lab@lab.example&to=ada@lab.example&mode=insecure"


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        sender = recipient = ""
        self._say("220 lab")
        while line := self.rfile.readline().decode().strip():
            word = line.upper()
            if word.startswith("EHLO"):
                self._say("250-lab")
                self._say("250 AUTH PLAIN LOGIN")
            elif word.startswith("AUTH"):
                self._say("235 fine")
            elif word.startswith("MAIL FROM"):
                sender = line.partition("<")[2].partition(">")[0]
                self._say("250 fine")
            elif word.startswith("RCPT TO"):
                recipient = line.partition("<")[2].partition(">")[0]
                self._say("250 fine")
            elif word == "DATA":
                self._say("354 go on")
                self.server.mails.append((sender, recipient, self._text()))
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 goodbye")
                return
            else:
                self._say("250 fine")

    def _text(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    """Let a server serve in a thread of its own, and end it."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def web_hook() -> Iterator[WebHook]:
    """Run a webhook."""
    with serving(WebHook()) as server:
        yield server


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server."""
    with serving(MailServer()) as server:
        yield server

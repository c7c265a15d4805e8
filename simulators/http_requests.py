"""Takes HTTP requests out of a stream of bytes, for pretend devices, and makes their replies."""

import json
from dataclasses import dataclass, field
from typing import Final

__all__ = ["HttpAsk", "ask_in", "reply_with", "taken_from"]

_HEAD_END: Final = b"\r\n\r\n"
_REASONS: Final = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class HttpAsk:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    """By name in small letters."""
    body: bytes = b""

    def json(self) -> object:
        """Return the JSON of the body, or None if it holds none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def taken_from(buffer: bytes) -> tuple[bytes | None, bytes]:
    r"""Return the first whole request in a buffer, or None, and what is left of it.

    Example:
        >>> taken_from(b"GET / HTTP/1.1\r\n\r\nGET")
        (b'GET / HTTP/1.1\r\n\r\n', b'GET')
    """
    head, end, _ = buffer.partition(_HEAD_END)
    if not end:
        return None, buffer
    n_bytes = len(head) + len(end) + _length_in(head)
    if len(buffer) < n_bytes:
        return None, buffer
    return buffer[:n_bytes], buffer[n_bytes:]


def ask_in(request: bytes) -> HttpAsk:
    """Take a whole request apart."""
    head, _, body = request.partition(_HEAD_END)
    line, *rest = head.decode("latin-1").split("\r\n")
    method, path, *_ = [*line.split(" "), "", ""]
    pairs = (header.partition(":") for header in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return HttpAsk(method, path, headers, body)


def reply_with(status: int, document: object) -> bytes:
    """Return a reply that carries JSON."""
    body = json.dumps(document, separators=(",", ":")).encode("utf-8")
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _length_in(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0

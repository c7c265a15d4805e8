"""HTTP/1.1 requests and replies as bytes, with JSON in them; no I/O happens here.

h11 knows the bytes. A request asks the device to close the connection after its reply; a reply
must say its own length, by Content-Length or in chunks.

References:
    RFC 9110 and RFC 9112 (HTTP), RFC 8259 (JSON), RFC 6901 (JSON pointer).
"""

import json
import math
from dataclasses import dataclass
from typing import Final, NoReturn
from urllib.parse import quote

import h11

from drivers.errors import ProtocolError

__all__ = [
    "LONGEST_BYTES",
    "HttpReply",
    "HttpRequest",
    "decode",
    "encode",
    "json_in",
    "json_text",
    "n_bytes_missing",
    "path_of",
    "value_at",
]

LONGEST_BYTES: Final = 1_000_000
"""No reply of a laboratory device is longer."""
_LONGEST_HEAD: Final = 16_384
_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request."""

    method: str
    """``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``."""
    path: str
    """With its query, percent-encoded, as `path_of` makes it."""
    body: str | None = None
    """Its text, in UTF-8."""
    content_type: str = "application/json"
    """Of the body, if there is one."""
    headers: tuple[tuple[str, str], ...] = ()
    """More headers, in order."""
    host: str = "device"
    """The device's name for its Host header."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One whole reply."""

    status: int
    """100 to 599; 200 to 299 is success."""
    content_type: str
    """Without its parameters; empty if it says none."""
    text: str


def path_of(*segments: str, **query: str) -> str:
    """Return a path whose segments cannot break out of their places.

    Raises:
        ValueError: A segment is empty or means another folder.

    Example:
        >>> path_of("runs", "a/b", cursor="1&2")
        '/runs/a%2Fb?cursor=1%262'
    """
    if any(segment in {"", ".", ".."} for segment in segments):
        raise ValueError(f"segments: got {segments}, expected names")
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    pairs = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query.items())
    return f"{path}?{pairs}" if pairs else path


def json_text(value: object) -> str:
    """Write JSON, short; numbers that are not finite are refused.

    Raises:
        ValueError: A number is not finite, or a value is none of JSON's.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except TypeError as error:
        raise ValueError(f"got {value!r}, expected what JSON knows") from error


def encode(request: HttpRequest) -> bytes:
    r"""Return the bytes of a request.

    Args:
        request: What is asked.

    Raises:
        ValueError: The method, the path or a header cannot stand in a request.

    Example:
        >>> encode(HttpRequest("GET", "/health"))
        b'GET /health HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n'
    """
    if request.method not in _METHODS:
        raise ValueError(f"method: got {request.method!r}, expected one of {_METHODS}")
    path = request.path
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise ValueError(f"path: got {path!r}, expected one that begins with / and is encoded")
    texts = (
        request.host,
        request.content_type,
        *(text for pair in request.headers for text in pair),
    )
    if not all(text.isascii() and text.isprintable() for text in texts):
        raise ValueError(f"headers: got {texts}, expected printable ASCII")
    body = b"" if request.body is None else request.body.encode("utf-8")
    headers = [("Host", request.host), ("Connection", "close"), *request.headers]
    if request.body is not None:
        headers += [("Content-Type", request.content_type), ("Content-Length", str(len(body)))]
    try:
        connection = h11.Connection(h11.CLIENT)
        line = h11.Request(method=request.method, target=path, headers=headers)
        return b"".join(
            connection.send(event) or b""
            for event in (line, *([h11.Data(data=body)] if body else []), h11.EndOfMessage())
        )
    except h11.LocalProtocolError as error:
        raise ValueError(
            f"request: got {request}, expected one that HTTP knows: {error}"
        ) from error


def n_bytes_missing(frame: bytes) -> int:
    r"""Return how many bytes a reply still needs, or 1 while its length cannot be told yet.

    Raises:
        ProtocolError: It is no reply, does not say its length, or is too long.

    Example:
        >>> n_bytes_missing(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        3
    """
    if not frame.startswith(b"HTTP/1."[: len(frame)]):
        raise ProtocolError("not the beginning of a reply", frame[:100])
    head, end, body = frame.partition(_HEAD_END)
    if not end:
        if len(frame) > _LONGEST_HEAD:
            raise ProtocolError("a head without an end", frame[:100])
        return 1
    headers = _headers_in(head)
    if (length := headers.get(b"content-length")) is not None:
        if not length.isdigit() or len(length) > 7 or int(length) > LONGEST_BYTES:
            raise ProtocolError("a length that no device would say", head[:200])
        return max(0, int(length) - len(body))
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        if len(body) > LONGEST_BYTES:
            raise ProtocolError("chunks without an end", head[:200])
        return 0 if _is_whole(frame) else 1
    if _status_in(head) in (204, 304):
        return 0
    raise ProtocolError("a reply that does not say its length", head[:200])


def _headers_in(head: bytes) -> dict[bytes, bytes]:
    lines = head.split(b"\r\n")[1:]
    pairs = (line.partition(b":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _status_in(head: bytes) -> int:
    word = head[9:12]
    return int(word) if word.isdigit() else 0


def _is_whole(frame: bytes) -> bool:
    try:
        _events_in(frame)
    except _Incomplete:
        return False
    return True


class _Incomplete(Exception):
    """A reply that has no end yet."""


def decode(frame: bytes) -> HttpReply:
    r"""Read one whole reply.

    Raises:
        ProtocolError: It is cut short, too long, damaged, or not UTF-8.

    Example:
        >>> decode(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").text
        'hi'
    """
    if n_bytes_missing(frame):
        raise ProtocolError("not one whole reply", frame[:200])
    try:
        response, body, rest = _events_in(frame)
    except _Incomplete as error:
        raise ProtocolError("not one whole reply", frame[:200]) from error
    if rest:
        raise ProtocolError("bytes after the end of a reply", rest[:100])
    headers = {bytes(name): bytes(value) for name, value in response.headers}
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    try:
        return HttpReply(response.status_code, kind.decode("ascii"), body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ProtocolError("a reply that is not UTF-8", frame[:200]) from error


def _events_in(frame: bytes) -> tuple[h11.Response, bytes, bytes]:
    """Return the head of a reply, its body, and what comes after it."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "device")]))
    connection.send(h11.EndOfMessage())
    response: h11.Response | None = None
    body = b""
    try:
        connection.receive_data(frame)
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                raise _Incomplete
    except h11.RemoteProtocolError as error:
        raise ProtocolError(f"not HTTP: {error}", frame[:200]) from error
    if response is None:
        raise ProtocolError("no head", frame[:200])
    return response, body, connection.trailing_data[0]


def json_in(reply: HttpReply) -> object:
    """Return the JSON of a reply.

    Raises:
        ProtocolError: It holds none, or a number that is not finite.
    """

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number of JSON")

    try:
        found = json.loads(reply.text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"no JSON: {error}", reply.text[:200].encode()) from error
    return found


def value_at(document: object, pointer: str) -> object:
    """Return what a JSON pointer points at.

    Args:
        document: As `json_in` gives it.
        pointer: ``/data/0/value``; empty is the whole document.

    Raises:
        ProtocolError: Nothing is there.

    Example:
        >>> value_at({"data": [{"a/b": 7}]}, "/data/0/a~1b")
        7
    """
    found = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise ProtocolError(f"nothing at {pointer}", json.dumps(document)[:200].encode())
    if isinstance(found, float) and not math.isfinite(found):
        raise ProtocolError(f"no finite number at {pointer}", repr(found).encode())
    return found

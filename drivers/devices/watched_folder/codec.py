"""Requests to a watched folder and its replies: JSON, one object a line; no I/O happens here."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "READERS",
    "REPLY_END",
    "File",
    "Reply",
    "Request",
    "bytes_in",
    "decode",
    "encode",
    "files_in",
    "greeting_in",
]

REPLY_END: Final = b"\n"
_REQUESTS: Final = ("hello", "list", "read")
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    do: str
    """``hello``, ``list`` or ``read``."""
    name: str = ""
    """Of the file to read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    do: str
    error: str
    """Why it was not done; empty if it was."""
    text: str
    """What else it says, as JSON with sorted keys."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as the folder lists it."""

    name: str
    size_bytes: int
    changed_ns: int
    """When it was written last, by the folder's own clock; only compared with itself."""


def encode(request: Request) -> bytes:
    r"""Return the line that carries a request.

    Raises:
        ValueError: There is no such request, or the name is none of a file.

    Example:
        >>> encode(Request("read", "scan_0001.xy"))
        b'{"do":"read","name":"scan_0001.xy"}\n'
    """
    if request.do not in _REQUESTS or (request.do == "read") != bool(request.name):
        raise ValueError(f"request: got {request}, expected one of {_REQUESTS}")
    name = request.name
    if not name.isprintable() or len(name) > _LONGEST_NAME or {"/", "\\"} & set(name):
        raise ValueError(f"name: got {name!r}, expected that of a file in the folder")
    document = {"do": request.do} | ({"name": name} if name else {})
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def decode(frame: bytes) -> Reply:
    r"""Read one line.

    Raises:
        ProtocolError: It is none of a folder's answers.

    Example:
        >>> decode(b'{"do":"hello","ok":true,"folder":"x","version":1}\n').text
        '{"folder": "x", "version": 1}'
    """
    if not frame.endswith(REPLY_END) or frame.count(b"\n") != 1 or not frame.isascii():
        raise ProtocolError("not one line of ASCII", frame[:200])
    try:
        document = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"no JSON: {error}", frame[:200]) from error
    if not isinstance(document, dict) or document.get("do") not in _REQUESTS:
        raise ProtocolError("not an answer of a folder", frame[:200])
    is_done, why = document.pop("ok", None), document.pop("error", "")
    if not isinstance(is_done, bool) or not isinstance(why, str) or is_done == bool(why):
        raise ProtocolError("neither done nor refused", frame[:200])
    do = document.pop("do")
    return Reply(do, why, json.dumps(document, sort_keys=True))


def greeting_in(reply: Reply) -> str:
    """Return who answers.

    Raises:
        ProtocolError: It is another answer.
    """
    document = _document(reply, "hello")
    folder, version = document.get("folder"), document.get("version")
    if not isinstance(folder, str) or type(version) is not int or not folder.isprintable():
        raise ProtocolError("no greeting", reply.text[:200].encode())
    return f"{folder} {version}"


def files_in(reply: Reply) -> tuple[File, ...]:
    """Return the files of a list.

    Raises:
        ProtocolError: It is another answer.
    """
    listed = _document(reply, "list").get("files")
    if not isinstance(listed, list):
        raise ProtocolError("no list of files", reply.text[:200].encode())
    return tuple(map(_file, listed))


def bytes_in(reply: Reply) -> bytes:
    """Return the contents of a file.

    Raises:
        ProtocolError: It is another answer, or damaged.
    """
    document = _document(reply, "read")
    data, size = document.get("data"), document.get("size_bytes")
    try:
        found = base64.b64decode(data, validate=True) if isinstance(data, str) else None
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(f"damaged contents: {error}", reply.text[:200].encode()) from error
    if found is None or len(found) != size:
        raise ProtocolError("contents of another length than said", reply.text[:200].encode())
    return found


def _document(reply: Reply, do: str) -> dict[str, object]:
    document = json.loads(reply.text)
    if reply.do != do or reply.error or not isinstance(document, dict):
        raise ProtocolError(f"not an answer to {do}", reply.text[:200].encode())
    return document


def _file(one: object) -> File:
    fields = one if isinstance(one, dict) else {}
    name, size, changed = (fields.get(key) for key in ("name", "size_bytes", "changed_ns"))
    if not isinstance(name, str) or type(size) is not int or type(changed) is not int or size < 0:
        raise ProtocolError("not a file", repr(one)[:200].encode())
    return File(name, size, changed)


READERS: Final = (bytes_in, files_in, greeting_in)
"""Every function that reads the fields of a reply."""

"""Requests to a line of kind ``opc_ua`` and its replies: JSON, one object a line; no I/O here."""

import json
import math
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "READERS",
    "REPLY_END",
    "Reply",
    "Request",
    "decode",
    "encode",
    "names_in",
    "number_in",
    "run_id_in",
    "server_in",
    "text_in",
]

REPLY_END: Final = b"\n"
_REQUESTS: Final = ("hello", "read", "list", "call")
_ANSWERS: Final = {"hello": "server", "read": "value", "list": "names", "call": "results"}
_LONGEST_PATH: Final = 1000
_LONGEST_NAME: Final = 500


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    do: str
    """``hello``, ``read``, ``list`` or ``call``."""
    path: str = ""
    """Browse names from Objects on, with / between them."""
    method: str = ""
    """The method to call."""
    arguments: tuple[str, ...] = ()
    """Of the method; an empty list stands for ``[]``."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    do: str
    error: str
    """Why it was not done; empty if it was."""
    text: str
    """What it says, as JSON."""


def encode(request: Request) -> bytes:
    r"""Return the line that carries a request.

    Raises:
        ValueError: There is no such request, or a character does not belong on the wire.

    Example:
        >>> encode(Request("read", "DeviceSet/Shaker/Model"))
        b'{"do":"read","path":"DeviceSet/Shaker/Model"}\n'
    """
    if request.do not in _REQUESTS or (request.do == "hello") == bool(request.path):
        raise ValueError(f"request: got {request}, expected one of {_REQUESTS}")
    if (request.do == "call") != bool(request.method):
        raise ValueError(f"request: got {request}, expected a method with call alone")
    texts = (request.path, request.method, *request.arguments)
    if not all(text.isprintable() and len(text) <= _LONGEST_PATH for text in texts):
        raise ValueError(f"request: got {texts}, expected short printable texts")
    document: dict[str, object] = {"do": request.do}
    if request.path:
        document["path"] = request.path
    if request.method:
        document["method"] = request.method
        document["arguments"] = [[] if one == "[]" else one for one in request.arguments]
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def decode(frame: bytes) -> Reply:
    r"""Read one line.

    Raises:
        ProtocolError: It does not end, or is no answer.

    Example:
        >>> decode(b'{"do":"read","ok":true,"value":21.5}\n')
        Reply(do='read', error='', text='21.5')
    """
    if not frame.endswith(REPLY_END) or not frame.isascii():
        raise ProtocolError("not a line of JSON in ASCII", frame)
    try:
        said = json.loads(frame, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not a line of JSON", frame) from error
    if not isinstance(said, dict) or said.get("do") not in _ANSWERS:
        raise ProtocolError("not an answer of this line", frame)
    do, is_done = str(said["do"]), said.get("ok")
    if is_done is True and set(said) == {"do", "ok", _ANSWERS[do]}:
        return Reply(do, "", json.dumps(said[_ANSWERS[do]]))
    error_text = said.get("error")
    if is_done is False and set(said) == {"do", "ok", "error"} and isinstance(error_text, str):
        if not error_text:
            raise ProtocolError("a refusal without a reason", frame)
        return Reply(do, error_text, "")
    raise ProtocolError("not an answer of this line", frame)


def server_in(reply: Reply) -> str:
    """Return what the server calls itself, and since when it runs.

    Raises:
        ProtocolError: The answer is none to hello.
    """
    return _text(reply, "hello")


def text_in(reply: Reply) -> str:
    """Return a text that was read.

    Raises:
        ProtocolError: The answer is no text that was read.
    """
    return _text(reply, "read")


def number_in(reply: Reply) -> float:
    """Return a number that was read.

    Raises:
        ProtocolError: The answer is no finite number that was read.
    """
    value = _value(reply, "read")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolError("not a number", reply.text.encode())
    try:
        number = float(value)
    except OverflowError as error:
        raise ProtocolError("not a finite number", reply.text.encode()) from error
    if not math.isfinite(number):
        raise ProtocolError("not a finite number", reply.text.encode())
    return number


def names_in(reply: Reply) -> tuple[str, ...]:
    """Return the names of what is under a node.

    Raises:
        ProtocolError: The answer is no list of printable names.
    """
    value = _value(reply, "list")
    if not isinstance(value, list) or not all(map(_is_name, value)):
        raise ProtocolError("not a list of names", reply.text.encode())
    return tuple(value)


def run_id_in(reply: Reply) -> str:
    """Return the first result of a call, a text; empty if the method gives none.

    Raises:
        ProtocolError: The answer is none to a call.
    """
    value = _value(reply, "call")
    if not isinstance(value, list) or not all(map(_is_name, value[:1])):
        raise ProtocolError("not the result of a call", reply.text.encode())
    return str(value[0]) if value else ""


def _is_name(value: object) -> bool:
    is_text = isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST_NAME
    return is_text and "/" not in str(value)


def _text(reply: Reply, do: str) -> str:
    value = _value(reply, do)
    if not isinstance(value, str):
        raise ProtocolError("not a text", reply.text.encode())
    return value


def _value(reply: Reply, do: str) -> object:
    if reply.do != do or reply.error:
        raise ProtocolError(f"not an answer to {do}", f"{reply}".encode())
    return json.loads(reply.text)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no finite number")


READERS: Final = (server_in, text_in, number_in, names_in, run_id_in)
"""Every function that reads the fields of a reply."""

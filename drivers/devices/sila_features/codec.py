"""Requests to a line of kind ``sila`` and its replies: JSON, one object a line; no I/O here."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "READERS",
    "REPLY_END",
    "Reply",
    "Request",
    "decode",
    "encode",
    "execution_in",
    "number_in",
    "server_in",
    "state_in",
    "switch_in",
]

REPLY_END: Final = b"\n"
_ANSWERS: Final = {"hello": "server", "read": "value", "start": "execution", "state": "state"}
_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    do: str
    """``hello``, ``read``, ``start`` or ``state``."""
    path: str = ""
    """Feature and member with / between them; with ``state`` what names the execution."""
    arguments: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    """Of the command to start."""


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
        ValueError: There is no such request, or what it holds does not belong on the wire.

    Example:
        >>> encode(Request("read", "Incubator/Temperature"))
        b'{"do":"read","path":"Incubator/Temperature"}\n'
    """
    if request.do not in _ANSWERS or (request.do == "hello") == bool(request.path):
        raise ValueError(f"request: got {request}, expected one of {sorted(_ANSWERS)}")
    if request.arguments and request.do != "start":
        raise ValueError(f"request: got {request}, expected arguments with start alone")
    texts = [request.path, *request.arguments]
    texts += [one for one in request.arguments.values() if isinstance(one, str)]
    if not all(text.isprintable() and len(text) <= _LONGEST for text in texts):
        raise ValueError(f"request: got {texts}, expected short printable texts")
    document: dict[str, object] = {"do": request.do}
    if request.path:
        document["path"] = request.path
    if request.do == "start":
        document["arguments"] = dict(request.arguments)
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def decode(frame: bytes) -> Reply:
    r"""Read one line.

    Raises:
        ProtocolError: It does not end, or is no answer.

    Example:
        >>> decode(b'{"do":"state","ok":true,"state":"running"}\n')
        Reply(do='state', error='', text='"running"')
    """
    if not frame.endswith(REPLY_END) or not frame.isascii():
        raise ProtocolError("not a line of JSON in ASCII", frame)
    try:
        said = json.loads(frame, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not a line of JSON", frame) from error
    if not isinstance(said, dict) or said.get("do") not in _ANSWERS:
        raise ProtocolError("not an answer of this line", frame)
    do, is_done, error_text = str(said["do"]), said.get("ok"), said.get("error")
    if is_done is True and set(said) == {"do", "ok", _ANSWERS[do]}:
        return Reply(do, "", json.dumps(said[_ANSWERS[do]]))
    is_refusal = is_done is False and set(said) == {"do", "ok", "error"}
    if is_refusal and isinstance(error_text, str) and error_text:
        return Reply(do, error_text, "")
    raise ProtocolError("not an answer of this line", frame)


def server_in(reply: Reply) -> str:
    """Return type, name, UUID and version of the server.

    Raises:
        ProtocolError: The answer is none to hello.
    """
    return _text(reply, "hello")


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


def switch_in(reply: Reply) -> bool:
    """Return a truth value that was read.

    Raises:
        ProtocolError: The answer is none.
    """
    value = _value(reply, "read")
    if not isinstance(value, bool):
        raise ProtocolError("not a truth value", reply.text.encode())
    return value


def execution_in(reply: Reply) -> str:
    """Return what names a started execution.

    Raises:
        ProtocolError: The answer is none to start.
    """
    return _text(reply, "start")


def state_in(reply: Reply) -> str:
    """Return ``running`` or ``done``.

    Raises:
        ProtocolError: The answer is neither.
    """
    state = _text(reply, "state")
    if state not in {"running", "done"}:
        raise ProtocolError("neither running nor done", reply.text.encode())
    return state


def _text(reply: Reply, do: str) -> str:
    value = _value(reply, do)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ProtocolError("not a text", reply.text.encode())
    return value


def _value(reply: Reply, do: str) -> object:
    if reply.do != do or reply.error:
        raise ProtocolError(f"not an answer to {do}", f"{reply}".encode())
    return json.loads(reply.text)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no finite number")


READERS: Final = (server_in, number_in, switch_in, execution_in, state_in)
"""Every function that reads the fields of a reply."""

"""Bytes to messages and back for Opentrons Temperature Modules (G-code); no I/O happens here.

The module acknowledges whatever it hears, what it does not know as well: an acknowledgement proves
nothing, only what is read back does.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "READERS",
    "REPLY_END",
    "Identity",
    "Reply",
    "Request",
    "State",
    "decode",
    "encode",
    "identity_from",
    "state_from",
]

REPLY_END: Final = b"ok\r\nok\r\n"
"""The acknowledgement that ends every answer."""
_WITHOUT_VALUE: Final = ("M105", "M115", "M18")
_REPLY: Final = re.compile(rb"(?:([\x21-\x7e][\x20-\x7e]{0,118})\r\n)?ok\r\nok\r\n")
_NUMBER: Final = r"-?\d{1,3}\.\d{1,4}"
_STATE: Final = re.compile(rf"T:(none|{_NUMBER}) C:({_NUMBER})")
_IDENTITY: Final = re.compile(r"serial:(\S{1,40}) model:(\S{1,40}) version:(\S{1,40})")


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the module."""

    command: str
    """``M104`` sets, ``M105`` asks for temperatures, ``M115`` who it is, ``M18`` disengages."""
    value: float | None = None
    """The target of ``M104``, in degrees Celsius."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the module."""

    text: str
    """What stands before the acknowledgement; often nothing."""


@dataclass(frozen=True, slots=True)
class State:
    """Its temperatures, in degrees Celsius."""

    target_c: float | None
    """None when it is disengaged."""
    temperature_c: float


@dataclass(frozen=True, slots=True)
class Identity:
    """What it says of itself."""

    serial_number: str
    model: str
    version: str


def encode(request: Request) -> bytes:
    r"""Return the bytes of a request.

    Raises:
        ValueError: There is no such command, or its value is missing or no finite number.

    Example:
        >>> encode(Request("M104", 42.1234))
        b'M104 S42.123\r\n'
    """
    value = request.value
    if request.command in _WITHOUT_VALUE and value is None:
        return request.command.encode("ascii") + b"\r\n"
    if request.command != "M104" or value is None:
        raise ValueError(f"request: got {request}, expected M104 with a value, M105, M115 or M18")
    if not math.isfinite(value) or abs(value) >= 1000.0:
        raise ValueError(f"value: got {value}, expected degrees Celsius")
    return f"M104 S{value:.3f}\r\n".encode("ascii")


def decode(frame: bytes) -> Reply:
    r"""Read one whole answer.

    Raises:
        ProtocolError: It is not one line, or none, with the acknowledgement after it.

    Example:
        >>> decode(b"T:none C:22.000\r\nok\r\nok\r\n").text
        'T:none C:22.000'
    """
    match = _REPLY.fullmatch(frame)
    if match is None:
        raise ProtocolError("not an answer and its acknowledgement", frame)
    return Reply("" if match[1] is None else match[1].decode("ascii"))


def state_from(reply: Reply) -> State:
    """Return the temperatures in an answer to M105.

    Raises:
        ProtocolError: It holds none.

    Example:
        >>> state_from(Reply("T:85.000 C:42.123"))
        State(target_c=85.0, temperature_c=42.123)
    """
    match = _STATE.fullmatch(reply.text)
    if match is None:
        raise ProtocolError("no temperatures", reply.text.encode())
    return State(None if match[1] == "none" else float(match[1]), float(match[2]))


def identity_from(reply: Reply) -> Identity:
    """Return what an answer to M115 says.

    Raises:
        ProtocolError: It is another answer.
    """
    match = _IDENTITY.fullmatch(reply.text)
    if match is None:
        raise ProtocolError("no identity", reply.text.encode())
    return Identity(match[1], match[2], match[3])


READERS: Final = (state_from, identity_from)
"""Every function that reads the text of an answer."""

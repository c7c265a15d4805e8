"""Bytes to messages and back for Tecan Cavro pumps, DT protocol; no I/O happens here.

A request is ``/``, the pump's address, commands, CR. A reply is ``/0``, a status byte, data, ETX,
CR, LF; what the line's turn-around puts before it is skipped.
"""

import re
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "ERRORS",
    "NOT_INITIALIZED",
    "READERS",
    "REFUSALS",
    "REPLY_END",
    "REQUEST_BEGIN",
    "Reply",
    "Request",
    "decode",
    "encode",
    "number_from",
    "valve_from",
    "words_from",
]

REPLY_END: Final = b"\x03\r\n"
REQUEST_BEGIN: Final = b"/"
NOT_INITIALIZED: Final = 7
ERRORS: Final = {
    1: "initialization error",
    2: "invalid command",
    3: "invalid operand",
    4: "invalid command sequence",
    6: "EEPROM failure",
    7: "device not initialized",
    8: "internal failure",
    9: "plunger overload",
    10: "valve overload",
    11: "plunger move not allowed",
    14: "A/D converter failure",
    15: "command overflow",
}
"""What the lower half of the status byte says."""

REFUSALS: Final = frozenset({2, 3, 4, 7, 11, 15})
"""Errors of `ERRORS` in the answer to an order that say that the plunger has not moved."""

_HIGHEST_ADDRESS: Final = 15
_COMMANDS: Final = re.compile(
    r"(?:[ABIOPDVZNEY]\d{0,6}(?:,\d{1,2}){0,2}){1,8}R|T(?:R)?|Q|\?\d{0,2}"
)
_REPLY: Final = re.compile(rb"[\x00\xff]{0,4}/0([\x40-\x4f\x60-\x6f])([ -~]{0,60})\x03\r\n")
_NUMBER: Final = re.compile(r"\d{1,6}", re.ASCII)
_VALVE: Final = re.compile(r"[iobeIOBE1-9]\d?")


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a pump."""

    address: int
    """1 to 15: one more than its rotary switch says."""
    commands: str
    """``V1000I1A1500R`` and the like; R at the end runs them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a pump."""

    is_ready: bool
    """Whether it takes the next order; False while it moves."""
    error: int
    """One of `ERRORS`, 0 for none."""
    data: str


def encode(request: Request) -> bytes:
    r"""Return the bytes of a request.

    Raises:
        ValueError: The address or a command cannot be.

    Example:
        >>> encode(Request(1, "IA1500R"))
        b'/1IA1500R\r'
    """
    if type(request.address) is not int or not 1 <= request.address <= _HIGHEST_ADDRESS:
        raise ValueError(f"address: got {request.address!r}, expected 1 to {_HIGHEST_ADDRESS}")
    if not _COMMANDS.fullmatch(request.commands):
        raise ValueError(f"commands: got {request.commands!r}, expected those of the manual")
    return b"/" + bytes([0x30 + request.address]) + request.commands.encode("ascii") + b"\r"


def decode(frame: bytes) -> Reply:
    r"""Read one whole reply.

    Raises:
        ProtocolError: It is none.

    Example:
        >>> decode(b"/0`1500\x03\r\n")
        Reply(is_ready=True, error=0, data='1500')
    """
    match = _REPLY.fullmatch(frame)
    if match is None:
        raise ProtocolError("not a reply of a pump", frame)
    status = match[1][0]
    return Reply(bool(status & 0x20), status & 0x0F, match[2].decode("ascii"))


def number_from(reply: Reply) -> int:
    """Return the number in a reply.

    Raises:
        ProtocolError: It holds none.
    """
    if not _NUMBER.fullmatch(reply.data):
        raise ProtocolError("no number", reply.data.encode())
    return int(reply.data)


def valve_from(reply: Reply) -> str:
    """Return where the valve stands, as ``I``, ``O`` or a port's number.

    Raises:
        ProtocolError: It says nothing of the kind.
    """
    if not _VALVE.fullmatch(reply.data):
        raise ProtocolError("no position of a valve", reply.data.encode())
    return reply.data.upper()


def words_from(reply: Reply) -> str:
    """Return the text in a reply.

    Raises:
        ProtocolError: There is none.
    """
    if not reply.data.strip():
        raise ProtocolError("an empty text", reply.data.encode())
    return reply.data


READERS: Final = (number_from, valve_from, words_from)
"""Every function that reads the data of a reply."""

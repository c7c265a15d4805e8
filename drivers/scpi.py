"""Bytes to messages and back for devices that speak SCPI, one line each; no I/O happens here.

A request is a header, arguments separated by commas, LF. A reply is fields separated by commas, LF;
text stands in double quotes.

References:
    SCPI-99, volume 1: command syntax; IEEE 488.2: common commands and the number that stands for
    an overflow.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "OVERFLOW",
    "READERS",
    "REPLY_END",
    "Failure",
    "Reply",
    "Request",
    "decode",
    "encode",
    "failure_from",
    "number_from",
    "numbers_from",
    "switch_from",
    "text_from_number",
]

REPLY_END: Final = b"\n"
OVERFLOW: Final = 9.9e37
"""What SCPI says instead of a reading that does not fit."""

_FIELD = re.compile(rb'"([^"\r\n]*)"|([^",\r\n]*)')
_HEADER = re.compile(r"(?:\*[A-Z]{2,4}|(?::[A-Z][A-Z0-9]{1,11})+)\??")
_ARGUMENT = re.compile(r'"[ !#-~]*"|[!#-+.-~-]+')
_NUMBER = re.compile(r"[+-]?\d{1,16}(?:\.\d{0,16})?(?:[Ee][+-]?\d{1,3})?")
_CODE = re.compile(r"[+-]?\d{1,5}")


@dataclass(frozen=True, slots=True)
class Request:
    """One command or question."""

    header: str
    """``*IDN?`` or ``:SOUR:CURR``; a question ends in ``?``."""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One line of answers."""

    fields: tuple[str, ...]
    """Without their quotes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One entry of the error queue; code 0 is none."""

    code: int
    text: str


def encode(request: Request) -> bytes:
    r"""Return the line that carries a request.

    Raises:
        ValueError: A character does not belong on the wire.

    Example:
        >>> encode(Request(":READ?", ('"defbuffer1"', "SOUR", "READ")))
        b':READ? "defbuffer1", SOUR, READ\n'
    """
    if not _HEADER.fullmatch(request.header):
        raise ValueError(f"header: got {request.header!r}, expected *ABC or :ABC:DEF")
    for argument in request.arguments:
        if not _ARGUMENT.fullmatch(argument):
            raise ValueError(f"argument: got {argument!r}, expected a word or quoted text")
    arguments = ", ".join(request.arguments)
    return f"{request.header} {arguments}".rstrip().encode("ascii") + b"\n"


def decode(frame: bytes) -> Reply:
    r"""Read one line.

    Raises:
        ProtocolError: It does not end in LF, is empty, or is not printable ASCII.

    Example:
        >>> decode(b'0,"No error;0;0 0"\n').fields
        ('0', 'No error;0;0 0')
    """
    if not frame.endswith(REPLY_END):
        raise ProtocolError("a line of SCPI that does not end in LF", frame)
    line = frame[:-1]
    if not line or any(not 0x20 <= byte <= 0x7E for byte in line):
        raise ProtocolError("not a line of printable ASCII", frame)
    fields: list[str] = []
    position = 0
    while True:
        found = _FIELD.match(line, position)
        if found is None:
            raise ProtocolError("an open quote", frame)
        quoted, bare = found.groups()
        fields.append((bare.strip() if quoted is None else quoted).decode("ascii"))
        position = found.end()
        if position == len(line):
            return Reply(tuple(fields))
        if line[position : position + 1] != b",":
            raise ProtocolError("fields that no comma separates", frame)
        position += 1


def text_from_number(value: float) -> str:
    """Write a finite number in seven digits.

    Raises:
        ValueError: It is not finite.

    Example:
        >>> text_from_number(0.001)
        '1.000000E-03'
    """
    if not math.isfinite(value):
        raise ValueError(f"got {value!r}, expected a finite number")
    return f"{value:.6E}"


def numbers_from(reply: Reply) -> tuple[float, ...]:
    """Return every field as a number; `OVERFLOW` is passed on.

    Raises:
        ProtocolError: A field is no number.
    """
    if not all(_NUMBER.fullmatch(field) for field in reply.fields):
        raise ProtocolError("not numbers", ",".join(reply.fields).encode("ascii", "replace"))
    numbers = tuple(float(field) for field in reply.fields)
    if not all(math.isfinite(number) for number in numbers):
        raise ProtocolError("not finite", ",".join(reply.fields).encode("ascii", "replace"))
    return numbers


def number_from(reply: Reply) -> float:
    """Return the only field as a number.

    Raises:
        ProtocolError: There are more fields, or it is no number.
    """
    numbers = numbers_from(reply)
    if len(numbers) != 1:
        raise ProtocolError("not one number", ",".join(reply.fields).encode("ascii", "replace"))
    return numbers[0]


def switch_from(reply: Reply) -> bool:
    """Return the only field, 0 or 1, as a switch.

    Raises:
        ProtocolError: It is neither.
    """
    if reply.fields not in {("0",), ("1",)}:
        raise ProtocolError("neither 0 nor 1", ",".join(reply.fields).encode("ascii", "replace"))
    return reply.fields == ("1",)


def failure_from(reply: Reply) -> Failure:
    """Return an entry of the error queue.

    Raises:
        ProtocolError: It is not a code and a text.
    """
    if len(reply.fields) != 2 or not _CODE.fullmatch(reply.fields[0]):
        raise ProtocolError(
            "not an entry of the error queue", ",".join(reply.fields).encode("ascii", "replace")
        )
    return Failure(int(reply.fields[0]), reply.fields[1])


READERS: Final = (failure_from, number_from, numbers_from, switch_from)
"""Every function that reads the fields of a reply."""

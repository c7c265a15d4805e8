"""MT-SICS, levels 0 and 1, as the devices that speak it share it; no I/O happens here.

A request is a command, its arguments, CR LF. A reply repeats the command and gives a status and
fields; the general errors ES, ET and EL stand alone.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "GENERAL_FAULTS",
    "READERS",
    "REPLY_END",
    "STATUS_FAULTS",
    "Reply",
    "Request",
    "Weight",
    "decode",
    "encode",
    "identity_from",
    "weight_from",
]

REPLY_END: Final = b"\r\n"
GENERAL_FAULTS: Final = {
    "ES": "the command is not known",
    "ET": "the command arrived damaged",
    "EL": "the command cannot be executed",
}
"""Replies that stand alone, in words."""
STATUS_FAULTS: Final = {
    "I": "not executable now, or the weight did not settle in time",
    "L": "an argument is not allowed",
    "+": "overload",
    "-": "underload: is the pan in place?",
}
"""Statuses that say that nothing was done, in words."""

_FRAME = re.compile(
    rb"(?P<command>[A-Z][A-Z0-9]{0,4}) (?P<status>[ABSDIL+-])"
    rb'(?P<rest>(?: +(?:"[^"\r\n]*"|[!#-~]+))*) *'
)
_STANDING_ALONE = {name.encode("ascii") for name in GENERAL_FAULTS}
_FIELD = re.compile(rb'"[^"\r\n]*"|[!#-~]+')
_COMMAND = re.compile(r"@|[A-Z][A-Z0-9]{0,4}")
_ARGUMENT = re.compile(r"[!#-~]+")
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{0,9})?")
_GRAMS_PER_UNIT = {"g": 1.0, "mg": 1e-3, "kg": 1e3}


@dataclass(frozen=True, slots=True)
class Request:
    """One command to the balance."""

    command: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One line from the balance."""

    command: str
    """The command that it answers; ES (syntax), ET (transmission), EL (logic) stand alone."""
    status: str
    """A done, B more follows, S stable, D dynamic, I not executable, L logic, + over, - under."""
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight value."""

    mass_g: float
    is_stable: bool


def encode(request: Request) -> bytes:
    r"""Return the frame that carries a request.

    Raises:
        ValueError: A character does not belong on the wire.

    Example:
        >>> encode(Request("SI"))
        b'SI\r\n'
    """
    if not _COMMAND.fullmatch(request.command):
        raise ValueError(f"command: got {request.command!r}, expected capitals and digits")
    for argument in request.arguments:
        if not _ARGUMENT.fullmatch(argument):
            raise ValueError(f"argument: got {argument!r}, expected printable ASCII, no blank")
    return " ".join((request.command, *request.arguments)).encode("ascii") + b"\r\n"


def decode(frame: bytes) -> Reply:
    r"""Read one line.

    Raises:
        ProtocolError: It does not end in CR LF, or has no known form.

    Example:
        >>> decode(b"S S     100.00 g\r\n")
        Reply(command='S', status='S', fields=('100.00', 'g'))
    """
    if not frame.endswith(REPLY_END):
        raise ProtocolError("a line of MT-SICS that does not end in CR LF", frame)
    line = frame[:-2]
    if line in _STANDING_ALONE:
        return Reply(line.decode("ascii"), "", ())
    found = _FRAME.fullmatch(line)
    if found is None or not line.isascii():
        raise ProtocolError("not a line of MT-SICS", frame)
    fields = tuple(field.strip(b'"').decode("ascii") for field in _FIELD.findall(found["rest"]))
    return Reply(found["command"].decode("ascii"), found["status"].decode("ascii"), fields)


def weight_from(reply: Reply) -> Weight:
    """Return the weight of an answer to S, SI, T or TA.

    Raises:
        ProtocolError: The answer is no weight in grams, milligrams or kilograms.
    """
    raw = " ".join((reply.command, reply.status, *reply.fields)).encode("ascii", "replace")
    if reply.status not in {"A", "S", "D"} or len(reply.fields) != 2:
        raise ProtocolError("not a weight", raw)
    number, unit = reply.fields
    if not _NUMBER.fullmatch(number) or unit not in _GRAMS_PER_UNIT:
        raise ProtocolError("not a weight in g, mg or kg", raw)
    mass_g = float(number) * _GRAMS_PER_UNIT[unit]
    if not math.isfinite(mass_g):
        raise ProtocolError("not a finite weight", raw)
    return Weight(mass_g, is_stable=reply.status != "D")


def identity_from(reply: Reply) -> str:
    """Return the quoted text of an answer to I2 or I4.

    Raises:
        ProtocolError: The answer is not one text.
    """
    if reply.status != "A" or len(reply.fields) != 1 or not reply.fields[0]:
        raw = " ".join((reply.command, reply.status, *reply.fields))
        raise ProtocolError("not an identity", raw.encode("ascii", "replace"))
    return reply.fields[0]


READERS: Final = (identity_from, weight_from)
"""Every function that reads the fields of a reply."""

"""Bytes to messages and back for the New Era NE-1000 in basic mode; no I/O happens here.

A request is ``<address><command><argument>`` and CR; a reply is STX, two digits of address, a
status letter, data, ETX. An alarm takes the place of the status; a refusal stands behind it as
``?``.
"""

import re
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "FAULTS",
    "MAX_VOLUME_UL",
    "MOVING",
    "READERS",
    "REPLY_END",
    "Reply",
    "Request",
    "VolumesDispensed",
    "decode",
    "encode",
    "number_from_text",
    "rate_from",
    "text_from_number",
    "volume_from",
    "volumes_dispensed_from",
]

REPLY_END: Final = b"\x03"
MAX_VOLUME_UL: Final = 9999.0
"""The largest volume that four digits of microlitres can say."""
FAULTS: Final = {
    "?": "the command is not known",
    "?NA": "not applicable in this state",
    "?OOR": "out of range",
    "?COM": "the packet was not understood",
    "?IGN": "ignored: a phase was starting",
    "A?R": "the power was interrupted",
    "A?S": "the motor stalled",
    "A?T": "safe-mode communication timed out",
    "A?E": "the pumping program is wrong",
    "A?O": "the phase of the pumping program is out of range",
}
"""What an alarm or a refusal means, as the manual has it."""
MOVING: Final = frozenset("IWX")
"""Status letters of a pump whose plunger moves or is about to."""

_FRAME = re.compile(
    rb"\x02(?P<address>\d\d)"
    rb"(?:A\?(?P<alarm>[RSTEO])"
    rb"|(?P<status>[IWSPTUX])(?:\?(?P<error>NA|OOR|COM|IGN)?|(?P<text>(?!\?)[ -~]*)))"
    rb"\x03"
)
_NUMBER = re.compile(r"\d{1,4}\.?|\d{0,3}\.\d{1,3}|\d{1,4}\.\d{0,3}")
_VOLUME = re.compile(r"(?P<number>[\d.]{1,6})(?P<unit>UL|ML)")
_RATE = re.compile(r"(?P<number>[\d.]{1,6})(?P<unit>UM|MM|UH|MH)")
_DISPENSED = re.compile(r"I(?P<infused>[\d.]{1,6})W(?P<withdrawn>[\d.]{1,6})(?P<unit>UL|ML)")
_COMMAND = re.compile(r"[A-Z]{3}|")
_ARGUMENT = re.compile(r"[A-Z0-9.]*")
_UL_PER_UNIT = {"UL": 1.0, "ML": 1000.0}
_UL_PER_MIN_PER_UNIT = {"UM": 1.0, "MM": 1000.0, "UH": 1 / 60, "MH": 1000 / 60}


@dataclass(frozen=True, slots=True)
class Request:
    """One command to one pump."""

    address: int
    """0 to 99."""
    command: str
    """Three capital letters; empty asks for the status."""
    argument: str = ""
    """Empty makes the command a question."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of one pump."""

    address: int
    status: str
    """I infusing, W withdrawing, S stopped, P paused, T pause phase, U waiting, X purging,
    A alarm."""
    alarm: str
    """R reset, S stalled, T safe-mode time-out, E program error, O phase out of range; or empty."""
    error: str
    """? unknown command, NA not applicable, OOR out of range, COM, IGN ignored; or empty."""
    text: str
    """What a question was answered with."""


@dataclass(frozen=True, slots=True)
class VolumesDispensed:
    """What the pump counted since its counters were cleared."""

    infused_ul: float
    withdrawn_ul: float
    resolution_ul: float
    """The step of the last digit of the coarser of the two numbers."""


def encode(request: Request) -> bytes:
    r"""Return the frame that carries a request.

    Raises:
        ValueError: The pump has no such address, or a character does not belong on the wire.

    Example:
        >>> encode(Request(3, "VOL", "500.0"))
        b'03VOL500.0\r'
    """
    if not 0 <= request.address <= 99:
        raise ValueError(f"address: got {request.address}, expected 0 to 99")
    if not _COMMAND.fullmatch(request.command):
        raise ValueError(f"command: got {request.command!r}, expected three capital letters")
    if not _ARGUMENT.fullmatch(request.argument):
        raise ValueError(f"argument: got {request.argument!r}, expected capitals, digits, point")
    return f"{request.address:02d}{request.command}{request.argument}\r".encode("ascii")


def decode(frame: bytes) -> Reply:
    r"""Read one frame, from its STX to its ETX.

    Raises:
        ProtocolError: The frame is cut short, badly marked, or of no known form.

    Example:
        >>> decode(b"\x0201S500.0UL\x03").text
        '500.0UL'
    """
    found = _FRAME.fullmatch(frame)
    if found is None:
        raise ProtocolError("not a frame of an NE-1000", frame)
    alarm = (found["alarm"] or b"").decode("ascii")
    status = "A" if alarm else found["status"].decode("ascii")
    is_refusal = not alarm and found["text"] is None
    error = ((found["error"] or b"?") if is_refusal else b"").decode("ascii")
    text = (found["text"] or b"").decode("ascii")
    return Reply(int(found["address"]), status, alarm, error, text)


def text_from_number(value: float) -> str:
    """Write a number in four digits, at most three of them behind the point.

    Args:
        value: From 0.001 to 9999.4, in whatever unit.

    Raises:
        ValueError: Four digits cannot say it.

    Example:
        >>> text_from_number(14.57), text_from_number(2000), text_from_number(333.333)
        ('14.57', '2000', '333.3')
    """
    for n_decimals, below in ((3, 9.9995), (2, 99.995), (1, 999.95), (0, 9999.5)):
        if 0.0005 <= value < below:
            return f"{value:.{n_decimals}f}"
    raise ValueError(f"got {value!r}, expected 0.001 to 9999")


def number_from_text(text: str) -> float:
    """Read a number of at most four digits; it may end in a bare point.

    Raises:
        ProtocolError: It is no such number.

    Example:
        >>> number_from_text("2000.")
        2000.0
    """
    if not _NUMBER.fullmatch(text):
        raise ProtocolError("not a number of at most four digits", text.encode("ascii", "replace"))
    return float(text)


def volume_from(reply: Reply) -> tuple[float, str]:
    """Return the volume of an answer to VOL, in microlitres, and the unit the pump is set to.

    Raises:
        ProtocolError: The answer is no volume.
    """
    found = _VOLUME.fullmatch(reply.text)
    if found is None:
        raise ProtocolError("not a volume", reply.text.encode("ascii"))
    return number_from_text(found["number"]) * _UL_PER_UNIT[found["unit"]], found["unit"]


def rate_from(reply: Reply) -> float:
    """Return the rate of an answer to RAT, in microlitres a minute.

    Raises:
        ProtocolError: The answer is no rate.
    """
    found = _RATE.fullmatch(reply.text)
    if found is None:
        raise ProtocolError("not a rate", reply.text.encode("ascii"))
    return number_from_text(found["number"]) * _UL_PER_MIN_PER_UNIT[found["unit"]]


def volumes_dispensed_from(reply: Reply) -> VolumesDispensed:
    """Return the two counters of an answer to DIS, in microlitres.

    Raises:
        ProtocolError: The answer does not name both counters.
    """
    found = _DISPENSED.fullmatch(reply.text)
    if found is None:
        raise ProtocolError("not the volumes dispensed", reply.text.encode("ascii"))
    ul = _UL_PER_UNIT[found["unit"]]
    numbers = (found["infused"], found["withdrawn"])
    infused, withdrawn = (number_from_text(number) * ul for number in numbers)
    resolution = max(10.0 ** -len(number.partition(".")[2]) for number in numbers) * ul
    return VolumesDispensed(infused, withdrawn, resolution)


READERS: Final = (rate_from, volume_from, volumes_dispensed_from)
"""Every function that reads the data of a reply."""

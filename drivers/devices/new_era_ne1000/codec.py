"""Bytes to messages and back for the New Era NE-1000 in basic mode; no I/O happens here.

A request is ``<address><command><argument>`` and CR; a reply is STX, two digits of address, a
status letter, data, ETX. An alarm takes the place of the status; a refusal stands behind it as
``?``.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError
from drivers.reading import Reading
from drivers.ticket import Settlement, Verdict

__all__ = [
    "FAULTS",
    "MAX_VOLUME_UL",
    "MOVING",
    "READERS",
    "REPLY_END",
    "WITNESS_PHASE",
    "Reply",
    "Request",
    "VolumesDispensed",
    "asked_from_note",
    "asked_of",
    "decode",
    "deviation",
    "encode",
    "note_from_asked",
    "number_from_text",
    "rate_from",
    "rate_texts",
    "settlement_from",
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
VOLUME_TOLERANCE_FRACTION: Final = 0.01
WITNESS_PHASE: Final = "02"
"""Selected before the first stroke. A pump that is switched on anew has phase 1 selected, so that
counters at zero say *did not run* only while this one is. It holds STP: it can start nothing."""
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


def rate_texts(rate_ul_per_min: float) -> tuple[str, float]:
    """Return what sets a rate, and what it must read back as, in microlitres a minute.

    Example:
        >>> rate_texts(2000.0), rate_texts(12345.0)
        (('2000UM', 2000.0), ('12.35MM', 12350.0))
    """
    if rate_ul_per_min > MAX_VOLUME_UL:
        number = text_from_number(rate_ul_per_min / 1000)
        return f"{number}MM", float(number) * 1000.0
    number = text_from_number(rate_ul_per_min)
    return f"{number}UM", float(number)


def asked_of(strokes: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return how many microlitres strokes move in all, by direction.

    Args:
        strokes: Direction, ``INF`` or ``WDR``, and microlitres.
    """
    asked = {"INF": 0.0, "WDR": 0.0}
    for direction, volume_ul in strokes:
        asked[direction] += float(text_from_number(volume_ul))
    return asked


def note_from_asked(asked: Mapping[str, float]) -> str:
    """Return what is noted before the first stroke.

    Args:
        asked: Microlitres of all strokes together, by direction: ``INF``, ``WDR``.

    Example:
        >>> note_from_asked({"INF": 500.0, "WDR": 0.0})
        '{"INF": 500.0, "WDR": 0.0}'
    """
    return json.dumps(dict(asked))


def asked_from_note(note: str) -> dict[str, float]:
    """Return the microlitres by direction that a note tells of.

    Raises:
        ProtocolError: It is no such note.
    """
    try:
        found = json.loads(note)
        return {way: float(found[way]) for way in ("INF", "WDR")}
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError("not a note of what a pump was asked", note.encode()) from error


def deviation(counted: VolumesDispensed, asked: Mapping[str, float]) -> str:
    """Return in words where the counters differ from what was asked; empty if they do not."""
    for way, got in (("INF", counted.infused_ul), ("WDR", counted.withdrawn_ul)):
        expected = asked[way]
        tolerance = VOLUME_TOLERANCE_FRACTION * expected + counted.resolution_ul
        if abs(got - expected) > tolerance:
            return f"{way} counted {got:g} ul, expected {expected:g} ul"
    return ""


def settlement_from(
    action: str, asked: Mapping[str, float], counted: VolumesDispensed, *, is_witnessed: bool
) -> Settlement:
    """Return what became of an action whose counters were at zero before it.

    Args:
        action: ``dispense``, ``withdraw`` or ``transfer``.
        asked: Microlitres of all strokes together, by direction.
        counted: What the counters say now, at rest.
        is_witnessed: Whether the pump has not been switched off since before the first stroke.
    """
    counters = f"counted INF {counted.infused_ul:g} ul, WDR {counted.withdrawn_ul:g} ul"
    if counted.infused_ul == counted.withdrawn_ul == 0.0:
        if is_witnessed:
            return Settlement(Verdict.DID_NOT_RUN, f"the pump has not moved: {counters}")
        evidence = f"the pump was switched off meanwhile, which clears its counters: {counters}"
        return Settlement(Verdict.CANNOT_TELL, evidence)
    difference = deviation(counted, asked)
    if difference:
        return Settlement(Verdict.PARTLY, f"{action} was cut off: {counters}; {difference}")
    readings = {
        "dispensed_volume_ul": (counted.infused_ul, ("dispense", "transfer")),
        "withdrawn_volume_ul": (counted.withdrawn_ul, ("withdraw", "transfer")),
    }
    return Settlement(
        Verdict.RAN,
        f"{action} was done: {counters}",
        tuple(Reading(name, ul) for name, (ul, of) in readings.items() if action in of),
    )


READERS: Final = (rate_from, volume_from, volumes_dispensed_from)
"""Every function that reads the data of a reply."""

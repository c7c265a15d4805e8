"""Bytes to messages and back for a Quantos: MT-SICS with QRA and QRD; no I/O happens here.

An order or a question is QRA or QRD, numbers that name it, and perhaps a value; its answers repeat
the numbers, then A for done, B for begun, L for a wrong value, or I and a number that says why not.
What the dosing head says comes as lines of XML between a B and an A.
"""

import math
import re
from typing import Final

from drivers import sics
from drivers.errors import ProtocolError
from drivers.sics import REPLY_END, Reply, Request, encode, identity_from, weight_from

__all__ = [
    "CLOSED",
    "DOORS",
    "ERRORS",
    "OPEN",
    "READERS",
    "REPLY_END",
    "XML",
    "Reply",
    "Request",
    "decode",
    "door_from",
    "elements_from",
    "encode",
    "identity_from",
    "number_in",
    "weight_from",
]

XML: Final = "XML"
"""Stands for the command of a reply that is a line of XML."""
CLOSED: Final = "2"
OPEN: Final = "3"
DOORS: Final = {CLOSED: "closed", OPEN: "open", "8": "not detected", "9": "running"}
ERRORS: Final = {
    "1": "not mounted",
    "2": "another job is running",
    "3": "timeout",
    "4": "not selected",
    "5": "not allowed at the moment",
    "6": "weight not stable",
    "7": "powder flow error",
    "8": "stopped by external action",
    "9": "safe position error",
    "10": "head not allowed",
    "11": "head limit reached",
    "12": "head expiry date reached",
    "13": "sampler blocked",
}

_STEP = re.compile(
    rb"(?P<command>QR[AD](?: \d{1,3}){2,4}) (?:(?P<status>[ABL])|I (?P<code>[1-9]|1[0-3]))"
)
_LINE_OF_XML = re.compile(rb"[ \t]*<[ -~\t]*>[ \t]*")
_ELEMENT = re.compile(r'<([A-Za-z_][\w.]*)(?: Unit="([^"<>]*)")?>([^<>]*)</\1>')
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{0,9})?")


def decode(frame: bytes) -> Reply:
    r"""Read one line.

    Raises:
        ProtocolError: It does not end in CR LF, or has no known form.

    Example:
        >>> decode(b"QRA 61 1 I 7\r\n")
        Reply(command='QRA 61 1', status='I', fields=('7',))
    """
    if not frame.endswith(REPLY_END):
        raise ProtocolError("a line of MT-SICS that does not end in CR LF", frame)
    line = frame[:-2]
    step = _STEP.fullmatch(line)
    if step is not None:
        command = step["command"].decode("ascii")
        if step["code"] is not None:
            return Reply(command, "I", (step["code"].decode("ascii"),))
        return Reply(command, step["status"].decode("ascii"), ())
    if _LINE_OF_XML.fullmatch(line):
        return Reply(XML, "", (line.decode("ascii").strip(),))
    return sics.decode(frame)


def door_from(reply: Reply) -> str:
    """Return where the front door stands, one of `DOORS`.

    Raises:
        ProtocolError: The answer is none to that question.
    """
    place = reply.command.removeprefix("QRD 2 3 7 ")
    if reply.status != "A" or place not in DOORS:
        raise ProtocolError("not a place of the front door", _raw(reply))
    return place


def elements_from(reply: Reply) -> dict[str, tuple[str, str]]:
    """Return unit and text of the elements on a line of XML, by their names.

    Raises:
        ProtocolError: It is no line of XML.
    """
    if reply.command != XML or len(reply.fields) != 1:
        raise ProtocolError("not a line of XML", _raw(reply))
    found = _ELEMENT.findall(reply.fields[0])
    return {name: (unit, text.strip()) for name, unit, text in found}


def number_in(elements: dict[str, tuple[str, str]], name: str, unit: str) -> float:
    """Return one number of what the head says.

    Args:
        elements: Unit and text by name.
        name: Of the element.
        unit: That it must have; empty for a count.

    Raises:
        ProtocolError: It is not there, in another unit, or no finite number.
    """
    got_unit, text = elements.get(name, ("", ""))
    is_right = got_unit == unit and _NUMBER.fullmatch(text) is not None
    if not is_right or not math.isfinite(float(text)):
        raise ProtocolError(f"no number {name} in {unit or '1'}", repr(elements).encode())
    return float(text)


def _raw(reply: Reply) -> bytes:
    return " ".join((reply.command, reply.status, *reply.fields)).encode("ascii", "replace")


READERS: Final = (identity_from, weight_from, door_from, elements_from)
"""Every function that reads the fields of a reply."""

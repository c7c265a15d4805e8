"""Reads SCPI requests, long and short forms alike, and keeps an error queue."""

import re
from collections import deque
from typing import Final

from drivers.clock import Clock

__all__ = ["ErrorQueue", "requests_of"]

_SHORT: Final = {
    "AUTO": "AUTO",
    "BACK": "BACK",
    "CLEAR": "CLE",
    "COUNT": "COUN",
    "CURRENT": "CURR",
    "ERROR": "ERR",
    "FUNCTION": "FUNC",
    "NPLCYCLES": "NPLC",
    "OUTPUT": "OUTP",
    "RANGE": "RANG",
    "ROUTE": "ROUT",
    "RSENSE": "RSEN",
    "SENSE": "SENS",
    "SOURCE": "SOUR",
    "SYSTEM": "SYST",
    "TERMINALS": "TERM",
    "TRACE": "TRAC",
    "TRIPPED": "TRIP",
    "VLIMIT": "VLIM",
    "VOLTAGE": "VOLT",
}
_OPTIONAL: Final = frozenset({"AMPL", "AMPLITUDE", "IMM", "IMMEDIATE", "LEV", "LEVEL", "STAT"})
_PIECE: Final = re.compile(r'(?:"[^"]*"|[^;"])+')
_ARGUMENT: Final = re.compile(r'(?:"[^"]*"|[^,"])+')
_LONGEST_QUEUE: Final = 50


def requests_of(line: bytes) -> list[tuple[str, list[str]]]:
    """Split a line into requests: header in short form without its colon, and arguments.

    Args:
        line: One line without its terminator; several requests are parted by semicolons.

    Example:
        >>> requests_of(b':SOURce1:CURRent:LEVel 1E-3;:READ? "defbuffer1", SOUR')
        [('SOUR:CURR', ['1E-3']), ('READ?', ['"defbuffer1"', 'SOUR'])]
    """
    found = []
    for piece in _PIECE.findall(line.decode("ascii", errors="replace")):
        header, _, rest = piece.strip().partition(" ")
        if header:
            arguments = [argument.strip() for argument in _ARGUMENT.findall(rest)]
            found.append((_short_form(header), [argument for argument in arguments if argument]))
    return found


def _short_form(header: str) -> str:
    mark = "?" if header.endswith("?") else ""
    nodes = header.removesuffix("?").upper().lstrip(":").split(":")
    stems = [node.removesuffix("1") for node in nodes]
    short = [_SHORT.get(stem, stem) for stem in stems if stem not in _OPTIONAL]
    return ":".join(short) + mark


class ErrorQueue:
    """What a device has refused, oldest first.

    Args:
        clock: Dates the entries.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[str] = deque()

    def __len__(self) -> int:
        """Return how many entries wait."""
        return len(self._entries)

    def add(self, code: int, text: str) -> None:
        """Add an entry; a full queue keeps its last place for the overflow.

        Args:
            code: As SCPI-99 numbers it.
            text: What it means.
        """
        if len(self._entries) >= _LONGEST_QUEUE - 1:
            code, text = -350, "Queue overflow"
        if len(self._entries) < _LONGEST_QUEUE:
            now = self._clock.now()
            date = f"{now:%Y/%m/%d %H:%M:%S}.{now.microsecond // 1000:03d}"
            self._entries.append(f'{code},"{text};1;{date}"')

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def oldest(self) -> str:
        """Take the oldest entry out, or say that there is none."""
        return self._entries.popleft() if self._entries else '0,"No error;0;0 0"'

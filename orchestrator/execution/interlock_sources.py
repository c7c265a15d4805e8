"""Where the names in the condition of an interlock get their values from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from drivers.errors import ProtocolError
from drivers.reading import Reading

__all__ = ["Source", "source_from"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a name of a condition gets its value from."""

    name: str
    """In the condition."""
    instrument: str
    action: str
    reading: str = ""
    """Of the action; empty takes the one that has the same name, or the only one."""

    def __str__(self) -> str:
        """Return it as the rig file has it."""
        return ".".join(filter(None, (self.instrument, self.action, self.reading)))

    def chosen_from(self, readings: Sequence[str]) -> str | None:
        """Return which of an action's readings is meant; None if that is not clear.

        Args:
            readings: Their names.
        """
        wanted = self.reading or self.name
        if wanted in readings:
            return wanted
        return readings[0] if len(readings) == 1 and not self.reading else None

    def value_in(self, readings: Sequence[Reading]) -> Fraction | str:
        """Return the value among an action's readings.

        Raises:
            ProtocolError: It is not there, or it is no finite number and no text.
        """
        chosen = self.chosen_from([reading.name for reading in readings])
        for reading in readings:
            match reading.value:
                case str() if reading.name == chosen:
                    return reading.value
                case int() | float() if reading.name == chosen and math.isfinite(reading.value):
                    return Fraction(reading.value)
        raise ProtocolError(f"{self} gives no value that can be compared", b"")


def source_from(name: str, text: str) -> Source:
    """Return the source of a reading.

    Args:
        name: In the condition.
        text: ``instrument.action`` or ``instrument.action.reading``.

    Raises:
        ValueError: It has no such form.

    Example:
        >>> source_from("mass_g", "balance.measure_mass").action
        'measure_mass'
    """
    parts = text.split(".")
    if len(parts) not in (2, 3) or not all(parts):
        raise ValueError(f"{name}: got {text!r}, expected instrument.action")
    return Source(name, *parts)

"""How warm each position is, said by whatever heats or cools it."""

from collections.abc import Callable
from typing import Final

__all__ = ["ROOM_C", "Warmth"]

ROOM_C: Final = 22.0
"""The temperature of the room, in degrees Celsius."""


class Warmth:
    """The temperatures of a bench; where nothing heats it is the room's."""

    def __init__(self) -> None:
        self._heaters: dict[str, Callable[[], float]] = {}

    def heated_by(self, position: str, temperature_c: Callable[[], float]) -> None:
        """Let a device say how warm a position is; the last that does so is believed.

        Args:
            position: Its name in the rig file.
            temperature_c: Gives its temperature at the moment, in degrees Celsius.
        """
        self._heaters[position] = temperature_c

    def temperature_c(self, position: str) -> float:
        """Return how warm a position is now, in degrees Celsius."""
        heater = self._heaters.get(position)
        return ROOM_C if heater is None else heater()

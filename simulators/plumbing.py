"""Vessels, what is in them, and the pumps that move it; volumes in microlitres throughout."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from simulators.warmth import Warmth

__all__ = ["EMPTY_UL", "Mover", "Plumbing", "Substance", "Vessel"]

EMPTY_UL = 0.5
"""Less than this counts as empty; what is left is a film on the wall."""


@dataclass(frozen=True, slots=True)
class Substance:
    """What a stock bottle holds."""

    concentration_mol_per_l: float
    density_g_per_ml: float


@dataclass(slots=True)
class Vessel:
    """A stock bottle or a position, with what is in it."""

    capacity_ul: float
    is_sealed: bool
    """A sealed vessel lets no air in: a pump that draws on it when empty stalls."""
    contents: dict[str, float] = field(default_factory=dict)
    """Microlitres by substance."""
    film: dict[str, float] = field(default_factory=dict)
    """What stayed on the walls when it was emptied, microlitres by substance."""
    version: int = 0
    """Counts every change."""
    filling: int = 0
    """Counts how often something came into the empty vessel: one filling, one sample."""
    changed_at_s: float = -math.inf
    """When anything last came or went, on the bench's clock."""

    @property
    def volume_ul(self) -> float:
        """Return what is in it altogether."""
        return math.fsum(self.contents.values())


class Mover(Protocol):
    """A pump in motion."""

    def settle(self, now_s: float) -> None:
        """Move what has been moved by now."""
        ...

    def touches(self, vessel: str) -> bool:
        """Say whether it draws on or delivers to a vessel at the moment."""
        ...

    def ends_at_s(self) -> float:
        """Return when it will come to rest if nobody interferes, on the bench's clock."""
        ...


class Plumbing:
    """Everything wet on a bench.

    Liquids mix at once and keep their volumes. Pumps in motion are brought up to date whenever
    anybody looks; two pumps at work on one vessel take turns between two looks.

    Args:
        vessels: Stocks and positions by name.
        substances: What the stocks hold, by the stock's name.
        film_ul: What stays on the walls of an open vessel that is emptied, and mixes into whatever
            comes next, in microlitres.
    """

    def __init__(
        self,
        vessels: Mapping[str, Vessel],
        substances: Mapping[str, Substance],
        *,
        film_ul: float = 0.0,
    ) -> None:
        self._film_ul = film_ul
        self._vessels = dict(vessels)
        self._substances = dict(substances)
        self._moving: list[Mover] = []
        self.warmth = Warmth()
        """How warm each position is."""

    def vessel(self, name: str) -> Vessel:
        """Return a vessel by name."""
        return self._vessels[name]

    def start(self, mover: Mover) -> None:
        """Take note that a pump is in motion."""
        if mover not in self._moving:
            self._moving.append(mover)

    def finish(self, mover: Mover) -> None:
        """Take note that a pump is at rest."""
        if mover in self._moving:
            self._moving.remove(mover)

    def settle(self, now_s: float) -> None:
        """Let every pump in motion move what it has moved by now.

        Args:
            now_s: Seconds on the bench's clock.
        """
        for mover in tuple(self._moving):
            mover.settle(now_s)

    def next_end_s(self) -> float | None:
        """Return when the next pump will come to rest, on the bench's clock; None if all rest."""
        return min((mover.ends_at_s() for mover in self._moving), default=None)

    def contents(self) -> dict[str, dict[str, float]]:
        """Return what is in each vessel, microlitres by substance, as of the last `settle`."""
        return {name: dict(vessel.contents) for name, vessel in self._vessels.items()}

    def is_disturbed(self, name: str) -> bool:
        """Say whether a pump works on a vessel at the moment."""
        return any(mover.touches(name) for mover in self._moving)

    def draw(self, name: str, volume_ul: float, now_s: float) -> dict[str, float]:
        """Take liquid out of a vessel: as much as asked, or all there is but the film.

        Args:
            name: The vessel.
            volume_ul: How much, at least 0.
            now_s: When, on the bench's clock.

        Returns:
            What came, microlitres by substance.
        """
        vessel = self._vessels[name]
        held = vessel.volume_ul
        if held <= 0.0 or volume_ul <= 0.0:
            return {}
        to_be_had = held if vessel.is_sealed else max(0.0, held - self._film_ul)
        share = min(volume_ul, to_be_had) / held
        drawn = {stock: amount * share for stock, amount in vessel.contents.items()}
        if volume_ul >= to_be_had:
            vessel.film = {
                stock: left for stock, left in _less(vessel.contents, drawn) if left > 0.0
            }
            vessel.contents.clear()
        else:
            for stock, amount in drawn.items():
                vessel.contents[stock] -= amount
        self._touch(vessel, now_s)
        return drawn

    def pour(self, name: str, liquid: Mapping[str, float], now_s: float) -> float:
        """Put liquid into a vessel; what it cannot hold runs over.

        Args:
            name: The vessel.
            liquid: Microlitres by substance.
            now_s: When, on the bench's clock.

        Returns:
            Microlitres of mixture that went to the floor.
        """
        vessel = self._vessels[name]
        if math.fsum(liquid.values()) <= 0.0:
            return 0.0
        if vessel.volume_ul < EMPTY_UL:
            vessel.filling += 1
            for stock, amount in vessel.film.items():
                vessel.contents[stock] = vessel.contents.get(stock, 0.0) + amount
            vessel.film.clear()
        for stock, amount in liquid.items():
            vessel.contents[stock] = vessel.contents.get(stock, 0.0) + amount
        self._touch(vessel, now_s)
        excess = vessel.volume_ul - vessel.capacity_ul
        if excess <= 0.0:
            return 0.0
        self.draw(name, excess, now_s)
        return excess

    def mass_g(self, name: str) -> float:
        """Return the mass of what is in a vessel, in grams."""
        vessel = self._vessels[name]
        return math.fsum(
            amount * 1e-3 * self._substances[stock].density_g_per_ml
            for part in (vessel.contents, vessel.film)
            for stock, amount in part.items()
        )

    def fractions(self, name: str) -> dict[str, float]:
        """Return the atomic fractions of what is in a vessel; empty if nothing dissolved is."""
        contents = self._vessels[name].contents
        moles = {
            stock: amount * 1e-6 * self._substances[stock].concentration_mol_per_l
            for stock, amount in contents.items()
        }
        total = math.fsum(moles.values())
        if total <= 0.0:
            return {}
        return {stock: amount / total for stock, amount in moles.items()}

    @staticmethod
    def _touch(vessel: Vessel, now_s: float) -> None:
        vessel.version += 1
        vessel.changed_at_s = max(vessel.changed_at_s, now_s)


def _less(contents: Mapping[str, float], drawn: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(stock, amount - drawn[stock]) for stock, amount in contents.items()]

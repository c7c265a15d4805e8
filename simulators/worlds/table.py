"""A table of measured or computed compositions, asked for its nearest row."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simulators.errors import OffTheMap

__all__ = ["REACH", "CompositionTable"]

REACH = 0.03
"""A row answers for compositions whose every fraction is within this of its own."""
_SLACK = 1e-9


class CompositionTable:
    """Rows of atomic fractions with one outcome each, read from a CSV file with a header.

    Args:
        world: The world's name, for error messages.
        file_name: A file in the folder ``data`` beside this module; one column a component,
            then the outcome.
        components: Names of the component columns, in the file's order.
        fraction_per_unit: What one unit of the file's component columns is as a fraction.
    """

    def __init__(
        self, world: str, file_name: str, components: tuple[str, ...], fraction_per_unit: float
    ) -> None:
        path = Path(__file__).parent / "data" / file_name
        rows = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float64, ndmin=2)
        self._world = world
        self._components = components
        self._fractions = rows[:, :-1] * fraction_per_unit
        self._outcomes = rows[:, -1]

    def outcome_nearest(self, fractions: Mapping[str, float]) -> float:
        """Return the outcome of the row nearest to a composition, in the file's unit.

        Args:
            fractions: Atomic fractions by component, 0 to 1; absent ones may be left out.

        Raises:
            OffTheMap: A component is unknown, a fraction is not a number, or no row is within
                `REACH` in every fraction.
        """
        text = " ".join(f"{name}={value:.4f}" for name, value in sorted(fractions.items()))
        strangers = [name for name in fractions if name not in self._components]
        if strangers:
            raise OffTheMap(self._world, text, f"unknown component {strangers[0]}")
        asked = np.array([fractions.get(name, 0.0) for name in self._components])
        if not np.isfinite(asked).all():
            raise OffTheMap(self._world, text, "a fraction is not a finite number")
        distances = np.abs(self._fractions - asked).max(axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] > REACH + _SLACK:
            reason = f"the nearest row is {distances[nearest]:.4f} away in one fraction"
            raise OffTheMap(self._world, text, f"{reason}, allowed is {REACH}")
        return float(self._outcomes[nearest])

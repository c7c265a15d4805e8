"""The lattice of points that can be weighed and set, in integers; no condition lives here.

A row holds one integer per variable: for a component its count of steps, for a parameter the
index of its level. Rows are exact; floating-point numbers appear only when a row is shown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from campaigns.space import CategoricalParameter, Composition, Space
from orchestrator.core.point import Point

__all__ = ["BoolArray", "Exact", "FloatArray", "IntArray", "Lattice", "RowKey", "row_keys"]

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Exact: TypeAlias = Fraction | str
"""An exact natural value: a number, or a category as text."""
RowKey: TypeAlias = tuple[int, ...]

_SEEN_WITHIN = 0.1
"""How far from a lattice point, in steps, an as-made value may lie and still be that point."""


def row_keys(rows: IntArray) -> list[RowKey]:
    """Return rows as tuples, to put them in sets."""
    return [tuple(row) for row in rows.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """All combinations of counts and levels before any condition."""

    names: tuple[str, ...]
    """Components, then parameters."""
    n_components: int
    n_steps: int
    """Steps that the counts of a composition sum to; 0 without one."""
    max_active: int
    """Components that may be present at once."""
    allowed: tuple[IntArray, ...]
    """For each variable the integers that it may take, ascending."""
    values: tuple[tuple[Exact, ...], ...]
    """For each variable the exact natural value of each integer from 0."""
    shown: tuple[NDArray[np.float64] | NDArray[np.str_], ...]
    """The same as text, or as the doubles nearest to them."""

    @classmethod
    def of(cls, space: Space, most_present: int | None = None) -> "Lattice":
        """Build the lattice of a space.

        Args:
            space: Components, parameters, or both.
            most_present: Components that may be present at once, if the space allows more.
        """
        allowed: list[IntArray] = []
        values: list[tuple[Exact, ...]] = []
        composition = space.composition
        most = len(space.components) if most_present is None else most_present
        if composition is not None:
            allowed, values = _composition_axes(composition)
        for parameter in space.parameters:
            allowed.append(np.arange(len(parameter.levels), dtype=np.int64))
            if isinstance(parameter, CategoricalParameter):
                values.append(tuple(parameter.levels))
            else:
                values.append(tuple(Fraction(level) for level in parameter.levels))
        return cls(
            names=tuple(space.names),
            n_components=0 if composition is None else len(composition.names),
            n_steps=0 if composition is None else composition.n_steps,
            max_active=0 if composition is None else min(composition.max_active, most),
            allowed=tuple(allowed),
            values=tuple(values),
            shown=_shown(values),
        )

    @property
    def n_variables(self) -> int:
        """Number of components and parameters."""
        return len(self.names)

    def is_category(self, variable: int) -> bool:
        """Return whether a variable's levels are texts."""
        return isinstance(self.values[variable][0], str)

    def contains(self, rows: IntArray) -> BoolArray:
        """Return which rows lie on the lattice, exactly.

        Args:
            rows: `n x d` integers, any values.
        """
        inside = np.ones(len(rows), dtype=np.bool_)
        for variable, allowed in enumerate(self.allowed):
            column = rows[:, variable]
            place = np.minimum(np.searchsorted(allowed, column), len(allowed) - 1)
            inside &= allowed[place] == column
        if self.n_components:
            counts = rows[:, : self.n_components]
            inside &= counts.sum(axis=1) == self.n_steps
            inside &= (counts > 0).sum(axis=1) <= self.max_active
        return inside

    def rows_of(self, points: Collection[tuple[Decimal | str, ...]]) -> IntArray:
        """Return points of the space as rows, sorted.

        Args:
            points: Values in the order of `names`, exact.

        Raises:
            KeyError: A value is none that the variable may take.
        """
        places: list[dict[Exact | Decimal, int]] = [
            {level: place for place, level in enumerate(levels)}
            for levels in self.values[self.n_components :]
        ]
        rows = [
            (
                *(int(Fraction(count) * self.n_steps) for count in point[: self.n_components]),
                *(
                    place[value]
                    for place, value in zip(places, point[self.n_components :], strict=True)
                ),
            )
            for point in points
        ]
        return np.array(sorted(rows), dtype=np.int64).reshape(-1, self.n_variables)

    def exact(self, row: Sequence[int]) -> dict[str, Exact]:
        """Return the exact natural values of one row by name."""
        return {name: self.values[i][row[i]] for i, name in enumerate(self.names)}

    def columns(
        self, rows: IntArray, names: Collection[str] | None = None
    ) -> dict[str, NDArray[np.float64] | NDArray[np.str_]]:
        """Return the natural values of rows by name, each number the double nearest to it.

        Args:
            rows: `n x d`, on the lattice.
            names: Which columns are wanted; all by default.
        """
        wanted = self.names if names is None else names
        return {
            name: self.shown[i][rows[:, i]] for i, name in enumerate(self.names) if name in wanted
        }

    def point(self, row: Sequence[int]) -> dict[str, float | str]:
        """Return one row as a point, each number the double nearest to its exact value."""
        return {
            name: value if isinstance(value, str) else float(value)
            for name, value in self.exact(row).items()
        }

    def row_at(self, point: Point) -> RowKey | None:
        """Return the row that a point is, or None if it lies between lattice points.

        A value is at a lattice point when it is within a tenth of a step (of the distance to the
        neighbouring level, for a parameter) of it; a category must be equal. Whether the row
        obeys bounds and conditions is not asked.
        """
        row: list[int] = []
        for variable, name in enumerate(self.names):
            place = self._place(variable, point[name])
            if place is None:
                return None
            row.append(place)
        if self.n_components and sum(row[: self.n_components]) != self.n_steps:
            return None
        return tuple(row)

    def _place(self, variable: int, value: float | str) -> int | None:
        levels = self.values[variable]
        if isinstance(value, str) or self.is_category(variable):
            return levels.index(str(value)) if str(value) in levels else None
        if variable < self.n_components:
            nearest = round(value * self.n_steps)
            is_near = abs(value * self.n_steps - nearest) <= _SEEN_WITHIN
            return nearest if is_near and 0 <= nearest < len(levels) else None
        distances = np.abs(np.array([float(level) for level in levels]) - value)
        nearest = int(distances.argmin())
        apart = [
            abs(float(levels[near]) - float(levels[nearest]))
            for near in (nearest - 1, nearest + 1)
            if 0 <= near < len(levels)
        ]
        spacing = min(apart, default=1.0)
        return nearest if distances[nearest] <= _SEEN_WITHIN * spacing else None


def _shown(
    values: Sequence[tuple[Exact, ...]],
) -> tuple[NDArray[np.float64] | NDArray[np.str_], ...]:
    known: dict[int, NDArray[np.float64] | NDArray[np.str_]] = {}
    for levels in values:
        if id(levels) in known:
            continue
        if isinstance(levels[0], str):
            known[id(levels)] = np.array([str(level) for level in levels])
        else:
            known[id(levels)] = np.array([float(level) for level in levels], dtype=np.float64)
    return tuple(known[id(levels)] for levels in values)


def _composition_axes(
    composition: Composition,
) -> tuple[list[IntArray], list[tuple[Exact, ...]]]:
    step = Fraction(composition.step)
    values: tuple[Exact, ...] = tuple(step * count for count in range(composition.n_steps + 1))
    allowed: list[IntArray] = []
    for low, high in composition.count_bounds:
        present = np.arange(max(low, composition.min_active_count, 1), high + 1, dtype=np.int64)
        absent = np.zeros(1 if low == 0 else 0, dtype=np.int64)
        allowed.append(np.concatenate([absent, present]))
    return allowed, [values] * len(allowed)

"""Counting and drawing compositions by dynamic programming, without listing them."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice

__all__ = ["Counter"]


class Counter:
    """How many points a lattice has, and random ones of them.

    The table holds, for each suffix of the components, the number of ways to fill it with a
    given sum and a given number of present components. Counts are exact integers.

    Args:
        lattice: The lattice to count.
    """

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._tables = _tables(lattice)

    @cached_property
    def n_points(self) -> int:
        """Exact number of lattice points, before any condition."""
        total = int(sum(self._tables[0][self._lattice.n_steps].tolist()))
        for levels in self._lattice.allowed[self._lattice.n_components :]:
            total *= len(levels)
        return total

    def draw(self, uniforms: FloatArray, *, is_even_over_active: bool) -> IntArray:
        """Turn numbers in [0, 1) into lattice points, by inverting conditional distributions.

        Args:
            uniforms: `n x (d + 1)`; low-discrepancy numbers give low-discrepancy points.
            is_even_over_active: Give every possible number of present components the same
                weight; otherwise every lattice point has the same weight.

        Returns:
            `n x d` rows; empty if the lattice is.
        """
        lattice = self._lattice
        rows = np.zeros((len(uniforms), lattice.n_variables), dtype=np.int64)
        if lattice.n_components:
            ways = _as_floats(self._tables[0][lattice.n_steps])
            if not ways.any():
                return rows[:0]
            weights = (ways > 0).astype(np.float64) if is_even_over_active else ways
            active = _pick(weights, uniforms[:, -1])
            self._fill(rows, active, uniforms)
        for variable in range(lattice.n_components, lattice.n_variables):
            levels = lattice.allowed[variable]
            place = (uniforms[:, variable] * len(levels)).astype(np.int64)
            rows[:, variable] = levels[np.minimum(place, len(levels) - 1)]
        return rows

    def _fill(self, rows: IntArray, active: IntArray, uniforms: FloatArray) -> None:
        lattice = self._lattice
        left = np.full(len(rows), lattice.n_steps, dtype=np.int64)
        for variable in range(lattice.n_components):
            table = self._tables[variable + 1]
            states, members = np.unique(
                np.stack([left, active], axis=1), axis=0, return_inverse=True
            )
            members = members.ravel()
            order = np.argsort(members, kind="stable")
            starts = np.searchsorted(members[order], np.arange(len(states) + 1))
            for place, (sum_left, active_left) in enumerate(states.tolist()):
                chosen = order[starts[place] : starts[place + 1]]
                values = lattice.allowed[variable]
                values = values[values <= sum_left]
                if active_left == 0:
                    values = values[values == 0]
                ways = table[sum_left - values, active_left - (values > 0)]
                picked = _pick(_as_floats(ways), uniforms[chosen, variable])
                rows[chosen, variable] = values[picked]
            left -= rows[:, variable]
            active = active - (rows[:, variable] > 0)


def _tables(lattice: Lattice) -> list[NDArray[np.object_]]:
    """Return for each suffix of the components the ways by sum and by number present."""
    shape = (lattice.n_steps + 1, lattice.max_active + 1)
    last = np.full(shape, 0, dtype=object)
    last[0, 0] = 1
    tables = [last]
    for variable in reversed(range(lattice.n_components)):
        below = tables[0]
        values = lattice.allowed[variable]
        present = values[values > 0]
        ways = below.copy() if 0 in values else np.full(shape, 0, dtype=object)
        if len(present):
            sums = np.add.accumulate(below, axis=0)
            low, high = int(present[0]), int(present[-1])
            ways[low:, 1:] += sums[: shape[0] - low, :-1]
            ways[high + 1 :, 1:] -= sums[: shape[0] - high - 1, :-1]
        tables.insert(0, ways)
    return tables


def _as_floats(ways: NDArray[np.object_]) -> FloatArray:
    most = max((int(way) for way in ways), default=0)
    scale = max(1, most >> 60)
    return np.array([int(way) / scale for way in ways], dtype=np.float64)


def _pick(weights: FloatArray, uniforms: FloatArray) -> IntArray:
    """Return for each number the place where it falls in the cumulated weights."""
    edges = np.cumsum(weights)
    places = np.searchsorted(edges, uniforms * edges[-1], side="right")
    last = int(np.flatnonzero(weights)[-1])
    return np.asarray(np.minimum(places, last), dtype=np.int64)

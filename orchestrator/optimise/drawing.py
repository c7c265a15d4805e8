"""Drawing lattice points without listing them, by inverting conditional distributions."""

import math

import numpy as np

from orchestrator.optimise.counting import count_points, is_quickly_counted
from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice
from orchestrator.optimise.walks import Law
from orchestrator.optimise.ways import Ways, Window, shifted, ways_by_suffix

__all__ = ["Drawer", "approximate_count"]


class Drawer:
    """Turns numbers in [0, 1) into points of a lattice.

    Component after component is drawn in proportion to the ways in which the rest can be filled;
    the ways are tables of doubles, the points themselves are exact.

    Args:
        lattice: What to draw from; the integers above 0 that a component may take must follow on
            each other.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self._suffixes = ways_by_suffix(lattice)

    @property
    def log2_n_points(self) -> float:
        """Logarithm to base 2 of the number of lattice points; minus infinity if none is known."""
        total = float(self.ways.sum())
        if total <= 0:
            return -math.inf
        levels = self.lattice.allowed[self.lattice.n_components :]
        scale = int(self._suffixes[0].exponents.max())
        return math.log2(total) + scale + sum(math.log2(len(each)) for each in levels)

    def draw(self, uniforms: FloatArray, *, is_even_over_active: bool) -> IntArray:
        """Turn numbers in [0, 1) into lattice points.

        Args:
            uniforms: `n x (d + 1)`; low-discrepancy numbers give low-discrepancy points.
            is_even_over_active: Give every possible number of present components the same
                weight; otherwise every lattice point has the same weight.

        Returns:
            `n x d` rows; empty if the lattice is.
        """
        lattice = self.lattice
        rows = np.zeros((len(uniforms), lattice.n_variables), dtype=np.int64)
        if lattice.n_components:
            weights = self.ways
            if not weights.any():
                return rows[:0]
            if is_even_over_active:
                weights = (weights > 0).astype(np.float64)
            self._fill(rows, _pick(weights, uniforms[:, -1]), uniforms)
        for variable in range(lattice.n_components, lattice.n_variables):
            levels = lattice.allowed[variable]
            place = (uniforms[:, variable] * len(levels)).astype(np.int64)
            rows[:, variable] = levels[np.minimum(place, len(levels) - 1)]
        return rows

    @property
    def law(self) -> Law:
        """How likely a row is if half of all are drawn even over numbers of present components."""
        ways = self.ways
        reached = np.flatnonzero(ways > 0)
        log_weights = np.zeros(self.lattice.n_components + 1)
        log_weights[reached] = np.log1p(ways.sum() / (ways[reached] * len(reached)))
        return Law(log_weights)

    @property
    def ways(self) -> FloatArray:
        """By number of present components the compositions, in units of the greatest scale."""
        top = self._suffixes[0]
        active = np.arange(len(top.numbers), dtype=np.int64)
        sums = np.full(len(active), self.lattice.n_steps, dtype=np.int64)
        scale = np.full(len(active), top.exponents.max(), dtype=np.int64)
        return top.at(active, sums, scale)

    def _fill(self, rows: IntArray, active: IntArray, uniforms: FloatArray) -> None:
        """Fill in the components of rows that have given numbers of them present."""
        left = np.full(len(rows), self.lattice.n_steps, dtype=np.int64)
        for variable in range(self.lattice.n_components):
            allowed = self.lattice.allowed[variable]
            below = self._suffixes[variable + 1]
            rows[:, variable] = _amounts(below, allowed, active, left, uniforms[:, variable])
            left -= rows[:, variable]
            active = active - (rows[:, variable] > 0)


def approximate_count(lattice: Lattice) -> int:
    """Return the number of lattice points: exact, or to three digits if counting takes long."""
    log2_n_points = math.inf if is_quickly_counted(lattice) else Drawer(lattice).log2_n_points
    if not math.isfinite(log2_n_points):
        return count_points(lattice)
    exponent, rest = divmod(log2_n_points * math.log10(2), 1)
    digits, power = round(100 * math.pow(10, rest)), int(exponent) - 2
    zeros = int("1" + "0" * power)
    return digits * zeros


def _amounts(
    below: Ways, allowed: IntArray, active: IntArray, left: IntArray, uniforms: FloatArray
) -> IntArray:
    """Return for each row the steps of a component, absent before present, small before great."""
    amounts = np.zeros(len(left), dtype=np.int64)
    present = allowed[allowed > 0]
    if not len(present):
        return amounts
    may = np.flatnonzero((active > 0) & (left >= present[0]))
    active, left, uniforms = active[may], left[may], uniforms[may]
    scale = below.scales(active)
    window = Window.of(below, int(present[0]), int(present[-1]))
    small, great = window.parts(active - 1, left)
    with_it = shifted(small + great, below.exponents[active - 1] - scale)
    without = below.at(active, left, scale) if 0 in allowed else np.zeros(len(may))
    reached = uniforms * (without + with_it) - without
    takes = np.flatnonzero((with_it > 0) & ((reached >= 0) | (without == 0)))
    parts = np.clip(reached[takes] / with_it[takes], 0.0, np.nextafter(1.0, 0))
    amounts[may[takes]] = window.amounts(active[takes] - 1, left[takes], parts)
    return amounts


def _pick(weights: FloatArray, uniforms: FloatArray) -> IntArray:
    """Return for each number the place where it falls in the cumulated weights."""
    edges = np.cumsum(weights)
    places = np.searchsorted(edges, uniforms * edges[-1], side="right")
    last = int(np.flatnonzero(weights)[-1])
    return np.asarray(np.minimum(places, last), dtype=np.int64)

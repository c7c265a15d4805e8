"""In how many ways components can share a sum: tables of doubles, each column with its scale.

Numbers of ways are only ever added, never subtracted, so that each is right to about a part in a
million million, and one that is zero is exactly zero.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice

__all__ = ["Ways", "Window", "shifted", "ways_by_suffix"]

_TOP: Final = 990
"""Exponent of two that the greatest number of a column has: sums of columns stay finite."""
_NOTHING: Final = -(2**40)
"""Exponent of a column without any way."""
_MOST_SHIFT: Final = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """The ways to fill a suffix of the components."""

    numbers: FloatArray
    """By number of present components, then by sum in steps."""
    exponents: IntArray
    """By number of present components the power of two that the numbers are to be taken times."""

    def at(self, active: IntArray, sums: IntArray, scale: IntArray) -> FloatArray:
        """Return the ways to have numbers present and sums, in units of powers of two.

        Args:
            active: At least 0; where it is more than there are components there is no way.
            sums: At least 0.
            scale: The powers of two.
        """
        inside = active < len(self.numbers)
        column = np.where(inside, active, 0)
        found = shifted(self.numbers[column, sums], self.exponents[column] - scale)
        return np.where(inside, found, 0.0)

    def scales(self, active: IntArray) -> IntArray:
        """Return in which units to compare the ways with one component more, absent or present.

        Args:
            active: Numbers of present components, with the additional one.
        """
        padded = np.concatenate([[_NOTHING], self.exponents, [_NOTHING]])
        absent = padded[np.minimum(active + 1, len(padded) - 1)]
        return np.asarray(np.maximum(absent, padded[active]), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Sums over all amounts of one present component, and the amount at which a part is reached.

    Sums run forwards and backwards within blocks as wide as the window, so that every window is
    the end of one block and the beginning of the next.
    """

    low: int
    width: int
    forwards: FloatArray
    backwards: FloatArray

    @classmethod
    def of(cls, ways: Ways, low: int, high: int) -> "Window":
        """Prepare a component that is present with `low` to `high` steps."""
        width = high - low + 1
        columns, length = ways.numbers.shape
        n_blocks = -(-(length + width - 1) // width)
        padded = np.zeros((columns, n_blocks * width))
        padded[:, width - 1 : width - 1 + length] = ways.numbers
        blocks = padded.reshape(columns, n_blocks, width)
        forwards = np.cumsum(blocks, axis=2).reshape(columns, -1)
        backwards = np.cumsum(blocks[:, :, ::-1], axis=2)[:, :, ::-1].reshape(columns, -1)
        return cls(low, width, forwards, backwards)

    def parts(self, column: IntArray, sums: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the ways with smaller and with greater amounts, for sums of at least `low`."""
        first = sums - self.low
        last = first + self.width - 1
        is_whole = first % self.width == 0
        return self.forwards[column, last], np.where(is_whole, 0.0, self.backwards[column, first])

    def amounts(self, column: IntArray, sums: IntArray, parts: FloatArray) -> IntArray:
        """Return the amounts at which parts of the ways are reached, counted from small ones.

        Args:
            column: Numbers present among the other components.
            sums: At least `low`, with some way each.
            parts: In [0, 1).
        """
        small, great = self.parts(column, sums)
        first = sums - self.low
        last = first + self.width - 1
        block = last // self.width * self.width
        wanted = parts * (small + great)
        is_small = (wanted < small) | (great == 0)
        target = small - np.minimum(wanted, np.nextafter(small, 0))
        upper = _first_at_least(self.forwards, column, block, last, target)
        target = np.clip(wanted - small, 0, np.nextafter(great, 0))
        lower = _last_above(self.backwards, column, first, np.maximum(block - 1, first), target)
        left = np.where(is_small, upper, lower) - (self.width - 1)
        return np.asarray(sums - left, dtype=np.int64)


def ways_by_suffix(lattice: Lattice) -> list[Ways]:
    """Return the ways to fill the components from each one on; the last is that of none.

    Args:
        lattice: The integers above 0 that a component may take must follow on each other.
    """
    nothing = np.zeros((1, lattice.n_steps + 1))
    nothing[0, 0] = 1.0
    suffixes = [_scaled(nothing, np.zeros(1, dtype=np.int64))]
    for allowed in reversed(lattice.allowed[: lattice.n_components]):
        suffixes.append(_extended(suffixes[-1], allowed, lattice.max_active))
    return suffixes[::-1]


def _extended(below: Ways, allowed: IntArray, max_active: int) -> Ways:
    columns, length = below.numbers.shape
    active = np.arange(min(columns, max_active) + 1, dtype=np.int64)
    scale = below.scales(active)
    total = np.zeros((len(active), length))
    if 0 in allowed:
        kept = min(columns, len(active))
        shift = below.exponents[:kept] - scale[:kept]
        total[:kept] += shifted(below.numbers[:kept], shift[:, None])
    present = allowed[allowed > 0]
    if len(present):
        window = Window.of(below, int(present[0]), int(present[-1]))
        column = active[1:, None] - 1
        sums = np.arange(window.low, length, dtype=np.int64)[None, :]
        small, great = window.parts(column, sums)
        shift = below.exponents[: len(column)] - scale[1:]
        total[1:, window.low :] += shifted(small + great, shift[:, None])
    return _scaled(total, scale)


def _scaled(numbers: FloatArray, exponents: IntArray) -> Ways:
    most = numbers.max(axis=1)
    up = np.where(most > 0, _TOP - np.frexp(most)[1], 0).astype(np.int64)
    return Ways(
        shifted(numbers, up[:, None]), np.where(most > 0, exponents - up, _NOTHING).astype(np.int64)
    )


def shifted(numbers: FloatArray, exponents: IntArray) -> FloatArray:
    """Return numbers times powers of two; what is too small for a double becomes 0."""
    small = np.clip(exponents, -_MOST_SHIFT, _MOST_SHIFT).astype(np.int32)
    with np.errstate(under="ignore"):
        return np.asarray(np.ldexp(numbers, small), dtype=np.float64)


def _first_at_least(
    rising: FloatArray, column: IntArray, low: IntArray, high: IntArray, target: FloatArray
) -> IntArray:
    """Return the first places from `low` to `high` that reach a target, which the last does."""
    while (low < high).any():
        middle = (low + high) // 2
        reaches = rising[column, middle] >= target
        low, high = np.where(reaches, low, middle + 1), np.where(reaches, middle, high)
        low = np.minimum(low, high)
    return high


def _last_above(
    falling: FloatArray, column: IntArray, low: IntArray, high: IntArray, target: FloatArray
) -> IntArray:
    """Return the last places from `low` to `high` that exceed a target, which the first does."""
    while (low < high).any():
        middle = (low + high + 1) // 2
        exceeds = falling[column, middle] > target
        low, high = np.where(exceeds, middle, low), np.where(exceeds, high, middle - 1)
        high = np.maximum(low, high)
    return low

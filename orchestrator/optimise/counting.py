"""Exact numbers of lattice points, without listing them.

Polynomials hold the number of ways by sum, packed into one whole number each, so that adding a
component is a handful of shifts and additions of long numbers.
"""

import math
from typing import Final

from orchestrator.optimise.lattice import IntArray, Lattice

__all__ = ["count_points", "is_quickly_counted"]

_MOST_WORK: Final = 1_500_000_000
"""Bytes that may be shifted and added: about half a second."""


def is_quickly_counted(lattice: Lattice) -> bool:
    """Return whether counting a lattice takes about half a second at most."""
    n_bytes = _bits(lattice) * (lattice.n_steps + 1) // 8
    per_window = 2 * max(1, lattice.n_steps).bit_length()
    n_polynomials = 1 if _is_free(lattice) else min(lattice.max_active, lattice.n_components)
    return lattice.n_components * n_polynomials * n_bytes * per_window <= _MOST_WORK


def count_points(lattice: Lattice) -> int:
    """Return the exact number of points of a lattice, before any condition.

    Args:
        lattice: The integers above 0 that a component may take must follow on each other.
    """
    total = _count_compositions(lattice) if lattice.n_components else 1
    for levels in lattice.allowed[lattice.n_components :]:
        total *= len(levels)
    return total


def _count_compositions(lattice: Lattice) -> int:
    bits = _bits(lattice)
    mask = (1 << (bits * (lattice.n_steps + 1))) - 1
    is_free = _is_free(lattice)
    by_active = [1] + [0] * (0 if is_free else lattice.max_active)
    for allowed in lattice.allowed[: lattice.n_components]:
        absent = by_active if 0 in allowed else [0] * len(by_active)
        present = [_with_present(ways, allowed, bits, mask) for ways in by_active]
        added = present if is_free else [0, *present[:-1]]
        by_active = [without + ways for without, ways in zip(absent, added, strict=True)]
    last = bits * lattice.n_steps
    return sum(ways >> last for ways in by_active)


def _with_present(ways: int, allowed: IntArray, bits: int, mask: int) -> int:
    """Return the ways with one more component, which is present."""
    present = allowed[allowed > 0]
    if not len(present) or not ways:
        return 0
    total, offset = 0, int(present[0])
    left, size, block = int(present[-1]) - offset + 1, 1, ways
    while left:
        if left & 1:
            total += (block << (offset * bits)) & mask
            offset += size
        left >>= 1
        if left:
            block += (block << (size * bits)) & mask
            size *= 2
    return total


def _is_free(lattice: Lattice) -> bool:
    """Return whether every component may be present at once."""
    return lattice.max_active >= lattice.n_components


def _bits(lattice: Lattice) -> int:
    """Return how many bits hold any number of ways, without running into the next."""
    n = max(1, lattice.n_components)
    return math.comb(lattice.n_steps + n - 1, n - 1).bit_length() + 1

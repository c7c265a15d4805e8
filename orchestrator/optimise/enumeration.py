"""Listing every feasible point of a small lattice, variable by variable, in whole numbers."""

import numpy as np

from orchestrator.optimise.conditions import Conditions, Whole
from orchestrator.optimise.lattice import BoolArray, IntArray, Lattice

__all__ = ["enumerate_rows"]

_WIDEST = 20
"""How many times the limit a level may have before it is sieved."""


def enumerate_rows(conditions: Conditions, lattice: Lattice, limit: int) -> IntArray | None:
    """Return all lattice rows that satisfy the linear conditions.

    Partial rows are dropped as soon as their sum, their number of present components or a linear
    condition can no longer be met.

    Args:
        conditions: Those that are not linear are not looked at.
        lattice: Their lattice, perhaps narrowed.
        limit: Rows at most, at every level.

    Returns:
        `n x d` rows in lexicographic order, or None if some level exceeds the limit.
    """
    rows = np.zeros((1, 0), dtype=np.int64)
    rests = _rests(conditions, lattice)
    for variable, allowed in enumerate(lattice.allowed):
        if len(rows) * len(allowed) > _WIDEST * limit:
            return None
        rows = np.hstack(
            [np.repeat(rows, len(allowed), axis=0), np.tile(allowed, len(rows))[:, None]]
        )
        keep = _composition_reachable(lattice, rows, variable)
        rows = rows[keep]
        for table, rest in zip(conditions.tables, rests, strict=True):
            rows = rows[
                np.asarray(table.sums(rows) + rest[variable + 1] <= table.bound, dtype=bool)
            ]
        if len(rows) > limit:
            return None
    return rows


def _rests(conditions: Conditions, lattice: Lattice) -> list[list[int]]:
    """Return for each table the least that the variables from each one on can add."""
    rests: list[list[int]] = []
    for table in conditions.tables:
        least = [
            _least(entries, allowed)
            for entries, allowed in zip(table.entries, lattice.allowed, strict=True)
        ]
        rests.append([sum(least[variable:]) for variable in range(len(least) + 1)])
    return rests


def _least(entries: Whole, allowed: IntArray) -> int:
    return int(min(entries[allowed].tolist()))


def _composition_reachable(lattice: Lattice, rows: IntArray, variable: int) -> BoolArray:
    if variable >= lattice.n_components:
        return np.ones(len(rows), dtype=np.bool_)
    later = lattice.allowed[variable + 1 : lattice.n_components]
    total = rows.sum(axis=1)
    active = (rows > 0).sum(axis=1)
    least = sum(int(allowed[0]) for allowed in later)
    must = sum(int(allowed[0] > 0) for allowed in later)
    highest = sorted((int(allowed[-1]) for allowed in later), reverse=True)
    most = np.concatenate([[0], np.cumsum(highest)]).astype(np.int64)
    free = np.clip(lattice.max_active - active, 0, len(later))
    reachable = (
        (total + least <= lattice.n_steps)
        & (total + most[free] >= lattice.n_steps)
        & (active + must <= lattice.max_active)
    )
    return np.asarray(reachable, dtype=np.bool_)

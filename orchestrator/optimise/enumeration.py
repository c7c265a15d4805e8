"""Listing every feasible point of a lattice, variable by variable, in whole numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestrator.optimise.conditions import Conditions, Whole
from orchestrator.optimise.lattice import BoolArray, IntArray, Lattice

__all__ = ["enumerate_rows", "sieve_rows"]

_WIDEST: Final = 20
"""How many times the limit a level may have before it is sieved."""
_CHUNK: Final = 200_000
"""Rows, about, that a sieve holds at once."""
_MOST_UNDECIDED: Final = 50_000
"""Rows, at most, that a sieve judges in rationals."""


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
    growth = _Growth.of(conditions, lattice)
    rows = np.zeros((1, 0), dtype=np.int64)
    for _ in lattice.allowed:
        starts, counts = growth.choices(rows)
        if counts.sum() > _WIDEST * limit:
            return None
        rows = growth.grown(rows, starts, counts)
        if len(rows) > limit:
            return None
    return rows


def sieve_rows(
    conditions: Conditions, lattice: Lattice, limit: int, *, most_looked_at: int
) -> IntArray | None:
    """Return all lattice rows that satisfy every condition, by looking at each in turn.

    Args:
        conditions: All are looked at, exactly.
        lattice: Their lattice, perhaps narrowed.
        limit: Feasible rows, at most.
        most_looked_at: Rows and partial rows to look at, at most.

    Returns:
        `n x d` rows in lexicographic order, or None if there are more than the limit, or too many
        to look at, or too many that only rationals can judge.
    """
    growth = _Growth.of(conditions, lattice)
    found: list[IntArray] = []
    n_found = n_undecided = n_seen = 0
    for rows in growth.chunks(np.zeros((1, 0), dtype=np.int64)):
        n_seen += len(rows)
        if rows.shape[1] == lattice.n_variables:
            may_hold, is_undecided = conditions.screened(rows)
            n_undecided += int(is_undecided.sum())
            if n_undecided > _MOST_UNDECIDED:
                return None
            places = np.flatnonzero(is_undecided)
            may_hold[places] = conditions.hold(rows[places])
            found.append(rows[may_hold])
            n_found += len(found[-1])
        if n_found > limit or n_seen > most_looked_at:
            return None
    return np.vstack([np.zeros((0, lattice.n_variables), dtype=np.int64), *found])


@dataclass(frozen=True, slots=True, eq=False)
class _Growth:
    """How partial rows get their next variable."""

    conditions: Conditions
    lattice: Lattice
    rests: list[list[int]]
    """For each table the least that the variables from each one on can add."""

    @classmethod
    def of(cls, conditions: Conditions, lattice: Lattice) -> "_Growth":
        rests: list[list[int]] = []
        for table in conditions.tables:
            least = [
                _least(entries, allowed)
                for entries, allowed in zip(table.entries, lattice.allowed, strict=True)
            ]
            rests.append([sum(least[variable:]) for variable in range(len(least) + 1)])
        return cls(conditions, lattice, rests)

    def chunks(self, rows: IntArray) -> Iterator[IntArray]:
        """Yield rows and all that grow from them, in pieces, depth first.

        Args:
            rows: `n x k` partial rows.
        """
        yield rows
        if rows.shape[1] == self.lattice.n_variables or not len(rows):
            return
        starts, counts = self.choices(rows)
        cuts = np.flatnonzero(np.diff(np.cumsum(counts) // _CHUNK)) + 1
        pieces = zip(*(np.split(each, cuts) for each in (rows, starts, counts)), strict=True)
        for piece in pieces:
            yield from self.chunks(self.grown(*piece))

    def choices(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return for each row the place of the next variable's first value, and how many follow.

        Values that the sum of the composition rules out are left out.
        """
        lattice, variable = self.lattice, rows.shape[1]
        allowed = lattice.allowed[variable]
        if variable >= lattice.n_components:
            return np.zeros(len(rows), dtype=np.int64), np.full(len(rows), len(allowed))
        later = lattice.allowed[variable + 1 : lattice.n_components]
        left = lattice.n_steps - rows.sum(axis=1)
        least = sum(int(values[0]) for values in later)
        most = sum(int(values[-1]) for values in later)
        starts = np.searchsorted(allowed, left - most, side="left")
        ends = np.searchsorted(allowed, left - least, side="right")
        return starts.astype(np.int64), np.maximum(ends - starts, 0).astype(np.int64)

    def grown(self, rows: IntArray, starts: IntArray, counts: IntArray) -> IntArray:
        """Return rows with each of their choices that leaves the rest a chance."""
        variable = rows.shape[1]
        before = np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(starts, counts) + np.arange(counts.sum()) - before
        column = self.lattice.allowed[variable][places]
        rows = np.hstack([np.repeat(rows, counts, axis=0), column[:, None]])
        rows = rows[_composition_reachable(self.lattice, rows, variable)]
        for table, rest in zip(self.conditions.tables, self.rests, strict=True):
            fits = table.sums(rows) + rest[variable + 1] <= table.bound
            rows = rows[np.asarray(fits, dtype=np.bool_)]
        return rows


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

"""Which rows a planner may still propose: never pending, told ones only as a last resort.

Points that failed, and those that were measured without error, are never proposed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from orchestrator.core.point import Observation, Point
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import IntArray, Lattice, RowKey, row_keys

__all__ = ["Chooser", "Taken", "choose"]

_FIRST_PICKS: Final = 6
_TOGETHER: Final = 3_000
"""Rows that each pick for a shared proposal looks at, at most."""
Chooser: TypeAlias = Callable[[IntArray, int, IntArray], IntArray]
"""Picks up to n rows of a pool, given the rows picked already: (pool, n, picked) -> rows."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Lattice points that are spoken for."""

    seen: frozenset[RowKey]
    """Told before; as-made points count as the lattice point within a tenth of a step."""
    pending: frozenset[RowKey]
    closed: frozenset[RowKey] = frozenset()
    """Seen ones that nothing is learnt from by making them again: no sample could be made there
    once, or all that was measured has no error."""

    @classmethod
    def of(
        cls, lattice: Lattice, observations: Sequence[Observation], pending: Sequence[Point]
    ) -> "Taken":
        """Find the lattice points of observations and pending points."""
        seen = [(lattice.row_at(each.point), _is_closed(each)) for each in observations]
        waiting = (lattice.row_at(point) for point in pending)
        return cls(
            frozenset(row for row, _ in seen if row is not None),
            frozenset(row for row in waiting if row is not None),
            frozenset(row for row, is_closed in seen if row is not None and is_closed),
        )

    def unseen(self, rows: IntArray) -> IntArray:
        """Return the rows that are neither seen nor pending."""
        blocked = self.seen | self.pending
        if not blocked or not len(rows):
            return rows
        return rows[np.array([key not in blocked for key in row_keys(rows)], dtype=np.bool_)]

    def repeatable(self, feasible: FeasibleSet) -> IntArray:
        """Return the told rows that may be made again, `k x d`: feasible, not pending or closed."""
        known = np.array(sorted(self.seen - self.pending - self.closed), dtype=np.int64)
        known = known.reshape(-1, feasible.lattice.n_variables)
        return known[feasible.contains(known)]


def _is_closed(observation: Observation) -> bool:
    errors = [observation.sds.get(name) for name in observation.values]
    return observation.is_failed or (bool(errors) and all(sd == 0 for sd in errors))


def choose(
    feasible: FeasibleSet, taken: Taken, n: int, pool: IntArray, chooser: Chooser
) -> tuple[IntArray, str]:
    """Let a chooser pick rows, going on to the rest of the set and to seen points if need be.

    Args:
        feasible: The set.
        taken: What is spoken for.
        n: Rows wanted.
        pool: `k x d` distinct feasible rows to choose from first.
        chooser: How to choose; it may return fewer than asked only if the pool is smaller.

    Returns:
        Up to `n` distinct rows, none pending or closed, and a remark; the remark is empty unless
        points that were told before had to be repeated or too few exist.
    """
    if n > 1 and not feasible.companions.is_free:
        return _choose_together(feasible, taken, n, pool, chooser)
    picked = chooser(taken.unseen(pool), n, pool[:0])
    if len(picked) < n:
        rest = taken.unseen(_rest(feasible, taken, n))
        rest = _without(rest, picked)
        picked = np.vstack([picked, chooser(rest, n - len(picked), picked)])
    if len(picked) == n:
        return picked, ""
    known = taken.repeatable(feasible)
    again = chooser(known, n - len(picked), picked)
    remark = f"{len(picked)} unseen points were left; {len(again)} told points are repeated"
    return np.vstack([picked, again]), remark


def _choose_together(
    feasible: FeasibleSet, taken: Taken, n: int, pool: IntArray, chooser: Chooser
) -> tuple[IntArray, str]:
    """Let a chooser pick rows one by one, each among those that may share a proposal with all.

    A proposal is begun where enough rows can share it, if there is such a place.
    """
    companions, known = feasible.companions, taken.repeatable(feasible)
    rng = np.random.default_rng([n, len(pool)])
    picked, fresh = pool[:0], taken.unseen(_rest(feasible, taken, n))
    if feasible.listed is None:
        fresh = np.unique(np.vstack([taken.unseen(pool), fresh]), axis=0)
        picked, fresh = _begun(feasible, taken, n, fresh, chooser)
    n_repeated = 0
    while len(picked) < n:
        fresh, known = (_without(companions.joining(r, picked), picked) for r in (fresh, known))
        wanted = n - len(picked)
        is_short = feasible.listed is None and companions.most_together(fresh, picked) < wanted
        if is_short and len(picked):
            more = taken.unseen(feasible.sharing(picked, _TOGETHER, rng))
            fresh = _without(np.unique(np.vstack([fresh, more]), axis=0), picked)
        rooms = companions.rooms(fresh, known, picked, wanted)
        offered = fresh if len(picked) else taken.unseen(pool)
        for rows in (offered, fresh, known):
            left = rows[companions.inside(rows, picked, rooms)]
            if len(left):
                break
        chosen = chooser(rng.permutation(left)[:_TOGETHER], 1, picked)
        if not len(chosen):
            break
        picked = np.vstack([picked, chosen])
        n_repeated += int(not len(taken.unseen(chosen)))
    if len(picked) == n and not n_repeated:
        return picked, ""
    n_fresh = len(picked) - n_repeated
    return picked, (
        f"{n_fresh} unseen points can share a proposal; {n_repeated} told points are repeated"
    )


def _begun(
    feasible: FeasibleSet, taken: Taken, n: int, fresh: IntArray, chooser: Chooser
) -> tuple[IntArray, IntArray]:
    """Return a first pick that leaves enough companions, and the rows it may be joined by.

    Where a pick leaves too few, another one is taken, a few times; then the one that leaves most.
    """
    rng = np.random.default_rng([n, len(fresh)])
    best, most = (fresh[:0], fresh[:0]), 0
    for _ in range(_FIRST_PICKS):
        first = chooser(fresh, 1, fresh[:0])
        if not len(first):
            break
        joining = feasible.companions.joining(fresh, first)
        drawn = taken.unseen(feasible.sharing(first, _TOGETHER, rng))
        around = np.unique(np.vstack([joining, drawn]), axis=0)
        n_together = feasible.companions.most_together(around, first)
        if n_together > most:
            best, most = (first, around), n_together
        if n_together >= n:
            break
        fresh = _without(fresh, np.vstack([joining, first]))
    return best


def _rest(feasible: FeasibleSet, taken: Taken, n: int) -> IntArray:
    if feasible.listed is not None:
        return feasible.listed
    known = np.array(sorted(taken.seen | taken.pending), dtype=np.int64)
    known = known.reshape(-1, feasible.lattice.n_variables)
    known = known[feasible.contains(known)]
    enough = len(known) + len(feasible.starts) + 50 * n
    reached = feasible.closure(np.vstack([feasible.starts, known]), enough)
    return reached if len(reached) >= enough else feasible.wider(reached, enough)


def _without(rows: IntArray, others: IntArray) -> IntArray:
    known = set(row_keys(others))
    if not known or not len(rows):
        return rows
    return rows[np.array([key not in known for key in row_keys(rows)], dtype=np.bool_)]

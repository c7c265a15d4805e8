"""Which points a campaign may propose: membership, listing, drawing, all on the lattice.

A small set is listed whole, which proves how many points it has. Of a large one some feasible
points are found first (directly, by integer programming, by a guided search) and others are
reached from them by random moves that never leave the set.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from campaigns.errors import NoFeasiblePoint
from campaigns.spec import CampaignSpec
from orchestrator.optimise.companions import Companions, most_present
from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.conflicts import conflict_between, unmet_by_all
from orchestrator.optimise.drawing import Drawer, approximate_count
from orchestrator.optimise.enumeration import enumerate_rows, sieve_rows
from orchestrator.optimise.feasible_start import first_starts, more_starts
from orchestrator.optimise.lattice import BoolArray, FloatArray, IntArray, Lattice, row_keys
from orchestrator.optimise.linear_program import LinearProgram
from orchestrator.optimise.moves import neighbours
from orchestrator.optimise.narrowing import narrowed
from orchestrator.optimise.splitting import split
from orchestrator.optimise.walks import walk

__all__ = ["FeasibleSet"]

LISTED: Final = 100_000
"""Rows, at most, of a set that is listed whole."""
_SIEVED: Final = 5_000_000
"""Lattice points, at most, that are looked at one by one to list the feasible ones."""
_SIEVED_IF_RARE: Final = 15_000_000
"""The same if no random point was feasible."""
_PROBES: Final = 16_384
_MOST_DRAWS: Final = 200_000
_LEAST_SHARE: Final = 0.002
"""Share of direct draws that must be feasible for them to be worth their time."""
_STARTS: Final = 512
_COMPANION_DRAWS: Final = 2_048
_RESTARTS: Final = 4
_RESTART_DRAWS: Final = 2_048
_CACHED: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class FeasibleSet:
    """The points that a campaign may propose."""

    lattice: Lattice
    conditions: Conditions
    n_lattice_points: int
    """Lattice points before any condition: exact, or to three digits if counting takes long."""
    drawer: Drawer
    """Draws from the lattice, or a part of it that holds every feasible point."""
    listed: IntArray | None
    """Every feasible row, where the set is small enough to be listed."""
    starts: IntArray
    """Some feasible rows."""
    share: float
    """Feasible part of the lattice: exact if listed, else estimated from random points; 0 if no
    estimate reached the set."""
    share_error: float
    """Standard error of the share as a part of it: 0 if listed, infinite if the share is 0."""
    acceptance: float
    """Feasible part of what is drawn."""
    companions: Companions
    """Which points may stand in one proposal."""

    @staticmethod
    def of(campaign: CampaignSpec) -> "FeasibleSet":
        """Find out what a campaign may propose; the answer is kept for the same campaign.

        Raises:
            NoFeasiblePoint: There is none, or none was found; the reasons say which.
        """
        return _cached(campaign.canonical_text())

    @property
    def n_points(self) -> int | None:
        """Exact number of feasible points, or None where they were not listed."""
        return None if self.listed is None else len(self.listed)

    def contains(self, rows: IntArray) -> BoolArray:
        """Return which rows are feasible, exactly.

        Args:
            rows: `n x d` integers, any values.
        """
        inside = self.lattice.contains(rows)
        places = np.flatnonzero(inside)
        inside[places] = self.conditions.hold(rows[places])
        return inside

    def neighbours(self, row: IntArray) -> IntArray:
        """Return the feasible rows one move away from a row of `d` integers."""
        rows = neighbours(self.lattice, row)
        return rows[self.conditions.hold(rows)]

    def spread(self, uniforms: FloatArray) -> IntArray:
        """Return the distinct feasible points that uniform numbers stand for.

        Args:
            uniforms: `n x (d + 1)` in [0, 1). For every second row of them each number of present
                components weighs the same, for the others each lattice point.
        """
        if self.conditions.only is not None and self.listed is not None:
            return self.listed[np.unique((uniforms[:, 0] * len(self.listed)).astype(np.int64))]
        even = self.drawer.draw(uniforms[::2], is_even_over_active=True)
        others = self.drawer.draw(uniforms[1::2], is_even_over_active=False)
        rows = np.unique(np.vstack([even, others]), axis=0)
        return rows[self.conditions.hold(rows)]

    def sample(self, n: int, rng: np.random.Generator) -> IntArray:
        """Return distinct random feasible rows.

        Args:
            n: How many are wanted, at least 1.
            rng: Source of randomness.

        Returns:
            Up to `n` rows; fewer only if fewer exist (in a set that is not listed: were found).
        """
        if self.listed is not None:
            if len(self.listed) <= n:
                return self.listed
            return self.listed[np.sort(rng.choice(len(self.listed), n, replace=False))]
        found = self._draw(n, rng) if self.acceptance >= _LEAST_SHARE else self.starts[:0]
        if len(found) < n:
            starts = np.vstack([self.starts, found])
            walked = walk(self._conditions, self.drawer.law, starts, n - len(found), rng)
            found = np.unique(np.vstack([found, walked]), axis=0)
        if len(found) > n:
            found = found[np.sort(rng.choice(len(found), n, replace=False))]
        return found

    def closure(self, rows: IntArray, n: int) -> IntArray:
        """Return feasible rows reached from feasible ones by single moves, nearest first.

        Args:
            rows: `k x d` feasible rows to start from.
            n: How many to stop at.
        """
        reached = dict.fromkeys(row_keys(rows))
        front = list(reached)
        while front and len(reached) < n:
            following: list[tuple[int, ...]] = []
            for key in front:
                for other in row_keys(self.neighbours(np.array(key, dtype=np.int64))):
                    if other not in reached:
                        reached[other] = None
                        following.append(other)
                if len(reached) >= n:
                    break
            front = following
        return np.array(list(reached), dtype=np.int64).reshape(-1, self.lattice.n_variables)

    def wider(self, rows: IntArray, n: int) -> IntArray:
        """Return more feasible rows, found by walks from all known ones and by fresh searches.

        Args:
            rows: `k x d` feasible rows, k at least 1.
            n: How many to stop at.
        """
        rng = np.random.default_rng(len(rows))
        for _ in range(_RESTARTS):
            drawn = _drawn(self.drawer, self.lattice, _RESTART_DRAWS, rng)
            starts = more_starts(self.conditions, drawn, rng)
            known = rng.permutation(np.vstack([rows, starts]))
            walked = walk(self._conditions, self.drawer.law, known, n, rng)
            rows = self.closure(np.unique(np.vstack([rows, walked]), axis=0), n)
            if len(rows) >= n:
                break
        return rows

    def sharing(self, picked: IntArray, n: int, rng: np.random.Generator) -> IntArray:
        """Return random feasible rows that may join those that were picked for a proposal.

        Args:
            picked: `k x d` feasible rows, k at least 1.
            n: How many are wanted, about.
            rng: Source of randomness.

        Returns:
            Distinct rows; all there are, where the set is listed.
        """
        if self.listed is not None:
            return self.companions.joining(self.listed, picked)
        found = [picked]
        for part in self.companions.around(self.drawer.lattice, picked):
            conditions, drawer = replace(self.conditions, lattice=part), Drawer(part)
            drawn = _drawn(drawer, part, _COMPANION_DRAWS, rng)
            good = drawn[conditions.hold(drawn)]
            starts = np.vstack([picked[part.contains(picked)], good])
            if len(good) < n and len(starts):
                good = np.vstack([good, walk(conditions, drawer.law, starts, n, rng)])
            found.append(good)
        return np.unique(np.vstack(found), axis=0)

    @property
    def _conditions(self) -> Conditions:
        """The conditions over the part of the lattice that is drawn from."""
        return replace(self.conditions, lattice=self.drawer.lattice)

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        draws = int(min(_MOST_DRAWS, 1.5 * n / self.acceptance + 64))
        rows = np.unique(_drawn(self.drawer, self.lattice, draws, rng), axis=0)
        return rows[self.conditions.hold(rows)]


@lru_cache(maxsize=_CACHED)
def _cached(text: str) -> FeasibleSet:
    campaign = CampaignSpec.from_canonical_text(text)
    lattice = Lattice.of(campaign.space, most_present(campaign))
    companions = Companions.of(campaign)
    n_lattice_points = approximate_count(lattice)
    if campaign.space.points is not None:
        return _from_points(campaign, lattice, companions, n_lattice_points)
    conditions = Conditions.of(lattice, campaign.conditions)
    narrow = narrowed(conditions) if n_lattice_points else None
    found: FeasibleSet | None = None
    if narrow is not None:
        drawer = Drawer(narrow)
        linear = enumerate_rows(conditions, narrow, LISTED)
        if linear is None:
            found = _from_search(conditions, companions, n_lattice_points, drawer)
        elif conditions.hold(linear).any():
            rows = linear[conditions.hold(linear)]
            found = _from_list(conditions, companions, n_lattice_points, drawer, rows)
    if found is None:
        raise NoFeasiblePoint([str(conflict_between(campaign, conditions))])
    return found


def _from_points(
    campaign: CampaignSpec, lattice: Lattice, companions: Companions, n_lattice_points: int
) -> FeasibleSet:
    """Take the feasible ones of the points that the campaign lists."""
    rows = lattice.rows_of(campaign.space.listed_points)
    conditions = Conditions.of(lattice, campaign.conditions, frozenset(row_keys(rows)))
    good = rows[lattice.contains(rows)]
    good = good[conditions.hold(good)]
    if not len(good):
        raise NoFeasiblePoint([unmet_by_all(campaign, lattice, rows)])
    return _from_list(conditions, companions, n_lattice_points, Drawer(lattice), good)


def _from_list(
    conditions: Conditions,
    companions: Companions,
    n_lattice_points: int,
    drawer: Drawer,
    rows: IntArray,
) -> FeasibleSet:
    return FeasibleSet(
        lattice=conditions.lattice,
        conditions=conditions,
        n_lattice_points=n_lattice_points,
        drawer=drawer,
        listed=rows,
        starts=rows[:1],
        share=len(rows) / n_lattice_points,
        share_error=0.0,
        acceptance=min(1.0, len(rows) / 2**drawer.log2_n_points),
        companions=companions,
    )


def _from_search(
    conditions: Conditions, companions: Companions, n_lattice_points: int, drawer: Drawer
) -> FeasibleSet | None:
    """Find feasible points of a set too large to list; None if it is proved that there is none.

    Raises:
        NoFeasiblePoint: None was found, which is no proof.
    """
    rng = np.random.default_rng(0)
    drawn = _drawn(drawer, conditions.lattice, 2 * _PROBES, rng)
    uniform = drawn[len(drawn) // 2 :]
    acceptance = float(conditions.hold(uniform).mean()) if len(uniform) else 0.0
    listed = _sieved(conditions, drawer, uniform, acceptance)
    if listed is not None:
        is_empty = not len(listed)
        return (
            None
            if is_empty
            else _from_list(conditions, companions, n_lattice_points, drawer, listed)
        )
    drawn = np.unique(drawn, axis=0)
    starts = drawn[conditions.hold(drawn)]
    error = math.sqrt((1 - acceptance) / (acceptance * len(uniform))) if acceptance else math.inf
    if acceptance < _LEAST_SHARE:
        if LinearProgram.of(conditions.lattice).is_impossible(conditions.tables):
            return None
        estimate = split(replace(conditions, lattice=drawer.lattice), drawer, rng)
        acceptance, error = estimate.share, estimate.relative_error
        starts = np.unique(np.vstack([starts, estimate.rows]), axis=0)
        if not len(estimate.rows):
            found = [first_starts(conditions, drawn, starts, rng)]
            found += [more_starts(conditions, drawn, rng) for _ in range(_RESTARTS)]
            starts = np.unique(np.vstack([starts, *found]), axis=0)
    return FeasibleSet(
        lattice=conditions.lattice,
        conditions=conditions,
        n_lattice_points=n_lattice_points,
        drawer=drawer,
        listed=None,
        starts=starts[rng.permutation(len(starts))[:_STARTS]],
        share=acceptance * min(1.0, 2 ** (drawer.log2_n_points - math.log2(n_lattice_points))),
        share_error=error,
        acceptance=acceptance,
        companions=companions,
    )


def _drawn(drawer: Drawer, lattice: Lattice, n: int, rng: np.random.Generator) -> IntArray:
    """Return `n` lattice points, half of them even over the number of present components."""
    uniforms = rng.random((n, lattice.n_variables + 1))
    half = n // 2
    even = drawer.draw(uniforms[:half], is_even_over_active=True)
    return np.vstack([even, drawer.draw(uniforms[half:], is_even_over_active=False)])


def _sieved(
    conditions: Conditions, drawer: Drawer, uniform: IntArray, acceptance: float
) -> IntArray | None:
    """Return all feasible rows if looking at each lattice point is worth its time, else None."""
    n_points = 2.0 ** min(drawer.log2_n_points, 1000.0)
    if not conditions.others or acceptance * n_points > 4 * LISTED:
        return None
    n_linear = max(1, int(conditions.hold_linearly(uniform).sum()))
    most = _SIEVED if acceptance > 0 else _SIEVED_IF_RARE
    if n_points * n_linear > most * max(1, len(uniform)):
        return None
    return sieve_rows(conditions, drawer.lattice, LISTED, most_looked_at=2 * most)

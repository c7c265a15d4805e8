"""How large a part of a lattice is feasible, where hardly any random point is.

Many random points are moved towards the set through a sequence of larger sets, each a few times
smaller than the one before: those that violate the conditions least. The shares multiply, and the
points end evenly spread over the set (adaptive multilevel splitting, [Cerou2012]_).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.drawing import Drawer
from orchestrator.optimise.lattice import FloatArray, IntArray
from orchestrator.optimise.violation import violations
from orchestrator.optimise.walks import Law, proposed

__all__ = ["Estimate", "split"]

_RUNS: Final = 4
_POINTS: Final = 512
"""Points of one run."""
_KEPT: Final = 0.3
"""Share of the points that a smaller set should hold."""
_LEAST_ROUNDS: Final = 8
_MOST_ROUNDS: Final = 40
_LEAST_STEPS: Final = 6.0
"""Accepted steps a point, on average, before the next smaller set is looked for."""
_MOST_SETS: Final = 40
_NEAR: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What splitting found."""

    rows: IntArray
    """`n x d` feasible rows, about evenly spread over the set; none if no run reached it."""
    share: float
    """Feasible part of what is drawn; 0 if no run reached the set."""
    relative_error: float
    """Standard error of the share, as a part of it; infinite if no run reached the set."""


def split(conditions: Conditions, drawer: Drawer, rng: np.random.Generator) -> Estimate:
    """Estimate the feasible share and find feasible rows.

    Args:
        conditions: The conditions, over the drawer's lattice.
        drawer: Draws from the lattice.
        rng: Source of randomness.
    """
    lattice, n_rows = conditions.lattice, _RUNS * _POINTS
    uniforms = rng.random((n_rows, lattice.n_variables + 1))
    rows = drawer.draw(uniforms, is_even_over_active=False)
    if not len(rows):
        return Estimate(rows, 0.0, math.inf)
    runs = [
        _Run(rows[place : place + _POINTS], _amounts(conditions, rows[place : place + _POINTS]))
        for place in range(0, n_rows, _POINTS)
    ]
    for _ in range(_MOST_SETS):
        going = [run for run in runs if run.narrow(rng)]
        if not going:
            break
        _spread_out(conditions, going, rng)
    shares = np.array([run.share if run.limit == 0 else 0.0 for run in runs])
    found = [run.rows for run in runs if run.limit == 0]
    mean = float(shares.mean())
    if not found:
        return Estimate(rows[:0], 0.0, math.inf)
    error = float(shares.std(ddof=1)) / mean / math.sqrt(len(shares))
    return Estimate(np.unique(np.vstack(found), axis=0), mean, error)


@dataclass(slots=True, eq=False)
class _Run:
    """One set of points on its way."""

    rows: IntArray
    amounts: FloatArray
    """How far each row is from satisfying the conditions; 0 if it does."""
    share: float = 1.0
    limit: float = math.inf
    """Largest violation of the present set."""

    def narrow(self, rng: np.random.Generator) -> bool:
        """Go on to a smaller set, copies of the rows in it in place of the others.

        Returns:
            Whether there was one.
        """
        if self.limit == 0 or self.amounts.min() == self.amounts.max() == self.limit:
            return False
        self.limit = _next_limit(self.amounts)
        inside = self.amounts <= self.limit
        self.share *= float(inside.mean())
        kept = np.flatnonzero(inside)
        chosen = np.concatenate([kept, rng.choice(kept, len(inside) - len(kept))])
        self.rows, self.amounts = self.rows[chosen], self.amounts[chosen]
        return True


def _next_limit(amounts: FloatArray) -> float:
    """Return how much violation the next smaller set allows; less than before, if it can be."""
    limit = float(np.quantile(amounts, _KEPT, method="lower"))
    smaller = amounts[amounts < amounts.max()]
    if limit == amounts.max() and len(smaller):
        return float(smaller.max())
    return limit


def _spread_out(conditions: Conditions, runs: Sequence[_Run], rng: np.random.Generator) -> None:
    """Walk within each run's set until copies of the same row have gone apart."""
    law = Law.even(conditions.lattice)
    rows = np.vstack([run.rows for run in runs])
    amounts = np.concatenate([run.amounts for run in runs])
    limits = np.repeat([run.limit for run in runs], [len(run.rows) for run in runs])
    n_steps = 0
    for turn in range(_MOST_ROUNDS):
        places, moved = proposed(conditions.lattice, law, rows, rng)
        after = _amounts(conditions, moved)
        inside = after <= limits[places]
        rows[places[inside]], amounts[places[inside]] = moved[inside], after[inside]
        n_steps += int(inside.sum())
        if turn >= _LEAST_ROUNDS and n_steps >= _LEAST_STEPS * len(rows):
            break
    cuts = np.cumsum([len(run.rows) for run in runs])[:-1]
    pieces = zip(runs, np.split(rows, cuts), np.split(amounts, cuts), strict=True)
    for run, own_rows, own_amounts in pieces:
        run.rows, run.amounts = own_rows, own_amounts


def _amounts(conditions: Conditions, rows: IntArray) -> FloatArray:
    """Return violations, exactly 0 for feasible rows and for no others."""
    amounts = violations(conditions, rows)
    near = np.flatnonzero(amounts <= _NEAR)
    amounts[near] = np.where(conditions.hold(rows[near]), 0.0, _NEAR)
    return amounts

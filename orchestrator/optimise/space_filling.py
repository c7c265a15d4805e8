"""Points that fill the feasible set: spread low-discrepancy draws, or a design.

References:
    Sobol sequences with scrambling: [Owen1998]_; best-candidate sampling: [Mitchell1991]_.
"""

import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point
from orchestrator.optimise.candidates import Chooser, Taken, choose
from orchestrator.optimise.designs import (
    Apart,
    Criterion,
    Informative,
    QuadraticModel,
    designed,
)
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import FloatArray, IntArray

__all__ = ["spread_rows"]

_DRAWS: Final = 1024
_WHOLE_POOL: Final = 5_000
"""A set of up to so many points is offered whole to a design."""
_MOST_DESIGNED: Final = 48
"""Points, at most, that are designed together if fewer are asked for."""
_RIVALS: Final = 2
"""Draws among which each point is the one farthest from all others; more of them seek corners."""
_FEWEST: Final = 24
"""Unseen draws below which the set is drawn from in another way."""


def spread_rows(
    campaign: CampaignSpec,
    feasible: FeasibleSet,
    taken: Taken,
    known: Sequence[Point],
    n: int,
    seed: int,
) -> tuple[IntArray, str]:
    """Choose feasible rows that fill the set in the way that the campaign chose.

    Args:
        campaign: What is searched; it names the design.
        feasible: Its feasible set.
        taken: Rows that are told or pending.
        known: Points, told and pending, that count as part of the design.
        n: Rows wanted.
        seed: Seed of the draws.

    Returns:
        Up to `n` rows and a remark, as `choose` does.
    """
    encoding = Encoding.of(campaign)
    rng = np.random.default_rng([seed, len(known)])
    is_spread = campaign.planner.design == "spread"
    if feasible.listed is not None and len(feasible.listed) <= _WHOLE_POOL and not is_spread:
        pool = feasible.listed
    else:
        pool = feasible.spread(_low_discrepancy(feasible.lattice.n_variables + 1, rng))
    if len(taken.unseen(pool)) < max(2 * n, _FEWEST):
        more = feasible.sample(_DRAWS + len(taken.seen) + len(taken.pending) + n, rng)
        pool = np.unique(np.vstack([pool, more]), axis=0)
    if not is_spread:
        designer = _designer(campaign, feasible, taken, known, encoding)
        return choose(feasible, taken, n, pool, designer)
    near = encoding.points(known, is_logarithmic=False)

    def chooser(pool: IntArray, wanted: int, picked: IntArray) -> IntArray:
        features = encoding.rows(feasible.lattice, pool, is_logarithmic=False)
        others = encoding.rows(feasible.lattice, picked, is_logarithmic=False)
        return pool[_apart(features, np.vstack([near, others]), wanted)]

    return choose(feasible, taken, n, rng.permutation(pool), chooser)


def _designer(
    campaign: CampaignSpec,
    feasible: FeasibleSet,
    taken: Taken,
    known: Sequence[Point],
    encoding: Encoding,
) -> Chooser:
    """Return a chooser that designs all points that are still to come and gives the first ones."""
    lattice, companions = feasible.lattice, feasible.companions
    n_left = campaign.planner.n_initial - len(known)

    def features(rows: IntArray) -> FloatArray:
        return encoding.rows(lattice, rows, is_logarithmic=False)

    def chooser(pool: IntArray, wanted: int, picked: IntArray) -> IntArray:
        def reach(row: IntArray) -> IntArray:
            if not companions.is_free:
                return pool[:0]
            return taken.unseen(feasible.neighbours(row))

        criterion: Criterion
        if campaign.planner.design == "maximin":
            near = encoding.points(known, is_logarithmic=False)
            criterion = Apart(features, np.vstack([near, features(picked)]))
        else:
            model = QuadraticModel.of(campaign)
            made = [model.of_points(known)] if known else []
            terms = np.vstack([*made, model.of_rows(lattice, picked)])
            criterion = Informative(model, lattice, terms)
        n_designed = min(max(wanted, n_left - len(picked)), _MOST_DESIGNED)
        return designed(criterion, pool, max(wanted, n_designed), reach)[:wanted]

    return chooser


def _low_discrepancy(dimension: int, rng: np.random.Generator) -> FloatArray:
    from scipy.stats import qmc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # balance needs a power of two: 1024 is one
        return np.asarray(qmc.Sobol(dimension, rng=rng).random(_DRAWS), dtype=np.float64)


def _apart(features: FloatArray, near: FloatArray, n: int) -> list[int]:
    """Return places of rows, each the farthest of some rivals from all that went before."""
    places: list[int] = []
    distance = np.full(len(features), np.inf)
    for other in near:
        distance = np.minimum(distance, ((features - other) ** 2).sum(axis=1))
    free = list(range(len(features)))
    while free and len(places) < n:
        rivals = free[:_RIVALS]
        best = max(rivals, key=lambda place: (distance[place], -place))
        places.append(best)
        free = free[len(rivals) :] + [place for place in rivals if place != best]
        distance = np.minimum(distance, ((features - features[best]) ** 2).sum(axis=1))
    return places

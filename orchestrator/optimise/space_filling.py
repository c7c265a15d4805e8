"""Points spread over the feasible set: low-discrepancy draws, chosen to keep their distance.

References:
    Sobol sequences with scrambling: [Owen1998]_; best-candidate sampling: [Mitchell1991]_.
"""

import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point
from orchestrator.optimise.candidates import Taken, choose
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import FloatArray, IntArray

__all__ = ["spread_rows"]

_DRAWS: Final = 1024
_RIVALS: Final = 24
"""Draws among which each point is the one farthest from all others."""


def spread_rows(
    campaign: CampaignSpec,
    feasible: FeasibleSet,
    taken: Taken,
    known: Sequence[Point],
    n: int,
    seed: int,
) -> tuple[IntArray, str]:
    """Choose feasible rows far from each other and from what is known.

    Args:
        campaign: What is searched.
        feasible: Its feasible set.
        taken: Rows that are told or pending.
        known: Points, told and pending, to keep away from.
        n: Rows wanted.
        seed: Seed of the draws.

    Returns:
        Up to `n` rows and a remark, as `choose` does.
    """
    encoding = Encoding.of(campaign)
    rng = np.random.default_rng([seed, len(known)])
    near = encoding.points(known, is_logarithmic=False)

    def chooser(pool: IntArray, wanted: int, picked: IntArray) -> IntArray:
        features = encoding.rows(feasible.lattice, pool, is_logarithmic=False)
        others = encoding.rows(feasible.lattice, picked, is_logarithmic=False)
        return pool[_apart(features, np.vstack([near, others]), wanted)]

    pool = feasible.spread(_low_discrepancy(feasible.lattice.n_variables + 1, rng))
    if len(taken.unseen(pool)) < max(n, _RIVALS):
        more = feasible.sample(_DRAWS + len(taken.seen) + len(taken.pending) + n, rng)
        pool = np.unique(np.vstack([pool, more]), axis=0)
    return choose(feasible, taken, n, rng.permutation(pool), chooser)


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

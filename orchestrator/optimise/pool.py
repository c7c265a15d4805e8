"""The rows that are weighed first: all of a small set; of a large one random and promising ones."""

from typing import Final

import numpy as np
import torch

from orchestrator.optimise.aims import Aims
from orchestrator.optimise.candidates import Taken
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import IntArray
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.steps import distinct, moves_of, offspring
from orchestrator.optimise.surrogate import Surrogate

__all__ = ["elites", "pool_of"]

_WHOLE: Final = 20_000
"""A set of up to so many points is weighed whole."""
_DRAWN: Final = 3_000
_AROUND: Final = 1_500
"""Rows, at most, near the best of the told ones."""
_ELITES: Final = 24
_CHILDREN: Final = 500


def pool_of(feasible: FeasibleSet, best: IntArray, n: int, rng: np.random.Generator) -> IntArray:
    """Return distinct feasible rows.

    Args:
        feasible: The set.
        best: `k x d` feasible rows, whose neighbours and offspring belong to the pool.
        n: How many more than usual.
        rng: Source of randomness.
    """
    if feasible.listed is not None and len(feasible.listed) <= _WHOLE:
        return feasible.listed
    drawn = feasible.sample(_DRAWN + n, rng)
    near = moves_of(feasible.lattice, best, rng)
    if len(near) > _AROUND:
        near = near[np.sort(rng.choice(len(near), _AROUND, replace=False))]
    children = offspring(feasible.lattice, best, _CHILDREN, rng)
    more = np.vstack([near, children])
    return distinct(np.vstack([drawn, more[feasible.contains(more)]]))


def elites(problem: Problem, surrogate: Surrogate, aims: Aims, taken: Taken) -> IntArray:
    """Return the feasible told rows that models think best, `k x d`, best first.

    Those that keep the specifications go first, then those that fewer others surpass in all
    objectives, then those with the largest sum of utilities.
    """
    feasible = problem.feasible
    told = np.array(sorted(taken.seen), dtype=np.int64).reshape(-1, feasible.lattice.n_variables)
    told = told[feasible.contains(told)]
    if not len(told):
        return told
    X = torch.from_numpy(problem.rows(told))
    means = surrogate.means(X)
    utilities = aims.utilities(means, X)
    broken = torch.zeros(len(told))
    for condition in aims.specifications():
        broken += condition(means) > 0
    surpassed = torch.stack([(utilities > one).all(dim=1).sum() for one in utilities])
    keys = (-utilities.sum(dim=1).numpy(), surpassed.numpy(), broken.numpy())
    return np.asarray(told[np.lexsort(keys)][:_ELITES], dtype=np.int64)

"""Random walks over feasible rows that keep the law by which rows are drawn.

Steps are accepted by the rule of [Hastings1970]_, so that rows met on long walks are as likely as
rows that are drawn directly and happen to be feasible.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice
from orchestrator.optimise.moves import random_moves

__all__ = ["Law", "proposed", "walk"]

_WALKERS: Final = 512
_BURN_IN: Final = 60
_APART: Final = 12
"""Steps between two looks at the walkers."""
_MOST_ROUNDS: Final = 360


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """How likely lattice points are, by how many components they have present."""

    log_weights: FloatArray
    """By number of present components, from 0."""

    @classmethod
    def even(cls, lattice: Lattice) -> "Law":
        """Return the law by which all lattice points are equally likely."""
        return cls(np.zeros(lattice.n_components + 1))

    def log_weight(self, lattice: Lattice, rows: IntArray) -> FloatArray:
        """Return the logarithm of each row's weight, up to one constant."""
        active = (rows[:, : lattice.n_components] > 0).sum(axis=1)
        return np.asarray(self.log_weights[active], dtype=np.float64)


def proposed(
    lattice: Lattice, law: Law, rows: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return the steps that a law accepts: places of rows, and where these rows would go.

    Args:
        lattice: Where the rows lie.
        law: What the steps leave unchanged if those out of a set are refused.
        rows: `n x d`.
        rng: Source of randomness.
    """
    moved, log_ratios = random_moves(lattice, rows, rng)
    log_ratios = log_ratios + law.log_weight(lattice, moved) - law.log_weight(lattice, rows)
    accepted = -rng.exponential(size=len(rows)) <= log_ratios
    places = np.flatnonzero(accepted & (moved != rows).any(axis=1))
    return places, moved[places]


def walk(
    conditions: Conditions, law: Law, starts: IntArray, n: int, rng: np.random.Generator
) -> IntArray:
    """Return feasible rows met on random walks that never leave the set.

    Args:
        conditions: The conditions, over the lattice to walk on.
        law: How likely rows should be.
        starts: `k x d` feasible rows, k at least 1.
        n: How many are wanted.
        rng: Source of randomness.

    Returns:
        Distinct rows; fewer than `n` if the walks met no more.
    """
    rows = starts[rng.integers(0, len(starts), size=_WALKERS)]
    rows[: len(starts)] = starts[:_WALKERS]
    met: list[IntArray] = []
    n_met = 0
    for turn in range(_MOST_ROUNDS):
        places, moved = proposed(conditions.lattice, law, rows, rng)
        good = conditions.hold(moved)
        rows[places[good]] = moved[good]
        if turn >= _BURN_IN and (turn - _BURN_IN) % _APART == 0:
            met = [np.unique(np.vstack([*met, rows]), axis=0)]
            n_met = len(met[0])
            if n_met >= n:
                break
    return met[0]

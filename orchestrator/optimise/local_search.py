"""Looking around good rows for better ones, by feasible moves, offspring and slopes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestrator.optimise.candidates import Taken
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import BoolArray, FloatArray, IntArray
from orchestrator.optimise.steps import distinct, hashes, moves_of, offspring, uphill

__all__ = ["LocalSearch"]

_BEST: Final = 6
"""Rows whose neighbourhoods are searched in each round."""
_STARTS: Final = 8
"""The same in the first round, and as many best rows of other sets of components."""
_PARENTS: Final = 24
_CHILDREN: Final = 300
_ROUNDS: Final = 12
_COARSE: Final = 20
"""Steps of a composition up to which slopes say nothing that moves do not."""
_ENOUGH: Final = 1e-3
"""Rise of the best score, a logarithm, below which a round was in vain."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalSearch:
    """One pick's search."""

    feasible: FeasibleSet
    taken: Taken
    may_take: Callable[[IntArray], BoolArray]
    """Which rows may join what is picked already."""
    score: Callable[[IntArray], FloatArray]
    """From rows to scores, larger is better."""
    rng: np.random.Generator

    def best(
        self, rows: IntArray, scores: FloatArray, is_over: Callable[[], bool]
    ) -> tuple[IntArray, float]:
        """Return the best row found and its score.

        Args:
            rows: `k x d` distinct feasible rows, at least one.
            scores: Theirs.
            is_over: Whether the time is up.
        """
        known = set(hashes(rows).tolist())
        expanded: set[int] = set()
        vain = 0
        for turn in range(_ROUNDS):
            if is_over() or vain == 2:
                break
            chosen = self._to_expand(rows, scores, expanded, turn)
            expanded.update(hashes(rows[chosen]).tolist())
            if not len(chosen):
                break
            top = scores.max()
            rows, scores = self._around(rows, scores, chosen, known)
            if turn == 0:
                children = offspring(
                    self.feasible.lattice, rows[_order(scores)[:_PARENTS]], _CHILDREN, self.rng
                )
                rows, scores = self._joined(rows, scores, children, known)
            vain = 0 if scores.max() > top + _ENOUGH else vain + 1
        place = int(scores.argmax())
        return rows[place], float(scores[place])

    def _to_expand(
        self, rows: IntArray, scores: FloatArray, expanded: set[int], turn: int
    ) -> IntArray:
        """Return places of the best rows; in the first round also the best of other active sets."""
        order = _order(scores)[: 50 * _STARTS]
        order = order[np.isfinite(scores[order])]
        fresh = [
            place
            for place, key in zip(order.tolist(), hashes(rows[order]).tolist(), strict=True)
            if key not in expanded
        ]
        if turn:
            return np.array(fresh[:_BEST], dtype=np.int64)
        chosen = dict.fromkeys(fresh[:_STARTS])
        active: set[tuple[bool, ...]] = set()
        for place in fresh:
            present = tuple((rows[place, : self.feasible.lattice.n_components] > 0).tolist())
            if present not in active and len(active) < _STARTS:
                active.add(present)
                chosen[place] = None
        return np.array(list(chosen), dtype=np.int64)

    def _around(
        self, rows: IntArray, scores: FloatArray, chosen: IntArray, known: set[int]
    ) -> tuple[IntArray, FloatArray]:
        """Add the neighbours of chosen rows, then rows along the slope that these show."""
        lattice = self.feasible.lattice
        moved = moves_of(lattice, rows[chosen], self.rng)
        before = len(rows)
        rows, scores = self._joined(rows, scores, moved, known)
        if lattice.n_steps <= _COARSE:
            return rows, scores
        near, gained = rows[before:], scores[before:]
        further = [
            uphill(lattice, rows[place], near, gained - scores[place]) for place in chosen[:_BEST]
        ]
        return self._joined(rows, scores, np.vstack(further), known)

    def _joined(
        self, rows: IntArray, scores: FloatArray, more: IntArray, known: set[int]
    ) -> tuple[IntArray, FloatArray]:
        """Add those of other rows that are new, feasible and free, with their scores."""
        more = distinct(more)
        is_new = [key not in known for key in hashes(more).tolist()]
        more = more[np.array(is_new, dtype=np.bool_)]
        more = self.taken.unseen(more[self.feasible.contains(more)])
        more = more[self.may_take(more)]
        if not len(more):
            return rows, scores
        known.update(hashes(more).tolist())
        return np.vstack([rows, more]), np.concatenate([scores, self.score(more)])


def _order(scores: FloatArray) -> IntArray:
    return np.argsort(-scores, kind="stable")

"""Choosing a batch from rows by an acquisition function: greedily, each pick by its own search."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from orchestrator.optimise.acquisition.protocol import Acquisition, Score
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.candidates import Taken
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import BoolArray, FloatArray, IntArray, row_keys
from orchestrator.optimise.local_search import LocalSearch
from orchestrator.optimise.time_budget import TimeBudget

__all__ = ["BatchChooser"]

_SECOND_LOOK: Final = 5_000
"""Rows that later picks of a batch look at again: the best of the first."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchChooser:
    """Picks rows one after the other, each as if those before were pending."""

    acquisition: Acquisition
    situation: Situation
    feasible: FeasibleSet
    taken: Taken
    encoded: Callable[[IntArray], FloatArray]
    """From `n x d` rows to features followed by computed objectives on their scales."""
    log_success: Callable[[FloatArray], FloatArray]
    """From encoded rows to the logarithm of the probability that they can be made."""
    log_outlay: Callable[[IntArray], FloatArray]
    """From rows to the logarithm of what they take, in whatever promises are counted by."""
    pending: Tensor
    """Encoded pending points."""
    budget: TimeBudget

    def __call__(self, pool: IntArray, n: int, picked: IntArray) -> IntArray:
        """Return up to `n` rows of a pool (of the whole set, where small moves reach further)."""
        chosen = pool[:0]
        rows = pool
        for turn in range(len(picked), len(picked) + min(n, len(pool))):
            before = np.vstack([picked, chosen])
            score = self._score(before, turn)
            if turn == len(picked):
                scorable = self._scorable(rows)
            scores = score(scorable)
            scores[_are_among(rows, before)] = -np.inf
            best = self._best(rows, scores, score, before, turn)
            chosen = np.vstack([chosen, best[None]])
            if turn == len(picked) and len(rows) > max(_SECOND_LOOK, n):
                order = np.argsort(-scores, kind="stable")[: max(_SECOND_LOOK, n)]
                rows = rows[order]
                scorable = self._scorable(rows)
        return chosen

    def _best(
        self,
        rows: IntArray,
        scores: FloatArray,
        score: Callable[["_Scorable"], FloatArray],
        before: IntArray,
        turn: int,
    ) -> IntArray:
        best: IntArray = rows[int(scores.argmax())]
        listed, companions = self.feasible.listed, self.feasible.companions
        if listed is not None and (len(listed) <= len(rows) or not companions.is_free):
            return best
        if self.budget.is_over(f"search around the best of pick {turn + 1}"):
            return best
        search = LocalSearch(
            feasible=self.feasible,
            taken=self.taken,
            may_take=lambda more: ~_are_among(more, before) & companions.may_join(more, before),
            score=lambda more: score(self._scorable(more)),
            rng=np.random.default_rng([self.situation.seed, self.situation.first, turn]),
        )
        found, _ = search.best(rows, scores, lambda: self.budget.is_over("further moves"))
        return found

    def _scorable(self, rows: IntArray) -> "_Scorable":
        encoded = self.encoded(rows)
        weight = self.log_success(encoded) - self.log_outlay(rows)
        return _Scorable(torch.from_numpy(encoded), weight)

    def _score(self, before: IntArray, turn: int) -> Callable[["_Scorable"], FloatArray]:
        waiting = torch.cat([self.pending, torch.from_numpy(self.encoded(before))])
        promise: Score = self.acquisition.after(self.situation, waiting, turn)

        def score(rows: "_Scorable") -> FloatArray:
            total = promise(rows.X).numpy() + rows.log_weight
            return np.asarray(np.where(np.isnan(total), -np.inf, total), dtype=np.float64)

        return score


@dataclass(frozen=True, slots=True, eq=False)
class _Scorable:
    """Rows as acquisitions see them; the same object every turn, so that work can be kept."""

    X: Tensor
    log_weight: FloatArray
    """How likely they can be made, by what they take."""


def _are_among(rows: IntArray, others: IntArray) -> BoolArray:
    known = set(row_keys(others))
    if not known:
        return np.zeros(len(rows), dtype=np.bool_)
    return np.array([key in known for key in row_keys(rows)], dtype=np.bool_)

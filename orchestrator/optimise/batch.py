"""Choosing a batch from rows by an acquisition function: greedily, refined by small moves."""

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
from orchestrator.optimise.lattice import FloatArray, IntArray, row_keys

__all__ = ["BatchChooser"]

_SECOND_LOOK: Final = 2_500
"""Rows that later picks of a batch look at again: the best of the first."""
_REFINED: Final = 12
"""Rows whose neighbourhoods are searched, in each of the rounds."""
_ROUNDS: Final = 4


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
    pending: Tensor
    """Encoded pending points."""

    def __call__(self, pool: IntArray, n: int, picked: IntArray) -> IntArray:
        """Return up to `n` rows of a pool (of the whole set, where small moves reach further)."""
        chosen = pool[:0]
        rows = pool
        for turn in range(min(n, len(pool))):
            before = np.vstack([picked, chosen])
            encoded = torch.from_numpy(self.encoded(before))
            waiting = torch.cat([self.pending, encoded])
            score = self.acquisition.after(self.situation, waiting, turn)
            scores = self._scores(score, rows)
            if turn == 0 and self.feasible.listed is None:
                rows, scores = self._refined(score, rows, scores, before)
            place = int(scores.argmax())
            chosen = np.vstack([chosen, rows[place : place + 1]])
            order = np.argsort(-scores, kind="stable")
            order = order[order != place][: max(_SECOND_LOOK, n) if turn == 0 else None]
            rows = rows[order]
        return chosen

    def _scores(self, score: Score, rows: IntArray) -> FloatArray:
        encoded = self.encoded(rows)
        total = score(torch.from_numpy(encoded)).numpy() + self.log_success(encoded)
        return np.asarray(np.where(np.isnan(total), -np.inf, total), dtype=np.float64)

    def _refined(
        self,
        score: Score,
        rows: IntArray,
        scores: FloatArray,
        before: IntArray,
    ) -> tuple[IntArray, FloatArray]:
        """Add the neighbours of the best rows, and of the best of those, while any is better."""
        known = {*row_keys(rows), *row_keys(before)}
        searched: set[tuple[int, ...]] = set()
        for _ in range(_ROUNDS):
            order = np.argsort(-scores, kind="stable")[:_REFINED]
            best = [key for key in row_keys(rows[order]) if key not in searched]
            searched.update(best)
            near = [self.feasible.neighbours(np.array(key, dtype=np.int64)) for key in best]
            if not near:
                break
            added = self.taken.unseen(np.unique(np.vstack(near), axis=0))
            added = added[np.array([key not in known for key in row_keys(added)], dtype=np.bool_)]
            if not len(added):
                break
            known.update(row_keys(added))
            top = scores.max()
            more = self._scores(score, added)
            rows, scores = np.vstack([rows, added]), np.concatenate([scores, more])
            if more.max() <= top:
                break
        return rows, scores

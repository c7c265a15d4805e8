"""What may be true of everything made, pending and picked, as samples that all candidates share."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from orchestrator.optimise.acquisition.hypervolume import fat, non_dominated
from orchestrator.optimise.acquisition.joint_samples import JointSamples
from orchestrator.optimise.acquisition.protocol import Score
from orchestrator.optimise.acquisition.risk import log_mean_gain
from orchestrator.optimise.acquisition.situation import Situation

__all__ = ["Outlook", "best_gain", "kept", "lowest"]

_ROOM: Final = 32
"""Rows that may join before all samples are drawn anew."""
_MOST_KEPT: Final = 128
"""Made rows, at most, that a candidate is measured against."""
_CHUNK: Final = 1024
_BROKEN: Final = 1e-3
"""Shortfall, on a column's scale, at which a broken condition counts a quarter."""


class Outlook:
    """Samples of the utilities of made, pending and picked rows, and of candidates given them.

    Made rows that are on the front of no sample are left out of the reckoning.

    Args:
        situation: Models and data; the models are Gaussian processes.
        pending: `k x (d + c)` rows that are pending or picked.
        n_samples: How many, a power of 2.
    """

    def __init__(self, situation: Situation, pending: Tensor, n_samples: int) -> None:
        self.situation = situation
        self._conditions = situation.aims.specifications()
        kept = situation.baseline[self._worth_keeping(n_samples)]
        self._n_made = len(kept)
        self.X = torch.cat([kept, pending])
        """`k x (d + c)` rows that candidates are measured against."""
        processes = situation.surrogate.processes
        n_rows = len(self.X) + _ROOM
        base = JointSamples.base(n_samples, n_rows, len(processes), situation.seed % 2**31)
        self._samples = JointSamples(processes, self.X, base)

    @property
    def values(self) -> Tensor:
        """`S x k x p` samples of the columns at the rows."""
        return self._samples.values

    @property
    def utilities(self) -> Tensor:
        """`S x k x m` samples of what is maximised at the rows."""
        return self.situation.aims.utilities(self.values, self.X)

    @property
    def is_valid(self) -> Tensor:
        """`S x k`, which rows keep the specifications in which sample."""
        keeps = torch.ones(self.values.shape[:-1], dtype=torch.bool)
        for condition in self._conditions:
            keeps &= condition(self.values) <= 0
        return keeps

    def reaches(self, pending: Tensor) -> bool:
        """Let rows join that are pending or picked by now; return whether that was possible.

        Args:
            pending: `k x (d + c)` rows, the first of which have joined already.
        """
        known = self.X[self._n_made :]
        more = pending[len(known) :]
        if len(pending) < len(known) or not torch.equal(pending[: len(known)], known):
            return False
        if len(more) > self._samples.room:
            return False
        if len(more):
            self._samples.join(more)
            self.X = torch.cat([self.X, more])
        return True

    def score(self, gain: Callable[[Tensor, Tensor], Tensor], risk: float = 0.0) -> Score:
        """Return a score: the logarithm of the mean of gains, weighed by the specifications.

        Args:
            gain: From samples `S x n x p` at `n x (d + c)` rows to gains `S x n`, at least 0.
            risk: The share of the luckiest samples that is left out, 0..1.
        """

        def scores(X: Tensor) -> Tensor:
            found: list[Tensor] = []
            whole = self._samples.at(X)
            for begin in range(0, len(X), _CHUNK):
                samples = whole[:, begin : begin + _CHUNK]
                gains = gain(samples, X[begin : begin + _CHUNK])
                for condition in self._conditions:
                    gains = gains * kept(condition(samples))
                found.append(log_mean_gain(gains, risk))
            return torch.cat(found) if found else X.new_zeros(0)

        return scores

    def _worth_keeping(self, n_samples: int) -> Tensor:
        """Return places of made rows that are the best or on the front in some sample."""
        situation = self.situation
        X = situation.baseline
        moments = [process.moments(X) for process in situation.surrogate.processes]
        means = torch.stack([mean for mean, _ in moments], dim=-1)
        sds = torch.stack([variance.sqrt() for _, variance in moments], dim=-1)
        generator = torch.Generator().manual_seed(situation.seed % 2**31)
        noise = torch.randn(n_samples, *means.shape, dtype=means.dtype, generator=generator)
        values = means + sds * noise
        valid = torch.ones(values.shape[:-1], dtype=torch.bool)
        for condition in self._conditions:
            valid &= condition(values) <= 0
        counts = non_dominated(situation.aims.utilities(values, X), valid).sum(dim=0)
        places = torch.argsort(-counts, stable=True)[:_MOST_KEPT]
        chosen = places[counts[places] > 0]
        return chosen.sort().values if len(chosen) else places[:1]


def kept(shortfall: Tensor) -> Tensor:
    """Return 1 where a condition holds, less and less the farther it is from holding."""
    return (_BROKEN / (_BROKEN + shortfall.clamp_min(0.0))).square()


def lowest(utilities: Tensor) -> Tensor:
    """Return a utility that is worse than all of `... x k`: where nothing valid was made yet."""
    return utilities.min() - 1 - utilities.std()


def best_gain(best: Tensor, utility: Tensor) -> Tensor:
    """Return how much utilities `S x n` are above the best of their sample, `S`, with a tail."""
    return fat(utility - best.unsqueeze(1))

"""Making a point again, where that is worth more than a new one.

An improvement of noise-free values, which acquisition functions count, is never found at a point
that was made before. What a repeat improves is the choice of the best of what was made. So both are
weighed by that: how much larger the largest posterior mean among made points will be after one more
experiment, a repeat or the new point (the knowledge gradient, [Frazier2009]_, over made points).
"""

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from botorch.models.gp_regression import SingleTaskGP
from botorch.posteriors.gpytorch import GPyTorchPosterior
from gpytorch.likelihoods import GaussianLikelihood
from scipy.special import ndtri

from orchestrator.optimise.aims import Aims
from orchestrator.optimise.candidates import Taken
from orchestrator.optimise.lattice import FloatArray, IntArray, row_keys
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.surrogate import Surrogate

__all__ = ["Repeating", "expected_gain"]

_LEAST_NOISE: Final = 0.1
"""Noise below this part of a column's spread is never worth a repeat."""
_QUANTILES: Final = ndtri((np.arange(64) + 0.5) / 64)


def expected_gain(means: FloatArray, slopes: FloatArray) -> float:
    """Return the expected rise of a maximum.

    Args:
        means: `k` present values.
        slopes: `k` standard deviations of what one experiment will change, with their signs: all
            change together.

    Example:
        >>> expected_gain(np.array([1.0, 0.0]), np.zeros(2))
        0.0
    """
    after = (means[:, None] + slopes[:, None] * _QUANTILES).max(axis=0)
    return max(0.0, float(after.mean() - means.max()))


@dataclass(frozen=True, slots=True, eq=False)
class Repeating:
    """Exchanges picks of a batch for repeats of made points."""

    problem: Problem
    surrogate: Surrogate
    aims: Aims
    taken: Taken
    pending: FloatArray
    """Encoded pending points."""

    def exchanged(self, rows: IntArray) -> tuple[IntArray, list[str]]:
        """Return picks, each a repeat if that is worth more than the pick, and remarks.

        Nothing is exchanged but with one measured objective, to be as large or as small as
        possible, that is noisy beyond doubt: reported errors or repeats show it. Points that
        failed once or are pending are not repeated, and a batch that keeps rules is left as it is.
        """
        made = self.taken.repeatable(self.problem.feasible)
        has_rules = self.aims.campaign.batch is not None and len(rows) > 1
        if has_rules or not self._is_worth_asking() or not len(made) or not len(rows):
            return rows, []
        chosen = rows.copy()
        remarks: list[str] = []
        for turn in range(len(rows)):
            others = np.delete(chosen, turn, axis=0)
            free = made[np.array([key not in set(row_keys(others)) for key in row_keys(made)])]
            gains, gain = self._gains(free, chosen[turn], others)
            if len(free) and gains.max() > gain:
                chosen[turn] = free[gains.argmax()]
                remarks.append(f"pick {turn + 1} repeats a made point: worth more than a new one")
        return chosen, remarks

    def _is_worth_asking(self) -> bool:
        objectives = self.aims.campaign.objectives
        names = [column.name for column in self.surrogate.columns]
        if len(objectives) != 1 or objectives[0].name not in names:
            return False
        if objectives[0].direction == "match":
            return False
        column = self.surrogate.columns[names.index(objectives[0].name)]
        return column.noise.is_evident and self._noise_variance() ** 0.5 > _LEAST_NOISE

    def _noise_variance(self) -> float:
        """Return the usual variance of a reading, on its column's scale."""
        likelihood = cast("GaussianLikelihood", self._model().likelihood)
        return float(likelihood.noise.detach().median())

    def _model(self) -> SingleTaskGP:
        return cast("SingleTaskGP", self.surrogate.model.models[self._place()])

    def _place(self) -> int:
        name = self.aims.campaign.objectives[0].name
        return [column.name for column in self.surrogate.columns].index(name)

    def _gains(self, made: IntArray, pick: IntArray, others: IntArray) -> tuple[FloatArray, float]:
        """Return what each repeat and what the pick would gain, others being pending."""
        n = len(made)
        encoded = self.problem.rows(np.vstack([made, pick[None], others]))
        X = torch.from_numpy(np.vstack([encoded, self.pending]))
        with torch.no_grad():
            posterior = cast("GPyTorchPosterior", self._model().posterior(X))
            means = posterior.mean[:, 0].numpy()
            covariance = posterior.distribution.covariance_matrix.numpy()
        noise = self._noise_variance()
        before = covariance[n + 1 :, n + 1 :] + noise * np.eye(len(X) - n - 1)
        known = covariance[: n + 1, n + 1 :]
        covariance = covariance[: n + 1, : n + 1] - known @ np.linalg.solve(before, known.T)
        values = self.aims.campaign.objectives[0].sign * means[: n + 1]
        slopes = covariance / np.sqrt(np.diag(covariance).clip(0) + noise)
        repeats = [expected_gain(values[:n], slopes[:n, i]) for i in range(n)]
        whole = (values.max() - values[:n].max()) + expected_gain(values, slopes[:, n])
        chances = np.exp(self.problem.log_success(encoded[: n + 1]))
        return chances[:n] * np.array(repeats), float(chances[n]) * whole

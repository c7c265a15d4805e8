"""How far one reading moves a column's predictions, the hyperparameters being learnt anew.

A reading `y = m + sqrt(v) z` moves predictions directly, by their covariance with it, and through
the hyperparameters, which move by their spread times the gradient of the reading's log likelihood:
`z / sqrt(v) * dm + (z^2 - 1) / (2 v) * dv`. With `z` standard normal, the mean square of the sum is
the square of what goes with `z` and twice the square of what goes with `z^2 - 1`.

References:
    Expected gradient length: [Settles2008]_; expected change of predictions: [Cai2013]_.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from orchestrator.optimise.acquisition.hyperparameters import Posterior, posteriors_of
from orchestrator.optimise.lattice import FloatArray
from orchestrator.optimise.process import Process
from orchestrator.optimise.surrogate import Surrogate

__all__ = ["ColumnChange", "changes_of"]

_STEP: Final = 0.02
"""Change of a logarithm by which slopes are measured."""
_LEAST_VARIANCE: Final = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class ColumnChange:
    """Judges readings of one column."""

    posterior: Posterior
    spread: Tensor
    """`t x t` covariance of the logarithms of the hyperparameters."""

    def after(self, pending: Tensor, drawn: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the mean square change of predictions at drawn rows, given pending ones.

        Args:
            pending: `k x (d + c)` rows, taken to read what is expected of them.
            drawn: `r x (d + c)` rows.

        Returns:
            From `n x (d + c)` rows to `n` numbers.
        """
        d, mode = self.posterior.evidence.X.shape[1], self.posterior.mode
        nothing = self.posterior.process(mode, pending[:0, :d], pending[:0, 0])
        waiting = (pending[:, :d], nothing.moments(pending)[0])
        now = self.posterior.process(mode, *waiting)
        moved = [
            self.posterior.process(mode + step, *waiting) for step in _STEP * np.eye(len(mode))
        ]
        centre = now.moments(drawn)[0]
        slopes = torch.stack([(each.moments(drawn)[0] - centre) / _STEP for each in moved])
        response = slopes.T @ self.spread
        readings = _Readings(self.posterior, now, tuple(moved))

        def squares(X: Tensor) -> Tensor:
            variances, mean_slopes, variance_slopes = readings.at(X)
            direct = _covariances(now, drawn, X) + response @ mean_slopes
            curved = response @ variance_slopes
            once = (direct.square() / variances).mean(dim=0)
            return once + 0.5 * (curved / variances).square().mean(dim=0)

        return squares


@dataclass(frozen=True, slots=True, eq=False)
class _Readings:
    """Variances of readings, and how means and variances follow the hyperparameters."""

    posterior: Posterior
    now: Process
    moved: tuple[Process, ...]

    def at(self, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return variances `n`, slopes of means and of variances `t x n`."""
        logarithms = self.posterior.mode
        means, variances = self._moments(self.now, logarithms, X)
        mean_slopes: list[Tensor] = []
        variance_slopes: list[Tensor] = []
        for place, process in enumerate(self.moved):
            step = np.zeros(len(logarithms))
            step[place] = _STEP
            other_means, other_variances = self._moments(process, logarithms + step, X)
            mean_slopes.append((other_means - means) / _STEP)
            variance_slopes.append((other_variances - variances) / _STEP)
        return variances, torch.stack(mean_slopes), torch.stack(variance_slopes)

    def _moments(
        self, process: Process, logarithms: FloatArray, X: Tensor
    ) -> tuple[Tensor, Tensor]:
        evidence = self.posterior.evidence
        noise = evidence.hyperparameters(logarithms).noise + evidence.known.median()
        means, variances = process.moments(X)
        return means, (variances + noise).clamp_min(_LEAST_VARIANCE)


def _covariances(process: Process, A: Tensor, B: Tensor) -> Tensor:
    a, b = process.scaled(A), process.scaled(B)
    return process.covariance(a, b) - process.whitened(a).T @ process.whitened(b)


def changes_of(surrogate: Surrogate) -> list[ColumnChange]:
    """Return a judge for each column of a surrogate."""
    posteriors = posteriors_of(surrogate)
    return [ColumnChange(each, torch.from_numpy(each.spread())) for each in posteriors]

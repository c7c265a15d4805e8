"""Samples of independent Gaussian processes at made and picked rows, and at candidates given them.

What is known at the made rows is factorised once; a picked row adds one line to each factor, and
its samples are the ones by which it was judged as a candidate.
"""

from collections.abc import Sequence
from typing import Final

import torch
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from orchestrator.optimise.process import Process, cholesky_factor

__all__ = ["JointSamples"]

_LEAST_VARIANCE: Final = 1e-10
_MOST_KEPT: Final = 10_000_000
"""Numbers, at most, of one column that are kept of one tensor of candidates."""


class JointSamples:
    """Samples of noise-free values at rows, which more rows may join.

    Args:
        processes: One a column.
        X: `k x (d + c)` rows, at least one.
        base: `S x r x p` standard normal numbers for up to `r` rows and a candidate.
    """

    def __init__(self, processes: Sequence[Process], X: Tensor, base: Tensor) -> None:
        self._processes = tuple(processes)
        self._base = base
        self._scaled = [process.scaled(X) for process in processes]
        self._whitened = [
            process.whitened(scaled)
            for process, scaled in zip(processes, self._scaled, strict=True)
        ]
        self._factors: list[Tensor] = []
        values: list[Tensor] = []
        for place, process in enumerate(processes):
            scaled, whitened = self._scaled[place], self._whitened[place]
            covariance = process.covariance(scaled, scaled) - whitened.T @ whitened
            covariance.diagonal().add_(_LEAST_VARIANCE)
            factor = cholesky_factor(covariance)
            self._factors.append(factor)
            means = process.mean + process.residual @ whitened
            values.append(means + base[:, : len(X), place] @ factor.T)
        self.values = torch.stack(values, dim=-1)
        """`S x k x p` samples at the rows."""
        self._kept: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    @staticmethod
    def base(n_samples: int, n_rows: int, n_columns: int, seed: int) -> Tensor:
        """Return `S x r x p` quasi-random standard normal numbers."""
        drawn = draw_sobol_normal_samples(
            n_rows * n_columns, n_samples, dtype=torch.float64, seed=seed
        )
        return drawn.reshape(n_samples, n_rows, n_columns)

    @property
    def n_rows(self) -> int:
        """Rows that are known."""
        return self.values.shape[1]

    @property
    def room(self) -> int:
        """Rows that may still join."""
        return self._base.shape[1] - 1 - self.n_rows

    def at(self, X: Tensor) -> Tensor:
        """Return samples at candidates, each by itself given the known rows.

        Args:
            X: `n x (d + c)` rows; while the same tensor is asked again, it is not factorised anew.

        Returns:
            `S x n x p`.
        """
        samples = X.new_empty(len(self._base), len(X), len(self._processes))
        for place in range(len(self._processes)):
            mean, weights, deviation = self._conditioned(place, X)
            base = self._base[:, : self.n_rows, place]
            own = self._base[:, self.n_rows, place]
            samples[..., place] = mean + base @ weights + own[:, None] * deviation
        return samples

    def join(self, X: Tensor) -> None:
        """Add rows, at most as many as there is room for.

        Args:
            X: `k x (d + c)` rows.
        """
        for one in torch.split(X, 1):
            conditioned = [self._conditioned(place, one) for place in range(len(self._processes))]
            values = self.at(one)
            for place, process in enumerate(self._processes):
                _, weights, deviation = conditioned[place]
                below = torch.cat([weights[:, 0], deviation])
                factor = torch.nn.functional.pad(self._factors[place], (0, 1, 0, 1))
                factor[-1] = below
                self._factors[place] = factor
                scaled = process.scaled(one)
                whitened = process.whitened(scaled)
                self._scaled[place] = torch.cat([self._scaled[place], scaled])
                self._whitened[place] = torch.cat([self._whitened[place], whitened], dim=1)
            self.values = torch.cat([self.values, values], dim=1)

    def _conditioned(self, place: int, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return means, weights of the known rows' base numbers and what is left of deviations."""
        process = self._processes[place]
        scaled, whitened = self._reduced(place, X)
        known = process.covariance(self._scaled[place], scaled) - self._whitened[place].T @ whitened
        weights = torch.linalg.solve_triangular(self._factors[place], known, upper=False)
        left = 1 - whitened.square().sum(dim=0) - weights.square().sum(dim=0)
        means = process.mean + process.residual @ whitened
        return means, weights, left.clamp_min(_LEAST_VARIANCE).sqrt()

    def _reduced(self, place: int, X: Tensor) -> tuple[Tensor, Tensor]:
        if X not in self._kept:
            self._kept[X] = {}
        kept: dict[int, tuple[Tensor, Tensor]] = self._kept[X]
        if place in kept:
            return kept[place]
        process = self._processes[place]
        scaled = process.scaled(X)
        found = scaled, process.whitened(scaled)
        if found[1].numel() <= _MOST_KEPT:
            kept[place] = found
        return found

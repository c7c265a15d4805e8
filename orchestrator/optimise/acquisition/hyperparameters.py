"""What one column leaves open about its Gaussian process: other hyperparameters, and by how much.

References:
    Draws by elliptical slices: [Murray2010]_. Spread about the mode, after Laplace: [MacKay1992]_.
"""

import math
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from botorch.models.gp_regression import SingleTaskGP
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from orchestrator.optimise.evidence import Evidence, best_hyperparameters
from orchestrator.optimise.lattice import FloatArray
from orchestrator.optimise.process import KernelName, Process
from orchestrator.optimise.surrogate import Surrogate

__all__ = ["Posterior", "posteriors_of"]

_KERNEL: Final[KernelName] = "rbf"
_MOST_ROWS: Final = 120
"""Rows, at most, by which hyperparameters are judged; processes hold all of them."""
_BURNT: Final = 10
"""Draws that are thrown away first."""
_THINNED: Final = 4
"""Draws for one that is kept."""
_MOST_CUTS: Final = 30
_STEP: Final = 1e-3
_LENGTH_WIDTH: Final = math.sqrt(3.0)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """The posterior of one column's hyperparameters, as logarithms."""

    evidence: Evidence
    mode: FloatArray
    """Logarithms of the length scales, then of the learnt noise if there is any."""

    def process(self, logarithms: FloatArray, X: Tensor, Y: Tensor) -> Process:
        """Return the process with some hyperparameters, and with further rows.

        Args:
            logarithms: Like `mode`.
            X: `k x d` further features.
            Y: `k` values there, on the column's scale.

        Raises:
            NanError: A number is none.
            NotPSDError: The covariance cannot be factorised.
        """
        evidence, given = self.evidence, self.evidence.hyperparameters(logarithms)
        known = torch.cat([evidence.known, evidence.known.median().expand(len(Y))])
        features, values = torch.cat([evidence.X, X]), torch.cat([evidence.Y, Y])
        noise = known + given.noise
        return Process.of(evidence.kernel, features, values, given.lengthscales, noise)

    def draws(self, n: int, seed: int) -> list[FloatArray]:
        """Return `n` draws of the hyperparameters, beginning from the mode."""
        rng = np.random.default_rng(seed)
        evidence = self.some()
        locations, widths = self._prior()
        now, level = self.mode, self._log_likelihood(evidence, self.mode)
        found: list[FloatArray] = []
        for turn in range(_BURNT + n * _THINNED):
            other = rng.normal(0.0, widths)
            now, level = self._slice(evidence, now, level, other, locations, rng)
            if turn >= _BURNT and (turn - _BURNT) % _THINNED == _THINNED - 1:
                found.append(now)
        return found

    def spread(self) -> FloatArray:
        """Return the covariance about the mode, at most the prior's: `t x t`."""
        evidence, n = self.some(), len(self.mode)
        steps = _STEP * np.eye(n)
        rows = [
            (evidence.loss(self.mode + step)[1] - evidence.loss(self.mode - step)[1]) / (2 * _STEP)
            for step in steps
        ]
        hessian = np.array(rows)
        widths = self._prior()[1]
        scaled = (hessian + hessian.T) / 2 * np.outer(widths, widths)
        precisions, axes = np.linalg.eigh(scaled)
        axes = widths[:, None] * axes
        return np.asarray(axes / np.maximum(precisions, 1.0) @ axes.T, dtype=np.float64)

    def some(self) -> Evidence:
        """Return the evidence of at most 120 rows, by which hyperparameters are judged."""
        n = len(self.evidence.Y)
        if n <= _MOST_ROWS:
            return self.evidence
        chosen = np.random.default_rng(n).choice(n, _MOST_ROWS, replace=False)
        return self.evidence.among(sorted(chosen.tolist()))

    def _slice(
        self,
        evidence: Evidence,
        now: FloatArray,
        level: float,
        other: FloatArray,
        locations: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, float]:
        """Return the next draw and its log likelihood: on an ellipse through this and another."""
        least = level + math.log(rng.uniform(1e-300, 1.0))
        angle = rng.uniform(0.0, 2 * math.pi)
        low, high = angle - 2 * math.pi, angle
        for _ in range(_MOST_CUTS):
            step = (now - locations) * math.cos(angle) + other * math.sin(angle)
            found = self._log_likelihood(evidence, locations + step)
            if found > least:
                return locations + step, found
            low, high = (angle, high) if angle < 0 else (low, angle)
            angle = rng.uniform(low, high)
        return now, level

    def _log_likelihood(self, evidence: Evidence, logarithms: FloatArray) -> float:
        bounds = np.array(evidence.bounds())
        if (logarithms < bounds[:, 0]).any() or (logarithms > bounds[:, 1]).any():
            return -math.inf
        empty = evidence.Y[:0]
        try:
            process = Posterior(evidence, logarithms).process(logarithms, evidence.X[:0], empty)
        except (NanError, NotPSDError):
            return -math.inf
        fit = 0.5 * float(process.residual.square().sum())
        return -fit - float(process.L.diagonal().log().sum())

    def _prior(self) -> tuple[FloatArray, FloatArray]:
        """Return means and standard deviations of the logarithms before data."""
        locations = np.full(len(self.mode), self.evidence.length_location)
        widths = np.full(len(self.mode), _LENGTH_WIDTH)
        if self.evidence.prior is not None:
            locations[-1], widths[-1] = self.evidence.prior.location, self.evidence.prior.width
        return locations, widths


def posteriors_of(surrogate: Surrogate) -> list[Posterior]:
    """Return the posterior of each column's hyperparameters.

    A surrogate that is no Gaussian process gets one beside it, fitted to the same rows.
    """
    found: list[Posterior] = []
    for place, column in enumerate(surrogate.columns):
        kernel = surrogate.processes[place].kernel if surrogate.processes else _KERNEL
        evidence = Evidence.of(kernel, column.X, column.Y, column.noise)
        empty = Posterior(evidence, evidence.start())
        if surrogate.processes:
            lengths = surrogate.processes[place].lengthscales
            noise = _learnt_noise(surrogate, place)
        else:
            learnt = best_hyperparameters(empty.some())
            lengths, noise = learnt.lengthscales, learnt.noise
        mode = lengths.log().numpy()
        if evidence.prior is not None:
            mode = np.append(mode, math.log(max(noise, evidence.least_noise)))
        found.append(Posterior(evidence, np.asarray(mode, dtype=np.float64)))
    return found


def _learnt_noise(surrogate: Surrogate, place: int) -> float:
    likelihood = cast("SingleTaskGP", surrogate.model.models[place]).likelihood
    if isinstance(likelihood, FixedNoiseGaussianLikelihood):
        return float(likelihood.second_noise)
    return float(cast("GaussianLikelihood", likelihood).noise)

"""How well hyperparameters explain one column, and the best ones, by analytic gradients.

References:
    Priors that scale with the dimension: [Hvarfner2024]_.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from linear_operator.utils.errors import NotPSDError
from scipy.optimize import minimize
from torch import Tensor

from orchestrator.optimise.lattice import FloatArray
from orchestrator.optimise.likelihood import LEAST_LEARNT, LEAST_SD
from orchestrator.optimise.process import KERNELS, KernelName
from orchestrator.optimise.replication import UNKNOWN, Noise, NoisePrior

__all__ = ["Evidence", "Hyperparameters", "best_hyperparameters"]

_ROUNDS: Final = 100
_LEAST_LENGTH: Final = 0.025
_MOST_LENGTH: Final = 1e4
_MOST_NOISE: Final = 10.0
_LENGTH_WIDTH: Final = math.sqrt(3.0)
_IMPOSSIBLE: Final = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class Hyperparameters:
    """What the data do not say by themselves."""

    lengthscales: Tensor
    """`d` numbers, in units of the features."""
    noise: float
    """Variance that every row has beside its known one."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The posterior density of the hyperparameters of one column."""

    kernel: KernelName
    X: Tensor
    """`n x d` features."""
    Y: Tensor
    """`n` values on their scale."""
    known: Tensor
    """`n` known variances, 0 where all noise is learnt."""
    prior: NoisePrior | None
    """Belief about the noise beside; None if there is none."""
    least_noise: float

    @classmethod
    def of(cls, kernel: KernelName, X: FloatArray, Y: FloatArray, noise: Noise) -> "Evidence":
        """Put a column's rows and its noise together."""
        features, values = torch.from_numpy(X), torch.from_numpy(Y)
        if noise.sd is None:
            prior = noise.prior or UNKNOWN
            return cls(kernel, features, values, torch.zeros_like(values), prior, LEAST_LEARNT)
        known = torch.from_numpy(noise.sd).clamp_min(LEAST_SD).square()
        return cls(kernel, features, values, known, noise.prior, LEAST_SD**2)

    @property
    def length_location(self) -> float:
        """Mean of the logarithm of each length scale before data."""
        return math.sqrt(2.0) + 0.5 * math.log(self.X.shape[1])

    def among(self, places: Sequence[int]) -> "Evidence":
        """Return the evidence of some rows only."""
        chosen = torch.as_tensor(places, dtype=torch.long)
        X, Y, known = self.X[chosen], self.Y[chosen], self.known[chosen]
        return Evidence(self.kernel, X, Y, known, self.prior, self.least_noise)

    def start(self) -> FloatArray:
        """Return the priors' modes, as logarithms: length scales, then learnt noise."""
        length = max(self.length_location - _LENGTH_WIDTH**2, math.log(_LEAST_LENGTH))
        logarithms = np.full(self.X.shape[1], length)
        if self.prior is None:
            return logarithms
        noise = max(self.prior.location - self.prior.width**2, math.log(2 * self.least_noise))
        return np.append(logarithms, noise)

    def bounds(self) -> list[tuple[float, float]]:
        """Return lowest and highest logarithms."""
        lengths = [(math.log(_LEAST_LENGTH), math.log(_MOST_LENGTH))] * self.X.shape[1]
        if self.prior is None:
            return lengths
        return [*lengths, (math.log(self.least_noise), math.log(_MOST_NOISE))]

    def hyperparameters(self, logarithms: FloatArray) -> Hyperparameters:
        """Return what logarithms stand for."""
        d = self.X.shape[1]
        noise = 0.0 if self.prior is None else float(np.exp(logarithms[d]))
        return Hyperparameters(torch.from_numpy(np.exp(logarithms[:d])), noise)

    def loss(self, logarithms: FloatArray) -> tuple[float, FloatArray]:
        """Return what is minimised, the negative log density, and its gradient.

        Args:
            logarithms: Of the length scales, then of the learnt noise if there is any.
        """
        given = self.hyperparameters(logarithms)
        scaled = self.X / given.lengthscales
        norms = scaled.square().sum(dim=1)
        squared = (norms[:, None] + norms - 2 * scaled @ scaled.T).clamp_min(0.0)
        K, slope = KERNELS[self.kernel](squared)
        L, info = torch.linalg.cholesky_ex(K + torch.diag(self.known + given.noise))
        if int(info):
            return _IMPOSSIBLE, np.zeros(len(logarithms))
        inverse = torch.cholesky_inverse(L)
        sums = inverse.sum(dim=1)
        mean = (sums @ self.Y) / sums.sum()
        weights = inverse @ self.Y - mean * sums
        fit = 0.5 * float((self.Y - mean) @ weights) + float(L.diagonal().log().sum())
        outer = torch.outer(weights, weights) - inverse
        pull = outer * slope
        spread = (pull.sum(dim=1) @ scaled.square()) - (scaled * (pull @ scaled)).sum(dim=0)
        gradient = 2 * spread.numpy()
        belief, belief_gradient = self._belief(logarithms)
        if self.prior is not None:
            gradient = np.append(gradient, -0.5 * given.noise * float(outer.trace()))
        return fit + belief, gradient + belief_gradient

    def _belief(self, logarithms: FloatArray) -> tuple[float, FloatArray]:
        """Return the negative log density of the log-normal priors, and its gradient."""
        locations = np.full(len(logarithms), self.length_location)
        widths = np.full(len(logarithms), _LENGTH_WIDTH)
        if self.prior is not None:
            locations[-1], widths[-1] = self.prior.location, self.prior.width
        off = (logarithms - locations) / widths
        return float((logarithms + 0.5 * off**2).sum()), 1 + off / widths


def best_hyperparameters(evidence: Evidence) -> Hyperparameters:
    """Return the most probable hyperparameters, found from the priors' modes.

    Raises:
        NotPSDError: No hyperparameters gave a covariance that can be factorised.
    """
    start = evidence.start()
    found = minimize(
        evidence.loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=evidence.bounds(),
        options={"maxiter": _ROUNDS},
    )
    if not np.isfinite(found.fun) or found.fun >= _IMPOSSIBLE:
        raise NotPSDError("no hyperparameters explain the column")
    return evidence.hyperparameters(np.asarray(found.x, dtype=np.float64))

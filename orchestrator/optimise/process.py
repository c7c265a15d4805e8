"""One Gaussian process with its hyperparameters, as matrices that are factorised once.

References:
    Priors that scale with the dimension: [Hvarfner2024]_.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import torch
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

__all__ = ["KERNELS", "KernelName", "Process", "cholesky_factor"]

KernelName: TypeAlias = Literal["rbf", "matern"]

_JITTERS: Final = (0.0, 1e-8, 1e-6, 1e-4)
_ROOT3: Final = math.sqrt(3.0)


def _rbf(squared: Tensor) -> tuple[Tensor, Tensor]:
    values = torch.exp(-0.5 * squared)
    return values, -0.5 * values


def _matern(squared: Tensor) -> tuple[Tensor, Tensor]:
    distance = _ROOT3 * squared.sqrt()
    decay = torch.exp(-distance)
    return (1 + distance) * decay, -1.5 * decay


KERNELS: Final[dict[KernelName, Callable[[Tensor], tuple[Tensor, Tensor]]]] = {
    "rbf": _rbf,
    "matern": _matern,
}
"""From squared scaled distances to covariances and their derivatives by squared distance; Matern's
smoothness is 3/2. The variance is 1."""


def cholesky_factor(K: Tensor) -> Tensor:
    """Return the lower factor of a symmetric matrix, its diagonal raised a little if need be.

    Raises:
        NanError: The matrix holds what is not a number.
        NotPSDError: It has no factor even with its diagonal raised by 1e-4.
    """
    if not bool(torch.isfinite(K).all()):
        raise NanError("a covariance matrix holds what is not a number")
    for jitter in _JITTERS:
        raised = K + jitter * torch.eye(len(K), dtype=K.dtype) if jitter else K
        L, info = torch.linalg.cholesky_ex(raised)
        if not int(info):
            factor: Tensor = L
            return factor
    raise NotPSDError("a covariance matrix has no Cholesky factor")


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A Gaussian process of variance 1 about a constant, given noisy values at `n` rows."""

    kernel: KernelName
    X: Tensor
    """`n x d` features, divided by their length scales."""
    lengthscales: Tensor
    mean: float
    L: Tensor
    """`n x n` lower factor of the noisy covariance."""
    residual: Tensor
    """`n` values less the mean, divided by the factor."""

    @classmethod
    def of(
        cls,
        kernel: KernelName,
        X: Tensor,
        Y: Tensor,
        lengthscales: Tensor,
        noise: Tensor,
    ) -> "Process":
        """Condition a process on data; its mean is the best one given the hyperparameters.

        Args:
            kernel: Its name.
            X: `n x d` features.
            Y: `n` values.
            lengthscales: `d` numbers above 0.
            noise: `n` variances.

        Raises:
            NanError: A number is none.
            NotPSDError: The covariance cannot be factorised.
        """
        scaled = X / lengthscales
        L = cholesky_factor(KERNELS[kernel](_squared(scaled, scaled))[0] + torch.diag(noise))
        both = torch.stack([Y, torch.ones_like(Y)], dim=1)
        both = torch.linalg.solve_triangular(L, both, upper=False)
        mean = float((both[:, 0] @ both[:, 1]) / (both[:, 1] @ both[:, 1]))
        return cls(kernel, scaled, lengthscales, mean, L, both[:, 0] - mean * both[:, 1])

    def scaled(self, X: Tensor) -> Tensor:
        """Return rows divided by the length scales; columns behind the features are left out."""
        return X[:, : len(self.lengthscales)] / self.lengthscales

    def covariance(self, A: Tensor, B: Tensor) -> Tensor:
        """Return the prior covariance of scaled rows, `k x d` and `l x d`, as `k x l`."""
        return KERNELS[self.kernel](_squared(A, B))[0]

    def whitened(self, scaled: Tensor) -> Tensor:
        """Return covariances of the data with scaled rows, divided by the factor: `n x k`."""
        known = self.covariance(self.X, scaled)
        whitened: Tensor = torch.linalg.solve_triangular(self.L, known, upper=False)
        return whitened

    def moments(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and variances of the noise-free values at `k` rows."""
        whitened = self.whitened(self.scaled(X))
        means = self.mean + self.residual @ whitened
        return means, (1 - whitened.square().sum(dim=0)).clamp_min(0.0)


def _squared(A: Tensor, B: Tensor) -> Tensor:
    squared = torch.addmm(A.square().sum(dim=1, keepdim=True), A, B.T, alpha=-2.0)
    return (squared + B.square().sum(dim=1)).clamp_min(0.0)

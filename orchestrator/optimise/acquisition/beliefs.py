"""What is believed of the columns anywhere: means, covariances and what measurements would change.

Two forms: own Gaussian processes, exactly; any BoTorch model, by the first two moments of its joint
posterior. Measurements whose values are not known yet change covariances alone, by the rule for
Gaussian numbers, which for other models is the best linear one (an ensemble Kalman update).

References:
    Ensemble Kalman update: [Evensen1994]_.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol, cast

import torch
from botorch.models.model import Model
from botorch.posteriors.ensemble import EnsemblePosterior
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.posteriors.posterior_list import PosteriorList
from botorch.posteriors.torch import TorchPosterior
from botorch.sampling.get_sampler import get_sampler
from gpytorch.likelihoods import GaussianLikelihood
from torch import Tensor

from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.process import Process, cholesky_factor
from orchestrator.optimise.surrogate import Surrogate

__all__ = ["Beliefs", "Moments", "beliefs_of", "noise_variances"]

_LEAST_VARIANCE: Final = 1e-10
_LEAST_NOISE: Final = 1e-6
"""Variance of a reading, on its column's scale, that is always reckoned with."""
_CHUNK: Final = 256
_SAMPLES: Final = 256
"""Samples from which covariances of posteriors that do not state theirs are taken."""


class Moments(Protocol):
    """Means and covariances of noise-free values."""

    def means(self, X: Tensor) -> Tensor:
        """Return means at `n x (d + c)` rows, `n x p`."""
        ...

    def variances(self, X: Tensor) -> Tensor:
        """Return variances at `n x (d + c)` rows, `n x p`."""
        ...

    def covariances(self, A: Tensor, B: Tensor) -> Tensor:
        """Return covariances of `k` with `l` rows, `k x l x p`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _OfProcesses:
    processes: tuple[Process, ...]

    def means(self, X: Tensor) -> Tensor:
        return torch.stack([process.moments(X)[0] for process in self.processes], dim=-1)

    def variances(self, X: Tensor) -> Tensor:
        return torch.stack([process.moments(X)[1] for process in self.processes], dim=-1)

    def covariances(self, A: Tensor, B: Tensor) -> Tensor:
        found: list[Tensor] = []
        for process in self.processes:
            a, b = process.scaled(A), process.scaled(B)
            explained = process.whitened(a).T @ process.whitened(b)
            found.append(process.covariance(a, b) - explained)
        return torch.stack(found, dim=-1)


class _Posterior(Protocol):
    mean: Tensor
    variance: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _OfModel:
    model: Model
    seed: int

    def means(self, X: Tensor) -> Tensor:
        return torch.cat([self._at(part).mean for part in torch.split(X, _CHUNK)])

    def variances(self, X: Tensor) -> Tensor:
        return torch.cat([self._at(part).variance for part in torch.split(X, _CHUNK)])

    def covariances(self, A: Tensor, B: Tensor) -> Tensor:
        found: list[Tensor] = []
        for part in torch.split(A, _CHUNK):
            joint = self._covariance(self._at(torch.cat([part, B])))
            found.append(joint[: len(part), len(part) :])
        return torch.cat(found)

    def _at(self, X: Tensor) -> "_Posterior":
        with torch.no_grad():
            return cast("_Posterior", self.model.posterior(X))

    def _covariance(self, posterior: object) -> Tensor:
        """Return the covariance matrix of each column, `n x n x p`."""
        if isinstance(posterior, PosteriorList):
            return torch.cat([self._covariance(each) for each in posterior.posteriors], dim=-1)
        if isinstance(posterior, GPyTorchPosterior):
            return _stated(posterior)
        if isinstance(posterior, EnsemblePosterior):
            samples: Tensor = posterior.values
        else:
            drawn = cast("TorchPosterior", posterior)
            samples = get_sampler(drawn, torch.Size([_SAMPLES]), seed=self.seed)(drawn)
        off = samples - samples.mean(dim=0)
        return torch.einsum("sip,sjp->ijp", off, off) / len(off)


def _stated(posterior: GPyTorchPosterior) -> Tensor:
    n, p = posterior.mean.shape
    joint: Tensor = posterior.distribution.covariance_matrix.detach()
    if p == 1:
        return joint.unsqueeze(-1)
    if posterior.distribution._interleaved:  # noqa: SLF001 - GPyTorch has no public word for it
        return torch.einsum("ipjp->ijp", joint.reshape(n, p, n, p))
    return torch.einsum("pipj->ijp", joint.reshape(p, n, p, n))


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What is believed of the columns while some rows are pending or picked."""

    moments: Moments
    noise: Tensor
    """`p` variances of a reading, on the columns' scales."""
    pending: Tensor
    """`k x (d + c)` rows whose values will be known."""

    def means(self, X: Tensor) -> Tensor:
        """Return means at `n` rows, `n x p`: what is pending moves none in the mean."""
        return self.moments.means(X)

    def variances(self, X: Tensor) -> Tensor:
        """Return variances of the noise-free values at `n` rows, `n x p`, above 0."""
        variances = self.moments.variances(X)
        if len(self.pending):
            variances = variances - self._explained(X).square().sum(dim=0)
        return variances.clamp_min(_LEAST_VARIANCE)

    def covariances(self, A: Tensor, B: Tensor) -> Tensor:
        """Return covariances of the noise-free values of `k` with `l` rows, `k x l x p`."""
        found = self.moments.covariances(A, B)
        if not len(self.pending):
            return found
        explained = torch.einsum("qip,qjp->ijp", self._explained(A), self._explained(B))
        return found - explained

    def changes(self, X: Tensor, others: Tensor) -> Tensor:
        """Return how far the means at other rows move, in standard deviations of one reading.

        Args:
            X: `n x (d + c)` rows, one of which is measured.
            others: `r x (d + c)` rows.

        Returns:
            `n x r x p`: times a standard normal number it is the change.
        """
        spread = (self.variances(X) + self.noise).sqrt()
        return self.covariances(X, others) / spread.unsqueeze(1)

    def samples(self, X: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
        """Return samples at the pending rows, and at candidates, each by itself given those.

        Args:
            X: `n x (d + c)` candidates.
            base: `S x (k + 1) x p` standard normal numbers.

        Returns:
            `S x k x p` and `S x n x p`.
        """
        k = len(self.pending)
        means = self.moments.means(X)
        own = base[:, k].unsqueeze(1) * self._left(X).sqrt()
        if not k:
            return base[:, :0], means + own
        waiting = torch.einsum("ijp,sjp->sip", self._noise_free_factors, base[:, :k])
        weights = self._weights(X)
        shift = torch.einsum("jip,sjp->sip", weights, base[:, :k])
        return self.moments.means(self.pending) + waiting, means + shift + own

    def _left(self, X: Tensor) -> Tensor:
        """Return variances given noise-free values at the pending rows."""
        variances = self.moments.variances(X)
        if len(self.pending):
            variances = variances - self._weights(X).square().sum(dim=0)
        return variances.clamp_min(_LEAST_VARIANCE)

    def _explained(self, X: Tensor) -> Tensor:
        """Return covariances with readings of the pending rows, divided by their factor."""
        return _divided(self._factors, self.moments.covariances(self.pending, X))

    def _weights(self, X: Tensor) -> Tensor:
        return _divided(self._noise_free_factors, self.moments.covariances(self.pending, X))

    @cached_property
    def _joint(self) -> Tensor:
        joint = self.moments.covariances(self.pending, self.pending)
        return (joint + joint.transpose(0, 1)) / 2

    @cached_property
    def _factors(self) -> Tensor:
        return _factors(self._joint, self.noise)

    @cached_property
    def _noise_free_factors(self) -> Tensor:
        return _factors(self._joint, torch.full_like(self.noise, _LEAST_VARIANCE))


def _factors(joint: Tensor, added: Tensor) -> Tensor:
    identity = torch.eye(len(joint), dtype=joint.dtype)
    each = [cholesky_factor(joint[..., i] + added[i] * identity) for i in range(len(added))]
    return torch.stack(each, dim=-1)


def _divided(factors: Tensor, right: Tensor) -> Tensor:
    each = [
        torch.linalg.solve_triangular(factors[..., i], right[..., i], upper=False)
        for i in range(factors.shape[-1])
    ]
    return torch.stack(each, dim=-1)


def beliefs_of(situation: Situation, pending: Tensor) -> Beliefs:
    """Return what is believed while rows are pending.

    Args:
        situation: Models and data.
        pending: `k x (d + c)` rows.
    """
    surrogate = situation.surrogate
    moments: Moments
    if surrogate.processes:
        moments = _OfProcesses(surrogate.processes)
    else:
        moments = _OfModel(surrogate.model, situation.seed % 2**31)
    return Beliefs(moments, noise_variances(surrogate, situation.baseline), pending)


def noise_variances(surrogate: Surrogate, made: Tensor) -> Tensor:
    """Return the usual variance of a reading of each column, on its scale, `p`.

    Args:
        surrogate: Fitted models; a model without a likelihood says nothing of noise.
        made: `n x (d + c)` rows.
    """
    model: Model = surrogate.model
    parts = cast("Sequence[Model]", getattr(model, "models", [model]))
    likelihoods = [
        cast("GaussianLikelihood", part.likelihood) for part in parts if hasattr(part, "likelihood")
    ]
    if len(likelihoods) == len(surrogate.columns):
        found = [likelihood.noise.detach().median() for likelihood in likelihoods]
        return torch.stack(found).to(made.dtype).clamp_min(_LEAST_NOISE)
    return made.new_full((len(surrogate.columns),), _LEAST_NOISE)

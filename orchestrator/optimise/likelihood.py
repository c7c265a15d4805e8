"""The noise of one column, as GPyTorch's likelihoods know it."""

import math
from typing import Final

import torch
from botorch.models.utils.gpytorch_modules import get_gaussian_likelihood_with_lognormal_prior
from gpytorch.constraints import GreaterThan
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from orchestrator.optimise.replication import Noise, NoisePrior

__all__ = ["LEAST_LEARNT", "LEAST_SD", "likelihood_for"]

LEAST_SD: Final = 1e-3
"""Standard errors below this part of a column's spread are taken for it, to keep matrices sound."""
LEAST_LEARNT: Final = 1e-4
"""Least variance that is learnt where nothing is known."""


def likelihood_for(noise: Noise) -> GaussianLikelihood | FixedNoiseGaussianLikelihood:
    """Return a likelihood: known noise fixed, noise beside it or all noise learnt."""
    if noise.sd is None:
        if noise.prior is None:
            return get_gaussian_likelihood_with_lognormal_prior()
        prior, constraint = _learnt(noise.prior, LEAST_LEARNT)
        return GaussianLikelihood(noise_prior=prior, noise_constraint=constraint)
    variances: Tensor = torch.from_numpy(noise.sd).clamp_min(LEAST_SD).square()
    if noise.prior is None:
        return FixedNoiseGaussianLikelihood(noise=variances)
    prior, constraint = _learnt(noise.prior, LEAST_SD**2)
    return FixedNoiseGaussianLikelihood(
        noise=variances, learn_additional_noise=True, noise_prior=prior, noise_constraint=constraint
    )


def _learnt(belief: NoisePrior, least: float) -> tuple[LogNormalPrior, GreaterThan]:
    mode = math.exp(belief.location - belief.width**2)
    constraint = GreaterThan(least, transform=None, initial_value=max(mode, 2 * least))
    return LogNormalPrior(loc=belief.location, scale=belief.width), constraint

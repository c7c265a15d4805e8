"""Log noisy improvements by BoTorch itself, for models that are no independent Gaussian processes.

References:
    BoTorch: [Balandat2020]_. Noisy expected hypervolume improvement: [Daulton2021]_; its
    logarithm: [Ament2023]_.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.acquisition.multi_objective.utils import prune_inferior_points_multi_objective
from botorch.acquisition.objective import GenericMCObjective
from botorch.models.ensemble import EnsembleModel
from botorch.sampling.base import MCSampler
from botorch.sampling.index_sampler import IndexSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from torch import Tensor

from orchestrator.optimise.acquisition.protocol import Score
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.aims import Shortfall

__all__ = ["hypervolume_score", "single_score"]

_PRUNING_SAMPLES: Final = 256
"""Samples by which told points that can hardly be on the front are left out of the reckoning."""
_CHUNK: Final = 512


def single_score(
    situation: Situation,
    pending: Tensor,
    utility: Callable[[Tensor], Tensor],
    conditions: Sequence[Shortfall],
    *,
    n_samples: int,
) -> Score:
    """Return log noisy expected improvement of one utility.

    Args:
        situation: Models and data.
        pending: `k x (d + c)` rows.
        utility: From `... x m` utilities to one.
        conditions: What must hold beside.
        n_samples: How many, a power of 2.
    """
    aims = situation.aims

    def chosen(samples: Tensor, X: Tensor | None = None) -> Tensor:
        return utility(aims.utilities(samples, X))

    return _scores(
        qLogNoisyExpectedImprovement(
            model=situation.surrogate.model,
            X_baseline=situation.baseline,
            sampler=_sampler(situation, pending, n_samples),
            objective=GenericMCObjective(chosen),
            constraints=list(conditions) or None,
            X_pending=pending if len(pending) else None,
            prune_baseline=True,
        )
    )


def hypervolume_score(
    situation: Situation, pending: Tensor, reference: Sequence[float], *, n_samples: int
) -> Score:
    """Return log noisy expected hypervolume improvement.

    Args:
        situation: Models and data.
        pending: `k x (d + c)` rows.
        reference: `m` utilities that count as worst.
        n_samples: How many, a power of 2.
    """
    objective = GenericMCMultiOutputObjective(situation.aims.utilities)
    constraints = situation.aims.specifications() or None
    baseline = prune_inferior_points_multi_objective(
        model=situation.surrogate.model,
        X=situation.baseline,
        ref_point=torch.tensor(reference, dtype=situation.baseline.dtype),
        objective=objective,
        constraints=constraints,
        num_samples=_PRUNING_SAMPLES,
    )
    return _scores(
        qLogNoisyExpectedHypervolumeImprovement(
            model=situation.surrogate.model,
            ref_point=list(reference),
            X_baseline=baseline,
            sampler=_sampler(situation, pending, n_samples),
            objective=objective,
            constraints=constraints,
            X_pending=pending if len(pending) else None,
        )
    )


def _sampler(situation: Situation, pending: Tensor, n_samples: int) -> MCSampler:
    seed, shape = (situation.seed + len(pending)) % 2**31, torch.Size([n_samples])
    if isinstance(situation.surrogate.model, EnsembleModel):
        return IndexSampler(shape, seed=seed)
    return SobolQMCNormalSampler(shape, seed=seed)


def _scores(acquisition: AcquisitionFunction) -> Score:
    def scores(X: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([acquisition(part.unsqueeze(1)) for part in torch.split(X, _CHUNK)])

    return scores

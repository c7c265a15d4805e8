"""The default acquisition: log noisy improvements, of the hypervolume where there are several.

References:
    Noisy expected hypervolume improvement: [Daulton2021]_; its logarithm: [Ament2023]_; random
    augmented Chebyshev scalarisations: [Knowles2006]_.
"""

from collections.abc import Callable
from typing import ClassVar, Final

import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.acquisition.multi_objective.utils import prune_inferior_points_multi_objective
from botorch.acquisition.objective import GenericMCObjective
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.multi_objective.scalarization import get_chebyshev_scalarization
from botorch.utils.sampling import sample_simplex
from torch import Tensor
from typing_extensions import override

from orchestrator.optimise.acquisition.protocol import Acquisition, Score
from orchestrator.optimise.acquisition.situation import Situation

__all__ = ["MOST_WEIGHED", "Improvement"]

MOST_WEIGHED: Final = 3
"""Objectives up to which the hypervolume is used; beyond, random scalarisations."""
_SAMPLES: Final = 64
_PRUNING_SAMPLES: Final = 256
"""Samples by which told points that can hardly be on the front are left out of the reckoning."""
_CHUNK: Final = 512


class Improvement(Acquisition):
    """Improvement of the best value, of the hypervolume, or of a random scalarisation.

    With two or three objectives every second pick goes for the best of one measured objective, in
    rotation: the hypervolume values the ends of the front too little to find them soon.
    """

    name: ClassVar[str] = "automatic"

    @override
    def method(self, situation: Situation, turn: int) -> str:
        m = situation.aims.n_utilities
        if m == 1 or _alone(situation, turn) is not None:
            return "log_nei"
        return "log_nehvi" if m <= MOST_WEIGHED else "log_nparego"

    @override
    def remark(self, situation: Situation, turn: int) -> str:
        name = _alone(situation, turn)
        return f"pick {turn + 1} seeks the best {name} alone" if name else ""

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        X_pending = pending if len(pending) else None
        sampler = SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=situation.seed + turn)
        if self.method(situation, turn) == "log_nehvi":
            return _scores(_hypervolume(situation, X_pending, sampler))
        aims, alone = situation.aims, _alone(situation, turn)
        thresholds = aims.thresholds_but(alone) if alone else []
        improvement = qLogNoisyExpectedImprovement(
            model=situation.surrogate.model,
            X_baseline=situation.baseline,
            sampler=sampler,
            objective=GenericMCObjective(_single(situation, turn)),
            constraints=[*aims.specifications(), *thresholds] or None,
            X_pending=X_pending,
            prune_baseline=True,
        )
        scores = _scores(improvement)
        if alone is None:
            return scores

        def within(X: Tensor) -> Tensor:
            keep = aims.within_computed_thresholds(X)
            return torch.where(keep, scores(X), -torch.inf)

        return within


def _scores(acquisition: AcquisitionFunction) -> Score:
    def scores(X: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([acquisition(part.unsqueeze(1)) for part in torch.split(X, _CHUNK)])

    return scores


def _alone(situation: Situation, turn: int) -> str | None:
    """Return the objective that a pick seeks for itself, None where it weighs all."""
    names = [one.name for one in situation.aims.campaign.measured_objectives]
    place = situation.first + turn
    if not 1 < situation.aims.n_utilities <= MOST_WEIGHED or not names or place % 2:
        return None
    return names[place // 2 % len(names)]


def _hypervolume(
    situation: Situation, X_pending: Tensor | None, sampler: SobolQMCNormalSampler
) -> AcquisitionFunction:
    if situation.reference is None:
        raise ValueError("a hypervolume needs a reference point")
    objective = GenericMCMultiOutputObjective(situation.aims.utilities)
    reference = list(situation.reference)
    constraints = situation.aims.specifications() or None
    baseline = prune_inferior_points_multi_objective(
        model=situation.surrogate.model,
        X=situation.baseline,
        ref_point=torch.tensor(reference, dtype=situation.baseline.dtype),
        objective=objective,
        constraints=constraints,
        num_samples=_PRUNING_SAMPLES,
    )
    return qLogNoisyExpectedHypervolumeImprovement(
        model=situation.surrogate.model,
        ref_point=reference,
        X_baseline=baseline,
        sampler=sampler,
        objective=objective,
        constraints=constraints,
        X_pending=X_pending,
    )


def _single(situation: Situation, turn: int) -> Callable[[Tensor, Tensor | None], Tensor]:
    """Return the objective sought alone, or a random augmented Chebyshev scalarisation."""
    aims = situation.aims
    names = [one.name for one in aims.campaign.objectives]
    sought = names[0] if len(names) == 1 else _alone(situation, turn)
    if sought is not None:
        place = names.index(sought)

        def chosen(samples: Tensor, X: Tensor | None = None) -> Tensor:
            return aims.utilities(samples, X)[..., place]

        return chosen
    means = situation.surrogate.model.posterior(situation.baseline).mean.detach()
    Y = aims.utilities(means, situation.baseline)
    weights = sample_simplex(Y.shape[-1], n=1, seed=situation.seed + turn, dtype=Y.dtype)[0]
    scalarise = get_chebyshev_scalarization(weights, Y)

    def scalarised(samples: Tensor, X: Tensor | None = None) -> Tensor:
        return scalarise(aims.utilities(samples, X), None)

    return scalarised

"""How much an experiment promises: log noisy improvements, over features followed by exact values.

The rows that go in are `d` features and then the computed objectives on their scales. Models look
at the features only; computed objectives are read off the row, so that they are exact.

References:
    Noisy expected hypervolume improvement: [Daulton2021]_; its logarithm: [Ament2023]_; random
    augmented Chebyshev scalarisations: [Knowles2006]_.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.multi_objective.scalarization import get_chebyshev_scalarization
from botorch.utils.sampling import sample_simplex
from torch import Tensor

from campaigns.spec import CampaignSpec
from orchestrator.optimise.surrogate import Surrogate
from orchestrator.optimise.training_data import Scale

__all__ = ["MOST_WEIGHED", "Improvement"]

MOST_WEIGHED: Final = 3
"""Objectives up to which the hypervolume is used; beyond, random scalarisations."""
_SAMPLES: Final = 128


@dataclass(frozen=True, slots=True, eq=False)
class Improvement:
    """Builds the acquisition function for the next pick."""

    campaign: CampaignSpec
    surrogate: Surrogate
    computed_scales: Mapping[str, Scale]
    """By computed objective."""
    reference: Mapping[str, float]
    """By objective, in the campaign's units; empty with a single objective."""
    baseline: Tensor
    """`n x (d + c)` distinct rows that were made."""
    seed: int

    @property
    def method(self) -> str:
        """The name under which the choice is recorded."""
        m = len(self.campaign.objectives)
        return "log_nei" if m == 1 else "log_nehvi" if m <= MOST_WEIGHED else "log_nparego"

    def after(self, pending: Tensor, turn: int) -> AcquisitionFunction:
        """Return the acquisition function, given rows that are pending or picked already.

        Args:
            pending: `k x (d + c)` rows.
            turn: Which pick it is, from 0.
        """
        X_pending = pending if len(pending) else None
        sampler = SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=self.seed + turn)
        if self.method == "log_nehvi":
            return qLogNoisyExpectedHypervolumeImprovement(
                model=self.surrogate.model,
                ref_point=self._reference(),
                X_baseline=self.baseline,
                sampler=sampler,
                objective=GenericMCMultiOutputObjective(self._objectives),
                constraints=self._constraints() or None,
                X_pending=X_pending,
                prune_baseline=True,
            )
        return qLogNoisyExpectedImprovement(
            model=self.surrogate.model,
            X_baseline=self.baseline,
            sampler=sampler,
            objective=GenericMCObjective(self._single(turn)),
            constraints=self._constraints() or None,
            X_pending=X_pending,
            prune_baseline=True,
        )

    def _objectives(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        """Return objectives to be maximised, on their scales, `... x q x m`."""
        if X is None:
            raise ValueError("computed objectives are read off the rows, which are missing")
        measured = [column.name for column in self.surrogate.columns]
        computed = list(self.computed_scales)
        d = X.shape[-1] - len(computed)
        values: list[Tensor] = []
        for objective in self.campaign.objectives:
            if objective.name in computed:
                exact = X[..., d + computed.index(objective.name)]
                values.append(objective.sign * exact.expand(samples.shape[:-1]))
            else:
                values.append(objective.sign * samples[..., measured.index(objective.name)])
        return torch.stack(values, dim=-1)

    def _single(self, turn: int) -> Callable[[Tensor, Tensor | None], Tensor]:
        """Return the one objective, or a random augmented Chebyshev scalarisation of several."""
        if len(self.campaign.objectives) == 1:
            return self._first
        means = self.surrogate.model.posterior(self.baseline).mean.detach()
        Y = self._objectives(means, self.baseline)
        weights = sample_simplex(Y.shape[-1], n=1, seed=self.seed + turn, dtype=Y.dtype)[0]
        scalarise = get_chebyshev_scalarization(weights, Y)

        def scalarised(samples: Tensor, X: Tensor | None = None) -> Tensor:
            return scalarise(self._objectives(samples, X), None)

        return scalarised

    def _first(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        return self._objectives(samples, X)[..., 0]

    def _reference(self) -> list[float]:
        scales = {column.name: column.scale for column in self.surrogate.columns}
        scales.update(self.computed_scales)
        return [
            objective.sign * scales[objective.name].number(self.reference[objective.name])
            for objective in self.campaign.objectives
        ]

    def _constraints(self) -> list[Callable[[Tensor], Tensor]]:
        """Return for each limit of a measured outcome what is at most 0 where it is met."""
        constraints: list[Callable[[Tensor], Tensor]] = []
        names = [column.name for column in self.surrogate.columns]
        for outcome in self.campaign.outcomes:
            if outcome.name not in names:
                continue
            place = names.index(outcome.name)
            scale = self.surrogate.columns[place].scale
            for sign, limit in zip((-1.0, 1.0), outcome.limits, strict=True):
                if limit is not None:
                    bound = scale.number(float(limit))
                    constraints.append(_beyond(place, sign, bound))
        return constraints


def _beyond(place: int, sign: float, bound: float) -> Callable[[Tensor], Tensor]:
    return lambda samples: sign * (samples[..., place] - bound)

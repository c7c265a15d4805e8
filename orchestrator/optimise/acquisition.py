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
from botorch.acquisition.multi_objective.utils import prune_inferior_points_multi_objective
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
_SAMPLES: Final = 64
_PRUNING_SAMPLES: Final = 256
"""Samples by which told points that can hardly be on the front are left out of the reckoning."""


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
    first: int
    """Number of observations and pending points: which pick of the campaign comes next."""

    def method(self, turn: int) -> str:
        """Return the name under which a pick is recorded.

        Args:
            turn: Which pick of this batch, from 0.
        """
        m = len(self.campaign.objectives)
        if m == 1 or self.alone(turn) is not None:
            return "log_nei"
        return "log_nehvi" if m <= MOST_WEIGHED else "log_nparego"

    def alone(self, turn: int) -> str | None:
        """Return the objective that a pick seeks for itself, None where it weighs all.

        With two or three objectives every second pick goes for the best of one measured
        objective, in rotation: the hypervolume values the ends of the front too little to find
        them soon.
        """
        m = len(self.campaign.objectives)
        names = [one.name for one in self.campaign.measured_objectives]
        place = self.first + turn
        if not 1 < m <= MOST_WEIGHED or not names or place % 2:
            return None
        return names[place // 2 % len(names)]

    def of_interest(self, encoded: Tensor, turn: int) -> Tensor:
        """Return which rows a pick may take: for one alone, within the thresholds of the computed.

        Args:
            encoded: `n x (d + c)` rows.
            turn: Which pick of this batch, from 0.
        """
        keep = torch.ones(len(encoded), dtype=torch.bool)
        if self.alone(turn) is None:
            return keep
        d = encoded.shape[-1] - len(self.computed_scales)
        for objective in self.campaign.objectives:
            if objective.threshold is None or objective.name not in self.computed_scales:
                continue
            place = d + list(self.computed_scales).index(objective.name)
            bound = self.computed_scales[objective.name].number(float(objective.threshold))
            keep &= objective.sign * (encoded[:, place] - bound) >= 0
        return keep if keep.any() else ~keep

    def after(self, pending: Tensor, turn: int) -> AcquisitionFunction:
        """Return the acquisition function, given rows that are pending or picked already.

        Args:
            pending: `k x (d + c)` rows.
            turn: Which pick it is, from 0.
        """
        X_pending = pending if len(pending) else None
        sampler = SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=self.seed + turn)
        if self.method(turn) == "log_nehvi":
            return self._hypervolume(X_pending, sampler)
        return qLogNoisyExpectedImprovement(
            model=self.surrogate.model,
            X_baseline=self.baseline,
            sampler=sampler,
            objective=GenericMCObjective(self._single(turn)),
            constraints=[*self._constraints(), *self._thresholds(turn)] or None,
            X_pending=X_pending,
            prune_baseline=True,
        )

    def _hypervolume(
        self, X_pending: Tensor | None, sampler: SobolQMCNormalSampler
    ) -> AcquisitionFunction:
        objective = GenericMCMultiOutputObjective(self._objectives)
        reference = self._reference()
        constraints = self._constraints() or None
        baseline = prune_inferior_points_multi_objective(
            model=self.surrogate.model,
            X=self.baseline,
            ref_point=torch.tensor(reference, dtype=self.baseline.dtype),
            objective=objective,
            constraints=constraints,
            num_samples=_PRUNING_SAMPLES,
        )
        return qLogNoisyExpectedHypervolumeImprovement(
            model=self.surrogate.model,
            ref_point=reference,
            X_baseline=baseline,
            sampler=sampler,
            objective=objective,
            constraints=constraints,
            X_pending=X_pending,
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
        """Return the objective sought alone, or a random augmented Chebyshev scalarisation."""
        names = [one.name for one in self.campaign.objectives]
        sought = names[0] if len(names) == 1 else self.alone(turn)
        if sought is not None:
            place = names.index(sought)

            def chosen(samples: Tensor, X: Tensor | None = None) -> Tensor:
                return self._objectives(samples, X)[..., place]

            return chosen
        means = self.surrogate.model.posterior(self.baseline).mean.detach()
        Y = self._objectives(means, self.baseline)
        weights = sample_simplex(Y.shape[-1], n=1, seed=self.seed + turn, dtype=Y.dtype)[0]
        scalarise = get_chebyshev_scalarization(weights, Y)

        def scalarised(samples: Tensor, X: Tensor | None = None) -> Tensor:
            return scalarise(self._objectives(samples, X), None)

        return scalarised

    def _thresholds(self, turn: int) -> list[Callable[[Tensor], Tensor]]:
        """Return the thresholds of the other measured objectives, where one is sought alone."""
        alone = self.alone(turn)
        names = [column.name for column in self.surrogate.columns]
        found: list[Callable[[Tensor], Tensor]] = []
        for objective in self.campaign.measured_objectives:
            if alone is None or objective.name == alone or objective.threshold is None:
                continue
            place = names.index(objective.name)
            bound = self.surrogate.columns[place].scale.number(float(objective.threshold))
            found.append(_beyond(place, -float(objective.sign), bound))
        return found

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

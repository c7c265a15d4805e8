"""What a campaign is after, as numbers that are maximised and conditions that must hold.

Models speak of measured columns on their scales; computed objectives stand, on theirs, behind the
features of each row, so that they are exact. `Aims` makes utilities of both: one an objective where
the front between them is sought, a single one where they are traded.

References:
    Desirability: [DerringerSuich1980]_.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import torch
from torch import Tensor

from campaigns.objectives import Desirability, Objective, Outcome
from campaigns.spec import CampaignSpec
from orchestrator.core.worth import Range
from orchestrator.optimise.training_data import Column, Scale

__all__ = ["Aims", "Shortfall"]

Shortfall: TypeAlias = Callable[[Tensor], Tensor]
"""From samples `... x p` of the modelled columns to what is at most 0 where a condition holds."""
_LEAST_SHARE: Final = 0.01
"""Below this part of the way from worst to best, the logarithm of a desirability goes on straight:
worthless values are still told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Aims:
    """A campaign's objectives and specifications over the columns that are modelled."""

    campaign: CampaignSpec
    columns: tuple[Column, ...]
    """Modelled columns, in the order in which samples hold them."""
    computed_scales: Mapping[str, Scale]
    """By computed objective, in the order in which rows hold them behind the features."""
    ranges: Mapping[str, Range] | None = None
    """Worst and best of the initial design, as judged, by objective; a weighted sum needs it."""

    @property
    def utility_names(self) -> tuple[str, ...]:
        """What is maximised, in words: the objectives, or how they are traded."""
        if self.campaign.is_traded:
            return (self.campaign.header.trade_off,)
        return tuple(one.name for one in self.campaign.objectives)

    @property
    def n_utilities(self) -> int:
        """How many numbers are maximised: `m`."""
        return len(self.utility_names)

    @property
    def remark(self) -> str:
        """What should be said of the aims in a proposal's reason; mostly nothing."""
        n = len(self.campaign.objectives)
        match self.campaign.header.trade_off:
            case "weighted":
                return f"{n} objectives are traded by their weighted sum"
            case "desirability":
                return f"{n} objectives are traded by their desirability"
        return ""

    def utilities(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        """Return what is maximised, on scales of the order of 1.

        An objective counts with its sign, or with how far it is from its target. Traded ones are
        one: the weighted sum, or the logarithm of the weighted geometric mean of desirabilities.

        Args:
            samples: `... x q x p` values of the modelled columns.
            X: `... x q x (d + c)` rows at which they were drawn.

        Returns:
            `... x q x m`.
        """
        if X is None:
            raise ValueError("computed objectives are read off the rows, which are missing")
        measured = [column.name for column in self.columns]
        computed = list(self.computed_scales)
        d = X.shape[-1] - len(computed)
        values: list[Tensor] = []
        for objective in self.campaign.objectives:
            if objective.name in computed:
                exact = X[..., d + computed.index(objective.name)].expand(samples.shape[:-1])
                values.append(self._judged(objective, exact))
            else:
                place = measured.index(objective.name)
                values.append(self._judged(objective, samples[..., place]))
        return self._traded(values)

    def reference(self, reference: Mapping[str, float]) -> list[float]:
        """Return the utilities of a reference point.

        Args:
            reference: By objective, in the campaign's units; as judged, so a deviation where a
                target is to be matched.
        """
        judged = [
            torch.tensor(self._on_scale(one, reference[one.name]), dtype=torch.float64)
            for one in self.campaign.objectives
        ]
        return [float(each) for each in self._traded(judged)]

    def _scale(self, objective: Objective) -> Scale:
        exact = self.computed_scales.get(objective.name)
        if exact is not None:
            return exact
        (column,) = [column for column in self.columns if column.name == objective.name]
        return column.scale

    def _judged(self, objective: Objective, values: Tensor) -> Tensor:
        """Return what values on their scale are judged by, on the same scale."""
        if objective.matched is None:
            return values
        scale = self._scale(objective)
        target, tolerance = objective.matched
        return (values - scale.number(target)).abs().clamp_min(tolerance / scale.width)

    def _on_scale(self, objective: Objective, judged: float) -> float:
        scale = self._scale(objective)
        return scale.number(judged) if objective.matched is None else judged / scale.width

    def _traded(self, judged: list[Tensor]) -> Tensor:
        """Return `... x m` utilities of what objectives are judged by, on their scales."""
        objectives = self.campaign.objectives
        if not self.campaign.is_traded:
            signed = [one.sign * values for one, values in zip(objectives, judged, strict=True)]
            return torch.stack(signed, dim=-1)
        total = sum(one.share for one in objectives)
        found = torch.zeros_like(judged[0])
        for one, values in zip(objectives, judged, strict=True):
            if one.desirability is None:
                worst, best = self._range(one)
            else:
                worst, best = float(one.desirability.worst), float(one.desirability.best)
            low, high = self._on_scale(one, worst), self._on_scale(one, best)
            share = (values - low) / (high - low)
            if one.desirability is not None:
                share = _log_desirability(one.desirability, share)
            found = found + one.share / total * share
        return found.unsqueeze(-1)

    def _range(self, objective: Objective) -> Range:
        if self.ranges is None:
            raise ValueError("a weighted sum needs the ranges of the initial design")
        return self.ranges[objective.name]

    def specifications(self) -> list[Shortfall]:
        """Return a condition for each limit of a measured outcome that is modelled.

        The thresholds of measured objectives are among them where objectives are traded.
        """
        limited: tuple[Objective | Outcome, ...] = self.campaign.outcomes
        if self.campaign.is_traded:
            limited = (*limited, *self.campaign.objectives)
        return [shortfall for one in limited for shortfall in self._limits(one)]

    def _limits(self, one: Objective | Outcome) -> list[Shortfall]:
        names = [column.name for column in self.columns]
        if one.name not in names:
            return []
        place = names.index(one.name)
        scale = self.columns[place].scale
        return [
            _beyond(place, sign, scale.number(float(limit)))
            for sign, limit in zip((-1.0, 1.0), one.limits, strict=True)
            if limit is not None
        ]

    def thresholds_but(self, sought: str) -> list[Shortfall]:
        """Return the thresholds of the measured objectives, save of the one sought alone."""
        others = [one for one in self.campaign.measured_objectives if one.name != sought]
        return [shortfall for one in others for shortfall in self._limits(one)]

    def within_computed_thresholds(self, X: Tensor) -> Tensor:
        """Return which rows keep the thresholds of the computed objectives; all, if none does.

        Args:
            X: `n x (d + c)` rows.
        """
        keep = torch.ones(len(X), dtype=torch.bool)
        d = X.shape[-1] - len(self.computed_scales)
        for objective in self.campaign.objectives:
            if objective.threshold is None or objective.name not in self.computed_scales:
                continue
            place = d + list(self.computed_scales).index(objective.name)
            bound = self._on_scale(objective, float(objective.threshold))
            keep &= objective.sign * (self._judged(objective, X[:, place]) - bound) >= 0
        return keep if keep.any() else ~keep


def _beyond(place: int, sign: float, bound: float) -> Shortfall:
    return lambda samples: sign * (samples[..., place] - bound)


def _log_desirability(desirability: Desirability, share: Tensor) -> Tensor:
    """Return the logarithm of desirabilities, by how far values lie from worst to best."""
    log_share = share.clamp(_LEAST_SHARE, 1.0).log()
    short = (share - _LEAST_SHARE).clamp_max(0.0) / _LEAST_SHARE
    return float(desirability.exponent) * (log_share + short)

"""What a campaign is after, as numbers that are maximised and conditions that must hold.

Models speak of measured columns on their scales; computed objectives stand, on theirs, behind the
features of each row, so that they are exact. `Aims` makes utilities of both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from campaigns.spec import CampaignSpec
from orchestrator.optimise.training_data import Column, Scale

__all__ = ["Aims", "Shortfall"]

Shortfall: TypeAlias = Callable[[Tensor], Tensor]
"""From samples `... x p` of the modelled columns to what is at most 0 where a condition holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Aims:
    """A campaign's objectives and specifications over the columns that are modelled."""

    campaign: CampaignSpec
    columns: tuple[Column, ...]
    """Modelled columns, in the order in which samples hold them."""
    computed_scales: Mapping[str, Scale]
    """By computed objective, in the order in which rows hold them behind the features."""

    @property
    def n_utilities(self) -> int:
        """How many numbers are maximised: `m`."""
        return len(self.campaign.objectives)

    def utilities(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        """Return what is maximised, on scales of the order of 1.

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
                exact = X[..., d + computed.index(objective.name)]
                values.append(objective.sign * exact.expand(samples.shape[:-1]))
            else:
                values.append(objective.sign * samples[..., measured.index(objective.name)])
        return torch.stack(values, dim=-1)

    def reference(self, reference: Mapping[str, float]) -> list[float]:
        """Return the utilities of a reference point.

        Args:
            reference: By objective, in the campaign's units.
        """
        scales = {column.name: column.scale for column in self.columns}
        scales.update(self.computed_scales)
        return [
            objective.sign * scales[objective.name].number(reference[objective.name])
            for objective in self.campaign.objectives
        ]

    def specifications(self) -> list[Shortfall]:
        """Return a condition for each limit of a measured outcome that is modelled."""
        found: list[Shortfall] = []
        names = [column.name for column in self.columns]
        for outcome in self.campaign.outcomes:
            if outcome.name not in names:
                continue
            place = names.index(outcome.name)
            scale = self.columns[place].scale
            for sign, limit in zip((-1.0, 1.0), outcome.limits, strict=True):
                if limit is not None:
                    found.append(_beyond(place, sign, scale.number(float(limit))))
        return found

    def thresholds_but(self, sought: str) -> list[Shortfall]:
        """Return the thresholds of the measured objectives, save of the one sought alone."""
        names = [column.name for column in self.columns]
        found: list[Shortfall] = []
        for objective in self.campaign.measured_objectives:
            if objective.name == sought or objective.threshold is None:
                continue
            place = names.index(objective.name)
            bound = self.columns[place].scale.number(float(objective.threshold))
            found.append(_beyond(place, -float(objective.sign), bound))
        return found

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
            bound = self.computed_scales[objective.name].number(float(objective.threshold))
            keep &= objective.sign * (X[:, place] - bound) >= 0
        return keep if keep.any() else ~keep


def _beyond(place: int, sign: float, bound: float) -> Shortfall:
    return lambda samples: sign * (samples[..., place] - bound)

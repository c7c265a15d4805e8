"""Ax behind the planner protocol, through its core and adapter classes; the yardstick."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self

from typing_extensions import override

from campaigns.errors import Problem
from campaigns.space import RangeParameter
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.optimise.bench_time import BenchTime
from orchestrator.optimise.botorch_planner import reason_for_spreading
from orchestrator.optimise.planner import Planner, Proposal, UnsupportedCampaign, WrongSettings
from orchestrator.optimise.sobol_planner import propose_spread

__all__ = ["AxPlanner"]

_MOST_OBJECTIVES: Final = 3


class AxPlanner(Planner):
    """Lets Ax propose in the continuous space and takes the nearest feasible lattice points.

    Ax knows bounds, the sum of the fractions and linear constraints; the lattice and the number
    of components present are kept by taking the nearest feasible point.

    Example:
        >>> AxPlanner.from_settings({}).name
        'ax'
    """

    name: ClassVar[str] = "ax"

    @classmethod
    @override
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the planner; it has no settings.

        Raises:
            WrongSettings: A setting is given.
        """
        if settings:
            expected = "no settings: ax has none"
            raise WrongSettings([Problem(key, settings[key], expected) for key in sorted(settings)])
        return cls()

    @override
    def refuse_unsupported(self, campaign: CampaignSpec) -> None:
        """Refuse what Ax would have to guess.

        Raises:
            UnsupportedCampaign: An objective is computed or to match a target, objectives are
                traded, a constraint is not linear or speaks of a parameter that is no range, or
                there are more than three objectives.
        """
        if campaign.is_traded:
            reason = f"it knows no trade_off {campaign.header.trade_off!r}, only the front"
            raise UnsupportedCampaign(self.name, reason)
        for objective in campaign.objectives:
            if objective.name in campaign.computed:
                reason = f"{objective.name} is computed exactly, and Ax would model it"
                raise UnsupportedCampaign(self.name, reason)
            if objective.direction == "match":
                reason = f"{objective.name} is to match a target, and Ax knows only more and less"
                raise UnsupportedCampaign(self.name, reason)
        if len(campaign.objectives) > _MOST_OBJECTIVES:
            reason = f"{len(campaign.objectives)} objectives are more than {_MOST_OBJECTIVES}"
            raise UnsupportedCampaign(self.name, reason)
        others = {p.name for p in campaign.space.parameters if not isinstance(p, RangeParameter)}
        for condition in campaign.conditions:
            if condition.linear_inequalities() is None:
                reason = f"constraint {condition.text!r} is not linear"
                raise UnsupportedCampaign(self.name, reason)
            if found := sorted(condition.names & others):
                reason = f"constraint {condition.text!r} speaks of {found[0]}, which is no range"
                raise UnsupportedCampaign(self.name, reason)

    @override
    def propose(
        self,
        campaign: CampaignSpec,
        observations: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        seed: int,
        *,
        bench: BenchTime | None = None,
    ) -> Proposal:
        """Choose points by Ax, or spread while there is too little to learn from."""
        del bench  # Ax weighs no costs
        reason = reason_for_spreading(campaign, observations)
        if reason:
            return propose_spread(campaign, observations, pending, n, seed, reason=reason)
        from orchestrator.optimise.ax_proposal import AxFailure, propose_by_ax

        try:
            return propose_by_ax(campaign, observations, pending, n, seed)
        except AxFailure as failure:
            return propose_spread(
                campaign,
                observations,
                pending,
                n,
                seed,
                reason=str(failure),
                method="spread_fallback",
            )

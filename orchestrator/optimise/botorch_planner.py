"""The default planner: Gaussian processes and log noisy expected (hypervolume) improvement."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from typing_extensions import override

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.optimise.bench_time import BenchTime
from orchestrator.optimise.planner import Planner, Proposal, UnsupportedSettings
from orchestrator.optimise.planner_settings import PlannerSettings, problems_with, settings_from
from orchestrator.optimise.sobol_planner import propose_spread
from orchestrator.optimise.training_data import LEAST_ROWS

__all__ = ["BotorchPlanner", "reason_for_spreading"]


class BotorchPlanner(Planner):
    """Learns one model a measured column and proposes where improvement is likeliest.

    Args:
        settings: ``[planner.settings]``.

    Example:
        >>> BotorchPlanner.from_settings({}).name
        'botorch'
    """

    name: ClassVar[str] = "botorch"
    tells_out_of_distribution: ClassVar[bool] = True

    def __init__(self, settings: PlannerSettings) -> None:
        self._settings = settings

    @classmethod
    @override
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the planner.

        Raises:
            WrongSettings: A setting is unknown or has an impossible value.
        """
        return cls(settings_from(settings))

    @override
    def refuse_unsupported(self, campaign: CampaignSpec) -> None:
        """Check that the settings suit the campaign.

        Raises:
            UnsupportedSettings: Some do not; each is named, and what it needs.
        """
        problems = tuple(problems_with(self._settings, campaign))
        if problems:
            raise UnsupportedSettings(self.name, problems)

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
        """Choose points by a model, or spread while there is too little to learn from."""
        reason = reason_for_spreading(campaign, observations)
        if reason:
            return propose_spread(campaign, observations, pending, n, seed, reason=reason)
        from orchestrator.optimise.model_proposal import ModelFailure, propose_by_model

        try:
            return propose_by_model(
                campaign, observations, pending, n, seed, settings=self._settings, bench=bench
            )
        except ModelFailure as failure:
            reason = str(failure)
        return propose_spread(
            campaign, observations, pending, n, seed, reason=reason, method="spread_fallback"
        )


def reason_for_spreading(campaign: CampaignSpec, observations: Sequence[Observation]) -> str:
    """Return why no model is asked yet; empty if one can be."""
    n_initial = campaign.planner.n_initial
    if len(observations) < n_initial:
        return f"{len(observations)} of {n_initial} initial observations are told"
    for objective in campaign.objectives:
        if objective.name in campaign.computed:
            continue
        rows = sum(objective.name in observation.values for observation in observations)
        if rows < LEAST_ROWS:
            return f"{objective.name} has {rows} observations, a model needs {LEAST_ROWS}"
    if all(observation.is_failed for observation in observations):
        return "no sample could be made yet"
    return ""

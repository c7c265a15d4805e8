"""The planner that only fills the space."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from typing_extensions import override

from campaigns.errors import Problem
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Candidate, Observation, Point, Prediction
from orchestrator.optimise.bench_time import BenchTime
from orchestrator.optimise.candidates import Taken
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import IntArray
from orchestrator.optimise.planner import Planner, Proposal, WrongSettings
from orchestrator.optimise.space_filling import spread_rows

__all__ = ["SobolPlanner", "exact_predictions", "points_of", "propose_spread"]


class SobolPlanner(Planner):
    """Proposes points far from each other and from everything told; learns nothing.

    Example:
        >>> SobolPlanner.from_settings({}).name
        'sobol'
    """

    name: ClassVar[str] = "sobol"

    @classmethod
    @override
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the planner; it has no settings.

        Raises:
            WrongSettings: A setting is given.
        """
        if settings:
            expected = "no settings: sobol has none"
            raise WrongSettings([Problem(key, settings[key], expected) for key in sorted(settings)])
        return cls()

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
        """Choose points that fill the space; see `Planner.propose`."""
        del bench  # to fill the space, every point is worth the same
        return propose_spread(
            campaign, observations, pending, n, seed, reason="the planner only fills the space"
        )

    @override
    def refuse_unsupported(self, campaign: CampaignSpec) -> None:
        """Accept every campaign."""


def propose_spread(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    seed: int,
    *,
    reason: str,
    method: str = "initial_design",
) -> Proposal:
    """Propose points that fill the space.

    Args:
        campaign: What is searched.
        observations: Everything that is known.
        pending: Points asked for and not yet told.
        n: Candidates wanted.
        seed: Seed of every random choice.
        reason: Why no model is asked.
        method: The proposal's method.
    """
    feasible = FeasibleSet.of(campaign)
    taken = Taken.of(feasible.lattice, observations, pending)
    known = [*(observation.point for observation in observations), *pending]
    rows, remark = spread_rows(campaign, feasible, taken, known, n, seed)
    candidates = tuple(
        Candidate(point=point, predictions=exact_predictions(campaign, point))
        for point in points_of(feasible, rows)
    )
    design = campaign.planner.design
    said = (reason, "" if design == "spread" else f"the design is {design}", remark)
    return Proposal(candidates, method, "; ".join(text for text in said if text))


def points_of(feasible: FeasibleSet, rows: IntArray) -> list[dict[str, float | str]]:
    """Return rows as points."""
    return [feasible.lattice.point(row) for row in rows.tolist()]


def exact_predictions(campaign: CampaignSpec, point: Point) -> dict[str, Prediction]:
    """Return what is known exactly of a point: its computed objectives, with sd 0."""
    computed = [each.name for each in campaign.objectives if each.name in campaign.computed]
    values = campaign.computed_values(point) if computed else {}
    return {name: Prediction(mean=values[name], sd=0.0) for name in computed}

"""A campaign file read at the door together with what only a search can tell of it."""

from pathlib import Path

from campaigns.errors import CampaignFileError, NoFeasiblePoint, Problem
from campaigns.loading import load_campaign
from campaigns.spec import CampaignSpec
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.planner import Planner, UnsupportedCampaign, planner_for

__all__ = ["load_searchable", "refuse_unsearchable"]


def load_searchable(path: str | Path) -> tuple[CampaignSpec, FeasibleSet, Planner]:
    """Read a campaign file; find its feasible set and its planner.

    Raises:
        CampaignFileError: The file holds mistakes, no point satisfies it, or its planner cannot
            honour it; the reasons are named.
    """
    campaign = load_campaign(path)
    return campaign, *refuse_unsearchable(campaign, path)


def refuse_unsearchable(campaign: CampaignSpec, file: str | Path) -> tuple[FeasibleSet, Planner]:
    """Return a campaign's feasible set and planner.

    Args:
        campaign: Free of mistakes in itself.
        file: The file that error messages name.

    Raises:
        CampaignFileError: No point satisfies it, or its planner cannot honour it.
    """
    problems: list[Problem] = []
    try:
        feasible = FeasibleSet.of(campaign)
    except NoFeasiblePoint as error:
        expected = "constraints and bounds that at least one point satisfies"
        problems.extend(
            Problem("space", f"no feasible point: {reason}", expected) for reason in error.reasons
        )
    try:
        planner = planner_for(campaign)
    except UnsupportedCampaign as error:
        problems.append(Problem("planner", str(error), "a planner that can honour the campaign"))
    if problems:
        raise CampaignFileError(file, problems)
    return feasible, planner

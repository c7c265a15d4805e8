"""A campaign file read at the door together with what only a search can tell of it."""

from pathlib import Path

from campaigns.errors import CampaignFileError, Finding, NoFeasiblePoint, Problem
from campaigns.loading import load_campaign
from campaigns.spec import CampaignSpec
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.planner import GridTooFine, Planner, UnsupportedCampaign, planner_for

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
        CampaignFileError: No point satisfies it, or its planner cannot honour it. A grid too
            fine for every planner is refused before anything is counted.
    """
    problems: list[Problem] = []
    try:
        planner = planner_for(campaign)
    except GridTooFine as error:
        composition = campaign.space.composition
        step = None if composition is None else composition.step
        expected = f"a grid that a planner can search; {error.reason}"
        problem = Problem("space.composition.step", step, expected)
        raise CampaignFileError(file, [problem]) from error
    except UnsupportedCampaign as error:
        problems += error.problems
    try:
        feasible = FeasibleSet.of(campaign)
    except NoFeasiblePoint as error:
        found = Finding("no feasible point")
        problems[:0] = [
            Problem("space", found, f"at least one; {reason}") for reason in error.reasons
        ]
    if problems:
        raise CampaignFileError(file, problems)
    return feasible, planner

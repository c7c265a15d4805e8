"""How a campaign stands beside others on its rig: a person sets priority and share anew."""

from dataclasses import dataclass

from campaigns.precedence import LEAST_SHARE, MOST_PRIORITY, MOST_SHARE
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import PrioritySet
from orchestrator.errors import RequestRefused
from orchestrator.service.lab import Lab

__all__ = ["Standing", "set_priority"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands beside others."""

    campaign_id: str
    priority: int
    """-10 to 10; the higher goes first on every instrument."""
    share: float
    """0.01 to 100: its part of the instrument-hours among campaigns of equal priority."""


def set_priority(
    lab: Lab,
    *,
    priority: int | None = None,
    share: float | None = None,
    reason: str,
    campaign_id: str | None = None,
) -> Standing:
    """Set how a campaign stands beside others on its rig, from the next decision on.

    Args:
        lab: Whose person it is.
        priority: None leaves it as it is.
        share: None leaves it as it is.
        reason: Why.
        campaign_id: Which; None is the only unfinished one.

    Returns:
        How it stands now.

    Raises:
        RequestRefused: A value is out of its range, nothing is set, the campaign has ended, or
            there is no reason.
    """
    _refuse(priority, share, reason)
    found: list[Standing] = []

    def events_for(state: CampaignState) -> list[PrioritySet]:
        if state.status.has_ended:
            raise RequestRefused(f"{state.campaign_id} has ended: it stands beside nobody")
        chosen = state.priority if priority is None else priority
        part = state.share if share is None else share
        found[:] = [Standing(state.campaign_id, chosen, part)]
        return [PrioritySet(priority=chosen, share=part, reason=reason)]

    lab.decide(lab.meant(campaign_id), events_for)
    return found[0]


def _refuse(priority: int | None, share: float | None, reason: str) -> None:
    if priority is None and share is None:
        raise RequestRefused("priority, share: got neither, expected at least one of them")
    if priority is not None and abs(priority) > MOST_PRIORITY:
        expected = f"a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}"
        raise RequestRefused(f"priority: got {priority}, expected {expected}")
    if share is not None and not LEAST_SHARE <= share <= MOST_SHARE:
        expected = f"a number from {LEAST_SHARE} to {MOST_SHARE}"
        raise RequestRefused(f"share: got {share:g}, expected {expected}")
    if not reason.strip():
        raise RequestRefused("reason: got nothing, expected why, in your words")

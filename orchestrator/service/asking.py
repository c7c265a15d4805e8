"""Asking something of a campaign: of the living stations first, then of its engine by the log.

Nothing that can wait stands before the station: with a campaign's id, not even the log is opened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import LogError
from orchestrator.service.lab import Lab
from orchestrator.service.requests import Request
from orchestrator.service.station_door import (
    EndOfCampaign,
    StationDoor,
    StationReply,
    told_in_words,
)
from orchestrator.service.views import CampaignLine

__all__ = ["Asked", "ask_campaign"]

_AT_STATION: Final[dict[Request, EndOfCampaign]] = {
    Request.HOLD: "hold",
    Request.STOP: "stop",
    Request.ABORT: "abort",
}
"""What a station can begin before an engine knows of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request."""

    line: CampaignLine
    """The campaign after it."""
    replies: tuple[StationReply, ...]
    """What the living stations said; empty if none lives."""


def ask_campaign(
    lab_of: Callable[[], Lab],
    door: StationDoor,
    request: Request,
    campaign_id: str | None = None,
    *,
    reason: str = "",
) -> Asked:
    """Ask something of a campaign.

    Args:
        lab_of: Opens the log.
        door: The stations.
        request: What is asked.
        campaign_id: Of which campaign; None is the only unfinished one.
        reason: Why, in the operator's words.

    Raises:
        RequestRefused: It would change nothing, or no campaign is meant.
        LogError: The log cannot be opened or written; the message says what the stations did.
    """
    how = _AT_STATION.get(request)
    replies: tuple[StationReply, ...] = ()
    if how is not None:
        if campaign_id is None:
            with lab_of() as lab:
                campaign_id = lab.only_unfinished()
        replies = tuple(door.end_campaign(campaign_id, how, reason))
    try:
        with lab_of() as lab:
            line = lab.request(request, campaign_id, reason=reason)
    except LogError as error:
        if how is None:
            raise
        raise LogError(f"{error}; {told_in_words(replies)}") from error
    if request is Request.RESUME:
        replies = tuple(door.end_campaign(line.campaign_id, "go_on", reason))
    door.wake(line.campaign_id)
    return Asked(line, replies)

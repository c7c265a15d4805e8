"""Asking something of a campaign: of the living stations first, then of its engine by the log.

Nothing that can wait stands before the station: not even the log is opened. Where no campaign is
named, the living stations say which they work for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import ActRepeated, LogError, LogUnavailable, RequestRefused
from orchestrator.service.lab import Lab
from orchestrator.service.requests import Request
from orchestrator.service.station_door import (
    EndOfCampaign,
    StationDoor,
    StationReply,
    log_error_after,
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
        campaign_id: Of which campaign; None is the only one that a living station works for, or,
            where none works for any, the only unfinished one.
        reason: Why, in the operator's words.

    Raises:
        RequestRefused: It would change nothing, or no campaign is meant.
        LogError: The log cannot be opened or written; the message says what the stations did.
    """
    how = _AT_STATION.get(request)
    replies: tuple[StationReply, ...] = ()
    if campaign_id is None and request is not Request.RESUME:
        campaign_id = _only_one_at_work(lab_of, door, request)
    if how is not None and campaign_id is not None:
        replies = tuple(door.end_campaign(campaign_id, how, reason))
    try:
        with lab_of() as lab:
            line = lab.request(request, campaign_id, reason=reason)
    except LogError as error:
        if how is None:
            is_pause = request is Request.PAUSE and campaign_id is not None
            if not is_pause or isinstance(error, ActRepeated):
                raise
            hint = f"a station does not hear a pause, but: athanor hold {campaign_id}"
            raise _saying_more(error, hint) from error
        raise log_error_after(error, replies) from error
    if request is Request.RESUME:
        replies = tuple(door.end_campaign(line.campaign_id, "go_on", reason))
    door.wake(line.campaign_id)
    return Asked(line, replies)


def _only_one_at_work(lab_of: Callable[[], Lab], door: StationDoor, request: Request) -> str:
    """Return the id of the campaign that is meant when none is named.

    Raises:
        RequestRefused: Several are possible; the message says which.
        LogError: Only the log could tell, and it cannot be opened.
    """
    driven = door.driven()
    if not driven.silent and len(driven.campaigns) == 1:
        return driven.campaigns[0]
    if len(driven.campaigns) > 1:
        ids = ", ".join(driven.campaigns)
        example = f"athanor {request} {driven.campaigns[0]}"
        raise RequestRefused(f"stations work for several campaigns: {ids}; name one: {example}")
    try:
        with lab_of() as lab:
            return lab.only_unfinished()
    except LogError as error:
        if not driven.silent:
            raise log_error_after(error, ()) from error
        silent = f"station {', '.join(driven.silent)} did not say for which campaign it works"
        more = f"{silent}: name it: athanor {request} CAMPAIGN_ID"
        raise _saying_more(error, more) from error


def _saying_more(error: LogError, more: str) -> LogError:
    kind = LogUnavailable if isinstance(error, LogUnavailable) else LogError
    return kind(f"{error}; {more}")

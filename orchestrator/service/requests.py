"""What an operator may ask of a campaign; a request is a fact in the log, never a call."""

from enum import StrEnum
from typing import Final, TypeAlias

from orchestrator.core.campaign import CAMPAIGN_TRANSITIONS, CampaignState, CampaignStatus
from orchestrator.core.events import (
    AbortRequested,
    HoldRequested,
    PauseRequested,
    ResumeRequested,
    StopRequested,
)
from orchestrator.errors import RequestRefused

__all__ = ["Request", "RequestEvent", "possible_requests", "request_event"]

RequestEvent: TypeAlias = (
    PauseRequested | HoldRequested | ResumeRequested | StopRequested | AbortRequested
)
"""A request as it stands in the log."""


class Request(StrEnum):
    """What may be asked, from the mildest to the hardest."""

    RESUME = "resume"
    """Go on."""
    PAUSE = "pause"
    """Finish the running experiments, start no other."""
    HOLD = "hold"
    """Finish the running jobs; samples wait where they are."""
    STOP = "stop"
    """Finish the running jobs, bring everything to its safe state, end."""
    ABORT = "abort"
    """Safe state now; running jobs are interrupted; end."""

    @property
    def consequence(self) -> str:
        """What it does to matter, and what comes next."""
        return _CONSEQUENCES[self]


_CONSEQUENCES: Final[dict[Request, str]] = {
    Request.RESUME: "waiting samples go on and others are begun",
    Request.PAUSE: "running experiments are finished, no other is begun; `athanor resume` goes on",
    Request.HOLD: "running jobs are finished, samples wait as they are; `athanor resume` goes on",
    Request.STOP: "running jobs are finished, then the bench is made safe and the campaign ends; "
    "unfinished samples are lost, what they leave is listed by `athanor places`",
    Request.ABORT: "running jobs are cut off and the bench is made safe now; the campaign ends, "
    "unfinished samples are lost, what they leave is listed by `athanor places`",
}

_EVENTS: Final[dict[Request, type[RequestEvent]]] = {
    Request.RESUME: ResumeRequested,
    Request.PAUSE: PauseRequested,
    Request.HOLD: HoldRequested,
    Request.STOP: StopRequested,
    Request.ABORT: AbortRequested,
}


def request_event(state: CampaignState, request: Request, reason: str) -> RequestEvent:
    """Return the fact to append for a request.

    Args:
        state: The campaign as it stands.
        request: What is asked.
        reason: Why, in the operator's words; may be empty.

    Raises:
        RequestRefused: It would change nothing in the present state.
    """
    stays_held = bool(state.lacks) and request in (Request.PAUSE, Request.HOLD)
    if stays_held or (state.status, _EVENTS[request]) in CAMPAIGN_TRANSITIONS:
        return _EVENTS[request](reason=reason)
    possible = possible_requests(state.status)
    if not possible:
        raise RequestRefused(
            f"campaign {state.campaign_id} is {state.status}: it has ended, "
            f"there is nothing to {request}"
        )
    raise RequestRefused(
        f"campaign {state.campaign_id} is {state.status}: {request} would change nothing; "
        f"possible: {', '.join(possible)}"
    )


def possible_requests(status: CampaignStatus | str) -> tuple[Request, ...]:
    """Return the requests that would change something, from the mildest to the hardest.

    Args:
        status: Of the campaign in the log.

    Example:
        >>> [str(request) for request in possible_requests("held")]
        ['resume', 'stop', 'abort']
    """
    known = CampaignStatus(status)
    return tuple(
        request for request, event in _EVENTS.items() if (known, event) in CAMPAIGN_TRANSITIONS
    )

"""A campaign's life as a table of transitions.

The words are those of ISA-88 and PackML: a pause finishes what was begun, a hold stops between two
jobs, a stop and an abort end the campaign.
"""

from enum import StrEnum
from typing import Final

from orchestrator.core.events import (
    AbortRequested,
    CampaignAborted,
    CampaignFinished,
    CampaignHeld,
    CampaignPaused,
    CampaignStopped,
    CampaignWentOn,
    Event,
    HoldRequested,
    PauseRequested,
    ResumeRequested,
    StopRequested,
)

__all__ = ["CAMPAIGN_TRANSITIONS", "REQUESTS", "CampaignStatus"]


class CampaignStatus(StrEnum):
    """Where a campaign stands. Exactly one holds at a time."""

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    HOLDING = "holding"
    HELD = "held"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ABORTING = "aborting"
    ABORTED = "aborted"
    FINISHED = "finished"

    @property
    def has_ended(self) -> bool:
        """Whether nothing will ever happen in this campaign again."""
        return self in (CampaignStatus.STOPPED, CampaignStatus.ABORTED, CampaignStatus.FINISHED)

    @property
    def is_waiting(self) -> bool:
        """Whether nothing happens until a person resumes or ends it."""
        return self in (CampaignStatus.PAUSED, CampaignStatus.HELD)


_S = CampaignStatus
CAMPAIGN_TRANSITIONS: Final[dict[tuple[CampaignStatus, type[Event]], CampaignStatus]] = {
    (_S.RUNNING, PauseRequested): _S.PAUSING,
    (_S.RUNNING, HoldRequested): _S.HOLDING,
    (_S.RUNNING, CampaignHeld): _S.HELD,
    (_S.RUNNING, StopRequested): _S.STOPPING,
    (_S.RUNNING, AbortRequested): _S.ABORTING,
    (_S.RUNNING, CampaignFinished): _S.FINISHED,
    (_S.PAUSING, CampaignPaused): _S.PAUSED,
    (_S.PAUSING, CampaignHeld): _S.HELD,
    (_S.PAUSING, HoldRequested): _S.HOLDING,
    (_S.PAUSING, ResumeRequested): _S.RUNNING,
    (_S.PAUSING, StopRequested): _S.STOPPING,
    (_S.PAUSING, AbortRequested): _S.ABORTING,
    (_S.PAUSING, CampaignFinished): _S.FINISHED,
    (_S.PAUSED, ResumeRequested): _S.RUNNING,
    (_S.PAUSED, StopRequested): _S.STOPPING,
    (_S.PAUSED, AbortRequested): _S.ABORTING,
    (_S.HOLDING, CampaignHeld): _S.HELD,
    (_S.HOLDING, ResumeRequested): _S.RUNNING,
    (_S.HOLDING, StopRequested): _S.STOPPING,
    (_S.HOLDING, AbortRequested): _S.ABORTING,
    (_S.HELD, ResumeRequested): _S.RUNNING,
    (_S.HELD, CampaignWentOn): _S.RUNNING,
    (_S.HELD, StopRequested): _S.STOPPING,
    (_S.HELD, AbortRequested): _S.ABORTING,
    (_S.STOPPING, CampaignStopped): _S.STOPPED,
    (_S.STOPPING, AbortRequested): _S.ABORTING,
    (_S.ABORTING, CampaignAborted): _S.ABORTED,
}
"""The whole life of a campaign. Only a request may be late: then it changes nothing."""

REQUESTS: Final = (PauseRequested, HoldRequested, ResumeRequested, StopRequested, AbortRequested)
"""What an operator may ask at any time."""

"""Records of the log as the stream of a dashboard tells them."""

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from orchestrator.core.events import (
    LAB_STREAM,
    AlarmEvent,
    CampaignFinished,
    CampaignHeld,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    DoubtAnswered,
    Event,
    ExperimentFailed,
    JobOutcomeUnknown,
    PlacesCleaned,
    PlacesLeftUnclean,
    ResumeRequested,
    campaign_stream,
)
from orchestrator.log.event_log import Record
from orchestrator.service.events import summary

__all__ = ["StreamEvent", "Topic", "stream_event"]

Topic: TypeAlias = Literal["lab", "campaign", "alarms", "tasks"]
"""What a part of a page shows: ``tasks`` is all that waits for a person."""

_WAITS_FOR_PERSON = (
    CampaignFinished,
    CampaignHeld,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    DoubtAnswered,
    ExperimentFailed,
    JobOutcomeUnknown,
    PlacesCleaned,
    PlacesLeftUnclean,
    ResumeRequested,
)
"""What may change what waits for a person."""


class StreamEvent(BaseModel):
    """One record of the log, as a page is told of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    topic: Topic
    """Where it belongs."""
    topics: tuple[Topic, ...]
    """Everything that may look different after it."""
    campaign_id: str
    """Empty for what is said of the laboratory."""
    kind: str
    time: datetime
    """As it stands in the log: virtual in a dry-run."""
    text: str
    """What happened, in words."""
    actor: str


def stream_event(record: Record) -> StreamEvent:
    """Return a record as a page is told of it."""
    topics = _topics(record.stream, record.event)
    prefix = campaign_stream("")
    is_campaign = record.stream.startswith(prefix)
    return StreamEvent(
        seq=record.seq,
        topic=topics[0],
        topics=topics,
        campaign_id=record.stream.removeprefix(prefix) if is_campaign else "",
        kind=record.event.kind,
        time=record.time,
        text=summary(record.event),
        actor=record.actor,
    )


def _topics(stream: str, event: Event) -> tuple[Topic, ...]:
    topics: list[Topic] = ["lab" if stream == LAB_STREAM else "campaign"]
    if isinstance(event, AlarmEvent):
        topics.insert(0, "alarms")
    if isinstance(event, _WAITS_FOR_PERSON):
        topics.append("tasks")
    return tuple(topics)

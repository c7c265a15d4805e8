"""Every fact the log may hold, in the past tense; nothing here decides anything.

An event is a frozen pydantic model with a literal `kind`, its wire name. Facts about a campaign go
to the stream ``campaign/<campaign_id>``; facts about the laboratory to the stream ``lab``.
Ids are counted, never drawn, so that the same seed gives the same log.
"""

from typing import Annotated, Final, TypeAlias

from pydantic import Field, TypeAdapter

from orchestrator.core.campaign_events import (
    AbortRequested,
    CampaignAborted,
    CampaignFinished,
    CampaignHeld,
    CampaignOpened,
    CampaignPaused,
    CampaignStopped,
    CampaignWentOn,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    EngineAttached,
    EngineDetached,
    HoldRequested,
    PauseRequested,
    PointAdded,
    PrioritySet,
    ProposalFailed,
    ReferencePointFrozen,
    ResumeRequested,
    SpaceExhausted,
    StopRequested,
)
from orchestrator.core.experiment_events import (
    AnalysisFinished,
    CorrectionEvent,
    DoubtAnswered,
    ExperimentEvent,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    JobEvent,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    LoggedReading,
    ObservationAmended,
    ObservationGiven,
    ObservationRecorded,
    ObservationRetracted,
    PlannedJob,
    SampleSpoilt,
)
from orchestrator.core.lab_events import (
    AccessChanged,
    AlarmAcknowledged,
    AlarmEvent,
    AlarmNotified,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
    CampaignJoined,
    InstrumentCalibrated,
    InstrumentConnected,
    InstrumentEvent,
    InstrumentLost,
    InstrumentPutBack,
    InstrumentTakenOut,
    InterlockReleased,
    InterlockTripped,
    LabEvent,
    LatchCleared,
    LatchSet,
    PlacesCleaned,
    PlacesLeftUnclean,
    Severity,
    StationAttached,
    StationDetached,
    WatchdogActed,
)
from orchestrator.core.stock_events import (
    StockCounted,
    StockDiscarded,
    StockEvent,
    StockReceived,
)

__all__ = [
    "EVENT_KINDS",
    "LAB_STREAM",
    "AbortRequested",
    "AccessChanged",
    "AlarmAcknowledged",
    "AlarmEvent",
    "AlarmNotified",
    "AlarmRaised",
    "AlarmReturned",
    "AlarmShelved",
    "AlarmUnshelved",
    "AnalysisFinished",
    "CampaignAborted",
    "CampaignFinished",
    "CampaignHeld",
    "CampaignJoined",
    "CampaignOpened",
    "CampaignPaused",
    "CampaignStopped",
    "CampaignWentOn",
    "CandidateApproved",
    "CandidateEdited",
    "CandidateRejected",
    "CandidatesProposed",
    "CorrectionEvent",
    "DoubtAnswered",
    "EngineAttached",
    "EngineDetached",
    "Event",
    "EventAdapter",
    "ExperimentEvent",
    "ExperimentFailed",
    "ExperimentFinished",
    "ExperimentStarted",
    "HoldRequested",
    "InstrumentCalibrated",
    "InstrumentConnected",
    "InstrumentEvent",
    "InstrumentLost",
    "InstrumentPutBack",
    "InstrumentTakenOut",
    "InterlockReleased",
    "InterlockTripped",
    "JobEvent",
    "JobFailed",
    "JobFinished",
    "JobInterrupted",
    "JobOutcomeUnknown",
    "JobSkipped",
    "JobStarted",
    "LabEvent",
    "LatchCleared",
    "LatchSet",
    "LoggedReading",
    "ObservationAmended",
    "ObservationGiven",
    "ObservationRecorded",
    "ObservationRetracted",
    "PauseRequested",
    "PlacesCleaned",
    "PlacesLeftUnclean",
    "PlannedJob",
    "PointAdded",
    "PrioritySet",
    "ProposalFailed",
    "ReferencePointFrozen",
    "ResumeRequested",
    "SampleSpoilt",
    "Severity",
    "SpaceExhausted",
    "StationAttached",
    "StationDetached",
    "StockCounted",
    "StockDiscarded",
    "StockEvent",
    "StockReceived",
    "StopRequested",
    "WatchdogActed",
    "campaign_stream",
]

LAB_STREAM: Final = "lab"
"""The stream of instruments and campaigns' openings."""


def campaign_stream(campaign_id: str) -> str:
    """Return the name of a campaign's stream.

    Example:
        >>> campaign_stream("oer-plate-1")
        'campaign/oer-plate-1'
    """
    return f"campaign/{campaign_id}"


Event: TypeAlias = Annotated[
    CampaignOpened
    | EngineAttached
    | EngineDetached
    | PauseRequested
    | PrioritySet
    | HoldRequested
    | ResumeRequested
    | StopRequested
    | AbortRequested
    | CampaignPaused
    | CampaignHeld
    | CampaignWentOn
    | CampaignStopped
    | CampaignAborted
    | CampaignFinished
    | CandidatesProposed
    | CandidateApproved
    | CandidateEdited
    | CandidateRejected
    | PointAdded
    | SpaceExhausted
    | ProposalFailed
    | ReferencePointFrozen
    | ExperimentStarted
    | JobStarted
    | JobSkipped
    | JobFinished
    | JobFailed
    | JobOutcomeUnknown
    | JobInterrupted
    | DoubtAnswered
    | SampleSpoilt
    | AnalysisFinished
    | ObservationRecorded
    | ObservationGiven
    | ObservationAmended
    | ObservationRetracted
    | ExperimentFinished
    | ExperimentFailed
    | InstrumentConnected
    | InstrumentLost
    | InstrumentTakenOut
    | InstrumentPutBack
    | InstrumentCalibrated
    | StationAttached
    | StationDetached
    | CampaignJoined
    | LatchSet
    | LatchCleared
    | InterlockTripped
    | InterlockReleased
    | WatchdogActed
    | PlacesLeftUnclean
    | PlacesCleaned
    | StockReceived
    | StockCounted
    | StockDiscarded
    | AccessChanged
    | AlarmRaised
    | AlarmAcknowledged
    | AlarmReturned
    | AlarmShelved
    | AlarmUnshelved
    | AlarmNotified,
    Field(discriminator="kind"),
]
"""Any fact."""

EventAdapter: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes events as JSON."""

EVENT_KINDS: Final[tuple[str, ...]] = tuple(EventAdapter.json_schema()["discriminator"]["mapping"])
"""Wire names of all events."""

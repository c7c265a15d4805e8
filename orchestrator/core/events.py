"""Every fact the log may hold, in the past tense; nothing here decides anything.

An event is a frozen pydantic model with a literal `kind`, its wire name. Facts about a campaign go
to the stream ``campaign/<campaign_id>``; facts about the laboratory to the stream ``lab``.
Ids are counted, never drawn, so that the same seed gives the same log.
"""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter

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
    JobStarted,
    LoggedReading,
    ObservationAmended,
    ObservationGiven,
    ObservationRecorded,
    ObservationRetracted,
    PlannedJob,
)
from orchestrator.core.lab_events import (
    AlarmAcknowledged,
    AlarmEvent,
    AlarmNotified,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
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
from orchestrator.core.point import Candidate, Fact

__all__ = [
    "EVENT_KINDS",
    "LAB_STREAM",
    "AbortRequested",
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
    "CampaignOpened",
    "CampaignPaused",
    "CampaignStopped",
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
    "ProposalFailed",
    "ReferencePointFrozen",
    "ResumeRequested",
    "Severity",
    "SpaceExhausted",
    "StationAttached",
    "StationDetached",
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


class CampaignOpened(Fact):
    """A campaign file and a rig file were accepted."""

    kind: Literal["CampaignOpened"] = "CampaignOpened"
    campaign_id: str
    name: str
    campaign_text: str
    """The campaign in canonical form; a replay reads this, never the file."""
    rig_name: str
    rig_sha256: str
    """Fingerprint of the rig's canonical form."""
    cost_usd_per_hour: float = Field(default=0.0, ge=0)
    """What the rig costs for every hour that the campaign is open."""
    seed: int
    is_simulated: bool
    athanor_version: str
    equal_instruments: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By instrument, the others of the rig that may be used instead."""


class EngineAttached(Fact):
    """An engine took the campaign over; facts of an older epoch are evidence, never decisions."""

    kind: Literal["EngineAttached"] = "EngineAttached"
    epoch: int = Field(ge=1)


class EngineDetached(Fact):
    """The engine let go in an orderly way."""

    kind: Literal["EngineDetached"] = "EngineDetached"
    epoch: int = Field(ge=1)
    reason: str


class PauseRequested(Fact):
    """An operator asked: finish the running experiments, start no other."""

    kind: Literal["PauseRequested"] = "PauseRequested"
    reason: str = ""


class HoldRequested(Fact):
    """An operator asked: finish the running jobs, start no other; samples wait where they are."""

    kind: Literal["HoldRequested"] = "HoldRequested"
    reason: str = ""


class ResumeRequested(Fact):
    """An operator asked to go on."""

    kind: Literal["ResumeRequested"] = "ResumeRequested"
    reason: str = ""


class StopRequested(Fact):
    """An operator asked: finish the running jobs, bring everything to its safe state, end."""

    kind: Literal["StopRequested"] = "StopRequested"
    reason: str = ""


class AbortRequested(Fact):
    """An operator asked: safe state now; running jobs are interrupted."""

    kind: Literal["AbortRequested"] = "AbortRequested"
    reason: str = ""


class CampaignPaused(Fact):
    """Nothing runs any more and nothing will start until someone resumes."""

    kind: Literal["CampaignPaused"] = "CampaignPaused"
    reason: str = ""
    """Why the engine paused by itself; empty if an operator asked for it."""


class CampaignHeld(Fact):
    """No job runs and none will start until someone resumes; open experiments wait."""

    kind: Literal["CampaignHeld"] = "CampaignHeld"
    reason: str
    """Why; what the operator said, or why the engine held by itself."""


class CampaignStopped(Fact):
    """The campaign ended because somebody stopped it; the bench is in its safe state."""

    kind: Literal["CampaignStopped"] = "CampaignStopped"
    reason: str


class CampaignAborted(Fact):
    """The campaign ended in the middle of jobs; the bench was brought to its safe state."""

    kind: Literal["CampaignAborted"] = "CampaignAborted"
    reason: str


class CampaignFinished(Fact):
    """A stopping rule was met and everything that was running has ended."""

    kind: Literal["CampaignFinished"] = "CampaignFinished"
    rule: Literal["max_experiments", "max_hours", "max_cost_usd", "target", "plateau", "exhausted"]
    reason: str


class CandidatesProposed(Fact):
    """A planner's answer, recorded, so that a replay never plans."""

    kind: Literal["CandidatesProposed"] = "CandidatesProposed"
    proposal: int = Field(ge=1)
    """Counted from 1."""
    planner: str
    method: str
    """How the points were chosen: ``initial_design``, ``log_nehvi``…"""
    reason: str
    """Why this method, and what had to be left out; for people."""
    n_observations: int = Field(ge=0)
    candidates: tuple[Candidate, ...] = Field(min_length=1)


class SpaceExhausted(Fact):
    """The planner was asked and no feasible point was left."""

    kind: Literal["SpaceExhausted"] = "SpaceExhausted"
    reason: str


class ProposalFailed(Fact):
    """The planner raised; the campaign goes on with what is running and then pauses."""

    kind: Literal["ProposalFailed"] = "ProposalFailed"
    proposal: int = Field(ge=1)
    planner: str
    error: str


class ReferencePointFrozen(Fact):
    """The hypervolume's reference point, fixed once the initial design was observed."""

    kind: Literal["ReferencePointFrozen"] = "ReferencePointFrozen"
    reference_point: dict[str, float]
    """By objective, in the file's units and direction."""


class CandidateApproved(Fact):
    """A person let a candidate be made."""

    kind: Literal["CandidateApproved"] = "CandidateApproved"
    candidate_id: str
    reason: str = ""


class CandidateEdited(Fact):
    """A person changed a candidate before it is made, and thereby approved it."""

    kind: Literal["CandidateEdited"] = "CandidateEdited"
    candidate_id: str
    point: dict[str, float | str]
    reason: str = Field(min_length=1)


class CandidateRejected(Fact):
    """A person refused a candidate; it is not made."""

    kind: Literal["CandidateRejected"] = "CandidateRejected"
    candidate_id: str
    reason: str = Field(min_length=1)


class PointAdded(Fact):
    """A person put a candidate of their own into the queue, and thereby approved it.

    It stands before what planners proposed, behind what people added earlier.
    """

    kind: Literal["PointAdded"] = "PointAdded"
    candidate_id: str
    """``P0001``, counted over the whole campaign."""
    point: dict[str, float | str]
    person: str = Field(min_length=1)
    """Whose point it is: the record's actor, said here because states are folded from events
    alone."""
    reason: str = Field(min_length=1)


Event: TypeAlias = Annotated[
    CampaignOpened
    | EngineAttached
    | EngineDetached
    | PauseRequested
    | HoldRequested
    | ResumeRequested
    | StopRequested
    | AbortRequested
    | CampaignPaused
    | CampaignHeld
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
    | JobFinished
    | JobFailed
    | JobOutcomeUnknown
    | JobInterrupted
    | DoubtAnswered
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
    | LatchSet
    | LatchCleared
    | InterlockTripped
    | InterlockReleased
    | WatchdogActed
    | PlacesLeftUnclean
    | PlacesCleaned
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

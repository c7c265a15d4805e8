"""Every fact the log may hold, in the past tense; nothing here decides anything.

An event is a frozen pydantic model with a literal `kind`, its wire name. Facts about a campaign go
to the stream ``campaign/<campaign_id>``; facts about the laboratory to the stream ``lab``.
Ids are counted, never drawn, so that the same seed gives the same log.
"""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from orchestrator.core.point import Candidate, Fact, Observation

__all__ = [
    "EVENT_KINDS",
    "LAB_STREAM",
    "AbortRequested",
    "AnalysisFinished",
    "CampaignAborted",
    "CampaignFinished",
    "CampaignOpened",
    "CampaignPaused",
    "CampaignStopped",
    "CandidatesProposed",
    "EngineAttached",
    "EngineDetached",
    "Event",
    "EventAdapter",
    "ExperimentFailed",
    "ExperimentFinished",
    "ExperimentStarted",
    "InstrumentConnected",
    "InstrumentLost",
    "JobEvent",
    "JobFailed",
    "JobFinished",
    "JobInterrupted",
    "JobOutcomeUnknown",
    "JobStarted",
    "LoggedReading",
    "ObservationRecorded",
    "PauseRequested",
    "PlannedJob",
    "ProposalFailed",
    "ReferencePointFrozen",
    "ResumeRequested",
    "SpaceExhausted",
    "StopRequested",
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


class PlannedJob(Fact):
    """One job of an experiment, compiled: everything bound, nothing left to decide but when."""

    job_id: str
    """``<experiment_id>/<name>``."""
    name: str
    """The job's name in the recipe."""
    instrument: str
    action: str
    arguments: dict[str, float | int | str | bool] = Field(default_factory=dict)
    after: tuple[str, ...] = ()
    """Names of the jobs that must be done before."""
    positions: tuple[str, ...] = ()
    """Places that the experiment holds from its first job naming them to its last."""
    recovery: Literal["pure", "idempotent", "keyed", "queryable", "blind"]
    """What may be done about it after a crash (`drivers.instrument.RecoveryClass`)."""
    is_cleanup: bool = False
    """Runs also when an earlier job of the experiment failed, and leaves the places clean."""
    expected_s: float = Field(ge=0)
    """How long it should take, in seconds."""


class LoggedReading(Fact):
    """One raw value or series from an instrument."""

    name: str
    """With its unit as the suffix: ``mass_g``."""
    value: float | tuple[float, ...] | str


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


class ExperimentStarted(Fact):
    """A candidate became an experiment; its jobs are bound and its places are taken."""

    kind: Literal["ExperimentStarted"] = "ExperimentStarted"
    experiment_id: str
    number: int = Field(ge=1)
    candidate: Candidate
    jobs: tuple[PlannedJob, ...]
    cost_usd: float = Field(ge=0)
    """What the recipe says this experiment costs."""


class JobStarted(Fact):
    """The intent to act, durable before the first byte goes out."""

    kind: Literal["JobStarted"] = "JobStarted"
    job_id: str
    attempt: int = Field(ge=1)
    epoch: int = Field(ge=1)


class JobFinished(Fact):
    """The instrument did it and said so."""

    kind: Literal["JobFinished"] = "JobFinished"
    job_id: str
    readings: tuple[LoggedReading, ...] = ()


class JobFailed(Fact):
    """It is known that the job did not succeed, and whether matter was touched."""

    kind: Literal["JobFailed"] = "JobFailed"
    job_id: str
    error: str
    """Name in the drivers' error tree."""
    message: str
    has_acted: bool
    """True: matter may have been moved or changed, though not as asked."""


class JobOutcomeUnknown(Fact):
    """Sent, and no trustworthy answer: it may have happened."""

    kind: Literal["JobOutcomeUnknown"] = "JobOutcomeUnknown"
    job_id: str
    evidence: str


class JobInterrupted(Fact):
    """A running job was cut off by an abort; the instrument was stopped."""

    kind: Literal["JobInterrupted"] = "JobInterrupted"
    job_id: str
    reason: str


class AnalysisFinished(Fact):
    """Readings became values, or were refused."""

    kind: Literal["AnalysisFinished"] = "AnalysisFinished"
    experiment_id: str
    analysis: str
    version: int
    quality: Literal["good", "bad"]
    values: dict[str, float] = Field(default_factory=dict)
    sds: dict[str, float] = Field(default_factory=dict)
    reason: str = ""


class ObservationRecorded(Fact):
    """What the surrogate will train on: values under the composition that was really made."""

    kind: Literal["ObservationRecorded"] = "ObservationRecorded"
    experiment_id: str
    observation: Observation
    computed: dict[str, float] = Field(default_factory=dict)
    """Exact values of the computed objectives and outcomes at the made point."""


class ExperimentFinished(Fact):
    """The experiment gave an observation."""

    kind: Literal["ExperimentFinished"] = "ExperimentFinished"
    experiment_id: str


class ExperimentFailed(Fact):
    """The experiment gave no values."""

    kind: Literal["ExperimentFailed"] = "ExperimentFailed"
    experiment_id: str
    cause: Literal["instrument", "measurement", "synthesis", "interrupted"]
    """Only ``synthesis`` says something about the point."""
    reason: str


class InstrumentConnected(Fact):
    """The right device answered."""

    kind: Literal["InstrumentConnected"] = "InstrumentConnected"
    instrument: str
    driver: str
    identity: str


class InstrumentLost(Fact):
    """A device does not answer, or another one does."""

    kind: Literal["InstrumentLost"] = "InstrumentLost"
    instrument: str
    reason: str


JobEvent: TypeAlias = JobStarted | JobFinished | JobFailed | JobOutcomeUnknown | JobInterrupted
"""What can happen to a job."""

Event: TypeAlias = Annotated[
    CampaignOpened
    | EngineAttached
    | EngineDetached
    | PauseRequested
    | ResumeRequested
    | StopRequested
    | AbortRequested
    | CampaignPaused
    | CampaignStopped
    | CampaignAborted
    | CampaignFinished
    | CandidatesProposed
    | SpaceExhausted
    | ProposalFailed
    | ReferencePointFrozen
    | ExperimentStarted
    | JobStarted
    | JobFinished
    | JobFailed
    | JobOutcomeUnknown
    | JobInterrupted
    | AnalysisFinished
    | ObservationRecorded
    | ExperimentFinished
    | ExperimentFailed
    | InstrumentConnected
    | InstrumentLost,
    Field(discriminator="kind"),
]
"""Any fact."""

EventAdapter: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes events as JSON."""

EVENT_KINDS: Final[tuple[str, ...]] = tuple(EventAdapter.json_schema()["discriminator"]["mapping"])
"""Wire names of all events."""

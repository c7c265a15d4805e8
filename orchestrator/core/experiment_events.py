"""Facts about one experiment and its jobs; they go to the stream of its campaign."""

from typing import Literal, TypeAlias

from pydantic import Field

from orchestrator.core.point import Candidate, Fact, Observation

__all__ = [
    "AnalysisFinished",
    "CorrectionEvent",
    "DoubtAnswered",
    "ExperimentEvent",
    "ExperimentFailed",
    "ExperimentFinished",
    "ExperimentStarted",
    "JobEvent",
    "JobFailed",
    "JobFinished",
    "JobInterrupted",
    "JobOutcomeUnknown",
    "JobSkipped",
    "JobStarted",
    "LoggedReading",
    "ObservationAmended",
    "ObservationGiven",
    "ObservationRecorded",
    "ObservationRetracted",
    "PlannedJob",
    "SampleSpoilt",
]


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
    on_failure: Literal["fail_sample", "retry", "hold"] = "fail_sample"
    """What is done when it failed and is known not to have acted; what has acted is not retried."""
    max_attempts: int = Field(default=3, ge=1)
    """How often it is started at most, attempts that say nothing about it not counted."""
    failure_means: Literal["instrument", "synthesis"] = "instrument"
    """What a fault of the device after it has acted says: the device is broken, or the sample
    cannot be made."""
    expected_s: float = Field(ge=0)
    """How long it should take, in seconds."""
    max_wait_s: float | None = Field(default=None, gt=0)
    """It must begin within so many seconds after the jobs before it have ended, or the sample is
    spoilt; None: it can wait for ever."""
    draws: dict[str, int] = Field(default_factory=dict)
    """What it takes of each stock: millionths of a millilitre or of a gram."""
    cleans: str = ""
    """The place that it cleans for its sample; it is skipped where that is not necessary. Empty:
    it is always done."""


class LoggedReading(Fact):
    """One raw value or series from an instrument."""

    name: str
    """With its unit as the suffix: ``mass_g``."""
    value: float | tuple[float, ...] | str


class ExperimentStarted(Fact):
    """A candidate became an experiment; its jobs are bound and its places are taken."""

    kind: Literal["ExperimentStarted"] = "ExperimentStarted"
    experiment_id: str
    number: int = Field(ge=1)
    candidate: Candidate
    jobs: tuple[PlannedJob, ...]
    cost_usd: float = Field(ge=0)
    """What the recipe says this experiment costs."""
    purpose: Literal["search", "reference"] = "search"
    """A reference sample is made to see whether the bench drifts; no model learns from it."""
    reserves: dict[str, dict[str, int]] = Field(default_factory=dict)
    """What is kept for it from now on, by stock and lot: millionths of a millilitre or a gram."""


class JobStarted(Fact):
    """The intent to act, durable before the first byte goes out."""

    kind: Literal["JobStarted"] = "JobStarted"
    job_id: str
    attempt: int = Field(ge=1)
    epoch: int = Field(ge=1)
    instrument: str = ""
    """Which equal instrument does it in place of the planned one; empty: the planned one."""
    led_by: str = ""
    """Id of the job of another experiment that does this one in the same load, under one order of
    its own; what becomes of that one becomes of this. Empty: it is ordered by itself."""
    slots: dict[str, int] = Field(default_factory=dict)
    """Which slot the sample takes, from 1, by place, where a place has several."""
    draws: dict[str, dict[str, int]] = Field(default_factory=dict)
    """What it takes from which lot of which stock: millionths of a millilitre or a gram."""


class JobSkipped(Fact):
    """A cleaning was not necessary: what was at the place before cannot spoil the sample.

    It stands together with the start of a job that uses the place, so that nothing comes between.
    """

    kind: Literal["JobSkipped"] = "JobSkipped"
    job_id: str
    reason: str = Field(min_length=1)
    """What was there before, and why that is harmless."""
    spares: dict[str, int] = Field(default_factory=dict)
    """What it would have taken of each stock: millionths of a millilitre or of a gram."""


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


class DoubtAnswered(Fact):
    """A person looked at the bench and said what became of a job in doubt.

    What follows from the answer is recorded beside it: `JobFinished` or `JobFailed`.
    """

    kind: Literal["DoubtAnswered"] = "DoubtAnswered"
    job_id: str
    answer: Literal["ran", "did_not_run", "scrap_sample"]
    reason: str = Field(min_length=1)


class SampleSpoilt(Fact):
    """A job could not begin in the time that its sample stands; no further job is done for it.

    Cleanup jobs still are.
    """

    kind: Literal["SampleSpoilt"] = "SampleSpoilt"
    experiment_id: str
    job_id: str
    """The job that came too late."""
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


class ObservationAmended(Fact):
    """A person corrected an observation; what was recorded first stays in the log."""

    kind: Literal["ObservationAmended"] = "ObservationAmended"
    experiment_id: str
    observation: Observation
    computed: dict[str, float] = Field(default_factory=dict)
    """Exact values of the computed objectives and outcomes at the made point."""
    reason: str = Field(min_length=1)


class ObservationGiven(Fact):
    """A person gave the result of an experiment that had ended without one.

    It failed on the bench and stays failed there; what was measured by hand counts all the same.
    """

    kind: Literal["ObservationGiven"] = "ObservationGiven"
    experiment_id: str
    observation: Observation
    computed: dict[str, float] = Field(default_factory=dict)
    """Exact values of the computed objectives and outcomes at the made point."""
    composition: Literal["analysed", "asked", "given"]
    """Where the made point comes from: the analyses that succeeded, the candidate, or the
    person."""
    reason: str = Field(min_length=1)

    @property
    def remark(self) -> str:
        """The reason, with what the result stands for."""
        return f"{self.reason} (composition as {self.composition})"


class ObservationRetracted(Fact):
    """A person took an observation back; no model learns from it any more."""

    kind: Literal["ObservationRetracted"] = "ObservationRetracted"
    experiment_id: str
    reason: str = Field(min_length=1)


class ExperimentFinished(Fact):
    """The experiment gave an observation."""

    kind: Literal["ExperimentFinished"] = "ExperimentFinished"
    experiment_id: str


class ExperimentFailed(Fact):
    """The experiment gave no values."""

    kind: Literal["ExperimentFailed"] = "ExperimentFailed"
    experiment_id: str
    cause: Literal["instrument", "measurement", "synthesis", "interrupted", "spoilt"]
    """Only ``synthesis`` says something about the point."""
    reason: str


JobEvent: TypeAlias = (
    JobStarted
    | JobSkipped
    | JobFinished
    | JobFailed
    | JobOutcomeUnknown
    | JobInterrupted
    | DoubtAnswered
)
"""What can happen to a job."""

CorrectionEvent: TypeAlias = ObservationGiven | ObservationAmended | ObservationRetracted
"""What a person can say of what an ended experiment gave."""

ExperimentEvent: TypeAlias = (
    JobEvent
    | SampleSpoilt
    | AnalysisFinished
    | ObservationRecorded
    | CorrectionEvent
    | ExperimentFinished
    | ExperimentFailed
)
"""What can happen to an experiment after its start."""

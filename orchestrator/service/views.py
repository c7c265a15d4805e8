"""What an operator sees of a campaign: frozen models, and nothing that reads a log.

Times are given as they stand in the log (virtual in a dry-run), in UTC; durations in hours since
the campaign was opened. Values are in the campaign file's units and directions.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "BestView",
    "CampaignLine",
    "CampaignSummary",
    "CampaignView",
    "CountsView",
    "DoubtView",
    "EngineState",
    "EngineView",
    "ExperimentView",
    "HypervolumeView",
    "JobView",
    "LimitView",
    "ObjectiveView",
    "TargetView",
    "TradeOffView",
]


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EngineState(StrEnum):
    """Whether anybody works on a campaign."""

    ALIVE = "alive"
    """Its heartbeat is fresh."""
    SILENT = "silent"
    """It took the campaign, did not let go, and its heartbeat is old or missing."""
    DETACHED = "detached"
    """It let go in an orderly way, or there never was one."""


class EngineView(_View):
    """The engine of a campaign."""

    state: EngineState
    epoch: int
    heartbeat_age_s: float | None
    """Real seconds since it last beat; None if it never did."""
    pid: int | None = None
    host: str = ""


class CountsView(_View):
    """How many experiments stand where."""

    started: int
    running: int
    in_doubt: int
    done: int
    failed: int
    observed: int
    """Observations that have values."""
    queued: int
    """Candidates that were proposed and not started."""


class ObjectiveView(_View):
    """One objective of the campaign."""

    name: str
    direction: Literal["maximise", "minimise", "match"]
    is_computed: bool
    threshold: float | None
    """The largest deviation of interest where a target is to be matched."""
    target: float | None = None
    """What is to be matched."""
    tolerance: float | None = None

    @property
    def is_less_better(self) -> bool:
        """Whether less of what is judged is better: of the value, or of the deviation."""
        return self.direction != "maximise"

    def judged(self, value: float) -> float:
        """Return the deviation from the target if there is one, else the value."""
        return value if self.target is None else abs(value - self.target)


class BestView(_View):
    """The best value of one objective among the observations that meet the specifications."""

    objective: str
    direction: Literal["maximise", "minimise", "match"]
    value: float
    sd: float | None
    experiment_id: str
    deviation: float | None = None
    """From the target, where one is to be matched."""


class TradeOffView(_View):
    """The best trade-off between the objectives, where one is sought."""

    trade_off: Literal["weighted", "desirability"]
    worth: float
    """More is better; a desirability lies between 0 and 1."""
    experiment_id: str


class HypervolumeView(_View):
    """The hypervolume after one observation."""

    experiment_id: str
    n_observed: int
    hours: float
    cost_usd: float
    hypervolume: float


class TargetView(_View):
    """One target of the stopping rules."""

    objective: str
    bound: Literal["at_least", "at_most", "within"]
    value: float


class LimitView(_View):
    """One limit of the stopping rules and how much of it is used."""

    name: Literal["experiments", "hours", "cost_usd"]
    used: float
    limit: float | None

    @property
    def left(self) -> float | None:
        """How much is left, at least 0; None without a limit."""
        return None if self.limit is None else max(0.0, self.limit - self.used)


class ExperimentView(_View):
    """One experiment as a row of a table."""

    experiment_id: str
    number: int
    state: str
    asked: Mapping[str, float | str]
    """The candidate: fractions and parameters as they were ordered."""
    made: Mapping[str, float | str]
    """As the balance read it back; empty before the observation."""
    values: Mapping[str, float]
    """Measured objectives and outcomes."""
    sds: Mapping[str, float]
    computed: Mapping[str, float]
    """Exact values of the computed objectives and outcomes at the made point."""
    predicted: Mapping[str, float]
    """Means that the planner expected."""
    predicted_sds: Mapping[str, float]
    meets_outcomes: bool
    """Whether it has all objectives and keeps every outcome specification."""
    is_on_front: bool
    cost_usd: float
    started_time: datetime
    ended_time: datetime | None
    started_h: float
    ended_h: float | None
    cause: str
    reason: str
    purpose: str = "search"
    """``search``, or ``reference`` for a sample that only shows whether the bench drifts."""
    is_retracted: bool = False
    """Whether a person took its observation back."""
    correction: str = ""
    """Why its observation was given, amended or retracted last."""
    added_by: str = ""
    """Whose own point it is; empty for one that a planner proposed."""

    @property
    def is_evidence(self) -> bool:
        """Whether what it gave counts in the search: no reference sample, not retracted."""
        return self.purpose == "search" and not self.is_retracted

    @property
    def is_given(self) -> bool:
        """Whether a person gave its result after it had failed without one."""
        return self.state == "failed" and self.cause != "synthesis" and bool(self.made)

    @property
    def remark(self) -> str:
        """What is to be known of it: whose it is, why it failed, what a person said of it."""
        parts = [f"own point of {self.added_by}" if self.added_by else ""]
        parts += [self.cause, self.reason]
        parts.append("reference sample" if self.purpose == "reference" else "")
        if self.correction:
            done = "given by hand" if self.is_given else "amended"
            done = "retracted" if self.is_retracted else done
            parts.append(f"{done}: {self.correction}")
        return " ".join(part for part in parts if part)


class JobView(_View):
    """One job as a bar of the timeline."""

    experiment_id: str
    number: int
    name: str
    instrument: str
    action: str
    state: str
    attempt: int
    started_h: float | None
    ended_h: float | None
    note: str
    """Why it failed or was skipped, or the evidence of an unknown outcome."""
    expected_s: float | None = None
    """How long it was to take, in seconds; None where that was not looked up."""


class DoubtView(_View):
    """One job whose outcome nobody knows: a person has to look."""

    campaign_id: str
    experiment_id: str
    job_id: str
    instrument: str
    action: str
    arguments: Mapping[str, float | int | str | bool]
    asked: str
    """Action and arguments with their units, for people."""
    recovery: str
    """What may be done about such a job after a crash, as its driver says."""
    attempt: int
    started_time: datetime | None
    since: datetime | None
    """When it was found that nobody knows."""
    evidence: str
    """What the device and the station could say, in full."""
    needs_person: bool
    """False for a mere reading, which the engine asks for again by itself."""
    answers: Mapping[str, str]
    """What each possible answer will do to the sample."""


class CampaignLine(_View):
    """A campaign as one line of a list."""

    campaign_id: str
    name: str
    state: str
    is_simulated: bool
    opened_time: datetime
    n_started: int
    n_observed: int
    n_failed: int
    n_in_doubt: int


class CampaignSummary(_View):
    """What is shown of one campaign at a glance: all but its many rows."""

    campaign_id: str
    name: str
    description: str
    state: str
    """What to tell a person: the status, or ``unattended`` when it should go on but no engine is
    there, or ``held`` when an outcome is in doubt and nothing else can go on."""
    status: str
    """The status in the log, whether or not an engine is there."""
    waits_for: str
    """What a person has to do before anything starts, though the campaign is not held."""
    status_reason: str
    has_ended: bool
    is_simulated: bool
    rig_name: str
    rig_sha256: str
    priority: int = 0
    """Where several campaigns share a rig, the higher goes first."""
    share: float = 1.0
    """Its part of the instrument-hours among campaigns of equal priority."""
    seed: int
    planner: str
    opened_time: datetime
    last_time: datetime
    n_events: int
    last_hash: str
    """Hash of the last record of the whole log when the view was made."""
    engine: EngineView
    counts: CountsView
    limits: tuple[LimitView, ...]
    targets: tuple[TargetView, ...]
    components: tuple[str, ...]
    parameters: tuple[str, ...]
    objectives: tuple[ObjectiveView, ...]
    measured: tuple[str, ...]
    """Names of the measured objectives and outcomes."""
    computed: tuple[str, ...]
    """Names of the computed objectives and outcomes."""
    outcomes: tuple[str, ...]
    """Outcome specifications as text."""
    best: tuple[BestView, ...]
    reference_point: Mapping[str, float] | None
    hypervolume: float | None
    """None until the reference point is frozen."""
    is_hypervolume_exact: bool = True
    """False where it is an approximation, for exact ones of many objectives take too long."""
    best_trade_off: TradeOffView | None = None
    """None where the front between the objectives is sought."""
    front: tuple[str, ...]
    """Ids of the experiments on the Pareto front, in order of the first objective."""
    own_points: Mapping[str, str] = Field(default_factory=dict)
    """People's own points that wait or are being made: by candidate or experiment, whose."""
    in_doubt: tuple[DoubtView, ...]
    instruments: Mapping[str, str]
    """What the laboratory last knew of each instrument: its identity, or how it was lost."""


class CampaignView(CampaignSummary):
    """Everything that is shown of one campaign."""

    hypervolume_series: tuple[HypervolumeView, ...]
    experiments: tuple[ExperimentView, ...]
    jobs: tuple[JobView, ...]

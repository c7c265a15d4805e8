"""One campaign folded from its events: where it stands, what was tried, what was learnt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from campaigns.spec import CampaignSpec
from orchestrator.core.attempts import silence
from orchestrator.core.events import (
    AbortRequested,
    CampaignAborted,
    CampaignFinished,
    CampaignOpened,
    CampaignPaused,
    CampaignStopped,
    CandidatesProposed,
    EngineAttached,
    EngineDetached,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    InstrumentConnected,
    InstrumentLost,
    JobEvent,
    ObservationRecorded,
    PauseRequested,
    ProposalFailed,
    ReferencePointFrozen,
    ResumeRequested,
    SpaceExhausted,
    StopRequested,
)
from orchestrator.core.experiment import ExperimentEvent, ExperimentState, experiment_id_of
from orchestrator.core.ledger import Ledger
from orchestrator.core.point import Candidate
from orchestrator.errors import IllegalTransition

__all__ = ["CAMPAIGN_TRANSITIONS", "CampaignState", "CampaignStatus", "fold"]


class CampaignStatus(StrEnum):
    """Where a campaign stands. Exactly one holds at a time."""

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ABORTING = "aborting"
    ABORTED = "aborted"
    FINISHED = "finished"

    @property
    def has_ended(self) -> bool:
        """Whether nothing will ever happen in this campaign again."""
        return self in (CampaignStatus.STOPPED, CampaignStatus.ABORTED, CampaignStatus.FINISHED)


_S = CampaignStatus
CAMPAIGN_TRANSITIONS: Final[dict[tuple[CampaignStatus, type[Event]], CampaignStatus]] = {
    (_S.RUNNING, PauseRequested): _S.PAUSING,
    (_S.RUNNING, CampaignPaused): _S.PAUSED,
    (_S.RUNNING, StopRequested): _S.STOPPING,
    (_S.RUNNING, AbortRequested): _S.ABORTING,
    (_S.RUNNING, CampaignFinished): _S.FINISHED,
    (_S.PAUSING, CampaignPaused): _S.PAUSED,
    (_S.PAUSING, ResumeRequested): _S.RUNNING,
    (_S.PAUSING, StopRequested): _S.STOPPING,
    (_S.PAUSING, AbortRequested): _S.ABORTING,
    (_S.PAUSING, CampaignFinished): _S.FINISHED,
    (_S.PAUSED, ResumeRequested): _S.RUNNING,
    (_S.PAUSED, StopRequested): _S.STOPPING,
    (_S.PAUSED, AbortRequested): _S.ABORTING,
    (_S.STOPPING, CampaignStopped): _S.STOPPED,
    (_S.STOPPING, AbortRequested): _S.ABORTING,
    (_S.ABORTING, CampaignAborted): _S.ABORTED,
}
"""The whole life of a campaign. Only a request may be late: then it changes nothing."""

_REQUESTS: Final = (PauseRequested, ResumeRequested, StopRequested, AbortRequested)


@dataclass(frozen=True, slots=True)
class CampaignState:
    """What is known of one campaign after some of its events."""

    campaign_id: str
    name: str
    spec: CampaignSpec
    rig_name: str
    rig_sha256: str
    cost_usd_per_hour: float
    seed: int
    is_simulated: bool
    opened_time: datetime
    last_time: datetime
    """When its last event was appended."""
    version: int = 1
    """How many events it has; the version that a decision names."""
    status: CampaignStatus = CampaignStatus.RUNNING
    status_reason: str = ""
    """Of the last request or of the end; why it paused by itself, if it did."""
    is_held: bool = False
    """Whether it is paused though nobody asked: waiting alone would change nothing."""
    epoch: int = 0
    is_attached: bool = False
    """Whether an engine took it and did not let go in an orderly way."""
    open_experiments: Mapping[str, ExperimentState] = field(default_factory=dict)
    closed_experiments: Ledger[ExperimentState] = field(default_factory=Ledger)
    """In the order in which they ended."""
    queue: tuple[Candidate, ...] = ()
    """Proposed and not started."""
    n_proposals: int = 0
    is_exhausted: bool = False
    observations: Ledger[ObservationRecorded] = field(default_factory=Ledger)
    """In the order in which they were recorded."""
    reference_point: Mapping[str, float] | None = None
    experiments_cost_usd: float = 0.0
    n_failures_in_row: int = 0
    """Experiments that failed since the last good one or the last resume."""
    planner_error: str = ""
    """Why the last proposal failed; empty after a good one or a resume."""
    silent_instrument: str = ""
    """The instrument that a job was given up for, and why; empty after a resume."""
    unclean_places: Mapping[str, str] = field(default_factory=dict)
    """Places that a failed experiment left unclean, with its id; a resume says they are clean."""

    @classmethod
    def from_opening(cls, event: CampaignOpened, time: datetime) -> "CampaignState":
        """Return the state of a campaign that was just opened."""
        return cls(
            campaign_id=event.campaign_id,
            name=event.name,
            spec=CampaignSpec.from_canonical_text(event.campaign_text),
            rig_name=event.rig_name,
            rig_sha256=event.rig_sha256,
            cost_usd_per_hour=event.cost_usd_per_hour,
            seed=event.seed,
            is_simulated=event.is_simulated,
            opened_time=time,
            last_time=time,
        )

    @property
    def n_started(self) -> int:
        """How many experiments were started."""
        return len(self.open_experiments) + len(self.closed_experiments)

    @property
    def experiments(self) -> tuple[ExperimentState, ...]:
        """All experiments by number."""
        everyone = [*self.closed_experiments, *self.open_experiments.values()]
        return tuple(sorted(everyone, key=lambda experiment: experiment.number))

    def hours(self, now: datetime) -> float:
        """Return hours since the opening; once it has ended, until then."""
        until = self.last_time if self.status.has_ended else now
        return max(0.0, (until - self.opened_time).total_seconds() / 3600.0)

    def cost_usd(self, now: datetime) -> float:
        """Return the money spent: what the experiments cost and what the hours cost."""
        return self.experiments_cost_usd + self.cost_usd_per_hour * self.hours(now)

    def after(self, event: Event, time: datetime) -> "CampaignState":
        """Return the state after one more event of this campaign's stream.

        Args:
            event: What happened.
            time: When.

        Raises:
            IllegalTransition: The tables have no such pair.
        """
        moved = replace(self, version=self.version + 1, last_time=time)
        match event:
            case CampaignOpened() | InstrumentConnected() | InstrumentLost():
                raise IllegalTransition(f"campaign {self.campaign_id}", "open", event.kind)
            case (
                EngineAttached()
                | EngineDetached()
                | CandidatesProposed()
                | ProposalFailed()
                | SpaceExhausted()
                | ReferencePointFrozen()
            ):
                return replace(moved, **_changes(self, event))
            case ExperimentStarted():
                return _after_start(moved, event, time)
            case (
                PauseRequested()
                | ResumeRequested()
                | StopRequested()
                | AbortRequested()
                | CampaignPaused()
                | CampaignStopped()
                | CampaignAborted()
                | CampaignFinished()
            ):
                return _after_campaign(moved, event)
            case _:
                return _after_experiment(moved, event, time)


def _changes(state: CampaignState, event: Event) -> dict[str, Any]:
    """Return the fields that an event sets, for events that no table restricts."""
    match event:
        case EngineAttached():
            return {"epoch": event.epoch, "is_attached": True}
        case EngineDetached():
            return {"is_attached": False}
        case CandidatesProposed():
            queue = (*state.queue, *event.candidates)
            return {"queue": queue, "n_proposals": event.proposal, "planner_error": ""}
        case ProposalFailed():
            return {"n_proposals": event.proposal, "planner_error": event.error}
        case SpaceExhausted():
            return {"is_exhausted": True}
        case ReferencePointFrozen():
            return {"reference_point": event.reference_point}
        case _:
            raise IllegalTransition(f"campaign {state.campaign_id}", str(state.status), event.kind)


def _after_campaign(state: CampaignState, event: Event) -> CampaignState:
    status = CAMPAIGN_TRANSITIONS.get((state.status, type(event)))
    if status is None:
        if isinstance(event, _REQUESTS):
            return state
        raise IllegalTransition(f"campaign {state.campaign_id}", str(state.status), event.kind)
    reason = getattr(event, "reason", "")
    if isinstance(event, CampaignPaused):
        kept = reason or state.status_reason
        return replace(state, status=status, status_reason=kept, is_held=bool(reason))
    if isinstance(event, ResumeRequested):
        state = replace(
            state, n_failures_in_row=0, planner_error="", silent_instrument="", unclean_places={}
        )
    return replace(state, status=status, status_reason=reason, is_held=False)


def _after_start(state: CampaignState, event: ExperimentStarted, time: datetime) -> CampaignState:
    if not state.queue or state.queue[0] != event.candidate:
        raise IllegalTransition(
            f"experiment {event.experiment_id}", "not next in the queue", event.kind
        )
    started = ExperimentState.from_start(event, time)
    return replace(
        state,
        queue=state.queue[1:],
        open_experiments={**state.open_experiments, event.experiment_id: started},
        experiments_cost_usd=state.experiments_cost_usd + event.cost_usd,
    )


def _after_experiment(
    state: CampaignState, event: ExperimentEvent, time: datetime
) -> CampaignState:
    if isinstance(event, JobEvent):
        experiment_id = experiment_id_of(event.job_id)
    else:
        experiment_id = event.experiment_id
    before = state.open_experiments.get(experiment_id)
    if before is None:
        raise IllegalTransition(f"experiment {experiment_id}", "not open", event.kind)
    after = before.after(event, time)
    still_open = {**state.open_experiments, experiment_id: after}
    if isinstance(event, ObservationRecorded):
        state = replace(state, observations=state.observations.plus(event))
    if isinstance(event, ExperimentFinished):
        state = replace(state, n_failures_in_row=0)
    if isinstance(event, ExperimentFailed):
        n = state.n_failures_in_row + (event.cause != "interrupted")
        left = dict.fromkeys(sorted(after.places_held()), experiment_id)
        unclean = {**state.unclean_places, **left}
        silent = next(filter(None, map(silence, after.jobs.values())), state.silent_instrument)
        state = replace(
            state, n_failures_in_row=n, unclean_places=unclean, silent_instrument=silent
        )
    if not after.is_open:
        del still_open[experiment_id]
        state = replace(state, closed_experiments=state.closed_experiments.plus(after))
    return replace(state, open_experiments=still_open)


def fold(events: Iterable[tuple[Event, datetime]]) -> CampaignState | None:
    """Return what a campaign's events add up to, or None if there are none.

    Args:
        events: The events of one campaign's stream with their times, in order.

    Raises:
        IllegalTransition: An event cannot follow those before it.
    """
    state: CampaignState | None = None
    for event, time in events:
        if state is not None:
            state = state.after(event, time)
        elif isinstance(event, CampaignOpened):
            state = CampaignState.from_opening(event, time)
        else:
            raise IllegalTransition("campaign", "not opened", event.kind)
    return state

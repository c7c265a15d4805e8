"""One campaign folded from its events: where it stands, what was tried, what was learnt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from campaigns.spec import CampaignSpec
from orchestrator.core.attempts import silence
from orchestrator.core.campaign_status import CAMPAIGN_TRANSITIONS, REQUESTS, CampaignStatus
from orchestrator.core.candidate_queue import (
    Queue,
    QueuedCandidate,
    judged,
    with_own,
    with_proposed,
)
from orchestrator.core.contamination import ContaminationRule, PlaceRecord
from orchestrator.core.correcting import corrected
from orchestrator.core.events import (
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
    CorrectionEvent,
    EngineAttached,
    EngineDetached,
    Event,
    ExperimentEvent,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    HoldRequested,
    JobEvent,
    ObservationRecorded,
    PauseRequested,
    PointAdded,
    PrioritySet,
    ProposalFailed,
    ReferencePointFrozen,
    ResumeRequested,
    SpaceExhausted,
    StopRequested,
)
from orchestrator.core.experiment import ExperimentState, experiment_id_of
from orchestrator.core.ledger import Ledger
from orchestrator.core.place_records import records_after
from orchestrator.core.point import Candidate
from orchestrator.core.stock import shelf_of
from orchestrator.errors import IllegalTransition

__all__ = [
    "CAMPAIGN_TRANSITIONS",
    "CampaignState",
    "CampaignStatus",
    "QueuedCandidate",
    "fold",
]


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
    progress_time: datetime
    """When something last happened in it but the coming and going of engines."""
    resumed_time: datetime
    """When it was opened, or resumed last."""
    version: int = 1
    """How many events it has; the version that a decision names."""
    status: CampaignStatus = CampaignStatus.RUNNING
    status_reason: str = ""
    """Of the last request or of the end; why it is held, if it is."""
    is_held_by_itself: bool = False
    """Whether it is held though nobody asked: waiting alone would change nothing."""
    lacks: str = ""
    """``stock`` if that is all it is held for: it goes on by itself once there is enough."""
    epoch: int = 0
    is_attached: bool = False
    """Whether an engine took it and did not let go in an orderly way."""
    open_experiments: Mapping[str, ExperimentState] = field(default_factory=dict)
    closed_experiments: Ledger[ExperimentState] = field(default_factory=Ledger)
    """In the order in which they ended."""
    queue: Queue = ()
    """Proposed or added and not started; people's own points stand in front."""
    n_candidates: int = 0
    """How many were ever proposed."""
    n_added: int = 0
    """How many points people ever added of their own."""
    rejected: tuple[Candidate, ...] = ()
    """What a person refused; it is not proposed again."""
    equal_instruments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By instrument, the others that may be used instead."""
    slots: Mapping[str, int] = field(default_factory=dict)
    """By place that holds several samples, how many; any other holds one."""
    capacities: Mapping[str, int] = field(default_factory=dict)
    """By instrument that does a job for several samples at once, for how many."""
    contamination: tuple[ContaminationRule, ...] = ()
    """What traces of one sample spoil another, by the rig."""
    places: Mapping[str, PlaceRecord] = field(default_factory=dict)
    """What it left at places since it cleaned them last."""
    shelf: str = ""
    """From where its stock comes."""
    priority: int = 0
    share: float = 1.0
    """Part of the instrument-hours among campaigns of equal priority; a higher one goes first."""
    n_searched: int = 0
    """Experiments started in search, reference samples not counted."""
    n_since_reference: int = 0
    """How many of them since the last reference sample."""
    n_proposals: int = 0
    is_exhausted: bool = False
    observations: Ledger[ObservationRecorded] = field(default_factory=Ledger)
    """Those that count, as amended, in the order in which they were recorded."""
    references: Ledger[ObservationRecorded] = field(default_factory=Ledger)
    """What reference samples gave; no model learns from them."""
    reference_point: Mapping[str, float] | None = None
    experiments_cost_usd: float = 0.0
    n_failures_in_row: int = 0
    """Experiments that failed since the last good one or the last resume."""
    planner_error: str = ""
    """Why the last proposal failed; empty after a good one or a resume."""
    silent_instrument: str = ""
    """The instrument that a job was given up for, and why; empty after a resume."""

    @classmethod
    def from_opening(cls, event: CampaignOpened, time: datetime) -> "CampaignState":
        """Return the state of a campaign that was just opened."""
        spec = CampaignSpec.from_canonical_text(event.campaign_text)
        return cls(
            campaign_id=event.campaign_id,
            name=event.name,
            spec=spec,
            rig_name=event.rig_name,
            rig_sha256=event.rig_sha256,
            cost_usd_per_hour=event.cost_usd_per_hour,
            seed=event.seed,
            is_simulated=event.is_simulated,
            equal_instruments=event.equal_instruments,
            slots=event.slots,
            capacities=event.capacities,
            contamination=event.contamination,
            priority=spec.header.priority or 0,
            share=float(spec.header.share or 1),
            shelf=event.shelf or shelf_of(event.rig_name, is_simulated=event.is_simulated),
            opened_time=time,
            last_time=time,
            progress_time=time,
            resumed_time=time,
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
        is_progress = not isinstance(event, EngineAttached | EngineDetached)
        moved = replace(
            self,
            version=self.version + 1,
            last_time=time,
            progress_time=time if is_progress else self.progress_time,
        )
        match event:
            case CampaignOpened():
                raise IllegalTransition(f"campaign {self.campaign_id}", "open", event.kind)
            case (
                EngineAttached()
                | EngineDetached()
                | CandidatesProposed()
                | CandidateApproved()
                | CandidateEdited()
                | CandidateRejected()
                | PointAdded()
                | ProposalFailed()
                | SpaceExhausted()
                | ReferencePointFrozen()
                | PrioritySet()
            ):
                return replace(moved, **_changes(self, event))
            case ExperimentStarted():
                return _after_start(moved, event, time)
            case (
                PauseRequested()
                | HoldRequested()
                | ResumeRequested()
                | StopRequested()
                | AbortRequested()
                | CampaignPaused()
                | CampaignHeld()
                | CampaignWentOn()
                | CampaignStopped()
                | CampaignAborted()
                | CampaignFinished()
            ):
                return _after_campaign(moved, event)
            case _ if isinstance(event, ExperimentEvent):
                return _after_experiment(moved, event, time)
            case _:
                raise IllegalTransition(f"campaign {self.campaign_id}", "no laboratory", event.kind)


def _changes(state: CampaignState, event: Event) -> dict[str, Any]:
    """Return the fields that an event sets, for events that no table restricts."""
    match event:
        case EngineAttached():
            return {"epoch": event.epoch, "is_attached": True}
        case EngineDetached():
            return {"is_attached": False}
        case CandidatesProposed():
            return {
                "queue": with_proposed(state.queue, event, state.n_candidates),
                "n_candidates": state.n_candidates + len(event.candidates),
                "n_proposals": event.proposal,
                "planner_error": "",
            }
        case CandidateApproved() | CandidateEdited() | CandidateRejected() | PointAdded():
            return _queue_changes(state, event)
        case ProposalFailed():
            return {"n_proposals": event.proposal, "planner_error": event.error}
        case SpaceExhausted():
            return {"is_exhausted": True}
        case ReferencePointFrozen():
            return {"reference_point": event.reference_point}
        case PrioritySet() if not state.status.has_ended:
            return {"priority": event.priority, "share": event.share}
        case _:
            raise IllegalTransition(f"campaign {state.campaign_id}", str(state.status), event.kind)


def _queue_changes(
    state: CampaignState,
    event: CandidateApproved | CandidateEdited | CandidateRejected | PointAdded,
) -> dict[str, Any]:
    """Return the fields that a person's word on the queue sets."""
    if isinstance(event, PointAdded):
        if state.status.has_ended:
            raise IllegalTransition(f"campaign {state.campaign_id}", str(state.status), event.kind)
        queue = with_own(state.queue, event, state.n_added)
        return {"queue": queue, "n_added": state.n_added + 1}
    queue = judged(state.queue, event)
    if not isinstance(event, CandidateRejected):
        return {"queue": queue}
    refused = {one.candidate_id: one.candidate for one in state.queue}[event.candidate_id]
    return {"queue": queue, "rejected": (*state.rejected, refused)}


def _after_campaign(state: CampaignState, event: Event) -> CampaignState:
    status = CAMPAIGN_TRANSITIONS.get((state.status, type(event)))
    if status is None:
        if isinstance(event, REQUESTS):
            return replace(state, lacks="")  # who asks it to wait resumes it, too
        raise IllegalTransition(f"campaign {state.campaign_id}", str(state.status), event.kind)
    reason = getattr(event, "reason", "")
    is_own = isinstance(event, CampaignHeld) and state.status is not CampaignStatus.HOLDING
    if isinstance(event, CampaignPaused | CampaignHeld):
        reason = reason or state.status_reason
    if isinstance(event, ResumeRequested):
        state = replace(state, n_failures_in_row=0, planner_error="", silent_instrument="")
        state = replace(state, resumed_time=state.last_time)
    lacks = event.lacks if isinstance(event, CampaignHeld) else ""
    state = replace(state, lacks=lacks)
    return replace(state, status=status, status_reason=reason, is_held_by_itself=is_own)


def _after_start(state: CampaignState, event: ExperimentStarted, time: datetime) -> CampaignState:
    queue, added_by = list(state.queue), ""
    if event.purpose == "search":
        found = [queued for queued in queue if queued.candidate == event.candidate]
        if not found:
            subject = f"experiment {event.experiment_id}"
            raise IllegalTransition(subject, "not in the queue", event.kind)
        queue.remove(found[0])
        added_by = found[0].added_by
    is_search = event.purpose == "search"
    started = ExperimentState.from_start(event, time, added_by=added_by)
    return replace(
        state,
        queue=tuple(queue),
        n_searched=state.n_searched + is_search,
        n_since_reference=state.n_since_reference + 1 if is_search else 0,
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
    if isinstance(event, CorrectionEvent):
        changes = corrected(state.closed_experiments, state.open_experiments.values(), event, time)
        return replace(state, **changes)
    before = state.open_experiments.get(experiment_id)
    if before is None:
        raise IllegalTransition(f"experiment {experiment_id}", "not open", event.kind)
    after = before.after(event, time)
    if isinstance(event, JobEvent):
        places = records_after(state.places, after, event.job_id, state.spec.space.components)
        state = replace(state, places=places)
    still_open = {**state.open_experiments, experiment_id: after}
    if isinstance(event, ObservationRecorded) and before.purpose == "search":
        state = replace(state, observations=state.observations.plus(event))
    elif isinstance(event, ObservationRecorded):
        state = replace(state, references=state.references.plus(event))
    if isinstance(event, ExperimentFinished):
        state = replace(state, n_failures_in_row=0)
    if isinstance(event, ExperimentFailed):
        n = state.n_failures_in_row + (event.cause != "interrupted")
        silent = next(filter(None, map(silence, after.jobs.values())), state.silent_instrument)
        state = replace(state, n_failures_in_row=n, silent_instrument=silent)
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

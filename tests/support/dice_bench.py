"""An engine without hardware: it performs intents by throwing dice, and keeps every event."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

import tests.support.dice_rig as rig
from campaigns.spec import CampaignSpec
from orchestrator.core.approvals import waiting_for_approval
from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    AbortRequested,
    CampaignAborted,
    CampaignFinished,
    CampaignHeld,
    CampaignPaused,
    CampaignStopped,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    DoubtAnswered,
    EngineAttached,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    HoldRequested,
    InstrumentConnected,
    InstrumentLost,
    InstrumentPutBack,
    InstrumentTakenOut,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    LatchCleared,
    LatchSet,
    ObservationGiven,
    ObservationRecorded,
    PauseRequested,
    PlacesCleaned,
    PlacesLeftUnclean,
    PlannedJob,
    PointAdded,
    ResumeRequested,
    SampleSpoilt,
    StopRequested,
)
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    ConcludeExperiment,
    DeclareSpoilt,
    Finish,
    Hold,
    Intent,
    Pause,
    RunJob,
    StartExperiment,
    StartReference,
    Stop,
)
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.core.point import Candidate, Observation
from orchestrator.core.references import reference_candidate
from tests.support.pretend_campaigns import START, opening, planned_jobs

__all__ = ["DiceBench"]


@dataclass
class DiceBench:
    """Performs intents by throwing dice, and keeps every event.

    Args:
        spec: The campaign.
        dice: Decides outcomes, durations, crashes, what recipes say and what operators do.
        trouble: Chance of each kind of failure, 0 to 1.
        has_racks: Whether places hold three samples, which some instruments serve in one
            go, and a sample stands no longer than `STANDS_S` before it is read.
    """

    spec: CampaignSpec
    dice: random.Random
    trouble: float = 0.1
    has_racks: bool = False
    events: list[tuple[Event, datetime]] = field(default_factory=list)
    lab: LabState = field(default_factory=LabState)
    sent: dict[str, int] = field(default_factory=dict)
    never_sent: dict[str, int] = field(default_factory=dict)
    """Attempts of which it is certain that nothing happened: known, or said by a person."""
    now: datetime = START
    _state: CampaignState | None = None
    _n_visits: int = 0

    def append(self, *events: Event) -> None:
        """Keep events of the campaign at the present time."""
        for event in events:
            self.events.append((event, self.now))
            if self._state is None:
                self._state = fold(self.events)
            else:
                self._state = self._state.after(event, self.now)

    def append_in_lab(self, *events: Event) -> None:
        """Fold events of the laboratory at the present time."""
        for event in events:
            self.lab = self.lab.after(event, self.now)

    def state(self) -> CampaignState:
        """Return the fold of all events."""
        if self._state is None:
            raise ValueError("no event yet")
        return self._state

    def intents(self) -> tuple[Intent, ...]:
        """Return what is decided at the present time."""
        return decide(self.state(), self.lab, self.now, is_planning=False).intents

    def run(self, *, max_turns: int = 3000) -> Iterator[tuple[CampaignState, tuple[Intent, ...]]]:
        """Drive the campaign, opened if need be; yield each state with what was decided in it."""
        if self._state is None:
            more = {"slots": rig.SLOTS, "capacities": rig.CAPACITIES} if self.has_racks else {}
            opened = opening(self.spec).model_copy(update={"equal_instruments": rig.EQUAL, **more})
            self.append(opened, EngineAttached(epoch=1))
        for _ in range(max_turns):
            self._meddle()
            state = self.state()
            decision = decide(state, self.lab, self.now, is_planning=False)
            yield state, decision.intents
            if state.status.has_ended or (state.status.is_waiting and not self._visit(state)):
                return
            if decision.intents:
                for intent in decision.intents:
                    self._perform(self.state(), intent)
            elif self._started(state):
                self._finish_one(state)
            elif decision.waits_for_person:
                self._judge(state)
            elif decision.wake_time is not None:
                self.now = max(self.now, decision.wake_time)
        raise AssertionError(f"{max_turns} turns were not enough: {self.state().status}")

    def _jobs(self, state: CampaignState, status: JobStatus) -> list[JobState]:
        return [
            job
            for experiment in state.open_experiments.values()
            for job in experiment.jobs.values()
            if job.status is status
        ]

    def _started(self, state: CampaignState) -> list[str]:
        return [job.planned.job_id for job in self._jobs(state, JobStatus.STARTED)]

    def _meddle(self) -> None:
        roll = self.dice.random()
        if roll < 0.02 * self.trouble:
            self.append(AbortRequested())
        elif roll < 0.04 * self.trouble:
            self.append(StopRequested())
        elif roll < 0.1 * self.trouble:
            self.append(PauseRequested())
        elif roll < 0.15 * self.trouble:
            self.append(HoldRequested(reason="the door is open"))
        elif roll < 0.2 * self.trouble:
            self.append(ResumeRequested())
        elif roll < 0.3 * self.trouble:
            self._crash()
        elif roll < 0.4 * self.trouble:
            self._break_or_mend()
        elif roll < 0.5 * self.trouble:
            self._add_own_point()
        elif roll < 0.6 * self.trouble:
            self._give_result()

    def _add_own_point(self) -> None:
        """Let a person add a point of their own, also one that was made before."""
        state = self.state()
        if state.status.has_ended:
            return
        tenths = self.dice.randint(1, 9)
        own = PointAdded(
            candidate_id=f"P{state.n_added + 1:04d}",
            point={"a": tenths / 10, "b": (10 - tenths) / 10},
            person="ada",
            reason="a hunch",
        )
        self.append(own)

    def _give_result(self) -> None:
        """Let a person give the result of an experiment that ended without one."""
        closed = [one for one in self.state().closed_experiments if one.observed is None]
        if closed:
            seen = Observation(point={"a": 0.5, "b": 0.5}, values={"y": self.dice.random()})
            name = self.dice.choice(closed).experiment_id
            given = ObservationGiven(
                experiment_id=name, observation=seen, composition="asked", reason="by hand"
            )
            self.append(given)

    def _break_or_mend(self) -> None:
        name = self.dice.choice(rig.INSTRUMENTS)
        known = self.lab.instruments.get(name)
        status = known.status if known is not None else InstrumentStatus.UNKNOWN
        if self.lab.latch:
            self.append_in_lab(LatchCleared(reason="it was a drill"))
        elif self.dice.random() < 0.1:
            self.append_in_lab(LatchSet(source="operator", reason="a drill"))
        elif status is InstrumentStatus.OUT:
            self.append_in_lab(InstrumentPutBack(instrument=name))
        elif status is InstrumentStatus.LOST:
            self.append_in_lab(InstrumentConnected(instrument=name, driver="d", identity="i"))
        elif self.dice.random() < 0.2:
            self.append_in_lab(InstrumentTakenOut(instrument=name, reason="it smells"))
        else:
            self.append_in_lab(InstrumentLost(instrument=name, reason="no reply"))

    def _visit(self, state: CampaignState) -> bool:
        """Let a person mend, answer and resume; say whether anybody came."""
        self._n_visits += 1
        if self._n_visits > 20 or self.dice.random() < 0.1:
            return False
        if self.lab.latch:
            self.append_in_lab(LatchCleared(reason="looked"))
        for name, known in self.lab.instruments.items():
            if known.status is InstrumentStatus.OUT:
                self.append_in_lab(InstrumentPutBack(instrument=name))
            elif known.status is InstrumentStatus.LOST:
                self.append_in_lab(InstrumentConnected(instrument=name, driver="d", identity="i"))
        if self.lab.unclean:
            self.append_in_lab(PlacesCleaned(places=tuple(self.lab.unclean)))
        for job in self._jobs(state, JobStatus.IN_DOUBT):
            self._answer(job.planned.job_id)
        self.append(ResumeRequested())
        return True

    def _judge(self, state: CampaignState) -> None:
        """Let a person look at the first candidate that waits."""
        candidate_id = waiting_for_approval(state)[0].candidate_id
        roll = self.dice.random()
        if roll < 0.6:
            self.append(CandidateApproved(candidate_id=candidate_id))
        elif roll < 0.8:
            point = {"a": 0.4, "b": 0.6}
            self.append(CandidateEdited(candidate_id=candidate_id, point=point, reason="better"))
        else:
            self.append(CandidateRejected(candidate_id=candidate_id, reason="no"))

    def _answer(self, job_id: str) -> None:
        answer = self.dice.choice(["ran", "did_not_run", "scrap_sample"])
        self.append(DoubtAnswered(job_id=job_id, answer=answer, reason="looked"))
        match answer:
            case "ran":
                self.append(JobFinished(job_id=job_id))
            case "did_not_run":
                self.never_sent[job_id] = self.never_sent.get(job_id, 0) + 1
                self.append(
                    JobFailed(job_id=job_id, error="DidNotRun", message="", has_acted=False)
                )
            case _:
                self.append(
                    JobFailed(job_id=job_id, error="SampleScrapped", message="", has_acted=True)
                )

    def _crash(self) -> None:
        state = self.state()
        if state.status.has_ended:
            return
        lost = [JobOutcomeUnknown(job_id=name, evidence="crash") for name in self._started(state)]
        self.append(EngineAttached(epoch=state.epoch + 1), *lost)

    def _perform(self, state: CampaignState, intent: Intent) -> None:
        match intent:
            case AskPlanner():
                self.append(self.proposal(intent.n))
            case StartExperiment():
                (queued,) = [one for one in state.queue if one.candidate_id == intent.candidate_id]
                self._start(state, queued.candidate, "search")
            case StartReference():
                self._start(state, reference_candidate(state), "reference")
            case RunJob():
                self.append(*self._begun(state, intent))
            case DeclareSpoilt():
                job_id = f"{intent.experiment_id}/{intent.job_name}"
                name = intent.experiment_id
                self.append(SampleSpoilt(experiment_id=name, job_id=job_id, reason=intent.reason))
            case ConcludeExperiment():
                self._conclude(state, intent.experiment_id)
            case Pause():
                self.append(CampaignPaused())
            case Hold():
                self.append(CampaignHeld(reason=intent.reason))
            case Finish():
                self.append(CampaignFinished(rule=intent.rule, reason=intent.reason))
            case Stop():
                self._interrupt(state)
                self.append(CampaignStopped(reason=intent.reason))
            case Abort():
                cut = [JobInterrupted(job_id=name, reason="") for name in self._started(state)]
                self.append(*cut)
                self._interrupt(self.state())
                self.append(CampaignAborted(reason=intent.reason))
            case _:
                assert_never(intent)

    def _begun(self, state: CampaignState, intent: RunJob, led_by: str = "") -> Iterator[Event]:
        job = state.open_experiments[intent.experiment_id].jobs[intent.job_name]
        job_id = job.planned.job_id
        self.sent[job_id] = self.sent.get(job_id, 0) + 1
        for name, reason in intent.skips.items():
            yield JobSkipped(job_id=f"{intent.experiment_id}/{name}", reason=reason)
        yield JobStarted(
            job_id=job_id,
            attempt=job.attempt + 1,
            epoch=state.epoch,
            instrument=intent.instrument,
            led_by=led_by,
            slots=dict(intent.slots),
        )
        for one in intent.companions:
            yield from self._begun(state, one, job_id)

    def proposal(self, n: int = 1) -> CandidatesProposed:
        """Return the next answer of a planner that always says the same."""
        state = self.state()
        return CandidatesProposed(
            proposal=state.n_proposals + 1,
            planner="dice",
            method="dice",
            reason="",
            n_observations=len(state.observations),
            candidates=tuple(Candidate(point={"a": 0.5, "b": 0.5}) for _ in range(n)),
        )

    def _start(self, state: CampaignState, candidate: Candidate, purpose: str) -> None:
        number = state.n_started + 1
        name = f"E{number:04d}"
        self.append(
            ExperimentStarted(
                experiment_id=name,
                number=number,
                candidate=candidate,
                jobs=tuple(self._planned(name)),
                cost_usd=1.0,
                purpose=purpose,
            )
        )

    def _planned(self, experiment_id: str) -> Iterator[PlannedJob]:
        for job in planned_jobs(experiment_id):
            planned = rig.racked(job) if self.has_racks else job
            yield rig.with_policy(planned, self.dice, self.trouble)

    def _interrupt(self, state: CampaignState) -> None:
        for name in state.open_experiments:
            self._fail(state, name, "interrupted")

    def _fail(self, state: CampaignState, experiment_id: str, cause: str) -> None:
        places = tuple(sorted(state.open_experiments[experiment_id].places_soiled()))
        self.append(ExperimentFailed(experiment_id=experiment_id, cause=cause, reason=""))
        if places:
            owner = {"campaign_id": state.campaign_id, "experiment_id": experiment_id}
            self.append_in_lab(PlacesLeftUnclean(places=places, **owner))

    def _conclude(self, state: CampaignState, experiment_id: str) -> None:
        jobs = state.open_experiments[experiment_id].jobs.values()
        if state.open_experiments[experiment_id].spoilt:
            self._fail(state, experiment_id, "spoilt")
            return
        if not all(job.is_past for job in jobs):
            self._fail(state, experiment_id, "instrument")
            return
        seen = Observation(point={"a": 0.5, "b": 0.5}, values={"y": self.dice.random()})
        self.append(
            ObservationRecorded(experiment_id=experiment_id, observation=seen),
            ExperimentFinished(experiment_id=experiment_id),
        )

    def _finish_one(self, state: CampaignState) -> None:
        """Let one order end, and with it all jobs of its load."""
        started = self._jobs(state, JobStatus.STARTED)
        chosen = self.dice.choice(started)
        leader = chosen.led_by or chosen.planned.job_id
        load = [job for job in started if leader in (job.led_by, job.planned.job_id)]
        job_ids = [job.planned.job_id for job in load if job.started_time == chosen.started_time]
        self.now += timedelta(seconds=self.dice.uniform(1.0, 100.0))
        for event in rig.how_a_load_ends(job_ids, self.dice, self.trouble):
            if isinstance(event, JobFailed) and not event.has_acted:
                self.never_sent[event.job_id] = self.never_sent.get(event.job_id, 0) + 1
            self.append(event)

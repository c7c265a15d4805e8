"""Builders for campaigns that need no bench: a spec, planned jobs, and a bench of dice."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    AbortRequested,
    CampaignAborted,
    CampaignFinished,
    CampaignOpened,
    CampaignPaused,
    CampaignStopped,
    CandidatesProposed,
    EngineAttached,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobStarted,
    ObservationRecorded,
    PauseRequested,
    PlannedJob,
    ResumeRequested,
    StopRequested,
)
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    ConcludeExperiment,
    Finish,
    Intent,
    Pause,
    RunJob,
    StartExperiment,
    Stop,
)
from orchestrator.core.job import JobStatus
from orchestrator.core.point import Candidate, Observation

__all__ = ["START", "DiceBench", "opening", "planned_jobs", "small_campaign"]

START = datetime(2026, 1, 1, tzinfo=UTC)

SMALL_CAMPAIGN = """
[campaign]
name = "small"
[space.composition]
components = ["a", "b"]
basis = "atomic_fraction"
step = 0.01
[[objective]]
name = "y"
direction = "maximise"
[recipe]
in_flight = {in_flight}
[[recipe.job]]
name = "make"
instrument = "doser"
action = "dose"
[stopping]
max_experiments = {max_experiments}
{more}
[planner]
name = "sobol"
batch = {batch}
"""


def small_campaign(
    *, in_flight: int = 2, max_experiments: int = 4, batch: int = 1, more: str = ""
) -> CampaignSpec:
    """Return a campaign of two components and one measured objective ``y``."""
    text = SMALL_CAMPAIGN.format(
        in_flight=in_flight, max_experiments=max_experiments, batch=batch, more=more
    )
    return campaign_from_text(text, file="small.toml")


def opening(spec: CampaignSpec, *, cost_usd_per_hour: float = 0.0) -> CampaignOpened:
    """Return the event that opens a campaign."""
    return CampaignOpened(
        campaign_id="small-1",
        name=spec.header.name,
        campaign_text=spec.canonical_text(),
        rig_name="dice",
        rig_sha256="0" * 64,
        cost_usd_per_hour=cost_usd_per_hour,
        seed=0,
        is_simulated=True,
        athanor_version="0",
    )


def planned_jobs(experiment_id: str, *, recovery: str = "blind") -> tuple[PlannedJob, ...]:
    """Return tare, dose, move (cleanup), read, drain (cleanup) over two places."""
    rows = [
        ("tare", "balance", "idempotent", ("vessel",), False),
        ("dose", "doser", recovery, ("vessel",), False),
        ("move", "mover", recovery, ("vessel", "cell"), True),
        ("read", "meter", "pure", ("cell",), False),
        ("drain", "drain", recovery, ("cell",), True),
    ]
    jobs = []
    before: tuple[str, ...] = ()
    for name, instrument, how, positions, is_cleanup in rows:
        jobs.append(
            PlannedJob(
                job_id=f"{experiment_id}/{name}",
                name=name,
                instrument=instrument,
                action=name,
                after=before,
                positions=positions,
                recovery=how,
                is_cleanup=is_cleanup,
                expected_s=10.0,
            )
        )
        before = (name,)
    return tuple(jobs)


@dataclass
class DiceBench:
    """Performs intents by throwing dice, and keeps every event: an engine without hardware.

    Args:
        spec: The campaign.
        dice: Decides outcomes, durations, crashes and what operators ask.
        trouble: Chance of each kind of failure, 0 to 1.
    """

    spec: CampaignSpec
    dice: random.Random
    trouble: float = 0.1
    events: list[tuple[Event, datetime]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    never_sent: dict[str, int] = field(default_factory=dict)
    now: datetime = START
    _state: CampaignState | None = None

    def append(self, *events: Event) -> None:
        """Keep events at the present time."""
        for event in events:
            self.events.append((event, self.now))
            if self._state is None:
                self._state = fold(self.events)
            else:
                self._state = self._state.after(event, self.now)

    def state(self) -> CampaignState:
        """Return the fold of all events."""
        if self._state is None:
            raise ValueError("no event yet")
        return self._state

    def run(self, *, max_turns: int = 2000) -> Iterator[tuple[CampaignState, tuple[Intent, ...]]]:
        """Drive the campaign; yield each state with what was decided in it."""
        self.append(opening(self.spec), EngineAttached(epoch=1))
        for _ in range(max_turns):
            self._meddle()
            state = self.state()
            decision = decide(state, self.now, is_planning=False)
            yield state, decision.intents
            if state.status.has_ended or (
                not decision.intents and not self._running(state) and state.status == "paused"
            ):
                return
            if decision.intents:
                for intent in decision.intents:
                    self._perform(self.state(), intent)
            elif self._running(state):
                self._finish_one(state)
            elif decision.wake_time is not None:
                self.now = max(self.now, decision.wake_time)

    def _running(self, state: CampaignState) -> list[str]:
        return [
            job.planned.job_id
            for experiment in state.open_experiments.values()
            for job in experiment.jobs.values()
            if job.status is JobStatus.STARTED
        ]

    def _meddle(self) -> None:
        roll = self.dice.random()
        if roll < 0.02 * self.trouble:
            self.append(AbortRequested())
        elif roll < 0.04 * self.trouble:
            self.append(StopRequested())
        elif roll < 0.1 * self.trouble:
            self.append(PauseRequested())
        elif roll < 0.2 * self.trouble:
            self.append(ResumeRequested())
        elif roll < 0.3 * self.trouble:
            self._crash()

    def _crash(self) -> None:
        state = self.state()
        if state.status.has_ended:
            return
        lost = [JobOutcomeUnknown(job_id=name, evidence="crash") for name in self._running(state)]
        self.append(EngineAttached(epoch=state.epoch + 1), *lost)

    def _perform(self, state: CampaignState, intent: Intent) -> None:
        match intent:
            case AskPlanner():
                points = [{"a": 0.5, "b": 0.5}] * intent.n
                self.append(
                    CandidatesProposed(
                        proposal=state.n_proposals + 1,
                        planner="dice",
                        method="dice",
                        reason="",
                        n_observations=len(state.observations),
                        candidates=tuple(Candidate(point=dict(point)) for point in points),
                    )
                )
            case StartExperiment():
                number = state.n_started + 1
                name = f"E{number:04d}"
                self.append(
                    ExperimentStarted(
                        experiment_id=name,
                        number=number,
                        candidate=state.queue[0],
                        jobs=planned_jobs(name),
                        cost_usd=1.0,
                    )
                )
            case RunJob():
                job = state.open_experiments[intent.experiment_id].jobs[intent.job_name]
                job_id = job.planned.job_id
                self.sent[job_id] = self.sent.get(job_id, 0) + 1
                self.append(JobStarted(job_id=job_id, attempt=job.attempt + 1, epoch=state.epoch))
            case ConcludeExperiment():
                self._conclude(state, intent.experiment_id)
            case Pause():
                self.append(CampaignPaused(reason=intent.reason))
            case Finish():
                self.append(CampaignFinished(rule=intent.rule, reason=intent.reason))
            case Stop():
                self._interrupt(state)
                self.append(CampaignStopped(reason=intent.reason))
            case Abort():
                cut = [JobInterrupted(job_id=name, reason="") for name in self._running(state)]
                self.append(*cut)
                self._interrupt(self.state())
                self.append(CampaignAborted(reason=intent.reason))

    def _interrupt(self, state: CampaignState) -> None:
        for name in state.open_experiments:
            self.append(ExperimentFailed(experiment_id=name, cause="interrupted", reason=""))

    def _conclude(self, state: CampaignState, experiment_id: str) -> None:
        jobs = state.open_experiments[experiment_id].jobs.values()
        if all(job.status is JobStatus.DONE for job in jobs):
            seen = Observation(point={"a": 0.5, "b": 0.5}, values={"y": self.dice.random()})
            self.append(
                ObservationRecorded(experiment_id=experiment_id, observation=seen),
                ExperimentFinished(experiment_id=experiment_id),
            )
        else:
            failed = ExperimentFailed(experiment_id=experiment_id, cause="instrument", reason="")
            self.append(failed)

    def _finish_one(self, state: CampaignState) -> None:
        job_id = self.dice.choice(self._running(state))
        self.now += timedelta(seconds=self.dice.uniform(1.0, 100.0))
        roll = self.dice.random()
        if roll < self.trouble / 4:
            self.append(JobOutcomeUnknown(job_id=job_id, evidence="no answer"))
        elif roll < self.trouble / 2:
            self.never_sent[job_id] = self.never_sent.get(job_id, 0) + 1
            self.append(
                JobFailed(job_id=job_id, error="LineError", message="down", has_acted=False)
            )
        elif roll < self.trouble:
            self.append(
                JobFailed(job_id=job_id, error="DeviceFault", message="stall", has_acted=True)
            )
        else:
            self.append(JobFinished(job_id=job_id))

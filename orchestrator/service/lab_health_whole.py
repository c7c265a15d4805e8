"""The whole laboratory as its page shows it, looked at once, at one moment of the log."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from pydantic import BaseModel, ConfigDict

from drivers.clock import Clock
from orchestrator.core.approvals import waiting_for_approval
from orchestrator.core.campaign import CampaignState
from orchestrator.service.alarms import AlarmCounts, AlarmView, alarm_counts, alarm_views
from orchestrator.service.lab import Lab
from orchestrator.service.lab_health import (
    ControlView,
    LabHealth,
    NextView,
    control_view,
    lab_health,
    next_view,
)
from orchestrator.service.lab_health_board import (
    InstrumentCard,
    instrument_cards,
    last_readings,
    live_values,
)
from orchestrator.service.lab_health_cards import CampaignCard, campaign_card
from orchestrator.service.lab_health_gantt import GanttView, gantt_view
from orchestrator.service.lab_health_jobs import (
    SAME_CLOCK,
    BenchTime,
    OnBench,
    RunningJob,
    SampleView,
    bench_time,
    job_plan,
    running_jobs,
    sample_views,
)
from orchestrator.service.lab_health_needs import LabNeed, lab_needs
from orchestrator.service.laboratory_view import LaboratoryView, StationSign
from orchestrator.service.live import LiveLab
from orchestrator.service.recent_past import RecentPast
from orchestrator.service.task_boards import TaskBoards
from orchestrator.service.tasks import TaskView
from orchestrator.service.views import CampaignLine, EngineState

__all__ = ["LabWatch", "QueueView", "WholeLab", "whole_lab"]

_MOST_ENDED: Final = 3
_LASTS: Final = timedelta(seconds=1)


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class QueueView(_View):
    """What a campaign will make next."""

    campaign_id: str
    candidates: tuple[str, ...]
    """Ids of those that were proposed and not started, in order."""
    waiting: tuple[str, ...]
    """Those of them that a person must approve first."""


class WholeLab(_View):
    """Everything that the page of the laboratory and the wall show."""

    seq: int
    """The last record that was looked at."""
    wall_now: datetime
    bench: BenchTime
    """Of the campaign that was written to last; the time of day without one."""
    last_time: datetime | None
    """Of the newest fact of the laboratory or of an unfinished campaign, on the bench's clock."""
    health: LabHealth
    next: NextView
    control: ControlView
    needs: tuple[LabNeed, ...]
    laboratory: LaboratoryView
    instruments: tuple[InstrumentCard, ...]
    running: tuple[RunningJob, ...]
    samples: tuple[SampleView, ...]
    gantts: tuple[GanttView, ...]
    """One for the laboratory, one for each bench with a time of its own, if anything is there."""
    queues: tuple[QueueView, ...]
    campaigns: tuple[CampaignCard, ...]
    """Those that have not ended."""
    ended: tuple[CampaignLine, ...]
    """Those that ended last, the newest first."""
    alarms: tuple[AlarmView, ...]
    alarm_counts: AlarmCounts
    tasks: tuple[TaskView, ...]

    @property
    def newest_alarms(self) -> tuple[AlarmView, ...]:
        """Those that are not set aside, the one that was raised last in front."""
        shown = [one for one in self.alarms if one.status != "shelved"]
        return tuple(sorted(shown, key=lambda one: one.raised_time, reverse=True))


class LabWatch:
    """Looks at the laboratory for all who watch it: at most once a second while nothing happens.

    Args:
        live: The log.
        clock: The wall clock.
        signs: Asks the stations whether they are there.
        boards: Of manual stations.
    """

    def __init__(
        self,
        live: LiveLab,
        clock: Clock,
        signs: Callable[[], Sequence[StationSign]],
        boards: TaskBoards,
    ) -> None:
        self._live = live
        self._clock = clock
        self._signs = signs
        self._boards = boards
        self._past = RecentPast()
        self._lock = Lock()
        self._kept: WholeLab | None = None

    def look(self) -> WholeLab:
        """Return the laboratory as it stands in the log now, everything else a second old at most.

        Raises:
            LogError: The log cannot be read.
        """
        with self._lock:
            kept, now = self._kept, self._clock.now()
            is_young = kept is not None and abs(now - kept.wall_now) < _LASTS
            if kept is not None and is_young and self._live.refresh() == kept.seq:
                return kept
            whole = whole_lab(
                self._live,
                self._past,
                wall_now=now,
                signs=self._signs(),
                tasks=self._boards.views(),
            )
            self._kept = whole
            return whole


def whole_lab(
    live: LiveLab,
    past: RecentPast,
    *,
    wall_now: datetime,
    signs: Sequence[StationSign] = (),
    tasks: Sequence[TaskView] = (),
) -> WholeLab:
    """Return the laboratory as it stands in the log now.

    Args:
        live: The log.
        past: What happened lately in it.
        wall_now: The time of day.
        signs: Of the stations, asked before.
        tasks: Of manual stations, those without an answer.

    Raises:
        LogError: The log cannot be read.
    """
    with live.using() as lab:
        past.look(lab)
        return _whole(live, lab, past, wall_now, signs, tasks)


def _whole(
    live: LiveLab,
    lab: Lab,
    past: RecentPast,
    wall_now: datetime,
    signs: Sequence[StationSign],
    tasks: Sequence[TaskView],
) -> WholeLab:
    lines = live.campaigns()  # first: it keeps the snapshot from which states are told quickly
    states = lab.unfinished()
    summaries = [live.campaign(state.campaign_id) for state in states]
    times = [bench_time(state, wall_now) for state in states]
    bench = times[-1] if times else _time_without_campaign(lab, lines, wall_now)
    laboratory = lab.laboratory_view().model_copy(update={"signs": tuple(signs)})
    alarms = alarm_views(lab)
    queues = tuple(map(_queue, states))
    needs = lab_needs(
        laboratory,
        summaries,
        alarms,
        waiting={one.campaign_id: one.waiting for one in queues},
        tasks=tasks,
    )
    alive = [one.engine.state is EngineState.ALIVE for one in summaries]
    benches = _benches(zip(states, times, alive, strict=True), past)
    running = tuple(job for one in benches for job in one.running)
    samples = tuple(sample for one in benches for sample in one.samples)
    names = [one.name for one in laboratory.instruments]
    known = [time for time in (laboratory.last_time, *(s.last_time for s in states)) if time]
    return WholeLab(
        seq=live.seq,
        wall_now=wall_now,
        bench=bench,
        last_time=max(known, default=None),
        health=lab_health(laboratory, summaries, needs),
        next=next_view(summaries, running, samples),
        control=control_view(laboratory, summaries, past.last_person),
        needs=needs,
        laboratory=laboratory,
        instruments=instrument_cards(
            laboratory.instruments,
            running=running,
            readings=last_readings(states, past.readings),
            live=live_values(lab, names, bench.now),
            alarms=alarms,
        ),
        running=running,
        samples=samples,
        gantts=tuple(one.gantt for one in benches if one.gantt.rows),
        queues=queues,
        campaigns=tuple(map(campaign_card, summaries)),
        ended=_ended(lines),
        alarms=alarms,
        alarm_counts=alarm_counts(lab),
        tasks=tuple(tasks),
    )


def _time_without_campaign(
    lab: Lab, lines: Sequence[CampaignLine], wall_now: datetime
) -> BenchTime:
    """Return the present of a laboratory without a campaign: a virtual clock stands still."""
    last = lab.bench_now()
    was_dry = bool(lines) and all(line.is_simulated for line in lines)
    is_virtual = was_dry and not timedelta(0) <= wall_now - last < SAME_CLOCK
    return BenchTime(now=last if is_virtual else wall_now, is_virtual=is_virtual)


class _Bench:
    """What stands and happens on one bench; one with a time of its own has one campaign.

    Args:
        title: Whose it is.
        time: The present on its clock.
        states: The campaigns, each with whether its engine lives.
        past: What happened lately.
    """

    def __init__(
        self,
        title: str,
        time: BenchTime,
        states: Sequence[tuple[CampaignState, bool]],
        past: RecentPast,
    ) -> None:
        standing = [(_on_bench(state), is_watched) for state, is_watched in states]
        watched = [one for ones, is_watched in standing if is_watched for one in ones]
        plan = job_plan(watched, time.now)
        ended = [
            OnBench(state.campaign_id, experiment)
            for state, _ in states
            for experiment in past.ended_of(state.campaign_id)
        ]
        on_bench = [one for ones, _ in standing for one in ones]
        self.gantt = gantt_view(title, [*ended, *on_bench], plan, time)
        self.running = [
            job
            for state, is_watched in states
            for job in running_jobs(state, time, is_watched=is_watched)
        ]
        self.samples = [sample for state, _ in states for sample in sample_views(state, time, plan)]


def _on_bench(state: CampaignState) -> list[OnBench]:
    experiments = sorted(state.open_experiments.values(), key=lambda one: one.number)
    return [OnBench(state.campaign_id, one) for one in experiments]


def _benches(
    campaigns: Iterable[tuple[CampaignState, BenchTime, bool]], past: RecentPast
) -> list[_Bench]:
    """Return the laboratory's bench, if campaigns use it, and those with a time of their own."""
    shared: list[tuple[CampaignState, bool]] = []
    time: BenchTime | None = None
    benches = []
    for state, own_time, is_watched in campaigns:
        if own_time.is_virtual:
            title = f"the simulated bench of {state.campaign_id}"
            benches.append(_Bench(title, own_time, [(state, is_watched)], past))
        else:
            shared.append((state, is_watched))
            time = own_time
    if time is not None:
        benches.insert(0, _Bench("the laboratory", time, shared, past))
    return benches


def _queue(state: CampaignState) -> QueueView:
    return QueueView(
        campaign_id=state.campaign_id,
        candidates=tuple(one.candidate_id for one in state.queue),
        waiting=tuple(one.candidate_id for one in waiting_for_approval(state)),
    )


def _ended(lines: Sequence[CampaignLine]) -> tuple[CampaignLine, ...]:
    ended = [one for one in lines if one.state in ("finished", "stopped", "aborted")]
    return tuple(reversed(ended[-_MOST_ENDED:]))

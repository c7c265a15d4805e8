"""Which of the jobs whose turn it is begin now, on which instruments; pure.

What is foreseen proposes; here it is held against what stands and runs on the bench, and whatever
does not fit is not begun.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Final, TypeAlias

from orchestrator.core.attempts import has_waited_enough, is_unsettled, retry_time
from orchestrator.core.bench_shop import Coming, Hindrances, key_of, shop_of
from orchestrator.core.campaign import CampaignState
from orchestrator.core.claims import Precedence
from orchestrator.core.dispatch import best_forecast
from orchestrator.core.equals import choices_for, instrument_for, why_none_usable
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.foreseen import Forecast, Start
from orchestrator.core.intents import RunJob
from orchestrator.core.job import JobState
from orchestrator.core.job_notes import JobPlan
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.core.occupancy import Occupancy, stays_of
from orchestrator.core.others import Others
from orchestrator.core.shop import Shop

__all__ = ["PATIENCE_S", "HandingOut"]

PATIENCE_S: Final = 600.0
"""How long an instrument that does not answer is waited for, in seconds; then a person is asked."""
_Ready: TypeAlias = tuple[ExperimentState, JobState]


@dataclass(frozen=True, slots=True)
class HandingOut:
    """Jobs are given to free instruments, as far as the bench allows it.

    Args:
        state: The campaign.
        lab: The laboratory.
        now: The present time.
        settling: Ids of jobs in doubt whose instrument is being asked.
        others: Who else is on the bench.
        precedence: To whom instruments are left.
        plan: What was foreseen, or thought out, before.
        closes_s: When nothing may be under way any more, in seconds from now.
        coming: What will be made soon.
    """

    state: CampaignState
    lab: LabState
    now: datetime
    settling: frozenset[str]
    others: Others
    precedence: Precedence
    plan: Sequence[Start]
    closes_s: float
    coming: Coming

    def hand_out(self, ready: Sequence[_Ready], barred: Sequence[str], notes: JobPlan) -> None:
        """Note which jobs begin now, and why the others wait.

        Args:
            ready: Jobs whose turn it is, the oldest experiment's first.
            barred: Ids of jobs that cannot begin before somebody does something.
            notes: Where it is noted.
        """
        hopeless: list[str] = []
        possible = self._possible(ready, notes, hopeless)
        bench = _Bench(self, possible)
        open_now = {key: bench.open_to(key) for key in possible}
        notes.retries += self._lapses(possible)
        if not any(open_now.values()):
            for key in bench.left:
                self._say_why(bench, key, None, notes)
            return
        hindrances = Hindrances(
            barred=frozenset([*barred, *hopeless]),
            claimed_s=self.precedence.claimed_s,
            closes_s=self.closes_s,
            coming=self.coming,
        )
        shop = shop_of(self.state, self.lab, self.now, self.others, hindrances)
        starts: Sequence[Start] | None = _obvious(shop, open_now)
        if starts is None:
            known = [one for one in self.plan if one.machine in shop.machines]
            notes.forecast, notes.shop = best_forecast(shop, known), shop
            starts = notes.forecast.now
            if notes.forecast.look_s < inf:
                notes.retries.append(self.now + timedelta(seconds=notes.forecast.look_s))
        begun = [bench.begin(start) for start in starts]
        notes.intents += [run for run in begun if run is not None]
        for key in bench.left:
            self._say_why(bench, key, _Foreseen(shop, notes.forecast), notes)

    def _lapses(self, possible: Mapping[str, _Ready]) -> Iterator[datetime]:
        """Yield when instruments are no longer left to others that a job could be done by."""
        for experiment, job in possible.values():
            for name in choices_for(self.state, experiment, job):
                if name in self.precedence.claimed_s:
                    yield self.now + timedelta(seconds=self.precedence.claimed_s[name])

    def _possible(
        self, ready: Sequence[_Ready], notes: JobPlan, hopeless: list[str]
    ) -> dict[str, _Ready]:
        """Return by key the jobs that need wait for nothing but the bench.

        Args:
            ready: Jobs whose turn it is.
            notes: Where it is noted why others wait.
            hopeless: Where the ids are put of jobs that were tried so often that a person must
                know: nobody waits for them to fill a load.
        """
        possible: dict[str, _Ready] = {}
        for experiment, job in ready:
            instrument = instrument_for(self.state, self.lab, experiment, job)
            reason = self.lab.why_unusable(instrument)
            again = retry_time(job)
            if reason:
                notes.reasons.append(f"{job.planned.job_id} waits: {reason}")
                notes.why[job.planned.job_id] = reason
                notes.waits.extend(_patience_end(self.lab, instrument))
            elif again is not None and self.now < again:
                if self._note_retry(job, again, notes):
                    hopeless.append(job.planned.job_id)
            else:
                possible[key_of(self.state, job)] = experiment, job
        return possible

    def _note_retry(self, job: JobState, again: datetime, notes: JobPlan) -> bool:
        """Note when a job is tried again; tell whether a person must know before."""
        why = f"{job.error}: {job.evidence}"
        notes.why[job.planned.job_id] = f"tried again at {again:%H:%M:%S} UTC after {why}"
        failed_after_resume = (
            job.ended_time is not None and job.ended_time > self.state.resumed_time
        )
        if has_waited_enough(job) and failed_after_resume:
            notes.reasons.append(f"{job.planned.job_id} waits: {why}")
            return True
        notes.retries.append(again)
        return False

    def _say_why(
        self, bench: "_Bench", key: str, foreseen: "_Foreseen | None", notes: JobPlan
    ) -> None:
        """Note why a job waits that its sample could begin."""
        experiment, job = bench.left[key]
        job_id = job.planned.job_id
        owners = bench.owners_in_the_way(experiment, job)
        users = bench.users(experiment, job)
        left_unclean = self.lab.unclean.values()  # waiting alone does not clean a place
        others = [name for name in (*owners, *users.values()) if name not in left_unclean]
        strangers = [name for name in others if "/" in name]
        first = {
            name: self.precedence.first[name]
            for name in choices_for(self.state, experiment, job)
            if name in self.precedence.first
        }
        notes.is_crowded_out |= bool(strangers or first)
        if owners:
            places = ", ".join(job.planned.positions)
            notes.why[job_id] = f"no room at {places}: {', '.join(owners)}"
        elif users:
            notes.why[job_id] = "; ".join(f"{name} does {what}" for name, what in users.items())
        elif first:
            notes.why[job_id] = "; ".join(f"{name}: {why}" for name, why in first.items())
        elif foreseen is not None:
            why, until = self._why_not_foreseen(experiment, key, foreseen)
            notes.why[job_id] = why
            notes.waits.extend(until)
            if not foreseen.is_going_on:
                is_theirs = not until and self._others_go_on()
                notes.is_crowded_out |= is_theirs
                notes.reasons += [] if is_theirs else [f"{job_id} waits: {why}"]

    def _others_go_on(self) -> bool:
        """Tell whether other campaigns run or stand somewhere: then what keeps a job may change."""
        return bool(self.others.stays()) or any(True for _ in self.others.running(self.now))

    def _why_not_foreseen(
        self, experiment: ExperimentState, key: str, foreseen: "_Foreseen"
    ) -> tuple[str, list[datetime]]:
        """Return why a job is not begun although nothing stands in its way, and until when."""
        tasks = foreseen.shop.tasks
        for task in tasks.values():
            if task.sample != tasks[key].sample or task.key == key:
                continue
            name = task.key.rpartition("/")[2]
            planned = experiment.jobs[name].planned.instrument
            gone = why_none_usable(self.state, self.lab, planned)
            if gone:
                return f"{name} must follow: {gone}", _patience_end(self.lab, planned)
        waits = {} if foreseen.forecast is None else foreseen.forecast.waits
        return waits.get(key, "other work goes first"), []


@dataclass(frozen=True, slots=True)
class _Foreseen:
    """What a decision rests on that looked ahead."""

    shop: Shop
    forecast: Forecast | None

    @property
    def is_going_on(self) -> bool:
        """Whether something else will be possible though nothing happens until then."""
        return self.forecast is None or self.forecast.look_s < inf


def _obvious(shop: Shop, open_now: Mapping[str, Sequence[str]]) -> list[Start] | None:
    """Return what begins where there is nothing to weigh; None where looking ahead may pay.

    Args:
        shop: What there is to do.
        open_now: By key, the instruments that could begin a job now.
    """
    tasks = shop.tasks.values()
    if shop.closes_s < inf or any(task.load or task.max_wait_s < inf for task in tasks):
        return None
    free = {name for names in open_now.values() for name in names}
    starts: list[Start] = []
    for key, names in open_now.items():
        if not names:
            continue
        left = [name for name in names if name in free]
        if not left:
            return None
        free.remove(left[0])
        starts.append(Start(left[0], (key,), 0.0, shop.tasks[key].duration_s))
    return starts


class _Bench:
    """Instruments and places while jobs are handed out."""

    def __init__(self, rules: HandingOut, ready: Mapping[str, _Ready]) -> None:
        self._rules = rules
        self.left = dict(ready)
        """Jobs that have not begun, by key."""
        state, others = rules.state, rules.others
        own = [
            stay
            for one in state.open_experiments.values()
            for stay in stays_of(one, one.experiment_id)
        ]
        self._room = Occupancy(state.slots, [*others.stays(), *own], rules.lab.unclean)
        self._busy = {
            job.instrument: f"{other.campaign_id}/{job.planned.job_id}"
            for other, job in others.running(rules.now)
        }
        for experiment in state.open_experiments.values():
            for job in experiment.jobs.values():
                if is_unsettled(job) or job.planned.job_id in rules.settling:
                    self._busy[job.instrument] = job.planned.name

    def owners_in_the_way(self, experiment: ExperimentState, job: JobState) -> tuple[str, ...]:
        """Return whose samples keep a job's out of its places."""
        return self._room.why_not(job.planned.positions, experiment.experiment_id)

    def users(self, experiment: ExperimentState, job: JobState) -> dict[str, str]:
        """Return what all instruments do that could do a job; nothing if one of them is free."""
        choices = choices_for(self._rules.state, experiment, job)
        found = {name: self._busy[name] for name in choices if name in self._busy}
        return found if len(found) == len(choices) else {}

    def open_to(self, key: str) -> list[str]:
        """Return the instruments that could begin a job now, the planned one first."""
        experiment, job = self.left[key]
        if self.owners_in_the_way(experiment, job):
            return []
        rules = self._rules
        taken = {*self._busy, *rules.precedence.claimed_s}
        return [
            name
            for name in choices_for(rules.state, experiment, job)
            if name not in taken and not rules.lab.why_unusable(name)
        ]

    def begin(self, start: Start) -> RunJob | None:
        """Let the jobs of one run begin, as far as the bench allows; None if it allows none."""
        if start.machine in self._busy or self._rules.lab.why_unusable(start.machine):
            return None
        capacity = self._rules.state.capacities.get(start.machine, 1)
        load: dict[str, RunJob] = {}
        leader: JobState | None = None
        for key in [key for key in self.left if key in start.keys]:
            experiment, job = self.left[key]
            owner = experiment.experiment_id
            is_able = start.machine in choices_for(self._rules.state, experiment, job)
            is_equal = leader is None or _is_equal(job, leader)
            if len(load) == capacity or owner in load or not (is_able and is_equal):
                continue
            if self.owners_in_the_way(experiment, job):
                continue
            del self.left[key]
            leader = leader or job
            self._busy[start.machine] = job.planned.name
            load[owner] = self._run(experiment, job, start.machine)
        runs = tuple(load.values())
        return replace(runs[0], companions=runs[1:]) if runs else None

    def _run(self, experiment: ExperimentState, job: JobState, instrument: str) -> RunJob:
        planned, owner = job.planned, experiment.experiment_id
        slots = self._room.occupy(planned.positions, owner)
        other = instrument if instrument != planned.instrument else ""
        return RunJob(owner, planned.name, other, slots)


def _is_equal(job: JobState, leader: JobState) -> bool:
    """Tell whether one order can do both jobs."""
    ours, theirs = job.planned, leader.planned
    return (ours.action, ours.arguments) == (theirs.action, theirs.arguments)


def _patience_end(lab: LabState, instrument: str) -> list[datetime]:
    """Return until when to wait for an instrument that is gone; nothing if a person must act."""
    known = lab.instruments.get(instrument)
    if lab.latch or known is None or known.status is not InstrumentStatus.LOST:
        return []
    return [known.since + timedelta(seconds=PATIENCE_S)]

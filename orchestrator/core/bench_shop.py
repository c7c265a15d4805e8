"""A bench as a shop: what is still to be done about open experiments, on which machines; pure.

Here is said what can be foreseen, not what may be done: whether a job may begin is decided by
`orchestrator.core.job_plan`, whatever was foreseen.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf
from typing import Final

from orchestrator.core.attempts import is_lost, is_unsettled, retry_time
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.equals import choices_for
from orchestrator.core.events import PlannedJob
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.job_turns import is_given_up
from orchestrator.core.lab import LabState
from orchestrator.core.occupancy import stays_of
from orchestrator.core.others import NOBODY, Others
from orchestrator.core.shop import Machine, Shop, Task

__all__ = ["NOTHING_COMES", "Coming", "Hindrances", "key_of", "left_s", "shop_of"]

_COMING: Final = "next sample "
_N_LOOKED_AT: Final = 5
"""How many ended experiments tell since when an instrument stands idle."""
_SHORTEST_S: Final = 0.1
"""What a job takes at least: nothing is done in no time."""
_OVERDUE: Final = 0.1
"""Part of its expected duration that a job is taken to need still that should have ended."""


@dataclass(frozen=True, slots=True)
class Coming:
    """Samples that will begin soon; they are taken to be made like the last one."""

    n: int = 0
    in_s: float = 0.0
    """In how many seconds."""


NOTHING_COMES: Final = Coming()


@dataclass(frozen=True, slots=True)
class Hindrances:
    """What keeps jobs from being foreseen as usual."""

    barred: Collection[str] = ()
    """Ids of own jobs that cannot begin before somebody does something; nor what follows them."""
    claimed_s: Mapping[str, float] = field(default_factory=dict)
    """For how long an instrument is left to another campaign, by name."""
    closes_s: float = inf
    """When nothing may be under way any more."""
    coming: Coming = NOTHING_COMES


_NONE: Final = Hindrances()


def key_of(state: CampaignState, job: JobState) -> str:
    """Return a job's key among the jobs of all campaigns: ``oer-plate-1/E0004/fire``."""
    return f"{state.campaign_id}/{job.planned.job_id}"


def left_s(job: JobState, now: datetime) -> float:
    """Return how long a job takes still, in seconds; more than 0 for one that has not ended.

    Args:
        job: One that waits or runs.
        now: The present time.
    """
    expected_s = max(job.planned.expected_s, _SHORTEST_S)
    if job.status is not JobStatus.STARTED or job.started_time is None:
        return expected_s
    elapsed_s = (now - job.started_time).total_seconds()
    return max(expected_s - elapsed_s, _OVERDUE * expected_s, _SHORTEST_S)


def shop_of(
    state: CampaignState,
    lab: LabState,
    now: datetime,
    others: Others = NOBODY,
    hindrances: Hindrances = _NONE,
) -> Shop:
    """Return what there is to do on a bench for a campaign, and what others are promised.

    Of the other campaigns' jobs only those are in it that must begin soon lest a sample spoils.

    Args:
        state: The campaign.
        lab: The laboratory.
        now: The present time.
        others: Who else is on the bench.
        hindrances: What keeps jobs from being foreseen as usual.
    """
    built = _Built(lab, now, hindrances, _idle_since((state, *others.states), now))
    for experiment in sorted(state.open_experiments.values(), key=lambda one: one.number):
        built.add(state, experiment)
    built.add_coming(state)
    for other in others.states:
        is_going_on = other.status in (CampaignStatus.RUNNING, CampaignStatus.PAUSING)
        if is_going_on and other.campaign_id in others.driven:
            for experiment in other.open_experiments.values():
                built.add_urgent(other, experiment)
                built.leave_later(experiment)
    for _, job in others.running(now):
        built.occupy(job)
    return Shop(
        tasks=built.tasks,
        machines=built.machines,
        running=built.running,
        ended=built.ended,
        free=_free(state, lab, others),
        leaving=tuple(built.leaving),
        closes_s=hindrances.closes_s,
    )


class _Built:
    """The parts of a shop while they are put together."""

    def __init__(
        self,
        lab: LabState,
        now: datetime,
        hindrances: Hindrances,
        idle_since_s: Mapping[str, float],
    ) -> None:
        self._idle_since_s = idle_since_s
        self._lab = lab
        self._now = now
        self._hindrances = hindrances
        self.tasks: dict[str, Task] = {}
        self.machines: dict[str, Machine] = {}
        self.running: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.leaving: list[tuple[float, str]] = []

    def add(self, state: CampaignState, experiment: ExperimentState) -> None:
        """Add what is left to do of an experiment, without what cannot be done for now."""
        jobs = list(_left(experiment))
        barred = _barred(jobs, self._hindrances.barred)
        held = experiment.places_held()
        seen = {*held}
        last = {place: job for job in experiment.jobs.values() for place in job.planned.positions}
        for job in experiment.jobs.values():
            self._note(state, job)
            if job.status is JobStatus.STARTED:
                self.occupy(job)
                ends_s = self.running[key_of(state, job)]
                self.leaving += [
                    (ends_s, place) for place in job.planned.positions if last[place] is job
                ]
        before: str | None = None
        for job in jobs:
            name = job.planned.name
            if name in barred or job.status is JobStatus.STARTED:
                continue
            takes = tuple(place for place in job.planned.positions if place not in seen)
            leaves = tuple(place for place in job.planned.positions if last[place] is job)
            seen.update(takes)
            after = self._after(state, experiment, job, before)
            self._add_task(
                state,
                _sample(state, experiment),
                job.planned,
                choices_for(state, experiment, job),
                after=after,
                takes=takes,
                leaves=leaves,
                since_s=self._since_s(experiment, after),
            )
            before = key_of(state, job) if is_given_up(experiment) else None

    def add_coming(self, state: CampaignState) -> None:
        """Add samples that are about to begin, so that loads wait for them."""
        last = max(state.open_experiments.values(), key=lambda one: one.number, default=None)
        coming = self._hindrances.coming
        if last is None or not coming.n:
            return
        self.running[_COMING] = max(coming.in_s, _SHORTEST_S)
        for number in range(coming.n):
            sample = f"{state.campaign_id}/{_COMING}{number + 1}"
            for planned in (job.planned for job in last.jobs.values()):
                after = tuple(f"{sample}/{name}" for name in planned.after if name in last.jobs)
                equal = state.equal_instruments.get(planned.instrument, ())
                names = (planned.instrument, *equal)
                self._add_task(state, sample, planned, names, after=after or (_COMING,))

    def add_urgent(self, state: CampaignState, experiment: ExperimentState) -> None:
        """Add those jobs of another campaign's experiment that must follow what has begun."""
        begun = {
            job.planned.name
            for job in experiment.jobs.values()
            if job.status is JobStatus.STARTED or _is_done(job)
        }
        for job in _left(experiment):
            planned = job.planned
            is_urgent = planned.max_wait_s is not None and planned.after
            if (
                job.status is JobStatus.STARTED
                or not is_urgent
                or not begun.issuperset(planned.after)
            ):
                continue
            for name in planned.after:
                self._note(state, experiment.jobs[name])
            begun.add(planned.name)
            names = choices_for(state, experiment, job)
            after = self._after(state, experiment, job, None)
            self._add_task(state, _sample(state, experiment), planned, names, after=after)

    def leave_later(self, experiment: ExperimentState) -> None:
        """Note when another campaign's sample leaves its places, if it goes on without a break."""
        held, at_s = experiment.places_held(), 0.0
        last = {place: job for job in experiment.jobs.values() for place in job.planned.positions}
        for job in _left(experiment):
            at_s += left_s(job, self._now)
            self.leaving += [(at_s, place) for place in held if last[place] is job]

    def occupy(self, job: JobState) -> None:
        """Note that an instrument does a job."""
        machine = self._machine(job.instrument, 1)
        free_s = max(machine.free_s, left_s(job, self._now))
        self.machines[machine.name] = Machine(machine.name, machine.capacity, free_s)

    def _note(self, state: CampaignState, job: JobState) -> None:
        """Note when a job ends or has ended."""
        key = key_of(state, job)
        if job.status is JobStatus.STARTED:
            self.running[key] = left_s(job, self._now)
        elif is_unsettled(job):
            self.machines[job.instrument] = Machine(job.instrument, 1, inf)
        elif _is_done(job) and job.ended_time is not None:
            self.ended[key] = min(0.0, (job.ended_time - self._now).total_seconds())

    def _after(
        self, state: CampaignState, experiment: ExperimentState, job: JobState, before: str | None
    ) -> tuple[str, ...]:
        """Return the keys of what a task waits for; a wait for its next attempt is one of them."""
        if is_given_up(experiment):
            return () if before is None else (before,)
        keys = [
            key_of(state, experiment.jobs[name])
            for name in job.planned.after
            if name in experiment.jobs
        ]
        again = retry_time(job)
        if again is not None and again > self._now:
            wait = f"{key_of(state, job)}, next attempt"
            self.running[wait] = (again - self._now).total_seconds()
            keys.append(wait)
        return tuple(keys)

    def _add_task(
        self,
        state: CampaignState,
        sample: str,
        planned: PlannedJob,
        names: tuple[str, ...],
        *,
        after: tuple[str, ...],
        takes: tuple[str, ...] = (),
        leaves: tuple[str, ...] = (),
        since_s: float = 0.0,
    ) -> None:
        capacities = [state.capacities.get(name, 1) for name in names]
        for name, capacity in zip(names, capacities, strict=True):
            self._machine(name, capacity)
        has_loads = max(capacities) > 1
        is_bound = planned.max_wait_s is not None and not planned.is_cleanup and bool(after)
        key = f"{sample}/{planned.name}"
        self.tasks[key] = Task(
            key=key,
            sample=sample,
            machines=names,
            duration_s=max(planned.expected_s, _SHORTEST_S),
            after=after,
            load=_load(planned) if has_loads else "",
            max_wait_s=planned.max_wait_s if is_bound and planned.max_wait_s else inf,
            takes=takes,
            leaves=leaves,
            since_s=since_s,
        )

    def _since_s(self, experiment: ExperimentState, after: tuple[str, ...]) -> float:
        """Return since when a task could begin, 0 or less; 0 if it cannot yet."""
        if any(key in self.tasks or key in self.running for key in after):
            return 0.0
        begun_s = (experiment.started_time - self._now).total_seconds()
        return min(0.0, max((self.ended.get(key, begun_s) for key in after), default=begun_s))

    def _machine(self, name: str, capacity: int) -> Machine:
        known = self.machines.get(name)
        if known is None:
            is_gone = bool(self._lab.why_unusable(name))
            free_s = inf if is_gone else self._hindrances.claimed_s.get(name, 0.0)
            known = Machine(name, capacity, free_s, self._idle_since_s.get(name, -inf))
        elif capacity > known.capacity:
            known = replace(known, capacity=capacity)
        self.machines[name] = known
        return known


def _left(experiment: ExperimentState) -> Iterator[JobState]:
    """Yield the jobs that run or are still to be done, in the recipe's order."""
    given_up = is_given_up(experiment)
    has_touched = any(job.has_touched for job in experiment.jobs.values())
    for job in experiment.jobs.values():
        if _is_done(job) or (is_lost(job) and job.status is not JobStatus.STARTED):
            continue
        if (
            not given_up
            or job.status is JobStatus.STARTED
            or (has_touched and job.planned.is_cleanup)
        ):
            yield job


def _barred(jobs: Iterable[JobState], barred: Collection[str]) -> set[str]:
    """Return the names of jobs that cannot be done for now: in doubt, barred, or after such."""
    found: set[str] = set()
    for job in jobs:
        is_in_doubt = is_unsettled(job) and job.status is not JobStatus.STARTED
        is_after = not found.isdisjoint(job.planned.after)
        if is_in_doubt or is_after or job.planned.job_id in barred:
            found.add(job.planned.name)
    return found


def _free(state: CampaignState, lab: LabState, others: Others) -> dict[str, int]:
    """Return how many more samples each place holds that matters to a campaign."""
    own = [
        stay
        for experiment in state.open_experiments.values()
        for stay in stays_of(experiment, experiment.experiment_id)
    ]
    names = {
        place
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        for place in job.planned.positions
    }
    found = {name: state.slots.get(name, 1) for name in names}
    for stay in [*own, *others.stays()]:
        if stay.place in found:
            found[stay.place] -= 1
    return {name: 0 if name in lab.unclean else n for name, n in found.items()}


def _sample(state: CampaignState, experiment: ExperimentState) -> str:
    return f"{state.campaign_id}/{experiment.experiment_id}"


def _load(planned: PlannedJob) -> str:
    """Return what jobs have in common that one order can do."""
    return f"{planned.action} {json.dumps(planned.arguments, sort_keys=True)}"


def _idle_since(states: Iterable[CampaignState], now: datetime) -> dict[str, float]:
    """Return when instruments ended their last job, 0 or less, as far as that is remembered."""
    found: dict[str, float] = {}
    for state in states:
        for experiment in (
            *state.closed_experiments[-_N_LOOKED_AT:],
            *state.open_experiments.values(),
        ):
            for job in experiment.jobs.values():
                if job.ended_time is not None:
                    ended_s = min(0.0, (job.ended_time - now).total_seconds())
                    found[job.instrument] = max(found.get(job.instrument, -inf), ended_s)
    return found


def _is_done(job: JobState) -> bool:
    return job.is_past

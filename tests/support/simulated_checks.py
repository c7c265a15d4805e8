"""What must hold after every simulated campaign: the acts on the bench counted against the log."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import DoubtAnswered, JobStarted, campaign_stream
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.job_turns import must_begin_by
from orchestrator.errors import IllegalTransition
from simulators.device import Act
from tests.support.cleaning_judge import cleaning_violations
from tests.support.simulated_lab import CAMPAIGN_ID, SimulatedLab
from tests.support.small_bench import FLOW_UL_PER_S
from tests.support.stock_hand import stock_violations

__all__ = ["Attempt", "attempts_at", "moved_whole", "tries_by_job", "violations"]

REPEATABLE: Final = frozenset({"pure", "idempotent"})
TOLERANCE: Final = 0.05
"""How far a stroke's liquid may be from what was asked, as a fraction."""
LATE_UL: Final = 1.1 * FLOW_UL_PER_S
"""What runs through the valve while its relay is being switched off and read back."""
TOUCHING: Final = frozenset({"delivered", "did", "infused", "withdrew"})
"""Acts that touch matter; a tare, a sweep and an output do not."""
SLACK: Final = timedelta(microseconds=10)


@dataclass
class Attempt:
    """One order that a station accepted, and what its instrument then did to matter."""

    key: str
    job_id: str
    acts: list[Act] = field(default_factory=list)

    def moved_ul(self, act: str) -> float:
        """Return how much liquid was moved in one way, in microlitres."""
        return sum(one.amount for one in self.acts if one.act == act)

    @property
    def has_moved(self) -> bool:
        """Whether matter was touched."""
        return any(one.act in TOUCHING for one in self.acts)


def attempts_at(lab: SimulatedLab) -> tuple[list[Attempt], list[str]]:
    """Return every accepted order with its acts, and the acts that belong to none.

    An instrument does one job at a time, so an act belongs to the last order that its instrument
    accepted before the act ended.
    """
    attempts = [
        (time, instrument, Attempt(key, key.partition("/")[2].rpartition("#")[0]))
        for time, instrument, key in lab.journal.accepted
    ]
    strays: list[str] = []
    for instrument, acts in lab.bench.acts().items():
        own = [(time, attempt) for time, name, attempt in attempts if name == instrument]
        for act in acts:
            owners = [attempt for time, attempt in own if time <= act.time + SLACK]
            if owners:
                owners[-1].acts.append(act)
            elif act.act in TOUCHING:
                strays.append(f"{instrument} {act.act} {act.amount:g} {act.unit} for no order")
    return [attempt for _, _, attempt in attempts], strays


def tries_by_job(lab: SimulatedLab, attempts: list[Attempt]) -> dict[str, list[Attempt]]:
    """Return the accepted orders that were to do each job: its own, or that of who led its load."""
    by_key = {attempt.key: attempt for attempt in attempts}
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.job_id, []).append(attempt)
    records = list(lab.log.read(stream=campaign_stream(CAMPAIGN_ID)))
    numbers = {
        (record.event.job_id, record.time): record.event.attempt
        for record in records
        if isinstance(record.event, JobStarted)
    }
    for record in records:
        event = record.event
        if isinstance(event, JobStarted) and event.led_by:
            number = numbers[event.led_by, record.time]
            key = f"{CAMPAIGN_ID}/{event.led_by}#{number}@{record.time:%Y%m%dT%H%M%S%f}"
            if key in by_key:
                found.setdefault(event.job_id, []).append(by_key[key])
    return found


def moved_whole(attempt: Attempt, job: JobState) -> bool:
    """Tell whether an attempt was carried out as asked, and no more than that."""
    if job.planned.action == "carry_out":
        return attempt.moved_ul("did") == 1.0
    if job.planned.action == "open_for":
        asked_ul = FLOW_UL_PER_S * float(job.planned.arguments["duration_s"])
        return abs(attempt.moved_ul("delivered") - asked_ul) <= asked_ul * TOLERANCE + LATE_UL
    asked_ul = float(job.planned.arguments["volume_ul"])
    if job.planned.name == "drain":
        n_strokes = sum(one.act in ("withdrew", "infused") for one in attempt.acts)
        return n_strokes >= 2
    least_ul = asked_ul * (1 - TOLERANCE)
    return attempt.moved_ul("withdrew") >= least_ul and attempt.moved_ul("infused") >= least_ul


def violations(lab: SimulatedLab) -> list[str]:
    """Return everything that is wrong with a laboratory at the end; nothing, if all is well."""
    records = list(lab.log.read(stream=campaign_stream(CAMPAIGN_ID)))
    try:
        state = fold((record.event, record.time) for record in records)
    except IllegalTransition as error:
        return [f"the log does not fold: {error}"]
    if state is None:
        return ["the log is empty"]
    found: list[str] = []
    verified = lab.log.verify()
    if not verified.is_whole:
        found.append(f"verify: {verified.first_bad_seq}: {verified.reason}{verified.damage}")
    answered = {
        record.event.job_id for record in records if isinstance(record.event, DoubtAnswered)
    }
    attempts, strays = attempts_at(lab)
    found += [*strays, *_unnoted(lab, attempts), *_end(state)]
    by_job = tries_by_job(lab, attempts)
    jobs = {
        job.planned.job_id: job
        for experiment in state.experiments
        for job in experiment.jobs.values()
    }
    for job_id, tries in by_job.items():
        if job_id not in jobs:
            found.append(f"{job_id}: a station accepted it, the log does not know it")
        elif jobs[job_id].planned.recovery not in REPEATABLE:
            found += _job(jobs[job_id], tries, is_answered=job_id in answered)
    lost = [
        job_id
        for job_id, job in jobs.items()
        if job.status is JobStatus.DONE and job_id not in by_job and job_id not in answered
    ]
    found += _racks(state, lab)
    found += stock_violations(lab.log)
    told = ((record.stream.partition("/")[2], record.event) for record in lab.log.read())
    found += cleaning_violations(told, [state])
    return [*found, *(f"{job_id}: lost: done, and no station accepted it" for job_id in lost)]


def _job(job: JobState, tries: list[Attempt], *, is_answered: bool) -> Iterator[str]:
    """Yield what is wrong with one job that must not be carried out twice."""
    name, status = job.planned.job_id, job.status
    moving = [attempt for attempt in tries if attempt.has_moved]
    keys = ", ".join(attempt.key for attempt in moving)
    most_ul = float(job.planned.arguments.get("volume_ul", math.inf)) * (1 + TOLERANCE)
    if len(moving) > 1:
        yield f"{name}: duplicated: {keys} all moved matter"
    for attempt in moving:
        if max(attempt.moved_ul("withdrew"), attempt.moved_ul("infused")) > most_ul:
            yield f"{name}: {attempt.key} moved more than {most_ul:g} ul"
    match status:
        case JobStatus.DONE:
            if not is_answered and not (moving and moved_whole(moving[-1], job)):
                yield f"{name}: lost: done, but its act is not whole on the bench"
            if is_answered and not moving:
                yield f"{name}: lost: said to have run, but nothing moved"
        case JobStatus.FAILED if not job.has_acted and moving:
            yield f"{name}: {keys} moved matter, but it is failed without having acted"
        case JobStatus.QUEUED | JobStatus.SKIPPED if moving:
            yield f"{name}: {keys} moved matter, but it is {status}"
        case JobStatus.STARTED:
            yield f"{name}: still started at the end: nobody reports it"
        case _:
            pass


def _unnoted(lab: SimulatedLab, attempts: list[Attempt]) -> Iterator[str]:
    """Yield the attempts that moved matter without a durable note before."""
    for attempt in attempts:
        entry = lab.journal.entry(attempt.key)
        if not attempt.has_moved:
            continue
        if entry is None or not entry.notes:
            yield f"{attempt.key}: moved matter that its station had not noted before"
        elif entry.outcome_json and _denies(entry.outcome_json):
            yield f"{attempt.key}: moved matter, but its station keeps {entry.outcome_json}"


def _denies(outcome_json: str) -> bool:
    outcome = json.loads(outcome_json)
    return outcome["kind"] == "refused" and not outcome["has_acted"]


def _racks(state: CampaignState, lab: SimulatedLab) -> Iterator[str]:
    """Yield slots that held two samples at the end, and samples that were spoilt and used."""
    owners: dict[tuple[str, int], str] = {}
    for experiment in state.open_experiments.values():
        for place in experiment.places_held():
            slot = experiment.slots.get(place, 1)
            other = owners.setdefault((place, slot), experiment.experiment_id)
            if other != experiment.experiment_id or slot > lab.rig.slots.get(place, 1):
                yield f"slot {slot} of {place} holds {other} and {experiment.experiment_id}"
    for experiment in state.experiments:
        for job in experiment.jobs.values():
            until = must_begin_by(experiment, job)
            if until is not None and job.started_time is not None and job.started_time > until:
                yield f"{job.planned.job_id} was begun though its sample was spoilt"


def _end(state: CampaignState) -> Iterator[str]:
    """Yield what is wrong with how the campaign stands."""
    if not state.status.has_ended and not state.status.is_waiting:
        yield f"neither ended nor waiting: {state.status}"
    if state.status.has_ended and state.open_experiments:
        yield f"ended with open experiments {', '.join(state.open_experiments)}"
    n_own = sum(1 for one in (*state.experiments, *state.queue) if one.added_by)
    if n_own != state.n_added:
        yield f"{state.n_added} points were added by a person, {n_own} are known"
    most = state.spec.stopping.max_experiments
    if most is not None and state.n_searched > most:
        yield f"{state.n_searched} experiments were made, {most} were allowed"
    if state.is_held_by_itself and not state.status_reason:
        yield "held without a reason"

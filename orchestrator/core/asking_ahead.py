"""How many candidates to ask for, and when: for free seats at once, ahead of time where it pays."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState, JobStatus

__all__ = ["Seats", "n_to_ask", "seats_of"]

_WORTH_AHEAD: Final = 0.05
"""Share of an experiment's duration for which the busiest place must stand idle before candidates
are asked for ahead of time: without the result that is about to come they are worth less."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Places for experiments in flight."""

    n_free: int
    n_wanted: int
    """Candidates that can be used by the time a proposal is there."""
    look_time: datetime | None
    """When to look again; None if nothing will be asked for ahead of time, or is to be now."""


def seats_of(
    state: CampaignState, running: Sequence[ExperimentState], now: datetime, planning_s: float
) -> Seats:
    """Return which seats are free or soon will be.

    Free seats are served at once. One that is taken is served ahead of time if otherwise the
    busiest place of the bench would stand idle for the want of a proposal, and then so that the
    proposal is there when the seat is free.

    Args:
        state: The campaign.
        running: Its experiments that occupy a seat.
        now: The present time.
        planning_s: How long a proposal takes.
    """
    recipe = state.spec.recipe
    n_free = (recipe.in_flight if recipe is not None else 1) - len(running)
    if n_free > 0:
        return Seats(n_free, n_free, None)
    if planning_s <= 0:
        return Seats(0, 0, None)
    left_s = min(_end_s(_spans(one, now)) for one in running)
    if not _would_be_missed(running, now, left_s, planning_s):
        return Seats(0, 0, None)
    if left_s <= planning_s:
        return Seats(0, 1, None)
    return Seats(0, 0, now + timedelta(seconds=left_s - planning_s))


def n_to_ask(state: CampaignState, seats: Seats) -> int:
    """Return how many candidates to ask for: no more than can be used at once.

    What is not used at once would be started later without the results that came meanwhile. A whole
    batch is asked for only where people look at candidates, in one go, or where candidates of one
    proposal must have something in common.

    Args:
        state: The campaign.
        seats: With at least one candidate wanted.
    """
    spec = state.spec
    n = spec.planner.batch
    if spec.approval.gate == "off" and spec.batch is None:
        n = min(n, seats.n_wanted)
    limit = spec.stopping.max_experiments
    return n if limit is None else min(n, limit - state.n_searched)


@dataclass(frozen=True, slots=True)
class _Span:
    """One job between its begin and its end, in seconds from now or from an experiment's start."""

    job: JobState
    begin_s: float
    end_s: float

    @property
    def places(self) -> set[str]:
        """Its instrument and positions, each of which does one thing at a time."""
        return {self.job.planned.instrument, *self.job.planned.positions}


def _would_be_missed(
    running: Sequence[ExperimentState], now: datetime, seat_s: float, planning_s: float
) -> bool:
    """Tell whether asking only when a seat is free, in `seat_s`, would leave much idle."""
    whole = _spans(running[0], None)
    used_s: Counter[str] = Counter()
    for span in whole:
        used_s.update(dict.fromkeys(span.places, span.end_s - span.begin_s))
    if not used_s:
        return False
    busiest = max(used_s, key=lambda place: (used_s[place], place))
    lead_s = min(span.begin_s for span in whole if busiest in span.places)
    idle_from_s = 0.0
    for one in sorted(running, key=lambda experiment: experiment.number):
        spans = [span for span in _spans(one, now) if busiest in span.places]
        begin_s = min((span.begin_s for span in spans), default=0.0)
        idle_from_s = max(idle_from_s, begin_s) + _end_s(spans) - begin_s
    idle_s = seat_s + planning_s + lead_s - max(idle_from_s, seat_s + lead_s)
    return idle_s > _WORTH_AHEAD * _end_s(whole)


def _spans(experiment: ExperimentState, now: datetime | None) -> list[_Span]:
    """Return when jobs begin and end at the earliest; without a time, from the start of all."""
    ended_s: dict[str, float] = {}
    found: list[_Span] = []
    for job in experiment.jobs.values():
        begin_s = max((ended_s.get(name, 0.0) for name in job.planned.after), default=0.0)
        left_s = job.planned.expected_s if now is None else _left_s(job, now)
        ended_s[job.planned.name] = begin_s + left_s
        found.append(_Span(job, begin_s, begin_s + left_s))
    return found


def _end_s(spans: Sequence[_Span]) -> float:
    return max((span.end_s for span in spans), default=0.0)


def _left_s(job: JobState, now: datetime) -> float:
    if job.is_past:
        return 0.0
    if job.status is JobStatus.STARTED and job.started_time is not None:
        return max(0.0, job.planned.expected_s - (now - job.started_time).total_seconds())
    return job.planned.expected_s

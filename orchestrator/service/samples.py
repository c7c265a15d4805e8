"""Samples: where each one is now, what was done to it, what is still to be done, what went in."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from orchestrator.core.campaign import CampaignState
from orchestrator.core.experiment import ExperimentState, ExperimentStatus
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.job_turns import must_begin_by, runnable_jobs
from orchestrator.core.occupancy import stays_of
from orchestrator.core.stock import PER_UNIT
from orchestrator.errors import RequestRefused
from orchestrator.service.lab import Lab
from orchestrator.service.views import CampaignLine

__all__ = [
    "JobOfSample",
    "SampleView",
    "Slot",
    "Stand",
    "WentIn",
    "Whereabouts",
    "place_boards",
    "sample",
    "samples",
    "unfinished",
]

Standing: TypeAlias = Literal[
    "waiting", "on the bench", "in doubt", "measured", "spoilt", "lost", "not begun"
]
_ENDED: Final = ("stopped", "aborted", "finished")
_MOST_APART: Final = 100
"""Samples of one load are looked for among so many before and after."""
_N_ENDED: Final = 20
"""Ended samples of a campaign that are listed."""


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Stand(_View):
    """A sample at a place."""

    place: str
    slot: int | None
    """From 1, where the place has several."""
    since: datetime
    until: datetime | None
    """None while it stands there."""


class JobOfSample(_View):
    """One job, as far as it has come."""

    name: str
    instrument: str
    action: str
    state: str
    started_time: datetime | None
    ended_time: datetime | None
    n_readings: int
    with_samples: tuple[str, ...]
    """Other samples that the same order does."""
    note: str
    """Why it failed, was skipped or is in doubt."""
    is_due: bool
    """Whether it is its turn."""
    must_begin_by: datetime | None
    """Until when it must begin, lest the sample is spoilt."""


class WentIn(_View):
    """What was taken from one lot for a sample."""

    stock: str
    lot: str
    amount: float
    unit: str
    """``ml`` or ``g``."""


class SampleView(_View):
    """One sample."""

    sample: str
    """``oer-plate-1/E0017``."""
    campaign_id: str
    experiment_id: str
    standing: Standing
    reason: str
    """Why it was lost or spoilt."""
    purpose: str
    point: Mapping[str, float | str]
    started_time: datetime
    ended_time: datetime | None
    stands: tuple[Stand, ...]
    """Where it is now."""
    stood: tuple[Stand, ...]
    """Where it was before."""
    done: tuple[JobOfSample, ...]
    """Jobs that have begun, in order."""
    left: tuple[JobOfSample, ...]
    """Jobs that have not."""
    went_in: tuple[WentIn, ...]
    """What was drawn for it, or may have been; what of that is left is not measured."""


class Slot(_View):
    """Room for one sample."""

    number: int
    sample: str
    """Whose; empty if it is free."""


class Whereabouts(_View):
    """One place with what stands there."""

    place: str
    rig_name: str
    is_simulated: bool
    slots: tuple[Slot, ...]
    unclean: str
    """Who left it so; empty if it is clean."""


def unfinished(lines: Iterable[CampaignLine]) -> list[str]:
    """Return the ids of campaigns that have not ended.

    Args:
        lines: Of the list of campaigns.
    """
    return [one.campaign_id for one in lines if one.state not in _ENDED]


def samples(
    lab: Lab, states: Iterable[CampaignState], *, place: str = "", only_open: bool = False
) -> tuple[SampleView, ...]:
    """Return samples, those that are being made first, of each campaign the last ones that ended.

    Args:
        lab: Whose log.
        states: The campaigns whose samples are meant.
        place: Only those that stand there now; empty for any.
        only_open: Leave out those that have ended.
    """
    found: list[SampleView] = []
    for state in states:
        ended = () if only_open or place else state.closed_experiments[-_N_ENDED:]
        for experiment in (*_by_number(state), *reversed(ended)):
            view = _view(lab, state, experiment)
            if not place or any(stand.place == place for stand in view.stands):
                found.append(view)
    return tuple(found)


def sample(lab: Lab, state: CampaignState, experiment_id: str) -> SampleView:
    """Return one sample.

    Args:
        lab: Whose log.
        state: Its campaign, as far as it is known.
        experiment_id: Such as ``E0017``.

    Raises:
        RequestRefused: There is none.
    """
    for experiment in state.experiments:
        if experiment.experiment_id == experiment_id:
            return _view(lab, state, experiment)
    last = f"the last one is E{state.n_started:04d}" if state.n_started else "none was begun yet"
    raise RequestRefused(
        f"sample: got {experiment_id!r}, expected one of {state.campaign_id}; {last}"
    )


def place_boards(
    states: Iterable[CampaignState], unclean: Mapping[str, str]
) -> tuple[Whereabouts, ...]:
    """Return every place that a campaign uses, with its slots.

    Args:
        states: Campaigns that have not ended.
        unclean: Places that no sample may use, with who left them so.
    """
    boards: dict[tuple[str, bool, str, str], dict[int, str]] = {}
    for state in states:
        rig = state.rig_name, state.is_simulated, state.shelf
        for name in _places_of(state):
            slots = boards.setdefault((*rig, name), {})
            for number in range(1, state.slots.get(name, 1) + 1):
                slots.setdefault(number, "")
        for experiment in state.open_experiments.values():
            owner = f"{state.campaign_id}/{experiment.experiment_id}"
            for stay in stays_of(experiment, owner):
                boards.setdefault((*rig, stay.place), {})[stay.slot] = owner
    return tuple(
        Whereabouts(
            place=place,
            rig_name=rig_name,
            is_simulated=is_simulated,
            slots=tuple(Slot(number=n, sample=who) for n, who in sorted(slots.items())),
            unclean=unclean.get(place, ""),
        )
        for (rig_name, is_simulated, _, place), slots in sorted(boards.items())
    )


def _by_number(state: CampaignState) -> list[ExperimentState]:
    return sorted(state.open_experiments.values(), key=lambda one: one.number)


def _places_of(state: CampaignState) -> dict[str, None]:
    recipe = state.spec.recipe
    jobs = () if recipe is None else recipe.jobs
    return dict.fromkeys(place for job in jobs for place in job.positions)


def _view(lab: Lab, state: CampaignState, experiment: ExperimentState) -> SampleView:
    stands, stood = _stands(experiment)
    due = {job.planned.name for job in runnable_jobs(experiment)} if experiment.is_open else set()
    jobs = [_job(state, experiment, job, due) for job in experiment.jobs.values()]
    return SampleView(
        sample=f"{state.campaign_id}/{experiment.experiment_id}",
        campaign_id=state.campaign_id,
        experiment_id=experiment.experiment_id,
        standing=_standing(experiment),
        reason=experiment.reason or experiment.spoilt,
        purpose=experiment.purpose,
        point=dict(experiment.candidate.point),
        started_time=experiment.started_time,
        ended_time=experiment.ended_time,
        stands=stands,
        stood=stood,
        done=tuple(job for job in jobs if job.started_time is not None or job.state == "skipped"),
        left=tuple(job for job in jobs if job.started_time is None and job.state != "skipped"),
        went_in=tuple(_went_in(lab, state, experiment)),
    )


def _standing(experiment: ExperimentState) -> Standing:
    has_touched = any(job.has_touched for job in experiment.jobs.values())
    match experiment.status:
        case ExperimentStatus.IN_DOUBT:
            return "in doubt"
        case ExperimentStatus.DONE:
            return "measured"
        case ExperimentStatus.RUNNING:
            return "on the bench" if has_touched else "waiting"
        case ExperimentStatus.FAILED:
            if experiment.cause == "spoilt":
                return "spoilt"
            return "lost" if has_touched or not experiment.jobs else "not begun"


def _stands(experiment: ExperimentState) -> tuple[tuple[Stand, ...], tuple[Stand, ...]]:
    """Return where a sample is, and where it was."""
    held = {stay.place for stay in stays_of(experiment, "")} if experiment.is_open else set()
    now: list[Stand] = []
    before: list[Stand] = []
    for place, jobs in _users(experiment).items():
        begun = [job.started_time for job in jobs if job.started_time and job.has_touched]
        if not begun:
            continue
        ends = [job.ended_time for job in jobs if job.ended_time is not None]
        is_there = place in held
        stand = Stand(
            place=place,
            slot=experiment.slots.get(place),
            since=min(begun),
            until=None if is_there else max(ends, default=experiment.ended_time),
        )
        (now if is_there else before).append(stand)
    return tuple(now), tuple(sorted(before, key=lambda one: one.since))


def _users(experiment: ExperimentState) -> dict[str, list[JobState]]:
    found: dict[str, list[JobState]] = {}
    for job in experiment.jobs.values():
        for place in job.planned.positions:
            found.setdefault(place, []).append(job)
    return found


def _job(
    state: CampaignState, experiment: ExperimentState, job: JobState, due: set[str]
) -> JobOfSample:
    is_due = job.planned.name in due
    by = must_begin_by(experiment, job) if is_due else None
    return JobOfSample(
        name=job.planned.name,
        instrument=job.instrument,
        action=job.planned.action,
        state=str(job.status),
        started_time=job.started_time,
        ended_time=job.ended_time,
        n_readings=len(job.readings),
        with_samples=tuple(_others_of_load(state, experiment, job)),
        note=job.evidence if job.status is not JobStatus.DONE else "",
        is_due=is_due,
        must_begin_by=by,
    )


def _others_of_load(
    state: CampaignState, experiment: ExperimentState, job: JobState
) -> Iterator[str]:
    """Yield the other samples of the order that a job was begun with, ended ones too."""
    leader_id = job.led_by or job.planned.job_id
    if job.started_time is None:
        return
    for other in (*state.closed_experiments, *state.open_experiments.values()):
        if other is experiment or abs(other.number - experiment.number) > _MOST_APART:
            continue
        for one in other.jobs.values():
            is_of_load = leader_id in (one.led_by, one.planned.job_id)
            if is_of_load and one.started_time == job.started_time:
                yield f"{state.campaign_id}/{other.experiment_id}"


def _went_in(lab: Lab, state: CampaignState, experiment: ExperimentState) -> Iterator[WentIn]:
    where = {"campaign_id": state.campaign_id, "experiment_id": experiment.experiment_id}
    rows: list[dict[str, Any]] = lab.rows("stock_holding", where)
    if not rows:
        return
    lots: list[dict[str, Any]] = lab.rows("stock_lot", {"shelf": rows[0]["shelf"]})
    units = {str(row["stock"]): str(row["unit"]) for row in lots}
    amounts: dict[tuple[str, str], int] = {}
    for drawn in dict(rows[0]["drawn"]).values():
        for stock, lot, amount, *_ in drawn:
            amounts[stock, lot] = amounts.get((stock, lot), 0) + int(amount)
    for (stock, lot), amount in sorted(amounts.items()):
        yield WentIn(stock=stock, lot=lot, amount=amount / PER_UNIT, unit=units.get(stock, "ml"))

"""What happened to one experiment: every attempt of every job, every reading, every correction.

Its records are found by their time, by halving, so that a log of a million records is not read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from orchestrator.core.events import (
    AnalysisFinished,
    CorrectionEvent,
    DoubtAnswered,
    Event,
    ExperimentEvent,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    JobEvent,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    LoggedReading,
    ObservationAmended,
    ObservationGiven,
    ObservationRecorded,
    ObservationRetracted,
    SampleSpoilt,
    campaign_stream,
)
from orchestrator.core.experiment import experiment_id_of
from orchestrator.log.event_log import Record
from orchestrator.service.lab import Lab
from orchestrator.service.labels import arguments_text, label_from_name, number_text
from orchestrator.service.live import LiveLab
from orchestrator.service.live_views import ExperimentDetail

__all__ = ["ExperimentStory", "Happening", "Origin", "experiment_story"]

_MOST_READ: Final = 20_000
"""Records looked through for one experiment."""
_SHOWN_SERIES: Final = 3

Tone: TypeAlias = Literal["neutral", "good", "bad", "warning"]


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Happening(_View):
    """One line of the story."""

    seq: int
    time: datetime
    hours: float
    """Since the campaign's opening."""
    actor: str
    what: str
    """In words: ``tare on balance, attempt 2``."""
    detail: str
    """Readings, values or the reason; may be empty."""
    tone: Tone = "neutral"


class Origin(_View):
    """Where its candidate came from."""

    candidate_id: str
    proposal: int
    state: str
    judged_by: str
    reason: str
    is_out_of_distribution: bool | None


class ExperimentStory(_View):
    """One experiment from its start to the last correction that is known."""

    happenings: tuple[Happening, ...]
    is_cut: bool
    """Whether so much stood between its records that the rest was not looked for."""
    started_seq: int | None
    """Of the record of its start."""
    origin: Origin | None
    """None for a reference sample."""
    corrected_by: str
    """Who corrected it last; empty if nobody did."""
    first_values: Mapping[str, float]
    """What was recorded before anybody corrected it; empty if nothing was."""


def experiment_story(live: LiveLab, campaign_id: str, detail: ExperimentDetail) -> ExperimentStory:
    """Return what happened to an experiment.

    Args:
        live: Whose log.
        campaign_id: Of which campaign.
        detail: The experiment.
    """
    experiment = detail.experiment
    wanted = experiment.experiment_id
    state = live.state(campaign_id)
    with live.using() as lab:
        records, is_cut = _records(lab, campaign_id, wanted, experiment.started_time)
        where = {"campaign_id": campaign_id, "experiment_id": wanted}
        rows = lab.rows("candidate", where) if experiment.purpose == "search" else []
        told = lab.rows("experiment", where)
    happenings = []
    for record in records:
        hours = (record.time - state.opened_time).total_seconds() / 3600.0
        what, text, tone = _told(record.event)
        happenings.append(
            Happening(
                seq=record.seq,
                time=record.time,
                hours=hours,
                actor=record.actor,
                what=what,
                detail=text,
                tone=tone,
            )
        )
    first = [r.event for r in records if isinstance(r.event, ObservationRecorded)]
    return ExperimentStory(
        happenings=tuple(happenings),
        is_cut=is_cut,
        started_seq=records[0].seq if records else None,
        origin=_origin(rows[0]) if rows else None,
        corrected_by=str(told[0]["corrected_by"]) if told else "",
        first_values=first[0].observation.values if first else {},
    )


def _origin(row: Mapping[str, Any]) -> Origin:
    names = ("candidate_id", "proposal", "state", "judged_by", "reason", "is_out_of_distribution")
    return Origin(**{name: row[name] for name in names})


def _records(
    lab: Lab, campaign_id: str, experiment_id: str, started: datetime
) -> tuple[list[Record], bool]:
    """Return an experiment's records, and whether it may have more than were looked for."""
    stream = campaign_stream(campaign_id)
    found: list[Record] = []
    n_read = 0
    read = lab.records(stream, after_seq=_seq_before(lab, stream, started))
    for record in islice(read, _MOST_READ):
        n_read += 1
        if _subject(record.event) == experiment_id:
            found.append(record)
            if isinstance(record.event, ExperimentFinished | ExperimentFailed):
                break
    has_ended = bool(found) and isinstance(found[-1].event, ExperimentFinished | ExperimentFailed)
    if has_ended:
        later = islice(lab.records(stream, after_seq=found[-1].seq), _MOST_READ - n_read)
        found += [
            record
            for record in later
            if isinstance(record.event, CorrectionEvent)
            and record.event.experiment_id == experiment_id
        ]
    return found, n_read >= _MOST_READ


def _seq_before(lab: Lab, stream: str, time: datetime) -> int:
    """Return a seq after which every record of a stream from a time on stands."""
    low, high = 0, lab.last_seq()
    while low < high:
        middle = (low + high) // 2
        following = next(lab.records(stream, after_seq=middle, limit=1), None)
        if following is None or following.time >= time:
            high = middle
        else:
            low = middle + 1
    return low


def _subject(event: Event) -> str:
    """Return the experiment that an event is about; empty if about none."""
    if isinstance(event, JobEvent):
        return experiment_id_of(event.job_id)
    if isinstance(event, ExperimentEvent | ExperimentStarted):
        return event.experiment_id
    return ""


_CUT_OFF: Final[tuple[str, Tone]] = ("was cut off", "warning")
_SKIPPED: Final[tuple[str, Tone]] = ("was skipped", "neutral")


def _told(event: Event) -> tuple[str, str, Tone]:
    """Return what happened, the details, and whether it was good or bad."""
    match event:
        case ExperimentStarted():
            return "started", f"{len(event.jobs)} jobs were bound", "neutral"
        case JobStarted():
            where = f" on {event.instrument}" if event.instrument else ""
            load = f"in one load with {event.led_by}" if event.led_by else ""
            slots = [f"{place} slot {slot}" for place, slot in event.slots.items()]
            more = ", ".join(filter(None, [load, *slots]))
            return f"{_name(event.job_id)} began{where}, attempt {event.attempt}", more, "neutral"
        case JobFinished():
            return f"{_name(event.job_id)} done", _readings(event.readings), "good"
        case JobFailed():
            acted = "matter was touched" if event.has_acted else "nothing was touched"
            text = f"{event.error}: {event.message} ({acted})"
            return f"{_name(event.job_id)} failed", text, "bad"
        case JobOutcomeUnknown():
            return f"{_name(event.job_id)}: nobody knows the outcome", event.evidence, "warning"
        case JobInterrupted() | JobSkipped():
            what, tone = _CUT_OFF if isinstance(event, JobInterrupted) else _SKIPPED
            return f"{_name(event.job_id)} {what}", event.reason, tone
        case DoubtAnswered():
            said = event.answer.replace("_", " ")
            return f"{_name(event.job_id)}: a person says it {said}", event.reason, "neutral"
        case _:
            return _result_told(event)


def _result_told(event: Event) -> tuple[str, str, Tone]:
    match event:
        case AnalysisFinished():
            values = _values(event.values, event.sds)
            is_good = event.quality == "good"
            text = values if is_good else f"{event.reason} {values}".strip()
            return f"analysis {event.analysis}", text, "good" if is_good else "bad"
        case ObservationRecorded():
            observation = event.observation
            if observation.is_failed:
                return "the sample could not be made", "it is told to the planner so", "bad"
            return "result recorded", _values(observation.values, observation.sds), "good"
        case ObservationGiven() | ObservationAmended() | ObservationRetracted():
            return _correction_told(event)
        case SampleSpoilt():
            return "the sample is spoilt", event.reason, "bad"
        case ExperimentFinished():
            return "ended well", "", "good"
        case ExperimentFailed():
            return f"failed: {event.cause}", event.reason, "bad"
        case _:
            return event.kind, "", "neutral"


def _correction_told(event: CorrectionEvent) -> tuple[str, str, Tone]:
    match event:
        case ObservationGiven():
            values = _values(event.observation.values, event.observation.sds)
            return "result given by hand", f"{values}: {event.remark}", "warning"
        case ObservationAmended():
            values = _values(event.observation.values, event.observation.sds)
            return "result corrected", f"{values}: {event.reason}", "warning"
        case ObservationRetracted():
            return "result taken back", event.reason, "warning"


def _name(job_id: str) -> str:
    return job_id.partition("/")[2]


def _values(values: Mapping[str, float], sds: Mapping[str, float]) -> str:
    return ", ".join(
        f"{label_from_name(name)} {number_text(value)}"
        + (f" ± {number_text(sds[name], 2)}" if name in sds else "")
        for name, value in values.items()
    )


def _readings(readings: Sequence[LoggedReading]) -> str:
    """Return readings in words; of a series its length and its ends."""
    single = {one.name: one.value for one in readings if not isinstance(one.value, tuple)}
    parts = [arguments_text(single)] if single else []
    for one in readings:
        if isinstance(one.value, tuple):
            ends = ", ".join(number_text(value) for value in one.value[:_SHOWN_SERIES])
            more = " …" if len(one.value) > _SHOWN_SERIES else ""
            parts.append(f"{label_from_name(one.name)}: {len(one.value)} values {ends}{more}")
    return "; ".join(parts)

"""What each record changes in the tables that pages read; pure, and the same for every log.

A table row is a projection: it says nothing that the records do not say, and the tables may be
emptied and filled again at any time. A fact that cannot follow what is known changes no state
here; the fold of `core` is where it is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.core.campaign import CAMPAIGN_TRANSITIONS, CampaignStatus
from orchestrator.core.events import (
    CampaignOpened,
    EngineAttached,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    JobEvent,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobStarted,
    ObservationRecorded,
    campaign_stream,
)
from orchestrator.core.experiment import (
    EXPERIMENT_TRANSITIONS,
    ExperimentStatus,
    experiment_id_of,
)
from orchestrator.core.job import JOB_TRANSITIONS, JobStatus
from orchestrator.log.chain import text_from_time
from orchestrator.log.event_log import Record
from orchestrator.log.tables import Cell, Row
from orchestrator.log.wire_format import canonical_json

__all__ = ["RowChange", "Rows", "project"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row to put in, in place of the row with the same key if there is one."""

    table: str
    row: Row


class Rows(Protocol):
    """The tables as they are before a record."""

    def row(self, table: str, key: tuple[Cell, ...]) -> Row | None:
        """Return a copy of one row, or None."""
        ...

    def matching(self, table: str, where: Mapping[str, object]) -> Sequence[Row]:
        """Return copies of the rows whose columns have these values, in order."""
        ...


def project(record: Record, rows: Rows) -> tuple[RowChange, ...]:
    """Return what a record changes.

    Args:
        record: The next record of the log.
        rows: The tables after all records before it.
    """
    event = record.event
    if isinstance(event, CampaignOpened):
        if record.stream != campaign_stream(event.campaign_id):
            return ()
        return (RowChange("campaign", _opened(event, record)),)
    prefix = campaign_stream("")
    campaign = rows.row("campaign", (record.stream.removeprefix(prefix),))
    if campaign is None or not record.stream.startswith(prefix):
        return ()
    campaign["last_seq"] = record.seq
    campaign["last_time"] = text_from_time(record.time)
    _move_campaign(campaign, event)
    return (*_experiment_changes(campaign, event, record, rows), RowChange("campaign", campaign))


def _opened(event: CampaignOpened, record: Record) -> Row:
    time = text_from_time(record.time)
    return {
        "campaign_id": event.campaign_id,
        "name": event.name,
        "state": str(CampaignStatus.RUNNING),
        "reason": "",
        "seed": event.seed,
        "is_simulated": int(event.is_simulated),
        "opened_time": time,
        "last_time": time,
        "last_seq": record.seq,
        "n_experiments_started": 0,
        "n_observed": 0,
        "n_failed": 0,
        "n_in_doubt": 0,
        "cost_usd": 0.0,
        "engine_epoch": 0,
    }


def _move_campaign(campaign: Row, event: Event) -> None:
    if isinstance(event, EngineAttached):
        campaign["engine_epoch"] = event.epoch
    status = CAMPAIGN_TRANSITIONS.get((CampaignStatus(str(campaign["state"])), type(event)))
    if status is not None:
        campaign["state"] = str(status)
        campaign["reason"] = getattr(event, "reason", "") or campaign["reason"]


def _experiment_changes(
    campaign: Row, event: Event, record: Record, rows: Rows
) -> tuple[RowChange, ...]:
    """Return what an event changes below the campaign, and count it in the campaign's row."""
    match event:
        case ExperimentStarted():
            return _started(campaign, event, record)
        case ObservationRecorded() | ExperimentFinished() | ExperimentFailed():
            experiment = rows.row("experiment", (campaign["campaign_id"], event.experiment_id))
            if experiment is None:
                return ()
            before = experiment["state"]
            _move_experiment(campaign, experiment, event, record)
            _count_doubt(campaign, before, experiment["state"])
            return (RowChange("experiment", experiment),)
        case JobStarted() | JobFinished() | JobFailed() | JobOutcomeUnknown() | JobInterrupted():
            return _job_changes(campaign, event, record, rows)
        case _:
            return ()


def _started(campaign: Row, event: ExperimentStarted, record: Record) -> tuple[RowChange, ...]:
    campaign["n_experiments_started"] = _number(campaign["n_experiments_started"]) + 1
    campaign["cost_usd"] = _number(campaign["cost_usd"]) + event.cost_usd
    candidate = event.candidate.model_dump()
    experiment: Row = {
        "campaign_id": campaign["campaign_id"],
        "experiment_id": event.experiment_id,
        "number": event.number,
        "state": str(ExperimentStatus.RUNNING),
        "started_time": text_from_time(record.time),
        "ended_time": None,
        "cost_usd": event.cost_usd,
        "n_jobs": len(event.jobs),
        "point": _json(candidate["point"]),
        "predictions": _json(candidate["predictions"]),
        "made": None,
        "values": None,
        "sds": None,
        "computed": None,
        "cause": "",
        "reason": "",
    }
    jobs: list[Row] = [
        {
            "campaign_id": campaign["campaign_id"],
            "job_id": job.job_id,
            "experiment_id": event.experiment_id,
            "instrument": job.instrument,
            "action": job.action,
            "state": str(JobStatus.QUEUED),
            "attempt": 0,
            "started_time": None,
            "ended_time": None,
            "error": "",
            "evidence": "",
        }
        for job in event.jobs
    ]
    return (RowChange("experiment", experiment), *(RowChange("job", job) for job in jobs))


def _move_experiment(
    campaign: Row,
    experiment: Row,
    event: ObservationRecorded | ExperimentFinished | ExperimentFailed,
    record: Record,
) -> None:
    status = EXPERIMENT_TRANSITIONS.get((ExperimentStatus(str(experiment["state"])), type(event)))
    if status is None:
        return
    experiment["state"] = str(status)
    match event:
        case ObservationRecorded():
            observation = event.observation
            experiment["made"] = _json(observation.point)
            experiment["values"] = _json(observation.values)
            experiment["sds"] = _json(observation.sds)
            experiment["computed"] = _json(event.computed)
            campaign["n_observed"] = _number(campaign["n_observed"]) + (not observation.is_failed)
        case ExperimentFinished():
            experiment["ended_time"] = text_from_time(record.time)
        case ExperimentFailed():
            experiment["ended_time"] = text_from_time(record.time)
            experiment["cause"] = event.cause
            experiment["reason"] = event.reason
            campaign["n_failed"] = _number(campaign["n_failed"]) + 1


def _job_changes(
    campaign: Row, event: JobEvent, record: Record, rows: Rows
) -> tuple[RowChange, ...]:
    campaign_id = campaign["campaign_id"]
    job = rows.row("job", (campaign_id, event.job_id))
    experiment = rows.row("experiment", (campaign_id, experiment_id_of(event.job_id)))
    if job is None or experiment is None:
        return ()
    status = JOB_TRANSITIONS.get((JobStatus(str(job["state"])), type(event)))
    before = ExperimentStatus(str(experiment["state"]))
    if status is None or (before, type(event)) not in EXPERIMENT_TRANSITIONS:
        return ()
    job["state"] = str(status)
    _tell_job(job, event, text_from_time(record.time))
    after = _status_with(job, experiment, rows)
    if after is before:
        return (RowChange("job", job),)
    experiment["state"] = str(after)
    _count_doubt(campaign, before, after)
    return (RowChange("job", job), RowChange("experiment", experiment))


def _tell_job(job: Row, event: JobEvent, time: str) -> None:
    job["ended_time"] = time
    match event:
        case JobStarted():
            job.update(started_time=time, ended_time=None, error="", evidence="")
            job["attempt"] = event.attempt
        case JobFailed():
            job.update(error=event.error, evidence=event.message)
        case JobOutcomeUnknown():
            job["evidence"] = event.evidence
        case JobInterrupted():
            job["evidence"] = event.reason
        case JobFinished():
            pass


def _status_with(job: Row, experiment: Row, rows: Rows) -> ExperimentStatus:
    """Return an experiment's status: in doubt while one of its jobs is."""
    doubt = str(JobStatus.IN_DOUBT)
    if job["state"] == doubt:
        return ExperimentStatus.IN_DOUBT
    if experiment["state"] != str(ExperimentStatus.IN_DOUBT):
        return ExperimentStatus.RUNNING
    where = {"campaign_id": job["campaign_id"], "experiment_id": job["experiment_id"]}
    others = rows.matching("job", {**where, "state": doubt})
    is_in_doubt = any(other["job_id"] != job["job_id"] for other in others)
    return ExperimentStatus.IN_DOUBT if is_in_doubt else ExperimentStatus.RUNNING


def _count_doubt(campaign: Row, before: Cell, after: Cell) -> None:
    doubt = str(ExperimentStatus.IN_DOUBT)
    change = int(str(after) == doubt) - int(str(before) == doubt)
    campaign["n_in_doubt"] = _number(campaign["n_in_doubt"]) + change


def _number(cell: Cell) -> float | int:
    if isinstance(cell, int | float):
        return cell
    raise TypeError(f"got {cell!r}, expected a number")


def _json(value: object) -> str:
    return canonical_json(value).decode()

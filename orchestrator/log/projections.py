"""What each record changes in the tables that pages read; pure, and the same for every log.

A table row is a projection: it says nothing that the records do not say, and the tables may be
emptied and filled again at any time. A fact that cannot follow what is known changes no state
here; the fold of `core` is where it is an error.
"""

from orchestrator.core.campaign import CAMPAIGN_TRANSITIONS, CampaignStatus
from orchestrator.core.events import (
    CampaignOpened,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    CorrectionEvent,
    DoubtAnswered,
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
    JobSkipped,
    JobStarted,
    ObservationAmended,
    ObservationGiven,
    ObservationRecorded,
    ObservationRetracted,
    PointAdded,
    StockEvent,
    campaign_stream,
)
from orchestrator.core.experiment import (
    EXPERIMENT_TRANSITIONS,
    ExperimentStatus,
    experiment_id_of,
)
from orchestrator.core.job import JOB_TRANSITIONS, JobStatus
from orchestrator.core.stock import shelf_of
from orchestrator.log.candidate_rows import candidates_judged, candidates_proposed, candidates_taken
from orchestrator.log.cells import json_cell, number_cell
from orchestrator.log.chain import text_from_time
from orchestrator.log.event_log import Record
from orchestrator.log.stock_rows import holding_changes, lot_change
from orchestrator.log.tables import Cell, Row, RowChange, Rows

__all__ = ["project"]


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
    if isinstance(event, StockEvent):
        return (lot_change(event, record, rows),)
    prefix = campaign_stream("")
    campaign = rows.row("campaign", (record.stream.removeprefix(prefix),))
    if campaign is None or not record.stream.startswith(prefix):
        return ()
    campaign["last_seq"] = record.seq
    campaign["last_time"] = text_from_time(record.time)
    _move_campaign(campaign, event)
    changes = _experiment_changes(campaign, event, record, rows)
    taken = holding_changes(campaign, event, record, rows) if changes else ()
    return (*changes, *taken, RowChange("campaign", campaign))


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
        "n_candidates": 0,
        "n_experiments_started": 0,
        "n_observed": 0,
        "n_failed": 0,
        "n_in_doubt": 0,
        "cost_usd": 0.0,
        "engine_epoch": 0,
        "shelf": event.shelf or shelf_of(event.rig_name, is_simulated=event.is_simulated),
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
        case CandidatesProposed():
            return candidates_proposed(campaign, event)
        case CandidateApproved() | CandidateEdited() | CandidateRejected() | PointAdded():
            return candidates_judged(campaign, event, record, rows)
        case ExperimentStarted():
            taken = candidates_taken(campaign, event, rows)
            return (*_started(campaign, event, record), *taken)
        case ObservationGiven() | ObservationAmended() | ObservationRetracted():
            return _corrected(campaign, event, record, rows)
        case ObservationRecorded() | ExperimentFinished() | ExperimentFailed():
            experiment = rows.row("experiment", (campaign["campaign_id"], event.experiment_id))
            if experiment is None:
                return ()
            before = experiment["state"]
            _move_experiment(campaign, experiment, event, record)
            _count_doubt(campaign, before, experiment["state"])
            return (RowChange("experiment", experiment),)
        case (
            JobStarted()
            | JobSkipped()
            | JobFinished()
            | JobFailed()
            | JobOutcomeUnknown()
            | JobInterrupted()
            | DoubtAnswered()
        ):
            return _job_changes(campaign, event, record, rows)
        case _:
            return ()


def _started(campaign: Row, event: ExperimentStarted, record: Record) -> tuple[RowChange, ...]:
    campaign["n_experiments_started"] = number_cell(campaign["n_experiments_started"]) + 1
    campaign["cost_usd"] = number_cell(campaign["cost_usd"]) + event.cost_usd
    candidate = event.candidate.model_dump()
    experiment: Row = {
        "campaign_id": campaign["campaign_id"],
        "experiment_id": event.experiment_id,
        "number": event.number,
        "purpose": event.purpose,
        "state": str(ExperimentStatus.RUNNING),
        "started_time": text_from_time(record.time),
        "ended_time": None,
        "cost_usd": event.cost_usd,
        "n_jobs": len(event.jobs),
        "point": json_cell(candidate["point"]),
        "predictions": json_cell(candidate["predictions"]),
        "made": None,
        "values": None,
        "sds": None,
        "computed": None,
        "cause": "",
        "reason": "",
        "is_retracted": 0,
        "correction": "",
        "corrected_by": "",
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
            "answer": "",
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
            _tell_observation(experiment, event)
            _count_observed(campaign, int(_counts(experiment, event)))
        case ExperimentFinished():
            experiment["ended_time"] = text_from_time(record.time)
        case ExperimentFailed():
            experiment["ended_time"] = text_from_time(record.time)
            experiment["cause"] = event.cause
            experiment["reason"] = event.reason
            campaign["n_failed"] = number_cell(campaign["n_failed"]) + 1


def _corrected(
    campaign: Row, event: CorrectionEvent, record: Record, rows: Rows
) -> tuple[RowChange, ...]:
    """Return the row of an experiment of which a person corrected what it gave, or gave it."""
    experiment = rows.row("experiment", (campaign["campaign_id"], event.experiment_id))
    is_given = isinstance(event, ObservationGiven)
    if experiment is None or (experiment["made"] is None) is not is_given:
        return ()
    key = (ExperimentStatus(str(experiment["state"])), type(event))
    if key not in EXPERIMENT_TRANSITIONS:
        return ()
    did_count = not experiment["is_retracted"] and experiment["values"] not in (None, json_cell({}))
    does_count = not isinstance(event, ObservationRetracted) and _counts(experiment, event)
    if not isinstance(event, ObservationRetracted):
        _tell_observation(experiment, event)
    if experiment["purpose"] == "search":
        _count_observed(campaign, int(does_count) - int(did_count))
    experiment["is_retracted"] = int(isinstance(event, ObservationRetracted))
    reason = event.remark if isinstance(event, ObservationGiven) else event.reason
    experiment.update(correction=reason, corrected_by=record.actor)
    return (RowChange("experiment", experiment),)


def _counts(
    experiment: Row, event: ObservationRecorded | ObservationGiven | ObservationAmended
) -> bool:
    """Tell whether an observation says what a searched-for sample is like."""
    return experiment["purpose"] == "search" and not event.observation.is_failed


def _tell_observation(
    experiment: Row, event: ObservationRecorded | ObservationGiven | ObservationAmended
) -> None:
    observation = event.observation
    experiment["made"] = json_cell(observation.point)
    experiment["values"] = json_cell(observation.values)
    experiment["sds"] = json_cell(observation.sds)
    experiment["computed"] = json_cell(event.computed)


def _count_observed(campaign: Row, change: int) -> None:
    campaign["n_observed"] = number_cell(campaign["n_observed"]) + change


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
    if not isinstance(event, DoubtAnswered):
        job["ended_time"] = time
    match event:
        case JobStarted():
            job.update(started_time=time, ended_time=None, error="", evidence="")
            job["attempt"] = event.attempt
            job["instrument"] = event.instrument or job["instrument"]
        case JobFailed():
            job.update(error=event.error, evidence=event.message)
        case JobOutcomeUnknown():
            job.update(error="", evidence=event.evidence)
        case JobInterrupted() | JobSkipped():
            job["evidence"] = event.reason
        case DoubtAnswered():
            job["answer"] = f"{event.answer}: {event.reason}"
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
    campaign["n_in_doubt"] = number_cell(campaign["n_in_doubt"]) + change

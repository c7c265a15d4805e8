"""The queue as a table: what was proposed, who judged it, and which experiment it became."""

from orchestrator.core.events import (
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    ExperimentStarted,
)
from orchestrator.log.cells import json_cell, number_cell
from orchestrator.log.chain import text_from_time
from orchestrator.log.event_log import Record
from orchestrator.log.tables import Row, RowChange, Rows

__all__ = ["candidates_judged", "candidates_proposed", "candidates_taken"]

_IN_QUEUE = ("queued", "approved", "edited")


def candidates_proposed(campaign: Row, event: CandidatesProposed) -> tuple[RowChange, ...]:
    """Return the rows of a proposal, and count them in the campaign's row.

    Args:
        campaign: The campaign's row; it is changed.
        event: What was proposed.
    """
    before = int(number_cell(campaign["n_candidates"]))
    campaign["n_candidates"] = before + len(event.candidates)
    changes = []
    for number, candidate in enumerate(event.candidates, start=before + 1):
        told = candidate.model_dump()
        is_new = candidate.is_out_of_distribution
        row: Row = {
            "campaign_id": campaign["campaign_id"],
            "candidate_id": f"C{number:04d}",
            "proposal": event.proposal,
            "state": "queued",
            "point": json_cell(told["point"]),
            "proposed": json_cell(told["point"]),
            "predictions": json_cell(told["predictions"]),
            "is_out_of_distribution": None if is_new is None else int(is_new),
            "judged_by": "",
            "judged_time": None,
            "reason": "",
            "experiment_id": "",
        }
        changes.append(RowChange("candidate", row))
    return tuple(changes)


def candidates_judged(
    campaign: Row,
    event: CandidateApproved | CandidateEdited | CandidateRejected,
    record: Record,
    rows: Rows,
) -> tuple[RowChange, ...]:
    """Return the row of a candidate that a person judged; none if it is not in the queue.

    Args:
        campaign: The campaign's row.
        event: The judgement.
        record: With who judged, and when.
        rows: The tables before the record.
    """
    row = rows.row("candidate", (campaign["campaign_id"], event.candidate_id))
    if row is None or row["state"] not in _IN_QUEUE:
        return ()
    match event:
        case CandidateApproved():
            row["state"] = "approved"
        case CandidateRejected():
            row["state"] = "rejected"
        case CandidateEdited():
            row.update(state="edited", point=json_cell(event.point), predictions=json_cell({}))
            row["is_out_of_distribution"] = None
    row.update(judged_by=record.actor, judged_time=text_from_time(record.time), reason=event.reason)
    return (RowChange("candidate", row),)


def candidates_taken(campaign: Row, event: ExperimentStarted, rows: Rows) -> tuple[RowChange, ...]:
    """Return the row of the candidate that became an experiment; none for a reference sample.

    Args:
        campaign: The campaign's row.
        event: The start.
        rows: The tables before the record.
    """
    if event.purpose != "search":
        return ()
    where = {"campaign_id": campaign["campaign_id"], "point": json_cell(event.candidate.point)}
    for row in rows.matching("candidate", where):
        if row["state"] in _IN_QUEUE:
            row.update(state="started", experiment_id=event.experiment_id)
            return (RowChange("candidate", row),)
    return ()

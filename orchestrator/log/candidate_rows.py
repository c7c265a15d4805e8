"""The queue as a table: what was proposed or added, who judged it, what experiment it became."""

from orchestrator.core.events import (
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    ExperimentStarted,
    PointAdded,
)
from orchestrator.log.cells import json_cell, number_cell
from orchestrator.log.chain import text_from_time
from orchestrator.log.event_log import Record
from orchestrator.log.tables import Row, RowChange, Rows

__all__ = ["candidates_judged", "candidates_proposed", "candidates_taken"]

_IN_QUEUE = ("queued", "approved", "edited")
_NO_PROPOSAL = 0
"""What stands in place of a proposal's number where a person added the point."""


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
    event: CandidateApproved | CandidateEdited | CandidateRejected | PointAdded,
    record: Record,
    rows: Rows,
) -> tuple[RowChange, ...]:
    """Return the row of a candidate that a person judged or added; none if it is not in the queue.

    Args:
        campaign: The campaign's row.
        event: The judgement, or the person's own point.
        record: With who judged, and when.
        rows: The tables before the record.
    """
    if isinstance(event, PointAdded):
        return (RowChange("candidate", _own(campaign, event, record)),)
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
    found = [row for row in rows.matching("candidate", where) if row["state"] in _IN_QUEUE]
    for row in sorted(found, key=lambda row: row["proposal"] != _NO_PROPOSAL)[:1]:
        row.update(state="started", experiment_id=event.experiment_id)
        return (RowChange("candidate", row),)
    return ()


def _own(campaign: Row, event: PointAdded, record: Record) -> Row:
    """Return the row of a person's own point, approved by that person; its proposal is 0."""
    return {
        "campaign_id": campaign["campaign_id"],
        "candidate_id": event.candidate_id,
        "proposal": _NO_PROPOSAL,
        "state": "approved",
        "point": json_cell(event.point),
        "proposed": json_cell(event.point),
        "predictions": json_cell({}),
        "is_out_of_distribution": None,
        "judged_by": event.person,
        "judged_time": text_from_time(record.time),
        "reason": event.reason,
        "experiment_id": "",
    }

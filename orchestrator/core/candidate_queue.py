"""A campaign's queue: what was proposed or added by people, and how people change it; pure."""

from dataclasses import dataclass, replace
from typing import TypeAlias

from orchestrator.core.events import (
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    PointAdded,
)
from orchestrator.core.point import Candidate
from orchestrator.errors import IllegalTransition

__all__ = ["Queue", "QueuedCandidate", "judged", "own_id", "with_own", "with_proposed"]


@dataclass(frozen=True, slots=True)
class QueuedCandidate:
    """A candidate that was proposed, or added by a person, and not started."""

    candidate_id: str
    """``C0001``, or ``P0001`` for a person's own; each counted over the whole campaign."""
    candidate: Candidate
    is_approved: bool = False
    """Whether a person let it be made."""
    added_by: str = ""
    """Whose own point it is; empty for one that a planner proposed."""
    reason: str = ""
    """Why the person added it."""


Queue: TypeAlias = tuple[QueuedCandidate, ...]
"""Candidates in the order in which they are made."""


def own_id(number: int) -> str:
    """Return the id of a person's own point.

    Args:
        number: Counted from 1 over the whole campaign.

    Example:
        >>> own_id(3)
        'P0003'
    """
    return f"P{number:04d}"


def with_proposed(queue: Queue, event: CandidatesProposed, n_candidates: int) -> Queue:
    """Return the queue with a proposal at its end.

    Args:
        queue: Before it.
        event: The proposal.
        n_candidates: How many were proposed before.
    """
    proposed = (
        QueuedCandidate(f"C{number:04d}", candidate)
        for number, candidate in enumerate(event.candidates, start=n_candidates + 1)
    )
    return (*queue, *proposed)


def with_own(queue: Queue, event: PointAdded, n_added: int) -> Queue:
    """Return the queue with a person's own point, behind those that people added earlier.

    Args:
        queue: Before it.
        event: The point.
        n_added: How many people added before.

    Raises:
        IllegalTransition: The point is not the next that was counted.
    """
    if event.candidate_id != own_id(n_added + 1):
        raise IllegalTransition(f"point {event.candidate_id}", f"{n_added} added", event.kind)
    own = QueuedCandidate(
        candidate_id=event.candidate_id,
        candidate=Candidate(point=event.point),
        is_approved=True,
        added_by=event.person,
        reason=event.reason,
    )
    before = (one for one in queue if one.added_by)
    return (*before, own, *(one for one in queue if not one.added_by))


def judged(queue: Queue, event: CandidateApproved | CandidateEdited | CandidateRejected) -> Queue:
    """Return the queue after a person judged one of its candidates.

    Raises:
        IllegalTransition: It is not in the queue.
    """
    if event.candidate_id not in {queued.candidate_id for queued in queue}:
        raise IllegalTransition(f"candidate {event.candidate_id}", "not in the queue", event.kind)
    after = []
    for queued in queue:
        if queued.candidate_id != event.candidate_id:
            after.append(queued)
        elif isinstance(event, CandidateEdited):
            edited = Candidate(point=event.point)
            after.append(replace(queued, candidate=edited, is_approved=True))
        elif isinstance(event, CandidateApproved):
            after.append(replace(queued, is_approved=True))
    return tuple(after)

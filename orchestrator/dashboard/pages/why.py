"""Why each sample is made: every proposal, what speaks for it, and what a person says to it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.core.approvals import why_wait_for_approval
from orchestrator.dashboard.campaign_queries import known_campaign
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.proposal_books import books_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.live import LiveLab
from orchestrator.service.point_view import input_fields
from orchestrator.service.proposals import ProposalPage
from orchestrator.service.views import CampaignView
from orchestrator.service.why_view import (
    CandidateCard,
    ProposalCard,
    candidate_card,
    known_at,
    proposal_card,
    results_of,
)

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])

PROPOSALS: Final = 10
"""Of one page."""
MOST_WAITING: Final = 30
MOST_OWN: Final = 10


@router.get("/campaigns/{campaign_id}/why", name="why")
def why_page(
    request: Request, campaign_id: str, before: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """Show proposals, the newest first."""
    live = parts_of(request).live
    known_campaign(live, campaign_id)
    found = books_of(request).of(campaign_id).page(before=before, limit=PROPOSALS)
    view, state = live.for_plots(campaign_id), live.state(campaign_id)
    has_ended = state.status.has_ended
    waits = {
        one.candidate_id: why
        for one in state.queue
        if not has_ended and (why := why_wait_for_approval(state, one))
    }
    own = () if before else _own(live, view, waits)
    return page(
        request,
        "why.html",
        {
            "campaign": live.campaign(campaign_id),
            "current": "why",
            "cards": _cards(live, view, found, waits),
            "waiting": () if before else _waiting(live, view, waits),
            "waiting_ids": frozenset(list(waits)[:MOST_WAITING]),
            "own": own,
            "fields": input_fields(state.spec),
            "before": before,
            "next_before": found.next_before,
        },
    )


def _cards(
    live: LiveLab, view: CampaignView, found: ProposalPage, waits: dict[str, str]
) -> list[ProposalCard]:
    spec = live.state(view.campaign_id).spec
    return [
        proposal_card(view, spec, one, _rows(live, view, proposal=one.proposal), waits)
        for one in found.items
    ]


def _waiting(live: LiveLab, view: CampaignView, waits: dict[str, str]) -> list[CandidateCard]:
    rows = [
        row
        for candidate_id in list(waits)[:MOST_WAITING]
        for row in _rows(live, view, candidate_id=candidate_id)
    ]
    return _candidates(live, view, rows, waits)


def _own(live: LiveLab, view: CampaignView, waits: dict[str, str]) -> list[CandidateCard]:
    """Return the points that people added, the newest first."""
    rows = _rows(live, view, proposal=0)[-MOST_OWN:]
    return _candidates(live, view, rows[::-1], waits)


def _candidates(
    live: LiveLab, view: CampaignView, rows: list[dict[str, Any]], waits: dict[str, str]
) -> list[CandidateCard]:
    spec, results = live.state(view.campaign_id).spec, results_of(view)
    started = {one.experiment_id: one.started_time for one in view.experiments}
    return [
        candidate_card(spec, known_at(view, started.get(row["experiment_id"])), row, results, waits)
        for row in rows
    ]


def _rows(live: LiveLab, view: CampaignView, **where: object) -> list[dict[str, Any]]:
    """Return rows of candidates; their cells are of many types."""
    with live.using() as lab:
        return lab.rows("candidate", {"campaign_id": view.campaign_id, **where})

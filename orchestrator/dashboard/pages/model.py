"""How good the model is: predictions that were stored, against what came."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.campaign_queries import known_campaign
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.proposal_books import books_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.model_view import LEAST_PAIRS, method_stretches, model_view

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])

LAST_PAIRS: Final = 50
"""Rows of the table beside the parity plot."""
MOST_STRETCHES: Final = 100


@router.get("/campaigns/{campaign_id}/model", name="model")
def model_page(request: Request, campaign_id: str) -> Response:
    """Show what predictions were worth, and who proposed by which method."""
    live = parts_of(request).live
    known_campaign(live, campaign_id)
    view = live.for_plots(campaign_id)
    name = request.query_params.get("name", "")
    name = name if name in view.measured else next(iter(view.measured), "")
    model = model_view(view, name) if name else None
    proposals, is_whole = books_of(request).of(campaign_id).known()
    stretches = method_stretches([one for one in proposals if not one.is_failed])
    return page(
        request,
        "model.html",
        {
            "campaign": live.campaign(campaign_id),
            "current": "model",
            "model": model,
            "least": LEAST_PAIRS,
            "last_pairs": model.pairs[-LAST_PAIRS:][::-1] if model else (),
            "is_part": len(view.experiments) < view.counts.started,
            "n_shown": len(view.experiments),
            "stretches": stretches[-MOST_STRETCHES:][::-1],
            "n_more_stretches": max(0, len(stretches) - MOST_STRETCHES),
            "is_whole": is_whole,
        },
    )

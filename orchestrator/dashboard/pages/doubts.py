"""Jobs of which nobody knows whether they happened: the evidence, and the three answers."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import DashboardParts, parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.views import CampaignSummary, DoubtView

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])


@router.get("/doubts", name="doubts")
def doubts(request: Request) -> Response:
    """Show what is in doubt, with a form for each."""
    found = _open(parts_of(request))
    context = {"doubts": found, "digest": _digest(found)}
    return page(request, "doubts.html", context)


@router.get("/parts/doubts/changed", name="doubts_changed")
def doubts_changed(request: Request, digest: Annotated[str, Query(max_length=64)]) -> Response:
    """Say whether other jobs are in doubt than on a page; what is typed there stays."""
    has_changed = _digest(_open(parts_of(request))) != digest
    context = {"has_changed": has_changed, "here": "/doubts", "what": "What is in doubt"}
    return page(request, "changed.html", context)


def _open(parts: DashboardParts) -> list[tuple[CampaignSummary, DoubtView]]:
    """Return every doubt with its campaign, what needs a person first."""
    summaries = [
        parts.live.campaign(line.campaign_id) for line in parts.live.campaigns() if line.n_in_doubt
    ]
    found = [(one, doubt) for one in summaries if not one.has_ended for doubt in one.in_doubt]
    return sorted(found, key=lambda pair: not pair[1].needs_person)


def _digest(found: list[tuple[CampaignSummary, DoubtView]]) -> str:
    said = [
        f"{one.campaign_id} {one.status} {doubt.job_id} {doubt.attempt} {doubt.evidence}"
        for one, doubt in found
    ]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]

"""The expected course of every rig, for programs."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from orchestrator.access.roles import Scope
from orchestrator.dashboard.api.answers import PREFIX, for_scope, refused_as
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.service.plan import plans
from orchestrator.service.plan_view import PlanView

__all__ = ["router"]

router = APIRouter(prefix=PREFIX, tags=["laboratory"], dependencies=[Depends(needs(Scope.READ))])
_READ: Final = for_scope(Scope.READ)


@router.get("/plan", operation_id="plan", summary="What runs when, and why", openapi_extra=_READ)
def plan(request: Request, rig: Annotated[str, Query(max_length=200)] = "") -> tuple[PlanView, ...]:
    """Return of each rig every job of every open sample, why it waits, and expected ends."""
    with refused_as(422), parts_of(request).live.using() as lab:
        return plans(lab, rig=rig)

"""What runs when on every rig, what waits and why, and when campaigns should end."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.plan import plans
from orchestrator.service.plan_svg import plan_drawing

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])


@router.get("/plan", name="plan")
def plan(request: Request) -> Response:
    """Show the expected course of every rig."""
    return page(request, "plan.html", _context(request))


@router.get("/parts/plan/rigs", name="plan_rigs")
def plan_rigs(request: Request) -> Response:
    """Show the charts and tables anew."""
    return page(request, "plan/rigs.html", _context(request))


def _context(request: Request) -> dict[str, object]:
    with parts_of(request).live.using() as lab:
        found = plans(lab)
    return {"plans": [(one, plan_drawing(one)) for one in found]}

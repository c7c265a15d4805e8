"""What stands on the shelf, how long it lasts, and forms for what came, was counted or thrown."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.stock import shelves

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])


@router.get("/stock", name="stock")
def stock(request: Request) -> Response:
    """Show every lot, with forms for what a person did to one."""
    return page(request, "stock.html", _context(request))


@router.get("/parts/stock/shelves", name="stock_shelves")
def stock_shelves(request: Request) -> Response:
    """Show the tables anew; what is typed below them stays."""
    return page(request, "stock/shelves.html", _context(request))


def _context(request: Request) -> dict[str, object]:
    with parts_of(request).live.using() as lab:
        return {"shelves": shelves(lab)}

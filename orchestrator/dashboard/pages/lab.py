"""The laboratory at a glance, and the same for a screen on the wall."""

from enum import StrEnum

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.pages.lab_offers import offers_of
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.stock import shelves

__all__ = ["LabPart", "router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])


class LabPart(StrEnum):
    """What of the page is made anew while it is watched."""

    STRIP = "strip"
    NEEDS = "needs"
    CAMPAIGNS = "campaigns"
    INSTRUMENTS = "instruments"
    BENCH = "bench"
    STOCK = "stock"
    WALL = "wall"


@router.get("/", name="home")
def home() -> Response:
    """Go to the laboratory."""
    return RedirectResponse("/lab", status_code=303)


@router.get("/lab", name="lab")
def lab(request: Request) -> Response:
    """Show whether the laboratory is well, what needs a person, and what runs."""
    return page(request, "lab.html", _context(request))


@router.get("/lab/wall", name="wall")
def wall(request: Request) -> Response:
    """Show the same for a large screen, with nothing to press."""
    return page(request, "wall.html", _context(request, with_offers=False))


@router.get("/parts/lab/{part}", name="lab_part")
def lab_part(request: Request, part: LabPart) -> Response:
    """Show one part of the page anew."""
    has_offers = part in (LabPart.NEEDS, LabPart.CAMPAIGNS, LabPart.INSTRUMENTS)
    return page(request, f"lab/{part}.html", _context(request, with_offers=has_offers))


def _context(request: Request, *, with_offers: bool = True) -> dict[str, object]:
    parts = parts_of(request)
    whole = parts.watch.look()
    with parts.live.using() as lab:
        stock = shelves(lab)
    return {
        "lab": whole,
        "offers": offers_of(parts.live, whole) if with_offers else {},
        "shelves": stock,
        "board_troubles": parts.boards.troubles(),
    }

"""Where samples stand, place by place and slot by slot, and what each of them waits for."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.samples import place_boards, samples, unfinished

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])


@router.get("/samples", name="samples")
def samples_page(request: Request) -> Response:
    """Show the places with their slots, and the samples that are being made."""
    return page(request, "samples.html", _context(request))


@router.get("/parts/samples/boards", name="samples_boards")
def samples_boards(request: Request) -> Response:
    """Show the boards and the table anew."""
    return page(request, "samples/boards.html", _context(request))


def _context(request: Request) -> dict[str, object]:
    live = parts_of(request).live
    states = [live.state(name) for name in unfinished(live.campaigns())]
    unclean = {
        one.place: f"{one.campaign_id}/{one.experiment_id}" for one in live.laboratory().unclean
    }
    with live.using() as lab:
        found = samples(lab, states, only_open=True)
    return {"boards": place_boards(states, unclean), "samples": found}

"""Every campaign of the log, the one last written to first."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.views import CampaignLine

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])

ON_A_PAGE: Final = 50
_ENDED: Final = ("finished", "stopped", "aborted")
_SHOWN: Final = {"all": "All", "going": "Under way", "ended": "Ended"}

Show = Annotated[str, Query(max_length=20)]
Text = Annotated[str, Query(max_length=200)]
Number = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/campaigns", name="campaigns")
def campaigns(
    request: Request, show: Show = "all", text: Text = "", number: Number = 1
) -> Response:
    """List the campaigns."""
    return page(request, "campaigns.html", _context(request, show, text, number))


@router.get("/parts/campaigns/list", name="campaigns_part")
def campaigns_part(
    request: Request, show: Show = "all", text: Text = "", number: Number = 1
) -> Response:
    """List them anew."""
    return page(request, "campaigns/list.html", _context(request, show, text, number))


def _context(request: Request, show: str, text: str, number: int) -> dict[str, object]:
    lines = parts_of(request).live.campaigns()[::-1]
    shown = show if show in _SHOWN else "all"
    found = [line for line in lines if _is_sought(line, shown, text)]
    n_pages = max(1, -(-len(found) // ON_A_PAGE))
    at = min(number, n_pages)
    return {
        "lines": found[ON_A_PAGE * (at - 1) : ON_A_PAGE * at],
        "n_found": len(found),
        "n_all": len(lines),
        "show": shown,
        "shows": _SHOWN,
        "text": text,
        "number": at,
        "n_pages": n_pages,
    }


def _is_sought(line: CampaignLine, show: str, text: str) -> bool:
    has_ended = line.state in _ENDED
    if show != "all" and has_ended != (show == "ended"):
        return False
    said = f"{line.campaign_id} {line.name} {line.state}".casefold()
    return all(word in said for word in text.casefold().split())

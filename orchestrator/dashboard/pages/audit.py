"""The audit: every record in words, whether the chain is whole, and all of it to take."""

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from orchestrator.access.roles import Principal, Scope
from orchestrator.core.events import EVENT_KINDS
from orchestrator.dashboard.api.audit_routes import verifier_of
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rate import slow_down
from orchestrator.dashboard.rendering import page
from orchestrator.errors import RequestRefused
from orchestrator.service.audit_trail import TrailFilter, seq_before, trail, trail_page
from orchestrator.service.events import EventView
from orchestrator.service.tables import harmless_cell

__all__ = ["router", "wanted_of"]

router = APIRouter(include_in_schema=False)

Person = Annotated[Principal, Depends(needs(Scope.READ))]
Word = Annotated[str, Query(max_length=200)]
Seq = Annotated[int | None, Query(ge=1, le=2**62)]
_COLUMNS: Final = ("seq", "time", "actor", "stream", "kind", "summary", "is_simulated", "hash")


def wanted_of(
    campaign: Word = "", actor: Word = "", kind: Word = "", text: Word = ""
) -> TrailFilter:
    """Return what an address looks for."""
    return TrailFilter(campaign.strip(), actor.strip(), kind.strip(), text.strip())


Wanted = Annotated[TrailFilter, Depends(wanted_of)]


@router.get("/audit", name="audit")
def audit(
    request: Request, me: Person, wanted: Wanted, before: Seq = None, until: Word = ""
) -> Response:
    """Show records, the newest first, and the last check of the chain."""
    parts = parts_of(request)
    with parts.live.using() as lab:
        end = before
        if before is None and until.strip():
            end = seq_before(lab, _time_from(until.strip()))
        found = trail_page(lab, wanted, before=end)
    query = {
        "campaign": wanted.campaign_id,
        "actor": wanted.actor,
        "kind": wanted.kind,
        "text": wanted.text,
    }
    kept = {name: value for name, value in query.items() if value}
    context = {
        "found": found,
        "query": query,
        "until": until,
        "kinds": sorted(EVENT_KINDS),
        "campaigns": [line.campaign_id for line in parts.live.campaigns()][::-1],
        "check": verifier_of(request).view(),
        "older": urlencode({**kept, "before": found.next_before or 1}),
        "kept": urlencode(kept),
        "is_newest": end is None,
    }
    return page(request, "audit.html", context)


@router.post("/audit/verify", name="verify_audit")
def verify(request: Request, me: Person) -> Response:
    """Begin a check of the whole log, unless one runs."""
    slow_down(request, me.name)
    verifier_of(request).start(me.name)
    return RedirectResponse("/audit#chain", status_code=303)


@router.get("/parts/audit/chain", name="audit_chain")
def chain(request: Request, me: Person) -> Response:
    """Show how the check of the chain goes."""
    return page(request, "audit/chain.html", {"check": verifier_of(request).view()})


@router.get("/audit/export", name="export_audit")
def export(
    request: Request,
    me: Person,
    wanted: Wanted,
    form: Annotated[Literal["jsonl", "csv"], Query(alias="format")] = "jsonl",
) -> Response:
    """Send every record that a filter lets through, one a line, without keeping them."""
    wanted.refuse_unknown()
    lab = parts_of(request).open_lab(me.name, None)

    def lines() -> Iterator[str]:
        with closing(lab):
            yield from _LINES[form](trail(lab, wanted))

    media = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}[form]
    headers = {"content-disposition": f'attachment; filename="athanor-audit.{form}"'}
    return StreamingResponse(lines(), media_type=media, headers=headers)


def _json_lines(events: Iterator[EventView]) -> Iterator[str]:
    for event in events:
        yield event.model_dump_json() + "\n"


def _csv_lines(events: Iterator[EventView]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for event in events:
        writer.writerow([harmless_cell(str(getattr(event, name))) for name in _COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


_LINES: Final = {"jsonl": _json_lines, "csv": _csv_lines}


def _time_from(text: str) -> datetime:
    """Read a time as a form gives it, in this machine's zone unless it names one.

    Raises:
        RequestRefused: It is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise RequestRefused(
            f"until: got {text!r}, expected a time such as 2026-11-23T04:30"
        ) from error

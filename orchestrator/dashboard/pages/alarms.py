"""Alarms: what needs somebody, who was told, and what people say of it (ISA-18.2)."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import DashboardParts, parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.alarms import AlarmView
from orchestrator.service.recent_alarms import raised_lately

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])

SHELF_HOURS: Final = (1, 4, 8, 24)
_MOST_PAST: Final = 100
_DAYS: Final = 7


@router.get("/alarms", name="alarms")
def alarms(request: Request, past: Annotated[bool, Query()] = False) -> Response:
    """Show the alarms, the unacknowledged first; on demand also those that are over."""
    parts = parts_of(request)
    active = parts.live.alarms()
    over: list[AlarmView] = []
    if past:
        whole = parts.live.alarms(with_past=True)
        over = [one for one in whole if one.status == "normal"][:_MOST_PAST]
    context = {
        "alarms": active,
        "over": over,
        "shows_past": past,
        "n_unacknowledged": sum(one.status in ("raised", "returned") for one in active),
        "shelf_hours": SHELF_HOURS,
        "digest": _digest(active),
        "days": _DAYS,
        **_lately(parts),
    }
    return page(request, "alarms.html", context)


@router.get("/parts/alarms/changed", name="alarms_changed")
def alarms_changed(request: Request, digest: Annotated[str, Query(max_length=64)]) -> Response:
    """Say whether the alarms are others than on a page; what is typed there stays."""
    has_changed = _digest(parts_of(request).live.alarms()) != digest
    context = {"has_changed": has_changed, "here": "/alarms", "what": "What rings"}
    return page(request, "changed.html", context)


def _digest(active: Sequence[AlarmView]) -> str:
    said = [f"{one.alarm} {one.status} {one.since} {one.shelved_until}" for one in active]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


def _lately(parts: DashboardParts) -> dict[str, object]:
    """Return how often alarms were raised in the last days, and which most."""
    with parts.live.using() as lab:
        raised = raised_lately(lab, since=lab.bench_now() - timedelta(days=_DAYS))
    counts = Counter(one.alarm for one in raised)
    by_hour = Counter(one.time.replace(minute=0, second=0, microsecond=0) for one in raised)
    return {
        "n_lately": len(raised),
        "most_an_hour": max(by_hour.values(), default=0),
        "most_frequent": counts.most_common(10),
    }

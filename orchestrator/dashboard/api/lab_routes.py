"""What is shown of the laboratory, and of who asks."""

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response

from orchestrator.access.roles import Principal, Scope
from orchestrator.dashboard.api.answers import PREFIX, for_scope, refused_as
from orchestrator.dashboard.api.models import (
    EventPage,
    Health,
    Me,
    Sample,
    TasksView,
    TelemetryPage,
    VersionView,
)
from orchestrator.dashboard.identity import identify, needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.service.alarms import AlarmView
from orchestrator.service.doubt_answers import open_doubts
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.samples import SampleView, Whereabouts, place_boards, samples, unfinished
from orchestrator.service.stock import ShelfView, shelves
from orchestrator.service.views import DoubtView

__all__ = ["health", "open_router", "router"]

_SCANNED: Final = 5000
"""Records that one page of events looks at, at most."""
_MOST_SAMPLES: Final = 10_000
_LONGEST: Final = timedelta(days=1)

open_router = APIRouter(prefix=PREFIX, tags=["laboratory"])
router = APIRouter(prefix=PREFIX, tags=["laboratory"], dependencies=[Depends(needs(Scope.READ))])
_READ: Final = for_scope(Scope.READ)


@open_router.get(
    "/health",
    operation_id="health",
    summary="Whether the log can be read",
    responses={503: {"model": Health, "description": "It cannot be read now."}},
)
async def health(request: Request, response: Response) -> Health:
    """Answer anybody with ok or not; say more to who may look."""
    follower = parts_of(request).follower
    is_ok = not follower.trouble
    response.status_code = 200 if is_ok else 503
    me = await identify(request)
    if me is None or not me.may(Scope.READ):
        return Health(is_ok=is_ok)
    return Health(
        is_ok=is_ok,
        seq=follower.seq,
        trouble=follower.trouble,
        trouble_since=follower.trouble_since,
        database=parts_of(request).database.name,
    )


@router.get("/version", operation_id="version", summary="What answers", openapi_extra=_READ)
def version_view() -> VersionView:
    """Return the versions of the program and of this API."""
    return VersionView(athanor=version("athanor"), api="v1")


@router.get("/me", operation_id="me", summary="Who asks", openapi_extra=_READ)
def me_view(me: Annotated[Principal, Depends(needs(Scope.READ))]) -> Me:
    """Return who asks, and what they may do."""
    return Me(name=me.name, role=me.role, scopes=tuple(sorted(me.scopes)), via=me.via)


@router.get("/lab", operation_id="lab", summary="The laboratory", openapi_extra=_READ)
def lab_view(request: Request) -> LaboratoryView:
    """Return latch, interlocks, instruments, places, and which stations answer now."""
    parts = parts_of(request)
    view = parts.live.laboratory()
    return view.model_copy(update={"signs": tuple(parts.signs())})


@router.get("/alarms", operation_id="alarms", summary="Alarms", openapi_extra=_READ)
def alarms(request: Request, with_past: bool = False) -> tuple[AlarmView, ...]:
    """Return the alarms: the unacknowledged, then the urgent, then the old ones first."""
    return parts_of(request).live.alarms(with_past=with_past)


@router.get("/doubts", operation_id="doubts", summary="Jobs in doubt", openapi_extra=_READ)
def doubts(
    request: Request, campaign_id: Annotated[str | None, Query(max_length=200)] = None
) -> tuple[DoubtView, ...]:
    """Return every job of which nobody knows whether it happened, with what is known of it."""
    with refused_as(422), parts_of(request).live.using() as lab:
        return open_doubts(lab, campaign_id)


@router.get("/stock", operation_id="stock", summary="Stock, lot by lot", openapi_extra=_READ)
def stock(request: Request) -> tuple[ShelfView, ...]:
    """Return every lot, what is left, reserved and available, and when each stock runs out."""
    with parts_of(request).live.using() as lab:
        return shelves(lab)


@router.get("/samples", operation_id="samples", summary="Samples", openapi_extra=_READ)
def samples_view(
    request: Request,
    campaign_id: Annotated[str | None, Query(max_length=200)] = None,
    place: Annotated[str, Query(max_length=200)] = "",
) -> tuple[SampleView, ...]:
    """Return the samples that are being made: where each is, what was done, what is left to do.

    Those that have ended are experiments: ``/campaigns/{campaign_id}/experiments``.
    """
    live = parts_of(request).live
    names = [campaign_id] if campaign_id is not None else unfinished(live.campaigns())
    with refused_as(422):
        states = [live.state(name) for name in names]
    with live.using() as lab:
        return samples(lab, states, place=place, only_open=True)


@router.get("/places", operation_id="places", summary="Places and slots", openapi_extra=_READ)
def places_view(request: Request) -> tuple[Whereabouts, ...]:
    """Return every place that an unfinished campaign uses, with what stands in each slot."""
    live = parts_of(request).live
    left = {
        one.place: f"{one.campaign_id}/{one.experiment_id}" for one in live.laboratory().unclean
    }
    return place_boards([live.state(name) for name in unfinished(live.campaigns())], left)


@router.get("/tasks", operation_id="tasks", summary="Tasks for people", openapi_extra=_READ)
def tasks(request: Request, with_answered: bool = False) -> TasksView:
    """Return the tasks of manual stations, as far as `athanor serve` was told of their boards."""
    boards = parts_of(request).boards
    items = boards.views(with_answered=with_answered)
    return TasksView(items=items, troubles=boards.troubles())


@router.get("/events", operation_id="events", summary="Records of the log", openapi_extra=_READ)
def events(
    request: Request,
    me: Annotated[Principal, Depends(needs(Scope.READ))],
    after_seq: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    campaign_id: Annotated[str | None, Query(max_length=200)] = None,
    kinds: Annotated[
        list[str] | None, Query(max_length=50, description="Such as `ObservationRecorded`.")
    ] = None,
) -> EventPage:
    """Return records after one of them, whole, with their hashes.

    A page looks at 5,000 records at most: with `kinds` it may hold fewer than `limit` although it
    is not the last one. Go on from `next_after_seq`.
    """
    wanted, items = set(kinds or ()), []
    n_looked, seq = 0, after_seq
    with refused_as(422), parts_of(request).open_lab(me.name, None) as lab:
        for event in lab.events(after_seq=after_seq, campaign_id=campaign_id, limit=_SCANNED):
            n_looked, seq = n_looked + 1, event.seq
            if not wanted or event.kind in wanted:
                items.append(event)
            if len(items) >= limit:
                break
    is_last = n_looked < _SCANNED and len(items) < limit
    return EventPage(items=tuple(items), next_after_seq=seq, is_last=is_last)


@router.get(
    "/instruments/{instrument}/telemetry",
    operation_id="telemetry",
    summary="What an instrument showed",
    openapi_extra=_READ,
)
def telemetry(
    request: Request,
    instrument: Annotated[str, Path(max_length=200)],
    since: datetime | None = None,
    until: datetime | None = None,
) -> TelemetryPage:
    """Return what an instrument showed in passing: the last hour, or at most a day.

    Times without a zone are UTC.
    """
    parts = parts_of(request)
    end = parts.clock.now() if until is None else _with_zone(until)
    start = end - timedelta(hours=1) if since is None else _with_zone(since)
    if not timedelta() <= end - start <= _LONGEST:
        raise HTTPException(422, f"since: got {start}, expected up to a day before {end}")
    with parts.live.using() as lab:
        samples = lab.telemetry(instrument, since=start, until=end)
        known = {one.name for one in lab.laboratory_view().instruments}
    if not samples and instrument not in known:
        raise HTTPException(404, f"no instrument {instrument!r}")
    items = tuple(
        Sample(time=one.time, name=one.name, value=one.value) for one in samples[-_MOST_SAMPLES:]
    )
    return TelemetryPage(
        instrument=instrument,
        since=start,
        until=end,
        items=items,
        n_left_out=len(samples) - len(items),
    )


def _with_zone(time: datetime) -> datetime:
    """Return a time in UTC; one without a zone is said to be that.

    Raises:
        HTTPException: No laboratory was there.
    """
    if not 1970 <= time.year <= 2500:
        raise HTTPException(422, f"got the year {time.year}, expected 1970 to 2500")
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

"""What is shown of campaigns; what was learnt is answered with 304 while the log stands still."""

import re
from pathlib import Path as FilePath
from tempfile import mkstemp
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from orchestrator.access.roles import Scope
from orchestrator.dashboard.api.answers import (
    PREFIX,
    TAGGED_KEY,
    CampaignId,
    TaggedRoute,
    for_scope,
    refused_as,
    tagged,
)
from orchestrator.dashboard.api.models import CampaignPage
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.errors import AthanorError, LogError
from orchestrator.service.approvals import CandidateView, candidate_views
from orchestrator.service.live_views import (
    Bound,
    ExperimentDetail,
    ExperimentPage,
    FrontView,
    JobsView,
    SpecFilter,
)
from orchestrator.service.proposals import ProposalBook, ProposalPage
from orchestrator.service.tables import TableFormat, write_export
from orchestrator.service.views import CampaignSummary, HypervolumeView

__all__ = ["bounds_from", "router"]

_OF: Final = "/campaigns/{campaign_id}"
_BOUND: Final = re.compile(r"([^<>=]{1,200})(<=|>=)(.{1,40})", re.DOTALL)
_MEDIA: Final = {
    TableFormat.CSV: "text/csv; charset=utf-8",
    TableFormat.JSON: "application/json",
    TableFormat.PARQUET: "application/vnd.apache.parquet",
}
_MOST_EXPORTED: Final = 10_000_000
_MOST_HOURS: Final = 1e6

router = APIRouter(
    prefix=PREFIX,
    tags=["campaigns"],
    dependencies=[Depends(needs(Scope.READ))],
    route_class=TaggedRoute,
)
_READ: Final = for_scope(Scope.READ)
_TAGGED: Final = [Depends(tagged)]
_READ_TAGGED: Final = {**_READ, TAGGED_KEY: True}


@router.get("/campaigns", operation_id="campaigns", summary="Campaigns", openapi_extra=_READ)
def campaigns(
    request: Request,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> CampaignPage:
    """Return the campaigns, the one last written to first."""
    lines = parts_of(request).live.campaigns()[::-1]
    ids = [line.campaign_id for line in lines]
    if after is not None and after not in ids:
        raise HTTPException(422, f"after: got {after!r}, expected a campaign of this log")
    begin = 0 if after is None else ids.index(after) + 1
    items = lines[begin : begin + limit]
    is_last = begin + limit >= len(lines)
    return CampaignPage(items=items, next_after=None if is_last else items[-1].campaign_id)


@router.get(_OF, operation_id="campaign", summary="One campaign", openapi_extra=_READ)
def campaign(request: Request, campaign_id: CampaignId) -> CampaignSummary:
    """Return what is shown of a campaign at a glance: all but its many rows."""
    return parts_of(request).live.campaign(campaign_id)


@router.get(
    f"{_OF}/experiments",
    operation_id="experiments",
    summary="Its experiments",
    dependencies=_TAGGED,
    openapi_extra=_READ_TAGGED,
)
def experiments(  # noqa: PLR0917 - each is a word of the query
    request: Request,
    campaign_id: CampaignId,
    after: Annotated[
        str | None, Query(max_length=50, description="The last experiment of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    order: Annotated[
        str,
        Query(
            max_length=200,
            description="`number`, `started_h`, `ended_h`, `cost_usd`, `state`, or the name of a "
            "component, parameter, objective or outcome; `-` before it turns it round.",
        ),
    ] = "-number",
    state: Annotated[
        str,
        Query(
            max_length=50,
            description="A state, `front`, `counting`, `reference` or `retracted`.",
        ),
    ] = "",
    text: Annotated[str, Query(max_length=200, description="Words that must all occur.")] = "",
) -> ExperimentPage:
    """Return some rows of the table of experiments; go on with `next_after` as `after`."""
    with refused_as(422):
        return parts_of(request).live.experiments(
            campaign_id, after=after, limit=limit, order=order, state=state, text=text
        )


@router.get(
    f"{_OF}/experiments/{{experiment_id}}",
    operation_id="experiment",
    summary="One experiment",
    dependencies=_TAGGED,
    openapi_extra=_READ_TAGGED,
)
def experiment(
    request: Request,
    campaign_id: CampaignId,
    experiment_id: Annotated[str, Path(max_length=50)],
) -> ExperimentDetail:
    """Return one experiment with all of its jobs."""
    with refused_as(404):
        return parts_of(request).live.experiment(experiment_id, campaign_id)


@router.get(
    f"{_OF}/front",
    operation_id="front",
    summary="Its Pareto front",
    dependencies=_TAGGED,
    openapi_extra=_READ_TAGGED,
)
def front(
    request: Request,
    campaign_id: CampaignId,
    must_meet: bool = True,
    bound: Annotated[
        list[str] | None,
        Query(max_length=50, description="Such as `overpotential_v<=0.3` or `Ni>=0.1`."),
    ] = None,
) -> FrontView:
    """Return the front of what keeps the campaign's specifications and the given bounds."""
    spec_filter = SpecFilter(must_meet=must_meet, bounds=bounds_from(bound or ()))
    with refused_as(422):
        return parts_of(request).live.front(campaign_id, spec_filter)


def bounds_from(texts: list[str] | tuple[str, ...]) -> tuple[Bound, ...]:
    """Return limits that were written as text.

    Args:
        texts: Each a name, ``<=`` or ``>=``, and a number.

    Raises:
        HTTPException: One is not.

    Example:
        >>> bounds_from(["Ni>=0.1"])[0].at_least
        0.1
    """
    found = []
    for text in texts:
        match = _BOUND.fullmatch(text)
        name, sign, number = ("", "", "") if match is None else match.groups()
        end = "at_most" if sign == "<=" else "at_least"
        try:
            found.append(Bound.model_validate({"name": name.strip(), end: float(number)}))
        except ValueError as error:  # pydantic's errors are such too
            expected = "NAME<=NUMBER or NAME>=NUMBER"
            raise HTTPException(422, f"bound: got {text!r}, expected {expected}") from error
    return tuple(found)


@router.get(
    f"{_OF}/hypervolume",
    operation_id="hypervolume",
    summary="Its hypervolume",
    dependencies=_TAGGED,
    openapi_extra=_READ_TAGGED,
)
def hypervolume(request: Request, campaign_id: CampaignId) -> tuple[HypervolumeView, ...]:
    """Return the hypervolume against experiments, hours and money; thinned out where many."""
    return parts_of(request).live.hypervolume_series(campaign_id)


@router.get(f"{_OF}/jobs", operation_id="jobs", summary="Its jobs", openapi_extra=_READ)
def jobs(
    request: Request,
    campaign_id: CampaignId,
    from_h: Annotated[
        float, Query(ge=0, le=_MOST_HOURS, allow_inf_nan=False, description="Since its opening.")
    ] = 0.0,
    until_h: Annotated[float, Query(ge=0, le=_MOST_HOURS, allow_inf_nan=False)] = _MOST_HOURS,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 5000,
) -> JobsView:
    """Return the jobs of a stretch of time, done and planned, for a timeline."""
    with refused_as(422):
        return parts_of(request).live.jobs_between(
            campaign_id, from_h=from_h, until_h=until_h, limit=limit
        )


@router.get(
    f"{_OF}/candidates",
    operation_id="candidates",
    summary="Its queue",
    dependencies=_TAGGED,
    openapi_extra=_READ_TAGGED,
)
def candidates(request: Request, campaign_id: CampaignId) -> tuple[CandidateView, ...]:
    """Return what was proposed or added and not started, in order, with its predictions."""
    return candidate_views(parts_of(request).live.state(campaign_id))


@router.get(
    f"{_OF}/proposals",
    operation_id="proposals",
    summary="What was proposed",
    dependencies=_TAGGED,
    openapi_extra=_READ_TAGGED,
)
def proposals(
    request: Request,
    campaign_id: CampaignId,
    before: Annotated[
        int | None, Query(ge=0, le=2**62, description="`next_before` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ProposalPage:
    """Return the planner's answers, the newest first; fewer than `limit` are not yet the last."""
    book = ProposalBook(parts_of(request).live, campaign_id)
    return book.page(before=before, limit=limit)


@router.get(
    f"{_OF}/export",
    operation_id="export",
    summary="Its experiments as a table",
    response_class=FileResponse,
    responses={200: {"content": {media.partition(";")[0]: {} for media in _MEDIA.values()}}},
    openapi_extra=_READ,
)
def export(
    request: Request, campaign_id: CampaignId, format: TableFormat = TableFormat.CSV
) -> FileResponse:
    """Return every experiment as a row: asked and made, measured, computed, predicted, cost."""
    view = parts_of(request).live.for_plots(campaign_id, most=_MOST_EXPORTED)
    handle, name = mkstemp(prefix="athanor-", suffix=f".{format}")
    path = FilePath(name)
    try:
        with open(handle, closefd=True):  # the writer opens it again, by its name
            write_export(view, path, format)
    except LogError:
        path.unlink()
        raise
    except AthanorError as error:
        path.unlink()
        raise HTTPException(503, "the table cannot be written here now") from error
    return FileResponse(
        path,
        media_type=_MEDIA[format],
        filename=f"{campaign_id}.{format}",
        background=BackgroundTask(path.unlink),
    )

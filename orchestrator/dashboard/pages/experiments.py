"""The experiments of a campaign as a table, and one of them whole."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.campaign_queries import known_campaign, query_text
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.errors import RequestRefused
from orchestrator.service.acts import ACTS
from orchestrator.service.experiment_story import experiment_story
from orchestrator.service.live_pages import STATES
from orchestrator.service.plan import waits_of
from orchestrator.service.point_view import differences_of
from orchestrator.service.why_view import stored_prediction_lines

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])

ROWS: Final = 50
"""Of one page of the table, unless asked otherwise."""
_MOST_ROWS: Final = 500


@router.get("/campaigns/{campaign_id}/experiments", name="experiments")
def experiments_page(request: Request, campaign_id: str) -> Response:
    """Show a page of the table of experiments."""
    live = parts_of(request).live
    known_campaign(live, campaign_id)
    query = dict(request.query_params)
    limit = query.get("limit", "")
    size = min(max(int(limit), 1), _MOST_ROWS) if limit.isdecimal() else ROWS
    problem = ""
    try:
        found = live.experiments(
            campaign_id,
            after=query.get("after") or None,
            limit=size,
            order=query.get("order") or "-number",
            state=query.get("state", ""),
            text=query.get("text", "")[:200],
        )
    except RequestRefused as error:
        problem, query = str(error), {}
        found = live.experiments(campaign_id, limit=size)
    next_query = query_text(query, after=found.next_after) if found.next_after else ""
    return page(
        request,
        "experiments.html",
        {
            "campaign": live.campaign(campaign_id),
            "current": "experiments",
            "found": found,
            "problem": problem,
            "query": query,
            "states": STATES,
            "next_query": next_query,
            "first_query": query_text(query, after=""),
            "order_queries": {
                name: query_text(query, after="", order=f"-{name}" if found.order == name else name)
                for name in found.orders
            },
        },
    )


@router.get("/campaigns/{campaign_id}/experiments/{experiment_id}", name="experiment")
def experiment_page(request: Request, campaign_id: str, experiment_id: str) -> Response:
    """Show one experiment whole.

    Raises:
        HTTPException: There is no such experiment.
    """
    live = parts_of(request).live
    known_campaign(live, campaign_id)
    try:
        detail = live.experiment(experiment_id, campaign_id)
    except RequestRefused as error:
        raise HTTPException(404, str(error)) from error
    summary, experiment = live.campaign(campaign_id), detail.experiment
    story = experiment_story(live, campaign_id, detail)
    with live.using() as lab:
        waits = () if experiment.ended_time is not None else waits_of(lab, campaign_id)
    return page(
        request,
        "experiment.html",
        {
            "campaign": summary,
            "current": "experiments",
            "detail": detail,
            "experiment": experiment,
            "story": story,
            "waits": {job.name: job for job in waits if job.experiment_id == experiment_id},
            "inputs": differences_of(experiment, (*summary.components, *summary.parameters)),
            "predictions": stored_prediction_lines(experiment),
            "has_result": bool(experiment.made),
            "has_ended": experiment.ended_time is not None,
            "can_be_given": "give_result" in ACTS and experiment.purpose == "search",
        },
    )

"""One campaign at a glance: how it stands, what is best, where it looked, when it ends."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.campaign_queries import (
    Slice,
    axes_from,
    bounds_of,
    chosen_objective,
    filter_from,
    known_campaign,
    query_text,
    slice_from,
)
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.errors import RequestRefused
from orchestrator.service.acts import ACTS
from orchestrator.service.composition_plots import chosen_components, colour_range, sliced
from orchestrator.service.hypervolume_plot import HYPERVOLUME_WAYS
from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.live import LiveLab
from orchestrator.service.live_views import SpecFilter
from orchestrator.service.plan import waits_of
from orchestrator.service.plots import judged_label, judged_value
from orchestrator.service.requests import possible_requests
from orchestrator.service.views import CampaignSummary, CampaignView, ObjectiveView

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])

MOST_IN_TABLE: Final = 100
"""Points of the front that the table beside the plot names."""
MOST_ROWS: Final = 20
"""Of the hypervolume's series in the table beside its plot."""


@router.get("/campaigns/{campaign_id}", name="campaign")
def campaign_page(request: Request, campaign_id: str) -> Response:
    """Show one campaign."""
    live = parts_of(request).live
    known_campaign(live, campaign_id)
    summary = live.campaign(campaign_id)
    query = dict(request.query_params)
    view = live.for_plots(campaign_id)
    context = {
        **_header(live, summary),
        **_front(live, summary, query),
        **_hypervolume(view, query),
        **_ternary(view, query),
        **_parallel(view, query),
        "shown": {one.experiment_id: one for one in view.experiments},
        "current": "campaign",
        "query": query,
    }
    return page(request, "campaign.html", context)


@router.get("/parts/campaign/{campaign_id}/header", name="campaign_header")
def campaign_header(request: Request, campaign_id: str) -> Response:
    """Show again what changes while a campaign runs."""
    live = parts_of(request).live
    known_campaign(live, campaign_id)
    return page(request, "campaign/header.html", _header(live, live.campaign(campaign_id)))


def _header(live: LiveLab, summary: CampaignSummary) -> dict[str, object]:
    names = [str(request) for request in possible_requests(summary.status)]
    with live.using() as lab:
        consequences = (
            {}
            if summary.has_ended
            else {
                name: ACTS[name]
                .model_validate({"campaign_id": summary.campaign_id})
                .consequence(lab)
                for name in names
            }
        )
        waits = waits_of(lab, summary.campaign_id)
    return {"campaign": summary, "consequences": consequences, "waits": waits}


def _front(live: LiveLab, summary: CampaignSummary, query: Mapping[str, str]) -> dict[str, object]:
    """Return the front that the filter leaves; a wrong filter is named, and none is applied."""
    problem, spec_filter = "", SpecFilter()
    try:
        spec_filter = filter_from(query)
        front = live.front(summary.campaign_id, spec_filter)
        axes = axes_from(query, front.objectives) if len(front.objectives) > 1 else None
    except RequestRefused as error:
        problem, spec_filter = str(error), SpecFilter()
        front = live.front(summary.campaign_id)
        axes = axes_from({}, front.objectives) if len(front.objectives) > 1 else None
    asked = "" if problem else query_text(query, ("min.", "max.", "must_meet", "x", "y"))
    named = [*(one.name for one in summary.objectives), *summary.measured, *summary.computed]
    return {
        "front": front,
        "front_points": front.front[:MOST_IN_TABLE],
        "front_axes": axes,
        "front_problem": problem,
        "front_query": asked,
        "bounds": bounds_of(spec_filter),
        "must_meet": spec_filter.must_meet,
        "bounded_results": list(dict.fromkeys(named)),
        "bounded_inputs": [*summary.components, *summary.parameters],
    }


def _hypervolume(view: CampaignView, query: Mapping[str, str]) -> dict[str, object]:
    by = query.get("by", "experiments")
    reference = view.reference_point or {}
    return {
        "by": by if by in HYPERVOLUME_WAYS else "experiments",
        "ways": [
            (way, query_text(query, by=way)) for way in HYPERVOLUME_WAYS if view.hypervolume_series
        ],
        "volume_rows": view.hypervolume_series[: -MOST_ROWS - 1 : -1],
        "reference_text": ", ".join(
            f"{label_from_name(name)} {number_text(value)}" for name, value in reference.items()
        ),
    }


def _ternary(view: CampaignView, query: Mapping[str, str]) -> dict[str, object]:
    if len(view.components) < 3 or not view.counts.observed:
        return {"slice": None, "slice_problem": "", "slice_query": "", "colour": "", "scale": None}
    problem, colour = "", view.objectives[0]
    try:
        chosen = slice_from(query, view.components)
        colour = chosen_objective(query.get("colour", ""), view.objectives)
    except RequestRefused as error:
        problem, chosen = str(error), slice_from({}, view.components)
    if not chosen.corners:
        corners = chosen_components(view)
        chosen = Slice(corners, chosen.held, chosen.tolerance)
    changed = dict(zip("abc", chosen.corners, strict=True))
    names = ("hold.", "tolerance") if not problem else ("-",)
    return {
        "slice": chosen,
        "slice_problem": problem,
        "slice_query": query_text(query, names, colour=colour.name, **changed),
        "colour": colour.name,
        "scale": _scale(view, chosen, colour),
        "held_names": [name for name in view.components if name not in chosen.corners],
    }


def _scale(view: CampaignView, chosen: Slice, objective: ObjectiveView) -> dict[str, object]:
    """Return what the colours of the triangle mean."""
    shown = sliced(view.experiments, chosen.held, chosen.tolerance)
    low, high = colour_range([judged_value(one, objective) for one in shown])
    return {
        "low": low,
        "high": high,
        "is_less_better": objective.is_less_better,
        "label": judged_label(objective),
    }


def _parallel(view: CampaignView, query: Mapping[str, str]) -> dict[str, object]:
    names = [objective.name for objective in view.objectives]
    by = query.get("lines", "")
    return {
        "parallel_by": by if by in names else names[0],
        "parallel_ways": [(name, query_text(query, lines=name)) for name in names],
    }

"""Figures of a campaign as Plotly's JSON, for the script that draws them."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from orchestrator.access.roles import Scope
from orchestrator.dashboard.campaign_queries import (
    axes_from,
    bounds_of,
    chosen_objective,
    filter_from,
    known_campaign,
    slice_from,
)
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.plot_theme import with_theme
from orchestrator.errors import RequestRefused
from orchestrator.service.composition_plots import parallel_figure, sliced, ternary_figure
from orchestrator.service.front_plot import filtered_front_figure
from orchestrator.service.hypervolume_plot import HYPERVOLUME_WAYS, hypervolume_figure
from orchestrator.service.live import LiveLab
from orchestrator.service.model_plots import (
    calibration_figure,
    coverage_figure,
    parity_figure,
    residual_figure,
)
from orchestrator.service.model_view import model_view
from orchestrator.service.plots import Figure, best_figure, objective_value
from orchestrator.service.views import CampaignView

__all__ = ["FIGURES", "router"]

router = APIRouter(include_in_schema=False)

MOST_LINES: Final = 500
"""Experiments in parallel coordinates: more lines hide each other."""
_MODEL: Final = {
    "parity": parity_figure,
    "calibration": calibration_figure,
    "coverage": coverage_figure,
    "residuals": residual_figure,
}
FIGURES: Final = ("front", "hypervolume", "best", "ternary", "parallel", *_MODEL)
"""What `/plots/{campaign_id}/{figure}` may be asked for."""


@router.get("/plots/{campaign_id}/{figure}", name="plot", dependencies=[Depends(needs(Scope.READ))])
def plot(
    request: Request, campaign_id: str, figure: Annotated[str, Path(max_length=40)]
) -> JSONResponse:
    """Return one figure.

    Raises:
        HTTPException: There is no such campaign or figure.
        RequestRefused: The query asks for what is not there.
    """
    live = parts_of(request).live
    known_campaign(live, campaign_id)
    query = dict(request.query_params)
    if figure not in FIGURES:
        raise HTTPException(404, f"no figure {figure!r}; there are: {', '.join(FIGURES)}")
    if figure == "front":
        return JSONResponse(with_theme(_front(live, campaign_id, query)))
    return JSONResponse(with_theme(_of_view(live.for_plots(campaign_id), figure, query)))


def _front(live: LiveLab, campaign_id: str, query: dict[str, str]) -> Figure:
    spec_filter = filter_from(query)
    front = live.front(campaign_id, spec_filter)
    x, y = axes_from(query, front.objectives)
    limits: dict[str, list[float]] = {x.name: [], y.name: []}
    for name, bound in bounds_of(spec_filter).items():
        ends = (bound.at_least, bound.at_most)
        limits.setdefault(name, []).extend(end for end in ends if end is not None)
    for target in live.campaign(campaign_id).targets:
        limits.setdefault(target.objective, []).append(target.value)
    for objective in (x, y):
        if objective.threshold is not None:
            limits[objective.name].append(objective.threshold)
    return filtered_front_figure(front, x, y, limits)


def _of_view(view: CampaignView, figure: str, query: dict[str, str]) -> Figure:
    match figure:
        case "hypervolume":
            ways = [way for way in HYPERVOLUME_WAYS if way == query.get("by", "experiments")]
            if not ways:
                raise RequestRefused(f"by: expected one of {', '.join(HYPERVOLUME_WAYS)}")
            return hypervolume_figure(view, ways[0])
        case "best":
            return best_figure(view, chosen_objective(query.get("objective", ""), view.objectives))
        case "ternary":
            return _ternary(view, query)
        case "parallel":
            colour = chosen_objective(query.get("colour", ""), view.objectives)
            return parallel_figure(_fewer(view), colour)
        case _:
            name = query.get("name") or next(iter(view.measured), "")
            if name not in view.measured:
                expected = ", ".join(view.measured)
                raise RequestRefused(f"name: got {name!r}, expected one of {expected}")
            return _MODEL[figure](model_view(view, name))


def _ternary(view: CampaignView, query: dict[str, str]) -> Figure:
    if len(view.components) < 3:
        raise RequestRefused("ternary: expected a composition of at least three components")
    chosen = slice_from(query, view.components)
    objective = chosen_objective(query.get("colour", ""), view.objectives)
    shown = sliced(view.experiments, chosen.held, chosen.tolerance)
    less = view.model_copy(update={"experiments": tuple(shown)})
    return ternary_figure(less, objective, chosen.corners or None, has_scale=False)


def _fewer(view: CampaignView) -> CampaignView:
    """Leave the front and the newest experiments with all objectives, as many as can be drawn."""
    seen = [
        one
        for one in view.experiments
        if all(objective_value(one, o.name) is not None for o in view.objectives)
    ]
    if len(seen) <= MOST_LINES:
        return view
    newest = {one.experiment_id for one in seen[-MOST_LINES:]}
    kept = [one for one in seen if one.is_on_front or one.experiment_id in newest]
    return view.model_copy(update={"experiments": tuple(kept)})

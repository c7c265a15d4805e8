"""Figures of a campaign as plotly's JSON; pure data, drawn by the page that shows them.

Colours are those of Okabe and Ito, which people with any colour vision can tell apart; scales are
`Cividis` and `Viridis`.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final, TypeAlias

from orchestrator.service.labels import label_from_name
from orchestrator.service.views import CampaignView, ExperimentView, ObjectiveView

__all__ = [
    "BLUE",
    "GREY",
    "LEGEND",
    "VERMILION",
    "Figure",
    "axis",
    "best_figure",
    "choice_buttons",
    "experiment_hover",
    "front_figures",
    "judged_label",
    "judged_value",
    "layout",
    "objective_value",
]

Figure: TypeAlias = dict[str, object]
"""``{"data": [...], "layout": {...}}``."""

BLUE: Final = "#0072B2"
"""Of what is neither better nor worse."""
VERMILION: Final = "#D55E00"
"""Of what the reader should see first."""
GREY: Final = "#6b7280"
"""Of what is only a guide."""

LEGEND: Final[Figure] = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
"""Above the figure, from its left edge."""

_ARROWS: Final = {
    "maximise": "higher is better",
    "minimise": "lower is better",
    "match": "the target is best",
}
_MOST_PAIRED: Final = 6
"""Objectives of which every pair is drawn; of more, only pairs with the first."""


def layout(**more: object) -> Figure:
    """Return what all figures share, with more or other keys."""
    return {
        "template": "none",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1f2937"},
        "margin": {"l": 80, "r": 30, "t": 44, "b": 60},
        "hovermode": "closest",
        "legend": LEGEND,
        **more,
    }


def axis(title: str, **more: object) -> Figure:
    """Return an axis with its title and light grid lines."""
    return {
        "title": {"text": title},
        "gridcolor": "#e5e7eb",
        "zeroline": False,
        "linecolor": "#9ca3af",
        "ticks": "outside",
        "automargin": True,
        **more,
    }


def objective_value(experiment: ExperimentView, name: str) -> float | None:
    """Return a measured or computed value of an experiment; None if it has none that counts."""
    if not experiment.is_evidence:
        return None
    return experiment.values.get(name, experiment.computed.get(name))


def judged_value(experiment: ExperimentView, objective: ObjectiveView) -> float | None:
    """Return what an experiment is judged by: its value, or its deviation from the target."""
    value = objective_value(experiment, objective.name)
    return None if value is None else objective.judged(value)


def judged_label(objective: ObjectiveView) -> str:
    """Return a heading for what an objective is judged by."""
    label = label_from_name(objective.name)
    return label if objective.target is None else f"{label}, off {objective.target:g}"


def front_figures(view: CampaignView) -> list[tuple[str, Figure]]:
    """Return one figure for each pair of objectives, with the pair's title.

    With more than six objectives, only pairs with the first are drawn. The marked experiments are
    the front over all objectives; the line is drawn where two objectives are all there are.
    """
    pairs = list(combinations(view.objectives, 2))
    if len(view.objectives) > _MOST_PAIRED:
        pairs = [pair for pair in pairs if pair[0] is view.objectives[0]]
    return [
        (f"{first.name} / {second.name}", _pair(view, first, second)) for first, second in pairs
    ]


def _pair(view: CampaignView, y: ObjectiveView, x: ObjectiveView) -> Figure:
    seen = [
        experiment
        for experiment in view.experiments
        if judged_value(experiment, x) is not None and judged_value(experiment, y) is not None
    ]
    rest = [experiment for experiment in seen if not experiment.is_on_front]
    by_id = {experiment.experiment_id: experiment for experiment in seen}
    front = [by_id[name] for name in view.front if name in by_id]
    front.sort(key=lambda experiment: judged_value(experiment, x) or 0.0)
    scale = {"cmin": 1, "cmax": max(2, view.counts.started), "colorscale": "Cividis"}
    others = {**scale, "showscale": bool(rest), "size": 9}
    best = {**scale, "showscale": not rest, "size": 13}
    data = [_points(rest, x, y, "others", others)]
    if len(view.objectives) == 2:
        data.append(_staircase(front, x, y))
    best["line"] = {"width": 2, "color": VERMILION}
    data.append(_points(front, x, y, "Pareto front", best))
    return {
        "data": data,
        "layout": layout(
            xaxis=axis(_judged_title(x)),
            yaxis=axis(_judged_title(y)),
            legend={**LEGEND, "font": {"size": 11}},
            shapes=[*_target_lines(view, x, y), *_threshold_lines(x, y)],
        ),
    }


def _points(
    experiments: Sequence[ExperimentView],
    x: ObjectiveView,
    y: ObjectiveView,
    name: str,
    marker: Figure,
) -> Figure:
    trace: Figure = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [judged_value(experiment, x) for experiment in experiments],
        "y": [judged_value(experiment, y) for experiment in experiments],
        "text": [experiment_hover(experiment) for experiment in experiments],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": [experiment.number for experiment in experiments],
            "colorbar": {
                "title": {"text": "no.", "side": "top"},
                "thickness": 12,
                "outlinewidth": 0,
            },
            **marker,
        },
    }
    for letter, objective in (("x", x), ("y", y)):
        sds = [experiment.sds.get(objective.name) for experiment in experiments]
        if any(sd is not None for sd in sds):
            trace[f"error_{letter}"] = {
                "type": "data",
                "array": [sd or 0.0 for sd in sds],
                "color": "#9ca3af",
                "thickness": 1,
                "width": 0,
            }
    return trace


def _staircase(front: Sequence[ExperimentView], x: ObjectiveView, y: ObjectiveView) -> Figure:
    """Return the edge of the dominated region: each point holds until the next one beats it."""
    xs = [judged_value(experiment, x) for experiment in front]
    ys = [judged_value(experiment, y) for experiment in front]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "its edge",
        "x": xs,
        "y": ys,
        "line": {
            "shape": "hv" if x.is_less_better else "vh",
            "color": VERMILION,
            "width": 1.5,
        },
        "hoverinfo": "skip",
    }


def _target_lines(view: CampaignView, x: ObjectiveView, y: ObjectiveView) -> list[Figure]:
    return [
        _line_at(letter, target.value, "dash", f"target {target.value:g}")
        for target in view.targets
        for letter, objective in (("x", x), ("y", y))
        if target.objective == objective.name
    ]


def _matched_lines(objective: ObjectiveView) -> list[Figure]:
    """Return where an objective matches its target, and the ends of the tolerance."""
    if objective.target is None or objective.tolerance is None:
        return []
    target, tolerance = objective.target, objective.tolerance
    ends = [
        {**_line_at("y", end, "dot", ""), "label": {"text": ""}}
        for end in (target - tolerance, target + tolerance)
    ]
    return [_line_at("y", target, "dash", f"to match {target:g}"), *ends]


def _threshold_lines(x: ObjectiveView, y: ObjectiveView) -> list[Figure]:
    """Return where an objective stops being of any use: its part of the reference point."""
    return [
        _line_at(letter, objective.threshold, "dot", f"threshold {objective.threshold:g}")
        for letter, objective in (("x", x), ("y", y))
        if objective.threshold is not None
    ]


def _line_at(letter: str, value: float, dash: str, name: str) -> Figure:
    """Return a labelled line across the whole figure, at one value of one axis."""
    other = "y" if letter == "x" else "x"
    return {
        "type": "line",
        "line": {"dash": dash, "color": GREY, "width": 1},
        "layer": "below",
        "name": name,
        "label": {"text": name, "textposition": "end", "font": {"size": 10, "color": GREY}},
        **{f"{letter}ref": letter, f"{letter}0": value, f"{letter}1": value},
        **{f"{other}ref": "paper", f"{other}0": 0, f"{other}1": 1},
    }


def best_figure(view: CampaignView, objective: ObjectiveView) -> Figure:
    """Return every value of one objective and the best so far, against the experiment's number."""
    seen = [
        (experiment, value)
        for experiment in view.experiments
        if (value := objective_value(experiment, objective.name)) is not None
    ]
    best: list[float | None] = []
    for experiment, value in seen:
        before = best[-1] if best else None
        if experiment.meets_outcomes:
            best.append(value if before is None else _better(objective, before, value))
        else:
            best.append(before)
    numbers = [experiment.number for experiment, _ in seen]
    points: Figure = {
        "type": "scatter",
        "mode": "markers",
        "name": "measured" if not objective.is_computed else "computed",
        "x": numbers,
        "y": [value for _, value in seen],
        "text": [experiment_hover(experiment) for experiment, _ in seen],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 8, "color": BLUE, "opacity": 0.75},
    }
    if not objective.is_computed:
        sds = [experiment.sds.get(objective.name) or 0.0 for experiment, _ in seen]
        points["error_y"] = {
            "type": "data",
            "array": sds,
            "color": BLUE,
            "thickness": 1,
            "width": 0,
        }
    line: Figure = {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": numbers,
        "y": best,
        "line": {"shape": "hv", "color": VERMILION, "width": 2},
    }
    return {
        "data": [points, line],
        "layout": layout(
            xaxis=axis("experiment"),
            yaxis=axis(_objective_title(objective)),
            shapes=_matched_lines(objective),
        ),
    }


def _better(objective: ObjectiveView, before: float, value: float) -> float:
    sign = -1 if objective.is_less_better else 1
    return max(before, value, key=lambda each: sign * objective.judged(each))


def choice_buttons(buttons: Sequence[Figure]) -> Figure:
    """Return a row of buttons above a figure."""
    return {
        "type": "buttons",
        "direction": "right",
        "x": 0,
        "xanchor": "left",
        "y": 1.04,
        "yanchor": "bottom",
        "pad": {"t": 0, "b": 4},
        "bgcolor": "#ffffff",
        "bordercolor": "#d1d5db",
        "font": {"size": 12},
        "buttons": list(buttons),
    }


def _objective_title(objective: ObjectiveView) -> str:
    return f"{label_from_name(objective.name)}, {_ARROWS[objective.direction]}"


def _judged_title(objective: ObjectiveView) -> str:
    if objective.target is None:
        return _objective_title(objective)
    return f"{judged_label(objective)}, {_ARROWS['minimise']}"


def experiment_hover(experiment: ExperimentView) -> str:
    """Return what a figure shows of an experiment under the pointer."""
    lines = [f"<b>{experiment.experiment_id}</b>"]
    point = experiment.made or experiment.asked
    lines += [
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in point.items()
        if value != 0.0
    ]
    known = {**experiment.values, **experiment.computed}
    lines += [
        f"{label_from_name(name)}: {value:.5g}"
        + (f" ± {experiment.sds[name]:.2g}" if name in experiment.sds else "")
        for name, value in known.items()
    ]
    return "<br>".join(lines)

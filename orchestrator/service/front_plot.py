"""The Pareto front that a filter leaves, as a figure of any two objectives."""

from collections.abc import Mapping, Sequence

from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.live_views import FrontPoint, FrontView
from orchestrator.service.plots import (
    BLUE,
    GREY,
    VERMILION,
    Figure,
    axis,
    judged_label,
    layout,
)
from orchestrator.service.views import ObjectiveView

__all__ = ["filtered_front_figure"]


def filtered_front_figure(
    front: FrontView, x: ObjectiveView, y: ObjectiveView, limits: Mapping[str, Sequence[float]]
) -> Figure:
    """Return the front among two objectives, over what is not on it.

    Args:
        front: As filtered.
        x: Objective of the horizontal axis.
        y: Of the vertical one.
        limits: By objective, where dashed lines stand: targets, thresholds, bounds of the filter.
    """
    data = [_points(front.others, x, y, name="others", colour=GREY, size=7, opacity=0.55)]
    points = sorted(front.front, key=lambda point: x.judged(point.values[x.name]))
    if len(front.objectives) == 2 and points:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "its edge",
                "x": [x.judged(point.values[x.name]) for point in points],
                "y": [y.judged(point.values[y.name]) for point in points],
                "line": {
                    "shape": "hv" if x.is_less_better else "vh",
                    "color": VERMILION,
                    "width": 1.5,
                },
                "hoverinfo": "skip",
            }
        )
    data.append(_points(points, x, y, name="Pareto front", colour=VERMILION, size=11, opacity=1.0))
    return {
        "data": data,
        "layout": layout(
            xaxis=axis(_title(x)),
            yaxis=axis(_title(y)),
            shapes=[
                *(_line("x", value) for value in limits.get(x.name, ())),
                *(_line("y", value) for value in limits.get(y.name, ())),
            ],
        ),
    }


def _points(
    points: Sequence[FrontPoint],
    x: ObjectiveView,
    y: ObjectiveView,
    *,
    name: str,
    colour: str,
    size: int,
    opacity: float,
) -> Figure:
    is_front = colour == VERMILION
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [x.judged(point.values[x.name]) for point in points],
        "y": [y.judged(point.values[y.name]) for point in points],
        "text": [_hover(point) for point in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": size,
            "color": colour,
            "opacity": opacity,
            "symbol": "diamond" if is_front else "circle",
        },
    }


def _hover(point: FrontPoint) -> str:
    lines = [f"<b>{point.experiment_id}</b>"]
    lines += [f"{label_from_name(name)}: {number_text(v)}" for name, v in point.values.items()]
    return "<br>".join(lines)


def _line(letter: str, value: float) -> Figure:
    other = "y" if letter == "x" else "x"
    return {
        "type": "line",
        "line": {"dash": "dash", "color": BLUE, "width": 1},
        "layer": "below",
        "label": {
            "text": number_text(value),
            "textposition": "end",
            "font": {"size": 10, "color": GREY},
        },
        **{f"{letter}ref": letter, f"{letter}0": value, f"{letter}1": value},
        **{f"{other}ref": "paper", f"{other}0": 0, f"{other}1": 1},
    }


def _title(objective: ObjectiveView) -> str:
    word = "lower" if objective.is_less_better else "higher"
    return f"{judged_label(objective)}, {word} is better"

"""Figures of where in its space a campaign looked: ternary and parallel coordinates."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Final, TypeAlias

from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.plots import (
    VERMILION,
    Figure,
    choice_buttons,
    experiment_hover,
    judged_label,
    judged_value,
    layout,
    objective_value,
)
from orchestrator.service.views import CampaignView, ExperimentView, ObjectiveView

__all__ = ["chosen_components", "colour_range", "parallel_figure", "sliced", "ternary_figure"]

_Column: TypeAlias = tuple[str, list[float | str]]
"""The name of an axis and one value for each experiment."""

_CIVIDIS: Final = (
    "#00224e",
    "#213b6e",
    "#4c556c",
    "#6c6e72",
    "#8e8978",
    "#b3a772",
    "#dac762",
    "#fee838",
)
"""Eight colours of the scale `Cividis`, dark to light."""

_TICK_LETTERS: Final = 11
"""In a line below an axis; a longer word stays whole."""


def chosen_components(view: CampaignView) -> tuple[str, ...]:
    """Return the three components that the experiments used most, in the file's order."""
    totals = {
        name: sum(_fraction(experiment, name) for experiment in view.experiments)
        for name in view.components
    }
    most = sorted(view.components, key=lambda name: -totals[name])[:3]
    return tuple(name for name in view.components if name in most)


def _fraction(experiment: ExperimentView, name: str) -> float:
    value = (experiment.made or experiment.asked).get(name, 0.0)
    return float(value)


def colour_range(values: Sequence[float | None]) -> tuple[float, float]:
    """Return from where to where a colour scale runs: all but a twentieth at each end.

    Example:
        >>> colour_range([None, *range(21), 1000])
        (1.0, 20.0)
    """
    known = sorted(float(value) for value in values if value is not None)
    if not known:
        return 0.0, 1.0
    cut = len(known) // 20
    return known[cut], known[len(known) - 1 - cut]


def sliced(
    experiments: Sequence[ExperimentView], held: Mapping[str, float], tolerance: float
) -> list[ExperimentView]:
    """Return the experiments in which some inputs have some values.

    Args:
        experiments: Any.
        held: Value by component or parameter, as made or else as asked.
        tolerance: How far off each may be, in its own unit.
    """
    found = []
    for experiment in experiments:
        point = experiment.made or experiment.asked
        values = {name: point.get(name, 0.0) for name in held}
        if all(
            not isinstance(value, str) and abs(value - held[name]) <= tolerance
            for name, value in values.items()
        ):
            found.append(experiment)
    return found


def ternary_figure(
    view: CampaignView,
    objective: ObjectiveView,
    corners: Sequence[str] | None = None,
    *,
    has_scale: bool = True,
) -> Figure:
    """Return the experiments in a triangle of three components, coloured by an objective.

    The page may put other components or another objective in: the arrays are in the order of
    `CampaignView.experiments` that have a value of every objective.

    Args:
        view: The campaign, with the experiments that are to be shown.
        objective: Which colours them.
        corners: Three components: top, left, right; the three most used unless given.
        has_scale: Whether what the colours mean stands beside it.
    """
    names = tuple(corners or chosen_components(view))
    seen = [e for e in view.experiments if objective_value(e, objective.name) is not None]
    fractions = [[_fraction(experiment, name) for experiment in seen] for name in names]
    shares = [sum(values) for values in zip(*fractions, strict=True)]
    trace: Figure = {
        "type": "scatterternary",
        "mode": "markers",
        "a": fractions[0],
        "b": fractions[1],
        "c": fractions[2],
        "text": [experiment_hover(experiment) for experiment in seen],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": _ternary_marker(seen, objective, shares, has_scale=has_scale),
    }
    axes = {
        f"{letter}axis": {"title": {"text": name}, "gridcolor": "#e5e7eb", "min": 0}
        for letter, name in zip("abc", names, strict=True)
    }
    return {
        "data": [trace],
        "layout": layout(
            ternary={"sum": 1, "bgcolor": "#fafafa", **axes},
            margin={"l": 60, "r": 40, "t": 50, "b": 50},
            showlegend=False,
        ),
    }


def _ternary_marker(
    seen: Sequence[ExperimentView],
    objective: ObjectiveView,
    shares: Sequence[float],
    *,
    has_scale: bool,
) -> Figure:
    """Return how experiments are marked: larger the more of the sample the three are."""
    judged = [judged_value(experiment, objective) for experiment in seen]
    low, high = colour_range(judged)
    return {
        "size": [5 + 9 * min(1.0, share) for share in shares],
        "color": judged,
        "cmin": low,
        "cmax": high,
        "colorscale": "Cividis",
        "reversescale": objective.is_less_better,
        "showscale": has_scale,
        "colorbar": {
            "title": {"text": judged_label(objective)},
            "thickness": 14,
            "outlinewidth": 0,
        },
        "line": {
            "width": [2.5 if experiment.is_on_front else 0.5 for experiment in seen],
            "color": [VERMILION if e.is_on_front else "#ffffff" for e in seen],
        },
    }


def parallel_figure(view: CampaignView, colour: ObjectiveView | None = None) -> Figure:
    """Return every experiment as a line over components, parameters and objectives.

    The front is drawn on top.

    Args:
        view: The campaign, with the experiments that are to be shown.
        colour: The objective that colours the lines; None for buttons by which the reader chooses.
    """
    colouring = view.objectives if colour is None else (colour,)
    seen = [
        experiment
        for experiment in view.experiments
        if all(objective_value(experiment, o.name) is not None for o in view.objectives)
    ]
    axes = _axes(view, seen)
    heights = [_heights(column) for column in axes]
    data: list[Figure] = []
    owners: list[int] = []
    for index, objective in enumerate(colouring):
        traces = _coloured_lines(seen, heights, objective)
        for trace in traces:
            trace["visible"] = index == 0
        data += traces
        owners += [index] * len(traces)
    front = [i for i, experiment in enumerate(seen) if experiment.is_on_front]
    data.append(_lines(seen, heights, front, name="Pareto front", colour=VERMILION))
    buttons: list[Figure] = [
        {
            "label": f"colour by {judged_label(objective)}",
            "method": "restyle",
            "args": [{"visible": [*(owner == index for owner in owners), True]}],
        }
        for index, objective in enumerate(view.objectives)
    ]
    figure_layout = layout(
        xaxis={
            "tickvals": list(range(len(axes))),
            "ticktext": [_tick(name) for name, _ in axes],
            "range": [-0.3, len(axes) - 0.7],
            "showgrid": True,
            "gridcolor": "#9ca3af",
            "zeroline": False,
            "tickangle": 0,
        },
        yaxis={"visible": False, "range": [-0.1, 1.1]},
        annotations=_ends(axes),
        margin={"l": 30, "r": 30, "t": 70, "b": 110},
        legend={"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0, "font": {"size": 11}},
        **({"updatemenus": [choice_buttons(buttons)]} if colour is None else {}),
    )
    return {"data": data, "layout": figure_layout}


def _axes(view: CampaignView, seen: Sequence[ExperimentView]) -> list[_Column]:
    columns: list[_Column] = []
    for name in (*view.components, *view.parameters):
        values = [(experiment.made or experiment.asked).get(name, 0.0) for experiment in seen]
        columns.append((name, values))
    for objective in view.objectives:
        found = [objective_value(experiment, objective.name) or 0.0 for experiment in seen]
        columns.append((objective.name, list(found)))
    return columns


def _tick(name: str) -> str:
    """Return the name of an axis in lines so short that its neighbours keep theirs."""
    return "<br>".join(wrap(label_from_name(name), _TICK_LETTERS, break_long_words=False))


def _heights(column: _Column) -> list[float]:
    """Return where on its axis, from 0 to 1, each value of a column lies."""
    _, values = column
    texts = sorted({value for value in values if isinstance(value, str)})
    if texts:
        places = {text: i / max(1, len(texts) - 1) for i, text in enumerate(texts)}
        return [places[str(value)] for value in values]
    numbers = [float(value) for value in values]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    return [(number - low) / (high - low) if high > low else 0.5 for number in numbers]


def _ends(axes: Sequence[_Column]) -> list[Figure]:
    """Return the lowest and the highest value of each axis as small texts."""
    notes: list[Figure] = []
    for place, (_, values) in enumerate(axes):
        if not values:
            continue
        texts = [value for value in values if isinstance(value, str)]
        numbers = [float(value) for value in values if not isinstance(value, str)]
        low = min(texts) if texts else number_text(min(numbers))
        high = max(texts) if texts else number_text(max(numbers))
        for text, y, anchor in ((low, -0.02, "top"), (high, 1.02, "bottom")):
            notes.append(
                {
                    "x": place,
                    "y": y,
                    "text": text,
                    "yanchor": anchor,
                    "showarrow": False,
                    "font": {"size": 11, "color": "#4b5563"},
                }
            )
    return notes


def _coloured_lines(
    seen: Sequence[ExperimentView], heights: Sequence[Sequence[float]], objective: ObjectiveView
) -> list[Figure]:
    """Return one trace for each colour, so that thousands of lines stay few traces.

    Each colour stands for as many experiments as any other: one outlier takes no colour away.
    The best lie on top.
    """
    values = [judged_value(experiment, objective) or 0.0 for experiment in seen]
    order = sorted(range(len(seen)), key=lambda i: values[i], reverse=objective.is_less_better)
    n = min(len(_CIVIDIS), len(seen))
    traces = []
    for place in range(n):
        members = order[len(order) * place // n : len(order) * (place + 1) // n]
        ends = sorted((values[members[0]], values[members[-1]]))
        name = f"{number_text(ends[0])} to {number_text(ends[1])}"
        colour = _CIVIDIS[(len(_CIVIDIS) - 1) * (place + 1) // n]
        traces.append(_lines(seen, heights, members, name=name, colour=colour))
    return traces


def _lines(
    seen: Sequence[ExperimentView],
    heights: Sequence[Sequence[float]],
    members: Sequence[int],
    *,
    name: str,
    colour: str,
) -> Figure:
    """Return the lines of some experiments as one trace with gaps between them."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    texts: list[str] = []
    for i in members:
        xs += [*range(len(heights)), None]
        ys += [*(column[i] for column in heights), None]
        texts += [experiment_hover(seen[i])] * (len(heights) + 1)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": xs,
        "y": ys,
        "text": texts,
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": colour, "width": 2.5 if colour == VERMILION else 1.2},
        "marker": {"size": 4, "color": colour},
        "opacity": 1.0 if colour == VERMILION else 0.7,
    }

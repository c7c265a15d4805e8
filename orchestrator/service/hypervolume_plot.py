"""The hypervolume of a campaign's front as a figure, against what it cost to get there."""

from typing import Final, Literal, TypeAlias

from orchestrator.service.labels import label_from_name
from orchestrator.service.plots import BLUE, Figure, axis, choice_buttons, layout
from orchestrator.service.views import CampaignView, HypervolumeView

__all__ = ["HYPERVOLUME_WAYS", "HypervolumeBy", "hypervolume_figure"]

HypervolumeBy: TypeAlias = Literal["experiments", "hours", "money"]
HYPERVOLUME_WAYS: Final[tuple[HypervolumeBy, ...]] = ("experiments", "hours", "money")
"""Against what the hypervolume may be drawn."""


def hypervolume_figure(view: CampaignView, by: HypervolumeBy | None = None) -> Figure:
    """Return the hypervolume against experiments, hours or money.

    Args:
        view: The campaign.
        by: Against which; None for experiments, with buttons by which the reader chooses.
    """
    series = view.hypervolume_series
    ways: list[tuple[str, list[float]]] = [
        ("experiments", [float(entry.n_observed) for entry in series]),
        ("hours", [entry.hours for entry in series]),
        ("money (USD)", [entry.cost_usd for entry in series]),
    ]
    title, xs = ways[0 if by is None else HYPERVOLUME_WAYS.index(by)]
    trace: Figure = {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": [entry.hypervolume for entry in series],
        "text": [_series_hover(entry) for entry in series],
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"shape": "hv", "color": BLUE, "width": 2},
        "fill": "tozeroy",
        "fillcolor": "rgba(0, 114, 178, 0.12)",
    }
    buttons: list[Figure] = [
        {"label": name, "method": "update", "args": [{"x": [values]}, {"xaxis.title.text": name}]}
        for name, values in ways
    ]
    return {
        "data": [trace],
        "layout": layout(
            xaxis=axis(title),
            yaxis=axis(_hypervolume_title(view), rangemode="tozero"),
            showlegend=False,
            margin={"l": 80, "r": 30, "t": 60, "b": 60},
            **({"updatemenus": [choice_buttons(buttons)]} if by is None else {}),
        ),
    }


def _hypervolume_title(view: CampaignView) -> str:
    units = [label_from_name(objective.name) for objective in view.objectives]
    names = [unit[unit.rindex("(") + 1 : -1] for unit in units if unit.endswith(")")]
    unit = f" ({' · '.join(names)})" if len(names) == len(units) else ""
    return f"hypervolume{unit}"


def _series_hover(entry: HypervolumeView) -> str:
    return (
        f"{entry.experiment_id}<br>{entry.n_observed} observed, {entry.hours:.1f} h, "
        f"{entry.cost_usd:,.0f} USD<br>hypervolume {entry.hypervolume:.5g}"
    )

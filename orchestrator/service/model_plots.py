"""Figures of what predictions were worth: parity, calibration, coverage, residuals."""

from typing import Final

from orchestrator.service.intervals import LEVELS
from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.model_view import ModelView, PredictedPair
from orchestrator.service.plots import BLUE, GREY, VERMILION, Figure, axis, layout

__all__ = ["calibration_figure", "coverage_figure", "parity_figure", "residual_figure"]

_COLOURS: Final = (BLUE, "#009E73", VERMILION)
_SYMBOLS: Final = ("circle", "square", "diamond")
_Z95: Final = 1.959964


def parity_figure(model: ModelView) -> Figure:
    """Return what was measured against what was predicted, with 95 % intervals."""
    label = label_from_name(model.name)
    ends = [end for pair in model.pairs for end in (pair.mean, pair.value)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    margin = 0.05 * (high - low) or 1.0
    line = [low - margin, high + margin]
    points: Figure = {
        "type": "scatter",
        "mode": "markers",
        "name": "experiments",
        "x": [pair.mean for pair in model.pairs],
        "y": [pair.value for pair in model.pairs],
        "error_x": {
            "type": "data",
            "array": [_Z95 * pair.sd for pair in model.pairs],
            "color": "#9ca3af",
            "thickness": 1,
            "width": 0,
        },
        "text": [_hover(pair) for pair in model.pairs],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 8, "color": BLUE, "opacity": 0.8},
    }
    diagonal = _guide(line, line, "as predicted")
    return {
        "data": [diagonal, points],
        "layout": layout(
            xaxis=axis(f"predicted {label}"), yaxis=axis(f"measured {label}"), showlegend=False
        ),
    }


def calibration_figure(model: ModelView) -> Figure:
    """Return how many values lay inside central intervals, against how many should."""
    curve: Figure = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "predictions",
        "x": [level for level, _ in model.calibration],
        "y": [share for _, share in model.calibration],
        "line": {"color": BLUE, "width": 2},
        "marker": {"size": 5, "color": BLUE},
        "hovertemplate": "%{x:.0%} should, %{y:.0%} did<extra></extra>",
    }
    return {
        "data": [_guide([0.0, 1.0], [0.0, 1.0], "well calibrated"), curve],
        "layout": layout(
            xaxis=axis("share that should lie inside", range=[0, 1], tickformat=".0%"),
            yaxis=axis("share that did", range=[0, 1.02], tickformat=".0%"),
        ),
    }


def coverage_figure(model: ModelView) -> Figure:
    """Return the share inside each interval window by window, with its 95 % bounds."""
    data: list[Figure] = []
    names = [f"{one.first} to {one.last}" for one in model.windows]
    for place, level in enumerate(LEVELS):
        shares = [window.shares[place] for window in model.windows]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{level:.0%} interval",
                "x": names,
                "y": [one.share for one in shares],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [one.high - one.share for one in shares],
                    "arrayminus": [one.share - one.low for one in shares],
                    "thickness": 1,
                    "width": 4,
                },
                "line": {"color": _COLOURS[place], "width": 1.5},
                "marker": {"size": 8, "color": _COLOURS[place], "symbol": _SYMBOLS[place]},
                "hovertemplate": "%{x}: %{y:.0%}<extra>" + f"{level:.0%}" + "</extra>",
            }
        )
    guides = [_level_line(level, colour) for level, colour in zip(LEVELS, _COLOURS, strict=True)]
    return {
        "data": data,
        "layout": layout(
            xaxis=axis("experiments", type="category"),
            yaxis=axis("share inside", range=[0, 1.05], tickformat=".0%"),
            shapes=guides,
        ),
    }


def residual_figure(model: ModelView) -> Figure:
    """Return the standardised differences in the order of the results."""
    points: Figure = {
        "type": "scatter",
        "mode": "markers",
        "name": "measured minus predicted",
        "x": [pair.ended_h for pair in model.pairs],
        "y": [pair.pull.z for pair in model.pairs],
        "text": [_hover(pair) for pair in model.pairs],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 8, "color": BLUE, "opacity": 0.8},
    }
    band = [_level_line(level, GREY) for level in (-_Z95, 0.0, _Z95)]
    return {
        "data": [points],
        "layout": layout(
            xaxis=axis("hours since the opening"),
            yaxis=axis("difference in standard deviations"),
            shapes=band,
            showlegend=False,
        ),
    }


def _hover(pair: PredictedPair) -> str:
    return (
        f"<b>{pair.experiment_id}</b><br>predicted {number_text(pair.mean)} ± "
        f"{number_text(pair.sd, 2)}<br>measured {number_text(pair.value)}<br>"
        f"off by {pair.pull.z:+.1f} standard deviations"
    )


def _guide(xs: list[float], ys: list[float], name: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": xs,
        "y": ys,
        "line": {"color": GREY, "width": 1, "dash": "dash"},
        "hoverinfo": "skip",
    }


def _level_line(value: float, colour: str) -> Figure:
    return {
        "type": "line",
        "line": {"dash": "dot", "color": colour, "width": 1},
        "layer": "below",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "yref": "y",
        "y0": value,
        "y1": value,
    }

"""One small SVG a problem: quality against experiments, median and quartiles of each peer."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from tests.benchmarks.peers.summary import FloatArray

__all__ = ["COLOURS", "curve_plot"]

COLOURS: Final[Mapping[str, str]] = {
    "random": "#8a8a8a",
    "sobol": "#b79a3c",
    "ax": "#2f6fb0",
    "baybe": "#2e9a62",
    "bofire": "#9a4fb0",
    "athanor": "#d1432b",
}
_WIDTH: Final = 560
_HEIGHT: Final = 340
_LEFT: Final = 52
_RIGHT: Final = 96
_TOP: Final = 34
_BOTTOM: Final = 42


class _Axes:
    """Where experiments and qualities lie in the picture."""

    def __init__(self, first: int, last: int, low: float) -> None:
        self.first, self.last, self.low = first, last, low

    def x(self, experiment: float) -> float:
        part = (experiment - self.first) / (self.last - self.first)
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, quality: float) -> float:
        part = (quality - self.low) / (1 - self.low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _text(x: float, y: float, text: str, *, anchor: str = "middle", colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


def _frame(axes: _Axes, title: str) -> list[str]:
    parts = [_text(_LEFT, 20, title, anchor="start")]
    for quality in np.arange(np.ceil(axes.low * 10) / 10, 1.001, 0.1):
        y = axes.y(float(quality))
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
        )
        parts.append(_text(_LEFT - 6, y + 4, f"{quality:.1f}", anchor="end"))
    for experiment in range(axes.first, axes.last + 1, 4):
        parts.append(_text(axes.x(experiment), _HEIGHT - _BOTTOM + 18, str(experiment)))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_text(middle, _HEIGHT - 6, "experiments, the initial eight counted"))
    return parts


def _curve(axes: _Axes, colour: str, curves: FloatArray) -> tuple[list[str], float]:
    """Return the band between the quartiles and the median's line, and where the line ends."""
    steps = range(axes.first, axes.last + 1)
    low, middle, high = np.quantile(
        curves[:, axes.first - 1 : axes.last], [0.25, 0.5, 0.75], axis=0
    )
    upper = [f"{axes.x(n):.1f},{axes.y(q):.1f}" for n, q in zip(steps, high, strict=True)]
    lower = [f"{axes.x(n):.1f},{axes.y(q):.1f}" for n, q in zip(steps, low, strict=True)]
    line = [f"{axes.x(n):.1f},{axes.y(q):.1f}" for n, q in zip(steps, middle, strict=True)]
    band = f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{colour}" opacity="0.13"/>'
    stroke = f'<polyline points="{" ".join(line)}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return [band, stroke], axes.y(float(middle[-1]))


def curve_plot(title: str, curves: Mapping[str, FloatArray], first: int, last: int) -> str:
    """Return an SVG.

    Args:
        title: Written above the picture.
        curves: By peer, one row a seed, one column an experiment.
        first: The first experiment shown.
        last: The last one; every row is at least so long.
    """
    least = min(float(np.quantile(rows[:, first - 1], 0.25)) for rows in curves.values())
    axes = _Axes(first, last, float(np.floor(least * 10) / 10))
    parts = _frame(axes, title)
    ends: list[tuple[float, str]] = []
    for peer, rows in curves.items():
        drawn, end = _curve(axes, COLOURS[peer], rows)
        parts += drawn
        ends.append((end, peer))
    below = 0.0
    for end, peer in sorted(ends):
        below = max(end + 4, below + 14)
        parts.append(_text(_WIDTH - _RIGHT + 6, below, peer, anchor="start", colour=COLOURS[peer]))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
    )
    background = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    return "\n".join([head, background, *parts, "</svg>"]) + "\n"

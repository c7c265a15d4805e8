"""Figures in the colours of the page: the report's fixed colours become the theme's variables."""

from typing import Final

from orchestrator.service.plots import BLUE, GREY, VERMILION, Figure

__all__ = ["with_theme"]

_EVERYWHERE: Final = {
    BLUE: "var(--plot-1)",
    VERMILION: "var(--plot-2)",
    "#009E73": "var(--plot-3)",
    GREY: "var(--muted)",
    "#4b5563": "var(--muted)",
    "#1f2937": "var(--text)",
    "#e5e7eb": "var(--line)",
    "#d1d5db": "var(--line)",
    "#9ca3af": "var(--line-strong)",
    "#ffffff": "var(--surface)",
    "#fafafa": "rgba(0, 0, 0, 0)",
    "#00224e": "#2f62ad",
    "#213b6e": "#4a75ab",
    "#4c556c": "#6584a4",
    "#6c6e72": "#7f929b",
    "#8e8978": "#9a9e88",
    "#b3a772": "#b7a96f",
    "#dac762": "#d0ad4c",
    "#fee838": "#e3b129",
    "Cividis": [[0.0, "#2f62ad"], [0.5, "#8b988f"], [1.0, "#e3b129"]],
}
"""What is drawn for a white page, and what can be read on any ground; blue to yellow stays so."""


def with_theme(figure: Figure) -> Figure:
    """Return a figure with colours that the page's script fills in, light or dark."""
    return {name: _themed(value) for name, value in figure.items()}


def _themed(value: object) -> object:
    match value:
        case str():
            return _EVERYWHERE.get(value, value)
        case dict():
            return {key: _themed(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_themed(inner) for inner in value]
        case _:
            return value

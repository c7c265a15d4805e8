"""A rig's plan as an SVG drawing; the page that shows it gives the colours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final, NamedTuple

from orchestrator.service.plan_axis import PlanAxis
from orchestrator.service.plan_view import PlanBar, PlanRow, PlanView

__all__ = ["Bar", "Drawing", "Line", "Words", "plan_drawing", "plan_svg"]

_LEFT: Final = 150
_WIDE: Final = 780
_HIGH: Final = 34
_AXIS: Final = 26
_MOST_TICKS: Final = 8
_N_TONES: Final = 6
_CENTRED: Final = ' text-anchor="middle"'
_LETTER: Final = 6.5
"""Width of one letter."""


@dataclass(frozen=True, slots=True)
class _Look:
    """How samples are told apart."""

    tones: Mapping[str, int]
    is_shared: bool
    """Whether several campaigns use the rig."""


class Line(NamedTuple):
    """A straight line."""

    look: str
    x1: float
    x2: float
    y1: float
    y2: float


class Words(NamedTuple):
    """A short text."""

    look: str
    x: float
    y: float
    is_centred: bool
    text: str


class Bar(NamedTuple):
    """One run of an instrument."""

    look: str
    x: float
    y: float
    wide: float
    high: float
    told: str
    """Everything about it, for who points at it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plan as lines, words and bars; their classes are for the page that gives the colours."""

    wide: float
    high: float
    told: str
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...]
    words: tuple[Words, ...]
    now: Line


def plan_drawing(plan: PlanView) -> Drawing:
    """Return the drawing: an instrument a row, a load a bar, the present a line.

    Its looks are ``axis``, ``now``, ``bar``, a state, ``tone-0`` to ``tone-5`` for the samples,
    ``in`` for words in a bar, ``gone`` for an instrument that cannot be used.

    Args:
        plan: What is expected.
    """
    axis = PlanAxis(plan)
    high = float(_HIGH * len(plan.rows))
    look = _Look(
        tones={sample: index % _N_TONES for index, sample in enumerate(plan.samples)},
        is_shared=len(plan.campaigns) > 1,
    )
    lines: list[Line] = []
    words: list[Words] = []
    bars: list[Bar] = []
    for time in axis.ticks(_MOST_TICKS):
        at = _place(axis, time)
        text = f"{time:%H:%M}" if time.date() == plan.now.date() else f"{time:%d %b %H:%M}"
        lines.append(Line("axis", at, at, 0.0, high))
        words.append(Words("", at, high + 17, is_centred=True, text=text))
    for index, row in enumerate(plan.rows):
        top = float(_HIGH * index)
        lines.append(Line("axis", 0.0, _LEFT + _WIDE, top + _HIGH, top + _HIGH))
        words += _row_words(row, top)
        for bar in row.bars:
            if bar.end > axis.start:
                drawn = _bar(bar, axis, look, top)
                bars.append(drawn)
                short = _label(bar, drawn.wide, is_shared=look.is_shared)
                words += [Words("in", drawn.x + 4, top + 21, is_centred=False, text=short)]
    at = _place(axis, plan.now)
    told = f"Plan of {len(plan.rows)} instruments of {plan.rig}; the table of jobs has the same"
    return Drawing(
        _LEFT + _WIDE + 70,
        high + _AXIS,
        told,
        tuple(lines),
        tuple(bars),
        tuple(one for one in words if one.text),
        Line("now", at, at, 0.0, high),
    )


def plan_svg(plan: PlanView) -> str:
    """Return the drawing as SVG, for a page that stands alone.

    Args:
        plan: What is expected.
    """
    drawn = plan_drawing(plan)
    parts = [
        f'<svg class="plan-svg" viewBox="0 0 {drawn.wide:g} {drawn.high:g}" role="img" '
        f'aria-label="{escape(drawn.told)}">',
        *map(_line, drawn.lines),
        *(
            f'<rect class="{escape(bar.look)}" x="{bar.x:.1f}" y="{bar.y:g}" '
            f'width="{bar.wide:.1f}" height="{bar.high:g}" rx="3">'
            f"<title>{escape(bar.told)}</title></rect>"
            for bar in drawn.bars
        ),
        *(
            f'<text class="{one.look}" x="{one.x:.1f}" y="{one.y:g}"'
            f"{_CENTRED if one.is_centred else ''}>{escape(one.text)}</text>"
            for one in drawn.words
        ),
        _line(drawn.now),
    ]
    return "".join([*parts, "</svg>"])


def _line(one: Line) -> str:
    return (
        f'<line class="{one.look}" x1="{one.x1:.1f}" x2="{one.x2:.1f}" '
        f'y1="{one.y1:g}" y2="{one.y2:g}"/>'
    )


def _place(axis: PlanAxis, time: datetime) -> float:
    """Return where a time is drawn; what is outside, at the edge."""
    return _LEFT + _WIDE * min(1.0, max(0.0, axis.part(time)))


def _row_words(row: PlanRow, top: float) -> Iterator[Words]:
    look = "gone" if row.why_not else ""
    yield Words(look, 0.0, top + 21, is_centred=False, text=row.instrument[:20])
    if row.busy_fraction is not None:
        star = " *" if row.is_bottleneck else ""
        text = f"{100 * row.busy_fraction:.0f} %{star}"
        yield Words("", _LEFT + _WIDE + 6, top + 21, is_centred=False, text=text)


def _bar(bar: PlanBar, axis: PlanAxis, look: _Look, top: float) -> Bar:
    x = _place(axis, bar.begin)
    wide = max(2.0, _place(axis, bar.end) - x)
    names = ", ".join(bar.samples)
    told = f"{bar.action}, {bar.state}, {bar.begin:%H:%M:%S} to {bar.end:%H:%M:%S}: {names}"
    tone = look.tones.get(bar.samples[0], 0)
    return Bar(f"bar {bar.state} tone-{tone}", x, top + 5, wide, _HIGH - 10, told)


def _label(bar: PlanBar, wide: float, *, is_shared: bool) -> str:
    """Return what of a bar's samples can be written into it, with the campaign if there is room."""
    full = list(bar.samples) if is_shared else []
    for names in (full, [sample.rpartition("/")[2] for sample in bar.samples]):
        more = f" +{len(names) - 1}" if len(names) > 1 else ""
        for text in (" ".join(names), f"{names[0]}{more}" if names else ""):
            if text and len(text) * _LETTER + 8 <= wide:
                return text
    return ""

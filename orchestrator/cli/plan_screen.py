"""What ``athanor plan`` draws on a terminal: a Gantt chart of letters, waits, expected ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.service.plan_axis import PlanAxis
from orchestrator.service.plan_view import EndView, PlanBar, PlanRow, PlanView

__all__ = ["plan_screen"]

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_COLOURS: Final = ("cyan", "magenta", "yellow", "green", "blue", "red")
_MOST_WAITS: Final = 40
_LEAST_CHART: Final = 24
_TICK_WIDTH: Final = 10


def plan_screen(plan: PlanView, width: int) -> RenderableType:
    """Return the plan of one rig.

    Args:
        plan: What is expected.
        width: Of the terminal, in columns.
    """
    letters = dict(zip(plan.samples, _LETTERS, strict=False))
    parts: list[RenderableType] = [_headline(plan)]
    if plan.rows:
        parts += [Text(), *_chart(plan, letters, width), Text(), _legend(letters)]
    if plan.waiting:
        parts += [Text(), _waits(plan)]
    if plan.search is not None:
        parts += [Text(), Text(f"search: {plan.search.said}")]
    parts += [Text(), *map(_end_line, plan.campaigns)]
    return Group(*parts)


def _headline(plan: PlanView) -> Text:
    clock = "bench time" if plan.is_virtual else "UTC"
    text = Text(plan.rig, style="bold")
    text.append(f"  now {plan.now:%Y-%m-%d %H:%M} {clock}", style="default")
    if plan.foreseen_s:
        text.append(f", open samples done {_when(plan.end, plan.now)}", style="default")
    return text


def _chart(plan: PlanView, letters: Mapping[str, str], width: int) -> list[Text]:
    """Return one line an instrument, under a time axis: = was, # is, - should be."""
    name_width = min(18, max(len(row.instrument) for row in plan.rows))
    columns = max(_LEAST_CHART, width - name_width - 9)
    scale = _Scale(plan, columns)
    lines = [scale.axis(name_width)]
    lines += [_row(row, letters, scale, name_width) for row in plan.rows]
    key = "= done  # running  - planned  ? in doubt  x failed  | now  * bottleneck"
    return [*lines, Text(f"{'':{name_width}}  {key}"[:width], style="dim")]


class _Scale:
    """From times to columns.

    Args:
        plan: What is to be shown.
        columns: How many there are.
    """

    def __init__(self, plan: PlanView, columns: int) -> None:
        self.columns = columns
        self._axis = PlanAxis(plan)
        self.now_at = self.column(plan.now)

    def column(self, time: datetime) -> int:
        """Return where a time is; left or right of the chart, if it is not shown."""
        return round(self._axis.part(time) * (self.columns - 1))

    def axis(self, name_width: int) -> Text:
        """Return the clock times."""
        text = ""
        for time in self._axis.ticks(max(1, self.columns // _TICK_WIDTH)):
            at = self.column(time)
            if at + len("'00:00") <= self.columns:
                text = f"{text:{at}}'{time:%H:%M}"
        return Text(f"{'':{name_width}}  {text}", style="dim")


def _row(row: PlanRow, letters: Mapping[str, str], scale: _Scale, name_width: int) -> Text:
    cells: list[tuple[str, str]] = [(" ", "")] * scale.columns
    for bar in row.bars:
        _draw(bar, letters, scale, cells)
    if not cells[scale.now_at][0].isalnum():
        cells[scale.now_at] = ("|", "bold")
    text = Text(f"{row.instrument[:name_width]:{name_width}}  ")
    for sign, style in cells:
        text.append(sign, style=style)
    busy = "" if row.busy_fraction is None else f" {100 * row.busy_fraction:3.0f} %"
    text.append(f"{busy}{'*' if row.is_bottleneck else ''}")
    if row.why_not:
        text.stylize("dim")
    return text


def _draw(
    bar: PlanBar, letters: Mapping[str, str], scale: _Scale, cells: list[tuple[str, str]]
) -> None:
    """Put a bar into the cells: its samples' letters, filled up by its state's sign."""
    begin, end = scale.column(bar.begin), max(scale.column(bar.end), scale.column(bar.begin) + 1)
    signs = {"done": "=", "running": "#", "planned": "-", "in_doubt": "?"}
    sign = signs.get(bar.state, "x")
    names = "".join(letters.get(sample, "+") for sample in bar.samples)
    colour = _COLOURS[_LETTERS.find(names[:1]) % len(_COLOURS)]
    shown = range(max(0, begin), min(len(cells), end))
    for place, column in enumerate(shown):
        cells[column] = (names[place] if place < len(names) else sign, colour)


def _legend(letters: Mapping[str, str]) -> Text:
    return Text("  ".join(f"{letter} {sample}" for sample, letter in letters.items()), style="dim")


def _waits(plan: PlanView) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("waiting", no_wrap=True)
    table.add_column("begins", no_wrap=True)
    table.add_column("because", overflow="fold")
    waiting = plan.waiting
    for job in waiting[:_MOST_WAITS]:
        begins = "not known" if job.begin is None else _when(job.begin, plan.now)
        why = job.why
        if job.must_begin_by is not None:
            why += f"; must begin by {job.must_begin_by:%H:%M:%S}"
        if job.is_late:
            why += "; it is foreseen too late: the sample will spoil"
        style = "red" if job.is_late or job.begin is None else ""
        table.add_row(Text(f"{job.campaign_id}/{job.job_id}", style=style), begins, Text(why))
    if len(waiting) > _MOST_WAITS:
        table.add_row(f"and {len(waiting) - _MOST_WAITS} more", "", "athanor plan --json has all")
    return table


def _end_line(end: EndView) -> Text:
    text = Text(end.campaign_id, style="bold")
    text.append(f" (priority {end.priority}): ", style="default")
    when = "" if end.end is None else f"ends about {end.end:%Y-%m-%d %H:%M}: "
    text.append(f"{when}{end.how}", style="default")
    return text


def _when(time: datetime, now: datetime) -> str:
    """Return the clock time, with the day where it is another one."""
    return f"{time:%H:%M}" if time.date() == now.date() else f"{time:%m-%d %H:%M}"

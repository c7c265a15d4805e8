"""What commands draw of doubts and of the laboratory, from views alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.views import DoubtView

__all__ = ["age_text", "doubt_panels", "instruments_table", "laboratory_text", "places_table"]

_STYLES: Final = {"connected": "green", "lost": "bold red", "out": "yellow", "unknown": "dim"}
_ANSWER_STYLES: Final = {"ran": "green", "did_not_run": "yellow", "scrap_sample": "red"}


def age_text(time: datetime | None, now: datetime) -> str:
    """Return how long ago something was, for people.

    Example:
        >>> from datetime import UTC, datetime
        >>> age_text(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, 30, tzinfo=UTC))
        '2.5 h ago'
    """
    if time is None:
        return "never"
    age_s = max(0.0, (now - time).total_seconds())
    for limit_s, unit_s, unit in ((120, 1, "s"), (7200, 60, "min")):
        if age_s < limit_s:
            return f"{age_s / unit_s:.0f} {unit} ago"
    if age_s < 172_800:
        return f"{age_s / 3600:.1f} h ago"
    return f"{age_s / 86400:.1f} days ago"


def doubt_panels(doubts: Sequence[DoubtView], now: datetime) -> RenderableType:
    """Return one panel for each doubt: what was asked, what is known, what each answer does.

    Args:
        doubts: To be shown, at least one.
        now: On the wall clock.
    """
    return Group(*(_doubt_panel(doubt, now) for doubt in doubts))


def _doubt_panel(doubt: DoubtView, now: datetime) -> RenderableType:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    begun = "?" if doubt.started_time is None else f"{doubt.started_time:%Y-%m-%d %H:%M:%S}"
    facts.add_row("sample", f"{doubt.experiment_id} of {doubt.campaign_id}")
    facts.add_row("asked", Text(f"{doubt.asked} on {doubt.instrument} ({doubt.recovery})"))
    facts.add_row("begun", f"{begun} UTC, attempt {doubt.attempt}, {age_text(doubt.since, now)}")
    facts.add_row("evidence", Text(doubt.evidence))
    if not doubt.needs_person:
        facts.add_row("note", "only a reading: the engine asks for it again by itself")
    for answer, consequence in doubt.answers.items():
        facts.add_row(Text(answer, style=_ANSWER_STYLES.get(answer, "")), Text(consequence))
    return Panel(facts, title=Text(doubt.job_id, style="bold"), title_align="left", expand=False)


def instruments_table(lab: LaboratoryView, now: datetime) -> RenderableType:
    """Return every instrument that was ever heard of."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("instrument", "status", "since (UTC)", "identity", "why not usable"):
        table.add_column(heading, overflow="fold")
    for one in lab.instruments:
        table.add_row(
            one.name,
            Text(one.status, style=_STYLES.get(one.status, "")),
            f"{one.since:%Y-%m-%d %H:%M} ({age_text(one.since, now)})",
            Text(one.identity),
            Text(one.why_unusable, style="red"),
        )
    return table


def places_table(lab: LaboratoryView, now: datetime) -> RenderableType:
    """Return every place that no sample may use."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("place", "left unclean by", "campaign", "since (UTC)"):
        table.add_column(heading)
    for place in lab.unclean:
        when = "" if place.since is None else f"{place.since:%Y-%m-%d %H:%M}"
        age = f"{when} ({age_text(place.since, now)})"
        table.add_row(place.place, place.experiment_id, place.campaign_id, age)
    return table


def laboratory_text(lab: LaboratoryView, now: datetime, *, with_age: bool = True) -> Text:
    """Return what of the laboratory keeps campaigns from going on, with the next command.

    Args:
        lab: The laboratory.
        now: On the bench's own clock.
        with_age: Whether to say which station answers and how old the last fact is.
    """
    lines = Text()
    if lab.latch:
        lines.append(f"stop latch is set: {lab.latch}\n", style="bold red")
        lines.append('  then: athanor latch clear --by NAME --reason "..."\n')
    for name, reason in lab.tripped.items():
        lines.append(f"interlock {name} tripped: ", style="bold red")
        lines.append(f"{reason}\n")
    for name, reason in lab.unsafe.items():
        lines.append(f"{name} could not be made safe: {reason}\n", style="bold red")
    for one in lab.lost:
        word = "out of service" if one.status == "out" else "lost"
        style = _STYLES.get(one.status, "")
        lines.append(f"{one.name} {word} ({age_text(one.since, now)}): ", style=style)
        lines.append(f"{one.reason}\n")
    if lab.unclean:
        names = ", ".join(f"{one.place} (by {one.experiment_id})" for one in lab.unclean)
        lines.append(f"unclean: {names}\n", style="yellow")
        lines.append('  then: athanor places clean NAME --reason "..."\n')
    for sign in lab.signs:
        if not sign.is_answering:
            lines.append(f"station {sign.station} does not answer\n", style="bold red")
    if not with_age:
        lines.rstrip()
        return lines
    last = f"the last fact of the laboratory came {age_text(lab.last_time, now)}"
    lines.append(f"{_station_text(lab)}{last}", style="dim")
    return lines


def _station_text(lab: LaboratoryView) -> str:
    """Return which stations answer now, or that there is none."""
    living = ", ".join(
        f"{one.station} (process {one.pid})" for one in lab.signs if one.is_answering
    )
    if living:
        return f"station {living} answers now; "
    if lab.signs:
        return ""
    return f"no station here; the last one was {lab.station}; " if lab.station else "no station; "

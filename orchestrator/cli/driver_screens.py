"""How drivers and what the kit found of them look on a terminal."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from drivers.conformance import ConformanceReport, Result
    from orchestrator.service.driver_shelf import ActionView, ArgumentView, DriverView

_NUMBER = re.compile(r"\d+(\.\d+)?")
_MOST_NAMED = 4

__all__ = ["driver_page", "report_lines", "shelf_table"]


def shelf_table(found: "Sequence[DriverView]") -> "Table":
    """Return the installed drivers, one in a row."""
    from rich.table import Table

    table = Table("driver", "device", "line", "tried", "level", "actions")
    for one in found:
        names = one.problem or ", ".join(action.name for action in one.actions)
        table.add_row(one.name, one.model, ", ".join(one.lines), one.tier, one.level, names)
    return table


def driver_page(one: "DriverView") -> "RenderableType":
    """Return everything that is known of a driver."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = [
        f"{one.name}: {one.model}" + (f" by {one.maker}" if one.maker else ""),
        f"{one.protocol}; line {' or '.join(one.lines)}; from {one.package}",
        f"tried: {one.tier}; level by its card: {one.level}",
    ]
    table = Table("action", "arguments", "readings", "recovery", "why")
    for action in one.actions:
        arguments = "\n".join(map(_argument, action.arguments))
        table.add_row(
            _title(action), arguments, "\n".join(action.readings), action.recovery, action.why
        )
    lists = [
        *_listed("Hazards", one.hazards),
        *_listed("Done", one.done),
        *_listed("To do", one.todo),
        *_listed("Sources", one.sources),
    ]
    if one.problem:
        return Text(f"{one.name}: {one.problem}")
    return Group(*map(Text, head), table, *map(Text, lists))


def _title(action: "ActionView") -> str:
    return f"{action.name}\n{action.summary}"


def _argument(argument: "ArgumentView") -> str:
    if argument.low is None or argument.high is None:
        limits = argument.kind
    else:
        limits = f"{argument.low:g} to {argument.high:g}"
    return f"{argument.name} ({limits}{'' if argument.is_required else ', may be left out'})"


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    return [f"\n{title}", *(f"- {text}" for text in texts)] if texts else []


def report_lines(report: "ConformanceReport") -> list[str]:
    """Return what the kit found; failures that differ in numbers alone are put together."""
    reached = report.reached.value if report.reached is not None else "no level"
    claims = "" if report.keeps_its_word else f", its card claims {report.claimed.value}"
    numbers = ", ".join(f"{n} {outcome}" for outcome, n in report.counts.items())
    lines = [f"{report.driver}: {reached}{claims} ({numbers})"]
    alike: dict[tuple[str, str], list[Result]] = {}
    for one in report.failed:
        alike.setdefault((one.check, _NUMBER.sub("#", one.detail)), []).append(one)
    for first, *others in alike.values():
        lines += [f"  {first.level.value}: {first.check}: {first.subject}", f"    {first.detail}"]
        if others:
            named = "; ".join(one.subject for one in others[:_MOST_NAMED])
            more = "; ..." if len(others) > _MOST_NAMED else ""
            lines.append(f"    and {len(others)} like it: {named}{more}")
    return lines

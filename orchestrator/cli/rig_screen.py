"""What ``athanor rig check`` draws on a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.service.labels import label_from_name
from orchestrator.service.rig_check import ActionCheck, RigCheck

__all__ = ["rig_table"]


def rig_table(found: RigCheck) -> RenderableType:
    """Return every instrument with its identity and how far its actions may go."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("instrument", "line", "answers", "identity or model", "actions and limits"):
        table.add_column(heading, overflow="fold")
    like: dict[str, str] = {}
    for one in found.instruments:
        first = like.setdefault(f"{one.driver} {one.actions}", one.name)
        answers = Text("no", style="bold red") if one.error else Text("yes", style="green")
        identity = Text(one.identity) if one.identity else Text(one.model, style="dim")
        limits = Text(f"as {first}", style="dim")
        if first == one.name:
            limits = Text("\n").join(_action_text(action) for action in one.actions)
        table.add_row(one.name, one.line, answers, identity, limits)
    n_good = sum(not one.error for one in found.instruments)
    how = f"as {found.through_station} of the station knows them" if found.through_station else ""
    head = f"{found.rig_name}: {n_good} of {len(found.instruments)} instruments answer {how}"
    return Group(Text(head.rstrip(), style="bold"), table)


def _action_text(action: ActionCheck) -> Text:
    text = Text(f"{action.name} ({action.recovery})")
    for name, (low, high) in action.limits.items():
        ends = f"{'…' if low is None else f'{low:g}'} to {'…' if high is None else f'{high:g}'}"
        stem, _, unit = label_from_name(name).partition(" (")
        style = "yellow" if name in action.narrowed else "dim"
        text.append(f"  {stem} {ends} {unit.removesuffix(')')}".rstrip(), style=style)
    return text

"""What commands draw on a terminal, from views alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import shorten
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.cli.lab_screens import age_text, laboratory_text
from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.views import CampaignLine, CampaignView, EngineState, JobView

__all__ = ["bench_table", "campaign_panel", "campaigns_table", "front_table", "run_panel"]

_STYLES: Final = {
    "running": "bold green",
    "finished": "bold blue",
    "pausing": "yellow",
    "holding": "yellow",
    "paused": "bold yellow",
    "held": "bold red",
    "unattended": "bold red",
    "stopping": "yellow",
    "stopped": "bold",
    "aborting": "red",
    "aborted": "bold red",
}
_N_LAST_JOBS: Final = 6
_N_FRAME_LINES: Final = 4
"""The panel's edges, an empty line, and the line below the panel."""
_SIDE_BY_SIDE_WIDTH: Final = 96
_NOTE_LENGTH: Final = 80


def campaigns_table(lines: Sequence[CampaignLine]) -> RenderableType:
    """Return a list of campaigns."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("campaign", "state", "opened (UTC)"):
        table.add_column(heading)
    for heading in ("started", "observed", "failed", "in doubt"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for line in lines:
        table.add_row(
            line.campaign_id,
            Text(line.state, style=_STYLES.get(line.state, "")),
            f"{line.opened_time:%Y-%m-%d %H:%M}",
            str(line.n_started),
            str(line.n_observed),
            str(line.n_failed),
            str(line.n_in_doubt),
            "simulated" if line.is_simulated else "",
        )
    return table


def campaign_panel(
    view: CampaignView, laboratory: LaboratoryView | None = None, now: datetime | None = None
) -> RenderableType:
    """Return one campaign as ``athanor status`` shows it.

    Args:
        view: The campaign.
        laboratory: The laboratory that it works in; None leaves it out.
        now: On the bench's own clock; None leaves ages out.
    """
    parts: list[RenderableType] = [_facts(view, now), _best_table(view)]
    parts += [_doubt_text(view)] if view.in_doubt else []
    if laboratory is not None and now is not None:
        has_station = bool(laboratory.signs or laboratory.station)
        is_dry_run = view.is_simulated and not has_station
        text = laboratory_text(laboratory, now, with_age=not is_dry_run)
        parts += [Text(), text] if text else []
    return Panel(Group(*parts), title=_title(view), title_align="left", expand=False)


def run_panel(
    view: CampaignView,
    instruments: Mapping[str, str],
    *,
    elapsed_s: float,
    thinking_s: float | None,
    hint: str,
    steps: Sequence[str] = (),
    width: int,
    height: int,
) -> RenderableType:
    """Return one running campaign as ``athanor run`` shows it, fitted to the terminal.

    Args:
        view: The campaign.
        instruments: What each instrument does.
        elapsed_s: Real time since the run began, in seconds.
        thinking_s: How long the run has waited for the planner, in real seconds; None if it does
            not wait.
        hint: What Ctrl-C would do; empty at the end.
        steps: What a person has to do, in order; empty unless the run waits for that.
        width: Of the terminal, in columns.
        height: Of the terminal, in lines.
    """
    facts = _run_facts(view, elapsed_s=elapsed_s, thinking_s=thinking_s)
    best = _best_table(view)
    if width >= _SIDE_BY_SIDE_WIDTH:
        left = Group(facts, Text(), best)
        top: list[RenderableType] = [_columns(left, bench_table(instruments))]
        n_top = max(facts.row_count + best.row_count + 2, len(instruments) + 1)
    else:
        half = (len(instruments) + 1) // 2
        names = list(instruments)
        halves = [
            {name: instruments[name] for name in part} for part in (names[:half], names[half:])
        ]
        top = [facts, best, Text(), _columns(*(bench_table(part) for part in halves))]
        n_top = facts.row_count + best.row_count + half + 3
    n_steps = 2 * len(steps) + 1 if steps else 0
    n_jobs = min(_N_LAST_JOBS, height - n_top - n_steps - _N_FRAME_LINES)
    parts = top + ([Text(), _last_jobs(view, n_jobs)] if n_jobs > 0 else [])
    parts += [_doubt_text(view)] if view.in_doubt else []
    parts += [Text("\n" + "\n".join(steps), style="bold")] if steps else []
    return Panel(
        Group(*parts), title=_title(view), title_align="left", subtitle=hint or None, expand=False
    )


def front_table(view: CampaignView) -> RenderableType:
    """Return the experiments of the Pareto front, with what they are made of."""
    table = Table(title="Pareto front", title_justify="left", box=None, header_style="bold")
    table.add_column("experiment")
    for objective in view.objectives:
        table.add_column(label_from_name(objective.name), justify="right")
    table.add_column("as made")
    by_id = {experiment.experiment_id: experiment for experiment in view.experiments}
    for experiment_id in view.front:
        experiment = by_id[experiment_id]
        known = {**experiment.values, **experiment.computed}
        point = "  ".join(
            f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in experiment.made.items()
            if value != 0.0
        )
        cells = [number_text(known[objective.name]) for objective in view.objectives]
        table.add_row(experiment_id, *cells, point)
    return table


def _title(view: CampaignView) -> Text:
    title = Text.assemble(
        (view.campaign_id, "bold"), "  ", (view.state, _STYLES.get(view.state, "bold"))
    )
    if view.is_simulated:
        title.append("  SIMULATED", style="yellow")
    return title


def _facts(view: CampaignView, now: datetime | None = None) -> Table:
    counts = view.counts
    table = _fact_table()
    table.add_row(
        "experiments",
        f"{_started(view)} started: {counts.done} done, {counts.running} running, "
        f"{counts.failed} failed, {counts.in_doubt} in doubt",
    )
    _add_means(table, view)
    table.add_row("engine", _engine_text(view))
    if now is not None and not view.is_simulated:
        table.add_row("last record", age_text(view.last_time, now))
    if view.priority or view.share != 1.0:
        table.add_row("beside others", f"priority {view.priority}, share {view.share:g}")
    if view.own_points:
        named = ", ".join(f"{name} by {person}" for name, person in view.own_points.items())
        table.add_row("own points", Text(named))
    skipped = [job for job in view.jobs if job.state == "skipped"]
    if skipped:
        last = skipped[-1]
        said = f"{len(skipped)} jobs; last {last.experiment_id}/{last.name}: {last.note}"
        table.add_row("skipped", Text(said))
    if view.state != view.status:
        table.add_row("by the log", Text(view.status))
    if view.status_reason:
        table.add_row("reason", Text(view.status_reason))
    return table


def _run_facts(view: CampaignView, *, elapsed_s: float, thinking_s: float | None) -> Table:
    """Return the facts of a run by this very process: its engine needs no line."""
    counts = view.counts
    table = _fact_table()
    done = Text(f"{_started(view)}: {counts.done} done, {counts.running} running")
    for n, word in ((counts.failed, "failed"), (counts.in_doubt, "in doubt")):
        if n:
            done.append(f", {n} {word}", style="red")
    table.add_row("experiments", done)
    _add_means(table, view, elapsed_s=elapsed_s)
    thinking = "" if thinking_s is None else f" thinks, {thinking_s:.0f} s"
    table.add_row("planner", f"{view.planner}{thinking}")
    if view.status_reason:
        table.add_row("reason", Text(view.status_reason))
    return table


def _fact_table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def _started(view: CampaignView) -> str:
    limit = view.limits[0].limit
    return f"{view.counts.started}" + ("" if limit is None else f" of {limit:.0f}")


def _add_means(table: Table, view: CampaignView, *, elapsed_s: float | None = None) -> None:
    """Add what was spent, and what it gave."""
    _, hours, cost = view.limits
    clock = "virtual hours" if view.is_simulated else "hours"
    real = "" if elapsed_s is None else f" in {elapsed_s:.0f} s of real time"
    table.add_row(clock, f"{hours.used:.1f}{_left(hours.left, ' h')}{real}")
    table.add_row("money", f"{cost.used:,.2f} USD{_left(cost.left, ' USD')}")
    about = "" if view.is_hypervolume_exact else "about "
    table.add_row("hypervolume", f"{about}{number_text(view.hypervolume, 5)}")


def _columns(*sides: RenderableType) -> RenderableType:
    grid = Table.grid(padding=(0, 4))
    grid.add_row(*sides)
    return grid


def bench_table(instruments: Mapping[str, str]) -> Table:
    """Return what each instrument does."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    longest = max((len(name) for name in instruments), default=0)
    table.add_column("instrument", min_width=longest, no_wrap=True)
    table.add_column("does", min_width=14, no_wrap=True, overflow="ellipsis")
    for name, doing in instruments.items():
        style = "dim" if doing == "idle" else "red" if doing.startswith("fault") else "green"
        table.add_row(name, Text(doing, style=style))
    return table


def _left(left: float | None, unit: str) -> str:
    return "" if left is None else f", {left:,.1f}{unit} left"


def _engine_text(view: CampaignView) -> Text:
    engine = view.engine
    if engine.state is EngineState.DETACHED:
        return Text("none attached", style="dim")
    age = (
        "never seen alive"
        if engine.heartbeat_age_s is None
        else f"last sign of life {engine.heartbeat_age_s:,.0f} s ago"
    )
    style = "green" if engine.state is EngineState.ALIVE else "bold red"
    where = f" (process {engine.pid} on {engine.host})" if engine.pid is not None else ""
    return Text(f"{engine.state}, {age}{where}", style=style)


def _best_table(view: CampaignView) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("best so far")
    table.add_column("value", justify="right")
    table.add_column("experiment")
    found = {best.objective: best for best in view.best}
    for objective in view.objectives:
        best = found.get(objective.name)
        arrow = {"maximise": "↑", "minimise": "↓", "match": "→"}[objective.direction]
        name = f"{arrow} {label_from_name(objective.name)}"
        if best is None:
            table.add_row(name, "–", "")
            continue
        sd = f" ± {number_text(best.sd, 2)}" if best.sd is not None else ""
        off = "" if best.deviation is None else f", {number_text(best.deviation, 2)} off"
        table.add_row(name, f"{number_text(best.value)}{sd}{off}", best.experiment_id)
    if view.best_trade_off is not None:
        one = view.best_trade_off
        table.add_row(f"⇄ {one.trade_off}", number_text(one.worth), one.experiment_id)
    return table


def _last_jobs(view: CampaignView, n: int) -> RenderableType:
    def when(job: JobView) -> float:
        return max(job.started_h or 0.0, job.ended_h or 0.0)

    past = [job for job in view.jobs if job.started_h is not None or job.state == "skipped"]
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True, overflow="ellipsis")
    for job in sorted(past, key=when)[-n:]:
        note = f": {shorten(job.note, _NOTE_LENGTH, placeholder=' …')}" if job.note else ""
        table.add_row(
            Text(f"{when(job):8.2f} h", style="dim"),
            Text(f"{job.experiment_id}/{job.name}"),
            Text(f"{job.action} {job.state.replace('_', ' ')}{note}"),
        )
    return table


def _doubt_text(view: CampaignView) -> RenderableType:
    text = Text("\nIn doubt: somebody has to look at the bench.\n", style="bold red")
    for doubt in view.in_doubt:
        said = ", ".join(f"{name} {value}" for name, value in doubt.arguments.items())
        action = f"{doubt.action} ({said})" if said else doubt.action
        line = f"  {doubt.job_id}: {action} on {doubt.instrument}: {doubt.evidence}\n"
        text.append(line, style="not bold red")
    text.append("  then: athanor doubt list", style="not bold")
    return text

"""What commands draw on a terminal, from views alone."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.views import CampaignLine, CampaignView, EngineState, JobView

__all__ = ["campaign_panel", "campaigns_table", "front_table", "run_panel"]

_STYLES: Final = {
    "running": "bold green",
    "finished": "bold blue",
    "pausing": "yellow",
    "paused": "bold yellow",
    "held": "bold red",
    "unattended": "bold red",
    "stopping": "yellow",
    "stopped": "bold",
    "aborting": "red",
    "aborted": "bold red",
}
_N_LAST_JOBS: Final = 6


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


def campaign_panel(view: CampaignView) -> RenderableType:
    """Return one campaign as ``athanor status`` shows it."""
    parts: list[RenderableType] = [_facts(view), _best_table(view)]
    parts += [_doubt_text(view)] if view.in_doubt else []
    return Panel(Group(*parts), title=_title(view), title_align="left", expand=False)


def run_panel(
    view: CampaignView, instruments: Mapping[str, str], *, elapsed_s: float, hint: str
) -> RenderableType:
    """Return one running campaign as ``athanor run`` shows it.

    Args:
        view: The campaign.
        instruments: What each instrument does.
        elapsed_s: Real time since the run began, in seconds.
        hint: What Ctrl-C would do.
    """
    bench = Table(box=None, pad_edge=False, header_style="bold")
    bench.add_column("instrument")
    bench.add_column("does", min_width=22)
    for name, doing in instruments.items():
        style = "dim" if doing == "idle" else "red" if doing.startswith("fault") else "green"
        bench.add_row(name, Text(doing, style=style))
    left = Group(_facts(view, elapsed_s=elapsed_s), Text(), _best_table(view))
    sides = Table.grid(padding=(0, 4))
    sides.add_row(left, bench)
    parts: list[RenderableType] = [sides, Text(), _last_jobs(view)]
    parts += [_doubt_text(view)] if view.in_doubt else []
    return Panel(Group(*parts), title=_title(view), title_align="left", subtitle=hint, expand=False)


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


def _facts(view: CampaignView, *, elapsed_s: float | None = None) -> RenderableType:
    counts, (experiments, hours, cost) = view.counts, view.limits
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    limit = "" if experiments.limit is None else f" of {experiments.limit:.0f}"
    table.add_row(
        "experiments",
        f"{counts.started}{limit} started: {counts.done} done, {counts.running} running, "
        f"{counts.failed} failed, {counts.in_doubt} in doubt",
    )
    clock = "virtual hours" if view.is_simulated else "hours"
    real = "" if elapsed_s is None else f"   ({elapsed_s:.0f} s real time)"
    table.add_row(clock, f"{hours.used:.1f}{_left(hours.left, ' h')}{real}")
    table.add_row("money", f"{cost.used:,.2f} USD{_left(cost.left, ' USD')}")
    table.add_row("hypervolume", number_text(view.hypervolume, 5))
    table.add_row("engine", _engine_text(view))
    if view.status_reason:
        table.add_row("reason", Text(view.status_reason))
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


def _best_table(view: CampaignView) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("best so far")
    table.add_column("value", justify="right")
    table.add_column("experiment")
    found = {best.objective: best for best in view.best}
    for objective in view.objectives:
        best = found.get(objective.name)
        arrow = "↑" if objective.direction == "maximise" else "↓"
        name = f"{arrow} {label_from_name(objective.name)}"
        if best is None:
            table.add_row(name, "–", "")
            continue
        sd = f" ± {number_text(best.sd, 2)}" if best.sd is not None else ""
        table.add_row(name, f"{number_text(best.value)}{sd}", best.experiment_id)
    return table


def _last_jobs(view: CampaignView) -> RenderableType:
    def when(job: JobView) -> float:
        return max(job.started_h or 0.0, job.ended_h or 0.0)

    begun = [job for job in view.jobs if job.started_h is not None]
    table = Table.grid(padding=(0, 2))
    for job in sorted(begun, key=when)[-_N_LAST_JOBS:]:
        note = f": {job.note[:80]}" if job.note else ""
        table.add_row(
            Text(f"{when(job):8.2f} h", style="dim"),
            Text(f"{job.experiment_id}/{job.name}"),
            Text(f"{job.action} {job.state.replace('_', ' ')}{note}"),
        )
    return table


def _doubt_text(view: CampaignView) -> RenderableType:
    text = Text("\nIn doubt: somebody has to look at the bench.\n", style="bold red")
    for doubt in view.in_doubt:
        line = f"  {doubt.job_id}: {doubt.action} on {doubt.instrument}: {doubt.evidence}\n"
        text.append(line, style="not bold red")
    return text

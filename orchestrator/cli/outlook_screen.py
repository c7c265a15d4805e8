"""What ``athanor check`` draws on a terminal."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.service.outlook import BenchOutlook, Outlook

__all__ = ["outlook_panel"]


def outlook_panel(found: Outlook) -> RenderableType:
    """Return what ``athanor check`` found."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    space, bench = found.space, found.bench
    table.add_row("objectives", "; ".join(found.objectives))
    table.add_row("space", f"{space.n_components} components, {space.n_parameters} parameters")
    about = "about " if space.n_feasible is None else ""
    count = "" if space.n_feasible is None else f", {space.n_feasible:,} points"
    table.add_row(
        "feasible",
        f"{about}{100 * space.feasible_share:.3g} % of {space.n_lattice_points:,} lattice points"
        f"{count}",
    )
    table.add_row("planner", found.planner)
    parts: list[RenderableType] = [table]
    if bench is not None:
        _add_bench(table, bench)
        parts += [Text(), _stock_table(bench)]
    parts += [Text(f"warning: {warning}", style="yellow") for warning in found.warnings]
    return Panel(Group(*parts), title=Text(found.campaign), title_align="left", expand=False)


def _add_bench(table: Table, bench: BenchOutlook) -> None:
    table.add_row("rig", f"{bench.rig}, {bench.n_instruments} instruments")
    table.add_row(
        "experiment",
        f"{bench.jobs_mean:.1f} jobs, {60 * bench.experiment_h:.0f} min alone; with "
        f"{bench.in_flight} in flight one every {60 * bench.spacing_h:.0f} min; "
        f"{bench.experiment_usd:,.2f} USD",
    )
    if bench.n_experiments is not None and bench.total_h is not None:
        table.add_row(
            "expected end",
            f"{bench.n_experiments} experiments ({bench.ended_by}) after {bench.total_h:,.1f} h "
            f"= {bench.total_h / 24:.1f} days, {bench.total_usd or 0.0:,.0f} USD",
        )


def _stock_table(bench: BenchOutlook) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stock")
    for heading in ("there is (ml)", "experiment (ml)", "at most (ml)", "campaign (ml)"):
        table.add_column(heading, justify="right")
    for stock in bench.stocks:
        table.add_row(
            stock.name,
            f"{stock.available_ml:,.1f}",
            f"{stock.mean_ml:.3g}",
            f"{stock.worst_ml:.3g}",
            "–" if stock.total_ml is None else f"{stock.total_ml:,.1f}",
        )
    return table

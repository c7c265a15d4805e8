"""What ``athanor check`` draws on a terminal."""

from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.checking import BenchEstimate, CheckReport

__all__ = ["outlook_panel"]

_READABLE: Final = 10**15


def outlook_panel(found: CheckReport) -> RenderableType:
    """Return what ``athanor check`` found."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    bench = found.bench
    table.add_row("space", f"components: {found.n_components}, parameters: {found.n_parameters}")
    count = "" if found.n_feasible_points is None else f": {found.n_feasible_points:,} points"
    share = f"{_share(found)} of {_number(found.n_lattice_points)} lattice points{count}"
    if found.n_listed_points is not None:
        share = f"{found.n_feasible_points:,} of {found.n_listed_points:,} listed points"
    table.add_row("feasible", share)
    table.add_row("planner", found.planner)
    parts: list[RenderableType] = [table]
    if bench is not None:
        _add_bench(table, bench)
        parts += [Text(), _stock_table(bench)] if bench.stock else []
    parts += [Text(f"warning: {warning}", style="yellow") for warning in found.warnings]
    return Panel(Group(*parts), title=Text(found.name), title_align="left", expand=False)


def _share(found: CheckReport) -> str:
    """Return which part of the lattice is feasible, and how well that is known."""
    if found.feasible_fraction_error is None:
        return "some, but too few to be estimated,"
    per_cent = f"{100 * found.feasible_fraction:.3g} %"
    if found.n_feasible_points is not None:
        return per_cent
    error = 100 * found.feasible_fraction_error
    return f"about {per_cent} (give or take {max(error, 1):.0f} % of that)"


def _number(n: int) -> str:
    """Return a count in full, or to three digits where nobody would read them all."""
    return f"{n:,}" if n < _READABLE else f"about {Decimal(n):.2e}"


def _add_bench(table: Table, bench: BenchEstimate) -> None:
    table.add_row("rig", bench.rig_name)
    fewest, most = bench.n_jobs
    table.add_row(
        "experiment", f"{fewest} to {most} jobs, {60 * bench.hours_per_experiment:.0f} min alone"
    )
    if bench.n_experiments is None or bench.hours is None:
        table.add_row("expected end", "open: no rule that counts ends the campaign")
        return
    money = "" if bench.cost_usd is None else f", {bench.cost_usd:,.0f} USD"
    table.add_row(
        "expected end",
        f"{bench.n_experiments} experiments in {bench.hours:,.1f} h "
        f"({bench.hours / 24:.1f} days){money}",
    )


def _stock_table(bench: BenchEstimate) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stock, for the campaign")
    for heading in ("there is", "expected", "at worst", "unit"):
        table.add_column(heading, justify="right")
    for stock in bench.stock:
        worst = "–" if stock.worst is None else f"{stock.worst:,.1f}"
        table.add_row(
            stock.name,
            f"{stock.available:,.1f}",
            f"{stock.expected:,.1f}",
            Text(worst, style="" if stock.is_enough else "yellow"),
            stock.unit,
        )
    return table

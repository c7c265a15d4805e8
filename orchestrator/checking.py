"""What a campaign file and a rig promise before anything is made: `athanor check`.

Expected values are means over points drawn at random from the feasible set; the worst use of a
stock is what the greediest point takes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Final

from campaigns.spec import CampaignSpec
from campaigns.stopping import Stopping
from orchestrator.core.point import Point
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.estimates import worst_stock_use
from orchestrator.wiring import Prepared, RunOptions, prepare

if TYPE_CHECKING:
    from orchestrator.optimise.feasible_set import FeasibleSet

__all__ = ["BenchEstimate", "CheckReport", "StockEstimate", "check"]

_N_DRAWN: Final = 200
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class StockEstimate:
    """How far one stock reaches."""

    name: str
    unit: str
    """Of the amounts: ``ml`` or ``g``."""
    available: float
    expected: float
    """For all experiments of the campaign, if the points were drawn at random."""
    worst: float | None
    """For all experiments, if each were the greediest one possible; None if nobody can say."""

    @property
    def is_enough(self) -> bool:
        """Whether the stock reaches in the worst case."""
        return self.worst is not None and self.worst <= self.available


@dataclass(frozen=True, slots=True)
class BenchEstimate:
    """What a campaign asks of a rig."""

    rig_name: str
    n_experiments: int | None
    """As many as the stopping rules allow; None if they do not say."""
    n_jobs: tuple[int, int]
    """Fewest and most jobs of an experiment."""
    hours_per_experiment: float
    """Expected, for an experiment that has the bench to itself."""
    hours: float | None
    """Expected for the campaign, with as many experiments in flight as the recipe allows and the
    busiest instrument never idle: a lower bound."""
    cost_usd: float | None
    """Expected for the campaign: experiments, stock and hours of the rig."""
    stock: tuple[StockEstimate, ...]
    """For the campaign; empty if the number of experiments is not known."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is known of a campaign before it starts."""

    name: str
    n_components: int
    n_parameters: int
    n_lattice_points: int
    """Points that can be weighed and set, before any constraint; to three digits if counting them
    takes long."""
    feasible_fraction: float
    """Share of them that meets every constraint; 0 if it is too small to be estimated."""
    feasible_fraction_error: float | None
    """Standard error of the share, as a part of it; 0 if it is exact, None if it is 0."""
    n_feasible_points: int | None
    """Exact number, or None where the set is too large to be listed."""
    n_listed_points: int | None
    """Distinct points of the campaign's own list; None if it has none."""
    planner: str
    bench: BenchEstimate | None
    """None without a rig."""
    warnings: tuple[str, ...]


def check(campaign_file: Path, rig_file: Path | None) -> CheckReport:
    """Read a campaign, and a rig if there is one, and estimate what they will take.

    Raises:
        CampaignFileError: With every mistake of the campaign file.
        LoadError: With every mistake of both files.
        AthanorError: They do not fit.
    """
    from orchestrator.optimise.searchable import load_searchable, refuse_unsearchable

    bench: BenchEstimate | None = None
    if rig_file is None:
        campaign, feasible, _ = load_searchable(campaign_file)
    else:
        options = RunOptions(campaign_file, rig_file, Path(), is_dry_run=False, actor="check")
        prepared = prepare(options)
        campaign = prepared.campaign
        feasible, _ = refuse_unsearchable(campaign, campaign_file)
        bench = _bench_estimate(prepared, _drawn_points(feasible))
    return CheckReport(
        name=campaign.header.name,
        n_components=len(campaign.space.components),
        n_parameters=len(campaign.space.parameters),
        n_lattice_points=feasible.n_lattice_points,
        feasible_fraction=feasible.share,
        feasible_fraction_error=feasible.share_error if feasible.share else None,
        n_feasible_points=feasible.n_points,
        n_listed_points=len(campaign.space.listed_points) or None,
        planner=campaign.planner.name,
        bench=bench,
        warnings=(
            *_warnings(campaign, bench, feasible.n_points),
            *_outlay_warnings(campaign, _drawn_points(feasible)),
        ),
    )


def _drawn_points(feasible: "FeasibleSet") -> list[Point]:
    import numpy as np

    rows = feasible.sample(_N_DRAWN, np.random.default_rng(_SEED))
    return [feasible.lattice.point(row) for row in rows.tolist()]


def _bench_estimate(prepared: Prepared, points: Sequence[Point]) -> BenchEstimate:
    campaign, rig, recipe = prepared.campaign, prepared.rig, prepared.recipe
    hours = mean(recipe.expected_s(point) for point in points) / 3600.0
    cost_usd = mean(recipe.cost_usd(point) for point in points)
    n_jobs = [len(recipe.jobs_for(point, "check")) for point in points]
    hours_apart = _hours_apart(recipe, points, hours)
    n = _n_experiments(campaign.stopping, cost_usd, hours_apart, rig.header.cost_usd_per_hour)
    n_more = 0 if n is None else _n_references(campaign, n)
    total_hours = None if n is None else hours + (n + n_more - 1) * hours_apart
    total_usd = None
    if n is not None and total_hours is not None:
        total_usd = n * cost_usd + total_hours * rig.header.cost_usd_per_hour
        total_usd += sum(map(recipe.cost_usd, _reference_points(campaign, n_more)))
    return BenchEstimate(
        rig_name=rig.header.name,
        n_experiments=n,
        n_jobs=(min(n_jobs), max(n_jobs)),
        hours_per_experiment=hours,
        hours=total_hours,
        cost_usd=total_usd,
        stock=() if n is None else _stock(prepared, points, n),
    )


def _n_references(campaign: CampaignSpec, n: int) -> int:
    """Return how many reference samples a search of `n` experiments makes."""
    reference = campaign.reference
    return 0 if reference is None else max(0, n - 1) // reference.every_n_experiments


def _reference_points(campaign: CampaignSpec, n: int) -> list[Point]:
    """Return the point of the reference samples, `n` times."""
    reference = campaign.reference
    if reference is None:
        return []
    point = {
        name: value if isinstance(value, str) else float(value)
        for name, value in reference.point.items()
    }
    return [point] * n


def _hours_apart(recipe: CompiledRecipe, points: Sequence[Point], hours: float) -> float:
    """Return how far apart in time experiments end: the bottleneck's share, in hours."""
    per_place: dict[str, list[float]] = {}
    for point in points:
        used: dict[str, float] = {}
        for job in recipe.jobs_for(point, "check"):
            for place in (job.instrument, *job.positions):
                used[place] = used.get(place, 0.0) + job.expected_s
        for place, seconds in used.items():
            per_place.setdefault(place, []).append(seconds)
    busiest = max((sum(each) / len(points) for each in per_place.values()), default=0.0) / 3600.0
    return max(busiest, hours / recipe.recipe.in_flight)


def _n_experiments(
    stopping: Stopping, cost_usd: float, hours_apart: float, usd_per_hour: float
) -> int | None:
    """Return how many experiments the limits allow, whichever comes first."""
    limits: list[float] = []
    if stopping.max_experiments is not None:
        limits.append(stopping.max_experiments)
    if stopping.max_hours is not None and hours_apart > 0.0:
        limits.append(ceil(float(stopping.max_hours) / hours_apart))
    usd_each = cost_usd + hours_apart * usd_per_hour
    if stopping.max_cost_usd is not None and usd_each > 0.0:
        limits.append(ceil(float(stopping.max_cost_usd) / usd_each))
    return int(min(limits)) if limits else None


def _stock(prepared: Prepared, points: Sequence[Point], n: int) -> tuple[StockEstimate, ...]:
    uses = [prepared.recipe.stock_use(point) for point in points]
    most = worst_stock_use(prepared.recipe)
    campaign = prepared.campaign
    references = _reference_points(campaign, _n_references(campaign, n))
    more = [prepared.recipe.stock_use(point) for point in references]
    estimates = []
    for name, stock in prepared.rig.stock.items():
        others = sum(use.get(name, 0.0) for use in more)
        expected = n * mean(use.get(name, 0.0) for use in uses) + others
        each = most[name]
        worst = None if each is None else n * each + others
        estimates.append(StockEstimate(name, stock.unit, stock.amount, expected, worst))
    return tuple(estimates)


def _outlay_warnings(campaign: CampaignSpec, points: Sequence[Point]) -> Iterator[str]:
    """Say if the planner divides by hours or dollars that are no more than 0 somewhere."""
    per, recipe = campaign.planner.settings.get("per"), campaign.recipe
    named = {"hour": "hours_per_experiment", "dollar": "cost_usd_per_experiment"}
    if recipe is None or per not in named:
        return
    key = named[str(per)]
    expression = getattr(recipe, key)
    if expression is None:
        return
    outlay = expression.substitute(campaign.definitions)
    n_wrong = sum(float(outlay.evaluate(point)) <= 0 for point in points)
    if n_wrong:
        yield (
            f"recipe.{key} is 0 or less at {n_wrong} of {len(points)} points drawn, and promises "
            f"are counted by the {per}: there they count as 0.01"
        )


def _warnings(
    campaign: CampaignSpec, bench: BenchEstimate | None, n_feasible: int | None
) -> Iterator[str]:
    if n_feasible is not None and n_feasible < campaign.planner.n_initial:
        yield f"only {n_feasible} feasible points, fewer than the initial design asks for"
    if bench is None:
        return
    if bench.n_experiments is None:
        yield "only a target ends this campaign: neither its stock nor its cost can be foreseen"
    for stock in bench.stock:
        if stock.expected > stock.available:
            yield (
                f"stock {stock.name} will run out: {stock.available:.0f} {stock.unit} are there, "
                f"about {stock.expected:.0f} {stock.unit} are needed"
            )
        elif stock.worst is None:
            yield f"stock {stock.name}: nobody can say how much is needed at worst"
        elif not stock.is_enough:
            yield (
                f"stock {stock.name} may run out: {stock.available:.0f} {stock.unit} are there, "
                f"up to {stock.worst:.0f} {stock.unit} may be needed"
            )

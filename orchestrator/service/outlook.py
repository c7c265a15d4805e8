"""What a campaign will take, estimated before anything moves: room, stock, hours, money."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

from pydantic import BaseModel, ConfigDict

from campaigns.errors import CampaignFileError, Problem
from campaigns.loading import load_campaign
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point
from orchestrator.errors import LoadError, RigFileError
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.rig import drivers_for, load_rig
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["BenchOutlook", "Outlook", "SpaceOutlook", "StockOutlook", "outlook"]

_N_POINTS: Final = 200
"""Feasible points whose mean and worst are taken."""


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpaceOutlook(_Found):
    """What there is to search."""

    n_components: int
    n_parameters: int
    n_lattice_points: int
    """Points of the lattice within the bounds, before any constraint."""
    n_feasible: int | None
    """Exact number of feasible points; None where there are too many to list."""
    feasible_share: float
    """Of the lattice: exact where the points were listed, else estimated."""


class StockOutlook(_Found):
    """What one stock will give, in millilitres."""

    name: str
    available_ml: float
    mean_ml: float
    """Of one experiment, over random feasible points."""
    worst_ml: float
    """The most that one of these points takes."""
    total_ml: float | None
    """Of the whole campaign at the mean; None without a number of experiments."""


class BenchOutlook(_Found):
    """What the bench will do."""

    rig: str
    n_instruments: int
    jobs_mean: float
    """Jobs of one experiment."""
    experiment_h: float
    """Mean duration of an experiment that has the bench to itself, in hours."""
    in_flight: int
    """Experiments on the bench at once."""
    spacing_h: float
    """Mean time from one experiment's end to the next, in hours: the busiest instrument or place
    sets it when several are in flight."""
    experiment_usd: float
    """Mean money for one experiment, hours of the bench included."""
    n_experiments: int | None
    """How many until the first rule that counts ends the campaign."""
    ended_by: str
    """Which rule that is; empty if only a target or a plateau can end it."""
    total_h: float | None
    total_usd: float | None
    stocks: tuple[StockOutlook, ...]


class Outlook(_Found):
    """What ``athanor check`` says."""

    campaign: str
    planner: str
    objectives: tuple[str, ...]
    space: SpaceOutlook
    bench: BenchOutlook | None
    """None without a rig file."""
    warnings: tuple[str, ...]
    """What will stop the campaign early."""


def outlook(campaign_file: str | Path, rig_file: str | Path | None = None) -> Outlook:
    """Check a campaign, with or without a rig, and estimate what it will take.

    Args:
        campaign_file: The campaign.
        rig_file: The rig; None looks at the space alone.

    Raises:
        CampaignError: The campaign file is wrong, or no point is feasible.
        AthanorError: The rig file is wrong, or the two do not fit.
    """
    campaign, rig = _loaded(campaign_file, rig_file)
    from orchestrator.optimise.planner import planner_for

    planner_for(campaign)
    space, points = _space(campaign)
    bench = None
    if rig is not None:
        recipe = CompiledRecipe.of(campaign, rig, drivers_for(rig), file=str(campaign_file))
        bench = _bench(recipe, points)
    return Outlook(
        campaign=campaign.header.name,
        planner=campaign.planner.name,
        objectives=tuple(f"{each.direction} {each.name}" for each in campaign.objectives),
        space=space,
        bench=bench,
        warnings=tuple(_warnings(bench)),
    )


def _loaded(
    campaign_file: str | Path, rig_file: str | Path | None
) -> tuple[CampaignSpec, RigSpec | None]:
    """Read both files; the mistakes of both are told together."""
    errors: list[CampaignFileError | RigFileError] = []
    campaign = rig = None
    try:
        campaign = load_campaign(campaign_file)
    except CampaignFileError as error:
        errors.append(error)
    if rig_file is not None:
        try:
            rig = load_rig(rig_file)
        except RigFileError as error:
            errors.append(error)
    if campaign is None or errors:
        raise LoadError(errors)
    if rig is not None and campaign.recipe is None:
        missing = Problem("recipe", "nothing", "the jobs that make and measure a sample")
        raise CampaignFileError(campaign_file, [missing])
    return campaign, rig


def _space(campaign: CampaignSpec) -> tuple[SpaceOutlook, list[Point]]:
    import numpy as np

    from orchestrator.optimise.feasible_set import FeasibleSet

    feasible = FeasibleSet.of(campaign)
    rows = feasible.sample(_N_POINTS, np.random.default_rng(0))
    composition = campaign.space.composition
    found = SpaceOutlook(
        n_components=len(composition.names) if composition is not None else 0,
        n_parameters=len(campaign.space.parameters),
        n_lattice_points=feasible.n_lattice_points,
        n_feasible=feasible.n_points,
        feasible_share=feasible.share,
    )
    return found, [feasible.lattice.point(row) for row in rows.tolist()]


def _bench(recipe: CompiledRecipe, points: Sequence[Point]) -> BenchOutlook:
    rules = recipe.campaign.stopping
    per_hour = recipe.rig.header.cost_usd_per_hour
    spacing_h = fmean(_spacing_s(recipe, point) for point in points) / 3600.0
    experiment_usd = fmean(recipe.cost_usd(point) for point in points) + per_hour * spacing_h
    limits = {
        "max_experiments": _float(rules.max_experiments),
        "max_hours": None if rules.max_hours is None else _ratio(rules.max_hours, spacing_h),
        "max_cost_usd": None
        if rules.max_cost_usd is None
        else _ratio(rules.max_cost_usd, experiment_usd),
    }
    known = {rule: limit for rule, limit in limits.items() if limit is not None}
    ended_by = min(known, key=lambda rule: known[rule]) if known else ""
    n = None if not known or known[ended_by] == float("inf") else int(known[ended_by])
    return BenchOutlook(
        rig=recipe.rig.header.name,
        n_instruments=len(recipe.rig.instruments),
        jobs_mean=fmean(len(recipe.jobs_for(point, "estimate")) for point in points),
        experiment_h=fmean(recipe.expected_s(point) for point in points) / 3600.0,
        in_flight=recipe.recipe.in_flight,
        spacing_h=spacing_h,
        experiment_usd=experiment_usd,
        n_experiments=n,
        ended_by=ended_by,
        total_h=None if n is None else n * spacing_h,
        total_usd=None if n is None else n * experiment_usd,
        stocks=_stocks(recipe, points, n),
    )


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _ratio(limit: object, each: float) -> float:
    return float(str(limit)) / each if each > 0 else float("inf")


def _spacing_s(recipe: CompiledRecipe, point: Point) -> float:
    """Return how long an experiment keeps the next one waiting, in seconds.

    With several in flight, a new one follows after the longest time for which an instrument or a
    place is taken, and no sooner than their number allows.
    """
    ends: dict[str, float] = {}
    busy: dict[str, float] = {}
    held: dict[str, tuple[float, float]] = {}
    for job in recipe.jobs_for(point, "estimate"):
        begun = max((ends[name] for name in job.after if name in ends), default=0.0)
        ends[job.name] = begun + job.expected_s
        busy[job.instrument] = busy.get(job.instrument, 0.0) + job.expected_s
        for place in job.positions:
            first, last = held.get(place, (begun, begun))
            held[place] = (min(first, begun), max(last, ends[job.name]))
    taken = [*busy.values(), *(last - first for first, last in held.values())]
    whole = max(ends.values(), default=0.0)
    return min(whole, max([whole / recipe.recipe.in_flight, *taken]))


def _stocks(
    recipe: CompiledRecipe, points: Sequence[Point], n: int | None
) -> tuple[StockOutlook, ...]:
    uses = [recipe.stock_use_ml(point) for point in points]
    found = []
    for name, stock in recipe.rig.stock.items():
        each = [use.get(name, 0.0) for use in uses]
        found.append(
            StockOutlook(
                name=name,
                available_ml=stock.volume_ml,
                mean_ml=fmean(each),
                worst_ml=max(each),
                total_ml=None if n is None else n * fmean(each),
            )
        )
    return tuple(found)


def _warnings(bench: BenchOutlook | None) -> list[str]:
    if bench is None:
        return []
    found = []
    for stock in bench.stocks:
        if stock.worst_ml > stock.available_ml:
            found.append(
                f"stock {stock.name}: got {stock.available_ml:g} ml, one experiment may take "
                f"{stock.worst_ml:g} ml"
            )
        elif stock.total_ml is not None and stock.total_ml > stock.available_ml:
            n = int(stock.available_ml / stock.mean_ml)
            found.append(
                f"stock {stock.name}: got {stock.available_ml:g} ml, expected use is "
                f"{stock.total_ml:.0f} ml; it lasts for about {n} of {bench.n_experiments} "
                "experiments"
            )
    if bench.n_experiments is None:
        found.append("no rule that counts ends the campaign: only a target or a plateau can")
    return found

"""What an experiment takes, in hours or dollars: by the campaign file, or by the bench.

References:
    Improvement by what it costs: [Snoek2012]_.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from campaigns.expression import Expression
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point
from orchestrator.optimise.bench_time import BenchTime
from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice, RowKey, row_keys
from orchestrator.optimise.planner_settings import Outlay

__all__ = ["log_outlay", "needs_bench"]

_LEAST: Final = 0.01
"""Hours or dollars that an experiment takes at least, whatever the file says."""
_N_LOOKED_AT: Final = 64


def needs_bench(campaign: CampaignSpec) -> bool:
    """Say whether promises are to be counted by hours that only a bench can tell."""
    is_by_hour = campaign.planner.settings.get("per") == "hour"
    recipe = campaign.recipe
    return is_by_hour and (recipe is None or recipe.hours_per_experiment is None)


def log_outlay(
    campaign: CampaignSpec, lattice: Lattice, per: Outlay, bench: BenchTime | None = None
) -> Callable[[IntArray], FloatArray]:
    """Return the logarithm of what experiments take, as a function of `n x d` rows.

    Where an expression has no value an experiment takes infinitely much, as does one that cannot
    be finished in the hours that are left.

    Args:
        campaign: Whose recipe names the hours or dollars; `problems_with` says if it does not.
        lattice: Of its space.
        per: What counts; experiments all take the same.
        bench: Tells the hours where the recipe does not name them, and those that are left.

    Raises:
        ValueError: Neither the recipe nor a bench tells it.
    """
    if per == "hour" and bench is not None and needs_bench(campaign):
        taken = _by_bench(lattice, bench.hours_apart)
    else:
        taken = _by_file(campaign, lattice, per)
    if bench is None or not np.isfinite(bench.hours_left):
        return taken
    return _in_time(taken, _by_bench(lattice, bench.hours), max(bench.hours_left, _LEAST))


def _in_time(
    taken: Callable[[IntArray], FloatArray],
    hours: Callable[[IntArray], FloatArray],
    hours_left: float,
) -> Callable[[IntArray], FloatArray]:
    """Return what is taken, infinitely much where the hours that are left do not suffice.

    While there is twice the time of the longest among some points, no other is looked at: telling
    the time of a point takes a millisecond.
    """
    is_ample: list[bool] = []

    def in_time(rows: IntArray) -> FloatArray:
        if not is_ample and len(rows):
            some = rows[:: max(1, len(rows) // _N_LOOKED_AT)]
            is_ample.append(2.0 * float(np.exp(hours(some).max())) < hours_left)
        if not is_ample or is_ample[0]:
            return taken(rows)
        return np.where(hours(rows) <= np.log(hours_left), taken(rows), np.inf)

    return in_time


def _by_bench(
    lattice: Lattice, hours: Callable[[Point], float]
) -> Callable[[IntArray], FloatArray]:
    known: dict[RowKey, float] = {}

    def logarithms(rows: IntArray) -> FloatArray:
        keys = row_keys(rows)
        for key, row in zip(keys, rows.tolist(), strict=True):
            if key not in known:
                known[key] = float(np.log(max(hours(lattice.point(row)), _LEAST)))
        return np.array([known[key] for key in keys], dtype=np.float64)

    return logarithms


def _by_file(
    campaign: CampaignSpec, lattice: Lattice, per: Outlay
) -> Callable[[IntArray], FloatArray]:
    if per == "experiment":
        return lambda rows: np.zeros(len(rows))
    recipe = campaign.recipe
    named: Expression | None = None
    if recipe is not None:
        hours, dollars = recipe.hours_per_experiment, recipe.cost_usd_per_experiment
        named = hours if per == "hour" else dollars
    if named is None:
        raise ValueError(f"the recipe does not say what an experiment takes by the {per}")
    expression = named.substitute(campaign.definitions)

    def logarithms(rows: IntArray) -> FloatArray:
        found = _values(expression, lattice, rows)
        counted = np.where(np.isfinite(found), np.maximum(found, _LEAST), np.inf)
        return np.asarray(np.log(counted), dtype=np.float64)

    return logarithms


def _values(expression: Expression, lattice: Lattice, rows: IntArray) -> FloatArray:
    columns = {
        name: column.astype(np.float64)
        for name, column in lattice.columns(rows).items()
        if name in expression.names
    }
    with np.errstate(all="ignore"):
        found = expression.evaluate(columns) if columns else expression.evaluate({})
    return np.broadcast_to(np.asarray(found, dtype=np.float64), (len(rows),))

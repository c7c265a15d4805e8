"""What a planner in a process of its own is told of the bench; it compiles the recipe there."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from campaigns.spec import CampaignSpec
from orchestrator.core.campaign import CampaignState
from orchestrator.core.point import Point
from orchestrator.core.run_hours import RunHours, start_hours
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.rig import drivers_for
from orchestrator.execution.rig_spec import RigSpec

if TYPE_CHECKING:
    from orchestrator.optimise.bench_time import BenchTime

__all__ = ["BenchHours", "bench_hours"]

_LAST: dict[tuple[str, str], CompiledRecipe] = {}
"""The recipe that was compiled last in this process, by campaign and rig."""


@dataclass(frozen=True, slots=True)
class BenchHours:
    """The rig and the hours that are left, as they travel to the planner."""

    rig: RigSpec
    hours_left: float
    """For how long experiments may still be under way."""

    def time_for(self, campaign: CampaignSpec) -> "BenchTime":
        """Return what a planner is told; the recipe is compiled once in each process.

        Raises:
            RecipeError: The recipe does not fit the rig.
        """
        from orchestrator.optimise.bench_time import BenchTime

        key = (campaign.canonical_text(), self.rig.fingerprint())
        if key not in _LAST:
            _LAST.clear()
            _LAST[key] = CompiledRecipe.of(campaign, self.rig, drivers_for(self.rig))
        recipe = _LAST[key]
        return BenchTime(
            hours=functools.partial(_in_hours, recipe.expected_s),
            hours_apart=functools.partial(_in_hours, recipe.spacing_s),
            hours_left=self.hours_left,
        )


def bench_hours(state: CampaignState, rig: RigSpec, now: datetime) -> BenchHours | None:
    """Return what the planner is told of the bench; None where it does not count.

    Args:
        state: The campaign.
        rig: Of the bench.
        now: The present time.
    """
    from orchestrator.optimise.outlay import needs_bench

    hours_left = start_hours(state, RunHours(), now).left_s / 3600.0
    if not isfinite(hours_left) and not needs_bench(state.spec):
        return None
    return BenchHours(rig, hours_left)


def _in_hours(seconds: Callable[[Point], float], point: Point) -> float:
    return seconds(point) / 3600.0

"""What the objectives of one observation are worth together, where they are traded.

References:
    Desirability: [DerringerSuich1980]_.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from campaigns.objectives import Objective
from campaigns.spec import CampaignSpec

__all__ = ["Range", "initial_ranges", "judged_range", "worth"]

Range: TypeAlias = tuple[float, float]
"""Worst and best value of an objective, as judged."""
_LEAST_ROWS: Final = 2


def judged_range(objective: Objective, values: Sequence[float]) -> Range:
    """Return the worst and the best of some values, as judged; apart, also if all are equal.

    Args:
        objective: Whose values they are.
        values: In its unit; at least one.
    """
    judged = [objective.sign * objective.judged(value) for value in values]
    worst, best = min(judged), max(judged)
    if best == worst:
        best = worst + max(1e-9, abs(worst))
    return objective.sign * worst, objective.sign * best


def initial_ranges(
    spec: CampaignSpec, values: Mapping[str, Sequence[float]]
) -> dict[str, Range] | None:
    """Return between what an objective's share of a weighted sum runs from 0 to 1.

    That is the worst and the best of the first `n_initial` values: later ones do not move it.

    Args:
        spec: The campaign.
        values: By objective, in order of time.

    Returns:
        By objective; None if one has no value.
    """
    n = max(_LEAST_ROWS, spec.planner.n_initial)
    if not all(len(values.get(one.name, ())) for one in spec.objectives):
        return None
    return {one.name: judged_range(one, values[one.name][:n]) for one in spec.objectives}


def worth(spec: CampaignSpec, values: Sequence[float], ranges: Mapping[str, Range]) -> float:
    """Return what one observation is worth: more is better.

    A weighted mean of each objective's way from the worst to the best of the initial design, or the
    weighted geometric mean of desirabilities.

    Args:
        spec: A campaign whose objectives are traded.
        values: One per objective, in the file's order and units.
        ranges: By objective, see `initial_ranges`; desirabilities need none.
    """
    pairs = list(zip(spec.objectives, values, strict=True))
    total = sum(one.share for one in spec.objectives)
    if spec.header.trade_off == "desirability":
        found = 1.0
        for one, value in pairs:
            if one.desirability is not None:
                found *= math.pow(one.desirability.of(one.judged(value)), one.share / total)
        return found
    found = 0.0
    for one, value in pairs:
        worst, best = ranges[one.name]
        found += one.share / total * (one.judged(value) - worst) / (best - worst)
    return found

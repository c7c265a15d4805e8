"""Pareto fronts and hypervolumes in natural units; exact, on `moocore`, without torch."""

from collections.abc import Sequence
from typing import Literal

__all__ = ["hypervolume", "hypervolume_series", "pareto_indices"]

Direction = Literal["maximise", "minimise"]


def _signs(directions: Sequence[Direction]) -> list[float]:
    return [-1.0 if direction == "maximise" else 1.0 for direction in directions]


def pareto_indices(values: Sequence[Sequence[float]], directions: Sequence[Direction]) -> list[int]:
    """Return the indices of the rows that no other row dominates; duplicates are all kept.

    Args:
        values: One row per observation, one column per objective, natural units.
        directions: One per objective.

    Example:
        >>> pareto_indices([[1.0, 5.0], [2.0, 4.0], [2.0, 6.0]], ["minimise", "minimise"])
        [0, 1]
    """
    if not values:
        return []
    import moocore
    import numpy as np

    costs = np.asarray(values, dtype=float) * np.asarray(_signs(directions))
    return [int(i) for i in np.flatnonzero(moocore.is_nondominated(costs, keep_weakly=True))]


def hypervolume(
    values: Sequence[Sequence[float]],
    directions: Sequence[Direction],
    reference_point: Sequence[float],
) -> float:
    """Return the volume dominated by the rows and bounded by the reference point.

    Args:
        values: One row per observation, one column per objective, natural units.
        directions: One per objective.
        reference_point: One value per objective; rows that do not beat it in every
            objective add nothing.

    Returns:
        The hypervolume in the product of the objectives' units; 0.0 without rows.

    Example:
        >>> hypervolume([[1.0, 1.0]], ["minimise", "minimise"], [2.0, 3.0])
        2.0
    """
    if not values:
        return 0.0
    import moocore
    import numpy as np

    signs = np.asarray(_signs(directions))
    costs = np.asarray(values, dtype=float) * signs
    return float(moocore.hypervolume(costs, ref=np.asarray(reference_point, dtype=float) * signs))


def hypervolume_series(
    values: Sequence[Sequence[float]],
    directions: Sequence[Direction],
    reference_point: Sequence[float],
) -> list[float]:
    """Return the hypervolume after each row.

    Args:
        values: One row per observation in order of time, one column per objective.
        directions: One per objective.
        reference_point: One value per objective.

    Example:
        >>> hypervolume_series([[1.0], [0.5]], ["minimise"], [2.0])
        [1.0, 1.5]
    """
    front: list[Sequence[float]] = []
    series: list[float] = []
    for row in values:
        candidates = [*front, row]
        front = [candidates[i] for i in pareto_indices(candidates, directions)]
        series.append(hypervolume(front, directions, reference_point))
    return series

"""Pareto fronts and hypervolumes in natural units, on `moocore`, without torch.

Hypervolumes are exact up to four objectives, and for five up to some hundred rows. Beyond, exact
ones take minutes, and an approximation by directions takes their place, which is right to about 1 %
up to eight objectives and 2 % up to fifteen.

References:
    Exact hypervolumes: [Fonseca2006]_; approximation: [Deng2019]_.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

__all__ = ["Direction", "hypervolume", "hypervolume_series", "is_exact", "pareto_indices"]

Direction: TypeAlias = Literal["maximise", "minimise"]
_MOST_EXACT: Final = {1: 10**9, 2: 10**9, 3: 10**9, 4: 5000, 5: 500}
"""Rows up to which hypervolumes are exact, by number of objectives."""
_N_DIRECTIONS: Final = 2**14


def _signs(directions: Sequence[Direction]) -> list[float]:
    return [-1.0 if direction == "maximise" else 1.0 for direction in directions]


def is_exact(n_rows: int, n_objectives: int) -> bool:
    """Tell whether the hypervolume of so many rows is exact, not an approximation.

    Example:
        >>> is_exact(300, 4), is_exact(300, 10)
        (True, False)
    """
    return n_rows <= _MOST_EXACT.get(n_objectives, 0)


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
    *,
    exact: bool | None = None,
) -> float:
    """Return the volume dominated by the rows and bounded by the reference point.

    Args:
        values: One row per observation, one column per objective, natural units.
        directions: One per objective.
        reference_point: One value per objective; rows that do not beat it in every
            objective add nothing.
        exact: Whether to give the exact one; None means as `is_exact` says.

    Returns:
        The hypervolume in the product of the objectives' units; 0.0 without rows.

    Example:
        >>> hypervolume([[1.0, 1.0]], ["minimise", "minimise"], [2.0, 3.0])
        2.0
    """
    if not values:
        return 0.0
    if is_exact(len(values), len(directions)) if exact is None else exact:
        return _exact(values, directions, reference_point)
    return _approximate_series(values, directions, reference_point)[-1]


def hypervolume_series(
    values: Sequence[Sequence[float]],
    directions: Sequence[Direction],
    reference_point: Sequence[float],
    *,
    exact: bool | None = None,
) -> list[float]:
    """Return the hypervolume after each row; all exact, or all approximations.

    Args:
        values: One row per observation in order of time, one column per objective.
        directions: One per objective.
        reference_point: One value per objective.
        exact: Whether to give exact ones; None means as `is_exact` says.

    Example:
        >>> hypervolume_series([[1.0], [0.5]], ["minimise"], [2.0])
        [1.0, 1.5]
    """
    if not (is_exact(len(values), len(directions)) if exact is None else exact):
        return _approximate_series(values, directions, reference_point)
    front: list[Sequence[float]] = []
    series: list[float] = []
    for row in values:
        candidates = [*front, row]
        kept = pareto_indices(candidates, directions)
        front = [candidates[i] for i in kept]
        if len(candidates) - 1 in kept:
            series.append(_exact(front, directions, reference_point))
        else:
            series.append(series[-1])
    return series


def _exact(
    values: Sequence[Sequence[float]],
    directions: Sequence[Direction],
    reference_point: Sequence[float],
) -> float:
    import moocore
    import numpy as np

    signs = np.asarray(_signs(directions))
    costs = np.asarray(values, dtype=float) * signs
    return float(moocore.hypervolume(costs, ref=np.asarray(reference_point, dtype=float) * signs))


def _approximate_series(
    values: Sequence[Sequence[float]],
    directions: Sequence[Direction],
    reference_point: Sequence[float],
) -> list[float]:
    """Return hypervolumes as the mean, over directions, of how far the rows reach.

    Along a direction from the reference point a row reaches to where the box between both ends; the
    front reaches as far as its best row, so that a running maximum does.
    """
    import numpy as np

    signs = np.asarray(_signs(directions))
    gains = (np.asarray(reference_point, dtype=float) - np.asarray(values, dtype=float)) * signs
    sizes = np.abs(gains).max(axis=0)
    sizes[sizes == 0] = 1.0
    m = len(directions)
    inverse = _inverse_directions(m)
    reached = np.zeros(len(inverse))
    series = []
    volume = 0.0
    log_part = math.log(2) * (1 - m) + math.log(math.pi) * m / 2 - math.lgamma(m / 2) - math.log(m)
    for gain in gains / sizes:
        if (gain > 0).all():
            np.maximum(reached, (gain * inverse).min(axis=1), out=reached)
            volume = float(np.mean(reached**m) * math.exp(log_part) * np.prod(sizes))
        series.append(volume)
    return series


@lru_cache(maxsize=15)
def _inverse_directions(m: int) -> "NDArray[float64]":
    """Return one over the coordinates of directions spread evenly over the positive orthant."""
    import numpy as np

    drawn = np.abs(np.random.default_rng(m).standard_normal((_N_DIRECTIONS, m)))
    found: NDArray[float64] = np.linalg.norm(drawn, axis=1, keepdims=True) / drawn
    return found

"""How far predictions kept their word: shares inside intervals, calibration, rank correlation.

Pure arithmetic over (mean, standard deviation, value); nothing here knows a campaign.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Final, NamedTuple

__all__ = [
    "LEVELS",
    "Pull",
    "Share",
    "calibration_curve",
    "miscalibration_area",
    "share_inside",
    "spearman",
    "wilson_bounds",
]

LEVELS: Final = (0.5, 0.8, 0.95)
"""Central intervals of which the coverage is told."""
_N_CURVE: Final = 20
_NORMAL: Final = NormalDist()


class Pull(NamedTuple):
    """One prediction and what was measured then."""

    mean: float
    sd: float
    """Of the difference that is expected, above 0."""
    value: float

    @property
    def z(self) -> float:
        """The difference in standard deviations; positive where more was measured."""
        return (self.value - self.mean) / self.sd


class Share(NamedTuple):
    """How many of some values lay inside their intervals."""

    level: float
    """How many should, 0 to 1."""
    n: int
    n_inside: int
    low: float
    """Between `low` and `high` the true share lies, with 95 % confidence."""
    high: float

    @property
    def share(self) -> float:
        """How many did, 0 to 1; 0 of none."""
        return self.n_inside / self.n if self.n else 0.0

    @property
    def is_plausible(self) -> bool:
        """Whether the level lies within the bounds: nothing speaks against the intervals."""
        return self.low <= self.level <= self.high


def wilson_bounds(n_inside: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return between what a share lies, by Wilson's score interval [Wilson1927]_.

    Args:
        n_inside: Hits, 0 to `n`.
        n: Tries; of none, everything from 0 to 1 is possible.
        confidence: Above 0 and below 1.

    Example:
        >>> low, high = wilson_bounds(8, 10)
        >>> round(low, 3), round(high, 3)
        (0.49, 0.943)
    """
    if n == 0:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf(0.5 + confidence / 2)
    share, scale = n_inside / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def share_inside(pulls: Sequence[Pull], level: float) -> Share:
    """Return how many values lay inside the central interval of a level.

    Args:
        pulls: Predictions with what was measured.
        level: How many should, above 0 and below 1.
    """
    reach = _NORMAL.inv_cdf(0.5 + level / 2)
    n_inside = sum(abs(pull.z) <= reach for pull in pulls)
    low, high = wilson_bounds(n_inside, len(pulls))
    return Share(level, len(pulls), n_inside, low, high)


def calibration_curve(pulls: Sequence[Pull]) -> tuple[tuple[float, float], ...]:
    """Return the share of values inside central intervals, against the share that should be.

    Args:
        pulls: At least one.

    Returns:
        Points from (0, 0) to (1, 1), the expected share first, every twentieth.
    """
    reached = sorted(2 * _NORMAL.cdf(abs(pull.z)) - 1 for pull in pulls)
    points = [(0.0, 0.0)]
    for i in range(1, _N_CURVE):
        level = i / _N_CURVE
        points.append((level, bisect_right(reached, level) / len(reached)))
    return (*points, (1.0, 1.0))


def miscalibration_area(curve: Sequence[tuple[float, float]]) -> float:
    """Return the area between a calibration curve and the diagonal; 0 is best, 0.5 worst.

    Example:
        >>> miscalibration_area([(0.0, 0.0), (0.5, 0.7), (1.0, 1.0)])
        0.1
    """
    area = sum(
        (level_2 - level_1) * (abs(share_1 - level_1) + abs(share_2 - level_2)) / 2
        for (level_1, share_1), (level_2, share_2) in pairwise(curve)
    )
    return round(area, 12)


def spearman(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Return the rank correlation of two series, -1 to 1; equal values share their mean rank.

    Returns:
        None for fewer than three pairs, or where all values of one series are equal.

    Example:
        >>> spearman([1, 2, 3, 4], [10, 20, 40, 30])
        0.8
    """
    if len(xs) < 3:
        return None
    first, second = _ranks(xs), _ranks(ys)
    middle = (len(xs) + 1) / 2
    joint = sum((a - middle) * (b - middle) for a, b in zip(first, second, strict=True))
    spread = sum((a - middle) ** 2 for a in first) * sum((b - middle) ** 2 for b in second)
    return joint / math.sqrt(spread) if spread else None


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [(bisect_left(ordered, one) + bisect_right(ordered, one) + 1) / 2 for one in values]

"""What repeated experiments say about noise, and how much noise a model should expect.

Rows that were made at one lattice point, as-made within a tenth of a step, are repeats of each
other; so are rows of exactly the same composition off the lattice. Their scatter holds everything
that differs from sample to sample, the dosing errors within that tenth of a step included.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc, digamma, polygamma

from orchestrator.core.point import Observation, Point
from orchestrator.optimise.lattice import BoolArray, FloatArray, IntArray, Lattice

__all__ = [
    "UNKNOWN",
    "Noise",
    "NoisePrior",
    "PooledNoise",
    "noise_from",
    "pooled_noise",
    "repeats_among",
]

_LEAST_VARIANCE: Final = 1e-6
"""Variances below this part of a column's are taken for it, to keep logarithms finite."""
_DOUBT: Final = 0.05
"""How improbable the scatter of repeats must be before reported errors are found too small."""


@dataclass(frozen=True, slots=True)
class NoisePrior:
    """A log-normal belief about a noise variance, on a column's scale."""

    location: float
    """Mean of the variance's logarithm."""
    width: float
    """Standard deviation of the variance's logarithm, above 0."""


UNKNOWN: Final = NoisePrior(-4.0, 1.0)
"""Belief about noise of which nothing is known; BoTorch's own for learnt noise."""
_BESIDE_REPORTED: Final = NoisePrior(-6.0, 1.5)
"""Belief about noise beside reported errors that only some rows have."""


@dataclass(frozen=True, slots=True)
class PooledNoise:
    """Scatter of repeats about their means."""

    variance: float
    """At least 0, in the square of the values' unit."""
    n_repeats: int
    """Degrees of freedom: rows less the number of points that were repeated; at least 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """How noisy the rows of one column are, on its scale."""

    sd: FloatArray | None
    """`n` standard errors that hold as they are; None if all noise has to be learnt."""
    prior: NoisePrior | None
    """Belief about noise to be learnt, beside `sd` if there is one; None: of `sd` nothing is
    missing, or nothing at all is known."""
    pooled: PooledNoise | None
    """What repeats say; None without repeats."""

    @property
    def is_evident(self) -> bool:
        """Whether reported errors or repeats, not a model alone, show that there is noise."""
        reported = self.sd is not None and bool((self.sd > 0).any())
        return reported or (self.pooled is not None and self.pooled.variance > 0)


def repeats_among(lattice: Lattice, observations: Sequence[Observation]) -> list[IntArray]:
    """Return the places of rows that repeat each other, one array a repeated point.

    Args:
        lattice: Of the campaign's space.
        observations: `n` rows.
    """
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, observation in enumerate(observations):
        places[_point_key(lattice, observation.point)].append(place)
    return [np.array(each, dtype=np.int64) for each in places.values() if len(each) > 1]


def _point_key(lattice: Lattice, point: Point) -> Hashable:
    row = lattice.row_at(point)
    return row if row is not None else frozenset(point.items())


def pooled_noise(values: FloatArray, repeats: Sequence[IntArray]) -> PooledNoise | None:
    """Return the scatter of repeats about the means of their points.

    Args:
        values: `n` numbers.
        repeats: Places of rows, one array of at least two a point.

    Returns:
        None without repeats.

    Example:
        >>> pooled_noise(np.array([1.0, 3.0, 7.0]), [np.array([0, 1])])
        PooledNoise(variance=2.0, n_repeats=1)
    """
    n_repeats = sum(len(each) - 1 for each in repeats)
    if not n_repeats:
        return None
    total = sum(float(np.square(values[each] - values[each].mean()).sum()) for each in repeats)
    return PooledNoise(total / n_repeats, n_repeats)


def noise_from(Y: FloatArray, reported: FloatArray, repeats: Sequence[IntArray]) -> Noise:
    """Return how noisy rows are, from what was reported and what was repeated.

    * All rows have a standard error: it holds. Only if repeats scatter more than it allows
      (chi-squared, 5 %), noise beside it is learnt, expected to be as large as the excess.
    * Some have one: noise beside it is learnt, expected to be as large as such an excess, or small.
      The others get what the scatter of repeats among them, or else of all repeats, leaves over
      that; without repeats the median of the reported ones.
    * None has one: all noise is learnt, expected to be as large as repeats say, if there are any.

    Args:
        Y: `n` values on their scale.
        reported: `n` standard errors on that scale, nan where unknown.
        repeats: Places of rows, one array of at least two a point.
    """
    pooled = pooled_noise(Y, repeats)
    is_known = np.isfinite(reported)
    if not is_known.any():
        return Noise(None, None if pooled is None else _belief(pooled), pooled)
    if is_known.all():
        return Noise(reported, _excess(Y, reported, repeats, pooled), pooled)
    among_known = _within(repeats, is_known)
    excess = _excess(Y, reported, among_known, pooled_noise(Y, among_known))
    beside = excess or _BESIDE_REPORTED
    among_unknown = pooled_noise(Y, _within(repeats, ~is_known)) or pooled
    base = float(np.median(reported[is_known]))
    if among_unknown is not None:
        base = max(0.0, among_unknown.variance - np.exp(beside.location)) ** 0.5
    return Noise(np.where(is_known, reported, base), beside, pooled)


def _within(repeats: Sequence[IntArray], is_meant: BoolArray) -> list[IntArray]:
    """Return repeats among some rows only."""
    kept = [each[is_meant[each]] for each in repeats]
    return [each for each in kept if len(each) > 1]


def _belief(pooled: PooledNoise) -> NoisePrior:
    """Return what repeats leave to believe of the variance that they scatter with.

    The logarithm of a pooled variance is off by a logarithm of a chi-squared number: its mean is
    taken off, its variance says how much the repeats count against knowing nothing.
    """
    half = pooled.n_repeats / 2
    logarithm = np.log(max(pooled.variance, _LEAST_VARIANCE)) - (digamma(half) - np.log(half))
    weight = 1 / float(polygamma(1, half))
    before = UNKNOWN.width**-2
    location = (before * UNKNOWN.location + weight * float(logarithm)) / (before + weight)
    return NoisePrior(location, float((before + weight) ** -0.5))


def _excess(
    Y: FloatArray,
    reported: FloatArray,
    repeats: Sequence[IntArray],
    pooled: PooledNoise | None,
) -> NoisePrior | None:
    if pooled is None:
        return None
    variances = np.maximum(np.square(reported), _LEAST_VARIANCE)
    scatter = expected = 0.0
    for each in repeats:
        weights = 1 / variances[each]
        mean = float((weights * Y[each]).sum() / weights.sum())
        scatter += float((weights * np.square(Y[each] - mean)).sum())
        expected += float(variances[each].mean()) * (len(each) - 1)
    if chdtrc(pooled.n_repeats, scatter) > _DOUBT:
        return None
    excess = max(pooled.variance - expected / pooled.n_repeats, _LEAST_VARIANCE)
    return _belief(PooledNoise(excess, pooled.n_repeats))

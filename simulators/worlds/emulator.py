"""A smooth map through sparse measured rows, and how well it foretells rows it has not seen.

Nothing is trained here: the few settings of the map are chosen among declared ones by
cross-validation, and its weights follow from the rows in one linear solve when it is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["KernelMap", "KernelSettings", "nested_r2", "settings_chosen"]

FloatArray = npt.NDArray[np.float64]

LENGTHS: Final = (0.2, 0.5, 0.8, 2.0, 4.0)
"""The correlation lengths to choose among, in the units of the inputs."""
NUGGETS: Final = (0.001, 0.01, 0.1, 0.3)
"""The noise variances to choose among, as fractions of the outcome's variance."""
_N_INNER_FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class KernelSettings:
    """What is chosen of a map before its weights follow."""

    length: float
    """Correlation length, in the units of the inputs, above 0."""
    nugget: float
    """Variance of the noise as a fraction of the outcome's variance, above 0."""


class KernelMap:
    """The mean of a Gaussian process with a Matern 5/2 kernel, [Rasmussen2006]_ eq. 2.25.

    Args:
        inputs: `` `n x d` ``, every row another.
        outcomes: `` `n` ``, not all alike.
        settings: The kernel's.
    """

    def __init__(self, inputs: FloatArray, outcomes: FloatArray, settings: KernelSettings) -> None:
        self._inputs = inputs
        self._length = settings.length
        self._mean = float(outcomes.mean())
        covariance = _matern(inputs, inputs, settings.length)
        covariance[np.diag_indices_from(covariance)] += settings.nugget
        # The kernel's amplitude is the outcome's variance; it cancels in the mean.
        self._weights = np.linalg.solve(covariance, outcomes - self._mean)

    def at(self, inputs: FloatArray) -> FloatArray:
        """Return the map's outcomes, `` `m` ``, at `` `m x d` `` inputs."""
        smooth = _matern(inputs, self._inputs, self._length) @ self._weights
        return np.asarray(smooth + self._mean, dtype=np.float64)


def _matern(left: FloatArray, right: FloatArray, length: float) -> FloatArray:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :]
    distances = np.sqrt(5.0 * np.maximum(squares - 2.0 * left @ right.T, 0.0)) / length
    return np.asarray((1.0 + distances + distances**2 / 3.0) * np.exp(-distances))


def settings_chosen(inputs: FloatArray, outcomes: FloatArray) -> KernelSettings:
    """Return the settings that foretell best in five folds, of all declared ones.

    Args:
        inputs: `` `n x d` ``, n at least 10.
        outcomes: `` `n` ``.
    """
    folds = np.random.default_rng(0).permutation(len(outcomes)) % _N_INNER_FOLDS
    grid = [KernelSettings(length, nugget) for length, nugget in product(LENGTHS, NUGGETS)]
    return max(grid, key=lambda one: _r2(outcomes, _foretold(inputs, outcomes, folds, one)))


def nested_r2(inputs: FloatArray, outcomes: FloatArray, folds: npt.NDArray[np.int64]) -> float:
    """Return the share of variance foretold of rows that had no say, not even in the settings.

    For every fold the settings are chosen, and the map made, from the other folds alone.

    Args:
        inputs: `` `n x d` ``.
        outcomes: `` `n` ``.
        folds: `` `n` ``, the fold of each row.
    """
    foretold = np.empty_like(outcomes)
    for kept, left_out in _splits(folds):
        settings = settings_chosen(inputs[kept], outcomes[kept])
        foretold[left_out] = KernelMap(inputs[kept], outcomes[kept], settings).at(inputs[left_out])
    return _r2(outcomes, foretold)


def _foretold(
    inputs: FloatArray,
    outcomes: FloatArray,
    folds: npt.NDArray[np.int64],
    settings: KernelSettings,
) -> FloatArray:
    foretold = np.empty_like(outcomes)
    for kept, left_out in _splits(folds):
        foretold[left_out] = KernelMap(inputs[kept], outcomes[kept], settings).at(inputs[left_out])
    return foretold


def _splits(
    folds: npt.NDArray[np.int64],
) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    for fold in np.unique(folds):
        yield folds != fold, folds == fold


def _r2(outcomes: FloatArray, foretold: FloatArray) -> float:
    missed = float(((outcomes - foretold) ** 2).sum())
    return 1.0 - missed / float(((outcomes - outcomes.mean()) ** 2).sum())

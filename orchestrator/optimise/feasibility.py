"""How likely a sample can be made, learnt from those that could and could not."""

from typing import Final

import numpy as np

from orchestrator.optimise.lattice import FloatArray

__all__ = ["success_probability"]

_PRIOR: Final = 0.2
"""Successes imagined at every point before anything is known."""
_REACH: Final = 0.25
"""Distance, as a part of the unit cube's diagonal, over which one sample speaks for another."""


def success_probability(X: FloatArray, X_made: FloatArray, X_failed: FloatArray) -> FloatArray:
    """Return how likely each point can be made.

    The mean of a Beta distribution: a fifth of an imagined success everywhere, and every sample
    counted by how near it lies.

    Args:
        X: `n x d` features.
        X_made: `k x d` features of samples that could be made.
        X_failed: `l x d` features of samples that could not.

    Returns:
        `n` probabilities, 1 where nothing has failed.

    Example:
        >>> import numpy as np
        >>> here, far = np.zeros((1, 1)), np.ones((1, 1))
        >>> success_probability(np.vstack([here, far]), far, here).round(2)
        array([0.17, 1.  ])
    """
    if not len(X_failed):
        return np.ones(len(X))
    good = _nearness(X, X_made)
    bad = _nearness(X, X_failed)
    return np.asarray((_PRIOR + good) / (_PRIOR + good + bad), dtype=np.float64)


def _nearness(X: FloatArray, others: FloatArray) -> FloatArray:
    total = np.zeros(len(X))
    reach = _REACH * np.sqrt(X.shape[1])
    for other in others:
        total += np.exp(-0.5 * ((X - other) ** 2).sum(axis=1) / reach**2)
    return total

"""Which points are so far from everything that was made that a model has to guess there.

The applicability domain by nearest neighbours: a point is outside if it is farther from everything
that was made than any of what was made is from its own nearest neighbour.

References:
    F. Sahigara, D. Ballabio, R. Todeschini, V. Consonni, Defining a novel k-nearest neighbours
    approach to assess the applicability domain of a QSAR model for reliable predictions, Journal of
    Cheminformatics 5 (2013) 27, doi:10.1186/1758-2946-5-27.
"""

import numpy as np

from orchestrator.optimise.lattice import FloatArray

__all__ = ["are_far"]


def are_far(asked: FloatArray, made: FloatArray) -> list[bool] | None:
    """Tell for each point whether it is outside of what was made.

    Args:
        asked: `n x d` encoded points.
        made: `m x d` encoded points that were made, repeats left out: as-made they differ a little,
            and would make every gap look wide.

    Returns:
        `n` truth values; None if fewer than two different points were made.

    Example:
        >>> made = np.array([[0.1], [0.2], [0.4]])
        >>> are_far(np.array([[0.5], [0.7]]), made)
        [False, True]
    """
    different = np.unique(made, axis=0)
    if len(different) < 2:
        return None
    between = np.linalg.norm(different[:, None, :] - different[None, :, :], axis=2)
    np.fill_diagonal(between, np.inf)
    widest = between.min(axis=1).max()
    away = np.linalg.norm(asked[:, None, :] - different[None, :, :], axis=2).min(axis=1)
    return [bool(distance > widest * (1 + 1e-9)) for distance in away]

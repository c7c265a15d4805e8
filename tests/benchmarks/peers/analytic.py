"""Two made-up landscapes whose optimum is known exactly.

Both take fractions as columns in the order of the components. Neither was shaped after any
planner's model: the dense one is a cone, not smooth at its top, in a metric of its own; the sparse
one is an average with a few strong pairs, each at a ratio of its own.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["dense_front", "dense_outcomes", "sparse_strength"]

FloatArray = NDArray[np.float64]

TARGETS: Final = np.array(
    [
        [0.45, 0.20, 0.05, 0.15, 0.10, 0.05],
        [0.10, 0.40, 0.10, 0.05, 0.25, 0.10],
        [0.15, 0.10, 0.35, 0.10, 0.05, 0.25],
    ]
)
"""The compositions that the three outcomes of the dense problem are best at."""
WEIGHTS: Final = np.array([1.0, 2.5, 1.6, 4.0, 0.7, 3.0])
"""How much a deviation in each component counts, squared."""
DECAY: Final = 0.35
PURE: Final = np.array([0.30, 0.05, 0.20, 0.02, 0.12, 0.26, 0.10, 0.15, 0.22])
"""Strength of each pure element; a mixture has their average before its pairs count."""
PAIRS: Final = (
    # first, second, height, the first's best share of the two, width in that share
    (0, 5, 0.85, 0.62, 0.16),
    (2, 4, 0.72, 0.35, 0.18),
    (6, 7, 0.50, 0.55, 0.20),
    (1, 8, 0.42, 0.30, 0.20),
    (1, 3, 0.30, 0.70, 0.25),
    (0, 3, 0.45, 0.75, 0.15),
    (4, 6, 0.25, 0.50, 0.25),
    (2, 8, -0.20, 0.50, 0.30),
    (5, 7, -0.15, 0.40, 0.30),
)
THIRDS: Final = ((1, 0.35), (3, 0.20), (6, 0.25), (4, 0.30))
"""Elements that a little of lifts any pair, and by which part at their best amount."""
BEST_THIRD: Final = 0.14
THIRD_WIDTH: Final = 0.07


def dense_outcomes(fractions: FloatArray) -> FloatArray:
    """Return three outcomes of each row of six fractions, each 1 at its own target.

    They fall with the distance from their target, all in one metric, so that the best compromises
    are exactly the compositions between the three targets.
    """
    apart = fractions[:, None, :] - TARGETS[None, :, :]
    distances = np.sqrt((apart**2 * WEIGHTS).sum(axis=-1))
    return np.asarray(np.exp(-distances / DECAY))


def dense_front(n: int = 120) -> FloatArray:
    """Return outcomes of the best compromises: mixtures of the targets in `n` steps."""
    shares = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)]) / n
    return dense_outcomes(shares @ TARGETS)


def sparse_strength(fractions: FloatArray) -> FloatArray:
    """Return the strength of each row of nine fractions, from 0 to about 1.3.

    To the average of the pure elements each pair adds its part, the more so the more of the whole
    it is and the nearer to its own ratio; a little of some thirds lifts a pair.
    """
    strength = fractions @ PURE
    for first, second, height, best, width in PAIRS:
        both = fractions[:, first] + fractions[:, second]
        share = fractions[:, first] / np.where(both > 0, both, 1.0)
        bump = np.exp(-0.5 * ((share - best) / width) ** 2)
        pair = height * both**1.5 * bump * ((fractions[:, first] > 0) & (fractions[:, second] > 0))
        lift = np.ones(len(fractions))
        for third, part in THIRDS:
            if third in (first, second):
                continue
            amount = fractions[:, third]
            near = np.exp(-0.5 * ((amount - BEST_THIRD) / THIRD_WIDTH) ** 2)
            lift += part * near * (amount > 0)
        strength += pair * lift
    return np.asarray(strength)

"""One number for several utilities: the first, or a random trade-off, another with every pick.

References:
    Random augmented Chebyshev scalarisations: [Knowles2006]_; with upper confidence bounds and
    with posterior samples: [Paria2020]_.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import torch
from botorch.utils.sampling import sample_simplex
from torch import Tensor

from orchestrator.optimise.acquisition.beliefs import beliefs_of
from orchestrator.optimise.acquisition.situation import Situation

__all__ = ["Scalarisation", "scalarisation_for"]

Scalarisation: TypeAlias = Callable[[Tensor], Tensor]
"""From utilities `... x m` to one number each, larger is better."""
_SUM_WEIGHT: Final = 0.05
"""Share of the plain weighted sum, which tells apart what the worst utility does not."""
_LEAST_SPAN: Final = 1e-9


def scalarisation_for(situation: Situation, turn: int) -> Scalarisation:
    """Return the scalarisation of one pick.

    Args:
        situation: Models and data.
        turn: Which pick of this batch, from 0.
    """
    m = situation.aims.n_utilities
    if m == 1:
        return lambda Y: Y[..., 0]
    X = situation.baseline
    made = situation.aims.utilities(beliefs_of(situation, X[:0]).means(X), X)
    low = made.amin(dim=0)
    span = made.amax(dim=0) - low
    span = torch.where(span > _LEAST_SPAN, span, torch.ones_like(span))
    seed = (situation.seed + situation.first + turn) % 2**31
    weights = sample_simplex(m, n=1, seed=seed, dtype=made.dtype)[0]

    def scalarised(Y: Tensor) -> Tensor:
        weighted = weights * (Y - low) / span
        return weighted.amin(dim=-1) + _SUM_WEIGHT * weighted.sum(dim=-1)

    return scalarised

"""How much of an uncertain gain is counted.

References:
    Mean of the worst share, conditional value at risk: [Rockafellar2000]_.
"""

import math

from torch import Tensor

__all__ = ["log_mean_gain"]


def log_mean_gain(gains: Tensor, risk: float = 0.0) -> Tensor:
    """Return the logarithm of the mean of the worst gains of each row.

    Args:
        gains: `S x n` samples, above 0.
        risk: The share of the best samples that is left out, 0..1: 0 takes all, 1 the worst alone.

    Example:
        >>> import torch
        >>> gains = torch.tensor([[1.0, 2.0], [3.0, 2.0]])
        >>> log_mean_gain(gains).exp(), log_mean_gain(gains, 0.5).exp()
        (tensor([2., 2.]), tensor([1., 2.]))
    """
    if not risk:
        return gains.mean(dim=0).log()
    n = max(1, math.ceil((1 - risk) * len(gains)))
    return gains.sort(dim=0).values[:n].mean(dim=0).log()

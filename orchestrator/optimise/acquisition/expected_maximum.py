"""How much the largest of several numbers is expected to rise when all move along one line.

References:
    The sum over the upper envelope: [Frazier2009]_.
"""

import math
from typing import Final

import torch
from torch import Tensor

__all__ = ["log_expected_rise"]

_ROOT_HALF_PI: Final = math.sqrt(math.pi / 2)
_LOG_ROOT_TWO_PI: Final = 0.5 * math.log(2 * math.pi)
_FARTHEST: Final = 1e6
"""Beyond so many standard deviations, promises are not told apart."""
_LEAST: Final = 1e-300
_CHUNK: Final = 64
"""Rows at once: small tables stay near the processor."""


def log_expected_rise(values: Tensor, slopes: Tensor) -> Tensor:
    """Return the logarithm of `E[max(values + slopes * Z)] - max(values)`, Z standard normal.

    Args:
        values: `n x k` present numbers.
        slopes: `n x k` what they move by.

    Returns:
        `n` numbers, very low where nothing is to be expected.

    Example:
        >>> import torch
        >>> values = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
        >>> slopes = torch.tensor([[0.0, 1.0], [0.5, 0.5]], dtype=torch.float64)
        >>> log_expected_rise(values, slopes).exp().round(decimals=4)
        tensor([0.3989, 0.0000], dtype=torch.float64)
    """
    parts = zip(torch.split(values, _CHUNK), torch.split(slopes, _CHUNK), strict=True)
    return torch.cat([_log_rise(*part) for part in parts])


def _log_rise(values: Tensor, slopes: Tensor) -> Tensor:
    order = torch.argsort(values, dim=1, stable=True)
    values, slopes = values.gather(1, order), slopes.gather(1, order)
    order = torch.argsort(slopes, dim=1, stable=True)
    values, slopes = values.gather(1, order), slopes.gather(1, order)
    begins, ends = _reigns(values, slopes)
    reigns = begins < ends
    place = torch.arange(values.shape[1]).expand_as(values)
    last = torch.where(reigns, place, -1).cummax(dim=1).values
    before = torch.nn.functional.pad(last, (1, 0), value=-1)[:, :-1]
    follows = reigns & (before >= 0)
    steps = slopes - slopes.gather(1, before.clamp_min(0))
    logs = torch.where(follows, steps.clamp_min(_LEAST).log() + _log_loss(begins.abs()), -torch.inf)
    return torch.logsumexp(logs, dim=1).clamp_min(-(_FARTHEST**2))


def _reigns(values: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Return from where to where each line is the highest; lines stand in order of slope."""
    rise = values.unsqueeze(2) - values.unsqueeze(1)
    tilt = slopes.unsqueeze(1) - slopes.unsqueeze(2)
    crossing = torch.where(tilt > 0, rise / tilt, torch.where(rise > 0, torch.inf, -torch.inf))
    k = values.shape[1]
    earlier = torch.ones(k, k, dtype=torch.bool).triu(1)
    begins = torch.where(earlier, crossing, -torch.inf).amax(dim=1)
    ends = torch.where(earlier, crossing, torch.inf).amin(dim=2)
    return begins, ends


def _log_loss(c: Tensor) -> Tensor:
    """Return the logarithm of `phi(c) - c * Phi(-c)` for numbers that are not negative."""
    c = c.clamp_max(_FARTHEST)
    tail = 1 - c * _ROOT_HALF_PI * torch.special.erfcx(c / math.sqrt(2.0))
    left = torch.where(c > 1e3, c.clamp_min(1.0).square().reciprocal(), tail)
    return -0.5 * c.square() - _LOG_ROOT_TWO_PI + left.clamp_min(_LEAST).log()

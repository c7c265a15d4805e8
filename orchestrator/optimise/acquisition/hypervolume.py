"""How much volume a point adds to what sampled fronts dominate, as boxes for all samples at once.

References:
    Local bounds and boxes: [Lacour2017]_; boxes of what is not dominated, by a second pass over the
    bounds: [Yang2019]_.
"""

from typing import Final

import torch
from torch import Tensor

__all__ = ["Fronts", "fat", "non_dominated"]

TAIL: Final = 1e-6
"""Width, in utilities, of the tail that an improvement keeps where there is none."""
_TAIL_SAMPLES: Final = 8
_NOTHING: Final = 1e-12
"""Volume, in utilities, below which a point adds nothing."""
_CELLS: Final = 2**18
"""Numbers that are worked on at once."""


def fat(x: Tensor, tail: float = TAIL) -> Tensor:
    """Return the positive part of numbers with a tail, so that it is never 0 and always grows.

    Example:
        >>> import torch
        >>> (fat(torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)) * 1e6).round()
        tensor([0.0000e+00, 1.0000e+00, 1.0000e+06], dtype=torch.float64)
    """
    return x.clamp_min(0.0) + tail**2 / (x.abs() + tail)


def non_dominated(Y: Tensor, valid: Tensor) -> Tensor:
    """Return which points lie on the front of their sample.

    Args:
        Y: `S x k x m` utilities.
        valid: `S x k`, which points count at all.

    Returns:
        `S x k`; of equal points one.
    """
    left, front = valid.clone(), torch.zeros_like(valid)
    samples = torch.arange(len(Y))
    sums = Y.sum(dim=-1)
    while bool(left.any()):
        best = torch.where(left, sums, -torch.inf).argmax(dim=1)
        found = left[samples, best]
        front[samples[found], best[found]] = True
        beaten = (Y[samples, best].unsqueeze(1) - Y >= 0).all(dim=-1)
        left &= ~(beaten & found.unsqueeze(1))
        left[samples, best] = False
    return front


class _Bounds:
    """Local upper bounds of what points leave open, for many samples; less is better here."""

    def __init__(self, n_samples: int, ideal: Tensor, reference: Tensor) -> None:
        m = len(reference)
        self.owner = torch.arange(n_samples)
        self.U = reference.repeat(n_samples, 1)
        defining = ideal.repeat(m, 1)
        defining.diagonal().copy_(reference)
        self.Z = defining.repeat(n_samples, 1, 1)

    def add(self, points: Tensor) -> None:
        """Take one point a sample into account, `S x m`; a dominated one changes nothing."""
        m = points.shape[1]
        z = points[self.owner]
        hit = (z < self.U).all(dim=1)
        if not bool(hit.any()):
            return
        U, Z, owner, z = self.U[hit], self.Z[hit], self.owner[hit], z[hit]
        bounds, defining, owners = [self.U[~hit]], [self.Z[~hit]], [self.owner[~hit]]
        for j in range(m):
            others = [k for k in range(m) if k != j]
            keeps = z[:, j] >= Z[:, others, j].amax(dim=1)
            moved, points_moved = U[keeps].clone(), Z[keeps].clone()
            moved[:, j] = z[keeps, j]
            points_moved[:, j] = z[keeps]
            bounds.append(moved)
            defining.append(points_moved)
            owners.append(owner[keeps])
        self.U, self.Z = torch.cat(bounds), torch.cat(defining)
        self.owner = torch.cat(owners)

    def boxes(self, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return owners, lower and upper corners of boxes that share the dominated part."""
        low, high = torch.empty_like(self.U), self.U.clone()
        low[:, 0], high[:, 0] = self.Z[:, 0, 0], reference[0]
        for j in range(1, self.U.shape[1]):
            low[:, j] = self.Z[:, :j, j].amax(dim=1)
        full = (high > low).all(dim=1)
        return self.owner[full], low[full], high[full]


class Fronts:
    """The front of each sample, which picked points may join.

    Args:
        reference: `m` utilities that count as worst.
        Y: `S x k x m` utilities.
        valid: `S x k`, which points count at all.
    """

    def __init__(self, reference: Tensor, Y: Tensor, valid: Tensor) -> None:
        self._reference = reference
        ideal = torch.full_like(reference, -torch.inf)
        self._bounds = _Bounds(len(Y), ideal, -reference)
        front = non_dominated(Y, valid & (Y - reference > 0).all(dim=-1))
        for points in _in_turn(-Y, front):
            self._bounds.add(points)
        self._low, self._high = self._open_boxes()

    def join(self, Y: Tensor, valid: Tensor) -> None:
        """Add one point a sample.

        Args:
            Y: `S x m` utilities.
            valid: `S`, where it counts.
        """
        before = self._bounds.U
        self._bounds.add(torch.where(valid.unsqueeze(1), -Y, torch.inf))
        if self._bounds.U is not before:
            self._low, self._high = self._open_boxes()

    def gains(self, Y: Tensor) -> Tensor:
        """Return the volume that points add to the front of each sample.

        Where they add nothing to any, a tail stands for how far they are from it: the same number
        in all samples, far below every real gain.

        Args:
            Y: `S x n x m` utilities.

        Returns:
            `S x n`.
        """
        size = max(16, _CELLS // self._low[..., 0].numel())
        found = torch.cat(
            [_volumes(part, self._low, self._high) for part in torch.split(Y, size, 1)], 1
        )
        vain = found.amax(dim=0) < _NOTHING
        if bool(vain.any()):
            few = slice(0, _TAIL_SAMPLES)
            low, high = self._low[few], self._high[few]
            parts = torch.split(Y[few, vain], size, 1)
            tails = torch.cat([_fat_volumes(part, low, high) for part in parts], 1)
            found[:, vain] = _NOTHING * tails.mean(dim=0)
        return found

    def _open_boxes(self) -> tuple[Tensor, Tensor]:
        """Return corners of boxes that share what no point dominates, `S x c x m` each.

        Samples with fewer boxes than others get empty ones.
        """
        n = int(self._bounds.owner.max()) + 1
        infinite = torch.full_like(self._reference, torch.inf)
        second = _Bounds(n, self._reference, infinite)
        counts = torch.bincount(self._bounds.owner, minlength=n)
        begins = torch.cumsum(counts, 0) - counts
        lower = -self._bounds.U[torch.argsort(self._bounds.owner, stable=True)]
        for turn in range(int(counts.max())):
            second.add(lower[begins + torch.clamp_max(counts - 1, turn)])
        owner, low, high = second.boxes(infinite)
        order = torch.argsort(owner, stable=True)
        counts = torch.bincount(owner, minlength=n)
        owner, place = owner[order], torch.arange(len(order))
        place -= (torch.cumsum(counts, 0) - counts)[owner]
        shape = (n, int(counts.max()), low.shape[1])
        padded_low, padded_high = low.new_full(shape, torch.inf), low.new_full(shape, torch.inf)
        padded_low[owner, place], padded_high[owner, place] = low[order], high[order]
        return padded_low, padded_high


def _volumes(Y: Tensor, low: Tensor, high: Tensor) -> Tensor:
    volume = torch.ones(())
    for j in range(Y.shape[-1]):
        length = torch.minimum(Y[:, :, None, j], high[:, None, :, j])
        volume = length.sub_(low[:, None, :, j]).clamp_min_(0.0).mul_(volume)
    return volume.sum(dim=-1)


def _fat_volumes(Y: Tensor, low: Tensor, high: Tensor) -> Tensor:
    volume = torch.ones(())
    for j in range(Y.shape[-1]):
        column = Y[:, :, None, j]
        length = fat(column - low[:, None, :, j])
        beyond = fat(column - high[:, None, :, j])
        volume = volume * (length - torch.where(torch.isinf(high[:, None, :, j]), 0.0, beyond))
    return volume.sum(dim=-1)


def _in_turn(Y: Tensor, front: Tensor) -> list[Tensor]:
    """Return the points of each front one after the other, `S x m`; nothing is infinitely bad."""
    counts = front.sum(dim=1)
    order = torch.argsort((~front).to(torch.int8), dim=1, stable=True)
    samples = torch.arange(len(Y))
    found: list[Tensor] = []
    for turn in range(int(counts.max())):
        points = Y[samples, order[:, turn]]
        found.append(torch.where((counts > turn).unsqueeze(1), points, torch.inf))
    return found

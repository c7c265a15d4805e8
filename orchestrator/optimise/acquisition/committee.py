"""Models that explain the same data otherwise, and where they are at odds.

References:
    Committees of Gaussian processes with drawn hyperparameters: [Riis2022]_.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from orchestrator.optimise.acquisition.beliefs import Beliefs, beliefs_of
from orchestrator.optimise.acquisition.hyperparameters import Posterior, posteriors_of
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.process import Process, cholesky_factor

__all__ = ["Committee"]

_MEMBERS: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Committee:
    """Gaussian processes whose hyperparameters were drawn, and the surrogate if it is another."""

    members: tuple[tuple[Process, ...], ...]
    """By column."""
    stranger: Beliefs | None
    """Sits in the committee too: a surrogate that is no Gaussian process of ours."""

    @classmethod
    def of(cls, situation: Situation, n: int = _MEMBERS) -> "Committee":
        """Draw a committee.

        Args:
            situation: Models and data.
            n: Drawn members, at least 5.
        """
        drawn = [
            _drawn(posterior, n, (situation.seed + place) % 2**31)
            for place, posterior in enumerate(posteriors_of(situation.surrogate))
        ]
        beliefs = beliefs_of(situation, situation.baseline[:0])
        return cls(tuple(drawn), None if situation.surrogate.processes else beliefs)

    def predictions(self, X: Tensor) -> Tensor:
        """Return what each member expects at `n x (d + c)` rows: `s x n x p`."""
        columns = [
            torch.stack([member.moments(X)[0] for member in members]) for members in self.members
        ]
        whole = torch.stack(columns, dim=-1)
        if self.stranger is None:
            return whole
        return torch.cat([whole, self.stranger.means(X).unsqueeze(0)])

    def dispute(self, pending: Tensor, noise: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the variance between members, less what pending rows will settle.

        Args:
            pending: `k x (d + c)` rows.
            noise: `p` variances of a reading.

        Returns:
            From `n x (d + c)` rows to `n x p`.
        """
        if not len(pending):
            return lambda X: self._deviations(X).square().sum(dim=0)
        known = self._deviations(pending)
        factors = [
            cholesky_factor(known[..., i].T @ known[..., i] + noise[i] * _identity(known))
            for i in range(len(noise))
        ]

        def left(X: Tensor) -> Tensor:
            off = self._deviations(X)
            settled = torch.stack(_settled(factors, known, off), dim=-1)
            return (off.square().sum(dim=0) - settled).clamp_min(0.0)

        return left

    def _deviations(self, X: Tensor) -> Tensor:
        """Return predictions less their mean, divided by the root of the number of members."""
        found = self.predictions(X)
        deviations: Tensor = (found - found.mean(dim=0)) / len(found) ** 0.5
        return deviations


def _identity(known: Tensor) -> Tensor:
    return torch.eye(known.shape[1], dtype=known.dtype)


def _settled(factors: Sequence[Tensor], known: Tensor, off: Tensor) -> list[Tensor]:
    found: list[Tensor] = []
    for i, factor in enumerate(factors):
        together = known[..., i].T @ off[..., i]
        explained = torch.linalg.solve_triangular(factor, together, upper=False)
        found.append(explained.square().sum(dim=0))
    return found


def _drawn(posterior: Posterior, n: int, seed: int) -> tuple[Process, ...]:
    evidence = posterior.evidence
    nothing = evidence.X[:0], evidence.Y[:0]
    return tuple(posterior.process(draw, *nothing) for draw in posterior.draws(n, seed))

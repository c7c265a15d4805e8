"""Everything that an acquisition may look at: models, aims and what was made."""

from dataclasses import dataclass

from torch import Tensor

from orchestrator.optimise.aims import Aims
from orchestrator.optimise.surrogate import Surrogate

__all__ = ["Situation"]


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """One proposal's models and data; the same for all picks of its batch."""

    aims: Aims
    surrogate: Surrogate
    baseline: Tensor
    """`n x (d + c)` distinct rows that were made: features, then computed objectives."""
    reference: tuple[float, ...] | None
    """`m` utilities that count as worst; None with a single objective."""
    seed: int
    first: int
    """Number of observations and pending points: which pick of the campaign comes next."""

"""What every acquisition function promises."""

from collections.abc import Callable
from typing import ClassVar, Protocol, TypeAlias

from torch import Tensor

from orchestrator.optimise.acquisition.situation import Situation

__all__ = ["Acquisition", "Score"]

Score: TypeAlias = Callable[[Tensor], Tensor]
"""From `n x (d + c)` rows to `n` numbers: logarithms of how much each row promises, if the
acquisition is logarithmic; larger is better, minus infinity for rows that must not be taken."""


class Acquisition(Protocol):
    """Says how much an experiment promises."""

    name: ClassVar[str]

    def method(self, situation: Situation, turn: int) -> str:
        """Return the name under which a pick is recorded: that of the acquisition, if no other.

        Args:
            situation: Models and data.
            turn: Which pick of this batch, from 0.
        """
        return self.name

    def remark(self, situation: Situation, turn: int) -> str:
        """Return what should be said of a pick in the proposal's reason; mostly nothing."""
        return ""

    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        """Return how to score rows, given rows that are pending or picked already.

        Args:
            situation: Models and data.
            pending: `k x (d + c)` rows.
            turn: Which pick of this batch, from 0.
        """
        ...

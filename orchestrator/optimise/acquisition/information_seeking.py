"""Acquisitions that seek to know the columns everywhere: none asks what a value is good for.

All measured columns count, objectives and outcomes, each on its scale. Specifications do not weigh:
where they are broken has to be learnt as well; how likely a sample fails does, for a failed one
teaches no column. Rows that are pending or picked count as measured, which no value is needed for.

References:
    Uncertainty sampling: [Lewis1994]_, [MacKay1992]_. Query by committee: [Seung1992]_, of Gaussian
    processes with drawn hyperparameters [Riis2022]_. Expected model change: [Settles2008]_, of
    predictions [Cai2013]_. Integrated variance: [Sacks1989]_, [Cohn1996]_.
"""

from typing import ClassVar, Final

import torch
from torch import Tensor
from typing_extensions import override

from orchestrator.optimise.acquisition.beliefs import beliefs_of, noise_variances
from orchestrator.optimise.acquisition.committee import Committee
from orchestrator.optimise.acquisition.model_change import ColumnChange, changes_of
from orchestrator.optimise.acquisition.protocol import Acquisition, Score
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.acquisition.territory import Territory

__all__ = ["ExpectedModelChange", "IntegratedVariance", "QueryByCommittee", "Uncertainty"]

_DRAWN: Final = 512
"""Rows that stand for the feasible set."""
_CHUNK: Final = 512
_LEAST: Final = 1e-12


class Uncertainty(Acquisition):
    """Standard deviation of the noise-free value; of several columns, on their scales, the sum."""

    name: ClassVar[str] = "uncertainty"

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        beliefs = beliefs_of(situation, pending)
        return lambda X: beliefs.variances(X).sqrt().sum(dim=1).log()


class IntegratedVariance(Acquisition):
    """Variance that one experiment takes away, in the mean over the feasible set.

    Args:
        territory: The feasible set.
    """

    name: ClassVar[str] = "integrated_variance"

    def __init__(self, territory: Territory) -> None:
        self._territory = territory
        self._drawn: Tensor | None = None

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        if self._drawn is None:
            self._drawn = self._territory.draw(_DRAWN)
        drawn, beliefs = self._drawn, beliefs_of(situation, pending)

        def scores(X: Tensor) -> Tensor:
            taken = beliefs.changes(X, drawn).square().mean(dim=1).sum(dim=1)
            return (taken + _LEAST).log()

        return lambda X: torch.cat([scores(part) for part in torch.split(X, _CHUNK)])


class QueryByCommittee(Acquisition):
    """Variance between the predictions of models with other hyperparameters.

    What pending rows will settle of the dispute is taken off it, as far as predictions there and
    elsewhere go together among the members.
    """

    name: ClassVar[str] = "query_by_committee"

    def __init__(self) -> None:
        self._committee: tuple[Situation, Committee] | None = None

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        if self._committee is None or self._committee[0] is not situation:
            self._committee = situation, Committee.of(situation)
        committee = self._committee[1]
        noise = noise_variances(situation.surrogate, situation.baseline)
        dispute = committee.dispute(pending, noise)
        return lambda X: (dispute(X).sum(dim=1) + _LEAST).log()


class ExpectedModelChange(Acquisition):
    """How far predictions over the feasible set move, hyperparameters being learnt anew.

    Args:
        territory: The feasible set.
    """

    name: ClassVar[str] = "expected_model_change"

    def __init__(self, territory: Territory) -> None:
        self._territory = territory
        self._drawn: Tensor | None = None
        self._changes: tuple[Situation, list[ColumnChange]] | None = None

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        if self._drawn is None:
            self._drawn = self._territory.draw(_DRAWN)
        if self._changes is None or self._changes[0] is not situation:
            self._changes = situation, changes_of(situation.surrogate)
        drawn = self._drawn
        each = [change.after(pending, drawn) for change in self._changes[1]]

        def scores(X: Tensor) -> Tensor:
            squared = torch.stack([one(X) for one in each]).sum(dim=0)
            return 0.5 * (squared + _LEAST).log()

        return lambda X: torch.cat([scores(part) for part in torch.split(X, _CHUNK)])

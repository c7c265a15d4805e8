"""The knowledge gradient: how much better the best choice will be known after one experiment more.

References:
    Discrete knowledge gradient: [Frazier2009]_, over rows that a model chooses [Scott2011]_; with
    specifications: [Ungredda2021]_.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

import torch
from torch import Tensor
from typing_extensions import override

from orchestrator.optimise.acquisition.beliefs import Beliefs, beliefs_of
from orchestrator.optimise.acquisition.expected_maximum import log_expected_rise
from orchestrator.optimise.acquisition.hypervolume import fat
from orchestrator.optimise.acquisition.joint_samples import JointSamples
from orchestrator.optimise.acquisition.outlook import kept
from orchestrator.optimise.acquisition.protocol import Acquisition, Score
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.acquisition.territory import Territory
from orchestrator.optimise.aims import Aims

__all__ = ["KnowledgeGradient"]

_BEST: Final = 24
"""Rows, of the pool and of the made ones each, with the largest expected utility."""
_HOPEFUL: Final = 8
"""Rows of the pool whose utility may well be large."""
_SAMPLES: Final = 128
_RIVALS: Final = 12
"""Choices, at most, that are weighed against each other after one reading: those that would be the
highest if it were far off."""
_DEVIATIONS: Final = 3.0
_CHUNK: Final = 256


class KnowledgeGradient(Acquisition):
    """Expected rise of the largest expected utility, among likely choices and the row itself.

    Exact for one measured objective that is made as large or as small as can be; by samples of the
    reading for utilities of several columns, for targets and desirabilities. What will be chosen
    counts by its probability to meet the specifications, from the worst made utility up. Pending
    rows are taken to read what is expected of them.

    Args:
        territory: Where a choice may fall.
    """

    name: ClassVar[str] = "knowledge_gradient"

    def __init__(self, territory: Territory) -> None:
        self._territory = territory
        self._choices: tuple[Situation, Tensor] | None = None

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        beliefs = beliefs_of(situation, pending)
        numbers = JointSamples.base(_SAMPLES, 1, len(beliefs.noise), situation.seed % 2**31)
        worth = _Worth(situation.aims, beliefs, numbers[:, 0], situation.baseline)
        choices = self._choices_of(situation, worth)
        score = _exact(worth, choices) if worth.plain else _sampled(worth, choices)
        return lambda X: torch.cat([score(part) for part in torch.split(X, _CHUNK)])

    def _choices_of(self, situation: Situation, worth: "_Worth") -> Tensor:
        """Return rows of which one may be chosen in the end, the same for all picks."""
        if self._choices is None or self._choices[0] is not situation:
            made, pool = situation.baseline, self._territory.pool()
            hopes = worth.expected(pool, deviations=1.0)
            likely = pool[_best(worth.expected(pool), _BEST)]
            rows = torch.cat([made[_best(worth.expected(made), _BEST)], likely])
            rows = torch.cat([rows, pool[_best(hopes, _HOPEFUL)]])
            self._choices = situation, torch.unique(rows, dim=0)
        return self._choices[1]


def _best(values: Tensor, n: int) -> Tensor:
    return torch.argsort(values, descending=True, stable=True)[:n]


@dataclass(frozen=True, slots=True, eq=False)
class _Worth:
    """What a row is worth as a choice."""

    aims: Aims
    beliefs: Beliefs
    numbers: Tensor
    """`S x p` standard normal numbers."""
    made: Tensor

    @property
    def plain(self) -> tuple[int, int] | None:
        """Column and sign of the only objective, where it is measured and nothing to be matched."""
        campaign = self.aims.campaign
        objective, *others = campaign.objectives
        names = [column.name for column in self.aims.columns]
        if others or campaign.is_traded or objective.name not in names:
            return None
        if objective.matched is not None:
            return None
        return names.index(objective.name), objective.sign

    @property
    def floor(self) -> Tensor:
        """The worst made point's utility: what a choice is worth that breaks specifications."""
        return self.aims.utilities(self.beliefs.means(self.made), self.made)[..., 0].min()

    def expected(self, X: Tensor, *, deviations: float = 0.0) -> Tensor:
        """Return what rows are worth, `n`, their means perhaps some deviations better."""
        means = self.beliefs.means(X)
        values = self.aims.utilities(means, X)[..., 0]
        if deviations:
            sds = self.beliefs.variances(X).sqrt()
            for sign in (-1.0, 1.0):
                moved = self.aims.utilities(means + sign * deviations * sds, X)[..., 0]
                values = torch.maximum(values, moved)
        return (values - self.floor) * self.chances(X)

    def chances(self, X: Tensor) -> Tensor:
        """Return how likely rows meet the specifications, `n`."""
        found = X.new_ones(len(X))
        conditions = self.aims.specifications()
        if conditions:
            spread = self.numbers.unsqueeze(1) * self.beliefs.variances(X).sqrt()
            samples = self.beliefs.means(X) + spread
            holds = torch.stack([kept(condition(samples)) for condition in conditions])
            found = holds.prod(dim=0).mean(dim=0)
        return found


def _exact(worth: _Worth, choices: Tensor) -> Score:
    beliefs, floor = worth.beliefs, worth.floor
    if worth.plain is None:
        raise ValueError("only the mean of one column moves along one line")
    place, sign = worth.plain
    chances = worth.chances(choices)
    present = (sign * beliefs.means(choices)[:, place] - floor) * chances

    def score(X: Tensor) -> Tensor:
        own_chance, variance = worth.chances(X), beliefs.variances(X)[:, place]
        own = (sign * beliefs.means(X)[:, place] - floor) * own_chance
        own_slope = sign * own_chance * variance / (variance + beliefs.noise[place]).sqrt()
        slopes = sign * chances * beliefs.changes(X, choices)[..., place]
        values = torch.cat([present.expand(len(X), -1), own.unsqueeze(1)], dim=1)
        return log_expected_rise(
            *_rivals(values, torch.cat([slopes, own_slope.unsqueeze(1)], dim=1))
        )

    return score


def _rivals(values: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the lines that can well be the highest, `n x r`, the present best among them."""
    best = values.argmax(dim=1, keepdim=True)
    promise = values + _DEVIATIONS * (slopes - slopes.gather(1, best)).abs()
    promise = promise.scatter(1, best, torch.inf)
    places = promise.topk(min(_RIVALS, values.shape[1]), dim=1).indices
    return values.gather(1, places), slopes.gather(1, places)


def _sampled(worth: _Worth, choices: Tensor) -> Score:
    aims, beliefs, floor = worth.aims, worth.beliefs, worth.floor
    chances, means = worth.chances(choices), beliefs.means(choices)
    numbers = worth.numbers.unsqueeze(1)

    def score(X: Tensor) -> Tensor:
        variances = beliefs.variances(X)
        own = beliefs.means(X) + numbers * variances / (variances + beliefs.noise).sqrt()
        values = [(aims.utilities(own, X)[..., 0] - floor) * worth.chances(X)]
        changes = beliefs.changes(X, choices)
        for one in range(len(choices)):
            moved = means[one] + numbers * changes[:, one]
            utilities = aims.utilities(moved, choices[one].expand(len(X), -1))[..., 0]
            values.append((utilities - floor) * chances[one])
        whole = torch.stack(values, dim=-1)
        now = whole.mean(dim=0).argmax(dim=-1).expand(len(whole), -1).unsqueeze(-1)
        others = whole.scatter(-1, now, -torch.inf).amax(dim=-1)
        return fat(others - whole.gather(-1, now)[..., 0]).mean(dim=0).log()

    return score

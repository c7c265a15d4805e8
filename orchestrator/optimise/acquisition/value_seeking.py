"""Acquisitions that seek the best value: each promises something else of a candidate.

All score whole pools in batched passes. What is promised is positive, or is counted from the worst
made point's expected utility, as if a sample that fails were worth that: so the logarithm of how
likely it succeeds, or of what it costs, can be added to each score.

References:
    Expected improvement: [Jones1998]_, in logarithms [Ament2023]_; noisy: [Letham2019]_; of the
    hypervolume: [Daulton2021]_. Random scalarisations: [Knowles2006]_, [Paria2020]_. Upper
    confidence bounds: [Srinivas2010]_, by samples [Wilson2017]_, with what is pending hallucinated
    [Desautels2014]_. Posterior sampling: [Thompson1933]_, [Kandasamy2018]_.
"""

import math
from typing import ClassVar, Final

import torch
from torch import Tensor
from typing_extensions import override

from orchestrator.optimise.acquisition.beliefs import Beliefs, beliefs_of
from orchestrator.optimise.acquisition.hypervolume import fat
from orchestrator.optimise.acquisition.improvement import Improvement
from orchestrator.optimise.acquisition.joint_samples import JointSamples
from orchestrator.optimise.acquisition.outlook import best_gain, kept, lowest
from orchestrator.optimise.acquisition.paths import drawn_function
from orchestrator.optimise.acquisition.protocol import Acquisition, Score
from orchestrator.optimise.acquisition.risk import log_mean_gain
from orchestrator.optimise.acquisition.scalarisation import Scalarisation, scalarisation_for
from orchestrator.optimise.acquisition.situation import Situation

__all__ = [
    "ExpectedImprovement",
    "NoisyHypervolumeImprovement",
    "NoisyImprovement",
    "RandomScalarisation",
    "Thompson",
    "UpperConfidenceBound",
]

_SAMPLES: Final = 128
_CHUNK: Final = 512
_CONFIDENCE: Final = 4.0
"""Weight of variance against the squared mean: a bound two standard deviations up."""


class NoisyImprovement(Improvement):
    """Improvement of one utility over the noise-free best of everything made, in each sample."""

    name: ClassVar[str] = "log_nei"

    @override
    def method(self, situation: Situation, turn: int) -> str:
        return self.name

    @override
    def remark(self, situation: Situation, turn: int) -> str:
        return ""

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        return self._single(situation, pending, lambda Y: Y[..., 0], [])


class RandomScalarisation(NoisyImprovement):
    """Noisy improvement of a random trade-off between objectives, another with every pick."""

    name: ClassVar[str] = "nparego"

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        return self._single(situation, pending, scalarisation_for(situation, turn), [])


class NoisyHypervolumeImprovement(NoisyImprovement):
    """Improvement of the noise-free hypervolume of everything made, in each sample."""

    name: ClassVar[str] = "log_nehvi"

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        return self._hypervolume(situation, pending)


class ExpectedImprovement(Acquisition):
    """Improvement over the largest expected utility of what was made: that one counts as known.

    Pending rows are sampled together with each candidate; what exceeds them counts.

    Args:
        risk: The share of the luckiest samples that is left out, 0..1.
    """

    name: ClassVar[str] = "log_ei"

    def __init__(self, risk: float = 0.0) -> None:
        self._risk = risk

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        aims, beliefs = situation.aims, beliefs_of(situation, pending)
        conditions = aims.specifications()
        base = _base(situation, beliefs, _SAMPLES)
        made = situation.baseline
        means = beliefs.means(made)
        values = aims.utilities(means, made)[..., 0]
        valid = torch.ones(len(made), dtype=torch.bool)
        for condition in conditions:
            valid &= condition(means) <= 0
        incumbent = torch.where(valid, values, lowest(values.unsqueeze(0))).max()

        def scores(X: Tensor) -> Tensor:
            waiting, samples = beliefs.samples(X, base)
            best = incumbent.expand(len(base))
            if len(pending):
                others = aims.utilities(waiting, pending)[..., 0]
                for condition in conditions:
                    others = torch.where(condition(waiting) <= 0, others, incumbent)
                best = torch.maximum(best, others.amax(dim=1))
            gains = best_gain(best, aims.utilities(samples, X)[..., 0])
            for condition in conditions:
                gains = gains * kept(condition(samples))
            return log_mean_gain(gains, self._risk)

        return _chunked(scores)


class UpperConfidenceBound(Acquisition):
    """What a candidate may well be worth: the mean and two standard deviations.

    For utilities that are no plain column the standard deviation is taken from mean absolute
    deviations of samples. Pending rows lower it; means stay. With several objectives each pick
    bounds another random trade-off. Scores are logarithms of how far the bound lies above the worst
    made point's expected utility, times the probability to meet the specifications.
    """

    name: ClassVar[str] = "ucb"

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        aims, beliefs = situation.aims, beliefs_of(situation, pending)
        conditions, scalarised = aims.specifications(), scalarisation_for(situation, turn)
        numbers = JointSamples.base(_SAMPLES, 1, len(beliefs.noise), situation.seed % 2**31)
        worst = _worst_made(situation, beliefs, scalarised)
        reach = math.sqrt(_CONFIDENCE * math.pi / 2)

        def scores(X: Tensor) -> Tensor:
            samples = beliefs.means(X) + numbers * beliefs.variances(X).sqrt()
            values = scalarised(aims.utilities(samples, X))
            means = values.mean(dim=0)
            bound = means + reach * (values - means).abs().mean(dim=0)
            found = fat(bound - worst).log()
            for condition in conditions:
                found = found + kept(condition(samples)).mean(dim=0).log()
            return found

        return _chunked(scores)


class Thompson(Acquisition):
    """The best of one function drawn from the posterior, another with every pick.

    What is pending needs no fantasy: to draw its value, to learn it and to draw a function is to
    draw a function. With several objectives each pick takes another random trade-off too. Scores
    are logarithms of how far the drawn utility lies above the worst of the made points', lowered
    where the drawn outcomes break specifications.
    """

    name: ClassVar[str] = "thompson"

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        aims = situation.aims
        conditions, scalarised = aims.specifications(), scalarisation_for(situation, turn)
        seed = (1_000_003 * situation.seed + situation.first + len(pending)) % 2**31
        drawn = drawn_function(situation.surrogate, seed)
        made = situation.baseline
        worst = scalarised(aims.utilities(drawn(made), made)).min()

        def scores(X: Tensor) -> Tensor:
            values = drawn(X)
            found = fat(scalarised(aims.utilities(values, X)) - worst).log()
            for condition in conditions:
                found = found + kept(condition(values)).log()
            return found

        return _chunked(scores)


def _base(situation: Situation, beliefs: Beliefs, n_samples: int) -> Tensor:
    n_rows, n_columns = len(beliefs.pending) + 1, len(beliefs.noise)
    return JointSamples.base(n_samples, n_rows, n_columns, situation.seed % 2**31)


def _worst_made(situation: Situation, beliefs: Beliefs, scalarised: Scalarisation) -> Tensor:
    made = situation.baseline
    return scalarised(situation.aims.utilities(beliefs.means(made), made)).min()


def _chunked(scores: Score) -> Score:
    def whole(X: Tensor) -> Tensor:
        if not len(X):
            return X.new_zeros(0)
        return torch.cat([scores(part) for part in torch.split(X, _CHUNK)])

    return whole

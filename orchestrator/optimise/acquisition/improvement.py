"""The default acquisition: log noisy improvements, of the hypervolume where there are several.

References:
    Noisy expected hypervolume improvement: [Daulton2021]_; its logarithm and tails: [Ament2023]_;
    random augmented Chebyshev scalarisations: [Knowles2006]_.
"""

import math
from collections.abc import Callable
from typing import ClassVar, Final

import torch
from botorch.utils.multi_objective.scalarization import get_chebyshev_scalarization
from botorch.utils.sampling import sample_simplex
from torch import Tensor
from typing_extensions import override

from orchestrator.optimise.acquisition.any_model import hypervolume_score, single_score
from orchestrator.optimise.acquisition.hypervolume import Fronts, non_dominated
from orchestrator.optimise.acquisition.outlook import Outlook, best_gain, kept, lowest
from orchestrator.optimise.acquisition.protocol import Acquisition, Score
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.aims import Shortfall

__all__ = ["MOST_WEIGHED", "Improvement"]

MOST_WEIGHED: Final = 3
"""Objectives up to which the hypervolume is always used."""
_MOST_IF_SMALL: Final = 4
"""Objectives up to which it is used while fronts are small."""
_SAMPLES: Final = 64
_WORTHWHILE: Final = math.log(0.08)
"""Least logarithm of the improvement of one objective, on its scale, for it to be sought alone."""
_SMALL_FRONT: Final = 12
"""Points on a sample's front, in the mean, up to which it is small."""


class Improvement(Acquisition):
    """Improvement of the best value, of the hypervolume, or of a random scalarisation.

    With two or three objectives of which some are computed, every second pick goes for the best of
    one measured objective, in rotation, as long as that promises much: what is gained in a computed
    one is certain, and crowds out what is to be found in the measured ones.

    Args:
        n_samples: Samples over which improvements are averaged, a power of 2.
        risk: The share of the luckiest samples that is left out, 0..1; with Gaussian processes.
    """

    name: ClassVar[str] = "automatic"

    def __init__(self, n_samples: int = _SAMPLES, risk: float = 0.0) -> None:
        self._n_samples = n_samples
        self._risk = risk
        self._outlook: Outlook | None = None
        self._fronts: tuple[int, Fronts] | None = None
        self._front_size: tuple[Situation, float] | None = None
        self._vain: tuple[Situation, set[int]] | None = None

    @override
    def method(self, situation: Situation, turn: int) -> str:
        m = situation.aims.n_utilities
        if m == 1 or self._sought(situation, turn) is not None:
            return "log_nei"
        return "log_nehvi" if self._weighs_volume(situation) else "log_nparego"

    @override
    def remark(self, situation: Situation, turn: int) -> str:
        name = self._sought(situation, turn)
        if name is not None:
            return f"pick {turn + 1} seeks the best {name} alone"
        return "" if turn else self._why_no_volume(situation)

    @override
    def after(self, situation: Situation, pending: Tensor, turn: int) -> Score:
        alone = self._sought(situation, turn)
        if alone is not None:
            return self._alone_if_worthwhile(situation, pending, turn, alone)
        if self.method(situation, turn) == "log_nehvi":
            return self._hypervolume(situation, pending)
        return self._single(situation, pending, _utility(situation, turn), [])

    def _sought(self, situation: Situation, turn: int) -> str | None:
        """Return the objective that a pick seeks alone, None if it weighs all."""
        if self._vain is not None and self._vain[0] is situation and turn in self._vain[1]:
            return None
        return _alone(situation, turn)

    def _alone_if_worthwhile(
        self, situation: Situation, pending: Tensor, turn: int, alone: str
    ) -> Score:
        """Return a score that seeks one objective, or all if the first rows promise little."""
        aims = situation.aims
        thresholds = aims.thresholds_but(alone)
        one = self._single(situation, pending, _utility(situation, turn), thresholds)
        chosen: list[Score] = []

        def within(X: Tensor) -> Tensor:
            return torch.where(aims.within_computed_thresholds(X), one(X), -torch.inf)

        def scores(X: Tensor) -> Tensor:
            if chosen:
                return chosen[0](X)
            found = within(X)
            if len(found) and float(found.max()) >= _WORTHWHILE:
                chosen.append(within)
                return found
            if self._vain is None or self._vain[0] is not situation:
                self._vain = situation, set()
            self._vain[1].add(turn)
            chosen.append(self._hypervolume(situation, pending))
            return chosen[0](X)

        return scores

    def _weighs_volume(self, situation: Situation) -> bool:
        m = situation.aims.n_utilities
        if m <= MOST_WEIGHED:
            return True
        if m > _MOST_IF_SMALL or not situation.surrogate.processes:
            return False
        return self._mean_front(situation) <= _SMALL_FRONT

    def _why_no_volume(self, situation: Situation) -> str:
        """Return what several objectives are weighed by in place of a hypervolume, and why."""
        m = situation.aims.n_utilities
        if self._weighs_volume(situation):
            return ""
        why = f"more than {_MOST_IF_SMALL}"
        if m <= _MOST_IF_SMALL:
            why = "models that are no independent Gaussian processes"
            if situation.surrogate.processes:
                size = self._mean_front(situation)
                why = f"fronts of {size:.3g} points in the mean, more than {_SMALL_FRONT}"
        return f"{m} objectives, {why}: random trade-offs (NParEGO) instead of hypervolume"

    def _mean_front(self, situation: Situation) -> float:
        """Return how many made points lie on the front of a sample, in the mean."""
        if self._front_size is None or self._front_size[0] is not situation:
            outlook = self._outlook_after(situation, situation.baseline[:0])
            front = non_dominated(outlook.utilities, outlook.is_valid)
            self._front_size = situation, float(front.sum()) / len(front)
        return self._front_size[1]

    def _refuse_risk(self) -> None:
        if self._risk:
            raise ValueError("luck can be discounted with Gaussian processes only")

    def _outlook_after(self, situation: Situation, pending: Tensor) -> Outlook:
        outlook = self._outlook
        if outlook is None or outlook.situation is not situation or not outlook.reaches(pending):
            outlook = self._outlook = Outlook(situation, pending, self._n_samples)
            self._fronts = None
        return outlook

    def _single(
        self,
        situation: Situation,
        pending: Tensor,
        utility: Callable[[Tensor], Tensor],
        thresholds: list[Shortfall],
    ) -> Score:
        aims = situation.aims
        if not situation.surrogate.processes:
            self._refuse_risk()
            conditions = [*aims.specifications(), *thresholds]
            return single_score(situation, pending, utility, conditions, n_samples=self._n_samples)
        outlook = self._outlook_after(situation, pending)
        valid = outlook.is_valid
        for threshold in thresholds:
            valid &= threshold(outlook.values) <= 0
        known = utility(outlook.utilities)
        best = torch.where(valid, known, lowest(known)).amax(dim=1)

        def gain(samples: Tensor, X: Tensor) -> Tensor:
            gains = best_gain(best, utility(aims.utilities(samples, X)))
            for threshold in thresholds:
                gains = gains * kept(threshold(samples))
            return gains

        return outlook.score(gain, self._risk)

    def _hypervolume(self, situation: Situation, pending: Tensor) -> Score:
        if situation.reference is None:
            raise ValueError("a hypervolume needs a reference point")
        if not situation.surrogate.processes:
            self._refuse_risk()
            return hypervolume_score(
                situation, pending, situation.reference, n_samples=self._n_samples
            )
        outlook = self._outlook_after(situation, pending)
        fronts = self._fronts_of(outlook, situation.reference)
        aims = situation.aims

        def gain(samples: Tensor, X: Tensor) -> Tensor:
            return fronts.gains(aims.utilities(samples, X))

        return outlook.score(gain, self._risk)

    def _fronts_of(self, outlook: Outlook, reference: tuple[float, ...]) -> Fronts:
        """Return the fronts of an outlook; rows that joined since the last time join them."""
        Y, valid = outlook.utilities, outlook.is_valid
        if self._fronts is None:
            n, fronts = Y.shape[1], Fronts(torch.tensor(reference, dtype=Y.dtype), Y, valid)
        else:
            n, fronts = self._fronts
        for place in range(n, Y.shape[1]):
            fronts.join(Y[:, place], valid[:, place])
        self._fronts = Y.shape[1], fronts
        return fronts


def _alone(situation: Situation, turn: int) -> str | None:
    """Return the objective that a pick seeks for itself, None where it weighs all."""
    names = [one.name for one in situation.aims.campaign.measured_objectives]
    place = situation.first + turn
    if not 1 < situation.aims.n_utilities <= MOST_WEIGHED or not names or place % 2:
        return None
    if not situation.aims.computed_scales:
        return None
    return names[place // 2 % len(names)]


def _utility(situation: Situation, turn: int) -> Callable[[Tensor], Tensor]:
    """Return the objective sought alone, or a random augmented Chebyshev scalarisation."""
    aims = situation.aims
    names = aims.utility_names
    sought = names[0] if len(names) == 1 else _alone(situation, turn)
    if sought is not None:
        place = names.index(sought)
        return lambda Y: Y[..., place]
    X = situation.baseline
    means = situation.surrogate.model.posterior(X).mean.detach()
    made = aims.utilities(means, X)
    seed = situation.seed + situation.first + turn
    weights = sample_simplex(made.shape[-1], n=1, seed=seed, dtype=made.dtype)[0]
    scalarise = get_chebyshev_scalarization(weights, made)
    return lambda Y: scalarise(Y, None)

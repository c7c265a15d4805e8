"""What predictions were worth: each was stored before its experiment, and is held against it.

Pure: views come in, views go out. A prediction is the planner's normal distribution of the
noise-free value; to it comes the standard error of the measurement, where that is known.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.service.intervals import (
    LEVELS,
    Pull,
    Share,
    calibration_curve,
    miscalibration_area,
    share_inside,
    spearman,
)
from orchestrator.service.proposals import ProposalView
from orchestrator.service.views import CampaignView, ExperimentView

__all__ = [
    "LEAST_PAIRS",
    "MethodStretch",
    "ModelView",
    "PredictedPair",
    "WindowView",
    "method_stretches",
    "model_view",
    "predicted_pairs",
    "window_size",
]

LEAST_PAIRS: Final = 5
"""With fewer predictions nothing is said of them."""
_LEAST_WINDOW: Final = 10
_MOST_WINDOWS: Final = 20


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PredictedPair(_View):
    """What was expected of one experiment, and what it gave."""

    experiment_id: str
    number: int
    ended_h: float
    """Hours since the opening when its result was there."""
    mean: float
    model_sd: float
    """Of the noise-free value, as the planner said."""
    sd: float
    """Of the measured value: the planner's and the measurement's standard errors together."""
    value: float

    @property
    def pull(self) -> Pull:
        """The bare numbers."""
        return Pull(self.mean, self.sd, self.value)


class WindowView(_View):
    """How good some predictions were that came one after the other."""

    first: str
    """Experiment of the first of them."""
    last: str
    n: int
    rmse: float
    """Root mean square error, in the value's unit."""
    mae: float
    """Mean absolute error, in the value's unit."""
    rank_correlation: float | None
    """Spearman's, of predicted and measured; None where it says nothing."""
    mean_z: float
    """Mean of the standardised differences: away from 0, the model leans to one side."""
    shares: tuple[Share, ...]
    """Inside the central intervals of 50, 80 and 95 %."""


class ModelView(_View):
    """What is known of the predictions of one measured value."""

    name: str
    n: int
    pairs: tuple[PredictedPair, ...]
    """In the order in which the results came."""
    whole: WindowView | None
    """Over all of them; None below five."""
    windows: tuple[WindowView, ...]
    """One after the other, the last one may be shorter; nothing below five."""
    calibration: tuple[tuple[float, float], ...]
    """Share that should lie inside, and share that did; nothing below five."""
    miscalibration: float | None
    """Area between the curve and the diagonal, 0 to 0.5."""


class MethodStretch(_View):
    """Proposals one after the other that were made in the same way."""

    planner: str
    method: str
    first: int
    """Number of the first proposal."""
    last: int
    n_candidates: int
    n_told: int
    """Candidates of which the model said whether it had to guess there."""
    n_out_of_distribution: int
    n_observations: int
    """How many it knew at the first one."""
    reason: str
    """Of the first one, where it changed."""

    @property
    def far_share(self) -> float | None:
        """How many of the candidates were guesses, 0 to 1; None where no model said."""
        return self.n_out_of_distribution / self.n_told if self.n_told else None


def predicted_pairs(experiments: Iterable[ExperimentView], name: str) -> list[PredictedPair]:
    """Return what was expected of a value and what was measured, in the order of the results.

    Args:
        experiments: Any; those without a prediction, without the value, retracted ones and
            reference samples are passed over, and so are predictions of no uncertainty at all.
        name: Of a measured objective or outcome.
    """
    pairs = []
    for one in experiments:
        if name not in one.predicted or name not in one.values or not one.is_evidence:
            continue
        model_sd = one.predicted_sds.get(name, 0.0)
        sd = math.hypot(model_sd, one.sds.get(name, 0.0))
        if sd == 0.0 or one.ended_h is None:
            continue
        pairs.append(
            PredictedPair(
                experiment_id=one.experiment_id,
                number=one.number,
                ended_h=one.ended_h,
                mean=one.predicted[name],
                model_sd=model_sd,
                sd=sd,
                value=one.values[name],
            )
        )
    return sorted(pairs, key=lambda pair: (pair.ended_h, pair.number))


def window_size(n: int) -> int:
    """Return how many predictions one window takes: at least ten, and at most twenty windows.

    Example:
        >>> window_size(30), window_size(2000)
        (10, 100)
    """
    return max(_LEAST_WINDOW, math.ceil(n / _MOST_WINDOWS))


def model_view(view: CampaignView, name: str) -> ModelView:
    """Return what is known of the predictions of one measured value.

    Args:
        view: The campaign, with the experiments that are to be looked at.
        name: Of the value.
    """
    pairs = predicted_pairs(view.experiments, name)
    if len(pairs) < LEAST_PAIRS:
        return ModelView(
            name=name,
            n=len(pairs),
            pairs=tuple(pairs),
            whole=None,
            windows=(),
            calibration=(),
            miscalibration=None,
        )
    size = window_size(len(pairs))
    curve = calibration_curve([pair.pull for pair in pairs])
    return ModelView(
        name=name,
        n=len(pairs),
        pairs=tuple(pairs),
        whole=_window(pairs),
        windows=tuple(_window(pairs[i : i + size]) for i in range(0, len(pairs), size)),
        calibration=curve,
        miscalibration=miscalibration_area(curve),
    )


def _window(pairs: Sequence[PredictedPair]) -> WindowView:
    errors = [pair.value - pair.mean for pair in pairs]
    pulls = [pair.pull for pair in pairs]
    return WindowView(
        first=pairs[0].experiment_id,
        last=pairs[-1].experiment_id,
        n=len(pairs),
        rmse=math.sqrt(sum(error * error for error in errors) / len(errors)),
        mae=sum(map(abs, errors)) / len(errors),
        rank_correlation=spearman([pair.mean for pair in pairs], [pair.value for pair in pairs]),
        mean_z=sum(pull.z for pull in pulls) / len(pulls),
        shares=tuple(share_inside(pulls, level) for level in LEVELS),
    )


def method_stretches(proposals: Sequence[ProposalView]) -> tuple[MethodStretch, ...]:
    """Return which planner proposed by which method, as long as neither changed.

    Args:
        proposals: In order of their numbers.
    """
    stretches: list[list[ProposalView]] = []
    for one in proposals:
        before = stretches[-1][-1] if stretches else None
        if before is not None and (before.planner, before.method) == (one.planner, one.method):
            stretches[-1].append(one)
        else:
            stretches.append([one])
    return tuple(_stretch(several) for several in stretches)


def _stretch(proposals: Sequence[ProposalView]) -> MethodStretch:
    first = proposals[0]
    return MethodStretch(
        planner=first.planner,
        method=first.method,
        first=first.proposal,
        last=proposals[-1].proposal,
        n_candidates=sum(one.n_candidates for one in proposals),
        n_told=sum(one.n_told for one in proposals),
        n_out_of_distribution=sum(one.n_out_of_distribution for one in proposals),
        n_observations=first.n_observations,
        reason=first.reason,
    )

"""How likely candidates keep the specifications, said where it is unlikely."""

from collections.abc import Iterator, Sequence
from statistics import NormalDist

from campaigns.objectives import Objective, Outcome
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Candidate, Prediction

__all__ = ["unlikely_specifications"]

_LIKELY = 0.5


def unlikely_specifications(
    campaign: CampaignSpec, candidates: Sequence[Candidate]
) -> Iterator[str]:
    """Yield which specification a pick will more likely break than keep, by the models.

    Specifications are those of measured outcomes and, where objectives are traded, their
    thresholds.

    Args:
        campaign: Says what is specified.
        candidates: With predictions of the noise-free values.
    """
    limited: tuple[Objective | Outcome, ...] = campaign.measured_outcomes
    if campaign.is_traded:
        limited = (*limited, *campaign.measured_objectives)
    for turn, candidate in enumerate(candidates, start=1):
        for one in limited:
            prediction = candidate.predictions.get(one.name)
            if prediction is None:
                continue
            chance = _chance_within(prediction, one)
            if chance < _LIKELY:
                what = f"the specification of {one.name}"
                yield f"pick {turn} keeps {what} with probability {chance:.2f}"


def _chance_within(prediction: Prediction, one: Objective | Outcome) -> float:
    low, high = one.limits
    belief = NormalDist(prediction.mean, max(prediction.sd, 1e-300))
    below = 0.0 if low is None else belief.cdf(float(low))
    above = 0.0 if high is None else 1.0 - belief.cdf(float(high))
    return max(0.0, 1.0 - below - above)

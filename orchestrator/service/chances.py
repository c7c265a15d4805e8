"""How likely a prediction keeps what is wanted: specifications, thresholds, targets; pure."""

from collections.abc import Mapping
from statistics import NormalDist

from pydantic import BaseModel, ConfigDict

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Prediction
from orchestrator.service.labels import label_from_name, number_text

__all__ = ["ChanceView", "chance_better", "chance_views", "chance_within"]


class ChanceView(BaseModel):
    """How likely one limit is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    kind: str
    """``specification``, ``threshold`` or ``target``."""
    wanted: str
    """The limits, for a person: ``at least 0.5``."""
    chance: float
    """0 to 1, by the planner's normal distribution of the noise-free value."""


def chance_within(expected: Prediction, low: float | None, high: float | None) -> float:
    """Return how likely a value lies between two ends, inclusive.

    Args:
        expected: What a model expects; sd 0 means that the mean is exact.
        low: None where there is no lower end.
        high: None where there is no upper end.

    Example:
        >>> round(chance_within(Prediction(mean=1.0, sd=0.5), None, 1.5), 3)
        0.841
        >>> chance_within(Prediction(mean=1.0, sd=0.0), 1.0, None)
        1.0
    """
    if expected.sd == 0.0:
        mean = expected.mean
        return float((low is None or mean >= low) and (high is None or mean <= high))
    normal = NormalDist(expected.mean, expected.sd)
    below = 1.0 if high is None else normal.cdf(high)
    return max(0.0, below - (0.0 if low is None else normal.cdf(low)))


def chance_better(
    expected: Prediction, best: float, *, direction: str, target: float | None
) -> float:
    """Return how likely a value is better than the best one.

    Args:
        expected: What a model expects.
        best: In the same unit.
        direction: ``maximise``, ``minimise`` or ``match``.
        target: What is to be matched, if anything is.
    """
    if target is not None:
        deviation = abs(best - target)
        if expected.sd == 0.0:
            return float(abs(expected.mean - target) < deviation)
        return chance_within(expected, target - deviation, target + deviation)
    if expected.sd == 0.0:
        is_more = expected.mean > best
        is_less = expected.mean < best
        return float(is_more if direction == "maximise" else is_less)
    if direction == "maximise":
        return chance_within(expected, best, None)
    return chance_within(expected, None, best)


def chance_views(
    spec: CampaignSpec, predictions: Mapping[str, Prediction]
) -> tuple[ChanceView, ...]:
    """Return how likely each specification, threshold and target of a campaign is kept.

    Args:
        spec: The campaign.
        predictions: By objective or outcome; what has none is left out.
    """
    wanted: list[tuple[str, str, float | None, float | None]] = [
        (outcome.name, "specification", *_ends(*outcome.limits)) for outcome in spec.outcomes
    ]
    wanted += [
        (one.name, "threshold", *_ends(*one.limits))
        for one in spec.objectives
        if one.threshold is not None
    ]
    matched = {one.name: one.matched for one in spec.objectives if one.matched is not None}
    for target in spec.stopping.targets:
        if target.within is not None:
            middle, within = matched[target.objective][0], float(target.within)
            wanted.append((target.objective, "target", middle - within, middle + within))
        else:
            ends = _ends(target.at_least, target.at_most)
            wanted.append((target.objective, "target", *ends))
    return tuple(
        ChanceView(
            name=name,
            kind=kind,
            wanted=_limits_text(name, low, high),
            chance=chance_within(predictions[name], low, high),
        )
        for name, kind, low, high in wanted
        if name in predictions and not (low is None and high is None)
    )


def _ends(low: object, high: object) -> tuple[float | None, float | None]:
    return (
        None if low is None else float(str(low)),
        None if high is None else float(str(high)),
    )


def _limits_text(name: str, low: float | None, high: float | None) -> str:
    _, _, unit = label_from_name(name).partition(" (")
    end = f" {unit.removesuffix(')')}" if unit else ""
    if low is not None and high is not None:
        return f"{number_text(low)} to {number_text(high)}{end}"
    word, value = ("at most", high) if low is None else ("at least", low)
    return f"{word} {number_text(value)}{end}"

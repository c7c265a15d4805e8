"""Which made point is the best by the model: under noise not the one with the luckiest reading."""

from collections.abc import Mapping, Sequence

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point, Prediction
from orchestrator.optimise.surrogate import Surrogate

__all__ = ["best_by_model"]


def best_by_model(
    campaign: CampaignSpec, surrogate: Surrogate, observations: Sequence[Observation]
) -> str:
    """Say which made point a model expects most of, beside the best reading.

    Returns:
        Nothing but with one objective that is measured with evident noise, and if the model expects
        of no made point that it meets the specifications.
    """
    objective, *others = campaign.objectives
    columns = {column.name: column for column in surrogate.columns}
    column = columns.get(objective.name)
    if others or objective.direction == "match" or column is None or not column.noise.is_evident:
        return ""
    rows = [one for one in observations if objective.name in one.values]
    expected = surrogate.predictions(column.X)
    pairs = zip(rows, expected, strict=True)
    kept = [
        (one, means)
        for one, means in pairs
        if not one.is_failed and _meets_specifications(campaign, means)
    ]
    if not kept:
        return ""
    best, means = max(kept, key=lambda pair: objective.sign * pair[1][objective.name].mean)
    reading = max(objective.sign * one.values[objective.name] for one, _ in kept)
    mean, sd = means[objective.name].mean, means[objective.name].sd
    return (
        f"by the model the best made point is {_in_words(best.point)} with {objective.name} "
        f"{mean:.4g} ± {sd:.2g}; the best reading is {objective.sign * reading:.4g}"
    )


def _meets_specifications(campaign: CampaignSpec, expected: Mapping[str, Prediction]) -> bool:
    for outcome in campaign.outcomes:
        found = expected.get(outcome.name)
        low, high = outcome.limits
        if found is None:
            continue
        if (low is not None and found.mean < low) or (high is not None and found.mean > high):
            return False
    return True


def _in_words(point: Point) -> str:
    shown = {name: v if isinstance(v, str) else f"{v:.4g}" for name, v in point.items() if v != 0}
    return ", ".join(f"{name} = {value}" for name, value in shown.items())

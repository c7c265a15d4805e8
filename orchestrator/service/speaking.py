"""What speaks for a candidate, in words: from recorded facts alone, no model is asked again.

Only what had ended when it was proposed counts, so that what is said of an old candidate stays.
"""

from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Final, NamedTuple

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point, Prediction
from orchestrator.service.chances import chance_better
from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.plots import objective_value
from orchestrator.service.views import ExperimentView, ObjectiveView

__all__ = ["Known", "NearestMade", "nearest_made", "what_speaks"]

_HARDLY: Final = 0.5
"""An uncertainty above this share of the spread of all results is hardly any knowledge."""
_WELL: Final = 0.1
_SAME: Final = 1e-3
"""Of the composition: what a balance reads back is never exactly what was asked."""


class Known(NamedTuple):
    """What was known when a candidate was proposed."""

    objectives: Sequence[ObjectiveView]
    made: Sequence[ExperimentView]
    """Experiments that had given a result and count."""

    def best(self, objective: ObjectiveView) -> tuple[float, str] | None:
        """Return the best value among those that keep the specifications, and its experiment."""
        found = [
            (value, one.experiment_id)
            for one in self.made
            if one.meets_outcomes and (value := objective_value(one, objective.name)) is not None
        ]
        if not found:
            return None
        sign = -1 if objective.is_less_better else 1
        return max(found, key=lambda pair: sign * objective.judged(pair[0]))


class NearestMade(NamedTuple):
    """The sample that is most like a candidate."""

    experiment_id: str
    exchanged: float | None
    """Share of the composition that differs, 0 to 1; None without a composition."""
    differences: tuple[str, ...]
    """Parameters that differ, in words."""

    @property
    def is_same(self) -> bool:
        """Whether nothing differs that was asked for."""
        return not self.differences and (self.exchanged is None or self.exchanged < _SAME)


def nearest_made(
    spec: CampaignSpec, point: Point, made: Sequence[ExperimentView]
) -> NearestMade | None:
    """Return the sample that is nearest to a point; None if nothing was made.

    The distance is the share of the composition that differs, plus for each parameter the
    difference as a share of its range (1 between categories).

    Args:
        spec: The campaign, for names and ranges.
        point: The candidate's.
        made: Samples with the composition as made.
    """
    scales = {
        one.name: max(float(one.levels[-1]) - float(one.levels[0]), 1e-300)
        for one in spec.space.parameters
        if one.kind != "categorical"
    }
    components = spec.space.components

    def distance(one: ExperimentView) -> float:
        other = one.made or one.asked
        total = _exchanged(components, point, other)
        for parameter in spec.space.parameters:
            name = parameter.name
            if name in scales:
                total += abs(float(point[name]) - float(other[name])) / scales[name]
            else:
                total += point[name] != other[name]
        return total

    nearest = min(made, key=distance, default=None)
    if nearest is None:
        return None
    other = nearest.made or nearest.asked
    return NearestMade(
        experiment_id=nearest.experiment_id,
        exchanged=_exchanged(components, point, other) if components else None,
        differences=tuple(
            f"{label_from_name(name)} {_shown(other[name])} instead of {_shown(point[name])}"
            for name in (parameter.name for parameter in spec.space.parameters)
            if point[name] != other[name]
        ),
    )


def _exchanged(components: Sequence[str], point: Point, other: Point) -> float:
    return sum(abs(float(point[name]) - float(other[name])) for name in components) / 2


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else number_text(value)


def what_speaks(
    spec: CampaignSpec,
    point: Point,
    predictions: Mapping[str, Prediction],
    known: Known,
    *,
    is_out_of_distribution: bool | None,
    person: str = "",
) -> tuple[str, ...]:
    """Return what speaks for a candidate, one sentence each.

    Args:
        spec: The campaign.
        point: The candidate's.
        predictions: What the planner stored with it.
        known: What had been made when it was proposed.
        is_out_of_distribution: As the planner said.
        person: Who chose the point or changed it; empty if the planner did.
    """
    said = []
    measured = {name for name, expected in predictions.items() if expected.sd > 0.0}
    if not measured:
        said.append(_unpredicted(predictions, person))
    said += [
        sentence
        for objective in known.objectives
        if objective.name in predictions
        for sentence in _improvement(objective, predictions[objective.name], known)
    ]
    said += _on_front(predictions, known)
    said += [
        sentence for name in sorted(measured) for sentence in _doubt(name, predictions[name], known)
    ]
    if is_out_of_distribution:
        said.append("It is far from everything that was made: the model had to guess there.")
    return (*said, _nearness(nearest_made(spec, point, known.made)))


def _unpredicted(predictions: Mapping[str, Prediction], person: str) -> str:
    if predictions:
        return "Only exact values are known of it: no model predicted what is measured."
    if person:
        return f"{person} chose it: no prediction is stored for this point."
    return "No model had a say: it was chosen to spread over the space."


def _improvement(objective: ObjectiveView, expected: Prediction, known: Known) -> list[str]:
    label, best = label_from_name(objective.name), known.best(objective)
    mean = number_text(expected.mean)
    if best is None:
        return [f"{label}: {mean} is expected; nothing was there to compare it with."]
    value, experiment_id = best
    chance = chance_better(expected, value, direction=objective.direction, target=objective.target)
    before = f"the best before it was {number_text(value)} ({experiment_id})"
    if expected.sd == 0.0:
        word = "better" if chance else "no better"
        return [f"{label}: exactly {mean}, {word}; {before}."]
    return [
        f"{label}: {mean} ± {number_text(expected.sd, 2)} is expected, {before}: "
        f"better with a chance of {_percent(chance)}."
    ]


def _on_front(predictions: Mapping[str, Prediction], known: Known) -> list[str]:
    """Say whether what is expected would be a new trade-off; only with several objectives."""
    objectives = known.objectives
    if len(objectives) < 2 or any(one.name not in predictions for one in objectives):
        return []
    expected = [_judged(one, predictions[one.name].mean) for one in objectives]
    rows = []
    for experiment in known.made:
        values = [objective_value(experiment, one.name) for one in objectives]
        if experiment.meets_outcomes and all(value is not None for value in values):
            pairs = zip(objectives, values, strict=True)
            rows.append([_judged(one, value) for one, value in pairs if value is not None])
    if not rows:
        return []
    ahead = sum(all(a >= b for a, b in zip(row, expected, strict=True)) for row in rows)
    beaten = sum(all(b >= a for a, b in zip(row, expected, strict=True)) for row in rows)
    if ahead:
        return [
            f"As expected it is no new trade-off: {ahead} of {len(rows)} results before it were at "
            "least as good in every objective. What is not known there speaks for it."
        ]
    behind = f", and it beats {beaten} of them in all" if beaten else ""
    return [
        f"As expected it is a new trade-off: none of {len(rows)} results before it was as good in "
        f"every objective{behind}."
    ]


def _judged(objective: ObjectiveView, value: float) -> float:
    """Return what is judged such that more is better."""
    judged = objective.judged(value)
    return -judged if objective.is_less_better else judged


def _doubt(name: str, expected: Prediction, known: Known) -> list[str]:
    values = [one.values[name] for one in known.made if name in one.values]
    spread = stdev(values) if len(values) > 1 else 0.0
    if spread == 0.0:
        return []
    share = expected.sd / spread
    label = label_from_name(name)
    if share > _HARDLY:
        word = "is hardly known there: much is to be learnt"
    elif share < _WELL:
        word = "is well known there: little is to be learnt"
    else:
        word = "is known roughly there"
    return [f"{label} {word} (± is {_percent(share)} of the spread of all results before it)."]


def _nearness(nearest: NearestMade | None) -> str:
    if nearest is None:
        return "Nothing had been made before it."
    if nearest.is_same:
        return f"It repeats {nearest.experiment_id}: the same was made before."
    parts = list(nearest.differences)
    if nearest.exchanged is not None and nearest.exchanged >= _SAME:
        parts.insert(0, f"{_percent(nearest.exchanged)} of the composition is exchanged")
    return f"The nearest sample made before it is {nearest.experiment_id}: {', '.join(parts)}."


def _percent(share: float) -> str:
    if 0.0 < share < 0.01:
        return "less than 1 %"
    if 0.99 < share < 1.0:
        return "more than 99 %"
    return f"{share:.0%}".replace("%", " %")

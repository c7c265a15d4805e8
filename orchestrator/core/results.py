"""What observations say about the objectives: values in order, specifications met, rules met."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from statistics import NormalDist
from typing import Literal, TypeAlias

from campaigns.objectives import Objective, Outcome
from campaigns.spec import CampaignSpec
from campaigns.stopping import Target
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import ObservationRecorded
from orchestrator.core.front import Direction, hypervolume, is_exact
from orchestrator.core.point import Prediction
from orchestrator.core.worth import initial_ranges, worth

__all__ = [
    "MetRule",
    "best_value",
    "chances_of",
    "directions",
    "judged_values",
    "meets_specifications",
    "met_rule",
    "objective_rows",
    "objective_values",
    "reference_point_of",
    "worth_rows",
]

MetRule = Literal["max_experiments", "max_hours", "max_cost_usd", "target", "plateau", "exhausted"]

_Row: TypeAlias = tuple[float, ...]


def directions(spec: CampaignSpec) -> list[Direction]:
    """Return the direction of what each objective is judged by, in the file's order."""
    return ["maximise" if one.direction == "maximise" else "minimise" for one in spec.objectives]


def judged_values(spec: CampaignSpec, values: Sequence[float]) -> list[float]:
    """Return what objective values are judged by: themselves, or deviations from a target."""
    return [one.judged(value) for one, value in zip(spec.objectives, values, strict=True)]


def objective_values(spec: CampaignSpec, record: ObservationRecorded) -> list[float] | None:
    """Return one observation's value of each objective, in the file's order and units.

    Returns:
        None if one of them was not measured.
    """
    known = {**record.observation.values, **record.computed}
    names = [objective.name for objective in spec.objectives]
    return [known[name] for name in names] if all(name in known for name in names) else None


def meets_specifications(spec: CampaignSpec, record: ObservationRecorded) -> bool:
    """Tell whether every outcome specification is met; one that was not measured is not.

    Where objectives are traded, the threshold of each is a specification too.
    """
    known = {**record.observation.values, **record.computed}
    limited: tuple[Objective | Outcome, ...] = spec.outcomes
    if spec.is_traded:
        limited = (*limited, *(one for one in spec.objectives if one.threshold is not None))
    return all(one.name in known and _is_within(one, known[one.name]) for one in limited)


def chances_of(spec: CampaignSpec, predictions: Mapping[str, Prediction]) -> dict[str, float]:
    """Return how likely each specification is met by what a model expects.

    Args:
        spec: The campaign.
        predictions: By objective and outcome, normally distributed.

    Returns:
        By outcome that has a prediction, 0 to 1.
    """
    found: dict[str, float] = {}
    for outcome in spec.outcomes:
        expected = predictions.get(outcome.name)
        if expected is None:
            continue
        if expected.sd == 0:
            found[outcome.name] = float(_is_within(outcome, expected.mean))
            continue
        normal = NormalDist(expected.mean, expected.sd)
        least, most = outcome.limits
        below = 1.0 if most is None else normal.cdf(float(most))
        found[outcome.name] = below - (0.0 if least is None else normal.cdf(float(least)))
    return found


def _is_within(one: Objective | Outcome, value: float) -> bool:
    least, most = one.limits
    return (least is None or value >= float(least)) and (most is None or value <= float(most))


def objective_rows(
    spec: CampaignSpec, records: Iterable[ObservationRecorded]
) -> list[tuple[str, list[float]]]:
    """Return experiment id and objective values of every observation that counts.

    An observation counts if each objective was measured and each specification is met.
    """
    rows = []
    for record in records:
        values = objective_values(spec, record)
        if values is not None and meets_specifications(spec, record):
            rows.append((record.experiment_id, values))
    return rows


def reference_point_of(state: CampaignState) -> Mapping[str, float] | None:
    """Return the frozen reference point, or the thresholds where every objective has one.

    The largest deviation of interest stands for an objective that is to match a target.
    """
    if state.reference_point is not None:
        return state.reference_point
    thresholds = {
        objective.name: float(objective.threshold)
        for objective in state.spec.objectives
        if objective.threshold is not None
    }
    return thresholds if len(thresholds) == len(state.spec.objectives) else None


def best_value(objective: Objective, values: Sequence[float]) -> float:
    """Return the best of at least one value: the one nearest to the target, if there is one."""
    if objective.target is not None:
        target = float(objective.target)
        return min(values, key=lambda value: abs(value - target))
    return max(values) if objective.direction == "maximise" else min(values)


def worth_rows(
    state: CampaignState, rows: Sequence[tuple[str, Sequence[float]]]
) -> list[tuple[str, float]] | None:
    """Return what each observation that counts is worth, by experiment id; more is better.

    Args:
        state: The campaign.
        rows: Experiment id and objective values of the observations that count.

    Returns:
        None where objectives are not traded, or nothing can be said yet.
    """
    if not state.spec.is_traded:
        return None
    known: dict[str, list[float]] = {one.name: [] for one in state.spec.objectives}
    for record in state.observations:
        if not record.observation.is_failed:
            values = {**record.observation.values, **record.computed}
            for name in known.keys() & values.keys():
                known[name].append(values[name])
    ranges = initial_ranges(state.spec, known)
    if ranges is None:
        return None
    return [(name, worth(state.spec, values, ranges)) for name, values in rows]


def met_rule(state: CampaignState, now: datetime) -> tuple[MetRule, str] | None:
    """Return the first stopping rule that is met, with the reason in words.

    Args:
        state: The campaign.
        now: The present time, for hours and money.
    """
    rules = state.spec.stopping
    if rules.max_experiments is not None and state.n_searched >= rules.max_experiments:
        return "max_experiments", f"{state.n_searched} experiments were made"
    hours = state.hours(now)
    if rules.max_hours is not None and hours >= float(rules.max_hours):
        return "max_hours", f"{hours:.1f} h have passed"
    cost_usd = state.cost_usd(now)
    if rules.max_cost_usd is not None and cost_usd >= float(rules.max_cost_usd):
        return "max_cost_usd", f"{cost_usd:.2f} USD are spent"
    return _met_target(state) or _met_plateau(state) or _met_exhaustion(state)


def _met_exhaustion(state: CampaignState) -> tuple[MetRule, str] | None:
    if state.is_exhausted and not state.queue:
        return "exhausted", "no feasible point is left that was not made"
    return None


def _met_target(state: CampaignState) -> tuple[MetRule, str] | None:
    targets = state.spec.stopping.targets
    if not targets:
        return None
    for record in state.observations:
        known = {**record.observation.values, **record.computed}
        if not meets_specifications(state.spec, record):
            continue
        if all(
            target.objective in known and _is_reached(state.spec, target, known[target.objective])
            for target in targets
        ):
            return "target", f"experiment {record.experiment_id} reached the target"
    return None


def _is_reached(spec: CampaignSpec, target: Target, value: float) -> bool:
    if target.within is not None:
        (objective,) = [one for one in spec.objectives if one.name == target.objective]
        deviation = objective.deviation(value)
        return deviation is not None and deviation <= float(target.within)
    if target.at_least is not None:
        return value >= float(target.at_least)
    return target.at_most is not None and value <= float(target.at_most)


def _met_plateau(state: CampaignState) -> tuple[MetRule, str] | None:
    plateau = state.spec.stopping.plateau
    if plateau is None or len(state.observations) <= plateau.n_experiments:
        return None
    rows = objective_rows(state.spec, state.observations)
    recent = {record.experiment_id for record in state.observations[-plateau.n_experiments :]}
    earlier = [row for row in rows if row[0] not in recent]
    if not earlier:
        return None
    gain = _relative_gain(state, earlier, rows)
    if gain is None or gain > float(plateau.min_gain):
        return None
    n = plateau.n_experiments
    return "plateau", f"the last {n} experiments gained {gain:.2%}"


def _relative_gain(
    state: CampaignState,
    earlier: Sequence[tuple[str, Sequence[float]]],
    everything: Sequence[tuple[str, Sequence[float]]],
) -> float | None:
    spec = state.spec
    if spec.is_traded:
        worths = worth_rows(state, everything)
        if worths is None:
            return None
        names = {name for name, _ in earlier}
        known = max(each for name, each in worths if name in names)
        return _growth(known, max(each for _, each in worths))
    ways = directions(spec)
    before = [tuple(judged_values(spec, values)) for _, values in earlier]
    after = [tuple(judged_values(spec, values)) for _, values in everything]
    if len(ways) == 1:
        better = max if ways[0] == "maximise" else min
        return _growth(better(before)[0], better(after)[0])
    reference_point = reference_point_of(state)
    if reference_point is None:
        return None
    reference = tuple(reference_point[objective.name] for objective in spec.objectives)
    exact = is_exact(len(after), len(ways))
    volume = _volume(tuple(before), tuple(ways), reference, exact)
    if volume <= 0.0:
        return None
    return _volume(tuple(after), tuple(ways), reference, exact) / volume - 1.0


def _growth(before: float, after: float) -> float:
    return abs(after - before) / max(abs(before), 1e-300)


@lru_cache(maxsize=64)
def _volume(
    rows: tuple[_Row, ...], ways: tuple[Direction, ...], reference: _Row, exact: bool
) -> float:
    """Return a hypervolume, reckoned once: a decision is taken far more often than observed."""
    return hypervolume(rows, ways, reference, exact=exact)

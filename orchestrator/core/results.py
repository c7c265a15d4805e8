"""What observations say about the objectives: values in order, specifications met, rules met."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from campaigns.spec import CampaignSpec
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import ObservationRecorded
from orchestrator.core.front import Direction, hypervolume

__all__ = [
    "MetRule",
    "best_value",
    "directions",
    "meets_specifications",
    "met_rule",
    "objective_rows",
    "objective_values",
    "reference_point_of",
]

MetRule = Literal["max_experiments", "max_hours", "max_cost_usd", "target", "plateau", "exhausted"]

_BETTER: Final = {"maximise": max, "minimise": min}


def directions(spec: CampaignSpec) -> list[Direction]:
    """Return the direction of each objective, in the file's order."""
    return [objective.direction for objective in spec.objectives]


def objective_values(spec: CampaignSpec, record: ObservationRecorded) -> list[float] | None:
    """Return one observation's value of each objective, in the file's order and units.

    Returns:
        None if one of them was not measured.
    """
    known = {**record.observation.values, **record.computed}
    names = [objective.name for objective in spec.objectives]
    return [known[name] for name in names] if all(name in known for name in names) else None


def meets_specifications(spec: CampaignSpec, record: ObservationRecorded) -> bool:
    """Tell whether every outcome specification is met; one that was not measured is not."""
    known = {**record.observation.values, **record.computed}
    for outcome in spec.outcomes:
        value = known.get(outcome.name)
        if value is None:
            return False
        if outcome.at_least is not None and value < float(outcome.at_least):
            return False
        if outcome.at_most is not None and value > float(outcome.at_most):
            return False
    return True


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
    """Return the frozen reference point, or the thresholds where every objective has one."""
    if state.reference_point is not None:
        return state.reference_point
    thresholds = {
        objective.name: float(objective.threshold)
        for objective in state.spec.objectives
        if objective.threshold is not None
    }
    return thresholds if len(thresholds) == len(state.spec.objectives) else None


def best_value(direction: Direction, values: Sequence[float]) -> float:
    """Return the best of at least one value."""
    return _BETTER[direction](values)


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
            target.objective in known
            and (target.at_most is None or known[target.objective] <= float(target.at_most))
            and (target.at_least is None or known[target.objective] >= float(target.at_least))
            for target in targets
        ):
            return "target", f"experiment {record.experiment_id} reached the target"
    return None


def _met_plateau(state: CampaignState) -> tuple[MetRule, str] | None:
    plateau = state.spec.stopping.plateau
    if plateau is None or len(state.observations) <= plateau.n_experiments:
        return None
    rows = objective_rows(state.spec, state.observations)
    recent = {record.experiment_id for record in state.observations[-plateau.n_experiments :]}
    earlier = [values for name, values in rows if name not in recent]
    if not earlier:
        return None
    everything = [values for _, values in rows]
    gain = _relative_gain(state, earlier, everything)
    if gain is None or gain > float(plateau.min_gain):
        return None
    n = plateau.n_experiments
    return "plateau", f"the last {n} experiments gained {gain:.2%}"


def _relative_gain(
    state: CampaignState, earlier: list[list[float]], everything: list[list[float]]
) -> float | None:
    ways = directions(state.spec)
    if len(ways) == 1:
        before = best_value(ways[0], [values[0] for values in earlier])
        after = best_value(ways[0], [values[0] for values in everything])
        return abs(after - before) / max(abs(before), 1e-300)
    reference_point = reference_point_of(state)
    if reference_point is None:
        return None
    reference = [reference_point[objective.name] for objective in state.spec.objectives]
    before = hypervolume(earlier, ways, reference)
    if before <= 0.0:
        return None
    return hypervolume(everything, ways, reference) / before - 1.0

"""A person gives, amends or retracts a result; what was recorded first stays in the log."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from campaigns.errors import UndefinedValue
from campaigns.spec import CampaignSpec
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    Event,
    ObservationAmended,
    ObservationGiven,
    ObservationRecorded,
    ObservationRetracted,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.point import Observation, Point
from orchestrator.errors import RequestRefused
from orchestrator.service.approvals import typed_values
from orchestrator.service.lab import Lab
from orchestrator.service.own_points import refuse_partial_mixture
from orchestrator.service.quantities import quantity_from

__all__ = ["Amended", "amend", "amended_from", "amended_values", "give_result", "retract"]

_SUM_TOLERANCE: Final = 0.02
"""How far from 1 fractions said to be made may sum, as in tables of observations; they are divided
by their sum."""


@dataclass(frozen=True, slots=True)
class Amended:
    """What a person says a measured value is."""

    value: float
    sd: float | None = None
    """Its standard error; None leaves the one that was known."""


def amended_from(text: str) -> tuple[str, Amended]:
    """Read ``name=value`` or ``name=value±sd``, with or without a unit; see `quantity_from`.

    Raises:
        RequestRefused: It is not that, or the unit does not fit the name's.

    Example:
        >>> amended_from("overpotential_v=0.351±0.002")
        ('overpotential_v', Amended(value=0.351, sd=0.002))
        >>> amended_from("overpotential_v=351±2 mV")
        ('overpotential_v', Amended(value=0.351, sd=0.002))
    """
    name, _, rest = (part.strip() for part in text.partition("="))
    if not name or not rest:
        expected = "name=value or name=value±sd, such as overpotential_v=0.351±0.002"
        raise RequestRefused(f"got {text!r}, expected {expected}")
    found = quantity_from(name, rest)
    return name, Amended(found.value, found.sd)


def amended_values(texts: Sequence[str]) -> dict[str, Amended]:
    """Read several values; see `amended_from`.

    Raises:
        RequestRefused: One is no value, or a name stands there twice.
    """
    found: dict[str, Amended] = {}
    for name, value in map(amended_from, texts):
        if name in found:
            raise RequestRefused(f"got {name} twice, expected it once")
        found[name] = value
    return found


def amend(
    lab: Lab,
    experiment_id: str,
    values: Mapping[str, Amended],
    *,
    reason: str,
    campaign_id: str | None = None,
) -> ExperimentState:
    """Correct measured values of an experiment; one that was retracted counts again.

    Args:
        lab: Whose person it is.
        experiment_id: As the log names it.
        values: By measured objective or outcome; all others stay.
        reason: Why.
        campaign_id: Of which campaign; None is the only unfinished one, or the last.

    Returns:
        The experiment after it.

    Raises:
        RequestRefused: There is no such experiment, it runs or gave no observation, a name is not
            measured, a number is not finite, a standard error is negative, or there is no reason.
    """
    _refuse_empty(reason)
    if not values:
        raise RequestRefused("got no value, expected at least one name=value")

    def events_for(state: CampaignState) -> Sequence[Event]:
        record = _observed(state, experiment_id)
        _refuse_wrong(state, values)
        seen = record.observation
        given = {name: one.value for name, one in values.items()}
        sds = {name: one.sd for name, one in values.items() if one.sd is not None}
        observation = Observation(
            point=seen.point, values={**seen.values, **given}, sds={**seen.sds, **sds}
        )
        computed = _computed(state.spec, experiment_id, seen.point)
        amended = ObservationAmended(
            experiment_id=experiment_id, observation=observation, computed=computed, reason=reason
        )
        return (amended,)

    after = lab.decide(lab.state(campaign_id).campaign_id, events_for)
    return _experiment(after, experiment_id)


def give_result(
    lab: Lab,
    experiment_id: str,
    values: Mapping[str, Amended],
    *,
    reason: str,
    made: Mapping[str, float | str] | None = None,
    campaign_id: str | None = None,
) -> ExperimentState:
    """Give the result of an experiment that ended without one; it counts like any other.

    Args:
        lab: Whose person it is.
        experiment_id: As the log names it.
        values: By measured objective or outcome; at least one.
        reason: Why, and how it was measured.
        made: What was really made, numbers also as text: all fractions, and parameters that differ
            from what was asked. None is what the analyses say that succeeded, or else what was
            asked.
        campaign_id: Of which campaign; None is the only unfinished one, or the last.

    Returns:
        The experiment after it; its correction says which composition it stands for.

    Raises:
        RequestRefused: There is no such experiment, it runs, or it has a result; a name is not
            measured, a number is not finite, a standard error is negative, what was made is no
            mixture of this campaign, or there is no reason.
    """
    _refuse_empty(reason)
    if not values:
        raise RequestRefused("got no value, expected at least one name=value")

    def events_for(state: CampaignState) -> Sequence[Event]:
        experiment = _without_result(state, experiment_id)
        _refuse_wrong(state, values)
        point, composition = _made(state.spec, experiment, made)
        observation = Observation(
            point=dict(point),
            values={name: one.value for name, one in values.items()},
            sds={name: one.sd for name, one in values.items() if one.sd is not None},
        )
        given = ObservationGiven(
            experiment_id=experiment_id,
            observation=observation,
            computed=_computed(state.spec, experiment_id, point),
            composition=composition,
            reason=reason,
        )
        return (given,)

    after = lab.decide(lab.state(campaign_id).campaign_id, events_for)
    return _experiment(after, experiment_id)


def retract(
    lab: Lab, experiment_id: str, *, reason: str, campaign_id: str | None = None
) -> ExperimentState:
    """Take an observation back: no model learns from it, no rule counts it.

    Args:
        lab: Whose person it is.
        experiment_id: As the log names it.
        reason: Why.
        campaign_id: Of which campaign; None is the only unfinished one, or the last.

    Returns:
        The experiment after it.

    Raises:
        RequestRefused: There is no such experiment, it runs or gave no observation, it is retracted
            already, or there is no reason.
    """
    _refuse_empty(reason)

    def events_for(state: CampaignState) -> Sequence[Event]:
        _observed(state, experiment_id)
        if _experiment(state, experiment_id).is_retracted:
            raise RequestRefused(f"{experiment_id} is retracted already")
        return (ObservationRetracted(experiment_id=experiment_id, reason=reason),)

    after = lab.decide(lab.state(campaign_id).campaign_id, events_for)
    return _experiment(after, experiment_id)


def _experiment(state: CampaignState, experiment_id: str) -> ExperimentState:
    found = [one for one in state.experiments if one.experiment_id == experiment_id]
    if not found:
        last = state.experiments[-1].experiment_id if state.experiments else "none yet"
        raise RequestRefused(
            f"no experiment {experiment_id!r} in {state.campaign_id}; the last is {last}"
        )
    return found[0]


def _observed(state: CampaignState, experiment_id: str) -> ObservationRecorded:
    experiment = _experiment(state, experiment_id)
    if experiment.is_open:
        raise RequestRefused(f"{experiment_id} is {experiment.status}: wait until it has ended")
    if experiment.observed is None:
        why = f"it failed ({experiment.cause}): {experiment.reason}"
        then = f"if you measured it by hand: athanor result {experiment_id} NAME=VALUE"
        raise RequestRefused(f"{experiment_id} gave no observation: {why}; {then}")
    return experiment.observed


def _without_result(state: CampaignState, experiment_id: str) -> ExperimentState:
    experiment = _experiment(state, experiment_id)
    if experiment.is_open:
        raise RequestRefused(f"{experiment_id} is {experiment.status}: wait until it has ended")
    if experiment.observed is not None:
        was = ", which was retracted" if experiment.is_retracted else ""
        then = f"to correct it: athanor amend {experiment_id} NAME=VALUE"
        raise RequestRefused(f"{experiment_id} has a result{was}; {then}")
    return experiment


def _computed(spec: CampaignSpec, experiment_id: str, point: Point) -> dict[str, float]:
    try:
        return spec.computed_values(point)
    except UndefinedValue as error:
        raise RequestRefused(f"{experiment_id}: at the made point, {error}") from error


def _made(
    spec: CampaignSpec, experiment: ExperimentState, said: Mapping[str, float | str] | None
) -> tuple[Point, Literal["analysed", "asked", "given"]]:
    """Return the point that a result given by hand stands for, and who says so."""
    asked = experiment.candidate.point
    components = spec.space.components
    weighed: dict[str, float | str] = {}
    for one in experiment.analyses:
        if one.quality == "good" and components and set(components) <= one.values.keys():
            weighed = {name: one.values[name] for name in components}
    if said:
        typed = typed_values(spec, said)
        refuse_partial_mixture(spec, "made", typed)
        _refuse_unmade(spec, typed)
        return _whole({**asked, **weighed, **typed}, components), "given"
    if weighed:
        return {**asked, **weighed}, "analysed"
    return asked, "asked"


def _refuse_unmade(spec: CampaignSpec, said: Point) -> None:
    """Refuse what cannot be a sample of this campaign, on the grid or off it."""
    for name, value in said.items():
        if name not in spec.space.names:
            raise RequestRefused(
                f"made: got {name!r}, expected one of {', '.join(spec.space.names)}"
            )
        if name in spec.space.categories:
            levels = [str(level) for level in spec.space.categories[name]]
            if value not in levels:
                raise RequestRefused(f"made: {name}: got {value!r}, expected {' or '.join(levels)}")
        elif isinstance(value, str) or not math.isfinite(value):
            raise RequestRefused(f"made: {name}: got {value!r}, expected a finite number")
        elif name in spec.space.components and not 0 <= value <= 1:
            raise RequestRefused(f"made: {name}: got {value:g}, expected a fraction from 0 to 1")
    given = [float(said[name]) for name in spec.space.components if name in said]
    if given and abs(math.fsum(given) - 1) > _SUM_TOLERANCE:
        raise RequestRefused(
            f"made: got fractions that sum to {math.fsum(given):.10g}, "
            f"expected 1 within {_SUM_TOLERANCE}"
        )


def _whole(point: Point, components: Sequence[str]) -> Point:
    """Return a point whose fractions sum to 1."""
    total = math.fsum(float(point[name]) for name in components)
    if not components or total == 1:
        return point
    return {**point, **{name: float(point[name]) / total for name in components}}


def _refuse_wrong(state: CampaignState, values: Mapping[str, Amended]) -> None:
    names = state.spec.measured_names
    for name, one in values.items():
        if name not in names:
            computed = f"{name} is computed" if name in state.spec.computed else f"got {name!r}"
            raise RequestRefused(f"{computed}, expected one of {', '.join(names)}")
        if not math.isfinite(one.value):
            raise RequestRefused(f"{name}: got {one.value}, expected a finite number")
        if one.sd is not None and not (math.isfinite(one.sd) and one.sd >= 0):
            raise RequestRefused(f"{name}: got a standard error of {one.sd}, expected at least 0")


def _refuse_empty(reason: str) -> None:
    if not reason.strip():
        raise RequestRefused("--reason: got nothing, expected why, in your words")

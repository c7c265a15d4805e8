"""A person amends or retracts what an experiment gave; what was recorded first stays in the log."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaigns.errors import UndefinedValue
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    Event,
    ObservationAmended,
    ObservationRecorded,
    ObservationRetracted,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.point import Observation
from orchestrator.errors import RequestRefused
from orchestrator.service.lab import Lab

__all__ = ["Amended", "amend", "amended_from", "retract"]


@dataclass(frozen=True, slots=True)
class Amended:
    """What a person says a measured value is."""

    value: float
    sd: float | None = None
    """Its standard error; None leaves the one that was known."""


def amended_from(text: str) -> tuple[str, Amended]:
    """Read ``name=value`` or ``name=value±sd``; ``+-`` may stand for the sign.

    Raises:
        RequestRefused: It is not that.

    Example:
        >>> amended_from("overpotential_v=0.351±0.002")
        ('overpotential_v', Amended(value=0.351, sd=0.002))
    """
    name, equals, rest = text.replace("+-", "±").partition("=")
    value, has_sd, sd = rest.partition("±")
    expected = "name=value or name=value±sd, such as overpotential_v=0.351±0.002"
    if not equals or not name.strip():
        raise RequestRefused(f"got {text!r}, expected {expected}")
    try:
        return name.strip(), Amended(float(value), float(sd) if has_sd else None)
    except ValueError as error:
        raise RequestRefused(f"got {text!r}, expected {expected}") from error


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
        try:
            computed = state.spec.computed_values(seen.point)
        except UndefinedValue as error:
            raise RequestRefused(f"{experiment_id}: at the made point, {error}") from error
        amended = ObservationAmended(
            experiment_id=experiment_id, observation=observation, computed=computed, reason=reason
        )
        return (amended,)

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
        raise RequestRefused(f"{experiment_id} gave no observation: {why}")
    return experiment.observed


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

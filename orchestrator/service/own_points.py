"""A person puts a point of their own into a campaign's queue, before what planners proposed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaigns.spec import CampaignSpec
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.candidate_queue import own_id
from orchestrator.core.events import Event, PointAdded
from orchestrator.core.point import Point
from orchestrator.core.results import met_rule
from orchestrator.errors import RequestRefused
from orchestrator.log.event_log import EventLog
from orchestrator.service.approvals import refuse_unmakeable, typed_values
from orchestrator.service.lab import Lab

__all__ = ["OwnPoint", "add_point", "owners", "refuse_partial_mixture"]

_SUBJECT = "the point"


@dataclass(frozen=True, slots=True)
class OwnPoint:
    """A point that a person added."""

    campaign_id: str
    candidate_id: str
    """``P0001``."""
    point: Point
    person: str
    before: tuple[str, ...]
    """Candidates that it is made before."""


def add_point(
    lab: Lab,
    point: Mapping[str, float | str],
    *,
    reason: str,
    campaign_id: str | None = None,
    repeats: bool = False,
) -> OwnPoint:
    """Put a person's own point into the queue, approved by that person.

    It is made before what planners proposed and after what people added earlier, as soon as a seat
    is free, also while a planner is being waited for. It counts as an experiment like any other,
    and the planner is told of it like of any other.

    Args:
        lab: Whose person it is.
        point: A value for every component and parameter; numbers also as text.
        reason: Why.
        campaign_id: Of which campaign; None is the only unfinished one.
        repeats: Whether it is added although it was made, or refused by a person, before.

    Returns:
        What was added.

    Raises:
        RequestRefused: The point is none of the space, breaks a constraint or cannot become jobs;
            it is in the queue or being made; it was made or refused before and `repeats` is not
            set; nothing more is made in the campaign; or there is no reason.
    """
    if not reason.strip():
        raise RequestRefused("--reason: got nothing, expected why, in your words")
    added: list[OwnPoint] = []

    def events_for(state: CampaignState) -> Sequence[Event]:
        _refuse_too_late(state)
        whole = typed_values(state.spec, point)
        refuse_partial_mixture(state.spec, _SUBJECT, whole)
        refuse_unmakeable(state.spec, _SUBJECT, whole)
        whole = {name: whole[name] for name in state.spec.space.names}
        _refuse_present(state, whole)
        if not repeats:
            _refuse_past(state, whole)
        name = own_id(state.n_added + 1)
        behind = tuple(one.candidate_id for one in state.queue if not one.added_by)
        added[:] = [OwnPoint(state.campaign_id, name, whole, lab.actor, behind)]
        return [PointAdded(candidate_id=name, point=whole, person=lab.actor, reason=reason)]

    lab.decide(lab.meant(campaign_id), events_for)
    return added[0]


def owners(log: EventLog, state: CampaignState) -> dict[str, str]:
    """Return whose own point each experiment was that was one, by experiment.

    The log's tables know, but of a point that somebody else changed before it was made; only then
    the ended experiments are looked at.

    Args:
        log: With the campaign.
        state: The campaign as it stands.
    """
    where = {"campaign_id": state.campaign_id, "proposal": 0}
    rows = [row for row in log.projection("candidate", where=where) if row["experiment_id"]]
    if any(row["point"] != row["proposed"] for row in rows):
        return {one.experiment_id: one.added_by for one in state.experiments if one.added_by}
    return {str(row["experiment_id"]): str(row["judged_by"]) for row in rows}


def refuse_partial_mixture(spec: CampaignSpec, subject: str, point: Point) -> None:
    """Refuse a mixture of which fractions are left out: nobody may guess that they are zero.

    Args:
        spec: The campaign.
        subject: What the point is called in messages.
        point: Values by component and parameter.

    Raises:
        RequestRefused: One is left out; the message says what the others sum to.
    """
    components = spec.space.components
    absent = [name for name in components if name not in point]
    given = [point[name] for name in components if name in point]
    numbers = [value for value in given if not isinstance(value, str)]
    if absent and len(absent) < len(components):
        total = math.fsum(numbers)
        zero = " ".join(f"{name}=0" for name in absent)
        raise RequestRefused(
            f"{subject}: a mixture needs all of its fractions: {', '.join(absent)} left out, "
            f"the others sum to {total:.10g}; for none of it say {zero}"
        )


def _refuse_too_late(state: CampaignState) -> None:
    name = state.campaign_id
    if state.status.has_ended:
        raise RequestRefused(f"campaign {name} has ended: nothing more is made in it")
    if state.status in (CampaignStatus.STOPPING, CampaignStatus.ABORTING):
        raise RequestRefused(f"campaign {name} is {state.status}: nothing more is made in it")
    met = met_rule(state, state.last_time)
    if met is not None and met[0] != "exhausted":
        raise RequestRefused(f"campaign {name} ends with what runs: {met[1]}")
    most = state.spec.stopping.max_experiments
    n_own = sum(1 for one in state.queue if one.added_by)
    if most is not None and state.n_searched + n_own >= most:
        raise RequestRefused(
            f"campaign {name} makes at most {most} experiments: {state.n_searched} were started "
            f"and {n_own} points that people added wait"
        )


def _refuse_present(state: CampaignState, point: Point) -> None:
    for queued in state.queue:
        if queued.candidate.point == point:
            raise RequestRefused(f"{_SUBJECT} is in the queue already, as {queued.candidate_id}")
    for experiment in state.open_experiments.values():
        if experiment.purpose == "search" and experiment.candidate.point == point:
            raise RequestRefused(f"{_SUBJECT} is being made already, in {experiment.experiment_id}")


def _refuse_past(state: CampaignState, point: Point) -> None:
    again = "to make it all the same, ask for it again on purpose (--again)"
    for experiment in state.closed_experiments:
        has_result = experiment.observed is not None and not experiment.is_retracted
        is_search = experiment.purpose == "search"
        if has_result and is_search and experiment.candidate.point == point:
            raise RequestRefused(f"{_SUBJECT} was made in {experiment.experiment_id}; {again}")
    if any(refused.point == point for refused in state.rejected):
        raise RequestRefused(f"{_SUBJECT} was rejected by a person; {again}")

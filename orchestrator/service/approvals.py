"""A person looks at candidates before they are made: approves, rejects or edits them."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from pydantic import BaseModel, ConfigDict

from campaigns.errors import UndefinedValue
from campaigns.expression import Expression
from campaigns.membership import problems_of_point
from campaigns.spec import CampaignSpec
from orchestrator.core.approvals import why_wait_for_approval
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    Event,
)
from orchestrator.core.point import Point, Prediction
from orchestrator.core.results import chances_of
from orchestrator.errors import RequestRefused
from orchestrator.execution.bindings import bound_value, exact_point
from orchestrator.service.lab import Lab

__all__ = [
    "CandidateView",
    "approve",
    "candidate_views",
    "edit",
    "refuse_unmakeable",
    "reject",
    "typed_values",
]


class CandidateView(BaseModel):
    """One candidate that was proposed, or added by a person, and not started."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign_id: str
    candidate_id: str
    point: Mapping[str, float | str]
    predictions: Mapping[str, Prediction]
    chances: Mapping[str, float]
    """By outcome that is predicted, how likely its specification is met, 0 to 1."""
    is_out_of_distribution: bool | None
    """Whether the model had to guess there; None before there is one."""
    is_approved: bool
    waits_because: str
    """Why a person has to look at it; empty if it needs nobody."""
    added_by: str = ""
    """Whose own point it is; empty for one that a planner proposed."""
    reason: str = ""
    """Why the person added it."""


def candidate_views(state: CampaignState) -> tuple[CandidateView, ...]:
    """Return the queue of a campaign, in order.

    Args:
        state: The campaign.
    """
    return tuple(
        CandidateView(
            campaign_id=state.campaign_id,
            candidate_id=queued.candidate_id,
            point={name: queued.candidate.point[name] for name in state.spec.space.names},
            predictions=queued.candidate.predictions,
            chances=chances_of(state.spec, queued.candidate.predictions),
            is_out_of_distribution=queued.candidate.is_out_of_distribution,
            is_approved=queued.is_approved,
            waits_because=why_wait_for_approval(state, queued),
            added_by=queued.added_by,
            reason=queued.reason,
        )
        for queued in state.queue
    )


def approve(
    lab: Lab, candidate_ids: Sequence[str], *, reason: str, campaign_id: str | None = None
) -> CampaignState:
    """Let candidates be made.

    Args:
        lab: Whose person it is.
        candidate_ids: As `candidate_views` names them.
        reason: Why; may be empty.
        campaign_id: Of which campaign; None is the only unfinished one.

    Returns:
        The campaign after it.

    Raises:
        RequestRefused: One is not in the queue or is approved already, or the campaign has ended.
    """
    ids = tuple(dict.fromkeys(candidate_ids))

    def events_for(state: CampaignState) -> Sequence[Event]:
        _refuse_unknown(state, ids)
        done = [one.candidate_id for one in state.queue if one.is_approved]
        again = [name for name in ids if name in done]
        if again:
            raise RequestRefused(f"{', '.join(again)}: approved already")
        return [CandidateApproved(candidate_id=name, reason=reason) for name in ids]

    return lab.decide(lab.state(campaign_id).campaign_id, events_for)


def reject(
    lab: Lab, candidate_ids: Sequence[str], *, reason: str, campaign_id: str | None = None
) -> CampaignState:
    """Refuse candidates: they are not made, and not proposed again.

    Args:
        lab: Whose person it is.
        candidate_ids: As `candidate_views` names them.
        reason: Why.
        campaign_id: Of which campaign; None is the only unfinished one.

    Returns:
        The campaign after it.

    Raises:
        RequestRefused: One is not in the queue, there is no reason, or the campaign has ended.
    """
    _refuse_empty(reason)
    ids = tuple(dict.fromkeys(candidate_ids))

    def events_for(state: CampaignState) -> Sequence[Event]:
        _refuse_unknown(state, ids)
        return [CandidateRejected(candidate_id=name, reason=reason) for name in ids]

    return lab.decide(lab.state(campaign_id).campaign_id, events_for)


def edit(
    lab: Lab,
    candidate_id: str,
    changes: Mapping[str, float | str],
    *,
    reason: str,
    campaign_id: str | None = None,
) -> CampaignState:
    """Change a candidate before it is made, and thereby approve it.

    Args:
        lab: Whose person it is.
        candidate_id: As `candidate_views` names it.
        changes: The values that differ, numbers also as text; all others stay.
        reason: Why.
        campaign_id: Of which campaign; None is the only unfinished one.

    Returns:
        The campaign after it.

    Raises:
        RequestRefused: The changed point is none of the space, breaks a constraint or cannot
            become jobs; each reason is named. Or as for `reject`.
    """
    _refuse_empty(reason)

    def events_for(state: CampaignState) -> Sequence[Event]:
        _refuse_unknown(state, (candidate_id,))
        (queued,) = [one for one in state.queue if one.candidate_id == candidate_id]
        point = {**queued.candidate.point, **typed_values(state.spec, changes)}
        if point == queued.candidate.point:
            raise RequestRefused(f"{candidate_id}: nothing would change")
        refuse_unmakeable(state.spec, candidate_id, point)
        return [CandidateEdited(candidate_id=candidate_id, point=point, reason=reason)]

    return lab.decide(lab.state(campaign_id).campaign_id, events_for)


def typed_values(spec: CampaignSpec, values: Mapping[str, float | str]) -> dict[str, float | str]:
    """Return values with numbers as numbers: what is no category may have come as text.

    A text that is no number stays what it is.

    Args:
        spec: The campaign, which knows the categories.
        values: By component or parameter.
    """
    return {
        name: value if name in spec.space.categories else _number_or_text(value)
        for name, value in values.items()
    }


def _number_or_text(value: float | str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def refuse_unmakeable(spec: CampaignSpec, subject: str, point: Point) -> None:
    """Refuse a point that no planner could have proposed.

    Args:
        spec: The campaign.
        subject: What the point is called in messages.
        point: A value for every component and parameter.

    Raises:
        RequestRefused: It is none of the space, breaks a constraint or cannot become jobs; each
            reason is named.
    """
    endless = [
        f"{subject}: {name}: got {value}, expected a finite number"
        for name, value in point.items()
        if not isinstance(value, str) and not math.isfinite(value)
    ]
    if endless:
        raise RequestRefused("\n".join(endless))
    problems = problems_of_point(spec.space, spec.conditions, point)
    if problems:
        raise RequestRefused("\n".join(f"{subject}: {one}" for one in problems))
    _refuse_unbindable(spec, subject, point)


def _refuse_unknown(state: CampaignState, candidate_ids: Sequence[str]) -> None:
    if state.status.has_ended:
        raise RequestRefused(f"campaign {state.campaign_id} has ended: nothing of it is made")
    there = [one.candidate_id for one in state.queue]
    unknown = [name for name in candidate_ids if name not in there]
    if unknown:
        raise RequestRefused(
            f"{', '.join(unknown)}: not in the queue of {state.campaign_id}; "
            f"there are: {', '.join(there) or 'none'}"
        )


def _refuse_unbindable(spec: CampaignSpec, candidate_id: str, point: Point) -> None:
    """Refuse a point at which an expression of the recipe has no value."""
    if spec.recipe is None:
        return
    jobs = spec.recipe.jobs_for(spec.space.components)
    bindings = [binding for job in jobs for binding in job.arguments.values()]
    bindings.append(spec.recipe.cost_usd_per_experiment)
    used = {name for one in bindings if isinstance(one, Expression) for name in one.names}
    used |= {name for job in jobs if job.when is not None for name in job.when.names}
    try:
        exact = exact_point(point)
        for name in sorted(used & spec.definitions.keys()):
            exact[name] = Fraction(spec.definitions[name].evaluate(exact))
        for binding in bindings:
            bound_value(binding, exact)
    except UndefinedValue as error:
        raise RequestRefused(f"{candidate_id}: the recipe has no value there: {error}") from error


def _refuse_empty(reason: str) -> None:
    if not reason.strip():
        raise RequestRefused("--reason: got nothing, expected why, in your words")

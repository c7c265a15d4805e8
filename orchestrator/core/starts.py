"""Whether a sample may be begun: what is begun must be able to end; pure."""

from fractions import Fraction

from campaigns.recipe import RecipeJob
from campaigns.spec import CampaignSpec
from orchestrator.core.approvals import why_wait_for_approval
from orchestrator.core.campaign import CampaignState, QueuedCandidate
from orchestrator.core.equals import why_none_usable
from orchestrator.core.experiment import ExperimentStatus
from orchestrator.core.lab import LabState
from orchestrator.core.point import Point

__all__ = ["why_not_start", "why_unusable_at"]


def why_not_start(state: CampaignState, lab: LabState, queued: QueuedCandidate) -> str:
    """Say why a candidate of the queue must not become an experiment now; empty if it may.

    What is begun must be able to end: every instrument that its recipe needs can be used, and no
    place that it needs is unclean or held by a sample in doubt.

    Args:
        state: The campaign.
        lab: The laboratory.
        queued: One of `state.queue`.
    """
    waits = why_wait_for_approval(state, queued)
    if waits:
        return f"it waits for approval: {waits}"
    return why_unusable_at(state, lab, queued.candidate.point)


def why_unusable_at(state: CampaignState, lab: LabState, point: Point) -> str:
    """Say why the bench cannot make a sample at a point now; empty if it can.

    Args:
        state: The campaign.
        lab: The laboratory.
        point: A value for every component and parameter.
    """
    if lab.latch:
        return f"the stop latch is set: {lab.latch}"
    blocked = _blocked_places(state, lab)
    if not (blocked or lab.tripped or any(map(lab.why_unusable, lab.instruments))):
        return ""
    jobs = _jobs_at(state.spec, point)
    for place in (place for job in jobs for place in job.positions):
        if place in blocked:
            return f"{place} {blocked[place]}"
    needed = dict.fromkeys(job.instrument for job in jobs)
    return next(filter(None, (why_none_usable(state, lab, name) for name in needed)), "")


def _blocked_places(state: CampaignState, lab: LabState) -> dict[str, str]:
    """Return the places that only a person can free, with what is the matter."""
    blocked = {place: f"was left unclean by {who}" for place, who in lab.unclean.items()}
    for experiment in state.open_experiments.values():
        if experiment.status is ExperimentStatus.IN_DOUBT:
            reason = f"is held by {experiment.experiment_id}, which is in doubt"
            blocked.update(dict.fromkeys(sorted(experiment.places_held()), reason))
    return blocked


def _jobs_at(spec: CampaignSpec, point: Point) -> tuple[RecipeJob, ...]:
    """Return the recipe's jobs at a point, in its order."""
    if spec.recipe is None:
        return ()
    components = spec.space.components
    exact: dict[str, Fraction | str] = {
        name: value if isinstance(value, str) else Fraction(repr(float(value)))
        for name, value in point.items()
    }
    for job in spec.recipe.jobs_for(components):
        used = job.when.names if job.when is not None else frozenset()
        for name in sorted(used & spec.definitions.keys()):
            exact[name] = Fraction(spec.definitions[name].evaluate(exact))
    return spec.recipe.jobs_at(components, exact)

"""Whether a sample may be begun: what is begun must be able to end; pure."""

from fractions import Fraction

from campaigns.spec import CampaignSpec
from orchestrator.core.approvals import why_wait_for_approval
from orchestrator.core.campaign import CampaignState, QueuedCandidate
from orchestrator.core.equals import why_none_usable
from orchestrator.core.lab import LabState
from orchestrator.core.point import Point

__all__ = ["why_not_start", "why_unusable_at"]


def why_not_start(state: CampaignState, lab: LabState, queued: QueuedCandidate) -> str:
    """Say why a candidate of the queue must not become an experiment now; empty if it may.

    What is begun must be able to end: every instrument that its recipe needs can be used.

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
    if not (lab.tripped or any(map(lab.why_unusable, lab.instruments))):
        return ""
    needed = dict.fromkeys(_instruments_at(state.spec, point))
    return next(filter(None, (why_none_usable(state, lab, name) for name in needed)), "")


def _instruments_at(spec: CampaignSpec, point: Point) -> list[str]:
    """Return the instruments that the recipe needs at a point, in its order."""
    if spec.recipe is None:
        return []
    components = spec.space.components
    exact: dict[str, Fraction | str] = {
        name: value if isinstance(value, str) else Fraction(repr(float(value)))
        for name, value in point.items()
    }
    for job in spec.recipe.jobs_for(components):
        used = job.when.names if job.when is not None else frozenset()
        for name in sorted(used & spec.definitions.keys()):
            exact[name] = Fraction(spec.definitions[name].evaluate(exact))
    return [job.instrument for job in spec.recipe.jobs_at(components, exact)]

"""When a reference sample is due; pure."""

from orchestrator.core.campaign import CampaignState
from orchestrator.core.point import Candidate

__all__ = ["is_reference_due", "reference_candidate"]


def is_reference_due(state: CampaignState) -> bool:
    """Tell whether the next experiment must be a reference sample."""
    reference = state.spec.reference
    return reference is not None and state.n_since_reference >= reference.every_n_experiments


def reference_candidate(state: CampaignState) -> Candidate:
    """Return the reference sample's point as a candidate.

    Raises:
        ValueError: The campaign has no reference samples.
    """
    reference = state.spec.reference
    if reference is None:
        raise ValueError(f"campaign {state.campaign_id} has no reference samples")
    point: dict[str, float | str] = {
        name: value if isinstance(value, str) else float(value)
        for name, value in reference.point.items()
    }
    return Candidate(point=point)

"""Which candidates wait for a person before they are made; pure."""

from orchestrator.core.campaign import CampaignState, QueuedCandidate

__all__ = ["waiting_for_approval", "why_wait_for_approval"]


def why_wait_for_approval(state: CampaignState, queued: QueuedCandidate) -> str:
    """Say why a candidate must be approved before it is made; empty if it need not, or was.

    Args:
        state: The campaign, whose file names the gate.
        queued: One of `state.queue`.
    """
    if queued.is_approved:
        return ""
    approval = state.spec.approval
    match approval.gate:
        case "off":
            return ""
        case "all":
            return "every candidate is looked at"
        case "first":
            number = int(queued.candidate_id.removeprefix("C"))
            if number > approval.n_first:
                return ""
            return f"candidate {number} of the first {approval.n_first}, which are looked at"
        case "out_of_distribution":
            is_far = queued.candidate.is_out_of_distribution
            return "far from everything that was made: the model guesses there" if is_far else ""


def waiting_for_approval(state: CampaignState) -> tuple[QueuedCandidate, ...]:
    """Return the candidates that wait for a person, in the order of the queue; none at the end."""
    if state.status.has_ended:
        return ()
    return tuple(one for one in state.queue if why_wait_for_approval(state, one))

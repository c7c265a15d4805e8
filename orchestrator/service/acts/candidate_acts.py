"""Acts on candidates before they are made: approve, reject, edit."""

from abc import ABC

from pydantic import Field

from orchestrator.core.events import CandidateApproved, CandidateEdited, CandidateRejected, Event
from orchestrator.service.acts.act import ActDesk, CampaignAct, Finite, Told
from orchestrator.service.approvals import approve, edit, reject
from orchestrator.service.lab import Lab

__all__ = ["Approve", "Edit", "Reject"]


class _OnCandidate(CampaignAct, ABC):
    candidate_id: str = Field(min_length=1, max_length=50)

    def concerns(self, event: Event) -> bool:
        """What somebody else said of this candidate."""
        judged = (CandidateApproved, CandidateEdited, CandidateRejected)
        return isinstance(event, judged) and event.candidate_id == self.candidate_id

    def _woken(self, desk: ActDesk, message: str) -> Told:
        desk.door.wake(self.campaign_id)
        return Told(message=message)


class Approve(_OnCandidate):
    """Let a candidate be made."""

    name = "approve"

    def consequence(self, lab: Lab) -> str:
        """Say that it will be made."""
        return f"{self.candidate_id} is made as soon as the bench is free for it"

    def perform(self, desk: ActDesk) -> Told:
        """Append the approval."""
        with desk.open_lab() as lab:
            ids = (self.candidate_id,)
            approve(lab, ids, reason=self.reason, campaign_id=self.campaign_id)
        return self._woken(desk, f"{self.candidate_id} is approved")


class Reject(_OnCandidate):
    """Refuse a candidate: it is not made, and not proposed again."""

    name = "reject"
    needs_reason = True

    def consequence(self, lab: Lab) -> str:
        """Say that it will not be made."""
        return f"{self.candidate_id} is not made, and its point is not proposed again"

    def perform(self, desk: ActDesk) -> Told:
        """Append the refusal."""
        with desk.open_lab() as lab:
            ids = (self.candidate_id,)
            reject(lab, ids, reason=self.reason, campaign_id=self.campaign_id)
        return self._woken(desk, f"{self.candidate_id} is rejected")


class Edit(_OnCandidate):
    """Change a candidate before it is made, and thereby approve it."""

    name = "edit"
    needs_reason = True

    changes: dict[str, Finite | str] = Field(min_length=1)
    """By component or parameter, the values that differ; all others stay."""

    def consequence(self, lab: Lab) -> str:
        """Say what is made instead."""
        changed = ", ".join(f"{name} = {value}" for name, value in self.changes.items())
        return f"{self.candidate_id} is made with {changed}, and counts as approved"

    def perform(self, desk: ActDesk) -> Told:
        """Append the change."""
        with desk.open_lab() as lab:
            edit(
                lab,
                self.candidate_id,
                self.changes,
                reason=self.reason,
                campaign_id=self.campaign_id,
            )
        return self._woken(desk, f"{self.candidate_id} is changed and approved")

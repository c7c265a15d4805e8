"""The act that sets how a campaign stands beside others on its rig."""

from pydantic import Field

from orchestrator.core.events import Event, PrioritySet
from orchestrator.service.acts.act import ActDesk, CampaignAct, Finite, Told
from orchestrator.service.lab import Lab
from orchestrator.service.priorities import set_priority

__all__ = ["SetPriority"]


class SetPriority(CampaignAct):
    """Say how the campaign stands beside others that want the same instruments."""

    name = "set_priority"
    needs_reason = True

    priority: int = Field(ge=-10, le=10)
    """The higher goes first on every instrument."""
    share: Finite = Field(ge=0.01, le=100)
    """Its part of the instrument-hours among campaigns of equal priority."""

    def concerns(self, event: Event) -> bool:
        """What somebody else set."""
        return isinstance(event, PrioritySet)

    def consequence(self, lab: Lab) -> str:
        """Say what changes, and for whom nothing does."""
        state = lab.state(self.campaign_id)
        before = f"priority {state.priority}, share {state.share:g}"
        return (
            f"{self.campaign_id} goes from {before} to priority {self.priority}, share "
            f"{self.share:g}; jobs that run are finished first"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Append what was set."""
        with desk.open_lab() as lab:
            now = set_priority(
                lab,
                priority=self.priority,
                share=self.share,
                reason=self.reason,
                campaign_id=self.campaign_id,
            )
        desk.door.wake("")
        return Told(message=f"{now.campaign_id}: priority {now.priority}, share {now.share:g}")

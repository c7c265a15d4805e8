"""The act of adding a point of one's own to a campaign."""

from pydantic import Field

from orchestrator.core.events import Event, PointAdded
from orchestrator.service.acts.act import ActDesk, CampaignAct, Finite, Told
from orchestrator.service.lab import Lab
from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.own_points import add_point

__all__ = ["AddPoint"]


class AddPoint(CampaignAct):
    """Have a sample of your own made, before what planners proposed."""

    name = "add_point"
    needs_reason = True

    point: dict[str, Finite | str] = Field(min_length=1)
    """A value for every component and parameter."""
    repeats: bool = False
    """Whether it is made although it was made, or refused by a person, before."""

    def consequence(self, lab: Lab) -> str:
        """Say what is made, and what waits for it."""
        n_waiting = sum(not one.added_by for one in lab.state(self.campaign_id).queue)
        said = ", ".join(
            f"{label_from_name(name)} {value if isinstance(value, str) else number_text(value)}"
            for name, value in self.point.items()
            if value != 0.0
        )
        others = f"{n_waiting} proposed candidate{'' if n_waiting == 1 else 's'}"
        before = f" before {others}" if n_waiting else ""
        return f"a sample with {said} is made as soon as the bench is free{before}"

    def concerns(self, event: Event) -> bool:
        """What somebody else added of the same point."""
        return isinstance(event, PointAdded) and dict(event.point) == self.point

    def perform(self, desk: ActDesk) -> Told:
        """Append the point."""
        with desk.open_lab() as lab:
            added = add_point(
                lab,
                self.point,
                reason=self.reason,
                campaign_id=self.campaign_id,
                repeats=self.repeats,
            )
        desk.door.wake(self.campaign_id)
        return Told(message=f"{added.candidate_id} is added and approved")

"""Acts on alarms: acknowledge, set aside for a time, let count again."""

from abc import ABC
from typing import Final

from pydantic import Field

from orchestrator.core.events import AlarmAcknowledged, AlarmShelved, AlarmUnshelved, Event
from orchestrator.service.acts.act import ActDesk, LabAct, Told
from orchestrator.service.alarms import (
    LONGEST_SHELF_S,
    acknowledge,
    acknowledge_all,
    shelve,
    unshelve,
)
from orchestrator.service.lab import Lab

__all__ = ["AcknowledgeAlarm", "AcknowledgeAll", "ShelveAlarm", "UnshelveAlarm"]

_SAID: Final = (AlarmAcknowledged, AlarmShelved, AlarmUnshelved)


class _OnAlarm(LabAct, ABC):
    alarm: str = Field(min_length=1, max_length=300)

    def concerns(self, event: Event) -> bool:
        """What somebody else said of this alarm."""
        return isinstance(event, _SAID) and event.alarm == self.alarm


class AcknowledgeAlarm(_OnAlarm):
    """Say that you have seen an alarm and take care of it."""

    name = "acknowledge_alarm"

    def consequence(self, lab: Lab) -> str:
        """Say who is told no more."""
        return f"nobody else is told of {self.alarm}: you take care of it"

    def perform(self, desk: ActDesk) -> Told:
        """Append it."""
        with desk.open_lab() as lab:
            view = acknowledge(lab, self.alarm, reason=self.reason)
        return Told(message=f"{self.alarm} is {view.status}")


class AcknowledgeAll(LabAct):
    """Say that you have seen every alarm and take care of them."""

    name = "acknowledge_all"
    is_dangerous = True

    def consequence(self, lab: Lab) -> str:
        """Say how many."""
        active = lab.laboratory().alarms.active.values()
        n = sum(one.is_unacknowledged for one in active)
        return f"{n} alarm{'' if n == 1 else 's'}: nobody else is told, you take care of all"

    def concerns(self, event: Event) -> bool:
        """What somebody else said of any alarm."""
        return isinstance(event, _SAID)

    def perform(self, desk: ActDesk) -> Told:
        """Append it."""
        with desk.open_lab() as lab:
            n = len(acknowledge_all(lab, reason=self.reason))
        return Told(message=f"acknowledged: {n}")


class ShelveAlarm(_OnAlarm):
    """Set an alarm aside for a time; until then nobody is told of it."""

    name = "shelve_alarm"
    is_dangerous = True

    duration_h: float = Field(gt=0, le=LONGEST_SHELF_S / 3600, allow_inf_nan=False)
    """How long, in hours."""

    def consequence(self, lab: Lab) -> str:
        """Say how long nobody is told."""
        return f"for {self.duration_h:g} h nobody is told of {self.alarm}, whatever happens to it"

    def perform(self, desk: ActDesk) -> Told:
        """Append it."""
        with desk.open_lab() as lab:
            shelve(lab, self.alarm, duration_s=3600 * self.duration_h, reason=self.reason)
        return Told(message=f"{self.alarm} is shelved for {self.duration_h:g} h")


class UnshelveAlarm(_OnAlarm):
    """Let a shelved alarm count again."""

    name = "unshelve_alarm"

    def consequence(self, lab: Lab) -> str:
        """Say that people are told again."""
        return f"people are told of {self.alarm} again while its cause is there"

    def perform(self, desk: ActDesk) -> Told:
        """Append it."""
        with desk.open_lab() as lab:
            view = unshelve(lab, self.alarm, reason=self.reason)
        return Told(message=f"{self.alarm} is {view.status}")

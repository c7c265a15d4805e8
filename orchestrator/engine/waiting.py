"""What an engine waits for when it has nothing to do, so that it stops no other one's time."""

from datetime import datetime
from typing import Final

from drivers.clock import Clock
from orchestrator.engine.companions import Companions
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.inbox import Inbox

__all__ = ["Waiting"]

OUTSIDE_POLL_S: Final = 0.2
"""How often an engine that waits for a person looks at the log, in real seconds."""


class Waiting:
    """The waits of one engine.

    Args:
        campaign_id: Which it drives.
        companions: Engines of this process on the same bench, this one among them.
        clock: The engine's.
        inbox: What comes in ends a wait.
        habits: The engine's.
    """

    def __init__(
        self,
        campaign_id: str,
        companions: Companions,
        clock: Clock,
        inbox: Inbox,
        habits: EngineHabits,
    ) -> None:
        self._campaign_id = campaign_id
        self._companions = companions
        self._clock = clock
        self._inbox = inbox
        self._habits = habits

    async def for_fact(self, wake_time: datetime | None) -> None:
        """Wait for a fact, for the time to look again, or for the next look at the log.

        Args:
            wake_time: When to look again; None is whenever the log is looked at.
        """
        delay_s = self._habits.poll_s
        if wake_time is not None:
            delay_s = min(delay_s, (wake_time - self._clock.now()).total_seconds())
        await self._inbox.wait(max(delay_s, 0.001))

    async def for_person(self) -> None:
        """Wait for the outside, unless that would let the time of others stand still."""
        with self._companions.waiting(self._campaign_id, is_for_person=True):
            if self._companions.do_others_work(self._campaign_id):
                await self._inbox.wait(self._habits.poll_s)
            else:
                await self._clock.wait_for_outside(OUTSIDE_POLL_S)

    async def for_others(self) -> bool:
        """Wait until others let something go that this campaign needs.

        Returns:
            Whether there is anybody who could; else nothing was waited for.
        """
        companions = self._companions
        with companions.waiting(self._campaign_id, is_for_person=False):
            if companions.do_others_work(self._campaign_id) or not self._habits.leaves_when_alone:
                await self._inbox.wait(self._habits.poll_s)
            elif companions.is_person_awaited:
                await self._clock.wait_for_outside(OUTSIDE_POLL_S)
            else:
                return False
        return True

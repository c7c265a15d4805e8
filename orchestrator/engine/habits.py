"""What an engine does by itself, and what it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestrator.core.campaign import CampaignState
from orchestrator.core.lab import LabState

__all__ = ["EngineHabits", "Watch"]


@dataclass(frozen=True, slots=True)
class Watch:
    """What an onlooker is told after every change."""

    state: CampaignState
    lab: LabState
    now: datetime
    instruments: Mapping[str, str]
    """What each instrument does."""
    log_error: str = ""
    """Why the log cannot be written at the moment; nothing is sent meanwhile."""


@dataclass(slots=True)
class EngineHabits:
    """What an engine does by itself; a dry-run and a bench differ in it."""

    poll_s: float
    """How often requests are looked for while jobs run, in the clock's seconds."""
    leaves_when_paused: bool = False
    """Whether a pause, or a hold that an operator asked for, ends the run."""
    leaves_when_held: bool = True
    """Whether a hold that nobody asked for ends the run; else it waits for a person."""
    asks_after_crash: bool = True
    """Whether the executor remembers the orders of an earlier process."""
    has_neighbours: bool = True
    """Whether other campaigns may be on the same bench."""
    leaves_when_alone: bool = False
    """Whether a campaign holds itself that only others could let go on, if no engine drives one of
    them in this process; else it waits for them."""
    keeps_lab: bool = True
    """Whether it writes down which instruments answered; a station does so itself."""
    waits_for_instruments_s: float = 0.0
    """How long a campaign that is gone on with waits for instruments that do not answer, in the
    clock's seconds, before it is held for want of them."""
    search_effort: float = 0.0
    """How long a better order of the jobs than the rule's is searched for at a time, roughly in
    seconds of one core; 0 for never."""
    waits_for_log: bool = False
    """Whether it goes on when the log can be written again, instead of giving up."""

    def stays(self, state: CampaignState) -> bool:
        """Tell whether a campaign waits for a person while its engine stays."""
        leaves = self.leaves_when_held if state.is_held_by_itself else self.leaves_when_paused
        return state.status.is_waiting and not leaves

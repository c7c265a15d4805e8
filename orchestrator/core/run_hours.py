"""How long a campaign may go on now, by its run windows and by the hours it has; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from campaigns.run_windows import RunWindows
from orchestrator.core.campaign import CampaignState

__all__ = ["RunHours", "run_hours", "start_hours"]


@dataclass(frozen=True, slots=True)
class RunHours:
    """What the run windows say at one moment."""

    left_s: float = inf
    """For how long something may be under way from now on, in seconds; 0 while they are closed."""
    look_time: datetime | None = None
    """When they say something else; None if never."""
    limit: str = "the run window closes"
    """What is then."""

    def why_not(self, lasts_s: float) -> str:
        """Say why something cannot begin that takes so long; empty if it can.

        Args:
            lasts_s: In seconds.
        """
        if lasts_s <= self.left_s:
            return ""
        if not self.left_s:
            return f"the run window opens at {self.look_time:%Y-%m-%d %H:%M} UTC"
        hours = f"{lasts_s / 3600.0:.1f} h"
        return f"it takes {hours}; {self.limit} at {self.look_time:%Y-%m-%d %H:%M} UTC"


def run_hours(windows: RunWindows | None, now: datetime) -> RunHours:
    """Return how long a campaign may go on.

    Args:
        windows: Of the campaign's file; None if it may run at any time.
        now: The present time.
    """
    closing = None if windows is None else windows.closing(now)
    if windows is None or closing is None:
        return RunHours()
    if closing <= now:
        return RunHours(0.0, windows.opening(now))
    return RunHours((closing - now).total_seconds(), closing)


def start_hours(state: CampaignState, hours: RunHours, now: datetime) -> RunHours:
    """Return how long an experiment may take that begins now.

    What cannot be finished before `max_hours` are over is not begun; what was begun is finished.

    Args:
        state: The campaign.
        hours: By its run windows.
        now: The present time.
    """
    max_hours = state.spec.stopping.max_hours
    if max_hours is None:
        return hours
    end = state.opened_time + timedelta(hours=float(max_hours))
    left_s = max(0.0, (end - now).total_seconds())
    if left_s >= hours.left_s:
        return hours
    return RunHours(left_s, end, "the campaign's hours are over")

"""Changes of accounts, tokens and webhooks, written into the laboratory's log: each once."""

from functools import partial
from typing import TYPE_CHECKING

from orchestrator.core.events import AccessChanged
from orchestrator.core.lab import LabState

if TYPE_CHECKING:
    from orchestrator.access.changes import AccessChange, ChangeTrail
    from orchestrator.service.acts.performing import OpenLab

__all__ = ["tell_changes"]


def tell_changes(trail: "ChangeTrail", open_lab: "OpenLab") -> None:
    """Write what the log does not know yet into it, under the name of who changed it.

    Several processes may do so at once, and any may die in between: a change is noted as told after
    it stands in the log, and the log says which one came last.

    Args:
        trail: The file of accounts.
        open_lab: Opens the log under a person's name.

    Raises:
        LogError: The log, or the file, cannot be used now; what is left is told the next time.
    """
    while found := trail.untold():
        for change in found:
            with open_lab(change.by, None) as lab:
                lab.decide_in_lab(partial(_still_untold, trail, change))
            trail.note_change_told(change.change_id)


def _still_untold(
    trail: "ChangeTrail", change: "AccessChange", state: LabState
) -> tuple[AccessChanged, ...]:
    """Return a change as an event; nothing if another process has written it down meanwhile."""
    if change not in trail.untold():
        return ()
    fact = AccessChanged(
        change_id=change.change_id,
        done_time=change.time,
        what=change.what,
        about=change.about,
    )
    return () if state.access_changed == fact else (fact,)

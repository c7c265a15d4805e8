"""The records of the log as a person searches them: newest first, filtered, a page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.core.events import EVENT_KINDS
from orchestrator.errors import RequestRefused
from orchestrator.service.events import EventView
from orchestrator.service.lab import Lab

__all__ = ["TrailFilter", "TrailPage", "seq_before", "trail", "trail_page"]

LOOKED_AT: Final = 5000
"""So many records are looked at for one page."""


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """What is looked for; an empty word lets everything through."""

    campaign_id: str = ""
    actor: str = ""
    kind: str = ""
    """An event's kind: ``JobFailed``."""
    text: str = ""
    """Words that must all occur, case ignored."""

    def refuse_unknown(self) -> None:
        """Refuse a kind that no event has.

        Raises:
            RequestRefused: With those that there are.
        """
        if self.kind and self.kind not in EVENT_KINDS:
            known = ", ".join(sorted(EVENT_KINDS))
            raise RequestRefused(f"kind: got {self.kind!r}, expected one of {known}")

    def lets_through(self, event: EventView) -> bool:
        """Tell whether a record is looked for, whatever its campaign."""
        if self.actor and event.actor != self.actor:
            return False
        if self.kind and event.kind != self.kind:
            return False
        said = f"{event.kind} {event.summary} {event.actor} {event.stream}".casefold()
        return all(word in said for word in self.text.casefold().split())


class TrailPage(BaseModel):
    """Some records, newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[EventView, ...]
    next_before: int | None
    """Where older records begin; None if all were looked at."""
    oldest_looked_at: datetime | None
    """Time of the oldest record that was looked at."""


def trail_page(
    lab: Lab, wanted: TrailFilter, *, before: int | None = None, limit: int = 100
) -> TrailPage:
    """Return the newest records that are looked for; at most `LOOKED_AT` are looked at.

    Args:
        lab: Whose log.
        wanted: What is looked for.
        before: Only records before this one; None begins at the end.
        limit: At most so many.

    Raises:
        RequestRefused: There is no such campaign or kind.
    """
    wanted.refuse_unknown()
    end = lab.last_seq() + 1 if before is None else before
    begin = max(0, end - 1 - LOOKED_AT)
    campaign_id = wanted.campaign_id or None
    looked = [
        event
        for event in lab.events(after_seq=begin, campaign_id=campaign_id, limit=LOOKED_AT)
        if event.seq < end
    ]
    found = [event for event in reversed(looked) if wanted.lets_through(event)][: limit + 1]
    items = found[:limit]
    next_before = items[-1].seq if len(found) > limit else begin + 1
    oldest = looked[0].time if looked else None
    return TrailPage(
        items=tuple(items),
        next_before=next_before if len(found) > limit or begin > 0 else None,
        oldest_looked_at=oldest,
    )


def trail(lab: Lab, wanted: TrailFilter) -> Iterator[EventView]:
    """Yield every record that is looked for, the oldest first, without keeping any.

    Args:
        lab: Whose log.
        wanted: What is looked for.

    Raises:
        RequestRefused: There is no such campaign or kind.
    """
    wanted.refuse_unknown()
    for event in lab.events(campaign_id=wanted.campaign_id or None):
        if wanted.lets_through(event):
            yield event


def seq_before(lab: Lab, time: datetime) -> int:
    """Return the seq after the last record that is not later than a time.

    Records of a pretended bench have its own times, so that in a log with several clocks the
    place is only near.

    Args:
        lab: Whose log.
        time: With a zone.
    """
    low, high = 1, lab.last_seq() + 1
    while low < high:
        middle = (low + high) // 2
        (event,) = lab.events(after_seq=middle - 1, limit=1)
        if event.time <= time:
            low = middle + 1
        else:
            high = middle
    return low

"""The proposals of one campaign, read from the log's end towards its beginning, once each.

A log of a million records is never read whole for a page: each look reads what is new, and of the
old at most as much as it is allowed.
"""

from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.core.events import (
    CampaignOpened,
    CandidatesProposed,
    ProposalFailed,
    campaign_stream,
)
from orchestrator.log.event_log import Record
from orchestrator.service.live import LiveLab

__all__ = ["ProposalBook", "ProposalPage", "ProposalView"]

_WINDOW: Final = 2000
"""Records read while nobody else can look."""
_MOST_READ: Final = 10_000
"""Old records read for one page."""


class ProposalView(BaseModel):
    """One answer of a planner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    """Of its record."""
    time: datetime
    proposal: int
    planner: str
    method: str
    reason: str
    """Why in this way, and what had to be left out."""
    n_observations: int
    n_candidates: int
    n_told: int
    """Candidates of which a model said whether it had to guess there."""
    n_out_of_distribution: int
    is_failed: bool = False
    """Whether the planner raised: `reason` is its error, and there is no candidate."""


class ProposalPage(BaseModel):
    """Some proposals, the newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[ProposalView, ...]
    next_before: int | None
    """The seq before which older ones stand; None where there are none."""


class ProposalBook:
    """What was proposed in one campaign, as far as it was read; may be asked from any thread.

    Args:
        live: Whose log.
        campaign_id: Which campaign.
    """

    def __init__(self, live: LiveLab, campaign_id: str) -> None:
        self._live = live
        self._campaign_id = campaign_id
        self._lock = Lock()
        self._items: list[ProposalView] = []
        self._low: int | None = None
        """Everything from this seq on was read."""
        self._high = 0
        self._is_whole = False

    def page(self, *, before: int | None = None, limit: int = 10) -> ProposalPage:
        """Return proposals, the newest first.

        Args:
            before: Only those whose seq is lower; None for the newest.
            limit: At most so many; fewer do not mean that there are no older ones.
        """
        with self._lock:
            left = self._catch_up()
            while not self._is_whole and left > 0 and len(self._older(before)) <= limit:
                left -= self._read_back()
            older = self._older(before)
            items = tuple(reversed(older[-limit:]))
            if len(older) > limit:
                return ProposalPage(items=items, next_before=items[-1].seq)
            reached = None if self._is_whole else self._low
            if reached is not None and before is not None:
                reached = min(reached, before)
            return ProposalPage(items=items, next_before=reached)

    def known(self) -> tuple[tuple[ProposalView, ...], bool]:
        """Return all proposals that were read, in order, and whether they are all there are.

        Each call reads some more of the old ones.
        """
        with self._lock:
            left = self._catch_up()
            while not self._is_whole and left > 0:
                left -= self._read_back()
            return tuple(self._items), self._is_whole

    def _older(self, before: int | None) -> Sequence[ProposalView]:
        return [one for one in self._items if before is None or one.seq < before]

    def _catch_up(self) -> int:
        """Read what is new; return how many old records may still be read."""
        if self._low is None:
            self._high = self._live.refresh()
            self._low = self._high + 1
            return _MOST_READ
        while records := self._read(self._high, _WINDOW):
            self._take(records)
            self._high = records[-1].seq
        return _MOST_READ

    def _read_back(self) -> int:
        """Read the records before those that were read; return what that cost."""
        top = self._low or 1
        bottom = max(1, top - _WINDOW)
        records = [one for one in self._read(bottom - 1, _WINDOW) if one.seq < top]
        self._take(records)
        self._low = bottom
        self._is_whole |= bottom == 1 or any(isinstance(r.event, CampaignOpened) for r in records)
        return _WINDOW

    def _read(self, after_seq: int, limit: int) -> list[Record]:
        with self._live.using() as lab:
            stream = campaign_stream(self._campaign_id)
            return list(lab.records(stream, after_seq=after_seq, limit=limit))

    def _take(self, records: Sequence[Record]) -> None:
        found = [view for record in records if (view := _view(record)) is not None]
        self._items = sorted([*self._items, *found], key=lambda one: one.seq)


def _view(record: Record) -> ProposalView | None:
    event = record.event
    if isinstance(event, ProposalFailed):
        return ProposalView(
            seq=record.seq,
            time=record.time,
            proposal=event.proposal,
            planner=event.planner,
            method="failed",
            reason=event.error,
            n_observations=0,
            n_candidates=0,
            n_told=0,
            n_out_of_distribution=0,
            is_failed=True,
        )
    if not isinstance(event, CandidatesProposed):
        return None
    far = [one.is_out_of_distribution for one in event.candidates]
    return ProposalView(
        seq=record.seq,
        time=record.time,
        proposal=event.proposal,
        planner=event.planner,
        method=event.method,
        reason=event.reason,
        n_observations=event.n_observations,
        n_candidates=len(far),
        n_told=sum(one is not None for one in far),
        n_out_of_distribution=sum(one is True for one in far),
    )

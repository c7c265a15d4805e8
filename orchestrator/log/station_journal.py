"""What a station keeps of every order, so that no restart loses or repeats an act.

The journal is the station's own and not the log: it is written before each step of an order, must
survive the station's death at any point, and does not depend on the database of the campaigns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

__all__ = ["JournalEntry", "MemoryStationJournal", "OrderStage", "StationJournal"]


class OrderStage(StrEnum):
    """How far an order came. Exactly one holds at a time."""

    ACCEPTED = "accepted"
    """It will be tried; nothing that touches matter was sent."""
    ACTING = "acting"
    """Matter may have been touched."""
    ENDED = "ended"
    """Its outcome is kept."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One order as the journal knows it."""

    key: str
    """`Order.key`."""
    order_json: str
    instrument: str
    stage: OrderStage
    notes: tuple[str, ...] = ()
    """What the driver noted when it was about to act, in order."""
    outcome_json: str = ""
    """Of an ended order."""


class StationJournal(Protocol):
    """What survives a station; every method that writes is durable on return.

    All of them raise `LogError` when the journal cannot be written or read; then nothing was kept
    and nothing may be sent.
    """

    def entry(self, key: str) -> JournalEntry | None:
        """Return what is known of an order, or None if it was never heard of."""
        ...

    def open_entries(self) -> Sequence[JournalEntry]:
        """Return every order that has no outcome, oldest first."""
        ...

    def accept(self, key: str, order_json: str, instrument: str) -> None:
        """Keep an order before anything is done about it."""
        ...

    def note_act(self, key: str, note: str) -> None:
        """Keep that matter may be touched from now on."""
        ...

    def end(self, key: str, outcome_json: str) -> None:
        """Keep an order's outcome; a later one replaces an earlier one.

        An order that was never heard of is kept as ended, so that it is refused should it arrive.
        """
        ...

    def epoch(self, campaign_id: str) -> int:
        """Return the highest epoch that was seen of a campaign's engines, 0 for none."""
        ...

    def keep_epoch(self, campaign_id: str, epoch: int) -> None:
        """Keep the epoch of an engine; a lower one than is kept changes nothing."""
        ...

    def latch(self) -> str:
        """Return why the stop latch is set; empty when it is not."""
        ...

    def keep_latch(self, reason: str) -> None:
        """Set the stop latch, or clear it with an empty reason."""
        ...

    def close(self) -> None:
        """Let go of the store; closing twice does nothing."""
        ...


class MemoryStationJournal:
    """A journal that lives as long as this object: for dry-runs, whose bench forgets as well."""

    def __init__(self) -> None:
        self._entries: dict[str, JournalEntry] = {}
        self._open: dict[str, JournalEntry] = {}
        self._epochs: dict[str, int] = {}
        self._latch = ""

    def entry(self, key: str) -> JournalEntry | None:
        """Return what is known of an order."""
        return self._entries.get(key)

    def open_entries(self) -> Sequence[JournalEntry]:
        """Return every order that has no outcome, oldest first."""
        return list(self._open.values())

    def accept(self, key: str, order_json: str, instrument: str) -> None:
        """Keep an order before anything is done about it."""
        self._keep(JournalEntry(key, order_json, instrument, OrderStage.ACCEPTED))

    def note_act(self, key: str, note: str) -> None:
        """Keep that matter may be touched from now on."""
        known = self._entries[key]
        notes = (*known.notes, note)
        self._keep(replace(known, stage=OrderStage.ACTING, notes=notes))

    def end(self, key: str, outcome_json: str) -> None:
        """Keep an order's outcome."""
        known = self._entries.get(key, JournalEntry(key, "", "", OrderStage.ENDED))
        self._keep(replace(known, stage=OrderStage.ENDED, outcome_json=outcome_json))

    def _keep(self, entry: JournalEntry) -> None:
        self._entries[entry.key] = entry
        if entry.stage is OrderStage.ENDED:
            self._open.pop(entry.key, None)
        else:
            self._open[entry.key] = entry

    def epoch(self, campaign_id: str) -> int:
        """Return the highest epoch that was seen of a campaign's engines."""
        return self._epochs.get(campaign_id, 0)

    def keep_epoch(self, campaign_id: str, epoch: int) -> None:
        """Keep the epoch of an engine."""
        self._epochs[campaign_id] = max(epoch, self.epoch(campaign_id))

    def latch(self) -> str:
        """Return why the stop latch is set."""
        return self._latch

    def keep_latch(self, reason: str) -> None:
        """Set the stop latch, or clear it."""
        self._latch = reason

    def close(self) -> None:
        """Do nothing: there is no store."""

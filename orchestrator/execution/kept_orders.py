"""The station's journal as orders use it: outcomes that it could not take are kept in memory.

While one is in memory only, nothing else may be sent: `require_writable` tries to keep them first.
"""

import logging

from drivers.errors import NothingDone
from drivers.ticket import Ticket
from orchestrator.errors import LogError
from orchestrator.execution.executor import Order, Outcome, OutcomeAdapter
from orchestrator.landmarks import reach
from orchestrator.log.station_journal import JournalEntry, OrderStage, StationJournal

__all__ = ["JournalTicket", "KeptOrders"]

logger = logging.getLogger(__name__)


class JournalTicket(Ticket):
    """A ticket whose notes are durable.

    Args:
        key: Of the order.
        journal: Where the notes go.
    """

    def __init__(self, key: str, journal: StationJournal) -> None:
        super().__init__(key)
        self._journal = journal
        self.notes: tuple[str, ...] = ()
        """What the driver noted, in order."""
        self.is_acting = False
        """Whether matter may have been touched."""
        self.journal_error = ""
        """Why the latest note could not be kept; empty if it could."""

    async def about_to_act(self, note: str = "") -> None:
        """Make it durable that matter may be touched from now on.

        Raises:
            NothingDone: The journal cannot be written.
        """
        reach("station: before the act is noted")
        try:
            self._journal.note_act(self.key, note)
        except LogError as error:
            self.journal_error = str(error)
            raise NothingDone(f"the station's journal cannot be written: {error}") from error
        self.notes = (*self.notes, note)
        self.is_acting = True
        reach("station: after the act was noted")


class KeptOrders:
    """What the station knows of orders, in its journal and, for want of it, in memory.

    Args:
        journal: The station's.
    """

    def __init__(self, journal: StationJournal) -> None:
        self.journal = journal
        self._unkept: dict[str, Outcome] = {}

    def require_writable(self) -> None:
        """Keep what could not be kept before.

        Raises:
            LogError: The journal still cannot be written; nothing may be sent.
        """
        for key, outcome in list(self._unkept.items()):
            self.journal.end(key, _text(outcome))
            del self._unkept[key]

    def in_memory(self, key: str) -> Outcome | None:
        """Return the outcome of an order that the journal could not take yet, or None."""
        return self._unkept.get(key)

    def outcome(self, key: str) -> Outcome | None:
        """Return the outcome of an order that has one.

        Raises:
            LogError: The journal cannot be read.
        """
        if key in self._unkept:
            return self._unkept[key]
        entry = self.journal.entry(key)
        if entry is None or entry.stage is not OrderStage.ENDED:
            return None
        return OutcomeAdapter.validate_json(entry.outcome_json)

    def entry(self, key: str) -> JournalEntry | None:
        """Return what the journal knows of an order.

        Raises:
            LogError: The journal cannot be read.
        """
        return self.journal.entry(key)

    def cut_off(self, instrument: str) -> list[JournalEntry]:
        """Return the instrument's orders that may have touched matter and have no outcome.

        Raises:
            LogError: The journal cannot be read.
        """
        return [
            entry
            for entry in self.journal.open_entries()
            if entry.instrument == instrument
            and entry.stage is OrderStage.ACTING
            and entry.key not in self._unkept
        ]

    def accept(self, order: Order) -> None:
        """Keep an order before anything is done about it.

        Raises:
            LogError: It could not be kept.
        """
        reach("station: before the order is accepted")
        self.journal.accept(order.key, order.model_dump_json(), order.instrument)
        reach("station: after the order was accepted")

    def end(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome: it is true even if the journal cannot be written just now."""
        reach("station: before the outcome is kept")
        try:
            self.journal.end(key, _text(outcome))
        except LogError:
            logger.exception("%s: its outcome is in memory only", key)
            self._unkept[key] = outcome
        reach("station: after the outcome was kept")

    def refuse_for_ever(self, key: str, outcome: Outcome) -> None:
        """Keep the refusal of an order, so that it is refused should it come again.

        Raises:
            LogError: It could not be kept.
        """
        self.journal.end(key, _text(outcome))


def _text(outcome: Outcome) -> str:
    return OutcomeAdapter.dump_json(outcome).decode()

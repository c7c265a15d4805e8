"""What every log promises, whatever it is kept in; the contract suite holds each one to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.core.events import Event
from orchestrator.log.kept_acts import ActKey, KeptActs
from orchestrator.log.snapshots import Snapshots

__all__ = ["EventLog", "Record", "Verification", "last_hash"]


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it stands in the log."""

    seq: int
    """Place in the whole log, from 1, without gaps, in commit order."""
    stream: str
    version: int
    """Place in its stream, from 1, without gaps."""
    time: datetime
    """When it was appended, on the appender's clock, with zone UTC."""
    actor: str
    """Who said so: a person's name, or ``engine``."""
    is_simulated: bool
    event: Event
    previous_hash: str
    """Hash of the record with the seq before; 64 zeros for the first."""
    hash: str
    """SHA-256 over all of the above, as hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the whole chain found."""

    n_records: int
    first_bad_seq: int | None
    """The first record that is not what it was, or None."""
    reason: str
    last_hash: str
    damage: str = ""
    """What else is not what it was: the store's own structure, or a table filled from records."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.first_bad_seq is None and not self.damage


class EventLog(Snapshots, KeptActs, Protocol):
    """An append-only log of events in streams; several processes may append."""

    def append(
        self,
        stream: str,
        events: Sequence[Event],
        *,
        time: datetime,
        actor: str,
        is_simulated: bool,
        expected: Mapping[str, int] | None = None,
        act: ActKey | None = None,
    ) -> tuple[Record, ...]:
        """Append events to one stream, all or none, durable on return.

        Facts are appended always; a decision names the version of every stream that it read.

        Args:
            stream: Where they go.
            events: At least one.
            time: With zone UTC.
            actor: Who says so.
            is_simulated: Whether the bench is pretended.
            expected: Version of every stream that the decision read; None for facts.
            act: Whose act this is; its key is kept in the same transaction.

        Raises:
            ActRepeated: The act was done before; nothing was appended.
            VersionConflict: A stream has moved on since it was read; nothing was appended.
            LogError: It could not be made durable; nothing was appended.
        """
        ...

    def read(
        self, *, after_seq: int = 0, stream: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        """Yield records in order of seq.

        Args:
            after_seq: Only records after this one.
            stream: Only this stream.
            limit: At most so many.

        Raises:
            LogCorrupt: A record cannot be read.
        """
        ...

    def last_seq(self) -> int:
        """Return the seq of the last record, 0 for an empty log; cheap enough to poll."""
        ...

    def version(self, stream: str) -> int:
        """Return the number of records of a stream."""
        ...

    def verify(self, on_progress: Callable[[int], None] | None = None) -> Verification:
        """Recompute the hash of every record and compare the chain.

        Args:
            on_progress: Told now and then how many records were checked.
        """
        ...

    def projection(
        self, table: str, *, where: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return rows of a projection table, in the order in which they first came.

        Args:
            table: ``campaign``, ``experiment`` or ``job`` (`orchestrator.log.tables.TABLES`).
            where: Only rows whose columns have these values.

        Raises:
            ValueError: There is no such table or column.
        """
        ...

    def rebuild_projections(self) -> None:
        """Empty the projection tables and fill them again from the records."""
        ...

    def close(self) -> None:
        """Let go of the store; closing twice does nothing."""
        ...


def last_hash(log: EventLog) -> str:
    """Return the hash of the last record, which stands for the whole log; empty for none."""
    last = log.last_seq()
    return next((record.hash for record in log.read(after_seq=last - 1, limit=1)), "")

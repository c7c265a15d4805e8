"""A log in memory, for tests and for what need not outlive the process."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import RLock

from orchestrator.core.events import Event
from orchestrator.errors import ActRepeated, LogError, VersionConflict
from orchestrator.log import audit
from orchestrator.log.chain import StoredRecord, next_records, record_from_stored
from orchestrator.log.event_log import Record, Verification
from orchestrator.log.kept_acts import ActKey, KeptAct
from orchestrator.log.projections import project
from orchestrator.log.side_tables import Heartbeat, TelemetrySample
from orchestrator.log.snapshots import Snapshot
from orchestrator.log.tables import TABLES, Cell, Row, table_for

__all__ = ["MemoryLog", "MemoryRows"]


class MemoryRows:
    """The projection tables as dictionaries; a change may be tried before it is kept."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple[Cell, ...], Row]] = {name: {} for name in TABLES}

    def row(self, table: str, key: tuple[Cell, ...]) -> Row | None:
        """Return a copy of one row, or None."""
        found = self.tables[table].get(key)
        return None if found is None else dict(found)

    def matching(self, table: str, where: Mapping[str, object]) -> list[Row]:
        """Return copies of the rows whose columns have these values, in order."""
        rows = self.tables[table].values()
        return [dict(row) for row in rows if all(row[name] == where[name] for name in where)]

    def apply(self, record: Record) -> None:
        """Change the tables as a record wants it."""
        for change in project(record, self):
            key = TABLES[change.table].key_of(change.row)
            self.tables[change.table][key] = change.row


class _MemorySideTables:
    """`SideTables` in memory, and whether they are still open."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._heartbeats: dict[str, Heartbeat] = {}
        self._telemetry: list[TelemetrySample] = []
        self._snapshots: dict[str, Snapshot] = {}
        self._acts: dict[str, KeptAct] = {}
        self._is_closed = False

    def beat(self, name: str, *, pid: int, host: str, time: datetime) -> None:
        """Record a sign of life; only the last one of each name is kept."""
        with self._open():
            self._heartbeats[name] = Heartbeat(name, pid, host, time)

    def heartbeats(self) -> tuple[Heartbeat, ...]:
        """Return the last sign of life of everyone, by name."""
        with self._open():
            return tuple(self._heartbeats[name] for name in sorted(self._heartbeats))

    def append_telemetry(self, samples: Sequence[TelemetrySample]) -> None:
        """Keep some samples, all or none."""
        with self._open():
            self._telemetry.extend(samples)

    def telemetry(
        self, instrument: str, *, since: datetime, until: datetime
    ) -> tuple[TelemetrySample, ...]:
        """Return an instrument's samples in order of time, both ends included."""
        with self._open():
            chosen = [
                sample
                for sample in self._telemetry
                if sample.instrument == instrument and since <= sample.time <= until
            ]
        return tuple(sorted(chosen, key=lambda sample: sample.time))

    def snapshot(self, key: str) -> Snapshot | None:
        """Return what is kept under a key, or None."""
        with self._open():
            return self._snapshots.get(key)

    def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep some, in place of what their keys had."""
        with self._open():
            self._snapshots.update((snapshot.key, snapshot) for snapshot in snapshots)

    def kept_act(self, key: str) -> KeptAct | None:
        """Return what is kept under a key, or None."""
        with self._open():
            return self._acts.get(key)

    def _keep_act(self, act: ActKey, seq: int, time: datetime) -> None:
        self._acts[act.key] = KeptAct(act.key, act.actor, act.request, seq, time)

    def _refuse_repeated(self, act: ActKey | None) -> None:
        """Refuse an act that was done before.

        Raises:
            ActRepeated: It was.
        """
        kept = None if act is None else self._acts.get(act.key)
        if kept is not None:
            raise ActRepeated(kept.key, seq=kept.seq, request=kept.request)

    def close(self) -> None:
        """Let go of everything; closing twice does nothing."""
        self._is_closed = True

    def _open(self) -> RLock:
        if self._is_closed:
            raise LogError("the log is closed")
        return self._lock


class MemoryLog(_MemorySideTables):
    """An `EventLog` with `SideTables` in memory; threads may share it."""

    def __init__(self) -> None:
        super().__init__()
        self._stored: list[StoredRecord] = []
        self._versions: Counter[str] = Counter()
        self._rows = MemoryRows()

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
        """Append events to one stream, all or none."""
        with self._open():
            self._refuse_repeated(act)
            for name, version in (expected or {}).items():
                if self._versions[name] != version:
                    raise VersionConflict(name, expected=version, found=self._versions[name])
            stored = next_records(
                stream,
                events,
                time=time,
                actor=actor,
                is_simulated=is_simulated,
                last=self._stored[-1] if self._stored else None,
                version=self._versions[stream],
            )
            records = tuple(record_from_stored(record) for record in stored)
            for record in records:
                self._rows.apply(record)
            self._stored.extend(stored)
            self._versions[stream] += len(stored)
            if act is not None:
                self._keep_act(act, len(self._stored), time)
            return records

    def keep_act(self, act: ActKey, *, time: datetime) -> None:
        """Keep the key of an act that appends nothing."""
        with self._open():
            self._refuse_repeated(act)
            self._keep_act(act, len(self._stored), time)

    def read(
        self, *, after_seq: int = 0, stream: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        """Yield records in order of seq."""
        with self._open():
            later = self._stored[max(after_seq, 0) :]
        chosen = [record for record in later if stream in (None, record.stream)]
        for record in chosen[:limit]:
            yield record_from_stored(record)

    def stored(self) -> Iterator[StoredRecord]:
        """Yield all records in order of seq, unread."""
        with self._open():
            everything = list(self._stored)
        yield from everything

    def last_seq(self) -> int:
        """Return the seq of the last record, 0 for an empty log."""
        with self._open():
            return len(self._stored)

    def version(self, stream: str) -> int:
        """Return the number of records of a stream."""
        with self._open():
            return self._versions[stream]

    def verify(self, on_progress: Callable[[int], None] | None = None) -> Verification:
        """Recompute the hash of every record and compare the chain."""
        return audit.verify(self, on_progress)

    def projection(
        self, table: str, *, where: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return rows of a projection table, in the order in which they first came."""
        shape = table_for(table, where or {})
        with self._open():
            return [shape.shown(row) for row in self._rows.matching(table, where or {})]

    def rebuild_projections(self) -> None:
        """Empty the projection tables and fill them again from the records."""
        with self._open():
            rows = MemoryRows()
            for stored in self._stored:
                rows.apply(record_from_stored(stored))
            self._rows = rows

"""The record as it is stored, and the hash that ties it to the one before; no storage here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final

from orchestrator.core.events import Event
from orchestrator.errors import LogCorrupt, LogTooNew
from orchestrator.log.event_log import Record
from orchestrator.log.wire_format import canonical_json, event_from_payload, payload_from_event

__all__ = [
    "GENESIS_HASH",
    "StoredRecord",
    "line_from_stored",
    "next_records",
    "record_from_stored",
    "stored_from_line",
    "text_from_time",
    "time_from_text",
]

GENESIS_HASH: Final = "0" * 64
"""What stands before the first record."""

_DOMAIN: Final = b"athanor-record-1"
"""First field of every hash: another way of hashing gets another name."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as it lies in the store: texts and bytes, not yet read."""

    seq: int
    stream: str
    version: int
    time: str
    """UTC with microseconds, as ISO 8601."""
    actor: str
    is_simulated: bool
    payload: bytes
    """The event in canonical JSON."""
    previous_hash: str
    hash: str

    def digest(self) -> str:
        """Return the SHA-256 of everything but `hash`, as hexadecimal digits.

        Every field carries its length, so that no two records share the hashed bytes.
        """
        fields = (
            _DOMAIN,
            self.previous_hash.encode(),
            b"%d" % self.seq,
            self.stream.encode(),
            b"%d" % self.version,
            self.time.encode(),
            self.actor.encode(),
            b"%d" % self.is_simulated,
            self.payload,
        )
        return hashlib.sha256(
            b"".join(b"%d:%b" % (len(field), field) for field in fields)
        ).hexdigest()


def text_from_time(time: datetime) -> str:
    """Return a time in the one form in which the log holds it.

    Raises:
        ValueError: The time has no zone.

    Example:
        >>> text_from_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        '2026-01-02T03:04:05.000000+00:00'
    """
    if time.utcoffset() is None:
        raise ValueError(f"got the time {time.isoformat()} without a zone, expected UTC")
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def time_from_text(text: str) -> datetime:
    """Read a time of the log.

    Raises:
        ValueError: It is not in the one form.
    """
    time = datetime.fromisoformat(text)
    if text_from_time(time) != text:
        raise ValueError(f"got the time {text!r}, expected ISO 8601 in UTC with microseconds")
    return time


def next_records(
    stream: str,
    events: Sequence[Event],
    *,
    time: datetime,
    actor: str,
    is_simulated: bool,
    last: StoredRecord | None,
    version: int,
) -> tuple[StoredRecord, ...]:
    """Return the records that follow in a log.

    Args:
        stream: Where they go; not empty.
        events: At least one.
        time: With a zone.
        actor: Who says so; not empty.
        is_simulated: Whether the bench is pretended.
        last: The last record of the whole log; None for an empty one.
        version: Number of records that the stream has.

    Raises:
        ValueError: No events, no stream, no actor, or a time without a zone.
        LogError: An event holds something that JSON cannot say.
    """
    if not (events and stream and actor):
        raise ValueError(f"no events, stream or actor: {len(events)}, {stream!r}, {actor!r}")
    text = text_from_time(time)
    seq, previous = (0, GENESIS_HASH) if last is None else (last.seq, last.hash)
    records: list[StoredRecord] = []
    for number, event in enumerate(events, start=1):
        payload = payload_from_event(event)
        bare = StoredRecord(
            seq=seq + number,
            stream=stream,
            version=version + number,
            time=text,
            actor=actor,
            is_simulated=is_simulated,
            payload=payload,
            previous_hash=previous,
            hash="",
        )
        previous = bare.digest()
        records.append(replace(bare, hash=previous))
    return tuple(records)


def record_from_stored(stored: StoredRecord) -> Record:
    """Read a stored record; what no longer fits its own hash is not read.

    Raises:
        LogCorrupt: It was changed, or it is not an event.
        LogTooNew: A later Athanor wrote it.
    """
    if stored.digest() != stored.hash:
        raise LogCorrupt(f"record {stored.seq}: its content does not fit its hash")
    try:
        event = event_from_payload(stored.payload)
        time = time_from_text(stored.time)
    except LogTooNew as error:
        raise LogTooNew(f"record {stored.seq}: {error}") from error
    except (LogCorrupt, ValueError) as error:
        raise LogCorrupt(f"record {stored.seq}: {error}") from error
    return Record(
        seq=stored.seq,
        stream=stored.stream,
        version=stored.version,
        time=time,
        actor=stored.actor,
        is_simulated=stored.is_simulated,
        event=event,
        previous_hash=stored.previous_hash,
        hash=stored.hash,
    )


def line_from_stored(stored: StoredRecord) -> str:
    """Return a record as one line of JSON, for a file that outlives any database."""
    fields = {**asdict(stored), "payload": json.loads(stored.payload)}
    return canonical_json(fields).decode()


def stored_from_line(line: str) -> StoredRecord:
    """Read a line that `line_from_stored` wrote.

    Raises:
        LogCorrupt: It is not such a line.
    """
    try:
        fields = json.loads(line)
        return StoredRecord(**{**fields, "payload": canonical_json(fields["payload"])})
    except (ValueError, KeyError, TypeError) as error:
        raise LogCorrupt(f"not a line of a log: {error}") from error

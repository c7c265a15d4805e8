"""Checks the whole chain of a log, record by record; nothing is repaired here.

The chain shows that a record was changed, lost or put in. By itself it cannot show that the newest
records were cut off, or that somebody wrote it all anew: against those, keep a hash elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from orchestrator.errors import LogCorrupt
from orchestrator.log.chain import GENESIS_HASH, StoredRecord
from orchestrator.log.event_log import Verification

__all__ = ["StoredLog", "verify"]

_TELL_EVERY: Final = 5000


class StoredLog(Protocol):
    """A log that can show its records as they lie in the store."""

    def stored(self) -> Iterator[StoredRecord]:
        """Yield all records in order of seq, unread.

        Raises:
            LogCorrupt: The store cannot be read any further.
        """
        ...


def verify(log: StoredLog, on_progress: Callable[[int], None] | None = None) -> Verification:
    """Recompute the hash of every record and compare the chain.

    Args:
        log: Which.
        on_progress: Told now and then how many records were checked.

    Returns:
        The place and the reason of the first record that is not what it was; nothing is said
        about the records after it.

    Raises:
        LogError: The log cannot be opened at all.
    """
    n_records = 0
    previous = GENESIS_HASH
    versions: Counter[str] = Counter()
    try:
        for record in log.stored():
            versions[record.stream] += 1
            wrong = _difference(record, n_records + 1, versions[record.stream], previous)
            if wrong:
                return Verification(n_records, n_records + 1, wrong, previous)
            n_records += 1
            previous = record.hash
            if on_progress is not None and n_records % _TELL_EVERY == 0:
                on_progress(n_records)
    except LogCorrupt as error:
        return Verification(n_records, n_records + 1, str(error), previous)
    return Verification(n_records, None, "", previous)


def _difference(record: StoredRecord, seq: int, version: int, previous: str) -> str:
    if record.seq != seq:
        return f"got seq {record.seq}, expected {seq}: a record is missing"
    if record.version != version:
        return f"got version {record.version} of stream {record.stream!r}, expected {version}"
    if record.previous_hash != previous:
        return "it does not name the hash of the record before"
    if record.digest() != record.hash:
        return "its content does not fit its hash"
    return ""

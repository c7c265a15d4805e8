"""Checks the whole chain of a log, record by record; nothing is repaired here.

The chain shows that a record was changed, lost or put in. By itself it cannot show that the newest
records were cut off, or that somebody wrote it all anew: against those, keep a hash elsewhere.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from orchestrator.errors import LogCorrupt
from orchestrator.log.chain import GENESIS_HASH, StoredRecord
from orchestrator.log.event_log import Verification

__all__ = ["StoredLog", "verify"]


class StoredLog(Protocol):
    """A log that can show its records as they lie in the store."""

    def stored(self) -> Iterator[StoredRecord]:
        """Yield all records in order of seq, unread.

        Raises:
            LogCorrupt: The store cannot be read any further.
        """
        ...


def verify(log: StoredLog) -> Verification:
    """Recompute the hash of every record and compare the chain.

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

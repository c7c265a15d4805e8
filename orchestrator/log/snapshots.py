"""Folded states kept beside the log, so that a long stream need not be read from its beginning.

A snapshot is a cache: it may be deleted at any time, and one that does not fit is not used. It
stands at one record and names its hash; the chain makes that stand for all records before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Snapshot", "Snapshots"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state, or a part of one, as text."""

    key: str
    """The stream's name; with a part's name after ``#``."""
    seq: int
    """The record that it stands at."""
    hash: str
    """Of that record."""
    form: str
    """What code folded it; another code's is not used."""
    body: bytes


class Snapshots(Protocol):
    """A store of snapshots, one for each key."""

    def snapshot(self, key: str) -> Snapshot | None:
        """Return what is kept under a key, or None.

        Raises:
            LogCorrupt: It is damaged.
        """
        ...

    def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep some, all or none, in place of what their keys had.

        Raises:
            LogError: They could not be kept.
        """
        ...

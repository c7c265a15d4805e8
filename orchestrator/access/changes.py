"""Changes of accounts, tokens and webhooks, kept with them until the laboratory's log knows.

What is changed and that it was changed are kept in one transaction: a log whose disk is full hides
no change, it only hears of it later.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import apsw

from orchestrator.access.store import AccessStore, text_of

__all__ = ["AccessChange", "ChangeTrail"]

_MOST_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Something that somebody changed."""

    change_id: int
    """Counted from 1."""
    time: datetime
    by: str
    what: str
    """``account made``, ``token revoked``…"""
    about: str
    """The account, the token's number and label, or the webhook's number; never a secret."""


class ChangeTrail(AccessStore):
    """The part of the file of accounts that says what was changed."""

    def untold(self) -> tuple[AccessChange, ...]:
        """Return what the laboratory's log has not been told of, the oldest first."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT change_id, time, by, what, about FROM change WHERE NOT is_told"
                " ORDER BY change_id LIMIT ?",
                (_MOST_AT_ONCE,),
            )
            return tuple(
                AccessChange(number, datetime.fromisoformat(time), by, what, about)
                for number, time, by, what, about in rows
            )

    def note_change_told(self, change_id: int) -> None:
        """Write down that the log knows of a change.

        Args:
            change_id: Which.
        """
        with self._write() as connection:
            connection.execute("UPDATE change SET is_told = 1 WHERE change_id = ?", (change_id,))

    @staticmethod
    def _note(
        connection: apsw.Connection, time: datetime, *, by: str, what: str, about: str
    ) -> None:
        """Keep a change, in the transaction that makes it."""
        connection.execute(
            "INSERT INTO change (time, by, what, about) VALUES (?, ?, ?, ?)",
            (text_of(time), by, what, about),
        )

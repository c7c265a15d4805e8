"""Transactions of SQLite whose errors are the first ones, not those of their own ending.

SQLite may end a transaction by itself, on a full disk for one. apsw's ``with connection`` then
fails to roll back, and says that instead of what was the matter.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw

__all__ = ["NOT_NOW", "all_or_nothing", "at_one_moment"]

NOT_NOW: Final = (
    apsw.BusyError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
)
"""What SQLite says when a later attempt may do."""


@contextmanager
def all_or_nothing(connection: apsw.Connection) -> Iterator[None]:
    """Hold the write lock; commit at the end, roll back at any error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def at_one_moment(connection: apsw.Connection) -> Iterator[None]:
    """Let everything be read as it is at one moment, also within a transaction."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")

"""A log that an earlier Athanor laid out gets the layout of today, in one transaction."""

from typing import Final

import apsw

from orchestrator.errors import LogCorrupt
from orchestrator.log.chain import record_from_stored
from orchestrator.log.sql_rows import SqlRows, select_stored
from orchestrator.log.sql_schema import LAYOUT, PROJECTION_DDL, SECOND_DDL, THIRD_DDL
from orchestrator.log.tables import TABLES
from orchestrator.log.transactions import all_or_nothing

__all__ = ["fill_projections", "renew_layout"]

_PAGE: Final = 1000
"""How many records are read at once."""


def renew_layout(connection: apsw.Connection) -> None:
    """Change the tables beside the records, if the file is of an earlier layout.

    No record is touched; the projections are made anew from the records.

    Args:
        connection: To a log that is not of a later layout, without an open transaction.

    Raises:
        LogCorrupt: A record cannot be read; nothing was changed.
        LogTooNew: A record is of a kind or schema that is not known yet; nothing was changed.
    """
    if connection.pragma("user_version") == LAYOUT:
        return
    with all_or_nothing(connection):
        layout = connection.pragma("user_version")
        if layout != LAYOUT:
            for table in TABLES:
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(_missing(layout) + PROJECTION_DDL)
            fill_projections(connection)
            connection.pragma("user_version", LAYOUT)


def _missing(layout: int) -> str:
    """Return the statements that make the tables beside the projections what they are today."""
    return (SECOND_DDL if layout < 2 else "") + (THIRD_DDL if layout < 3 else "")


def fill_projections(connection: apsw.Connection) -> None:
    """Empty the projection tables and fill them from the records, in the open transaction.

    Raises:
        LogCorrupt: A record cannot be read.
        LogTooNew: A record is of a kind or schema that is not known yet.
    """
    rows = SqlRows(connection)
    rows.empty()
    last = 0
    while page := select_stored(connection, after_seq=last, stream=None, limit=_PAGE):
        for stored in page:
            if isinstance(stored, LogCorrupt):
                raise stored
            rows.apply(record_from_stored(stored))
            last = stored.seq

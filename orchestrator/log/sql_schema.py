"""The tables of a log in SQLite, and how a file is known to be one; no query lives here.

The store itself refuses what a log may not do: a record that is not the next one of its log and of
its stream, a changed record, a removed record.
"""

from typing import Final

import apsw

from orchestrator.errors import LogCorrupt, LogError, LogTooNew
from orchestrator.log.transactions import all_or_nothing, at_one_moment

__all__ = [
    "APPLICATION_ID",
    "LAYOUT",
    "PROJECTION_DDL",
    "RECORD_DDL",
    "SECOND_DDL",
    "THIRD_DDL",
    "holds_log",
    "lay_out",
    "refuse_unsound_sqlite",
    "require_log",
    "schema_of",
    "schema_wanted",
]

APPLICATION_ID: Final = int.from_bytes(b"Athn")
"""Stands in the header of every log file: SQLite's ``application_id``."""

LAYOUT: Final = 4
"""Number of the tables' layout: SQLite's ``user_version``; `sql_renewal` brings a file there."""

_SOUND_SQLITE: Final = (3, 51, 3)
"""Older ones may corrupt a write-ahead log under several connections (sqlite.org/wal.html)."""

RECORD_DDL: Final = """
CREATE TABLE record (
    seq INTEGER PRIMARY KEY CHECK (seq >= 1),
    stream TEXT NOT NULL CHECK (length(stream) >= 1),
    version INTEGER NOT NULL CHECK (version >= 1),
    time TEXT NOT NULL CHECK (length(time) = 32),
    actor TEXT NOT NULL CHECK (length(actor) >= 1),
    is_simulated INTEGER NOT NULL CHECK (is_simulated IN (0, 1)),
    payload TEXT NOT NULL CHECK (length(payload) >= 2),
    previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    UNIQUE (stream, version)
) STRICT;
CREATE INDEX record_by_stream ON record (stream, seq);
CREATE TRIGGER record_follows BEFORE INSERT ON record
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM record)
    OR NEW.version IS NOT
        (SELECT coalesce(max(version), 0) + 1 FROM record WHERE stream = NEW.stream)
    OR NEW.previous_hash IS NOT
        coalesce((SELECT hash FROM record ORDER BY seq DESC LIMIT 1), printf('%064d', 0))
BEGIN SELECT raise(ABORT, 'not the next record of the log'); END;
CREATE TRIGGER record_stays BEFORE UPDATE ON record
BEGIN SELECT raise(ABORT, 'a record is never changed'); END;
CREATE TRIGGER record_remains BEFORE DELETE ON record
BEGIN SELECT raise(ABORT, 'a record is never removed'); END;
CREATE TABLE heartbeat (
    name TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    real_time TEXT NOT NULL
) STRICT;
CREATE TABLE telemetry (
    instrument TEXT NOT NULL,
    time TEXT NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL
) STRICT;
CREATE INDEX telemetry_by_time ON telemetry (instrument, time);
"""
"""The records, and the two side tables, as layout 1 had them."""

SECOND_DDL: Final = """
ALTER TABLE heartbeat ADD COLUMN digest INTEGER;
ALTER TABLE telemetry ADD COLUMN digest INTEGER;
CREATE TABLE snapshot (
    stream TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    form TEXT NOT NULL,
    body BLOB NOT NULL,
    digest INTEGER NOT NULL
) STRICT;
"""
"""What layout 2 added: a checksum to each row beside the log, and states to begin folding from.

A file of layout 1 is changed by the same statements, so that all have one schema, to the letter.
"""

THIRD_DDL: Final = """
CREATE TABLE act (
    key TEXT PRIMARY KEY,
    actor TEXT NOT NULL,
    request TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time TEXT NOT NULL,
    digest INTEGER NOT NULL
) STRICT;
"""
"""What layout 3 added: the keys of people's acts, so that one asked for twice is done once."""

PROJECTION_DDL: Final = """
CREATE TABLE campaign (
    campaign_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    seed INTEGER NOT NULL,
    is_simulated INTEGER NOT NULL CHECK (is_simulated IN (0, 1)),
    opened_time TEXT NOT NULL,
    last_time TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    n_candidates INTEGER NOT NULL,
    n_experiments_started INTEGER NOT NULL,
    n_observed INTEGER NOT NULL,
    n_failed INTEGER NOT NULL,
    n_in_doubt INTEGER NOT NULL,
    cost_usd REAL NOT NULL,
    engine_epoch INTEGER NOT NULL,
    shelf TEXT NOT NULL
) STRICT;
CREATE TABLE experiment (
    campaign_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('search', 'reference')),
    state TEXT NOT NULL,
    started_time TEXT NOT NULL,
    ended_time TEXT,
    cost_usd REAL NOT NULL,
    n_jobs INTEGER NOT NULL,
    point TEXT NOT NULL,
    predictions TEXT NOT NULL,
    made TEXT,
    "values" TEXT,
    sds TEXT,
    computed TEXT,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    is_retracted INTEGER NOT NULL CHECK (is_retracted IN (0, 1)),
    correction TEXT NOT NULL,
    corrected_by TEXT NOT NULL,
    PRIMARY KEY (campaign_id, experiment_id)
) STRICT;
CREATE TABLE job (
    campaign_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    instrument TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    started_time TEXT,
    ended_time TEXT,
    error TEXT NOT NULL,
    evidence TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (campaign_id, job_id)
) STRICT;
CREATE TABLE candidate (
    campaign_id TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    proposal INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'approved', 'edited', 'rejected', 'started')),
    point TEXT NOT NULL,
    proposed TEXT NOT NULL,
    predictions TEXT NOT NULL,
    is_out_of_distribution INTEGER CHECK (is_out_of_distribution IN (0, 1)),
    judged_by TEXT NOT NULL,
    judged_time TEXT,
    reason TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    PRIMARY KEY (campaign_id, candidate_id)
) STRICT;
CREATE TABLE stock_lot (
    shelf TEXT NOT NULL,
    stock TEXT NOT NULL,
    lot TEXT NOT NULL,
    unit TEXT NOT NULL CHECK (unit IN ('ml', 'g')),
    amount INTEGER NOT NULL,
    consumed INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    n_counts INTEGER NOT NULL,
    purity REAL,
    expires TEXT,
    is_discarded INTEGER NOT NULL CHECK (is_discarded IN (0, 1)),
    received_time TEXT NOT NULL,
    changed_time TEXT NOT NULL,
    PRIMARY KEY (shelf, stock, lot)
) STRICT;
CREATE TABLE stock_holding (
    campaign_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    shelf TEXT NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    reserved TEXT NOT NULL,
    drawn TEXT NOT NULL,
    returned TEXT NOT NULL,
    PRIMARY KEY (campaign_id, experiment_id)
) STRICT;
CREATE INDEX stock_holding_by_state ON stock_holding (campaign_id, is_open);
CREATE INDEX candidate_by_point ON candidate (campaign_id, point);
CREATE INDEX job_by_experiment ON job (campaign_id, experiment_id);
"""
"""The projection tables of `orchestrator.log.tables`, in the same order of columns."""


def refuse_unsound_sqlite(version: str) -> None:
    """Refuse a SQLite that may corrupt a log.

    Args:
        version: As `apsw.sqlite_lib_version` gives it.

    Raises:
        LogError: It is too old.

    Example:
        >>> refuse_unsound_sqlite("3.51.3")
    """
    if tuple(int(part) for part in version.split(".")) < _SOUND_SQLITE:
        wanted = ".".join(str(part) for part in _SOUND_SQLITE)
        raise LogError(f"got SQLite {version} inside apsw, expected {wanted} or later")


def holds_log(connection: apsw.Connection) -> bool:
    """Return whether the file is a log; False if nothing is in it yet.

    Raises:
        LogError: It is another program's file.
        LogTooNew: A later Athanor laid it out.
        LogCorrupt: Its layout number is none that was ever used.
    """
    with at_one_moment(connection):
        application_id = connection.pragma("application_id")
        layout = connection.pragma("user_version")
        n_tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if (application_id, layout, n_tables) == (0, 0, 0):
        return False
    if application_id != APPLICATION_ID:
        raise LogError(f"not a log of Athanor (its application_id is {application_id})")
    if not isinstance(layout, int) or layout < 1:
        raise LogCorrupt(f"got the layout {layout}, expected 1 to {LAYOUT}")
    if layout > LAYOUT:
        raise LogTooNew(f"got the layout {layout}, this Athanor reads up to {LAYOUT}")
    return True


def require_log(connection: apsw.Connection) -> None:
    """Refuse a file that is not a log.

    Raises:
        LogError: Nothing is in it, or as `holds_log` says.
    """
    if not holds_log(connection):
        raise LogError("there is no log in it")


def lay_out(connection: apsw.Connection) -> None:
    """Make an empty file a log, unless somebody else did it just now.

    Raises:
        LogError: As `holds_log` says.
    """
    if holds_log(connection):
        return
    with all_or_nothing(connection):
        if not holds_log(connection):
            connection.execute(RECORD_DDL + SECOND_DDL + THIRD_DDL + PROJECTION_DDL)
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", LAYOUT)


def schema_of(connection: apsw.Connection) -> list[tuple[object, ...]]:
    """Return what a file says of its tables, indices and triggers, in order of their names."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    return list(connection.execute(query))


def schema_wanted() -> list[tuple[object, ...]]:
    """Return what `schema_of` says of a sound log."""
    connection = apsw.Connection(":memory:")
    try:
        lay_out(connection)
        return schema_of(connection)
    finally:
        connection.close()

"""The keys of people's acts in a SQLite log: read and written within its transactions."""

from datetime import datetime

import apsw

from orchestrator.errors import ActRepeated, LogCorrupt
from orchestrator.log.chain import text_from_time, time_from_text
from orchestrator.log.kept_acts import ActKey, KeptAct
from orchestrator.log.row_digest import row_digest

__all__ = ["insert_act", "refuse_repeated", "select_act"]


def select_act(connection: apsw.Connection, key: str) -> KeptAct | None:
    """Return what is kept under a key, or None.

    Raises:
        LogCorrupt: Its row is not what it was.
    """
    query = "SELECT key, actor, request, seq, time, digest FROM act WHERE key = ?"
    row = connection.execute(query, (key,)).fetchone()
    if row is None:
        return None
    *values, digest = row
    if row_digest(values) != digest:
        raise LogCorrupt(f"the act {key} does not fit its checksum")
    kept_key, actor, request, seq, time = values
    return KeptAct(kept_key, actor, request, seq, time_from_text(time))


def refuse_repeated(connection: apsw.Connection, act: ActKey | None) -> None:
    """Refuse an act that was done before.

    Args:
        connection: Holding the write lock.
        act: None is nobody's act, and never refused.

    Raises:
        ActRepeated: It was done.
    """
    kept = None if act is None else select_act(connection, act.key)
    if kept is not None:
        raise ActRepeated(kept.key, seq=kept.seq, request=kept.request)


def insert_act(connection: apsw.Connection, act: ActKey | None, time: datetime) -> None:
    """Keep an act, with the seq of the last record that stands in the log now.

    Args:
        connection: Holding the write lock.
        act: None keeps nothing.
        time: With zone UTC.
    """
    if act is None:
        return
    seq = connection.execute("SELECT coalesce(max(seq), 0) FROM record").get
    row = (act.key, act.actor, act.request, seq, text_from_time(time))
    connection.execute(
        "INSERT INTO act (key, actor, request, seq, time, digest) VALUES (?, ?, ?, ?, ?, ?)",
        (*row, row_digest(row)),
    )

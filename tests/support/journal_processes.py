"""What another process does to a station's journal; started by `multiprocessing` with spawn."""

from multiprocessing.connection import Connection
from pathlib import Path

from orchestrator.log.sqlite_station_journal import SqliteStationJournal

__all__ = ["take_orders_until_killed"]


def take_orders_until_killed(path: Path, answer: Connection) -> None:
    """Take orders for ever, saying after each step what is safe, until somebody kills it."""
    journal = SqliteStationJournal(path)
    number = journal.epoch("count")
    answer.send(("ready", number))
    while True:
        number += 1
        key = f"c/E{number}#1"
        journal.keep_epoch("count", number)
        answer.send(("epoch", number))
        journal.accept(key, "{}", "pump")
        answer.send(("accepted", number))
        journal.note_act(key, f"note {number}")
        answer.send(("acting", number))
        journal.end(key, '{"kind":"done"}')
        answer.send(("ended", number))

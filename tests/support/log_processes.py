"""What other processes do to a log in its tests; started by `multiprocessing` with spawn."""

from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from orchestrator.core.events import JobFinished, JobStarted
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_events import MORNING, STREAM, append, opened

__all__ = ["append_and_acknowledge", "append_many", "follow"]


def append_many(path: Path, actor: str, n_appends: int, gate: Barrier) -> None:
    """Append so many pairs of facts to one stream, as one of several that open the log at once."""
    gate.wait(60)
    log = open_sqlite_log(path)
    for number in range(n_appends):
        events = [
            JobStarted(job_id=f"{actor}/{number}", attempt=1, epoch=1),
            JobFinished(job_id=f"{actor}/{number}"),
        ]
        log.append("shared", events, time=MORNING, actor=actor, is_simulated=True)
    log.close()


def follow(path: Path, until_seq: int, answer: Connection) -> None:
    """Read a log as it grows and send back every seq that was seen, in order."""
    log = open_sqlite_log(path)
    seen: list[int] = []
    answer.send("ready")
    while not seen or seen[-1] < until_seq:
        seen.extend(record.seq for record in log.read(after_seq=seen[-1] if seen else 0))
    answer.send(seen)
    log.close()


def append_and_acknowledge(path: Path, answer: Connection) -> None:
    """Append for ever, saying after each append which hash is safe, until somebody kills it."""
    log = open_sqlite_log(path)
    if not log.last_seq():
        answer.send(append(log, opened(), stream=STREAM)[-1].hash)
    while True:
        number = log.last_seq()
        start = JobStarted(job_id=f"E/{number}", attempt=1, epoch=1)
        done = JobFinished(job_id=f"E/{number}")
        answer.send(append(log, start, done, stream=STREAM)[-1].hash)

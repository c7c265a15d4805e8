"""Writes a sample log of today's schema as lines of JSON, into the file that it is given.

A sample once committed is never made again: it stands for the logs that are out there.
"""

import sys
from pathlib import Path

from orchestrator.log.chain import line_from_stored
from orchestrator.log.memory_log import MemoryLog
from tests.support.recorded_events import STREAM, append, events_of_every_kind, life

__all__ = ["sample_lines"]


def sample_lines() -> list[str]:
    """Return the lines of a log with the life of a campaign and one event of every kind."""
    log = MemoryLog()
    for minute, event in enumerate(life()):
        append(log, event, stream=STREAM, minute=minute)
    append(log, *events_of_every_kind(), minute=60)
    return [line_from_stored(stored) for stored in log.stored()]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("".join(f"{line}\n" for line in sample_lines()), encoding="utf-8")

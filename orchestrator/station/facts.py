"""What happens to the laboratory, on its way into the log; acting never waits for it.

Facts that the database does not take are kept in memory and tried again; those that are left when
the process ends go to a file beside the journal, where the next station finds them.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from drivers.clock import SystemClock
from orchestrator.core.events import LAB_STREAM
from orchestrator.core.lab_events import LabEvent
from orchestrator.core.point import Fact
from orchestrator.errors import IllegalTransition, LogError, VersionConflict
from orchestrator.log.recovered import recovered_lab
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log

__all__ = ["FactWriter", "KeptFact", "append_to_file", "facts_in_file"]

logger = logging.getLogger(__name__)

RETRY_S: Final = 1.0
"""How long to wait before a fact is tried again, in real seconds."""


class KeptFact(Fact):
    """One fact that is on its way."""

    time: datetime
    actor: str
    event: Annotated[LabEvent, Field(discriminator="kind")]


def append_to_file(path: Path, facts: Sequence[KeptFact]) -> None:
    """Put facts at the end of a file, durably.

    Raises:
        OSError: The file cannot be written.
    """
    with path.open("ab") as file:
        file.write(b"".join(fact.model_dump_json().encode() + b"\n" for fact in facts))
        file.flush()
        os.fsync(file.fileno())


def facts_in_file(path: Path) -> list[KeptFact]:
    """Return the facts of a file, none if it is not there; a torn last line is left out.

    Raises:
        OSError: It is there and cannot be read.
    """
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(KeptFact.model_validate_json(line))
        except ValidationError:
            logger.warning("%s: a line of %d bytes is no fact", path, len(line))
    return found


class FactWriter:
    """Appends facts to the laboratory's stream from a thread of its own.

    Args:
        database: The log's file; made if it is not there.
        kept: The file for facts that are left at the end; what stands there is appended first.
        is_simulated: Whether the rig's lines lead to simulators.
        speed: Of the station's time; facts carry the laboratory's time of day.
    """

    def __init__(
        self, database: Path, kept: Path, *, is_simulated: bool, speed: float = 1.0
    ) -> None:
        self._database = database
        self._kept = kept
        self._is_simulated = is_simulated
        self._clock = SystemClock(speed)
        self._facts: deque[KeptFact] = deque(facts_in_file(kept))
        self._n_from_file = len(self._facts)
        self._bell = threading.Event()
        self._is_closing = threading.Event()
        self._is_in_trouble = False
        self._thread = threading.Thread(target=self._work, name="facts", daemon=True)

    @property
    def n_waiting(self) -> int:
        """How many facts the database has not taken yet."""
        return len(self._facts)

    @property
    def is_in_trouble(self) -> bool:
        """Whether the last attempt at the database failed."""
        return self._is_in_trouble

    def start(self) -> None:
        """Begin to append."""
        self._thread.start()
        self._bell.set()

    def put(self, event: LabEvent, actor: str = "station") -> None:
        """Have a fact appended; returns at once.

        Args:
            event: What happened, now.
            actor: Who did it or says so.
        """
        self._facts.append(KeptFact(time=self._clock.now(), actor=actor, event=event))
        self._bell.set()

    def close(self, timeout_s: float) -> None:
        """Append what is left; what the database does not take goes to the file.

        Args:
            timeout_s: How long the database is waited for, in real seconds.
        """
        self._is_closing.set()
        self._bell.set()
        self._thread.join(timeout_s)
        left = list(self._facts)
        if not left:
            return
        logger.error("%d facts wait in %s for the next station", len(left), self._kept)
        try:
            append_to_file(self._kept, left[self._n_from_file :])
        except OSError:
            for fact in left[self._n_from_file :]:
                logger.exception("not kept: %s", fact.model_dump_json())

    def _work(self) -> None:
        log: SqliteLog | None = None
        while True:
            self._bell.wait()
            self._bell.clear()
            while self._facts:
                try:
                    log = log or open_sqlite_log(self._database)
                    self._append_first(log)
                    self._note_trouble("")
                except VersionConflict:
                    continue  # somebody else was faster
                except (LogError, IllegalTransition) as error:
                    self._note_trouble(str(error))
                    if self._is_closing.wait(RETRY_S):
                        break
            if self._is_closing.is_set():
                break
        if log is not None:
            log.close()

    def _append_first(self, log: SqliteLog) -> None:
        """Append the oldest fact unless it cannot follow: that would lock the stream for all.

        Raises:
            LogError: Not this time.
        """
        first = self._facts[0]
        lab = recovered_lab(log).state
        try:
            lab.after(first.event, first.time)
        except IllegalTransition:
            logger.exception("not written: %s", first.model_dump_json())
        else:
            log.append(
                LAB_STREAM,
                [first.event],
                time=first.time,
                actor=first.actor,
                is_simulated=self._is_simulated,
                expected={LAB_STREAM: lab.version},
            )
        self._facts.popleft()
        if self._n_from_file:
            self._n_from_file -= 1
            if not self._n_from_file:
                self._kept.unlink(missing_ok=True)

    def _note_trouble(self, error: str) -> None:
        if bool(error) != self._is_in_trouble:
            self._is_in_trouble = bool(error)
            if error:
                logger.error("facts wait, the database does not take them: %s", error)
            else:
                logger.info("the database takes facts again")

"""What happens to the laboratory, on its way into the log; acting never waits for it.

Facts that the database does not take are tried again, and wait in a file beside the journal, where
the next station finds them if this process ends or is killed. For the day on which that disk is
full a file beside it holds a little room, which is given up then.
"""

import errno
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
_RESERVE: Final = "reserve"
_RESERVE_BYTES: Final = 256 * 1024
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class KeptFact(Fact):
    """One fact that is on its way."""

    time: datetime
    actor: str
    event: Annotated[LabEvent, Field(discriminator="kind")]


def append_to_file(path: Path, facts: Sequence[KeptFact]) -> None:
    """Put facts at the end of a file, durably, all or none; a full disk costs the reserve.

    Raises:
        OSError: The file cannot be written.
    """
    data = b"".join(fact.model_dump_json().encode() + b"\n" for fact in facts)
    try:
        _append(path, data)
    except OSError as error:
        reserve = path.with_name(_RESERVE)
        if error.errno not in _NO_ROOM or not reserve.exists():
            raise
        reserve.unlink()
        _append(path, data)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        is_torn = file.read(1) not in (b"", b"\n")
        left = memoryview(b"\n" + data if is_torn else data)
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def _hold_room(reserve: Path) -> None:
    """Hold a little room on the disk, unless it is held already or there is none."""
    try:
        if not reserve.exists():
            reserve.write_bytes(bytes(_RESERVE_BYTES))
    except OSError as error:
        reserve.unlink(missing_ok=True)
        logger.warning("%s: no room can be held for facts: %s", reserve, error.strerror)


def facts_in_file(path: Path) -> list[KeptFact]:
    """Return the facts of a file, none if it is not there; a torn last line is left out.

    Raises:
        OSError: It is there and cannot be read.
    """
    if not path.exists():
        return []
    found = []
    for line in filter(None, path.read_bytes().splitlines()):
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
        self._n_in_file = len(self._facts)
        self._file_lock = threading.Lock()
        self._not_kept = ""
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

    @property
    def not_kept(self) -> str:
        """Why facts wait in memory alone, where a killed process loses them; empty: none does."""
        return self._not_kept

    def start(self) -> None:
        """Begin to append."""
        _hold_room(self._kept.with_name(_RESERVE))
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

    def close(self, timeout_s: float) -> bool:
        """Append what is left; what the database does not take goes to the file.

        Args:
            timeout_s: How long the database is waited for, in real seconds.

        Returns:
            Whether nothing was lost.
        """
        self._is_closing.set()
        self._bell.set()
        self._thread.join(timeout_s)
        self._keep_in_file()
        if self._not_kept:
            for fact in list(self._facts)[self._n_in_file :]:
                logger.critical("lost (%s): %s", self._not_kept, fact.model_dump_json())
            return False
        if self._facts:
            n = len(self._facts)
            logger.error("%d facts wait in %s for the next station", n, self._kept)
        return True

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
                    self._keep_in_file()
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
        with self._file_lock:
            self._facts.popleft()
            if self._n_in_file:
                self._n_in_file -= 1
                if not self._n_in_file:
                    self._kept.unlink(missing_ok=True)
            elif not self._facts:
                self._not_kept = ""

    def _keep_in_file(self) -> None:
        """Put the facts that wait into the file, and say what keeps them from it."""
        with self._file_lock:
            waiting = list(self._facts)[self._n_in_file :]
            not_kept = ""
            try:
                if waiting:
                    append_to_file(self._kept, waiting)
            except OSError as error:
                not_kept = f"{self._kept}: {error.strerror}"
            else:
                self._n_in_file += len(waiting)
            if not_kept and not_kept != self._not_kept:
                logger.error("%d facts wait in memory alone: %s", len(waiting), not_kept)
            self._not_kept = not_kept

    def _note_trouble(self, error: str) -> None:
        if bool(error) != self._is_in_trouble:
            self._is_in_trouble = bool(error)
            if error:
                logger.error("facts wait, the database does not take them: %s", error)
            else:
                logger.info("the database takes facts again")

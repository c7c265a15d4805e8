"""A board of tasks for people, kept as files in one folder; nothing here knows who asks or answers.

Every fact is one small file that is written whole, made durable, and then given its name only if
nobody has it yet. So a task that is posted twice is posted once, and of two who reach for one task
at the same moment, a person who takes it and a station that withdraws it, exactly one gets it:

```
<key>.task.json       what is asked, written by the station
<key>.claim.json      taken by a person, or withdrawn by the station: whoever comes first
<key>.recall.json     the person who has taken it is asked to stop
<key>.answer.json     what the person says
```
"""

import math
import os
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.clock import Clock
from drivers.errors import DriverError

__all__ = ["UNANSWERED", "BoardError", "Task", "TaskBoard", "TaskState"]

_LONGEST_KEY: Final = 200
"""Encoded; file names may have 255 bytes."""
_LONGEST_TEXT: Final = 2000
_READING_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,79}")

Kept = TypeVar("Kept", bound=BaseModel)


class BoardError(DriverError):
    """The board refuses what was asked, or its folder cannot be read or written."""


class TaskState(StrEnum):
    """Where a task stands. Exactly one holds at a time."""

    UNKNOWN = "unknown"
    """It was never posted here."""
    OPEN = "open"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"
    """Nobody had taken it; nobody will."""
    DONE = "done"
    REFUSED = "refused"
    """A person says that nothing of it was done."""
    PARTLY = "partly"
    """A person says that it was begun, and not done as asked."""


UNANSWERED: Final = frozenset({TaskState.OPEN, TaskState.TAKEN})
"""What waits for a person, or for the answer of one."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    key: str


class _Posted(_Kept):
    instruction: str
    asks: tuple[str, ...]
    within_s: float
    posted_at: datetime


class _Claim(_Kept):
    state: TaskState
    by: str
    at: datetime


class _Answer(_Kept):
    state: TaskState
    by: str
    readings: dict[str, float] = Field(default_factory=dict)
    note: str
    at: datetime


class _Recall(_Kept):
    at: datetime


class Task(BaseModel):
    """A task and what has become of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    state: TaskState
    instruction: str = ""
    asks: tuple[str, ...] = ()
    """Names of the numbers that the person is asked for, each with its unit."""
    within_s: float = 0.0
    """How long it should take from its posting, in seconds."""
    posted_at: datetime | None = None
    by: str = ""
    """Who has taken or answered it."""
    is_recalled: bool = False
    """Whoever has taken it is asked to stop."""
    readings: Mapping[str, float] = Field(default_factory=dict)
    note: str = ""


class TaskBoard:
    """The tasks in one folder; any number of processes may use it at once.

    Args:
        folder: Where they are kept; made by `create`.
        clock: Tells when a task was posted and answered.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def create(self) -> None:
        """Make the folder if it is not there.

        Raises:
            BoardError: It cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BoardError(f"task board {self._folder}: {error.strerror}") from error

    def post(self, key: str, instruction: str, asks: tuple[str, ...], within_s: float) -> Task:
        """Put a task up; one that is there already stays as it is.

        Args:
            key: Names the task for ever.
            instruction: What to do, in words.
            asks: Names of the numbers that are wanted.
            within_s: How long it should take, in seconds, above 0.

        Raises:
            BoardError: Another task has this key, an argument is wrong, or it cannot be kept.
        """
        _refuse_bad_text("instruction", instruction, is_required=True)
        if not math.isfinite(within_s) or within_s <= 0.0:
            raise BoardError(f"within_s: got {within_s!r}, expected seconds above 0")
        if len(set(asks)) < len(asks) or not all(map(_READING_NAME.fullmatch, asks)):
            expected = "names of small letters, digits and _, no two alike"
            raise BoardError(f"asks: got {list(asks)}, expected {expected}")
        now = self._clock.now()
        posted = _Posted(
            key=key, instruction=instruction, asks=asks, within_s=within_s, posted_at=now
        )
        if not self._create("task", posted):
            known = self._read("task", key, _Posted)
            if known is None or known.model_copy(update={"posted_at": now}) != posted:
                raise BoardError(f"task {key} is on the board with other contents")
        return self.task(key)

    def task(self, key: str) -> Task:
        """Return a task as it stands; one that was never posted is `TaskState.UNKNOWN`.

        Raises:
            BoardError: One of its files cannot be read.
        """
        posted = self._read("task", key, _Posted)
        if posted is None:
            return Task(key=key, state=TaskState.UNKNOWN)
        claim = self._read("claim", key, _Claim)
        answer = self._read("answer", key, _Answer)
        found = answer or claim
        return Task(
            key=key,
            state=found.state if found is not None else TaskState.OPEN,
            instruction=posted.instruction,
            asks=posted.asks,
            within_s=posted.within_s,
            posted_at=posted.posted_at,
            by=found.by if found is not None else "",
            is_recalled=self._read("recall", key, _Recall) is not None,
            readings=answer.readings if answer is not None else {},
            note=answer.note if answer is not None else "",
        )

    def tasks(self, *, with_answered: bool = True) -> tuple[Task, ...]:
        """Return tasks in the order of posting.

        Args:
            with_answered: Return answered and withdrawn ones too; without them a board of many
                years is read as fast as a fresh one.

        Raises:
            BoardError: The folder or a file in it cannot be read.
        """
        try:
            names = set(os.listdir(self._folder))
        except OSError as error:
            raise BoardError(f"task board {self._folder}: {error.strerror}") from error
        found = []
        for name in names:
            stem = name.removesuffix(".task.json")
            if stem == name or (not with_answered and f"{stem}.answer.json" in names):
                continue
            posted = _kept_in(self._folder / name, _Posted)
            if posted is None or self._path("task", posted.key).name != name:
                raise BoardError(f"task board: {name} does not hold the task of its name")
            task = self.task(posted.key)
            if with_answered or task.state in UNANSWERED:
                found.append(task)
        return tuple(sorted(found, key=lambda task: (str(task.posted_at), task.key)))

    def withdraw(self, key: str) -> Task:
        """Take a task down if nobody has taken it; one that is taken or answered stays.

        Raises:
            BoardError: It cannot be kept.
        """
        if self.task(key).state is TaskState.OPEN:
            self._claim(key, TaskState.WITHDRAWN, "the station")
        return self.task(key)

    def recall(self, key: str) -> Task:
        """Withdraw a task, or ask whoever has taken it to stop.

        Raises:
            BoardError: It cannot be kept.
        """
        task = self.withdraw(key)
        if task.state is TaskState.TAKEN and not task.is_recalled:
            self._create("recall", _Recall(key=key, at=self._clock.now()))
        return self.task(key)

    def take(self, key: str, by: str) -> Task:
        """Let a person take a task.

        Args:
            key: Of the task.
            by: The person's name.

        Raises:
            BoardError: It is not open, or no name was given.
        """
        _refuse_bad_text("name", by, is_required=True)
        if self.task(key).state is TaskState.OPEN:
            self._claim(key, TaskState.TAKEN, by)
        task = self.task(key)
        if task.state is not TaskState.TAKEN or task.by != by:
            raise BoardError(_in_words(task))
        return task

    def answer(
        self, key: str, state: TaskState, *, by: str, readings: Mapping[str, float], note: str
    ) -> Task:
        """Let a person say what became of a task; an open one is taken first.

        Args:
            key: Of the task.
            state: DONE, REFUSED (nothing was done) or PARTLY.
            by: The person's name.
            readings: The numbers asked for, all of them and no others; none unless DONE.
            note: Anything else; the reason unless DONE.

        Raises:
            BoardError: The task is not there to be answered, a number is missing, unknown or not
                finite, or a reason is missing.
        """
        task = self.task(key)
        if task.state not in UNANSWERED:
            raise BoardError(_in_words(task))
        _refuse_bad_text("name", by, is_required=True)
        _refuse_bad_text("note", note, is_required=state is not TaskState.DONE)
        wanted = set(task.asks) if state is TaskState.DONE else set()
        if set(readings) != wanted:
            raise BoardError(f"values: got {sorted(readings)}, expected {sorted(wanted)}")
        for name, value in readings.items():
            if not math.isfinite(value):
                raise BoardError(f"{name}: got {value}, expected a finite number")
        if task.state is TaskState.OPEN:
            self.take(key, by)
        said = _Answer(
            key=key, state=state, by=by, readings=dict(readings), note=note, at=self._clock.now()
        )
        if not self._create("answer", said):
            raise BoardError(_in_words(self.task(key)))
        return self.task(key)

    def _claim(self, key: str, state: TaskState, by: str) -> None:
        self._create("claim", _Claim(key=key, state=state, by=by, at=self._clock.now()))

    def _path(self, part: str, key: str) -> Path:
        """Return the file of a part of a task; whatever its key holds, it stays in the folder."""
        encoded = quote(key, safe="")
        if not key or len(encoded) > _LONGEST_KEY:
            raise BoardError(f"task key: got {key!r}, expected 1 to {_LONGEST_KEY} characters")
        return self._folder / f"{encoded}.{part}.json"

    def _create(self, part: str, kept: _Kept) -> bool:
        """Write a file whole and durably under a name that nobody has; False if somebody has."""
        path = self._path(part, kept.key)
        try:
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".writing-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(kept.model_dump_json().encode("utf-8"))
                    file.flush()
                    os.fsync(file.fileno())
                os.link(temporary, path)
            except FileExistsError:
                return False
            finally:
                os.unlink(temporary)
                self._make_names_durable()
        except OSError as error:
            raise BoardError(f"task board {self._folder}: {error.strerror}") from error
        return True

    def _make_names_durable(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _read(self, part: str, key: str, model: type[Kept]) -> Kept | None:
        path = self._path(part, key)
        found = _kept_in(path, model)
        if isinstance(found, _Kept) and found.key != key:
            raise BoardError(f"task board: {path.name} holds task {found.key}, not {key}")
        return found


def _kept_in(path: Path, model: type[Kept]) -> Kept | None:
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BoardError(f"task board: {path.name}: {error.strerror}") from error
    except ValidationError as error:
        raise BoardError(
            f"task board: {path.name} is damaged: {error.errors()[0]['msg']}"
        ) from error


def _refuse_bad_text(what: str, text: str, *, is_required: bool) -> None:
    if is_required and not text.strip():
        raise BoardError(f"{what}: got nothing, expected some words")
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        expected = f"at most {_LONGEST_TEXT} printable characters on one line"
        raise BoardError(f"{what}: got {text[:80]!r}, expected {expected}")


def _in_words(task: Task) -> str:
    match task.state:
        case TaskState.UNKNOWN:
            return f"there is no task {task.key}"
        case TaskState.OPEN:
            return f"task {task.key} is open"
        case TaskState.TAKEN:
            return f"task {task.key} has been taken by {task.by}"
        case TaskState.WITHDRAWN:
            return f"task {task.key} was withdrawn: it is not wanted any more"
        case _:
            return f"task {task.key} has been answered by {task.by}: {task.state}"

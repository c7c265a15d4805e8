"""What a person sees of a board of tasks, and how they answer."""

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from drivers.clock import Clock, SystemClock
from drivers.task_board import UNANSWERED, Task, TaskBoard, TaskState
from drivers.task_board_line import TaskBoardLineSettings
from orchestrator.errors import RequestRefused
from orchestrator.execution.rig import load_rig

__all__ = ["TaskDesk", "TaskView", "has_board", "is_name_of", "values_from"]

_KIND = "task_board"


class TaskView(BaseModel):
    """A task as a person sees it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    """Its key, which names it on the command line."""
    state: TaskState
    instruction: str
    asks: tuple[str, ...]
    """Names of the numbers that are wanted, each with its unit."""
    posted_at: datetime | None
    waited_s: float
    """Since it was posted, in seconds."""
    within_s: float
    is_late: bool
    """It has waited longer than it should take, and is not answered."""
    by: str
    is_recalled: bool
    """Whoever has taken it is asked to stop, and to say how far they got."""
    readings: dict[str, float]
    note: str


class TaskDesk:
    """One board, for people.

    Args:
        board: That they answer on.
        clock: From which it tells how long a task has waited.
    """

    def __init__(self, board: TaskBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    @classmethod
    def of(cls, *, board: Path | None, rig: Path | None) -> Self:
        """Open the board in a folder, or the one that a rig file names.

        Args:
            board: Its folder.
            rig: A rig file with one line of kind ``task_board``.

        Raises:
            RigFileError: The rig file is wrong.
            RequestRefused: Not exactly one of the two is given, the rig has not exactly one
                board, or the folder is not there.
        """
        if (board is None) == (rig is None):
            raise RequestRefused("tasks: expected either --board FOLDER or --rig RIG")
        folder = board if board is not None else _folder_in(rig)
        if folder is None or not folder.is_dir():
            raise RequestRefused(f"task board: got {folder}, expected a folder that is there")
        clock = SystemClock()
        return cls(TaskBoard(folder, clock), clock)

    def views(self, *, with_answered: bool = False) -> tuple[TaskView, ...]:
        """Return the tasks that wait for an answer, in the order of posting.

        Args:
            with_answered: Return the answered and withdrawn ones too.

        Raises:
            BoardError: The board cannot be read.
        """
        return tuple(map(self._view, self._board.tasks(with_answered=with_answered)))

    def view(self, task: str) -> TaskView:
        """Return one task as it stands.

        Args:
            task: Its key.

        Raises:
            BoardError: The board cannot be read.
        """
        return self._view(self._board.task(task))

    def take(self, task: str, *, by: str) -> TaskView:
        """Take a task, so that nobody else does it and the station does not withdraw it.

        Args:
            task: Its key, or a shorter name.
            by: The person's name.

        Raises:
            RequestRefused: The name could mean several tasks.
            BoardError: It is not open.
        """
        return self._view(self._board.take(self._key_of(task), by))

    def done(self, task: str, *, by: str, values: Sequence[str], note: str) -> TaskView:
        """Say that a task is done.

        Args:
            task: Its key, or a shorter name.
            by: The person's name.
            values: The numbers that it asks for, each as ``name=number``.
            note: Anything worth knowing.

        Raises:
            RequestRefused: A value is no number with a name, or the task's name could mean several.
            BoardError: The task is not there to be answered, or a number is missing or unknown.
        """
        readings = values_from(values)
        key = self._key_of(task)
        answered = self._board.answer(key, TaskState.DONE, by=by, readings=readings, note=note)
        return self._view(answered)

    def refuse(self, task: str, *, by: str, note: str, is_partly_done: bool) -> TaskView:
        """Say that a task is not done, and will not be.

        Args:
            task: Its key, or a shorter name.
            by: The person's name.
            note: Why.
            is_partly_done: It was begun: matter was touched, though not as asked.

        Raises:
            RequestRefused: The task's name could mean several.
            BoardError: The task is not there to be answered, or the reason is missing.
        """
        state = TaskState.PARTLY if is_partly_done else TaskState.REFUSED
        key = self._key_of(task)
        return self._view(self._board.answer(key, state, by=by, readings={}, note=note))

    def _key_of(self, name: str) -> str:
        """Return the key that a name means; a name that fits no task is returned as it is.

        Raises:
            RequestRefused: It fits several tasks; the message says which.
            BoardError: The board cannot be read.
        """
        if self._board.task(name).state is not TaskState.UNKNOWN:
            return name
        for with_answered in (False, True):
            tasks = self._board.tasks(with_answered=with_answered)
            found = [task for task in tasks if is_name_of(name, task.key)]
            if len(found) > 1:
                keys = ", ".join(
                    f"{task.key} ({task.state})" if with_answered else task.key for task in found
                )
                raise RequestRefused(f"task: got {name}, which could be any of {keys}; name one")
            if found:
                return found[0].key
        return name

    def _view(self, task: Task) -> TaskView:
        now = self._clock.now()
        posted_at = task.posted_at or now
        waited_s = max(0.0, (now - posted_at).total_seconds())
        is_answered = task.state not in UNANSWERED
        return TaskView(
            task=task.key,
            state=task.state,
            instruction=task.instruction,
            asks=task.asks,
            posted_at=task.posted_at,
            waited_s=round(waited_s, 1),
            within_s=task.within_s,
            is_late=not is_answered and waited_s > task.within_s,
            by=task.by,
            is_recalled=task.is_recalled,
            readings=dict(task.readings),
            note=task.note,
        )


def is_name_of(name: str, key: str) -> bool:
    """Tell whether a name means a task: its key, without time or attempt, or an end of that.

    Args:
        name: As a person wrote it.
        key: Campaign, experiment and job, with attempt and time.

    Example:
        >>> key = "oer-1/E0001/press#1@20260302T080000000000"
        >>> [is_name_of(name, key) for name in ("E0001/press", "oer-1/E0001/press#1", "ss#1")]
        [True, True, False]
    """
    attempt = key.partition("@")[0]
    job = attempt.rpartition("#")[0] or attempt
    return any(f"/{form}".endswith(f"/{name}") for form in (key, attempt, job))


def has_board(rig: Path) -> bool:
    """Tell whether a rig file names a board of tasks.

    Args:
        rig: The file.

    Raises:
        RigFileError: It is wrong.
    """
    return any(line.kind == _KIND for line in load_rig(rig).lines.values())


def values_from(texts: Sequence[str]) -> dict[str, float]:
    """Return numbers by name.

    Args:
        texts: Each as ``name=number``.

    Raises:
        RequestRefused: One is not, has a number that is not finite, or stands twice.

    Example:
        >>> values_from(["mass_g=1.23"])
        {'mass_g': 1.23}
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        expected = "NAME=NUMBER, such as mass_g=1.23"
        try:
            value = float(number)
        except ValueError as error:
            raise RequestRefused(f"--value: got {text!r}, expected {expected}") from error
        if not name or not math.isfinite(value):
            raise RequestRefused(f"--value: got {text!r}, expected {expected}")
        if name in found:
            raise RequestRefused(f"--value: got {name} twice, expected it once")
        found[name] = value
    return found


def _folder_in(rig: Path | None) -> Path | None:
    if rig is None:
        return None
    lines = load_rig(rig).lines
    boards = {name: line for name, line in lines.items() if line.kind == _KIND}
    if len(boards) != 1:
        got = ", ".join(boards) or "none"
        raise RequestRefused(f"{rig}: got task boards {got}, expected one line of kind {_KIND}")
    (line,) = boards.values()
    return TaskBoardLineSettings.model_validate(line.settings).folder

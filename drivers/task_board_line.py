"""A line that ends at a board of tasks for people instead of a plug.

It speaks JSON, one object a line, in ASCII; the words are in the manual station's transcript.
The board's folder is on this machine or on a disk that it shares.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown, ProtocolError, rig_error_from
from drivers.line import MAX_FRAME_BYTES
from drivers.task_board import BoardError, Task, TaskBoard, TaskState

__all__ = ["BoardClerk", "TaskBoardLine", "TaskBoardLineSettings"]

logger = logging.getLogger(__name__)

_LINE_END: Final = b"\n"


class TaskBoardLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``task_board``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """Where the tasks are kept, an absolute path; made when the line is opened."""

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: Path) -> Path:
        if not folder.is_absolute():
            raise ValueError("an absolute path")
        return folder


class _Asked(BaseModel):
    """One request; which fields it needs depends on what is to be done."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    do: str
    task: str = ""
    instruction: str = ""
    asks: list[str] = Field(default_factory=list)
    within_s: float = 0.0


class BoardClerk:
    """Answers requests in bytes from the files of a board; it blocks while it does.

    Args:
        board: That it answers for.
        clock: From which it tells how long a task has waited.
    """

    def __init__(self, board: TaskBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    def answer(self, request: bytes) -> bytes:
        """Do what one line asks and return the line that answers it."""
        try:
            asked = _Asked.model_validate_json(request)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "request"
            return _line({"do": "", "task": "", "ok": False, "error": f"{where}: {first['msg']}"})
        heading = {"do": asked.do, "task": asked.task}
        works: dict[str, Callable[[_Asked], dict[str, object]]] = {
            "hello": lambda _: {"board": "athanor task board", "version": 1},
            "post": lambda asked: _said(
                self._board.post(asked.task, asked.instruction, tuple(asked.asks), asked.within_s)
            ),
            "state": lambda asked: _said(self._board.task(asked.task)),
            "withdraw": lambda asked: _said(self._board.withdraw(asked.task)),
            "recall": lambda asked: _said(self._board.recall(asked.task)),
            "queue": lambda _: self._queue(),
            "stop": lambda _: self._stop(),
        }
        if asked.do not in works:
            return _line({**heading, "ok": False, "error": f"do: expected one of {sorted(works)}"})
        try:
            return _line({**heading, "ok": True, **works[asked.do](asked)})
        except BoardError as error:
            return _line({**heading, "ok": False, "error": str(error)})

    def _stop(self) -> dict[str, object]:
        for task in self._board.tasks(with_answered=False):
            self._board.recall(task.key)
        return self._queue()

    def _queue(self) -> dict[str, object]:
        waiting = self._board.tasks(with_answered=False)
        now = self._clock.now()
        waits_s = [(now - task.posted_at).total_seconds() for task in waiting if task.posted_at]
        n_open = sum(task.state is TaskState.OPEN for task in waiting)
        return {
            "open": n_open,
            "taken": len(waiting) - n_open,
            "longest_wait_s": round(max([0.0, *waits_s]), 3),
        }


class TaskBoardLine:
    """The line of a manual station: requests are done one after the other in a thread of its own.

    Args:
        name: The line's name in the rig file.
        settings: Where the board is.
        clock: Of the tasks' times.
    """

    def __init__(self, name: str, settings: TaskBoardLineSettings, clock: Clock) -> None:
        self._name = name
        self._board = TaskBoard(settings.folder, clock)
        self._clerk = BoardClerk(self._board, clock)
        self._clock = clock
        self._lock = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._unfinished = b""
        self._replies: deque[Future[bytes]] = deque()

    @classmethod
    def from_settings(
        cls, name: str, settings: Mapping[str, object], clock: Clock
    ) -> "TaskBoardLine":
        """Build the line; nothing is opened.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        try:
            return cls(name, TaskBoardLineSettings.model_validate(settings), clock)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error, TaskBoardLineSettings) from error

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Make the board's folder, if it is not there; opening an open line does nothing.

        Raises:
            LineError: It cannot be made.
        """
        if self._thread is not None:
            return
        try:
            await self._clock.call_blocking(self._board.create, None)
        except BoardError as error:
            raise LineError(f"line {self._name}: {error}") from error
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"task-board-{self._name}")

    async def close(self) -> None:
        """Let go of the board; closing twice does nothing."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None
            self._replies.clear()
            self._unfinished = b""

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line for one request and its reply; replies not fetched are discarded."""
        async with self._lock:
            self._replies.clear()
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand a request over; whole lines are done even if nobody waits for their replies.

        Raises:
            LineError: The line is closed; nothing was sent.
        """
        del timeout_s  # handing over to the thread takes no time
        if self._thread is None:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        *requests, self._unfinished = (self._unfinished + data).split(_LINE_END)
        for request in requests:
            self._replies.append(self._thread.submit(self._clerk.answer, request))

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the next reply.

        Raises:
            OutcomeUnknown: The board did not answer in time.
            ProtocolError: The reply has no such end, or is too long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                if not self._replies:
                    await asyncio.Event().wait()
                reply = await asyncio.shield(asyncio.wrap_future(self._replies.popleft()))
        except TimeoutError as error:
            reason = f"line {self._name}: the board did not answer within {timeout_s:g} s"
            raise OutcomeUnknown(reason) from error
        if not reply.endswith(terminator) or len(reply) > max_bytes:
            raise ProtocolError("not one line of the board", reply[:100])
        return reply


def _said(task: Task) -> dict[str, object]:
    return {
        "state": str(task.state),
        "by": task.by,
        "recalled": task.is_recalled,
        "readings": dict(task.readings),
        "note": task.note,
    }


def _line(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, separators=(",", ":"), allow_nan=False).encode("ascii") + _LINE_END

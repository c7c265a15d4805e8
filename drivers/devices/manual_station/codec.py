"""Bytes to messages and back for a board of tasks; no I/O happens here.

One JSON object a line, in ASCII. A reply repeats what was to be done and the task it is about, so
that it cannot be taken for the answer to another question; ``ok`` says whether it was done, and
``error`` why not.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

from drivers.errors import ProtocolError

__all__ = [
    "READERS",
    "REPLY_END",
    "Queue",
    "Reply",
    "Request",
    "Standing",
    "TaskStanding",
    "board_from",
    "decode",
    "encode",
    "error_from",
    "queue_from",
    "task_from",
]

REPLY_END: Final = b"\n"

_ABOUT_A_TASK: Final = frozenset({"post", "state", "withdraw", "recall"})
_ABOUT_THE_BOARD: Final = frozenset({"hello", "queue", "stop"})
_READING_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,79}")
_LONGEST_TEXT: Final = 4000


class Standing(StrEnum):
    """Where a task stands, as the board says it."""

    UNKNOWN = "unknown"
    OPEN = "open"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"
    DONE = "done"
    REFUSED = "refused"
    PARTLY = "partly"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the board."""

    do: str
    """``post``, ``state``, ``withdraw`` or ``recall`` a task; ``hello``, ``queue``, ``stop``."""
    task: str = ""
    """The key of the task; empty if it is about the board."""
    instruction: str = ""
    """What to do, in words; only of ``post``."""
    asks: tuple[str, ...] = ()
    """Names of the numbers that are wanted; only of ``post``."""
    within_s: float = 0.0
    """How long it should take, in seconds; only of ``post``."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One line of the board."""

    do: str
    task: str
    is_ok: bool
    fields: Mapping[str, object]
    """Everything else that it says."""


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """What the board says of a task."""

    standing: Standing
    by: str
    """Who has taken or answered it."""
    is_recalled: bool
    readings: Mapping[str, float]
    note: str


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits on the board."""

    n_open: int
    n_taken: int
    longest_wait_s: float


def encode(request: Request) -> bytes:
    r"""Return the line that carries a request.

    Raises:
        ValueError: There is no such request, its task is missing, or a number is not finite.

    Example:
        >>> encode(Request("state", "oer-1/E0001/swirl#1@20260302T080000000000"))
        b'{"do":"state","task":"oer-1/E0001/swirl#1@20260302T080000000000"}\n'
    """
    said: dict[str, object] = {"do": request.do}
    if request.do in _ABOUT_A_TASK and request.task:
        said["task"] = request.task
    elif request.do not in _ABOUT_THE_BOARD or request.task:
        raise ValueError(f"request: got {request}, expected a known one and its task")
    if request.do == "post":
        said["instruction"] = request.instruction
        said["asks"] = list(request.asks)
        said["within_s"] = float(request.within_s)
    elif request.instruction or request.asks or request.within_s:
        raise ValueError(f"request: got {request}, expected nothing but the task")
    return json.dumps(said, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def decode(frame: bytes) -> Reply:
    r"""Read one line.

    Raises:
        ProtocolError: It is cut short, or no line of a board.

    Example:
        >>> decode(b'{"do":"queue","task":"","ok":true,"open":0}\n').fields
        {'open': 0}
    """
    if not frame.endswith(REPLY_END) or frame.count(REPLY_END) != 1:
        raise ProtocolError("not one line of a task board", frame)
    try:
        said = json.loads(
            frame.decode("ascii"), parse_constant=_refuse, object_pairs_hook=_without_twins
        )
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not a line of a task board", frame) from error
    if not isinstance(said, dict):
        raise ProtocolError("not an object of a task board", frame)
    fields = dict(said)
    do, task, is_ok = fields.pop("do", None), fields.pop("task", None), fields.pop("ok", None)
    if not isinstance(do, str) or not isinstance(task, str) or not isinstance(is_ok, bool):
        raise ProtocolError("an object of a task board lacks do, task or ok", frame)
    return Reply(do, task, is_ok, fields)


def error_from(reply: Reply) -> str:
    """Return why the board did not do what it was asked; empty if it did.

    Raises:
        ProtocolError: It gives no reason.
    """
    return "" if reply.is_ok else _text_in(reply, "error")


def board_from(reply: Reply) -> str:
    """Return what answers to ``hello``, with its version.

    Raises:
        ProtocolError: It is no task board of a version that is known.
    """
    name, version = _text_in(reply, "board"), reply.fields.get("version")
    if name != "athanor task board" or version != 1 or isinstance(version, bool):
        raise ProtocolError("not a task board of version 1", repr(dict(reply.fields)).encode())
    return f"{name} 1"


def task_from(reply: Reply) -> TaskStanding:
    """Return what a reply says of its task.

    Raises:
        ProtocolError: A field is missing, or is not what it should be.
    """
    standing = _text_in(reply, "state")
    is_recalled, readings = reply.fields.get("recalled"), reply.fields.get("readings")
    if standing not in set(Standing) or not isinstance(is_recalled, bool):
        raise ProtocolError("not the state of a task", repr(dict(reply.fields)).encode())
    if not isinstance(readings, dict) or not all(map(_READING_NAME.fullmatch, readings)):
        raise ProtocolError("not the readings of a task", repr(dict(reply.fields)).encode())
    numbers = {str(name): _number(reply, value) for name, value in readings.items()}
    by, note = _text_in(reply, "by"), _text_in(reply, "note")
    return TaskStanding(Standing(standing), by, is_recalled, numbers, note)


def queue_from(reply: Reply) -> Queue:
    """Return what waits on the board.

    Raises:
        ProtocolError: A field is missing, or is not what it should be.
    """
    n_open, n_taken = (_number(reply, reply.fields.get(name)) for name in ("open", "taken"))
    longest_s = _number(reply, reply.fields.get("longest_wait_s"))
    if min(n_open, n_taken) < 0 or n_open % 1 or n_taken % 1:
        raise ProtocolError("not what waits on a board", repr(dict(reply.fields)).encode())
    return Queue(int(n_open), int(n_taken), longest_s)


def _text_in(reply: Reply, name: str) -> str:
    text = reply.fields.get(name)
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise ProtocolError(f"no {name} in a reply", repr(dict(reply.fields)).encode())
    return text


def _number(reply: Reply, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolError("not a number", repr(dict(reply.fields)).encode())
    try:
        number = float(value)
    except OverflowError as error:
        raise ProtocolError("not a finite number", repr(value)[:80].encode()) from error
    if not math.isfinite(number):
        raise ProtocolError("not a finite number", repr(dict(reply.fields)).encode())
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


READERS: Final = (board_from, error_from, queue_from, task_from)
"""Every function that reads the fields of a reply."""

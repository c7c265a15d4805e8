"""A pretend board of tasks with a pretend person, who does each task once and answers truthfully.

The words are those of its driver's ``transcript.txt``. The person takes an open task after a
quarter of its time, 5 s at most, makes ready, and does it in one go after another half, 10 s at
most; asked to stop before that, they stop at once, with nothing done. Where the station draws from
one vessel and delivers to another, they empty the one into the other, except when asked for a
number. A mass or a volume is that of what is in the instrument's position; anything else that can
be asked for is as in a usual room.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply

__all__ = ["ManualStationDevice"]

_PROCESSING_S: Final = 0.01
_TAKES_S: Final = 5.0
_WORKS_S: Final = 10.0
_PERSON: Final = "pretend person"
_USUAL: Final = {"temperature_c": 21.0}
_READING_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,79}")
_FIELDS: Final = {
    "hello": set[str](),
    "queue": set[str](),
    "stop": set[str](),
    "post": {"task", "instruction", "asks", "within_s"},
    "state": {"task"},
    "withdraw": {"task"},
    "recall": {"task"},
}


@dataclass(slots=True)
class _Task:
    asked: Mapping[str, object]
    within_s: float
    posted_s: float
    state: str = "open"
    by: str = ""
    is_recalled: bool = False
    readings: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def taken_s(self) -> float:
        return self.posted_s + min(_TAKES_S, self.within_s / 4.0)

    @property
    def done_s(self) -> float:
        return self.taken_s + min(_WORKS_S, self.within_s / 2.0)


class _NotAccepted(Exception):
    """The board refuses a request; its text says why."""


class ManualStationDevice(FramedDevice):
    """A board with nothing on it.

    Args:
        fittings: How it is fitted into the bench; the person measures what is ``at`` its position.
    """

    terminator = b"\n"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self._tasks: dict[str, _Task] = {}

    @property
    def n_unanswered(self) -> int:
        """Return how many tasks are open or taken."""
        return sum(task.state in {"open", "taken"} for task in self._tasks.values())

    def settle(self, now_s: float) -> None:
        """Let the person do what they have done by now."""
        for key, task in self._tasks.items():
            if task.state == "open" and now_s >= task.taken_s:
                task.state, task.by = "taken", _PERSON
            if task.state == "taken" and now_s >= task.done_s:
                _answer_task(task, "done", "")
                task.readings = {name: self._measured(name) for name in self._asks(task)}
                self._begin("did", 1.0, "task", job_id=key)
                self._carry_over(task)
                self._record("did", 1.0, "task", job_id=key)
        if not self.n_unanswered:
            self._fittings.plumbing.finish(self)

    def ends_at_s(self) -> float:
        """Return when the person will next take a task or have done one."""
        waiting = [
            task.taken_s if task.state == "open" else task.done_s
            for task in self._tasks.values()
            if task.state in {"open", "taken"}
        ]
        return min(waiting, default=math.inf)

    @override
    def in_motion(self) -> Act | None:
        now = self._fittings.clock.now()
        taken = (key for key, task in self._tasks.items() if task.state == "taken")
        return next((Act(now, "did", 0.0, "task", key) for key in taken), None)

    @property
    @override
    def is_busy(self) -> bool:
        return self.n_unanswered > 0

    def touches(self, vessel: str) -> bool:
        """Say no: a person looks and swirls, and moves nothing that a balance would feel."""
        return False

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._fittings.plumbing.settle(self._now_s())
        try:
            asked = _object_in(request)
        except ValueError as error:
            return _said({"do": "", "task": "", "ok": False, "error": f"request: {error}"})
        heading = {"do": asked.get("do", ""), "task": asked.get("task", "")}
        works: dict[str, Callable[[Mapping[str, object]], dict[str, object]]] = {
            "hello": lambda _: {"board": "athanor task board", "version": 1 + self.is_another},
            "post": self._post,
            "state": lambda asked: self._standing(str(asked["task"])),
            "withdraw": self._withdraw,
            "recall": self._recall,
            "queue": lambda _: self._queue(),
            "stop": lambda _: self._stop(),
        }
        try:
            said = works[str(asked["do"])](asked)
        except KeyError:
            expected = f"do: expected one of {sorted(works)}"
            return _said({**heading, "ok": False, "error": expected})
        except _NotAccepted as refusal:
            return _said({**heading, "ok": False, "error": str(refusal)})
        return _said({**heading, "ok": True, **said})

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        try:
            asked = _object_in(request)
        except ValueError:
            asked = {}
        heading = {"do": asked.get("do", ""), "task": asked.get("task", "")}
        return _said({**heading, "ok": False, "error": "task board: No space left on device"})

    def _post(self, asked: Mapping[str, object]) -> dict[str, object]:
        key, within_s = str(asked["task"]), asked["within_s"]
        known = self._tasks.get(key)
        if known is not None and known.asked != asked:
            raise _NotAccepted(f"task {key} is on the board with other contents")
        if not key or not isinstance(within_s, int | float) or within_s <= 0.0:
            raise _NotAccepted(f"within_s: got {within_s!r}, expected seconds above 0")
        if known is None:
            self._tasks[key] = _Task(asked, float(within_s), self._now_s())
            self._fittings.plumbing.start(self)
        return self._standing(key)

    def _withdraw(self, asked: Mapping[str, object]) -> dict[str, object]:
        key = str(asked["task"])
        task = self._tasks.get(key)
        if task is not None and task.state == "open":
            task.state, task.by = "withdrawn", "the station"
        return self._standing(key)

    def _recall(self, asked: Mapping[str, object]) -> dict[str, object]:
        self._withdraw(asked)
        key = str(asked["task"])
        task = self._tasks.get(key)
        if task is not None and task.state == "taken":
            task.is_recalled = True
            _answer_task(task, "refused", "told to stop; nothing was done")
        return self._standing(key)

    def _stop(self) -> dict[str, object]:
        for key in self._tasks:
            self._recall({"task": key})
        return self._queue()

    def _queue(self) -> dict[str, object]:
        waiting = [task for task in self._tasks.values() if task.state in {"open", "taken"}]
        n_open = sum(task.state == "open" for task in waiting)
        waits_s = [self._now_s() - task.posted_s for task in waiting]
        return {
            "open": n_open,
            "taken": len(waiting) - n_open,
            "longest_wait_s": round(max([0.0, *waits_s]), 3),
        }

    def _standing(self, key: str) -> dict[str, object]:
        task = self._tasks.get(key, _Task({}, 1.0, 0.0, state="unknown"))
        return {
            "state": task.state,
            "by": task.by,
            "recalled": task.is_recalled,
            "readings": task.readings,
            "note": task.note,
        }

    @staticmethod
    def _asks(task: _Task) -> list[str]:
        asks = task.asked.get("asks")
        return [name for name in asks if isinstance(name, str)] if isinstance(asks, list) else []

    def _carry_over(self, task: _Task) -> None:
        """Empty the vessel that the station draws from, if it has one and no number is asked."""
        source, target = self._fittings.draws_from, self._fittings.delivers_to
        if source is not None and target is not None and not self._asks(task):
            plumbing = self._fittings.plumbing
            plumbing.pour(target, plumbing.draw(source, math.inf, task.done_s), task.done_s)

    def _measured(self, name: str) -> float:
        """Return what the person reads off."""
        position = self._fittings.at
        plumbing = self._fittings.plumbing
        match name:
            case "mass_g":
                return 0.0 if position is None else round(plumbing.mass_g(position), 2)
            case "volume_ml":
                held_ul = 0.0 if position is None else plumbing.vessel(position).volume_ul
                return round(held_ul / 1000.0, 1)
            case _:
                return _USUAL.get(name, 1.0)


def _answer_task(task: _Task, state: str, note: str) -> None:
    task.state, task.by, task.note = state, _PERSON, note


def _object_in(request: bytes) -> dict[str, object]:
    """Return the object of a request.

    Raises:
        ValueError: It is no request, or has other fields than it should.
    """
    try:
        asked = json.loads(request.decode("ascii"))
    except RecursionError as error:
        raise ValueError("not JSON") from error
    do = asked.get("do") if isinstance(asked, dict) else None
    fields = set(asked) - {"do"} if isinstance(asked, dict) else set()
    if not isinstance(do, str):
        raise ValueError("not an object with do")  # noqa: TRY004 - what came over the wire
    if do in _FIELDS and fields != _FIELDS[do]:
        raise ValueError(f"expected {sorted(_FIELDS[do])}")
    return dict(asked)


def _said(said: Mapping[str, object]) -> list[Reply]:
    line = json.dumps(said, separators=(",", ":"), allow_nan=False)
    return [Reply(line.encode("ascii") + b"\n", _PROCESSING_S)]

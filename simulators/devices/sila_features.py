"""A pretend SiLA 2 server behind a line of JSON: a shaking incubator.

The words are those of its driver's ``transcript.txt``. Shaking takes as long as it is told; the
chamber warms to 37 degrees Celsius, which takes minutes. The door's command fails while it shakes.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply

__all__ = ["SilaFeaturesDevice"]

_PROCESSING_S: Final = 0.02
_UUID: Final = "5b0c8f0e-2d61-4c55-9a3e-9f6a1f1c7d24"
_ROOM_C: Final = 22.0
_WARM_C: Final = 37.0
_TIME_CONSTANT_S: Final = 300.0
_LONGEST_S: Final = 3600.0


@dataclass(slots=True)
class _Execution:
    name: str
    begun_s: float
    ends_s: float
    error: str = ""


class _Refused(Exception):
    """The server refuses; its text says why."""


class SilaFeaturesDevice(FramedDevice):
    """A server that was just started.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b"\n"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self._executions: dict[str, _Execution] = {}
        self._current: _Execution | None = None
        self._n_started = 0

    @property
    @override
    def is_busy(self) -> bool:
        self._advance()
        return self._current is not None

    @override
    def in_motion(self) -> Act | None:
        if self._current is None:
            return None
        shaken_s = self._now_s() - self._current.begun_s
        return Act(self._fittings.clock.now(), "shook", shaken_s, "s")

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _lose_power(self) -> None:
        """End what runs and forget the executions, as a server does."""
        self._end("")
        self._executions.clear()

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._advance()
        try:
            asked = json.loads(request)
        except ValueError:
            asked = None
        do = asked.get("do") if isinstance(asked, dict) else None
        works: dict[str, Callable[[Mapping[str, object]], dict[str, object]]] = {
            "hello": lambda _: {"server": f"Incubator, Pretend, {self._named(_UUID)}, 1.2"},
            "read": lambda asked: {"value": self._read(str(asked.get("path")))},
            "start": lambda asked: {"execution": self._start(asked)},
            "state": lambda asked: {"state": self._state(str(asked.get("path")))},
        }
        work = works.get(str(do))
        if work is None:
            words = "do: expected hello, read, start or state"
            return self._said({"do": "hello", "ok": False, "error": words})
        try:
            return self._said({"do": do, "ok": True, **work(asked)})
        except _Refused as error:
            return self._said({"do": do, "ok": False, "error": str(error)})

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        asked = json.loads(request)
        error = "UndefinedExecutionError: the controller does not answer"
        return self._said({"do": asked["do"], "ok": False, "error": error})

    def _said(self, document: Mapping[str, object]) -> list[Reply]:
        line = json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"
        return [Reply(line, _PROCESSING_S)]

    def _read(self, path: str) -> object:
        if path == "Incubator/Temperature":
            age_s = self._now_s() - self._built_s
            return round(_WARM_C + (_ROOM_C - _WARM_C) * math.exp(-age_s / _TIME_CONSTANT_S), 2)
        if path == "Incubator/IsBusy":
            return self._current is not None
        raise _Refused(f"the server has no {path}")

    def _start(self, asked: Mapping[str, object]) -> str:
        path, arguments = asked.get("path"), asked.get("arguments")
        if path == "Incubator/Stop":
            self._end("DefinedExecutionError: it was stopped")
            return "done"
        if path == "Incubator/OpenDoor":
            if self._current is not None:
                raise _Refused("DefinedExecutionError: the door is locked while it shakes")
            self._record("opened the door", 1.0, "door")
            return "done"
        if path != "Incubator/Shake" or not isinstance(arguments, dict):
            raise _Refused(f"the server has no {path}")
        takes_s = arguments.get("Seconds")
        if not isinstance(takes_s, int | float) or not 0.0 < takes_s <= _LONGEST_S:
            raise _Refused("ValidationError: Seconds: expected 0 to 3600")
        if self._current is not None:
            raise _Refused("FrameworkError: CommandExecutionNotAccepted: it shakes already")
        self._n_started += 1
        now_s = self._now_s()
        self._current = _Execution(f"execution-{self._n_started}", now_s, now_s + takes_s)
        self._executions[self._current.name] = self._current
        self._begin("shook", float(takes_s), "s")
        return self._current.name

    def _state(self, execution: str) -> str:
        if execution == "done":
            return "done"
        known = self._executions.get(execution)
        if known is None:
            raise _Refused(f"nothing is known of execution {execution}")
        if known.error:
            raise _Refused(known.error)
        return "running" if known is self._current else "done"

    def _advance(self) -> None:
        if self._current is not None and self._now_s() >= self._current.ends_s:
            self._end("")

    def _end(self, error: str) -> None:
        execution, self._current = self._current, None
        if execution is None:
            return
        execution.error = error
        ended_s = min(execution.ends_s, self._now_s())
        self._record("shook", ended_s - execution.begun_s, "s", at_s=ended_s)

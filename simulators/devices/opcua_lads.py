"""A pretend LADS device behind a line of JSON: a shaker with one functional unit and one program.

The words are those of its driver's ``transcript.txt``. Its program ``Mix`` takes 20 s, in which the
plate turns; each run leaves a result with our job's id, whose end and outcome are set when it has
ended. A program that is stopped leaves a result that has ended too, and the unit aborted for 2 s.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply

__all__ = ["OpcuaLadsDevice"]

_PROCESSING_S: Final = 0.02
_RUNS_S: Final = 20.0
_CLEARS_S: Final = 2.0
_SPEED_RPM: Final = 300.0
_TIME_CONSTANT_S: Final = 1.5
_SERIAL: Final = "SH-20417"
_UNIT: Final = "DeviceSet/Shaker/FunctionalUnitSet/Plate"
_STATE: Final = f"{_UNIT}/FunctionalUnitState"
_RESULTS: Final = f"{_UNIT}/ProgramManager/ResultSet"


@dataclass(slots=True)
class _Run:
    name: str
    job: str
    begun_s: float
    ends_s: float
    stopped: str = ""
    outcome: str = ""


class _Refused(Exception):
    """The server refuses; its text says why."""


class OpcuaLadsDevice(FramedDevice):
    """A server with the shaker, whose last result is that of an earlier run.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b"\n"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self._since = fittings.clock.now()
        self.runs = [_Run("Mix-0", "earlier", -math.inf, -math.inf, stopped="2026-01-01T00:00:00")]
        self._current: _Run | None = None
        self._clears_until_s = -math.inf

    @property
    @override
    def is_busy(self) -> bool:
        self._advance()
        return self._current is not None

    @override
    def in_motion(self) -> Act | None:
        if self._current is None:
            return None
        ran_s = self._now_s() - self._current.begun_s
        return Act(self._fittings.clock.now(), "ran", ran_s, "s", self._current.job)

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _lose_power(self) -> None:
        """End what runs and forget the results, as a server does that keeps them in memory."""
        self._end()
        self.runs.clear()
        self._since = self._fittings.clock.now()

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._advance()
        try:
            asked = json.loads(request)
        except ValueError:
            asked = None
        do = asked.get("do") if isinstance(asked, dict) else None
        works: dict[str, Callable[[Mapping[str, object]], dict[str, object]]] = {
            "hello": lambda _: {"server": self._named(f"Shaker server 1.4.0 since {self._since}")},
            "read": lambda asked: {"value": self._read(str(asked.get("path")))},
            "list": lambda asked: {"names": self._listed(str(asked.get("path")))},
            "call": lambda asked: {"results": self._call(asked)},
        }
        work = works.get(str(do))
        if work is None:
            words = "do: expected hello, read, list or call"
            return self._said({"do": "hello", "ok": False, "error": words})
        try:
            return self._said({"do": do, "ok": True, **work(asked)})
        except _Refused as error:
            return self._said({"do": do, "ok": False, "error": str(error)})

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        asked = json.loads(request)
        error = "BadTooManyOperations: The request could not be processed."
        return self._said({"do": asked["do"], "ok": False, "error": error})

    def _said(self, document: Mapping[str, object]) -> list[Reply]:
        line = json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"
        return [Reply(line, _PROCESSING_S)]

    def _read(self, path: str) -> object:
        known: dict[str, Callable[[], object]] = {
            "DeviceSet/Shaker/Manufacturer": lambda: "Pretend Ltd",
            "DeviceSet/Shaker/Model": lambda: "OrbitShaker 3",
            "DeviceSet/Shaker/SerialNumber": lambda: self._named(_SERIAL),
            f"{_STATE}/CurrentState": self._state,
            f"{_UNIT}/FunctionSet/Speed/SensorValue": self._speed_rpm,
        }
        if path in known:
            return known[path]()
        for run in self.runs:
            if path == f"{_RESULTS}/{run.name}/SupervisoryJobId":
                return run.job
            if path == f"{_RESULTS}/{run.name}/Stopped":
                return run.stopped
            if path == f"{_RESULTS}/{run.name}/Outcome":
                return run.outcome
        raise _Refused(f"0 nodes named {path.rpartition('/')[2]} on the way to {path}")

    def _listed(self, path: str) -> list[str]:
        if path != _RESULTS:
            raise _Refused(f"0 nodes named {path.rpartition('/')[2]} on the way to {path}")
        return ["NodeVersion", *(run.name for run in self.runs)]

    def _call(self, asked: Mapping[str, object]) -> list[object]:
        arguments = asked.get("arguments")
        if asked.get("path") != _STATE or not isinstance(arguments, list):
            raise _Refused("BadMethodInvalid: The method id does not refer to a method.")
        if asked.get("method") == "StartProgram" and len(arguments) == 5:
            return [self._start(str(arguments[0]), str(arguments[2]))]
        if asked.get("method") == "Stop":
            if self._current is None:
                raise _Refused("BadInvalidState: Nothing runs.")
            self._end()
            self._clears_until_s = self._now_s() + _CLEARS_S
            return []
        raise _Refused("BadMethodInvalid: The method id does not refer to a method.")

    def _start(self, template: str, job: str) -> str:
        if self._state() != "Stopped":
            raise _Refused(f"BadInvalidState: The unit is {self._state()}.")
        if template != "Mix":
            raise _Refused(f"BadNotFound: There is no program template {template}.")
        now_s = self._now_s()
        self._current = _Run(f"Mix-{len(self.runs)}", job, now_s, now_s + _RUNS_S)
        self.runs.append(self._current)
        self._begin("ran", _RUNS_S, "s", job_id=job)
        return self._current.name

    def _state(self) -> str:
        if self._current is not None:
            return "Running"
        return "Aborted" if self._now_s() < self._clears_until_s else "Stopped"

    def _speed_rpm(self) -> float:
        """Return how fast the plate turns; it is slow to begin and to end."""
        now_s, last = self._now_s(), self.runs[-1] if self.runs else None
        if last is None or last.begun_s == -math.inf:
            return 0.0
        end_s = min(now_s, last.ends_s)
        reached = _SPEED_RPM * -math.expm1(-(end_s - last.begun_s) / _TIME_CONSTANT_S)
        return round(reached * math.exp(-(now_s - end_s) / _TIME_CONSTANT_S), 2)

    def _advance(self) -> None:
        if self._current is not None and self._now_s() >= self._current.ends_s:
            self._end()

    def _end(self) -> None:
        run, self._current = self._current, None
        if run is None:
            return
        run.outcome = "Completed" if self._now_s() >= run.ends_s else "Stopped"
        run.ends_s = min(run.ends_s, self._now_s())
        run.stopped = self._time_at(run.ends_s).isoformat()
        self._record("ran", run.ends_s - run.begun_s, "s", at_s=run.ends_s, job_id=run.job)

    def _time_at(self, at_s: float) -> datetime:
        return self._fittings.clock.now() - timedelta(seconds=self._now_s() - at_s)

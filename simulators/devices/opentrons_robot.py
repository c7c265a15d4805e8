"""A pretend Opentrons robot: the part of its HTTP API that keeps protocols and runs them.

Facts are those of its driver's ``transcript.txt``, with their sources there. A protocol says in
comments what the pretend robot makes of it: ``# takes 90 s``, ``# moves 200 ul from x1 to vessel``
and ``# fails: no tip attached``; without them it takes 30 s, moves nothing and succeeds. Liquids
move when the run ends, as far as it came if it is stopped. Assumed: stopping takes 2 s.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply
from simulators.http_requests import HttpAsk, ask_in, reply_with, taken_from

__all__ = ["OpentronsRobotDevice"]

_PROCESSING_S: Final = 0.05
_STOPPING_S: Final = 2.0
_USUAL_S: Final = 30.0
_TAKES: Final = re.compile(r"^# takes (\d{1,6}(?:\.\d+)?) s$", re.M)
_MOVES: Final = re.compile(r"^# moves (\d{1,6}(?:\.\d+)?) ul from (\w+) to (\w+)$", re.M)
_FAILS: Final = re.compile(r"^# fails: (.+)$", re.M)
_PART: Final = re.compile(
    rb'Content-Disposition: form-data; name="(\w+)"(?:; filename="([^"]*)")?'
    rb"(?:\r\nContent-Type: [^\r\n]*)?\r\n\r\n(.*?)\r\n--",
    re.S,
)
_MOVING: Final = ("running", "stop-requested")


@dataclass(slots=True)
class _Protocol:
    key: str
    text: str


@dataclass(slots=True)
class _Run:
    protocol_id: str
    state: str = "idle"
    actions: list[str] = field(default_factory=list)
    began_s: float = 0.0
    ends_s: float = 0.0
    error: str = ""


class OpentronsRobotDevice(FramedDevice):
    """One robot, switched on, with its door closed and nothing to do.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b""

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self._protocols: dict[str, _Protocol] = {}
        self._runs: dict[str, _Run] = {}
        self._lights = False

    @override
    def receive(self, data: bytes) -> list[Reply]:
        """Take bytes off the wire; each request says its own length."""
        self._buffer += data
        replies: list[Reply] = []
        while True:
            request, self._buffer = taken_from(self._buffer)
            if request is None:
                return replies
            replies += self._answer_with_faults(request)

    @override
    def in_motion(self) -> Act | None:
        self._advance()
        for run_id, run in self._runs.items():
            if run.state in _MOVING:
                took_s = self._now_s() - run.began_s
                return Act(self._fittings.clock.now(), "ran", took_s, "s", run_id)
        return None

    @override
    def _lose_power(self) -> None:
        """End what runs and forget the runs, as an OT-2 does; protocols stay on its disk."""
        self._advance()
        for run_id in list(self._runs):
            self._end(run_id, "stopped", at_s=self._now_s())
        self._runs.clear()

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        return self._error(500, "InternalServerError", "the robot server broke")

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._advance()
        ask = ask_in(request)
        if not ask.headers.get("opentrons-version"):
            return self._error(422, "HeaderMissing", "Opentrons-Version is missing")
        match ask.method, ask.path.strip("/").split("/"):
            case "GET", ["health"]:
                answer = self._said(200, {**_HEALTH, "robot_serial": self._named(_SERIAL)})
            case "GET", ["protocols"]:
                answer = self._said(200, {"data": [self._protocol(one) for one in self._protocols]})
            case "POST", ["protocols"]:
                answer = self._uploaded(ask)
            case "GET", ["runs"]:
                answer = self._said(200, {"data": [self._run(one) for one in self._runs]})
            case "POST", ["runs"]:
                answer = self._made(ask)
            case "GET", ["runs", run_id] if run_id in self._runs:
                answer = self._said(200, {"data": self._run(run_id)})
            case "POST", ["runs", run_id, "actions"] if run_id in self._runs:
                answer = self._acted(run_id, ask)
            case "GET", ["robot", "lights"]:
                answer = self._said(200, {"on": self._lights})
            case "POST", ["robot", "lights"]:
                answer = self._lit(ask)
            case _:
                answer = self._error(404, "ResourceNotFound", "there is no such thing")
        return answer

    def _said(self, status: int, document: object) -> list[Reply]:
        return [Reply(reply_with(status, document), _PROCESSING_S)]

    def _error(self, status: int, title: str, detail: str) -> list[Reply]:
        error = {"id": title, "title": title, "detail": detail, "errorCode": "4000"}
        return self._said(status, {"errors": [error]})

    def _protocol(self, protocol_id: str) -> dict[str, object]:
        return {
            "id": protocol_id,
            "protocolType": "python",
            "key": self._protocols[protocol_id].key,
        }

    def _run(self, run_id: str) -> dict[str, object]:
        run = self._runs[run_id]
        errors = [{"errorType": "ExceptionInProtocolError", "detail": run.error}]
        return {
            "id": run_id,
            "status": run.state,
            "current": run_id == list(self._runs)[-1],
            "actions": [{"actionType": action} for action in run.actions],
            "errors": errors if run.error else [],
            "protocolId": run.protocol_id,
        }

    def _uploaded(self, ask: HttpAsk) -> list[Reply]:
        parts = {name: body for name, _, body in _PART.findall(ask.body)}
        text = parts.get(b"files")
        if text is None:
            return self._error(422, "ProtocolFilesInvalid", "no file")
        protocol_id = f"protocol-{len(self._protocols) + 1}"
        key = parts.get(b"key", b"").decode("utf-8", "replace")
        self._protocols[protocol_id] = _Protocol(key, text.decode("utf-8", "replace"))
        return self._said(201, {"data": self._protocol(protocol_id)})

    def _made(self, ask: HttpAsk) -> list[Reply]:
        document = ask.json()
        data = document.get("data") if isinstance(document, dict) else None
        wanted = data.get("protocolId") if isinstance(data, dict) else None
        if wanted not in self._protocols:
            return self._error(404, "ProtocolNotFound", f"protocol {wanted} was not found")
        if any(run.state in _MOVING for run in self._runs.values()):
            return self._error(409, "RunConflict", "another run is not idle or stopped")
        run_id = f"run-{len(self._runs) + 1}"
        self._runs[run_id] = _Run(str(wanted))
        return self._said(201, {"data": self._run(run_id)})

    def _acted(self, run_id: str, ask: HttpAsk) -> list[Reply]:
        document, run = ask.json(), self._runs[run_id]
        data = document.get("data") if isinstance(document, dict) else None
        action = data.get("actionType") if isinstance(data, dict) else None
        now_s = self._now_s()
        if action == "play" and run.state == "idle":
            text = self._protocols[run.protocol_id].text
            takes = _TAKES.search(text)
            run.began_s, run.state = now_s, "running"
            run.ends_s = now_s + (float(takes[1]) if takes else _USUAL_S)
            self._begin("ran", run.ends_s - now_s, "s", job_id=run_id)
        elif action == "stop" and run.state == "idle":
            run.state = "stopped"
        elif action == "stop" and run.state == "running":
            run.state, run.ends_s = "stop-requested", min(run.ends_s, now_s + _STOPPING_S)
        else:
            return self._error(409, "RunActionNotAllowed", f"{action} while {run.state}")
        run.actions.append(str(action))
        return self._said(201, {"data": {"id": f"action-{len(run.actions)}", "actionType": action}})

    def _lit(self, ask: HttpAsk) -> list[Reply]:
        document = ask.json()
        wanted = document.get("on") if isinstance(document, dict) else None
        if not isinstance(wanted, bool):
            return self._error(422, "InvalidRequest", "on must be true or false")
        self._lights = wanted
        return self._said(200, {"on": wanted})

    def _advance(self) -> None:
        """Let runs end that have ended by now."""
        for run_id, run in self._runs.items():
            if run.state in _MOVING and run.ends_s <= self._now_s():
                fails = _FAILS.search(self._protocols[run.protocol_id].text)
                is_stopped = run.state == "stop-requested"
                run.error = fails[1] if fails and not is_stopped else ""
                ended = "stopped" if is_stopped else ("failed" if run.error else "succeeded")
                self._end(run_id, ended, at_s=run.ends_s)

    def _end(self, run_id: str, state: str, *, at_s: float) -> None:
        run = self._runs[run_id]
        if run.state not in _MOVING:
            return
        run.state = state
        text = self._protocols[run.protocol_id].text
        takes = _TAKES.search(text)
        share = min(1.0, (at_s - run.began_s) / (float(takes[1]) if takes else _USUAL_S))
        plumbing = self._fittings.plumbing
        for volume_ul, source, target in _MOVES.findall(text):
            drawn = plumbing.draw(source, share * float(volume_ul), at_s)
            plumbing.pour(target, drawn, at_s)
        self._record("ran", at_s - run.began_s, "s", at_s=at_s, job_id=run_id)


_HEALTH: Final = {
    "name": "pretend",
    "robot_model": "OT-2 Standard",
    "api_version": "8.3.1",
    "fw_version": "v2.0.0",
    "system_version": "v1.19.4",
}
_SERIAL: Final = "OT2CEP20200309B04"

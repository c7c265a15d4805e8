"""A pretend device with a REST API: values behind paths, as the rig file describes them.

Assumed: a value that can be read alone and is named ``follows_<other>`` goes where the other one
is, with a lag of 20 s; any other holds what was set, at first its safe value or the middle of its
limits. Replies hold each number where the settings' pointers expect it.
"""

import math
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from typing_extensions import override

from simulators.device import Fittings, FramedDevice, Reply
from simulators.http_requests import HttpAsk, ask_in, reply_with, taken_from

__all__ = ["RestValuesDevice"]

_LAG_S: Final = 20.0
_PROCESSING_S: Final = 0.03
_FOLLOWS: Final = "follows_"


class _Settings(BaseModel):
    """What the bench must know of the table in the rig file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    identity: dict[str, str]
    measured: dict[str, dict[str, Any]] = {}
    settable: dict[str, dict[str, Any]] = {}
    """Each as the driver's settings say it; of any type, as a TOML file is."""


class RestValuesDevice(FramedDevice):
    """One device behind one address.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b""

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self._settings = _Settings.model_validate(fittings.settings)
        self._known = {**self._settings.measured, **self._settings.settable}
        self.identity = self._settings.identity["text"]
        self.values = {name: _at_first(table) for name, table in self._known.items()}
        self._settled_s = self._now_s()

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
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        return self._said(503, {"error": "busy"})

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._advance()
        ask = ask_in(request)
        if ask.method == "GET":
            return self._read(ask)
        for name, table in self._settings.settable.items():
            is_meant = ask.path == table["set_path"]
            if is_meant and ask.method == table.get("set_method", "PUT"):
                return self._set(name, table, ask)
        return self._said(404, {"error": "no such path"})

    def _read(self, ask: HttpAsk) -> list[Reply]:
        identity = self._settings.identity
        if ask.path == identity["path"]:
            return self._said(200, _nested(identity.get("pointer", ""), self._named(self.identity)))
        for name, table in self._known.items():
            if ask.path == table["path"]:
                number = self.values[name] / table.get("scale", 1.0)
                return self._said(200, _nested(table.get("pointer", ""), number))
        return self._said(404, {"error": "no such path"})

    def _set(self, name: str, table: dict[str, Any], ask: HttpAsk) -> list[Reply]:
        found = ask.json()
        for key in str(table.get("set_key", "value")).split("/"):
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, bool) or not isinstance(found, int | float):
            return self._said(422, {"error": "no number"})
        value = found * table.get("scale", 1.0)
        if not table["low"] <= value <= table["high"]:
            return self._said(422, {"error": "out of range"})
        if not math.isclose(value, self.values[name]):
            self._record("set", value, name.rpartition("_")[2])
        self.values[name] = value
        return self._said(200, {"ok": True})

    def _said(self, status: int, document: object) -> list[Reply]:
        return [Reply(reply_with(status, document), _PROCESSING_S)]

    def _advance(self) -> None:
        now_s = self._now_s()
        share = 1.0 - math.exp(-(now_s - self._settled_s) / _LAG_S)
        self._settled_s = now_s
        for name in self._settings.measured:
            followed = name.removeprefix(_FOLLOWS)
            if followed != name and followed in self.values:
                self.values[name] += share * (self.values[followed] - self.values[name])


def _at_first(table: dict[str, Any]) -> float:
    safe = table.get("safe_value")
    return float(safe) if safe is not None else (table["low"] + table["high"]) / 2.0


def _nested(pointer: str, value: object) -> object:
    """Return a document in which a value stands where a JSON pointer points."""
    document = value
    for token in reversed(pointer.split("/")[1:]):
        if token.isdigit():
            document = [*([None] * int(token)), document]
        else:
            document = {token.replace("~1", "/").replace("~0", "~"): document}
    return document

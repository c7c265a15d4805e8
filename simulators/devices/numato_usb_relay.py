"""A pretend relay of a Numato Lab USB module, with a valve behind it that lets liquid through.

Facts are those of its driver's ``transcript.txt``, with their sources there. Each relay
of a module is pretended by itself: it hears the whole line and answers for its own relay, and
questions of the module as a whole are answered by each of them, in the same words; a host skips
answers to other questions than its own. Liquid flows while the relay is on, at the rate of the
rig's settings, until its source is empty.
"""

import math
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply

__all__ = ["NumatoUsbRelayDevice"]

_FIRMWARE: Final = "00000008"
_PROCESSING_S: Final = 0.005
_SWITCHES: Final = frozenset({"relay on", "relay off", "relay read"})
_FIRST_LETTER: Final = 10


class _Settings(BaseModel):
    """What the bench must know of the relay's table in the rig file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: int = Field(ge=0, le=31)
    module_id: str | None = None
    flow_ul_per_s: float = Field(default=0.0, ge=0)


class NumatoUsbRelayDevice(FramedDevice):
    """One relay, off at first.

    Args:
        fittings: How it is fitted into the bench; liquid flows from ``draws_from`` to
            ``delivers_to``.
    """

    terminator = b"\r"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        settings = _Settings.model_validate(fittings.settings)
        self.is_on = False
        number = settings.address
        self._relay = str(number) if number < _FIRST_LETTER else chr(ord("A") + number - 10)
        self._module_id = settings.module_id or "00000000"
        self._flow_ul_per_s = settings.flow_ul_per_s
        self._switched_s = 0.0
        self._settled_s = 0.0
        self._delivered_ul = 0.0
        self._spilled_ul = 0.0

    def settle(self, now_s: float) -> None:
        """Let through what has flowed by now."""
        if not self.is_on:
            return
        flowed_ul = max(0.0, now_s - self._settled_s) * self._flow_ul_per_s
        self._settled_s = max(now_s, self._settled_s)
        source, goal = self._fittings.draws_from, self._fittings.delivers_to
        if source is None or goal is None:
            return
        drawn = self._fittings.plumbing.draw(source, flowed_ul, now_s)
        self._delivered_ul += math.fsum(drawn.values())
        self._spilled_ul += self._fittings.plumbing.pour(goal, drawn, now_s)

    def touches(self, vessel: str) -> bool:
        """Say whether liquid flows out of a vessel or into it at the moment."""
        ends = (self._fittings.draws_from, self._fittings.delivers_to)
        return self.is_on and self._flow_ul_per_s > 0.0 and vessel in ends

    def ends_at_s(self) -> float:
        """Return infinity: it stays on until somebody switches it off."""
        return math.inf

    @override
    def in_motion(self) -> Act | None:
        if not self.is_on:
            return None
        now = self._fittings.clock.now()
        if self._flow_ul_per_s > 0.0:
            return Act(now, "delivered", self._delivered_ul, "ul")
        return Act(now, "switched", self._now_s() - self._switched_s, "s")

    @override
    def _lose_power(self) -> None:
        """Open the relay; assumed: it comes back switched off."""
        self._switch_off()

    @override
    def _is_mine(self, request: bytes) -> bool:
        command, relay = _parts(request)
        return command not in _SWITCHES or relay == self._relay

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._fittings.plumbing.settle(self._now_s())
        command, _ = _parts(request)
        match command:
            case "ver":
                text = _FIRMWARE
            case "id get":
                text = self._named(self._module_id)
            case "relay on":
                text = self._switch_on()
            case "relay off":
                text = self._switch_off()
            case "relay read":
                text = "on" if self.is_on else "off"
            case _:
                return self._refusal(request)
        return _said(request, text)

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        return _said(request, "Invalid command")

    def _switch_on(self) -> str:
        if not self.is_on:
            self.is_on = True
            self._switched_s = self._settled_s = self._now_s()
            self._delivered_ul = self._spilled_ul = 0.0
            is_valve = self._flow_ul_per_s > 0.0
            self._begin(
                "delivered" if is_valve else "switched", math.inf, "ul" if is_valve else "s"
            )
            self._fittings.plumbing.start(self)
        return ""

    def _switch_off(self) -> str:
        if not self.is_on:
            return ""
        now_s = self._now_s()
        self.settle(now_s)
        self.is_on = False
        self._fittings.plumbing.finish(self)
        if self._flow_ul_per_s > 0.0:
            self._record("delivered", self._delivered_ul, "ul")
        else:
            self._record("switched", now_s - self._switched_s, "s")
        if self._spilled_ul > 0.0:
            self._record("spilled", self._spilled_ul, "ul")
        return ""


def _parts(request: bytes) -> tuple[str, str]:
    """Return command and relay of a request; control characters do not count."""
    words = "".join(chr(byte) for byte in request if 0x20 <= byte < 0x7F).split()
    if len(words) == 3 and " ".join(words[:2]) in _SWITCHES:
        return " ".join(words[:2]), words[2].upper()
    return " ".join(words), ""


def _said(request: bytes, text: str) -> list[Reply]:
    answer = text.encode("ascii") + b"\n\r" if text else b""
    return [Reply(request + b"\n\r" + answer + b">", _PROCESSING_S)]

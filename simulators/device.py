"""What a pretend device is: bytes in, delayed bytes out, and a record of what it did to matter."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, Protocol

import numpy as np

from drivers.clock import Clock
from simulators.cells import Cell
from simulators.faults import FaultKind, FaultPlan, corrupted, garbled, truncated
from simulators.plumbing import Plumbing

__all__ = ["Act", "Fittings", "FramedDevice", "Reply", "SimulatedDevice"]

_LATE_S = 5.0
_DAMAGES: Final = {
    FaultKind.CORRUPTED: corrupted,
    FaultKind.GARBLED: garbled,
    FaultKind.TRUNCATED: truncated,
}
_LONGEST_REQUEST_BYTES = 4096
_OTHER_DIGITS: Final = str.maketrans("0123456789", "1234567890")


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes that a device sends, and when."""

    data: bytes
    delay_s: float
    """Seconds from the end of the request to the first byte."""
    is_called_off: Callable[[], bool] | None = None
    """Asked when it is due: whether the device has no reason any more to send it."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a device did to matter."""

    time: datetime
    """When it ended, UTC."""
    act: str
    """What: ``infused``, ``withdrew``, ``spilled``, ``tared``, ``sourced`` and the like."""
    amount: float
    unit: str
    job_id: str | None = None
    """The key of the job that the device was given with the order, if it takes one."""


@dataclass(frozen=True, slots=True)
class Fittings:
    """How one instrument is fitted into a bench."""

    name: str
    """The instrument's name in the rig file."""
    clock: Clock
    plumbing: Plumbing
    rng: np.random.Generator
    """Its own source of chance."""
    faults: FaultPlan
    settings: Mapping[str, object]
    """Its table ``settings`` in the rig file."""
    draws_from: str | None
    delivers_to: str | None
    at: str | None
    """The position that it weighs or measures."""
    cell: Cell | None
    """What its terminals are wired to, if it measures something electrical."""


class SimulatedDevice(Protocol):
    """A device on a simulated line."""

    acts: list[Act]
    """Everything it did to matter so far, in order; current as of the bench's last traffic."""

    def receive(self, data: bytes) -> list[Reply]:
        """Take bytes off the wire and return what is sent back."""
        ...

    def hang_up(self) -> None:
        """Forget the beginning of a request that will not be finished."""
        ...


class FramedDevice(ABC):
    """A device whose requests end with a terminator; faults strike here, request by request.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator: ClassVar[bytes]
    """What ends a request."""

    def __init__(self, fittings: Fittings) -> None:
        self.acts: list[Act] = []
        self.witness: Callable[[Act], None] | None = None
        """Told of each act when it ends and, its name then preceded by ``begin``, of each that
        takes time when it begins, with what was asked as the amount."""
        self.is_another = False
        """Whether another one of its kind stands in its place."""
        self._fittings = fittings
        self._buffer = b""
        self._built_s = fittings.clock.monotonic_s()

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong with its requests."""
        return self._fittings.faults

    def receive(self, data: bytes) -> list[Reply]:
        """Take bytes off the wire and return what is sent back.

        Args:
            data: What came; a request may come in pieces.
        """
        *requests, rest = (self._buffer + data).split(self.terminator)
        self._buffer = rest[-_LONGEST_REQUEST_BYTES:]
        replies: list[Reply] = []
        for request in requests:
            if self._is_mine(request):
                replies += self._answer_with_faults(request)
        return replies

    def hang_up(self) -> None:
        """Forget the beginning of a request that will not be finished."""
        self._buffer = b""

    def power_cycle(self) -> None:
        """Switch it off and on again, in the middle of whatever it does."""
        self.hang_up()
        self._fittings.plumbing.settle(self._now_s())
        self._lose_power()

    def in_motion(self) -> Act | None:
        """Return the act that it is busy with and how far it is, as of the last `settle`."""
        return None

    @property
    def is_busy(self) -> bool:
        """Whether it moves, heats, pours or has an output on, as of the last `settle`."""
        return self.in_motion() is not None

    def _lose_power(self) -> None:
        """Forget what only the supply kept; a device that has nothing to forget leaves this out."""
        return

    @abstractmethod
    def _is_mine(self, request: bytes) -> bool:
        """Say whether a request, without its terminator, is addressed to this device."""

    @abstractmethod
    def _answer(self, request: bytes) -> list[Reply]:
        """Do what a request asks and return the replies."""

    @abstractmethod
    def _refusal(self, request: bytes) -> list[Reply]:
        """Return the device's own error reply to a request, doing nothing."""

    def _answer_with_faults(self, request: bytes) -> list[Reply]:
        fault = self.faults.next_fault(self._now_s() - self._built_s)
        kind = None if fault is None else fault.kind
        if kind is FaultKind.STALLED:
            return []
        if kind is FaultKind.REFUSED:
            return self._refusal(request)
        if kind is FaultKind.REBOOTED:
            self.power_cycle()
            return []
        if kind is FaultKind.WRONG_IDENTITY:
            self.is_another, kind = not self.is_another, None
        replies = self._answer(request)
        if fault is None or kind is None:
            return replies
        if kind is FaultKind.LOST:
            return []
        if kind is FaultKind.LATE:
            late_s = _LATE_S if fault.delay_s is None else fault.delay_s
            return [replace(reply, delay_s=reply.delay_s + late_s) for reply in replies]
        if kind is FaultKind.DOUBLED:
            return [*replies, *replies]
        damage = _DAMAGES[kind]
        return [replace(reply, data=damage(reply.data, self.faults.rng)) for reply in replies]

    def _named(self, text: str) -> str:
        """Return what it says of itself; another one of its kind has other digits there."""
        return text.translate(_OTHER_DIGITS) if self.is_another else text

    def _now_s(self) -> float:
        return self._fittings.clock.monotonic_s()

    def _begin(self, act: str, amount: float, unit: str, *, job_id: str | None = None) -> None:
        """Tell the witness that an act begins which `_record` will end.

        Args:
            act: As `_record` will call it.
            amount: How much was asked; infinite if until it is stopped.
            unit: Of the amount.
            job_id: The key that came with the order.
        """
        if self.witness is not None:
            now = self._fittings.clock.now()
            self.witness(Act(now, f"begin {act}", amount, unit, job_id))

    def _record(
        self,
        act: str,
        amount: float,
        unit: str,
        *,
        at_s: float | None = None,
        job_id: str | None = None,
    ) -> None:
        """Write down an act.

        Args:
            act: What was done.
            amount: How much.
            unit: Of the amount.
            at_s: When it ended, on the bench's clock; now if left out.
            job_id: The key that came with the order.
        """
        time = self._fittings.clock.now()
        if at_s is not None:
            time -= timedelta(seconds=self._now_s() - at_s)
        done = Act(time, act, amount, unit, job_id)
        self.acts.append(done)
        if self.witness is not None:
            self.witness(done)

"""Instruments performed in this process, one job at a time each.

The job boundary lives here: whatever a driver meets becomes an outcome, and a programming error
becomes `Unknown` with its traceback, because nobody knows what the device did before it.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from drivers.clock import Clock
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    LineError,
    NothingDone,
    OutcomeUnknown,
)
from drivers.instrument import Instrument, RecoveryClass
from drivers.line import Line
from orchestrator.core.events import LoggedReading
from orchestrator.execution.executor import Connection, Done, Order, Outcome, Refused, Unknown
from orchestrator.execution.guarded_line import GuardedLine
from orchestrator.execution.rig import drivers_for
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["LocalExecutor"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 120.0
"""A device that has not answered by then is not there."""

STOP_TIMEOUT_S: Final = 10.0
"""A stop or safe state that takes longer than this has failed."""


class _State(StrEnum):
    """Where an instrument stands. Exactly one holds at a time."""

    NOT_CONNECTED = "not connected"
    IDLE = "idle"
    BUSY = "busy"
    FAULT = "fault"


@dataclass(slots=True)
class _Seat:
    """One instrument with its line and what it is doing: as mutable as the device."""

    instrument: Instrument
    line: GuardedLine
    driver: str
    state: _State = _State.NOT_CONNECTED
    job: str = ""
    since_s: float = 0.0
    fault: str = ""
    identity: str = ""

    def begin(self, job: str, now_s: float) -> None:
        self.state, self.job, self.since_s, self.fault = _State.BUSY, job, now_s, ""

    def end(self) -> None:
        if self.state is _State.BUSY:
            self.state = _State.FAULT if self.fault else _State.IDLE

    def blame(self, fault: str) -> None:
        self.fault = fault
        if self.state is not _State.BUSY:
            self.state = _State.FAULT


class LocalExecutor:
    """Opens a rig's lines and drivers in this process.

    Args:
        rig: Checked.
        lines: By name; real ones or a bench's.
        clock: Through which everything waits; orders expire on its monotonic scale.

    Raises:
        RigError: A driver is not installed or refuses its settings.
    """

    def __init__(self, rig: RigSpec, lines: Mapping[str, Line], clock: Clock) -> None:
        self._lines = dict(lines)
        self._clock = clock
        self._epoch = 0
        self._seats: dict[str, _Seat] = {}
        for name, driver in drivers_for(rig).items():
            spec = rig.instruments[name]
            line = GuardedLine(self._lines[spec.line], clock)
            instrument = driver.from_settings(name, line, clock, spec.settings)
            self._seats[name] = _Seat(instrument, line, spec.driver)

    async def connect(self) -> Mapping[str, Connection]:
        """Open the lines and check every instrument that is not connected yet; move nothing."""
        found = {}
        for name, seat in self._seats.items():
            error = ""
            if seat.state is _State.NOT_CONNECTED:
                error = await self._connect(seat)
            found[name] = Connection(
                instrument=name, driver=seat.driver, identity=seat.identity, error=error
            )
        return found

    async def _connect(self, seat: _Seat) -> str:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await seat.line.open()
                seat.identity = await seat.instrument.connect()
        except TimeoutError:
            return f"LineTimeout: no connection within {CONNECT_TIMEOUT_S:g} s"
        except DriverError as error:
            return f"{type(error).__name__}: {error}"
        seat.state = _State.IDLE
        return ""

    async def perform(self, order: Order) -> Outcome:
        """Have one order carried out; see `Executor.perform`."""
        seat = self._seats.get(order.instrument)
        if seat is None:
            return _refused("UnknownInstrument", f"the rig has no {order.instrument}")
        refusal = self._refusal(order, seat)
        if refusal is not None:
            return refusal
        seat.begin(order.action, self._clock.monotonic_s())
        seat.line.arm(order.not_after)
        n_cancels = _n_cancels()
        try:
            outcome = await self._carried_out(order, seat)
            _cancel_if_asked_since(n_cancels)
            seat.fault = seat.fault or _fault_in(outcome)
        except asyncio.CancelledError:
            await _to_its_end(self._stop_after_failure(seat))
            raise
        finally:
            seat.line.disarm()
            seat.end()
        return outcome

    def _refusal(self, order: Order, seat: _Seat) -> Refused | None:
        if order.epoch < self._epoch:
            message = f"epoch {order.epoch} is over, {self._epoch} goes on"
            return _refused("OldEpoch", message)
        self._epoch = order.epoch
        late_s = self._clock.monotonic_s() - order.not_after
        if late_s > 0:
            return _refused("OrderExpired", f"the order expired {late_s:.1f} s ago")
        if seat.state is _State.NOT_CONNECTED:
            return _refused("NotConnected", f"{order.instrument} is not connected")
        if seat.state is _State.BUSY:
            return _refused("InstrumentBusy", f"{order.instrument} is busy with {seat.job}")
        return None

    async def _carried_out(self, order: Order, seat: _Seat) -> Outcome:
        try:
            async with asyncio.timeout(order.deadline_s) as deadline:
                readings = await seat.instrument.perform(order.action, order.arguments)
            return Done(readings=tuple(LoggedReading(name=r.name, value=r.value) for r in readings))
        except DriverError as error:
            return self._met(error, order, seat)
        except TimeoutError:
            if not deadline.expired():
                return await self._broken(order, seat)
            await self._stop_after_failure(seat)
            text = f"{order.action} had not ended after {order.deadline_s:g} s; it was stopped"
            return _unknown_unless_pure(seat, order, "OutcomeUnknown", text)
        except Exception:
            return await self._broken(order, seat)

    async def _broken(self, order: Order, seat: _Seat) -> Outcome:
        evidence = traceback.format_exc()
        logger.exception("%s: %s broke in our own code", order.job_id, order.action)
        await self._stop_after_failure(seat)
        return Unknown(evidence=evidence)

    def _met(self, error: DriverError, order: Order, seat: _Seat) -> Outcome:
        name, text = type(error).__name__, str(error)
        match error:
            case DeviceFault():
                return Refused(error=name, message=text, has_acted=error.acted)
            case LimitError() | NothingDone():
                return _refused(name, text)
            case OutcomeUnknown():
                return _unknown_unless_pure(seat, order, name, text)
            case _ if not seat.line.has_sent:
                return _refused(name, text)
            case LineError():
                text = f"the line went down in the middle of {order.action}: {text}"
                return _unknown_unless_pure(seat, order, name, text)
            case _:
                return _unknown_unless_pure(seat, order, name, text)

    async def stop(self, instrument: str) -> None:
        """Stop one instrument now; see `Executor.stop`."""
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._seats[instrument].instrument.stop()
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer to a stop within {STOP_TIMEOUT_S:g} s") from error

    async def _stop_after_failure(self, seat: _Seat) -> None:
        error = await self._calmed(seat, seat.instrument.stop())
        if error:
            seat.blame(f"not stopped: {error}")

    async def make_safe(self) -> Mapping[str, str]:
        """Bring every instrument to its safe state; see `Executor.make_safe`."""
        async with asyncio.TaskGroup() as group:
            works = {
                name: group.create_task(self._make_one_safe(seat))
                for name, seat in self._seats.items()
            }
        return {name: work.result() for name, work in works.items()}

    async def _make_one_safe(self, seat: _Seat) -> str:
        error = await self._calmed(seat, seat.instrument.make_safe())
        if error:
            seat.blame(f"not safe: {error}")
        return error

    async def _calmed(self, seat: _Seat, work: Awaitable[None]) -> str:
        seat.line.disarm()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await work
        except TimeoutError:
            return f"no answer within {STOP_TIMEOUT_S:g} s"
        except DriverError as error:
            return f"{type(error).__name__}: {error}"
        except Exception as error:
            logger.exception("%s: our own code broke on the way to rest", seat.instrument.name)
            return f"{type(error).__name__}: {error}"
        return ""

    async def close(self) -> None:
        """Let go of the lines; closing twice does nothing."""
        for seat in self._seats.values():
            seat.state = _State.NOT_CONNECTED
        for line in self._lines.values():
            await line.close()

    def snapshot(self) -> Mapping[str, str]:
        """Return what each instrument does; see `Executor.snapshot`."""
        return {name: self._in_words(seat) for name, seat in self._seats.items()}

    def _in_words(self, seat: _Seat) -> str:
        match seat.state:
            case _State.BUSY:
                return f"{seat.job} {self._clock.monotonic_s() - seat.since_s:.0f} s"
            case _State.FAULT:
                return f"fault: {seat.fault}"
            case _:
                return seat.state.value


def _refused(error: str, message: str) -> Refused:
    return Refused(error=error, message=message, has_acted=False)


def _unknown_unless_pure(seat: _Seat, order: Order, error: str, text: str) -> Outcome:
    action = seat.instrument.actions.get(order.action)
    if action is not None and action.recovery is RecoveryClass.PURE:
        return _refused(error, text)
    return Unknown(evidence=f"{error}: {text}")


def _fault_in(outcome: Outcome) -> str:
    match outcome:
        case Refused(error=error) if error not in ("LimitError", "OrderExpired"):
            return f"{error}: {outcome.message}"
        case Unknown():
            return outcome.evidence.strip().rpartition("\n")[2]
        case _:
            return ""


def _n_cancels() -> int:
    """Return how many cancellations of the present task are open."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def _cancel_if_asked_since(n_cancels: int) -> None:
    """Let a cancellation through that a driver's own trouble on its way out has hidden."""
    if _n_cancels() > n_cancels:
        raise asyncio.CancelledError


async def _to_its_end(work: Awaitable[None]) -> None:
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue  # the caller is being cancelled and raises that itself
    task.result()

"""Opening lines, checking who answers, and finding again what was lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from drivers.clock import Clock, deadline
from drivers.errors import DriverError, RigError
from orchestrator.core.lab_events import InstrumentConnected, InstrumentLost, LabEvent
from orchestrator.execution.executor import Connection
from orchestrator.execution.job_boundary import within_tree
from orchestrator.execution.seats import Seat, Wire

__all__ = ["CONNECT_TIMEOUT_S", "Connector"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 120.0
"""Instruments of a line that have not answered by then are not there."""
FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 30.0
"""The wait between two attempts at what is lost doubles from the first to the longest."""


class Connector:
    """Knows which instruments answer, and keeps trying those that do not.

    Args:
        wires: By line.
        clock: Through which it waits.
        on_fact: Told of each instrument found or lost, once each.
        cut_off: Told of each instrument whose line went down, with the reason.
        is_back: Awaited for each instrument found, before anybody may use it.
    """

    def __init__(
        self,
        wires: Mapping[str, Wire],
        clock: Clock,
        on_fact: Callable[[LabEvent], None],
        cut_off: Callable[[Seat, str], None],
        is_back: Callable[[Seat], Awaitable[None]],
    ) -> None:
        self._wires = tuple(wires.values())
        self._clock = clock
        self._on_fact = on_fact
        self._cut_off = cut_off
        self._is_back = is_back
        self._told_lost: set[str] = set()
        self._is_closed = False

    async def connect_all(self) -> dict[str, Connection]:
        """Connect every instrument that is not connected, line by line at the same time."""
        self._is_closed = False
        async with asyncio.TaskGroup() as group:
            for wire in self._wires:
                group.create_task(self._connect(wire))
        return {seat.name: _connection(seat) for wire in self._wires for seat in wire.seats}

    async def connect(self, seat: Seat) -> None:
        """Connect one instrument, with those that share its line, if it is not connected."""
        if not seat.connected.is_set():
            await self._connect(self._wire_of(seat.name))

    def lose(self, instrument: str, reason: str) -> None:
        """Take note that the line of an instrument is down."""
        wire = self._wire_of(instrument)
        if wire.is_down or self._is_closed:
            return
        wire.is_down = True
        for seat in wire.seats:
            was_connected = seat.connected.is_set()
            self._miss(seat, reason)
            if was_connected:
                self._cut_off(seat, reason)
        self._try_again(wire)

    def distrust(self, instrument: str, reason: str) -> None:
        """Take note that an instrument could not be made safe; it is greeted again.

        Args:
            instrument: Whose line may be up, and others on it at work.
            reason: Why not.
        """
        wire = self._wire_of(instrument)
        if self._is_closed:
            return
        for seat in wire.seats:
            if seat.name == instrument:
                self._miss(seat, reason)
        self._try_again(wire)

    async def close(self) -> None:
        """End the attempts and close the lines; closing twice does nothing."""
        self._is_closed = True
        for wire in self._wires:
            if wire.retry is not None:
                wire.retry.cancel()
                await asyncio.wait({wire.retry})
                wire.retry = None
            for seat in wire.seats:
                seat.connected.clear()
                seat.why_lost = "the executor is closed"
            await wire.line.close()

    async def _connect(self, wire: Wire) -> None:
        async with wire.turn:
            if all(seat.connected.is_set() for seat in wire.seats):
                return
            try:
                async with deadline(self._clock, CONNECT_TIMEOUT_S, n_replies=10):
                    if wire.is_down:
                        await wire.line.close()
                    await wire.line.open()
                    wire.is_down = False
                    for seat in wire.seats:
                        await self._greet(seat)
            except TimeoutError:
                self._miss_all(wire, f"LineTimeout: no connection in {CONNECT_TIMEOUT_S:g} s")
            except DriverError as error:
                self._miss_all(wire, f"{type(error).__name__}: {error}")
        if not all(seat.connected.is_set() for seat in wire.seats):
            self._try_again(wire)

    async def _greet(self, seat: Seat) -> None:
        """Ask an instrument who it is, unless it has said so or somebody works with it."""
        if seat.connected.is_set():
            return
        async with seat.turn:
            try:
                greeting = seat.instrument.connect()
                identity = await within_tree(greeting, f"connecting {seat.name}")
                _refuse_another(seat, identity)
                seat.identity = seat.known_as = identity
                await self._is_back(seat)
            except DriverError as error:
                self._miss(seat, f"{type(error).__name__}: {error}")
                return
        seat.connected.set()
        seat.fault = ""
        self._told_lost.discard(seat.name)
        logger.info("%s: connected, %s", seat.name, seat.identity)
        self._on_fact(
            InstrumentConnected(
                instrument=seat.name, driver=seat.spec.driver, identity=seat.identity
            )
        )

    def _miss_all(self, wire: Wire, reason: str) -> None:
        for seat in wire.seats:
            if not seat.connected.is_set():
                self._miss(seat, reason)

    def _miss(self, seat: Seat, reason: str) -> None:
        seat.connected.clear()
        seat.why_lost = reason
        if seat.name not in self._told_lost:
            self._told_lost.add(seat.name)
            logger.warning("%s: lost: %s", seat.name, reason)
            self._on_fact(InstrumentLost(instrument=seat.name, reason=reason))

    def _try_again(self, wire: Wire) -> None:
        if not self._is_closed and (wire.retry is None or wire.retry.done()):
            wire.retry = asyncio.create_task(self._find_again(wire))

    async def _find_again(self, wire: Wire) -> None:
        wait_s = FIRST_RETRY_S
        while not all(seat.connected.is_set() for seat in wire.seats):
            await self._clock.sleep(wait_s)
            await self._connect(wire)
            wait_s = min(2 * wait_s, LONGEST_RETRY_S)

    def _wire_of(self, instrument: str) -> Wire:
        return next(
            wire for wire in self._wires if any(seat.name == instrument for seat in wire.seats)
        )


def _refuse_another(seat: Seat, identity: str) -> None:
    """Let only the device pass that was here before: of another nobody knows what it did.

    Raises:
        RigError: Another one of the same kind answers.
    """
    if seat.known_as not in ("", identity):
        expected = (
            f"{seat.known_as!r}, as before; if it was exchanged on purpose, take {seat.name} out "
            "of service and put it back"
        )
        raise RigError(f"instruments.{seat.name}", got=identity, expected=expected)


def _connection(seat: Seat) -> Connection:
    is_connected = seat.connected.is_set()
    return Connection(
        instrument=seat.name,
        driver=seat.spec.driver,
        identity=seat.identity if is_connected else "",
        error="" if is_connected else seat.why_lost,
    )

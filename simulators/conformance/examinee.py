"""One driver on its rig, ready to be tried again and again on clocks that jump."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from drivers.card import DriverCard, card_of, example_rig_of
from drivers.catalog import driver_named
from drivers.clock import VirtualClock, VirtualLoop
from drivers.errors import DeviceFault, DriverError, RigError
from drivers.instrument import Instrument
from drivers.reading import Reading
from drivers.ticket import Ticket
from simulators.bench import Bench
from simulators.device import FramedDevice
from simulators.errors import CheckFailed, CheckSkipped

__all__ = ["Examinee", "Expected", "Station", "demand", "raised_by"]

T = TypeVar("T")

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SEED = 7


def demand(is_so: bool, text: str) -> None:
    """Fail the check unless something is so.

    Raises:
        CheckFailed: It is not.
    """
    if not is_so:
        raise CheckFailed(text)


async def raised_by(work: Awaitable[object]) -> DriverError | None:
    """Wait for something and return the driver's error that it raises, if it does."""
    try:
        await work
    except DriverError as error:
        return error
    return None


class Expected:
    """A block that must raise an error of some kinds; `error` is what it raised.

    Args:
        kinds: The kinds of error that are right.
        what: What is tried, for the message.
    """

    def __init__(self, kinds: type[Exception] | tuple[type[Exception], ...], what: str) -> None:
        self._kinds = kinds
        self._what = what
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if isinstance(error, self._kinds) and isinstance(error, Exception):
            self.error = error
            return True
        if error is None:
            raise CheckFailed(f"{self._what}: nothing was raised, expected {self._names()}")
        return False

    def _names(self) -> str:
        kinds = self._kinds if isinstance(self._kinds, tuple) else (self._kinds,)
        return " or ".join(kind.__name__ for kind in kinds)


@dataclass(slots=True)
class Station:
    """One instrument on its bench."""

    bench: Bench
    instrument: Instrument
    clock: VirtualClock
    card: DriverCard

    @property
    def device(self) -> FramedDevice:
        """The pretend device behind it."""
        return self.bench.device(self.instrument.name)

    @property
    def n_acts(self) -> int:
        """How much it has done to matter so far."""
        self.bench.settle()
        return len(self.device.acts)

    @property
    def n_requests(self) -> int:
        """How many requests the pretend device has heard."""
        return self.device.faults.n_requests

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing moves and no output is on."""
        self.bench.settle()
        return not self.device.is_busy

    async def perform(self, action: str, ticket: Ticket | None = None) -> tuple[Reading, ...]:
        """Do an action with the arguments that its card gives as an example."""
        example = self.card.actions[action].example
        return await self.instrument.perform(action, example, ticket)


class Examinee:
    """A driver and the rig on which it is tried.

    Args:
        driver_name: As in the entry points.
        rig: The structure of a rig file that has an instrument of this driver; the example rig
            beside the driver if left out.

    Raises:
        RigError: There is no such driver, no card, or no instrument of it on the rig.
    """

    def __init__(self, driver_name: str, rig: Mapping[str, object] | None = None) -> None:
        self.driver_name = driver_name
        self.driver = driver_named(driver_name)
        self.card = card_of(self.driver)
        self.rig = dict(example_rig_of(self.driver) if rig is None else rig)
        self.instrument_name, self._table = self._instrument()
        self.is_example = rig is None
        """Whether the rig is the one beside the driver, which its transcript belongs to."""
        self._unsuited: dict[str, str] = {}

    def in_virtual_time(self, main: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
        """Run something to its end on a fresh loop whose time jumps."""
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(main(VirtualClock(_START)))

    def bench(self, clock: VirtualClock, *faults: Mapping[str, object]) -> Bench:
        """Return a fresh bench.

        Args:
            clock: Of the bench.
            faults: Tables ``[[simulation.fault]]`` of this instrument, without its name.
        """
        simulation = self.rig.get("simulation")
        if not isinstance(simulation, Mapping):
            raise RigError("simulation", got=simulation, expected="a world to pretend")
        named = [{"instrument": self.instrument_name, **fault} for fault in faults]
        rig = {**self.rig, "simulation": {**simulation, "fault": named}}
        return Bench.from_rig(rig, clock, seed=_SEED)

    async def station(
        self, clock: VirtualClock, *faults: Mapping[str, object], action: str = ""
    ) -> Station:
        """Return a connected instrument on a fresh bench.

        Args:
            clock: Of the bench.
            faults: As for `bench`.
            action: What its card wants to be done before this action is done first.
        """
        bench = self.bench(clock, *faults)
        station = Station(bench, await self.instrument(bench, clock), clock, self.card)
        await station.instrument.connect()
        for before in self.card.actions[action].after if action else ():
            await station.perform(before)
        return station

    async def instrument(self, bench: Bench, clock: VirtualClock) -> Instrument:
        """Return the instrument on its open line, not yet connected."""
        line = bench.line(str(self._table["line"]))
        await line.open()
        return self.driver.from_settings(self.instrument_name, line, clock, self.settings)

    def skip_unsuited(self, action: str) -> None:
        """Skip an action that cannot be tried on a rig which is not the driver's example.

        There its undisturbed end may be a fault of the device, as with a probe on an empty place.

        Raises:
            CheckSkipped: It is so.
        """
        if self.is_example or action not in self.driver.actions:
            return
        if action not in self._unsuited:
            self._unsuited[action] = self.in_virtual_time(functools.partial(self._fault_of, action))
        if self._unsuited[action]:
            raise CheckSkipped(self._unsuited[action])

    async def _fault_of(self, action: str, clock: VirtualClock) -> str:
        try:
            station = await self.station(clock, action=action)
            await station.perform(action)
        except DeviceFault as fault:
            return f"on this rig it ends with a fault: {fault}"
        return ""

    @property
    def settings(self) -> Mapping[str, object]:
        """The table ``[instruments.<name>.settings]``."""
        found = self._table.get("settings", {})
        return found if isinstance(found, Mapping) else {}

    def _instrument(self) -> tuple[str, Mapping[str, object]]:
        tables = self.rig.get("instruments", {})
        found = dict(tables) if isinstance(tables, Mapping) else {}
        for name, table in found.items():
            if table.get("driver") == self.driver_name:
                return str(name), table
        expected = f"an instrument with driver = {self.driver_name!r}"
        raise RigError("instruments", got=sorted(found), expected=expected)

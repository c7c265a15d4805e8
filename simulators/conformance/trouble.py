"""Silver: the driver says the truth when the wire, the device or the rig goes wrong."""

import functools
import math
from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from drivers.card import card_of
from drivers.catalog import DRIVERS, driver_named, names
from drivers.clock import VirtualClock
from drivers.errors import (
    DeviceFault,
    DriverError,
    LineError,
    NothingDone,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import RecoveryClass
from simulators.bench import Bench
from simulators.conformance.examinee import Examinee, Expected, Station, demand, raised_by
from simulators.errors import CheckSkipped
from simulators.line import SimulatedLine

__all__ = [
    "FAULTS",
    "FAULTS_OF_THE_WIRE",
    "a_cable_that_falls_out_is_told",
    "a_closed_line_sends_nothing",
    "refuses_another_device",
    "reopens_its_line",
    "requests_of",
    "speaks_the_truth_after_a_fault",
    "survives_a_fault",
    "tells_another_of_its_kind",
]

FAULTS: Final[Mapping[str, tuple[type[DriverError], ...]]] = {
    "lost": (OutcomeUnknown, NothingDone),
    "late": (OutcomeUnknown, NothingDone),
    "stalled": (OutcomeUnknown, NothingDone, DeviceFault),
    "garbled": (ProtocolError, NothingDone, OutcomeUnknown),
    "refused": (DeviceFault,),
    "truncated": (ProtocolError, NothingDone, OutcomeUnknown),
    "doubled": (ProtocolError, NothingDone, OutcomeUnknown),
    "corrupted": (ProtocolError, NothingDone, OutcomeUnknown, DeviceFault),
    "rebooted": (ProtocolError, NothingDone, OutcomeUnknown, DeviceFault),
}
"""What each fault of the wire may turn into.

`NothingDone` claims that no matter was touched; the check looks whether that is so. A set-point
that a stalled device did not take reads back differently: a `DeviceFault`. An action may also end
well, where the request is not answered anyway.
"""
FAULTS_OF_THE_WIRE: Final = tuple(kind for kind in FAULTS if kind != "rebooted")
"""Those after which the device is as it was."""
_MAY_PASS: Final = ("doubled", "corrupted")
"""What may go unnoticed: the same answer again, or a digit that no checksum guards."""
_N_PLACES: Final = 6
_LATE_S: Final = 90.0


def a_closed_line_sends_nothing(examinee: Examinee, action: str) -> None:
    """Check that a closed line is a `LineError` and no byte is sent."""

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock, action=action)
        before = station.n_requests
        await station.instrument.line.close()
        with Expected(LineError, "an action on a closed line"):
            await station.perform(action)
        demand(station.n_requests == before, "a byte was sent on a closed line")

    examinee.in_virtual_time(main)


def reopens_its_line(examinee: Examinee, _: str) -> None:
    """Check that the line can be closed twice, opened and the device connected again."""

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock)
        line = station.instrument.line
        await line.close()
        await line.close()
        await line.open()
        demand(bool(await station.instrument.connect()), "no identity after the line came back")

    examinee.in_virtual_time(main)


def survives_a_fault(examinee: Examinee, subject: str) -> None:
    """Check one kind of fault at several requests of one action.

    Args:
        examinee: The driver.
        subject: ``action, kind``.
    """
    action, _, kind = subject.partition(", ")
    first, last = requests_of(examinee, action)
    stride = max(1, (last - first) // _N_PLACES)

    async def main(clock: VirtualClock) -> None:
        n_errors = 0
        for place in [*range(first, last, stride), last]:
            n_errors += await _strike(examinee, clock, action, kind, place)
        demand(n_errors > 0 or kind in _MAY_PASS, "the fault was never noticed")

    examinee.in_virtual_time(main)


async def _strike(
    examinee: Examinee, clock: VirtualClock, action: str, kind: str, place: int
) -> bool:
    fault: dict[str, object] = {"kind": kind, "exchange": place}
    if kind == "late":
        fault["delay_s"] = _LATE_S
    station = await examinee.station(clock, fault, action=action)
    before = station.n_acts
    error = await raised_by(station.perform(action))
    where = f"at request {place}"
    demand(error is None or isinstance(error, FAULTS[kind]), f"{where}: {error!r}")
    may_be_on = error is None and examinee.card.actions[action].leaves_on
    demand(may_be_on or station.is_at_rest, f"{where}: it is not at rest after {error!r}")
    _demand_truth(examinee, action, error, station.n_acts - before, where)
    return error is not None


def _demand_truth(
    examinee: Examinee, action: str, error: DriverError | None, n_acted: int, where: str
) -> None:
    """Check that an error after matter was touched says so."""
    declared = examinee.driver.actions[action]
    if error is None or not n_acted or declared.recovery is RecoveryClass.PURE:
        return
    is_told = isinstance(error, OutcomeUnknown) or (isinstance(error, DeviceFault) and error.acted)
    text = f"{where}: it had acted, and raised {error!r}; expected OutcomeUnknown, or DeviceFault"
    demand(is_told, f"{text} with acted=True")


def a_cable_that_falls_out_is_told(examinee: Examinee, action: str) -> None:
    """Check an action whose line goes down at several of its requests."""
    first, last = requests_of(examinee, action)
    n_requests = last - first + 1
    stride = max(1, n_requests // _N_PLACES)

    async def main(clock: VirtualClock) -> None:
        for place in sorted({*range(1, n_requests, stride), n_requests}):
            await _unplug(examinee, clock, action, place, is_sent=True)
            await _unplug(examinee, clock, action, place, is_sent=False)

    examinee.in_virtual_time(main)


async def _unplug(
    examinee: Examinee, clock: VirtualClock, action: str, place: int, *, is_sent: bool
) -> None:
    bench = examinee.bench(clock)
    line = _LooseLine(bench, examinee.instrument_name, clock)
    await line.open()
    instrument = examinee.driver.from_settings(
        examinee.instrument_name, line, clock, examinee.settings
    )
    station = Station(bench, instrument, clock, examinee.card)
    await instrument.connect()
    for earlier in examinee.card.actions[action].after:
        await station.perform(earlier)
    line.n_left, line.is_last_sent = place, is_sent
    before = station.n_acts
    error = await raised_by(station.perform(action))
    where = f"the cable out {'after' if is_sent else 'before'} request {place}"
    kinds = (LineError, NothingDone, OutcomeUnknown, DeviceFault)
    demand(error is None or isinstance(error, kinds), f"{where}: {error!r}")
    demand(error is not None or is_sent or not line.is_out, f"{where}: it ended well")
    _demand_truth(examinee, action, error, station.n_acts - before, where)


class _LooseLine(SimulatedLine):
    """A line to one device whose cable falls out after so many requests."""

    def __init__(self, bench: Bench, instrument: str, clock: VirtualClock) -> None:
        super().__init__("loose", [bench.device(instrument)], clock, baudrate=None)
        self.n_left = math.inf
        self.is_last_sent = True
        self.is_out = False

    @override
    async def write(self, data: bytes, *, timeout_s: float) -> None:
        self.n_left -= 1
        self.is_out = self.is_out or self.n_left == 0
        if self.is_out and not self.is_last_sent:
            self.unplug()
        await super().write(data, timeout_s=timeout_s)
        if self.is_out:
            self.unplug()


def requests_of(examinee: Examinee, action: str) -> tuple[int, int]:
    """Return the first and the last request, counted from 1, that an action sends."""

    async def main(clock: VirtualClock) -> tuple[int, int]:
        station = await examinee.station(clock, action=action)
        before = station.n_requests
        await station.perform(action)
        return before + 1, station.n_requests

    return examinee.in_virtual_time(main)


def speaks_the_truth_after_a_fault(examinee: Examinee, kind: str) -> None:
    """Check that a reading after a fault is good.

    Args:
        examinee: The driver.
        kind: Of fault, one of `FAULTS`.

    Raises:
        CheckSkipped: The driver has no action that only reads.
    """
    actions = examinee.driver.actions.values()
    pure = next((one.name for one in actions if one.recovery is RecoveryClass.PURE), None)
    if pure is None:
        raise CheckSkipped("no action only reads")
    first, _ = requests_of(examinee, pure)

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock, {"kind": kind, "exchange": first}, action=pure)
        await raised_by(station.perform(pure))
        demand(bool(await station.perform(pure)), "no reading after the fault")

    examinee.in_virtual_time(main)


def refuses_another_device(examinee: Examinee, _: str) -> None:
    """Check that a device of another kind on the line is noticed when connecting."""
    for other in _others(examinee):
        examinee.in_virtual_time(functools.partial(_connect_to, examinee, other))


async def _connect_to(examinee: Examinee, other: Examinee, clock: VirtualClock) -> None:
    stranger = await other.instrument(other.bench(clock), clock)
    name, settings = examinee.instrument_name, examinee.settings
    own = examinee.driver.from_settings(name, stranger.line, clock, settings)
    kinds = (RigError, ProtocolError, OutcomeUnknown, DeviceFault)
    with Expected(kinds, f"connecting to a {stranger.model}"):
        await own.connect()


def tells_another_of_its_kind(examinee: Examinee, _: str) -> None:
    """Check that another device of the same kind is refused, or has another identity.

    Raises:
        CheckSkipped: The device says nothing by which it could be told from another.
    """

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock)
        first = await station.instrument.connect()
        station.device.is_another = True
        error = await raised_by(station.instrument.connect())
        if error is None and await station.instrument.connect() == first:
            raise CheckSkipped("nothing that it says tells it from another of its kind")
        demand(error is None or isinstance(error, RigError | ProtocolError), repr(error))

    examinee.in_virtual_time(main)


def _others(examinee: Examinee) -> list[Examinee]:
    """Return drivers of other devices; one of the same maker and protocol may rightly be taken."""
    mine = examinee.card.device
    found = []
    for name in names(DRIVERS):
        device = card_of(driver_named(name)).device
        is_kin = (
            device.maker == mine.maker and device.protocol.split()[0] == mine.protocol.split()[0]
        )
        if device.codec == "own" and not is_kin:
            found.append(Examinee(name))
    return found

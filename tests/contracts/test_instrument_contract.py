"""What holds for the driver of every device found, against its pretend device on the bench."""

import asyncio
import inspect
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.catalog import DRIVERS, driver_named, names
from drivers.clock import VirtualClock
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    LineError,
    NothingDone,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import Argument, Instrument, RecoveryClass
from simulators.bench import Bench
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import error_of, error_or_none, in_virtual_time

DEVICES = names(DRIVERS)

MEANT: Mapping[str, Mapping[str, float | str]] = {
    "dispense": {"volume_ul": 400.0, "rate_ul_per_min": 2000.0},
    "withdraw": {"volume_ul": 900.0, "rate_ul_per_min": 2000.0},
    "transfer": {"volume_ul": 600.0, "rate_ul_per_min": 2000.0},
    "measure_current_sweep": {
        "start_ma": 1.0,
        "stop_ma": 100.0,
        "n_points": 5,
        "dwell_s": 3.0,
        "voltage_limit_v": 5.0,
    },
    "measure_voltage_trace": {"n_readings": 4, "interval_s": 2.0},
    "open_for": {"duration_s": 4.0},
    "set_relay": {"state": "off"},
    "carry_out": {"instruction": "Swirl the vessel ten times.", "within_s": 24.0},
    "measure_mass_by_hand": {"instruction": "Weigh the vessel.", "within_s": 24.0},
    "measure_volume_by_hand": {"instruction": "Read the level.", "within_s": 24.0},
    "measure_temperature_by_hand": {"instruction": "Read the thermometer.", "within_s": 24.0},
}
"""Arguments that suit the bench; an action without an entry takes none."""
BEFORE: Mapping[str, tuple[str, ...]] = {"dispense": ("withdraw",)}
"""What must be done first for an action to make sense."""

ACTIONS = [(device, name) for device in DEVICES for name in driver_named(device).actions]


@dataclass
class Station:
    """One instrument on its bench, ready to be asked."""

    bench: Bench
    instrument: Instrument
    clock: VirtualClock

    async def perform(self, action: str) -> object:
        return await self.instrument.perform(action, MEANT.get(action, {}))

    @property
    def n_requests(self) -> int:
        """How many requests the pretend device has heard."""
        device = self.bench.device(self.instrument.name)
        return device._fittings.faults._n_requests


async def station_for(
    device: str, clock: VirtualClock, *faults: Mapping[str, object], action: str = ""
) -> Station:
    """Return a connected instrument that has done what comes before an action."""
    bench = bench_of(clock, *faults)
    instrument = await instrument_on(bench, device, clock)
    station = Station(bench, instrument, clock)
    await instrument.connect()
    for name in BEFORE.get(action, ()):
        await station.perform(name)
    return station


def requests_of(device: str, action: str) -> tuple[int, int]:
    """Return the first and the last request, counted from 1, that an action sends."""

    async def main(clock: VirtualClock) -> tuple[int, int]:
        station = await station_for(device, clock, action=action)
        before = station.n_requests
        await station.perform(action)
        return before + 1, station.n_requests

    return in_virtual_time(main)


def test_every_driver_has_its_instrument_on_the_rig_of_the_tests() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        bench = bench_of(clock)
        return [(await instrument_on(bench, name, clock)).name for name in DEVICES]

    assert in_virtual_time(main) == list(DEVICES)


@pytest.mark.parametrize("device", DEVICES)
def test_connect_tells_the_identity(device: str) -> None:
    async def main(clock: VirtualClock) -> str:
        return await (await instrument_on(bench_of(clock), device, clock)).connect()

    assert len(in_virtual_time(main)) > 10


@pytest.mark.parametrize("device", DEVICES)
def test_connecting_again_moves_nothing(device: str) -> None:
    async def main(clock: VirtualClock) -> bool:
        station = await station_for(device, clock)
        before = station.bench.acts()
        await station.instrument.connect()
        return station.bench.acts() == before

    assert in_virtual_time(main)


@pytest.mark.parametrize(("device", "action"), ACTIONS)
def test_an_action_gives_its_readings_in_the_time_it_names(device: str, action: str) -> None:
    async def main(clock: VirtualClock) -> tuple[list[str], float]:
        station = await station_for(device, clock, action=action)
        begun_s = clock.monotonic_s()
        readings = await station.perform(action)
        return [reading.name for reading in readings], clock.monotonic_s() - begun_s  # type: ignore[attr-defined]

    got, took_s = in_virtual_time(main)
    declared = driver_named(device).actions[action]
    named_s = declared.duration_s(**MEANT.get(action, {}))
    assert tuple(got) == declared.readings
    assert 0.0 < took_s <= named_s
    assert named_s < 2.0 * took_s + 8.0


def outside(argument: Argument) -> list[float]:
    """Return values outside an argument's limits."""
    values = [argument.low - 1e-3, argument.high * 1.001 + 1.0, float("nan"), float("inf")]
    return values if argument.kind in (float, int) else []


@pytest.mark.parametrize(("device", "action"), ACTIONS)
def test_limits_are_refused_before_a_byte_is_sent(device: str, action: str) -> None:
    declared = driver_named(device).actions[action]
    bad: list[dict[str, object]] = [
        {argument.name: value} for argument in declared.arguments for value in outside(argument)
    ]
    bad += [
        {argument.name: 1.0 if argument.kind is str else "much"} for argument in declared.arguments
    ]

    async def main(clock: VirtualClock) -> tuple[set[type[BaseException]], int]:
        station = await station_for(device, clock)
        before = station.n_requests
        refused = {
            type(await error_of(station.instrument.perform(action, {**MEANT[action], **wrong})))
            for wrong in bad
        }
        refused.add(type(await error_of(station.instrument.perform(action, {"colour": 1.0}))))
        if declared.arguments:
            refused.add(type(await error_of(station.instrument.perform(action, {}))))
        return refused, station.n_requests - before

    assert in_virtual_time(main) == ({LimitError}, 0)


@pytest.mark.parametrize("device", DEVICES)
def test_an_unknown_action_is_refused(device: str) -> None:
    async def main(clock: VirtualClock) -> BaseException:
        station = await station_for(device, clock)
        return await error_of(station.instrument.perform("explode", {}))

    assert isinstance(in_virtual_time(main), LimitError)


@pytest.mark.parametrize("device", DEVICES)
def test_stop_and_make_safe_work_at_rest_and_twice(device: str) -> None:
    async def main(clock: VirtualClock) -> dict[str, list[object]]:
        station = await station_for(device, clock)
        before = station.bench.acts()
        for _ in range(2):
            await station.instrument.stop()
            await station.instrument.make_safe()
        assert station.bench.acts() == before
        return {}

    in_virtual_time(main)


@pytest.mark.parametrize("device", DEVICES)
def test_the_line_can_be_closed_twice_and_opened_again(device: str) -> None:
    async def main(clock: VirtualClock) -> str:
        station = await station_for(device, clock)
        line = station.instrument.line
        await line.close()
        await line.close()
        await line.open()
        return await station.instrument.connect()

    assert in_virtual_time(main)


@pytest.mark.parametrize(("device", "action"), ACTIONS)
def test_a_closed_line_is_a_line_error_and_nothing_is_sent(device: str, action: str) -> None:
    async def main(clock: VirtualClock) -> tuple[type[BaseException], int]:
        station = await station_for(device, clock, action=action)
        before = station.n_requests
        await station.instrument.line.close()
        error = await error_of(station.perform(action))
        return type(error), station.n_requests - before

    assert in_virtual_time(main) == (LineError, 0)


def is_at_rest(station: Station) -> bool:
    """Tell whether nothing moves and no output is on."""
    station.bench.settle()
    device = station.bench.device(station.instrument.name)
    syringe = getattr(device, "syringe", None)
    switches = getattr(device, "_switches", {})
    if getattr(device, "is_on", False) or getattr(device, "n_unanswered", 0):
        return False
    return not switches.get("OUTP", False) and (syringe is None or not syringe.is_moving)


@pytest.mark.parametrize(("device", "action"), ACTIONS)
def test_cancel_in_mid_action_leaves_it_stopped(device: str, action: str) -> None:
    async def main(clock: VirtualClock) -> None:
        begun = await station_for(device, clock, action=action)
        begun_s = clock.monotonic_s()
        await begun.perform(action)
        whole_s = clock.monotonic_s() - begun_s
        for share in (0.01, 0.2, 0.5, 0.8, 0.99):
            station = await station_for(device, clock, action=action)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(share * whole_s):
                    await station.perform(action)
            assert is_at_rest(station), f"at {share} of {action}"
            n_acts = len(station.bench.acts()[device])
            await clock.sleep(100.0)
            station.bench.settle()
            assert len(station.bench.acts()[device]) == n_acts, f"at {share} of {action}"

    in_virtual_time(main)


RIGHT: Mapping[str, tuple[type[DriverError], ...]] = {
    "lost": (OutcomeUnknown, NothingDone),
    "late": (OutcomeUnknown, NothingDone),
    "stalled": (OutcomeUnknown, NothingDone, DeviceFault),
    "garbled": (ProtocolError, NothingDone, OutcomeUnknown),
    "refused": (DeviceFault,),
}
"""What a fault may turn into.

`NothingDone` claims that no matter was touched; the test looks whether that is so. A set-point
that a stalled device did not take reads back differently: a `DeviceFault`. An action may also end
well, where the request is not answered anyway.
"""


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize(("device", "action"), ACTIONS)
def test_each_fault_gives_the_right_error(device: str, action: str, kind: str) -> None:
    first, last = requests_of(device, action)
    stride = max(1, (last - first) // 6)
    places = [*range(first, last, stride), last]

    async def main(clock: VirtualClock) -> None:
        n_errors = 0
        for place in places:
            fault = {"instrument": device, "kind": kind, "exchange": place}
            if kind == "late":
                fault["delay_s"] = 90.0
            station = await station_for(device, clock, fault, action=action)
            n_before = len(station.bench.acts()[device])
            error = await error_or_none(station.perform(action))
            assert error is None or isinstance(error, RIGHT[kind]), f"request {place}: {error!r}"
            n_errors += error is not None
            assert is_at_rest(station), f"request {place}"
            if isinstance(error, NothingDone):
                assert len(station.bench.acts()[device]) == n_before, f"request {place}"
        assert n_errors > 0, f"{kind} at {places} was never noticed"

    in_virtual_time(main)


@pytest.mark.parametrize("kind", ["lost", "late", "garbled", "stalled", "refused"])
@pytest.mark.parametrize("device", DEVICES)
def test_after_a_fault_the_next_action_speaks_the_truth(device: str, kind: str) -> None:
    action = next(
        name
        for name, declared in driver_named(device).actions.items()
        if declared.recovery is RecoveryClass.PURE
    )
    first, _ = requests_of(device, action)

    async def main(clock: VirtualClock) -> object:
        fault = {"instrument": device, "kind": kind, "exchange": first}
        station = await station_for(device, clock, fault, action=action)
        await error_or_none(station.perform(action))
        return await station.perform(action)

    assert in_virtual_time(main)


@pytest.mark.parametrize("device", DEVICES)
def test_a_wrong_setting_names_its_key(device: str) -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = bench_of(clock).line("pumps")
        settings = {"colour": "red"}
        with pytest.raises(RigError) as caught:
            driver_named(device).from_settings("thing", line, clock, settings)
        return caught.value

    error = in_virtual_time(main)
    assert isinstance(error, RigError)
    assert error.key.startswith("instruments.thing.settings.")


@pytest.mark.parametrize("device", DEVICES)
def test_another_device_on_the_line_is_refused(device: str) -> None:
    wrong = next(name for name in DEVICES if name != device)

    async def main(clock: VirtualClock) -> BaseException:
        bench = bench_of(clock)
        stranger = await instrument_on(bench, wrong, clock)
        own = await instrument_on(bench, device, clock)
        settings = getattr(own, "settings").model_dump()  # noqa: B009 - every driver keeps its settings there
        lost = driver_named(device).from_settings(device, stranger.line, clock, settings)
        return await error_of(lost.connect())

    assert isinstance(
        in_virtual_time(main), RigError | ProtocolError | OutcomeUnknown | DeviceFault
    )


@pytest.mark.parametrize("device", DEVICES)
def test_a_card_tells_the_truth_about_its_driver(device: str) -> None:
    driver = driver_named(device)
    card = tomllib.loads((Path(inspect.getfile(driver)).parent / "card.toml").read_text("utf-8"))

    assert {"maker", "model", "protocol", "tier", "hazards"} <= set(card["device"])
    assert card["device"]["tier"] == "simulated"
    assert set(card["actions"]) == set(driver.actions)
    for name, declared in driver.actions.items():
        assert card["actions"][name]["recovery"] == declared.recovery.value
        assert len(card["actions"][name]["why"]) > 20
    assert len({source["repository"] for source in card["source"]}) >= 2
    assert all(source["licence"] and source["file"] for source in card["source"])
    assert card["manual"][0]["title"]
    assert card["manual"][0]["pages"]
    assert card["quality"]["done"]
    assert card["quality"]["todo"]

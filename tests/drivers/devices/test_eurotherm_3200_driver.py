"""The furnace: what a firing does to it, what breaks, and that every way out leaves it off."""

import asyncio
from dataclasses import replace

import pytest
from pymodbus.framer import FramerRTU

from drivers.clock import VirtualClock
from drivers.devices.eurotherm_3200 import Eurotherm3200
from drivers.devices.eurotherm_3200.codec import Request, encode
from drivers.errors import DeviceFault, LimitError, NothingDone, OutcomeUnknown, RigError
from drivers.instrument import RecoveryClass
from drivers.testing import MemoryLine
from drivers.ticket import Verdict
from simulators.bench import Bench
from simulators.device import Reply
from simulators.devices.eurotherm_3200 import Eurotherm3200Device
from tests.support.driver_rig import bench_of, instrument_on, rig_of_all_drivers
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "eurotherm_3200"
FIRING = {"temperature_c": 400.0, "dwell_min": 30.0, "ramp_c_per_min": 10.0}


async def on_bench(
    clock: VirtualClock, **faults: object
) -> tuple[Bench, Eurotherm3200, Eurotherm3200Device]:
    bench = bench_of(clock, *([{"instrument": NAME, **faults}] if faults else []))
    furnace, device = await instrument_on(bench, NAME, clock), bench.device(NAME)
    assert isinstance(furnace, Eurotherm3200)
    assert isinstance(device, Eurotherm3200Device)
    await furnace.connect()
    return bench, furnace, device


def test_the_classes_are_what_the_controller_can_do():
    classes = {name: declared.recovery for name, declared in Eurotherm3200.actions.items()}

    assert classes == {
        "fire": RecoveryClass.BLIND,
        "set_temperature": RecoveryClass.IDEMPOTENT,
        "measure_temperature": RecoveryClass.PURE,
        "wait_until_reached": RecoveryClass.PURE,
    }
    assert Eurotherm3200.says_when_it_acts


@pytest.mark.parametrize(
    "frame", [b"\x01\x04\x02\xff\xff\xb8\x80", b"\x11\x03\x00\x6b\x00\x03\x76\x87"]
)
def test_the_crc_is_that_of_published_frames(frame: bytes):
    assert FramerRTU.compute_CRC(frame[:-2]).to_bytes(2, "big") == frame[-2:]


def test_a_firing_ramps_overshoots_little_dwells_and_cools():
    async def main(clock: VirtualClock) -> tuple[dict[str, object], float, bool, list[str]]:
        bench, furnace, device = await on_bench(clock)
        begun_s = clock.monotonic_s()
        readings = await furnace.perform("fire", FIRING)
        values = {reading.name: reading.value for reading in readings}
        acts = [act.act for act in bench.acts()[NAME]]
        return values, clock.monotonic_s() - begun_s, device.is_on, acts

    values, took_s, is_on, acts = in_virtual_time(main)

    assert 400.0 < float(str(values["peak_temperature_c"])) < 420.0
    assert float(str(values["unload_temperature_c"])) < 60.0
    assert took_s > 60.0 * (37.0 + 30.0)
    assert not is_on
    assert acts == ["heated"]


@pytest.mark.parametrize("part", ["heater", "sensor"])
@pytest.mark.parametrize("after_min", [20.0, 50.0])
def test_what_breaks_in_mid_run_is_a_fault_that_has_acted(part: str, after_min: float):
    async def main(clock: VirtualClock) -> tuple[BaseException, bool]:
        _, furnace, device = await on_bench(clock)
        firing = asyncio.ensure_future(error_of(furnace.perform("fire", FIRING)))
        await clock.sleep(60.0 * after_min)
        if part == "heater":
            device.is_heater_broken = True
        else:
            device.is_sensor_broken = True
        return await firing, device.is_on

    error, is_on = in_virtual_time(main)

    assert isinstance(error, DeviceFault)
    assert error.acted
    assert error.code == ("deviation" if part == "heater" else "status 0x0020")
    assert "switched off" in error.text
    assert not is_on


def test_a_heater_dies_when_the_rig_file_says_so():
    async def main(clock: VirtualClock) -> BaseException:
        rig = rig_of_all_drivers()
        table = rig["instruments"][NAME]
        settings = {**table["settings"], "heater_dies_after_min": 10.0}
        rig["instruments"][NAME] = {**table, "settings": settings}
        line = Bench.from_rig(rig, clock, seed=7).line("furnace")
        await line.open()
        furnace = Eurotherm3200.from_settings("f", line, clock, settings)
        await furnace.connect()
        return await error_of(furnace.perform("fire", FIRING))

    error = in_virtual_time(main)

    assert isinstance(error, DeviceFault)
    assert error.acted


def test_a_broken_sensor_before_a_firing_heats_nothing():
    async def main(clock: VirtualClock) -> tuple[BaseException, int]:
        bench, furnace, device = await on_bench(clock)
        device.is_sensor_broken = True
        return await error_of(furnace.perform("fire", FIRING)), len(bench.acts()[NAME])

    error, n_acts = in_virtual_time(main)

    assert isinstance(error, DeviceFault)
    assert not error.acted
    assert n_acts == 0


def test_more_than_the_furnace_bears_is_refused():
    async def main(clock: VirtualClock) -> BaseException:
        _, furnace, _ = await on_bench(clock)
        return await error_of(furnace.perform("fire", {**FIRING, "temperature_c": 1101.0}))

    assert isinstance(in_virtual_time(main), LimitError)


def test_a_power_cut_in_mid_run_goes_on_from_where_the_furnace_is():
    async def main(clock: VirtualClock) -> tuple[float, bool]:
        _, furnace, device = await on_bench(clock)
        firing = asyncio.ensure_future(furnace.perform("fire", FIRING))
        await clock.sleep(1200.0)
        device.power_cycle()
        readings = await firing
        return float(readings[0].value), device.is_on

    peak_c, is_on = in_virtual_time(main)

    assert peak_c > 395.0
    assert not is_on


def test_after_a_crash_only_a_person_can_know():
    async def main(clock: VirtualClock) -> Verdict:
        _, furnace, _ = await on_bench(clock)
        settled = await furnace.settle("fire", FIRING, key="k", notes=["400 C for 30 min"])
        return settled.verdict

    assert in_virtual_time(main) is Verdict.CANNOT_TELL


def test_connecting_switches_off_what_a_crash_left_on():
    async def main(clock: VirtualClock) -> tuple[bool, bool]:
        _, furnace, device = await on_bench(clock)
        await furnace.perform("set_temperature", {"temperature_c": 300.0})
        await clock.sleep(60.0)
        was_on = device.is_on
        await furnace.connect()
        return was_on, device.is_on

    assert in_virtual_time(main) == (True, False)


def test_another_instrument_type_is_refused():
    async def main(clock: VirtualClock) -> BaseException:
        bench = bench_of(clock)
        line = bench.line("furnace")
        await line.open()
        settings = {"address": 1, "highest_c": 900.0, "n_decimals": 1, "instrument_type": 2}
        return await error_of(Eurotherm3200.from_settings("f", line, clock, settings).connect())

    assert isinstance(in_virtual_time(main), RigError)


def test_a_reply_is_read_by_its_length_and_a_missing_one_is_not_awaited_for_ever():
    async def main(clock: VirtualClock) -> BaseException:
        question = encode(Request(1, "read", (75, 1)))
        text = "".join(f"\\x{byte:02x}" for byte in question)
        line = MemoryLine.from_lines(f"> {text}")
        await line.open()
        settings = {"address": 1, "highest_c": 900.0}
        furnace = Eurotherm3200.from_settings("f", line, clock, settings)
        return await error_of(furnace.perform("measure_temperature", {}))

    assert isinstance(in_virtual_time(main), OutcomeUnknown)


def test_a_lost_answer_before_heating_is_nothing_done():
    async def main(clock: VirtualClock) -> BaseException:
        _, furnace, device = await on_bench(clock)
        n_asked = device.faults._n_requests
        _, other, _ = await on_bench(clock, kind="lost", exchange=n_asked + 8)
        del furnace
        return await error_of(other.perform("fire", FIRING))

    assert isinstance(in_virtual_time(main), NothingDone)


def test_a_3504_says_its_temperature_elsewhere_and_fires_alike():
    async def main(clock: VirtualClock) -> tuple[str, float]:
        rig = rig_of_all_drivers()
        table = dict(rig["instruments"][NAME])
        table["settings"] = {**table["settings"], "series": "3500"}
        rig["instruments"] = {**rig["instruments"], NAME: table}
        line = Bench.from_rig(rig, clock, seed=7).line("furnace")
        await line.open()
        furnace = Eurotherm3200.from_settings(NAME, line, clock, table["settings"])
        identity = await furnace.connect()
        order = {"temperature_c": 200.0, "dwell_min": 5.0, "ramp_c_per_min": 10.0}
        readings = await furnace.perform("fire", order)
        return identity, float(readings[0].value)  # type: ignore[arg-type]

    identity, peak_c = in_virtual_time(main)
    assert "0x3504" in identity
    assert 195.0 < peak_c < 215.0


@pytest.mark.parametrize("acts", [True, False])
def test_a_refusal_to_heat_is_believed_only_if_it_does_not(acts: bool, monkeypatch):
    async def main(clock: VirtualClock) -> tuple[BaseException, bool]:
        _, furnace, device = await on_bench(clock)
        receive = device.receive
        to_automatic = bytes.fromhex("01 06 01 11 00 00")

        def refusing(data: bytes) -> list[Reply]:
            if not data.startswith(to_automatic):
                return receive(data)
            replies = receive(data) if acts else receive(bytes.fromhex("01 03 00 01 00 01 D5 CA"))
            return [replace(replies[0], data=bytes.fromhex("01 86 03 02 61"))]

        monkeypatch.setattr(device, "receive", refusing)
        error = await error_of(furnace.perform("set_temperature", {"temperature_c": 200.0}))
        return error, device.is_on

    error, is_on = in_virtual_time(main)

    assert isinstance(error, DeviceFault)
    assert error.acted is acts
    assert not is_on

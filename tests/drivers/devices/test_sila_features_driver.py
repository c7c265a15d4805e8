"""SiLA: nothing runs that cannot be stopped, and what ran is told."""

import asyncio

import pytest

from drivers.clock import VirtualClock
from drivers.devices.sila_features import SilaFeatures
from drivers.errors import DeviceFault, RigError
from drivers.ticket import Ticket
from simulators.devices.sila_features import SilaFeaturesDevice
from tests.support.driver_rig import INSTRUMENTS, bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "sila_features"
SHAKE = {"name": "shake", "within_s": 30.0}


async def connected(clock: VirtualClock) -> tuple[SilaFeatures, SilaFeaturesDevice]:
    bench = bench_of(clock)
    device, pretended = await instrument_on(bench, NAME, clock), bench.device(NAME)
    assert isinstance(device, SilaFeatures)
    assert isinstance(pretended, SilaFeaturesDevice)
    await device.connect()
    return device, pretended


def test_a_command_runs_to_its_end():
    async def main(clock):
        device, pretended = await connected(clock)
        await device.perform("run_command", SHAKE, Ticket("k"))
        return [(act.act, act.amount) for act in pretended.acts]

    assert in_virtual_time(main) == [("shook", 20.0)]


def test_what_runs_already_is_left_alone():
    async def main(clock):
        device, pretended = await connected(clock)
        pretended._start({"path": "Incubator/Shake", "arguments": {"Seconds": 100.0}})
        error = await error_of(device.perform("run_command", SHAKE, Ticket("k")))
        return error, pretended.is_busy

    error, is_busy = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted) == ("busy", False)
    assert is_busy


def test_a_command_that_is_called_off_or_takes_too_long_is_stopped():
    async def main(clock):
        device, pretended = await connected(clock)
        work = asyncio.create_task(device.perform("run_command", SHAKE, Ticket("k")))
        await clock.sleep(5.0)
        work.cancel()
        await asyncio.wait([work])
        was_busy = pretended.is_busy
        late = await error_of(device.perform("run_command", {**SHAKE, "within_s": 6.0}))
        return was_busy, late, pretended.is_busy

    was_busy, late, is_busy = in_virtual_time(main)
    assert not was_busy
    assert isinstance(late, DeviceFault)
    assert (late.code, late.acted, is_busy) == ("late", True, False)


def test_connecting_stops_what_a_crash_left_running():
    async def main(clock):
        device, pretended = await connected(clock)
        pretended._start({"path": "Incubator/Shake", "arguments": {"Seconds": 1000.0}})
        await device.connect()
        return pretended.is_busy

    assert not in_virtual_time(main)


@pytest.mark.parametrize("left_out", ["stop", "busy"])
def test_commands_that_nothing_stops_are_refused_when_the_rig_is_loaded(left_out):
    async def main(clock):
        line = bench_of(clock).line(INSTRUMENTS[NAME]["line"])
        settings = {k: v for k, v in INSTRUMENTS[NAME]["settings"].items() if k != left_out}
        with pytest.raises(RigError, match="stop"):
            SilaFeatures.from_settings(NAME, line, clock, settings)

    in_virtual_time(main)

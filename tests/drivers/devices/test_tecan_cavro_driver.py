"""The Cavro pump: what strokes move, what a crash leaves, and every way out at rest."""

import asyncio
from dataclasses import replace

import pytest

from drivers.clock import VirtualClock
from drivers.devices.tecan_cavro import TecanCavro
from drivers.errors import DeviceFault, LimitError, NothingDone, OutcomeUnknown
from drivers.ticket import Ticket, Verdict
from simulators.bench import Bench
from simulators.devices.tecan_cavro import TecanCavroDevice
from tests.support.driver_rig import INSTRUMENTS, bench_of, instrument_on, rig_of_all_drivers
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "tecan_cavro"
RATE = {"rate_ul_per_min": 30_000.0}


class NotingTicket(Ticket):
    def __init__(self) -> None:
        super().__init__("key")
        self.notes: list[str] = []

    async def about_to_act(self, note: str = "") -> None:
        self.notes.append(note)


async def started(clock: VirtualClock) -> tuple[Bench, TecanCavro, TecanCavroDevice]:
    bench = bench_of(clock)
    pump, device = await instrument_on(bench, NAME, clock), bench.device(NAME)
    assert isinstance(pump, TecanCavro)
    assert isinstance(device, TecanCavroDevice)
    await pump.connect()
    await pump.perform("start_afresh", {})
    return bench, pump, device


def held_ul(bench: Bench) -> float:
    bench.settle()
    return bench.plumbing.vessel("vessel").volume_ul


def test_a_transfer_larger_than_the_syringe_takes_several_strokes():
    async def main(clock):
        bench, pump, _ = await started(clock)
        ticket = NotingTicket()
        order = {"volume_ul": 12_000.0, **RATE}
        (moved,) = await pump.perform("transfer", order, ticket)
        return moved.value, held_ul(bench), ticket.notes

    moved, held, notes = in_virtual_time(main)
    assert moved == 12_000.0
    assert held == pytest.approx(12_000.0, rel=0.02)
    assert notes == [
        "first in 0 to 3000",
        "later out 3000 to 0",
        "later in 0 to 3000",
        "later out 3000 to 0",
        "later in 0 to 1200",
        "later out 1200 to 0 last",
    ]


def test_volumes_are_whole_steps_and_must_fit():
    async def main(clock):
        _, pump, _ = await started(clock)
        (drawn,) = await pump.perform("withdraw", {"volume_ul": 1000.4, **RATE})
        errors = [
            await error_of(pump.perform("withdraw", {"volume_ul": 4500.0, **RATE})),
            await error_of(pump.perform("dispense", {"volume_ul": 1200.0, **RATE})),
            await error_of(pump.perform("dispense", {"volume_ul": 0.5, **RATE})),
            await error_of(pump.perform("dispense", {"volume_ul": 1.0, "rate_ul_per_min": 10.0})),
        ]
        full = await error_of(pump.perform("transfer", {"volume_ul": 100.0, **RATE}))
        (left,) = await pump.perform("measure_plunger_volume", {})
        return drawn.value, errors, full, left.value

    drawn, errors, full, left = in_virtual_time(main)
    assert drawn == pytest.approx(1000.0)
    assert all(isinstance(error, LimitError) for error in errors)
    assert isinstance(full, DeviceFault)
    assert not full.acted
    assert left == drawn


def test_a_pump_that_was_switched_on_must_be_started_first():
    async def main(clock):
        bench = bench_of(clock)
        pump = await instrument_on(bench, NAME, clock)
        await pump.connect()
        error = await error_of(pump.perform("transfer", {"volume_ul": 100.0, **RATE}))
        return error, held_ul(bench)

    error, held = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.text.startswith("device not initialized")
    assert not error.acted
    assert held == 0.0


def test_an_overloaded_plunger_is_a_fault():
    async def main(clock):
        _, pump, device = await started(clock)
        device.is_stuck = True
        return await error_of(pump.perform("transfer", {"volume_ul": 100.0, **RATE}))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "9"
    assert error.acted


@pytest.mark.parametrize(
    ("cut_s", "verdict"),
    [(0.0, Verdict.DID_NOT_RUN), (3.0, Verdict.PARTLY), (12.0, Verdict.PARTLY)],
)
def test_the_plunger_tells_how_far_a_transfer_came(cut_s, verdict):
    async def main(clock):
        bench, pump, _ = await started(clock)
        order, ticket = {"volume_ul": 5000.0, **RATE}, NotingTicket()
        if cut_s:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(cut_s):
                    await pump.perform("transfer", order, ticket)
        else:
            ticket.notes.append("first in 0 to 3000")
        again = await instrument_on(bench, NAME, clock)
        return await again.settle("transfer", order, key="key", notes=ticket.notes)

    assert in_virtual_time(main).verdict is verdict


def test_a_pump_that_lost_its_power_since_leaves_the_doubt_to_a_person():
    async def main(clock):
        _, pump, device = await started(clock)
        order, ticket = {"volume_ul": 5000.0, **RATE}, NotingTicket()
        asyncio.get_running_loop().call_later(3.0, device.power_cycle)
        error = await error_of(pump.perform("transfer", order, ticket))
        settled = await pump.settle("transfer", order, key="key", notes=ticket.notes)
        return error, settled

    error, settled = in_virtual_time(main)
    assert isinstance(error, DeviceFault | OutcomeUnknown)
    assert getattr(error, "acted", True)
    assert settled.verdict is Verdict.CANNOT_TELL
    assert "switched off" in settled.evidence


def test_the_example_rig_has_the_pump_of_these_tests():
    assert INSTRUMENTS[NAME]["settings"] == {"address": 1, "syringe_volume_ul": 5000.0}


@pytest.mark.parametrize("n_steps", [3000, 6000])
@pytest.mark.parametrize("rate_ul_per_min", [20_000.0, 60_000.0])
def test_a_stroke_takes_as_long_as_its_rate_says(n_steps, rate_ul_per_min):
    async def main(clock):
        rig = rig_of_all_drivers()
        settings = {**INSTRUMENTS[NAME]["settings"], "n_steps": n_steps}
        rig["instruments"][NAME] = {**INSTRUMENTS[NAME], "settings": settings}
        line = Bench.from_rig(rig, clock, seed=7).line(INSTRUMENTS[NAME]["line"])
        await line.open()
        pump = TecanCavro.from_settings(NAME, line, clock, settings)
        await pump.connect()
        await pump.perform("start_afresh", {})
        begun_s = clock.monotonic_s()
        order = {"volume_ul": 5000.0, "rate_ul_per_min": rate_ul_per_min}
        await pump.perform("withdraw", order)
        return clock.monotonic_s() - begun_s, pump.actions["withdraw"].duration_s(**order)

    took_s, named_s = in_virtual_time(main)
    moving_s = 60.0 * 5000.0 / rate_ul_per_min
    assert moving_s < took_s < moving_s + 2.0
    assert took_s <= named_s


def test_rates_beyond_the_pumps_pulses_are_refused():
    async def main(clock):
        _, pump, _ = await started(clock)
        return [
            await error_of(pump.perform("withdraw", {"volume_ul": 10.0, "rate_ul_per_min": rate}))
            for rate in (200.0, 310_000.0)
        ]

    slow, quick = in_virtual_time(main)
    assert isinstance(slow, LimitError)
    assert isinstance(quick, LimitError)
    assert slow.expected == "250 to 300000"


def test_a_valve_that_does_not_turn_moves_nothing():
    async def main(clock):
        bench, pump, device = await started(clock)
        device.is_valve_stuck = True
        error = await error_of(pump.perform("transfer", {"volume_ul": 100.0, **RATE}))
        return error, held_ul(bench)

    error, held = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "valve"
    assert not error.acted
    assert held == 0.0


@pytest.mark.parametrize("acts", [True, False])
def test_a_refusal_is_believed_only_if_the_plunger_has_not_moved(acts, monkeypatch):
    async def main(clock):
        _, pump, device = await started(clock)
        receive = device.receive

        def refusing(data):
            if not data.startswith(b"/1A"):
                return receive(data)
            replies = receive(data) if acts else receive(b"/1Q\r")
            return [replace(one, data=b"/0c\x03\r\n") for one in replies]

        monkeypatch.setattr(device, "receive", refusing)
        error = await error_of(pump.perform("withdraw", {"volume_ul": 1000.0, **RATE}))
        return error, device.is_busy

    error, is_busy = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "3"
    assert error.acted is acts
    assert not is_busy


def test_an_unreadable_answer_while_the_valve_turns_ends_with_the_valve_at_rest(monkeypatch):
    async def main(clock):
        _, pump, device = await started(clock)
        receive = device.receive

        def garbled(data):
            replies = receive(data)
            if not data.startswith(b"/1I"):
                return replies
            return [replace(one, data=b"/0\xff\x03\r\n") for one in replies]

        monkeypatch.setattr(device, "receive", garbled)
        error = await error_of(pump.perform("withdraw", {"volume_ul": 1000.0, **RATE}))
        return error, device.is_busy

    error, is_busy = in_virtual_time(main)
    assert isinstance(error, NothingDone)
    assert not is_busy

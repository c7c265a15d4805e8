"""LADS: a program counts as run only with a result of ours, and what a crash leaves is told."""

import asyncio
import json

import pytest

from drivers.clock import VirtualClock
from drivers.devices.opcua_lads import OpcuaLads
from drivers.devices.opcua_lads.codec import decode, names_in
from drivers.errors import DeviceFault, ProtocolError, RigError
from drivers.ticket import Ticket, Verdict
from simulators.bench import Bench
from simulators.devices.opcua_lads import OpcuaLadsDevice
from tests.support.driver_rig import INSTRUMENTS, bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "opcua_lads"
ORDER = {"template": "Mix", "within_s": 30.0}


class NotingTicket(Ticket):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.notes: list[str] = []

    async def about_to_act(self, note: str = "") -> None:
        self.notes.append(note)


async def connected(clock: VirtualClock) -> tuple[Bench, OpcuaLads, OpcuaLadsDevice]:
    bench = bench_of(clock)
    unit, device = await instrument_on(bench, NAME, clock), bench.device(NAME)
    assert isinstance(unit, OpcuaLads)
    assert isinstance(device, OpcuaLadsDevice)
    await unit.connect()
    return bench, unit, device


def test_a_program_runs_under_our_jobs_id():
    async def main(clock):
        _, unit, device = await connected(clock)
        (run_id,) = await unit.perform("run_program", ORDER, Ticket("lab/E1/mix/1"))
        return run_id.value, [(run.name, run.job) for run in device.runs[1:]]

    assert in_virtual_time(main) == ("Mix-1", [("Mix-1", "lab/E1/mix/1")])


@pytest.mark.parametrize(
    ("cut_s", "reboots", "verdict"),
    [
        (0.0, False, Verdict.DID_NOT_RUN),
        (5.0, False, Verdict.RAN),
        (40.0, False, Verdict.RAN),
        (5.0, True, Verdict.CANNOT_TELL),
    ],
)
def test_a_crash_is_settled_by_the_results(cut_s, reboots, verdict):
    async def main(clock):
        _, unit, device = await connected(clock)
        ticket = NotingTicket("lab/E1/mix/1")
        note = await unit._note()
        if cut_s:
            device._start("Mix", ticket.key)
            await clock.sleep(cut_s)
        if reboots:
            device.power_cycle()
        return await unit.settle("run_program", ORDER, key=ticket.key, notes=(note,))

    assert in_virtual_time(main).verdict is verdict


@pytest.mark.parametrize(
    ("outcome", "verdict"), [("Outcome", Verdict.PARTLY), (None, Verdict.CANNOT_TELL)]
)
def test_a_run_that_was_broken_off_is_never_taken_for_a_whole_one(outcome, verdict):
    async def main(clock):
        _, unit, device = await connected(clock)
        note = await unit._note()
        device._start("Mix", "k")
        await clock.sleep(5.0)
        await unit.stop()
        await clock.sleep(5.0)
        settings = unit.settings.model_copy(update={"outcome": outcome})
        again = OpcuaLads(NAME, unit.line, clock, settings)
        return await again.settle("run_program", ORDER, key="k", notes=(note,))

    assert in_virtual_time(main).verdict is verdict


def test_a_run_that_was_ended_at_the_panel_is_no_result():
    async def main(clock):
        _, unit, device = await connected(clock)
        work = asyncio.create_task(error_of(unit.perform("run_program", ORDER, Ticket("k"))))
        await clock.sleep(5.2)
        device._end()
        return await work

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted) == ("outcome", True)


def test_without_any_result_absence_proves_nothing():
    async def main(clock):
        _, unit, device = await connected(clock)
        device.runs.clear()
        note = await unit._note()
        return await unit.settle("run_program", ORDER, key="k", notes=(note,))

    assert in_virtual_time(main).verdict is Verdict.CANNOT_TELL


def test_a_unit_that_is_at_rest_without_a_result_of_ours_has_not_run(monkeypatch):
    async def main(clock):
        _, unit, device = await connected(clock)
        monkeypatch.setattr(device, "_start", lambda template, job: "Mix-1")
        return await error_of(unit.perform("run_program", ORDER, Ticket("k")))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted) == ("result", True)


def test_a_program_that_is_called_off_is_stopped():
    async def main(clock):
        _, unit, device = await connected(clock)
        work = asyncio.create_task(unit.perform("run_program", ORDER, Ticket("k")))
        await clock.sleep(5.0)
        work.cancel()
        await asyncio.wait([work])
        return device.is_busy, [act.amount for act in device.acts]

    is_busy, ran_s = in_virtual_time(main)
    assert not is_busy
    assert len(ran_s) == 1
    assert ran_s[0] < 8.0


def test_a_program_that_takes_too_long_is_stopped_and_has_acted():
    async def main(clock):
        _, unit, device = await connected(clock)
        order = {**ORDER, "within_s": 8.0}
        return await error_of(unit.perform("run_program", order, Ticket("k"))), device.is_busy

    error, is_busy = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted, is_busy) == ("late", True, False)


def test_the_plate_turns_while_it_runs():
    async def main(clock):
        _, unit, device = await connected(clock)
        device._start("Mix", "k")
        await clock.sleep(15.0)
        (speed,) = await unit.perform("measure_sensor", {"sensor": "plate_speed_rpm"})
        return speed.value

    assert in_virtual_time(main) == pytest.approx(300.0, abs=0.1)


def test_another_serial_number_is_refused():
    async def main(clock):
        bench = bench_of(clock)
        line = bench.line(INSTRUMENTS[NAME]["line"])
        await line.open()
        settings = {**INSTRUMENTS[NAME]["settings"], "serial_number": "SH-1"}
        return await error_of(OpcuaLads.from_settings(NAME, line, clock, settings).connect())

    error = in_virtual_time(main)
    assert isinstance(error, RigError)
    assert error.got == "SH-20417"


@pytest.mark.parametrize("name", ["Mi\x7f-0", "../0", "x" * 501, 7])
def test_a_name_that_cannot_be_one_is_no_answer(name: object) -> None:
    frame = json.dumps({"do": "list", "ok": True, "names": ["Mix-0", name]}).encode() + b"\n"

    with pytest.raises(ProtocolError):
        names_in(decode(frame))

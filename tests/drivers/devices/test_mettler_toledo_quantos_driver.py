"""The Quantos: what is refused before powder falls, and that the balance is believed."""

import asyncio
from dataclasses import replace

import pytest

from drivers.clock import VirtualClock
from drivers.devices.mettler_toledo_quantos import MettlerToledoQuantos
from drivers.errors import DeviceFault, NothingDone, OutcomeUnknown
from drivers.ticket import Verdict
from simulators.bench import Bench
from simulators.devices.mettler_toledo_quantos import MettlerToledoQuantosDevice
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "mettler_toledo_quantos"
ORDER = {"target_mg": 50.0, "tolerance_fraction": 0.02, "within_s": 75.0}
NOTE = "tared; 50 mg within 0.02 of it"


async def started(
    clock: VirtualClock,
) -> tuple[Bench, MettlerToledoQuantos, MettlerToledoQuantosDevice]:
    bench = bench_of(clock)
    module, device = await instrument_on(bench, NAME, clock), bench.device(NAME)
    assert isinstance(module, MettlerToledoQuantos)
    assert isinstance(device, MettlerToledoQuantosDevice)
    await module.connect()
    await module.perform("tare", {})
    return bench, module, device


def in_vial_mg(bench: Bench) -> float:
    bench.settle()
    return 1000.0 * bench.plumbing.mass_g("vial")


def test_a_dose_lies_in_the_vial_as_the_balance_says():
    async def main(clock):
        bench, module, _ = await started(clock)
        (dosed,) = await module.perform("dose", ORDER)
        substance, left, quantity = await module.perform("read_dosing_head", {})
        return dosed.value, in_vial_mg(bench), substance.value, left.value, quantity.value

    told, fell, substance, left, quantity = in_virtual_time(main)
    assert told == pytest.approx(fell, abs=0.5)
    assert told == pytest.approx(50.0, abs=1.0)
    assert (substance, left) == ("NiO", 249.0)
    assert quantity == pytest.approx(20_000.0 - fell, abs=0.01)


def test_an_open_door_is_closed_first():
    async def main(clock):
        bench, module, _ = await started(clock)
        await module.perform("set_front_door", {"state": "open"})
        await module.perform("dose", ORDER)
        return in_vial_mg(bench)

    assert in_virtual_time(main) == pytest.approx(50.0, abs=1.5)


def spoilt_head(device):
    device.substance = "CoO"


def used_up_head(device):
    device.n_dosages = 250


def no_head(device):
    device.is_head_mounted = False


def blocked_door(device):
    device._door, device.is_door_blocked = "3", True


def load_on_pan(device):
    device.vessel_g += 0.01


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (spoilt_head, "substance"),
        (used_up_head, "dosages"),
        (no_head, "1"),
        (blocked_door, "3"),
        (load_on_pan, "tare"),
    ],
)
def test_what_is_wrong_is_found_before_powder_falls(spoil, code):
    async def main(clock):
        bench, module, device = await started(clock)
        spoil(device)
        error = await error_of(module.perform("dose", ORDER))
        return error, in_vial_mg(bench)

    error, fell = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted, fell) == (code, False, 0.0)


def test_more_than_the_head_holds_is_refused():
    async def main(clock):
        bench, module, _ = await started(clock)
        order = {"target_mg": 25_000.0, "tolerance_fraction": 0.02, "within_s": 600.0}
        return await error_of(module.perform("dose", order)), in_vial_mg(bench)

    error, fell = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted, fell) == ("quantity", False, 0.0)


def test_a_powder_that_does_not_flow_is_a_fault_that_says_how_much_fell():
    async def main(clock):
        bench, module, device = await started(clock)
        device.clog_chance = 1.0
        error = await error_of(module.perform("dose", ORDER))
        return error, in_vial_mg(bench)

    error, fell = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted) == ("7", True)
    told = float(error.text.split("; ")[1].split()[0])
    assert told == pytest.approx(fell, abs=0.5)
    assert 1.0 < fell < 45.0


def test_a_dose_beyond_its_tolerance_is_no_result(monkeypatch):
    async def main(clock):
        _, module, device = await started(clock)
        set_target = device._set_target
        monkeypatch.setattr(device, "_set_target", lambda _: set_target("60.0"))
        return await error_of(module.perform("dose", ORDER))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted) == ("tolerance", True)
    assert error.text.startswith("60")


@pytest.mark.parametrize("acts", [True, False])
def test_a_refusal_is_believed_only_if_the_balance_shows_nothing(acts, monkeypatch):
    async def main(clock):
        _, module, device = await started(clock)
        receive = device.receive

        def refusing(data):
            if data != b"QRA 61 1\r\n":
                return receive(data)
            if acts:
                receive(data)
            return [replace(receive(b"I4\r\n")[0], data=b"QRA 61 1 I 5\r\n")]

        monkeypatch.setattr(device, "receive", refusing)
        error = await error_of(module.perform("dose", ORDER))
        return error, device.is_busy

    error, is_busy = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.acted is acts
    assert not is_busy


@pytest.mark.parametrize(
    ("cut_s", "verdict"),
    [(0.5, Verdict.DID_NOT_RUN), (30.0, Verdict.PARTLY), (75.0, Verdict.RAN)],
)
def test_the_balance_tells_after_a_crash_what_fell(cut_s, verdict):
    async def main(clock):
        _, module, device = await started(clock)
        for request in (b"QRD 1 1 5 50.000\r\n", b"QRD 1 1 6 2.00\r\n"):
            device.receive(request)
        if cut_s > 1.0:
            device.receive(b"QRA 61 1\r\n")
        await clock.sleep(cut_s)
        again = await instrument_on_line(module, clock)
        return await again.settle("dose", ORDER, key="k", notes=(NOTE,))

    async def instrument_on_line(module, clock):
        again = MettlerToledoQuantos(NAME, module.line, clock, module.settings)
        await again.connect()
        return again

    settlement = in_virtual_time(main)
    assert settlement.verdict is verdict
    assert settlement.evidence.startswith(NOTE)


def test_a_vial_that_was_taken_away_is_for_a_person():
    async def main(clock):
        _, module, device = await started(clock)
        device.vessel_g = 0.0
        return await module.settle("dose", ORDER, key="k", notes=(NOTE,))

    assert in_virtual_time(main).verdict is Verdict.CANNOT_TELL


def test_a_dose_that_is_called_off_is_stopped_and_no_late_word_ends_the_next():
    async def main(clock):
        bench, module, device = await started(clock)
        work = asyncio.create_task(module.perform("dose", ORDER))
        await clock.sleep(30.0)
        work.cancel()
        await asyncio.wait([work])
        was_busy, fell = device.is_busy, in_vial_mg(bench)
        await module.perform("tare", {})
        (dosed,) = await module.perform("dose", ORDER)
        return was_busy, fell, dosed.value, in_vial_mg(bench)

    was_busy, fell, dosed, together = in_virtual_time(main)
    assert not was_busy
    assert 0.0 < fell < 50.0
    assert dosed == pytest.approx(50.0, abs=1.0)
    assert together - fell == pytest.approx(dosed, abs=0.5)


def test_a_lost_answer_while_it_doses_stops_it_and_leaves_the_outcome_open(monkeypatch):
    async def main(clock):
        bench, module, device = await started(clock)
        receive = device.receive
        monkeypatch.setattr(
            device, "receive", lambda data: receive(data)[:1] if b"61 1" in data else receive(data)
        )
        error = await error_of(module.perform("dose", {**ORDER, "within_s": 40.0}))
        return error, device.is_busy, in_vial_mg(bench)

    error, is_busy, fell = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert not is_busy
    assert fell > 10.0


def test_a_lost_answer_before_the_dose_is_nothing_done(monkeypatch):
    async def main(clock):
        bench, module, device = await started(clock)
        receive = device.receive
        monkeypatch.setattr(device, "receive", lambda data: [] if b"QRD" in data else receive(data))
        return await error_of(module.perform("dose", ORDER)), in_vial_mg(bench)

    error, fell = in_virtual_time(main)
    assert isinstance(error, NothingDone)
    assert fell == 0.0


def test_a_balance_without_a_module_is_refused():
    async def main(clock):
        bench = bench_of(clock)
        balance = await instrument_on(bench, "mettler_toledo_sics", clock)
        module = MettlerToledoQuantos.from_settings(NAME, balance.line, clock, {})
        return await error_of(module.connect())

    assert isinstance(in_virtual_time(main), DeviceFault)

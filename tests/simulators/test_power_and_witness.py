"""What a device tells its witness, what a power cut leaves of it, and faults that are summoned."""

import math

import pytest

from drivers.clock import VirtualClock
from simulators.device import Act
from simulators.devices.keithley_2450 import Keithley2450Device
from simulators.devices.mettler_toledo_sics import MettlerToledoSicsDevice
from simulators.devices.new_era_ne1000 import NewEraNe1000Device
from simulators.faults import Fault, FaultKind, FaultPlan
from tests.support.pretend_bench import fittings_of, run_virtually, small_plumbing

SYRINGE = {"address": 1, "syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0}


def pump_in_motion(clock: VirtualClock, volume: str) -> tuple[NewEraNe1000Device, list[Act]]:
    """Return a pump that fills its syringe with 100 ul a second, and what its witness hears."""
    fittings = fittings_of(clock, plumbing=small_plumbing(), settings=SYRINGE, draws_from="stock")
    pump = NewEraNe1000Device(fittings, diameter_mm=14.57)
    heard: list[Act] = []
    pump.witness = heard.append
    for command in ("", "VOLUL", "DIRWDR", f"VOL{volume}", "RAT6000UM", "RUN"):
        pump.receive(f"1{command}\r".encode())
    return pump, heard


def test_a_witness_hears_of_the_beginning_and_of_the_end() -> None:
    async def main(clock: VirtualClock) -> tuple[list[Act], list[Act]]:
        pump, heard = pump_in_motion(clock, "500")
        await clock.sleep(10.0)
        pump.receive(b"1\r")
        return heard, pump.acts

    heard, kept = run_virtually(main)

    assert [(act.act, act.job_id) for act in heard] == [
        ("begin withdrew", None),
        ("withdrew", None),
    ]
    assert heard[0].amount == 500.0
    assert (heard[1].time - heard[0].time).total_seconds() == pytest.approx(5.0)
    assert kept == heard[1:]


def test_a_stroke_without_a_volume_is_asked_for_ever() -> None:
    async def main(clock: VirtualClock) -> float:
        _, heard = pump_in_motion(clock, "0")
        return heard[0].amount

    assert run_virtually(main) == math.inf


def test_plumbing_knows_when_the_next_stroke_ends() -> None:
    async def main(clock: VirtualClock) -> tuple[float, float | None, float | None]:
        fittings = fittings_of(clock, settings=SYRINGE, draws_from="stock")
        pump = NewEraNe1000Device(fittings, diameter_mm=14.57)
        before = fittings.plumbing.next_end_s()
        for command in ("", "VOLUL", "DIRWDR", "VOL500", "RAT6000UM", "RUN"):
            pump.receive(f"1{command}\r".encode())
        during = fittings.plumbing.next_end_s()
        await clock.sleep(2.0)
        fittings.plumbing.settle(clock.monotonic_s())
        moving = pump.in_motion()
        assert moving is not None
        assert fittings.plumbing.next_end_s() == pytest.approx(during)
        await clock.sleep(4.0)
        fittings.plumbing.settle(clock.monotonic_s())
        assert before is None
        return moving.amount, during, fittings.plumbing.next_end_s()

    moved_ul, end_s, after = run_virtually(main)

    assert moved_ul == pytest.approx(200.0, rel=0.02)
    assert end_s == pytest.approx(5.0)
    assert after is None


def test_a_power_cut_stops_a_pump_and_costs_it_its_counters() -> None:
    async def main(clock: VirtualClock) -> tuple[list[Act], list[bytes]]:
        pump, _ = pump_in_motion(clock, "500")
        await clock.sleep(2.0)
        pump.receive(b"1VOL")
        pump.power_cycle()
        await clock.sleep(10.0)
        return pump.acts, [pump.receive(request)[0].data for request in (b"1\r", b"1DIS\r")]

    acts, replies = run_virtually(main)

    assert [act.act for act in acts] == ["withdrew"]
    assert acts[0].amount == pytest.approx(200.0, rel=0.02)
    assert replies == [b"\x0201A?R\x03", b"\x0201SI0.000W0.000UL\x03"]


def test_a_power_cut_switches_an_output_off() -> None:
    async def main(clock: VirtualClock) -> tuple[list[str], list[bytes]]:
        meter = Keithley2450Device(fittings_of(clock))
        meter.receive(b":SOUR:CURR 1E-3;:OUTP ON;:NONSENSE\n")
        meter.power_cycle()
        answers = meter.receive(b":OUTP?;:SYST:ERR:COUN?\n")
        return [act.act for act in meter.acts], [reply.data for reply in answers]

    assert run_virtually(main) == (["output on", "output off"], [b"0;0\n"])


def test_a_power_cut_costs_a_balance_its_tare() -> None:
    async def main(clock: VirtualClock) -> bytes:
        balance = MettlerToledoSicsDevice(fittings_of(clock, at="vessel"))
        balance.receive(b"T\r\n")
        balance.power_cycle()
        return balance.receive(b"TA\r\n")[0].data

    assert run_virtually(main) == b"TA A     0.0000 g\r\n"


def test_a_summoned_fault_does_not_move_those_of_the_rig() -> None:
    planned = Fault(instrument="device", kind=FaultKind.LOST, exchange=3)
    summoned = Fault(instrument="device", kind=FaultKind.STALLED, exchange=1)

    async def main(clock: VirtualClock) -> list[FaultKind | None]:
        plan: FaultPlan = fittings_of(clock, faults=(planned,)).faults
        struck = [plan.next_fault()]
        plan.strike_next(summoned)
        struck += [plan.next_fault() for _ in range(3)]
        return [None if fault is None else fault.kind for fault in struck]

    assert run_virtually(main) == [None, FaultKind.STALLED, FaultKind.LOST, None]

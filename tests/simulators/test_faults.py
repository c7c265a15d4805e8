"""Faults strike the request that they name, and leave the world as they say."""

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from drivers.catalog import DRIVERS, names
from drivers.clock import VirtualClock
from orchestrator.execution.rig_spec import FaultSpec
from simulators.conformance import trouble
from simulators.conformance.examinee import Examinee
from simulators.device import FramedDevice
from simulators.devices.keithley_2450 import Keithley2450Device
from simulators.devices.mettler_toledo_sics import MettlerToledoSicsDevice
from simulators.devices.new_era_ne1000 import NewEraNe1000Device
from simulators.faults import Fault, FaultKind, FaultPlan, corrupted, garbled, truncated
from tests.support.pretend_bench import fittings_of, run_virtually
from tests.support.source_tree import ROOT

Damage = Callable[[bytes, np.random.Generator], bytes]

SYRINGE = {"address": 1, "syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0}


def balance_with(clock: VirtualClock, fault: Fault) -> MettlerToledoSicsDevice:
    return MettlerToledoSicsDevice(fittings_of(clock, at="vessel", faults=(fault,)))


@pytest.mark.parametrize(
    ("kind", "n_replies", "n_acts"),
    [
        (FaultKind.LOST, 0, 1),
        (FaultKind.LATE, 1, 1),
        (FaultKind.GARBLED, 1, 1),
        (FaultKind.STALLED, 0, 0),
        (FaultKind.REFUSED, 1, 0),
        (FaultKind.TRUNCATED, 1, 1),
        (FaultKind.DOUBLED, 2, 1),
        (FaultKind.CORRUPTED, 1, 1),
        (FaultKind.REBOOTED, 0, 0),
        (FaultKind.WRONG_IDENTITY, 1, 1),
    ],
)
def test_a_fault_says_whether_it_happened(kind: FaultKind, n_replies: int, n_acts: int) -> None:
    fault = Fault(instrument="device", kind=kind, exchange=2, delay_s=7.0)

    async def main(clock: VirtualClock) -> None:
        balance = balance_with(clock, fault)
        (good,) = balance.receive(b"T\r\n")
        await clock.sleep(1.0)
        balance.acts.clear()
        struck = balance.receive(b"T\r\n")
        (after,) = balance.receive(b"SI\r\n")

        assert good.data.startswith(b"T S ")
        assert len(struck) == n_replies
        assert len(balance.acts) == n_acts
        assert after.data.startswith(b"S S ")
        if kind is FaultKind.LATE:
            assert struck[0].delay_s == pytest.approx(good.delay_s + 7.0)
        if kind is FaultKind.GARBLED:
            assert not struck[0].data.isascii()
            assert struck[0].data.endswith(b"\r\n")
        if kind is FaultKind.REFUSED:
            assert struck[0].data == b"T I\r\n"

    run_virtually(main)


@pytest.mark.parametrize(
    ("build", "request_bytes", "answer"),
    [
        (NewEraNe1000Device, b"1RUN\r", b"\x0201S?NA\x03"),
        (MettlerToledoSicsDevice, b"SI\r\n", b"S I\r\n"),
        (Keithley2450Device, b":OUTP ON;*OPC?\n", None),
    ],
)
def test_a_refusal_is_in_the_devices_own_words(
    build: type[FramedDevice], request_bytes: bytes, answer: bytes | None
) -> None:
    fault = Fault(instrument="device", kind=FaultKind.REFUSED, exchange=1)

    async def main(clock: VirtualClock) -> None:
        device = build(fittings_of(clock, settings=SYRINGE, faults=(fault,)))
        replies = device.receive(request_bytes)

        assert [reply.data for reply in replies] == ([] if answer is None else [answer])
        assert device.acts == []
        if answer is None:
            (queue,) = device.receive(b":SYST:ERR?\n")
            assert queue.data.startswith(b'-200,"Execution error')

    run_virtually(main)


def test_chance_strikes_as_often_as_it_says_and_the_same_each_time() -> None:
    fault = Fault(instrument="device", kind=FaultKind.LOST, probability=0.1)

    def strikes() -> list[bool]:
        plan = FaultPlan([fault], np.random.default_rng(4))
        return [plan.next_fault() is not None for _ in range(5000)]

    assert sum(strikes()) == pytest.approx(500, abs=80)
    assert strikes() == strikes()


def test_the_first_of_two_faults_at_once_strikes() -> None:
    lost = Fault(instrument="device", kind=FaultKind.LOST, exchange=1)
    late = Fault(instrument="device", kind=FaultKind.LATE, exchange=1)

    assert FaultPlan([lost, late], np.random.default_rng(0)).next_fault() == lost


@pytest.mark.parametrize("data", [b"", b"A", b"AB", b"\x0201S\x03", b"S S    12.3456 g\r\n"])
def test_garbling_shows_and_spares_the_end(data: bytes) -> None:
    damaged = garbled(data, np.random.default_rng(1))

    assert len(damaged) == len(data)
    assert not data or not damaged.isascii()
    assert len(data) <= 2 or damaged[-2:] == data[-2:]


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "lost"},
        {"kind": "lost", "exchange": 1, "probability": 0.5},
        {"kind": "lost", "exchange": 0},
        {"kind": "lost", "probability": 1.5},
        {"kind": "eaten", "exchange": 1},
        {"kind": "late", "exchange": 1, "delay_s": 0.0},
        {"kind": "lost", "exchange": 1, "colour": "red"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"instrument": "device", **table})


def test_the_rig_file_the_bench_and_the_page_know_the_same_faults() -> None:
    kinds = {kind.value for kind in FaultKind}
    in_rig_file = set(get_args(FaultSpec.model_fields["kind"].annotation))
    page = (ROOT / "docs" / "RIGS.md").read_text("utf-8")

    assert in_rig_file == kinds
    assert all(f"| `{kind}` |" in page for kind in kinds)


def test_a_fault_after_some_time_strikes_the_next_request_once() -> None:
    plan = FaultPlan(
        [Fault(instrument="device", kind=FaultKind.LOST, after_s=60.0)], np.random.default_rng(0)
    )

    struck = [plan.next_fault(age_s) is not None for age_s in (0.0, 59.9, 61.0, 62.0)]

    assert struck == [False, False, True, False]


@pytest.mark.parametrize("damage", [corrupted, truncated])
def test_damage_changes_bytes_and_never_breaks(damage: Damage) -> None:
    rng = np.random.default_rng(3)
    n_changed = sum(damage(b"ok\r\n", rng) != b"ok\r\n" for _ in range(200))

    assert n_changed > 180  # two flips of one bit leave it as it was
    assert damage(b"", rng) == b""
    assert all(len(truncated(b"ok\r\n", rng)) < 4 for _ in range(50))


@pytest.mark.parametrize("driver", names(DRIVERS))
def test_every_device_can_be_told_from_another_of_its_kind(driver: str) -> None:
    trouble.tells_another_of_its_kind(Examinee(driver), "")


def test_the_first_one_comes_back_when_it_is_exchanged_again() -> None:
    async def main(clock: VirtualClock) -> list[bytes]:
        kind = FaultKind.WRONG_IDENTITY
        faults = tuple(Fault(instrument="one", kind=kind, exchange=place) for place in (2, 3))
        device = MettlerToledoSicsDevice(fittings_of(clock, at="vessel", faults=faults))
        return [device.receive(b"I4\r\n")[0].data for _ in range(4)]

    first, other, back, still = run_virtually(main)
    assert first == back == still == b'I4 A "B123456789"\r\n'
    assert other == b'I4 A "B234567890"\r\n'

"""What a pretend relay does to matter."""

import pytest

from drivers.clock import Clock, VirtualClock
from simulators.device import Act
from simulators.devices.numato_usb_relay import NumatoUsbRelayDevice
from simulators.plumbing import Plumbing
from tests.support.pretend_bench import fittings_of, run_virtually, small_plumbing


def valve(clock: Clock, plumbing: Plumbing, **settings: float) -> NumatoUsbRelayDevice:
    given = {"address": 0, "flow_ul_per_s": 100.0, **settings}
    fittings = fittings_of(
        clock, plumbing=plumbing, settings=given, draws_from="stock", delivers_to="vessel"
    )
    return NumatoUsbRelayDevice(fittings)


def test_liquid_flows_while_it_is_on_and_no_longer():
    async def main(clock: VirtualClock) -> tuple[list[float], list[Act]]:
        plumbing = small_plumbing()
        device = valve(clock, plumbing)
        held = []
        for request, wait_s in ((b"relay on 0\r", 3.0), (b"relay off 0\r", 50.0)):
            device.receive(request)
            await clock.sleep(wait_s)
            plumbing.settle(clock.monotonic_s())
            held.append(plumbing.vessel("vessel").volume_ul)
        return held, device.acts

    held, acts = run_virtually(main)
    assert held == pytest.approx([300.0, 300.0])
    assert [(act.act, act.unit) for act in acts] == [("delivered", "ul")]
    assert acts[0].amount == pytest.approx(300.0)


def test_a_balance_sees_that_something_flows():
    async def main(clock: VirtualClock) -> tuple[bool, bool]:
        plumbing = small_plumbing()
        device = valve(clock, plumbing)
        device.receive(b"relay on 0\r")
        during = plumbing.is_disturbed("vessel")
        device.receive(b"relay off 0\r")
        return during, plumbing.is_disturbed("vessel")

    assert run_virtually(main) == (True, False)


def test_an_empty_bottle_gives_what_it_has():
    async def main(clock: VirtualClock) -> list[tuple[str, float]]:
        device = valve(clock, small_plumbing(), flow_ul_per_s=10_000.0)
        device.receive(b"relay on 0\r")
        await clock.sleep(10.0)
        device.receive(b"relay off 0\r")
        return [(act.act, round(act.amount)) for act in device.acts]

    assert run_virtually(main) == [("delivered", 50_000), ("spilled", 30_000)]


def test_a_relay_without_a_flow_tells_how_long_it_was_on():
    async def main(clock: VirtualClock) -> list[Act]:
        device = valve(clock, small_plumbing(), flow_ul_per_s=0.0)
        device.receive(b"relay on 0\r")
        await clock.sleep(7.0)
        device.receive(b"relay off 0\r")
        return device.acts

    (act,) = run_virtually(main)
    assert (act.act, act.unit) == ("switched", "s")
    assert act.amount == pytest.approx(7.0)


def test_it_answers_for_its_own_relay_only():
    async def main(clock: VirtualClock) -> list[bool]:
        device = valve(clock, small_plumbing(), address=11)
        device.receive(b"relay on 1\r")
        before = device.is_on
        device.receive(b"relay on B\r")
        return [before, device.is_on]

    assert run_virtually(main) == [False, True]


def test_a_power_cut_switches_it_off():
    async def main(clock: VirtualClock) -> tuple[bool, int]:
        device = valve(clock, small_plumbing())
        device.receive(b"relay on 0\r")
        await clock.sleep(1.0)
        device.power_cycle()
        return device.is_on, len(device.acts)

    assert run_virtually(main) == (False, 1)

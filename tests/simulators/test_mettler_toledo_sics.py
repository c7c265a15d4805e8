"""The pretend balance weighs what is in its position, when it is at rest."""

import numpy as np
import pytest

from drivers.clock import VirtualClock
from simulators.devices.mettler_toledo_sics import MettlerToledoSicsDevice
from simulators.plumbing import Plumbing
from tests.support.pretend_bench import fittings_of, run_virtually, small_plumbing


def balance_on(clock: VirtualClock, plumbing: Plumbing) -> MettlerToledoSicsDevice:
    return MettlerToledoSicsDevice(fittings_of(clock, plumbing=plumbing, at="vessel"))


def grams(balance: MettlerToledoSicsDevice, command: str = "S") -> float:
    (reply,) = balance.receive(f"{command}\r\n".encode())
    return float(reply.data[4:-4])


def test_net_mass_is_what_came_since_the_tare() -> None:
    async def main(clock: VirtualClock) -> float:
        plumbing = small_plumbing()
        balance = balance_on(clock, plumbing)
        assert grams(balance, "T") == pytest.approx(25.0, abs=0.002)
        plumbing.pour("vessel", {"stock": 1500.0}, clock.monotonic_s())
        await clock.sleep(5.0)
        return grams(balance)

    assert run_virtually(main) == pytest.approx(1.5, abs=0.002)


def test_stable_readings_scatter_by_tenths_of_a_milligram() -> None:
    async def main(clock: VirtualClock) -> list[float]:
        balance = balance_on(clock, small_plumbing())
        readings = []
        for _ in range(400):
            await clock.sleep(1.0)
            readings.append(grams(balance))
        return readings

    readings = np.array(run_virtually(main))

    assert 0.1e-3 < np.diff(readings).std() / np.sqrt(2) < 0.3e-3
    assert abs(readings.mean() - 25.0) < 0.5e-3


def test_after_a_dose_the_stable_weight_takes_its_time() -> None:
    async def main(clock: VirtualClock) -> tuple[bytes, float, float]:
        plumbing = small_plumbing()
        balance = balance_on(clock, plumbing)
        plumbing.pour("vessel", {"stock": 1500.0}, clock.monotonic_s())
        (at_once,) = balance.receive(b"SI\r\n")
        (stable,) = balance.receive(b"S\r\n")
        await clock.sleep(3.0)
        (rested,) = balance.receive(b"S\r\n")
        return at_once.data, stable.delay_s, rested.delay_s

    at_once, stable_s, rested_s = run_virtually(main)

    assert at_once.startswith(b"S D ")
    assert stable_s == pytest.approx(2.55)
    assert rested_s == pytest.approx(0.05)


@pytest.mark.parametrize("command", ["S", "T", "Z"])
def test_while_a_pump_is_at_work_no_weight_is_stable(command: str) -> None:
    class Stirrer:
        def settle(self, now_s: float) -> None:
            pass

        def touches(self, vessel: str) -> bool:
            return vessel == "vessel"

    async def main(clock: VirtualClock) -> tuple[bytes, float]:
        plumbing = small_plumbing()
        plumbing.start(Stirrer())
        (reply,) = balance_on(clock, plumbing).receive(f"{command}\r\n".encode())
        return reply.data, reply.delay_s

    assert run_virtually(main) == (f"{command} I\r\n".encode(), 5.0)


def test_a_vessel_taken_away_leaves_a_negative_weight() -> None:
    async def main(clock: VirtualClock) -> float:
        balance = balance_on(clock, small_plumbing())
        grams(balance, "T")
        balance.vessel_g = 0.0
        return grams(balance)

    assert run_virtually(main) == pytest.approx(-25.0, abs=0.002)


def test_tare_and_zero_are_acts() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        balance = balance_on(clock, small_plumbing())
        for command in (b"T\r\n", b"Z\r\n", b"S\r\n", b"@\r\n"):
            balance.receive(command)
        return [act.act for act in balance.acts]

    assert run_virtually(main) == ["tared", "zeroed"]

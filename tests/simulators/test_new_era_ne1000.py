"""The pretend pump moves matter, and not always exactly."""

import pytest

from drivers.clock import VirtualClock
from simulators.devices.new_era_ne1000 import NewEraNe1000Device
from simulators.plumbing import Plumbing, Substance, Vessel
from tests.support.pretend_bench import fittings_of, run_virtually, small_plumbing

SYRINGE = {"address": 1, "syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0}


def pump_on(clock: VirtualClock, plumbing: Plumbing, *, seed: int = 0) -> NewEraNe1000Device:
    fittings = fittings_of(
        clock,
        plumbing=plumbing,
        settings=SYRINGE,
        draws_from="stock",
        delivers_to="vessel",
        seed=seed,
    )
    pump = NewEraNe1000Device(fittings)
    tell(pump, "", "DIA14.57", "VOLUL", "CLDINF", "CLDWDR")
    return pump


def tell(pump: NewEraNe1000Device, *commands: str) -> str:
    """Send commands and return the text of the last answer."""
    text = ""
    for command in commands:
        (reply,) = pump.receive(f"1{command}\r".encode())
        text = reply.data[3:-1].decode()
    return text


async def stroke(pump: NewEraNe1000Device, clock: VirtualClock, direction: str, volume: str) -> str:
    """Run one stroke at 6000 ul/min to its end and return the status."""
    tell(pump, f"DIR{direction}", f"VOL{volume}", "RAT6000UM", "RUN")
    await clock.sleep(float(volume) / 100.0 + 0.1)
    return tell(pump, "")


def test_a_transfer_brings_nearly_what_was_asked() -> None:
    async def main(clock: VirtualClock) -> float:
        plumbing = small_plumbing()
        pump = pump_on(clock, plumbing)
        assert await stroke(pump, clock, "WDR", "2000") == "S"
        assert await stroke(pump, clock, "INF", "2000") == "S"
        assert tell(pump, "DIS") == "SI2000.W2000.UL"
        return plumbing.vessel("vessel").volume_ul

    volume_ul = run_virtually(main)

    assert volume_ul == pytest.approx(2000.0, rel=0.015)
    assert volume_ul != pytest.approx(2000.0, rel=1e-6)


def test_pumps_err_by_their_own_bias_and_each_stroke_a_little() -> None:
    async def main(clock: VirtualClock, seed: int) -> list[float]:
        plumbing = small_plumbing()
        pump = pump_on(clock, plumbing, seed=seed)
        for _ in range(8):
            await stroke(pump, clock, "WDR", "1000")
            await stroke(pump, clock, "INF", "1000")
        return [act.amount for act in pump.acts if act.act == "infused"]

    runs = [run_virtually(lambda clock, seed=seed: main(clock, seed)) for seed in range(12)]

    means = [sum(run) / len(run) for run in runs]
    assert 1.0 < max(means) - min(means) < 25.0
    assert all(0.1 < max(run) - min(run) < 20.0 for run in runs)
    assert run_virtually(lambda clock: main(clock, 3)) == runs[3]


def test_a_pause_in_mid_stroke_leaves_a_part() -> None:
    async def main(clock: VirtualClock) -> tuple[str, float, str]:
        plumbing = small_plumbing()
        pump = pump_on(clock, plumbing)
        await stroke(pump, clock, "WDR", "2000")
        tell(pump, "CLDWDR", "DIRINF", "VOL2000", "RAT6000UM", "RUN")
        await clock.sleep(5.0)
        assert tell(pump, "STP") == "P"
        paused = tell(pump, "DIS")
        part_ul = plumbing.vessel("vessel").volume_ul
        await clock.sleep(60.0)
        assert tell(pump, "RUN") == "I"
        await clock.sleep(15.1)
        return paused, part_ul, tell(pump, "DIS")

    paused, part_ul, finished = run_virtually(main)

    assert paused == "PI500.0W0.000UL"
    assert part_ul == pytest.approx(500.0, rel=0.015)
    assert finished == "SI2000.W0.000UL"


def test_an_empty_syringe_stalls_and_says_so_once() -> None:
    async def main(clock: VirtualClock) -> tuple[str, str, list[str]]:
        pump = pump_on(clock, small_plumbing())
        tell(pump, "DIRINF", "VOL100", "RAT6000UM", "RUN")
        await clock.sleep(2.0)
        return tell(pump, ""), tell(pump, ""), [act.act for act in pump.acts]

    assert run_virtually(main) == ("A?S", "S", ["infused", "stalled"])


def test_an_empty_stock_stalls_the_pump_at_the_last_drop() -> None:
    async def main(clock: VirtualClock) -> tuple[str, float, float]:
        vessels = {
            "stock": Vessel(1e9, is_sealed=True, contents={"stock": 700.0}),
            "vessel": Vessel(1e9, is_sealed=False),
        }
        plumbing = Plumbing(vessels, {"stock": Substance(1.0, 1.0)})
        pump = pump_on(clock, plumbing)
        status = await stroke(pump, clock, "WDR", "1000")
        return status, plumbing.vessel("stock").volume_ul, pump.syringe.volume_ul

    status, left_ul, drawn_ul = run_virtually(main)

    assert status == "A?S"
    assert left_ul == pytest.approx(0.0, abs=1e-6)
    assert drawn_ul == pytest.approx(700.0)


def test_an_open_vessel_gives_air_when_it_is_empty() -> None:
    async def main(clock: VirtualClock) -> tuple[str, float]:
        plumbing = small_plumbing()
        plumbing.pour("cell", {"stock": 400.0}, 0.0)
        fittings = fittings_of(
            clock, plumbing=plumbing, settings=SYRINGE, draws_from="cell", delivers_to="vessel"
        )
        pump = NewEraNe1000Device(fittings)
        tell(pump, "", "DIA14.57", "VOLUL")
        await stroke(pump, clock, "WDR", "1000")
        status = await stroke(pump, clock, "INF", "1000")
        return status, plumbing.vessel("vessel").volume_ul

    assert run_virtually(main) == ("S", pytest.approx(400.0))


def test_a_syringe_does_not_take_more_than_it_holds() -> None:
    async def main(clock: VirtualClock) -> str:
        pump = pump_on(clock, small_plumbing())
        await stroke(pump, clock, "WDR", "9000")
        return await stroke(pump, clock, "WDR", "2000")

    assert run_virtually(main) == "A?S"


def test_what_runs_over_is_an_act() -> None:
    async def main(clock: VirtualClock) -> dict[str, float]:
        plumbing = small_plumbing()
        plumbing.pour("vessel", {"stock": 19_500.0}, 0.0)
        pump = pump_on(clock, plumbing)
        await stroke(pump, clock, "WDR", "1000")
        await stroke(pump, clock, "INF", "1000")
        return {act.act: act.amount for act in pump.acts}

    acts = run_virtually(main)

    assert acts["spilled"] == pytest.approx(500.0, abs=15.0)


def test_a_wrong_diameter_in_the_memory_moves_a_wrong_volume() -> None:
    async def main(clock: VirtualClock) -> float:
        plumbing = small_plumbing()
        pump = pump_on(clock, plumbing)
        tell(pump, "DIA20.60", "VOLUL")
        await stroke(pump, clock, "WDR", "2000")
        await stroke(pump, clock, "INF", "2000")
        return plumbing.vessel("vessel").volume_ul

    assert run_virtually(main) == pytest.approx(2000.0 * (14.57 / 20.60) ** 2, rel=0.015)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RAT8503UM", "S"),
        ("RAT8600UM", "S?OOR"),
        ("RAT12345UM", "S?"),
        ("VOL1.2345", "S?"),
        ("VOLXX", "S?"),
        ("DIRUP", "S?"),
        ("PHN42", "S?OOR"),
        ("RUN", "S?NA"),
        ("ver", "SNE1000V3.928"),
        (" D I R ", "SINF"),
    ],
)
def test_answers_at_rest(command: str, answer: str) -> None:
    async def main(clock: VirtualClock) -> str:
        return tell(pump_on(clock, small_plumbing()), command)

    assert run_virtually(main) == answer


def test_another_address_hears_nothing() -> None:
    async def main(clock: VirtualClock) -> list[object]:
        pump = pump_on(clock, small_plumbing())
        return [*pump.receive(b"2VER\r"), *pump.receive(b"VER\r"), *pump.receive(b"01VE")]

    assert run_virtually(main) == []

"""One rig file, one seed, one bench."""

from typing import Any

import pytest

from drivers.clock import VirtualClock
from drivers.errors import OutcomeUnknown, RigError
from simulators.bench import Bench
from simulators.device import Act
from tests.support.bench_hand import BenchHand
from tests.support.pretend_bench import oer_rig, run_virtually

POINT = {"x1": 0.6, "x2": 0.2, "x4": 0.1, "x5": 0.1}


class Eavesdropper:
    """Keeps what passes between a driver and a line."""

    def __init__(self, hand: BenchHand) -> None:
        self.heard: list[tuple[str, bytes]] = []
        for name in hand.instruments:
            device = hand.bench.device(name)
            device.receive = self.between(name, device.receive)  # type: ignore[method-assign]  # a tap on the wire

    def between(self, name: str, receive: Any) -> Any:
        def tapped(data: bytes) -> Any:
            replies = receive(data)
            self.heard.append((name, data))
            self.heard.extend((name, reply.data) for reply in replies)
            return replies

        return tapped


async def one_experiment(
    clock: VirtualClock, seed: int, *, only_first_dose: bool = False
) -> tuple[list[tuple[str, bytes]], dict[str, list[Act]], float]:
    hand = await BenchHand.connected(oer_rig(), clock, seed=seed)
    tap = Eavesdropper(hand)
    await hand.dose({"x1": 1.0} if only_first_dose else POINT)
    await hand.do(
        "sweep",
        "source_meter",
        "measure_current_sweep",
        start_ma=1,
        stop_ma=50,
        n_points=10,
        dwell_s=1,
        voltage_limit_v=4,
    )
    await hand.drain()
    await hand.close()
    return tap.heard, hand.bench.acts(), clock.monotonic_s()


def test_the_same_seed_gives_the_same_bytes_acts_and_times() -> None:
    first, second, other = (
        run_virtually(lambda clock, seed=seed: one_experiment(clock, seed)) for seed in (1, 1, 2)
    )

    assert first == second
    assert first[0] != other[0]


def test_what_one_device_does_leaves_the_chance_of_others_alone() -> None:
    _, all_acts, _ = run_virtually(lambda clock: one_experiment(clock, 1))
    _, fewer_acts, _ = run_virtually(lambda clock: one_experiment(clock, 1, only_first_dose=True))

    biases = [
        next(act.amount for act in acts["pump_x1"] if act.act == "infused") / asked_ul
        for acts, asked_ul in ((all_acts, 1200.0), (fewer_acts, 2000.0))
    ]
    assert biases[0] == pytest.approx(biases[1], rel=1e-9)


def test_every_dose_happens_once_and_the_vessel_is_clean_afterwards() -> None:
    async def main(clock: VirtualClock) -> tuple[dict[str, list[str]], float, float]:
        hand = await BenchHand.connected(oer_rig(), clock, seed=3)
        await hand.dose(POINT)
        await hand.drain()
        await hand.close()
        acts = {name: [act.act for act in acts] for name, acts in hand.bench.acts().items()}
        plumbing = hand.bench.plumbing
        held_ul = [plumbing.vessel(name).volume_ul for name in ("mixing_vessel", "flow_cell")]
        return acts, max(held_ul), plumbing.vessel("waste").volume_ul

    acts, left_ul, waste_ul = run_virtually(main)

    assert left_ul == pytest.approx(0.0, abs=1e-6)
    assert waste_ul == pytest.approx(2000.0, rel=0.01)
    for name in ("pump_x1", "pump_x2", "pump_x4", "pump_x5", "pump_transfer", "pump_waste"):
        assert acts[name] == ["withdrew", "infused"]
    assert acts["pump_x3"] == acts["pump_x6"] == []
    assert acts["balance"] == ["tared"]


@pytest.mark.slow
def test_a_lost_reply_leaves_the_dose_done() -> None:
    def doses(n_request: int) -> list[str]:
        fault = {"instrument": "pump_x1", "kind": "lost", "exchange": n_request}

        async def main(clock: VirtualClock) -> list[str]:
            hand = await BenchHand.connected(oer_rig(faults=(fault,)), clock, seed=3)
            with pytest.raises(OutcomeUnknown):
                await hand.dose({"x1": 1.0})
            hand.bench.settle()
            await hand.close()
            return [act.act for act in hand.bench.acts()["pump_x1"]]

        return run_virtually(main)

    found = [doses(n_request) for n_request in range(40, 60)]

    assert ["withdrew"] in found
    assert all(acts.count("infused") <= 1 for acts in found)


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("simulation", "world"), "atlantis", "simulation.world"),
        (("instruments", "balance", "driver"), "ouija_board", "instruments.balance.driver"),
        (("instruments", "balance", "driver"), "syringe", "instruments.balance.driver"),
        (("instruments", "balance", "at"), "nowhere", "instruments.balance.at"),
        (("instruments", "balance", "line"), "string", "instruments.balance.line"),
        (("instruments", "pump_x1", "draws_from"), "well", "instruments.pump_x1.draws_from"),
        (("instruments", "pump_x1", "delivers_to"), "x1", "instruments.pump_x1.delivers_to"),
        (
            ("instruments", "pump_x1", "settings", "syringe_diameter_mm"),
            -1,
            "instruments.pump_x1.settings.syringe_diameter_mm",
        ),
        (("stock", "x1", "volume_ml"), 0, "stock.x1.volume_ml"),
        (("simulation",), None, "simulation"),
    ],
)
def test_a_rig_that_cannot_be_pretended_is_refused_with_its_key(
    path: tuple[str, ...], value: object, key: str
) -> None:
    rig = oer_rig()
    table: Any = rig
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = value

    async def main(clock: VirtualClock) -> None:
        Bench.from_rig(rig, clock, seed=0)

    with pytest.raises(RigError) as caught:
        run_virtually(main)

    assert caught.value.key == key


def test_a_name_that_the_rig_lacks_is_refused() -> None:
    async def main(clock: VirtualClock) -> None:
        bench = Bench.from_rig(oer_rig(), clock, seed=0)
        with pytest.raises(RigError, match="lines.string"):
            bench.line("string")
        with pytest.raises(RigError, match="instruments.oven"):
            bench.device("oven")

    run_virtually(main)


def test_stock_runs_out_with_the_pumps_own_alarm() -> None:
    async def main(clock: VirtualClock) -> None:
        hand = await BenchHand.connected(oer_rig(volume_ml=1.5), clock, seed=3)
        with pytest.raises(Exception, match="stalled"):
            await hand.dose({"x1": 1.0})
        await hand.close()

    run_virtually(main)

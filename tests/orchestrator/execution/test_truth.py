"""Seeded deaths, cables and power cuts: what the station says agrees with what the bench did."""

import random

import pytest

from drivers.clock import VirtualClock
from orchestrator.execution.executor import Done, Order, Outcome, Refused, Unknown
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.landmarks import watched_by
from orchestrator.log.station_journal import MemoryStationJournal
from simulators.bench import Bench
from simulators.line import SimulatedLine
from tests.support.benches import on_virtual_time, order, small_rig

RIG = small_rig()
N_SEEDS = 120
LONGEST_LIFE = 110
"""Landmarks that a transfer without trouble passes, and some more."""


class Died(BaseException):
    """The process ended here."""


class Life:
    """One order on one bench, through as many stations as it takes."""

    def __init__(self, seed: int, clock: VirtualClock) -> None:
        self.chance = random.Random(seed)
        self.clock = clock
        self.bench = Bench.from_rig(RIG.as_tables(), clock, seed=seed)
        self.journal = MemoryStationJournal()
        self.stations: list[LocalExecutor] = []
        self.n_deaths = 0
        self.was_switched_off = False

    def order(self) -> Order:
        action = self.chance.choice(["transfer", "withdraw"])
        volume_ul = self.chance.choice([40.0, 200.0, 700.0])
        return order("pump_x1", action, volume_ul=volume_ul, rate_ul_per_min=3000.0)

    async def station(self) -> LocalExecutor:
        lines = {name: self.bench.line(name) for name in RIG.lines}
        self.stations.append(LocalExecutor(RIG, lines, self.clock, self.journal))
        await self.stations[-1].connect()
        return self.stations[-1]

    async def try_to(self, wanted: Order, *, is_first: bool) -> Outcome | None:
        """Have it done, or settled, by a station that may die on the way; None if it did."""
        left = self.chance.randint(1, LONGEST_LIFE if is_first else 6)

        def watch(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Died

        station = await self.station()
        ask = station.perform if is_first else station.settle
        try:
            if self.n_deaths < 3:
                with watched_by(watch):
                    return await ask(wanted)
            return await ask(wanted)
        except Died:
            self.n_deaths += 1
            return None

    async def mishap(self) -> None:
        """Let some time pass, perhaps with a cable out or the power cut."""
        await self.clock.sleep(self.chance.choice([0.0, 0.1, 1.0, 30.0]))
        kind = self.chance.choice(["nothing", "nothing", "cable", "power"])
        if kind == "power":
            self.was_switched_off = True
            self.bench.device("pump_x1").power_cycle()
        if kind == "cable":
            line = self.bench.line("pumps")
            assert isinstance(line, SimulatedLine)
            line.unplug()
            await self.clock.sleep(self.chance.choice([0.5, 10.0]))
            line.plug_in()

    def moved_ul(self) -> dict[str, float]:
        self.bench.settle()
        moved = {"infused": 0.0, "withdrew": 0.0}
        for act in self.bench.acts()["pump_x1"]:
            if act.act in moved:
                moved[act.act] += act.amount
        return moved


async def live(seed: int, clock: VirtualClock) -> tuple[str, int]:
    life = Life(seed, clock)
    wanted = life.order()
    outcome = await life.try_to(wanted, is_first=True)
    while outcome is None:
        await life.mishap()
        outcome = await life.try_to(wanted, is_first=False)
    await clock.sleep(120.0)
    moved = life.moved_ul()
    asked_ul = float(wanted.arguments["volume_ul"])
    sides = ("infused", "withdrew") if wanted.action == "transfer" else ("withdrew",)
    match outcome:
        case Done():
            assert all(moved[side] == pytest.approx(asked_ul, rel=0.03) for side in sides)
        case Refused(has_acted=False):
            assert moved == {"infused": 0.0, "withdrew": 0.0}
        case Refused():
            assert 0.0 < moved["withdrew"] <= asked_ul * 1.03
        case Unknown():
            assert life.was_switched_off
    last = await life.station()
    assert await last.settle(wanted) == await last.perform(wanted) == outcome
    assert life.moved_ul() == moved
    for station in life.stations:
        await station.close()
    kind = outcome.kind if not isinstance(outcome, Refused) else f"refused {outcome.has_acted}"
    return kind, life.n_deaths


@pytest.mark.slow
def test_whatever_dies_the_station_tells_the_truth() -> None:
    found = [on_virtual_time(lambda clock, seed=seed: live(seed, clock)) for seed in range(N_SEEDS)]

    assert {kind for kind, _ in found} == {"done", "refused False", "refused True", "unknown"}
    assert sum(n_deaths for _, n_deaths in found) > N_SEEDS / 2


def test_the_same_seed_lives_the_same_life() -> None:
    lives = [on_virtual_time(lambda clock: live(7, clock)) for _ in range(2)]

    assert lives[0] == lives[1]

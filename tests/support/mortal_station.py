"""A station that can die at a landmark and come back on the same bench, with the same journal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from drivers.clock import VirtualClock
from orchestrator.errors import LogError
from orchestrator.execution.executor import Order
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.landmarks import watched_by
from orchestrator.log.station_journal import MemoryStationJournal, OrderStage
from simulators.bench import Bench
from tests.support.benches import on_virtual_time, small_rig

__all__ = ["Died", "FragileJournal", "Station", "at_a_station", "die_at"]


class FragileJournal(MemoryStationJournal):
    """A journal whose disk may be full."""

    def __init__(self) -> None:
        super().__init__()
        self.full_for: set[str] = set()

    def _write(self, what: str) -> None:
        if what in self.full_for:
            raise LogError("database or disk is full")

    def accept(self, key: str, order_json: str, instrument: str) -> None:
        self._write("accept")
        super().accept(key, order_json, instrument)

    def note_act(self, key: str, note: str) -> None:
        self._write("note_act")
        super().note_act(key, note)

    def end(self, key: str, outcome_json: str) -> None:
        self._write("end")
        super().end(key, outcome_json)


@dataclass(slots=True)
class Station:
    """A station that can die and come back on the same bench with the same journal."""

    bench: Bench
    clock: VirtualClock
    journal: FragileJournal
    executor: LocalExecutor

    @classmethod
    async def at(cls, bench: Bench, clock: VirtualClock, journal: FragileJournal) -> "Station":
        rig = small_rig()
        lines = {name: bench.line(name) for name in rig.lines}
        executor = LocalExecutor(rig, lines, clock, journal)
        await executor.connect()
        return cls(bench, clock, journal, executor)

    async def restarted(self) -> "Station":
        return await Station.at(self.bench, self.clock, self.journal)

    def moved_ul(self, instrument: str = "pump_x1") -> float:
        self.bench.settle()
        acts = self.bench.acts()[instrument]
        return sum(act.amount for act in acts if act.act == "infused")

    def stage(self, key: str) -> OrderStage | None:
        entry = self.journal.entry(key)
        return entry.stage if entry is not None else None


def at_a_station(visit: Callable[[Station], Awaitable[None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        bench = Bench.from_rig(small_rig().as_tables(), clock, seed=3)
        station = await Station.at(bench, clock, FragileJournal())
        try:
            await visit(station)
        finally:
            station.journal.full_for.clear()
            await station.executor.close()

    on_virtual_time(main)


class Died(BaseException):
    """The process ended here."""


async def die_at(station: Station, label: str, wanted: Order, n: int = 1) -> None:
    """Have an order carried out by a station that dies at a landmark, the pump going on."""
    left = n

    def watch(reached: str) -> None:
        nonlocal left
        left -= reached == label
        if reached == label and left == 0:
            raise Died

    with watched_by(watch), pytest.raises(Died):
        await station.executor.perform(wanted)

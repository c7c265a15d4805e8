"""A pretend bench behind real wires in the test's own process, on a clock that runs fast."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from drivers.catalog import driver_named, line_kind_named
from drivers.clock import SpedUpLoop, SystemClock
from drivers.instrument import Instrument
from drivers.line import Line
from orchestrator.service.simulated_bench import SimulatedBench
from simulators.bench import Bench
from tests.support.driver_rig import INSTRUMENTS, bench_of

T = TypeVar("T")

SPEED = 200.0


def in_sped_up_time(main: Callable[[SystemClock], Awaitable[T]], *, speed: float = SPEED) -> T:
    """Run a function to its end on a loop of its own whose seconds are short."""
    with asyncio.Runner(loop_factory=lambda: SpedUpLoop(speed)) as runner:
        return runner.run(main(SystemClock(speed)))  # type: ignore[arg-type]


@dataclass(slots=True)
class Served:
    """The bench of all drivers, being served."""

    folder: Path
    bench: Bench
    lines: Mapping[str, Mapping[str, Any]]
    clock: SystemClock

    def line(self, name: str) -> Line:
        """Return a real line to it, not yet open."""
        table = dict(self.lines[name])
        return line_kind_named(table.pop("kind")).from_settings(name, table, self.clock)

    def instrument(self, name: str, line: Line) -> Instrument:
        """Return an instrument on a line, not yet connected."""
        table = INSTRUMENTS[name]
        return driver_named(table["driver"]).from_settings(
            name, line, self.clock, table.get("settings", {})
        )

    async def cause(self, target: str, kind: str) -> None:
        """Summon a fault through the control socket."""
        control = SimulatedBench(self.folder)
        await asyncio.to_thread(control.cause, target, kind)

    async def settle(self) -> dict[str, Any]:
        """Ask through the control socket what is where."""
        return await asyncio.to_thread(SimulatedBench(self.folder).settle)

    async def tallied(self, instrument: str, n: int) -> list[dict[str, Any]]:
        """Wait until an instrument has so many lines in its tally, and return them."""
        async with asyncio.timeout(self.clock.shortest_wait_s * 20.0):
            while len(lines := tally_in(self.folder, instrument)) < n:
                await self.clock.sleep(1.0)
        return lines


def tally_in(folder: Path, instrument: str) -> list[dict[str, Any]]:
    """Return the lines of a tally."""
    text = (folder / f"{instrument}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@asynccontextmanager
async def served_in(folder: Path, clock: SystemClock) -> AsyncIterator[Served]:
    """Serve the bench of all drivers from a folder."""
    bench = bench_of(clock, is_served=True)
    async with bench.served(folder) as lines:
        yield Served(folder, bench, lines, clock)

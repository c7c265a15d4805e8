"""One small laboratory whose engine and station may be killed while its bench lives on.

The station link stands where the socket does: what was handed over goes on when the engine dies,
and an engine whose station dies waits for the next one and asks it what became of its order.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from typing_extensions import override

from campaigns.spec import CampaignSpec
from drivers.clock import Clock, VirtualClock
from orchestrator.core.events import LAB_STREAM, CampaignOpened, Event, campaign_stream
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import planning_in_process
from orchestrator.errors import LogError
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.executor import (
    Connection,
    Executor,
    Order,
    Outcome,
    Refused,
    Unknown,
)
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import drivers_for
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.kept_acts import ActKey
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.station_journal import MemoryStationJournal, StationJournal
from simulators.bench import Bench
from simulators.line import SimulatedLine
from tests.support.mortal_processes import (
    Mortal,
    MortalClock,
    MortalLine,
    MortalProcess,
)

__all__ = ["CAMPAIGN_ID", "START", "SimulatedLab", "UnluckyLog"]

T = TypeVar("T")

CAMPAIGN_ID: Final = "small-1"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
STATION_WAIT_S: Final = 900.0
"""How long an engine waits for a station that died, in virtual seconds."""


class UnluckyLog(MemoryLog):
    """A log whose disk fails the engine now and then.

    After a failed sync SQLite may have the append after all, so half of those that fail are there.

    Args:
        dice: Decides when.
        trouble: Chance of each append of an engine to fail, 0 to 1.
    """

    def __init__(self, dice: random.Random, trouble: float) -> None:
        super().__init__()
        self._dice = dice
        self._trouble = trouble
        self.n_failures = 0

    @override
    def append(
        self,
        stream: str,
        events: Sequence[Event],
        *,
        time: datetime,
        actor: str,
        is_simulated: bool,
        expected: Mapping[str, int] | None = None,
        act: ActKey | None = None,
    ) -> tuple[Record, ...]:
        """Append events, or fail with nothing or everything appended."""

        def appended() -> tuple[Record, ...]:
            return super(UnluckyLog, self).append(
                stream,
                events,
                time=time,
                actor=actor,
                is_simulated=is_simulated,
                expected=expected,
                act=act,
            )

        if actor != "engine" or self._dice.random() >= self._trouble:
            return appended()
        self.n_failures += 1
        if self._dice.random() < 0.5:
            appended()
        raise LogError("database or disk is full")


class WitnessJournal(MemoryStationJournal):
    """A station's journal that also knows when each order was accepted.

    Args:
        clock: The bench's.
        accepted: What was accepted before it.
    """

    def __init__(self, clock: Clock, accepted: Sequence[tuple[datetime, str, str]] = ()) -> None:
        super().__init__()
        self._clock = clock
        self.accepted = list(accepted)
        """Time, instrument, key; in order."""

    @override
    def accept(self, key: str, order_json: str, instrument: str) -> None:
        """Keep an order, and when."""
        self.accepted.append((self._clock.now(), instrument, key))
        super().accept(key, order_json, instrument)


@dataclass
class Station:
    """One station process."""

    process: MortalProcess
    executor: LocalExecutor


class StationGone(Exception):
    """The station died before it answered."""


@dataclass
class SimulatedLab:
    """What outlives every process: bench, log, journal and campaign.

    Args:
        log: Where the campaign is recorded.
        spec: What is searched.
        rig: With what.
        seed: Of planner and bench.
        clock: The one virtual clock.
    """

    log: UnluckyLog
    spec: CampaignSpec
    rig: RigSpec
    seed: int
    clock: VirtualClock
    is_forgetful: bool = False
    """Whether each station begins with an empty journal: the naive way, which must be found out."""
    station: Station | None = None
    station_came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.recipe = CompiledRecipe.of(self.spec, self.rig, drivers_for(self.rig))
        self.bench = Bench.from_rig(self.rig.as_tables(), self.clock, seed=self.seed)
        self.journal = WitnessJournal(self.clock)

    def open(self) -> None:
        """Record the opening."""
        opened = CampaignOpened(
            campaign_id=CAMPAIGN_ID,
            name=self.spec.header.name,
            campaign_text=self.spec.canonical_text(),
            rig_name=self.rig.header.name,
            rig_sha256=self.rig.fingerprint(),
            seed=self.seed,
            is_simulated=True,
            athanor_version="0",
            slots=self.rig.slots,
            capacities=self.rig.capacities,
            contamination=self.rig.contamination_rules,
        )
        self.log.append(
            campaign_stream(CAMPAIGN_ID),
            [opened],
            time=self.clock.now(),
            actor="operator",
            is_simulated=True,
        )

    def lines(self) -> dict[str, SimulatedLine]:
        """Return the bench's wires, by name."""
        return {name: cast(SimulatedLine, self.bench.line(name)) for name in self.rig.lines}

    def start_station(self) -> Station:
        """Start a station process on the journal that the last one left."""
        process = MortalProcess("station")
        if self.is_forgetful:
            self.journal = WitnessJournal(self.clock, self.journal.accepted)
        lines = {name: MortalLine(line, process) for name, line in self.lines().items()}
        executor = LocalExecutor(
            self.rig,
            lines,
            MortalClock(self.clock, process),
            journal=cast(StationJournal, Mortal(self.journal, process)),
            on_fact=lambda fact: self._record_in_lab(fact, process),
        )
        self.station = Station(process, executor)
        self.station_came.set()
        return self.station

    def _record_in_lab(self, fact: Event, process: MortalProcess) -> None:
        """Append what a station says of the laboratory."""
        process.check()
        self.log.append(
            LAB_STREAM, [fact], time=self.clock.now(), actor="station", is_simulated=True
        )

    async def bury_station(self) -> None:
        """End what is left of a dead station: the system closes its wires."""
        station, self.station = self.station, None
        self.station_came.clear()
        if station is not None:
            await station.process.bury()
            for line in self.lines().values():
                await line.close()

    def new_engine(self, process: MortalProcess) -> Engine:
        """Return the engine of a process; to be made inside of it."""
        log = cast(EventLog, Mortal(self.log, process))
        clock = MortalClock(self.clock, process)
        return Engine(
            journal=Journal(log, CAMPAIGN_ID, clock, keep_every=7),
            clock=clock,
            executor=StationLink(self, process),
            planning=planning_in_process(),
            recipe=self.recipe,
            rig=self.rig,
            habits=EngineHabits(poll_s=20.0, leaves_when_paused=True, keeps_lab=False),
            on_change=lambda _: None,
        )


class StationLink:
    """An engine's way to whatever station there is.

    Args:
        lab: Which has stations come and go.
        engine: The process whose link this is.
    """

    def __init__(self, lab: SimulatedLab, engine: MortalProcess) -> None:
        self._lab = lab
        self._engine = engine

    async def connect(self) -> Mapping[str, Connection]:
        """Have the station open its lines."""
        try:
            await self._station()
            return await self._asked(lambda executor: executor.connect())
        except StationGone:
            specs = self._lab.rig.instruments.items()
            gone = "StationLost: no station answers"
            return {n: Connection(instrument=n, driver=s.driver, error=gone) for n, s in specs}

    async def perform(self, order: Order) -> Outcome:
        """Hand an order over; if the station dies over it, ask the next one."""
        if self._lab.station is None or self._lab.station.process.is_dead:
            return Refused(error="StationLost", message="no station answers", has_acted=False)
        try:
            return await self._asked(lambda executor: executor.perform(order))
        except StationGone:
            return await self.settle(order)

    async def settle(self, order: Order) -> Outcome:
        """Ask what became of an order, of as many stations as it takes."""
        for _ in range(20):
            try:
                await self._station()
                await self._asked(lambda executor: executor.connect())
                return await self._asked(lambda executor: executor.settle(order))
            except StationGone:
                continue
        return Unknown(evidence="StationLost: no station answered")

    async def stop(self, instrument: str) -> None:
        """Stop one instrument."""
        await self._asked(lambda executor: executor.stop(instrument))

    async def make_safe(self) -> Mapping[str, str]:
        """Bring every instrument to its safe state."""
        try:
            return await self._asked(lambda executor: executor.make_safe())
        except StationGone:
            return dict.fromkeys(self._lab.rig.instruments, "StationLost: no station answers")

    async def close(self) -> None:
        """Hang up; the station keeps its wires."""

    def snapshot(self) -> Mapping[str, str]:
        """Return what each instrument does."""
        return {}

    async def _station(self) -> None:
        try:
            async with asyncio.timeout(STATION_WAIT_S):
                await self._lab.station_came.wait()
        except TimeoutError:
            raise StationGone from None

    async def _asked(self, ask: Callable[[Executor], Awaitable[T]]) -> T:
        """Have the station do something in a task of its own, and wait for its answer."""
        self._engine.check()
        station = self._lab.station
        if station is None or station.process.is_dead:
            raise StationGone
        work = station.process.spawn(cast(Coroutine[Any, Any, T], ask(station.executor)))
        death = asyncio.ensure_future(station.process.died.wait())
        try:
            await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not self._engine.is_dead:
                work.cancel()
                await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
            raise
        finally:
            death.cancel()
        if station.process.is_dead:
            raise StationGone
        return work.result()

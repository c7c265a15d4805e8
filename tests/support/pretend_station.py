"""A station without devices: a core that does as it is told, behind a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from drivers.clock import SystemClock
from orchestrator.execution.executor import Connection, Done, Order, Outcome, Refused
from orchestrator.execution.rig import load_rig
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.station_journal import MemoryStationJournal
from orchestrator.station.client import StationExecutor, StationToReach
from orchestrator.station.places import StationFolder
from orchestrator.station.server import Identity, StationServer

RIG_FILE = Path("campaigns/library/oer/oer_rig.toml")
HEARTBEAT_S = 0.1


@dataclass
class PretendCore:
    """Performs each order when `go` is set, once for ever; remembers what it was asked."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    done: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    cut_off: dict[str, asyncio.Event] = field(default_factory=dict)
    why_latched: str = ""
    why_out: dict[str, str] = field(default_factory=dict)

    async def connect(self) -> Mapping[str, Connection]:
        self.asked.append("connect")
        return {"balance": Connection(instrument="balance", driver="pretend", identity="B1")}

    async def perform(self, order: Order) -> Outcome:
        if order.key in self.cut_off or order.key in self.outcomes:
            return await self.settle(order)
        cut_off = self.cut_off[order.key] = asyncio.Event()
        self.began.set()
        waits = [asyncio.ensure_future(one.wait()) for one in (self.go, cut_off)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        outcome: Outcome = Done()
        if cut_off.is_set():
            outcome = Refused(error="NothingDone", message="it was called off", has_acted=False)
        else:
            self.done.append(order.key)
        self.outcomes[order.key] = outcome
        return outcome

    async def settle(self, order: Order) -> Outcome:
        self.asked.append(f"settle {order.key}")
        known = self.outcomes.get(order.key)
        if known is not None:
            return known
        never = Refused(error="NotAccepted", message="it never arrived", has_acted=False)
        return self.outcomes.setdefault(order.key, never)

    async def stop(self, instrument: str) -> None:
        if instrument != "balance":
            raise KeyError(instrument)
        self.asked.append(f"stop {instrument}")

    async def make_safe(self) -> Mapping[str, str]:
        self.asked.append("make_safe")
        for cut_off in self.cut_off.values():
            cut_off.set()
        return {"balance": ""}

    async def close(self) -> None:
        self.asked.append("close")

    def snapshot(self) -> Mapping[str, str]:
        return {"balance": "idle"}

    async def set_latch(self, reason: str, *, source: str = "operator") -> Mapping[str, str]:
        self.why_latched = f"{source}: {reason}"
        return {"balance": ""}

    def keep_latched(self, reason: str) -> None:
        self.why_latched = reason

    def clear_latch(self, reason: str) -> None:
        self.why_latched = ""

    def latch(self) -> str:
        return self.why_latched

    def take_out(self, instrument: str, reason: str) -> None:
        if instrument != "balance":
            raise KeyError(instrument)
        self.why_out[instrument] = reason

    def put_back(self, instrument: str) -> None:
        self.why_out.pop(instrument)

    def out(self) -> dict[str, str]:
        return dict(self.why_out)

    def tripped(self) -> dict[str, str]:
        return {}

    def running(self) -> tuple[str, ...]:
        return tuple(key for key in self.cut_off if key not in self.outcomes)

    async def interrupt(self, key: str, reason: str = "") -> None:
        self.asked.append(f"interrupt {key}")
        if key in self.cut_off:
            self.cut_off[key].set()

    async def stop_campaign(
        self, campaign_id: str, how: Literal["hold", "stop", "abort"]
    ) -> Mapping[str, str]:
        self.asked.append(f"{how} {campaign_id}")
        for key, cut_off in self.cut_off.items():
            if key.startswith(f"{campaign_id}/") and how == "abort":
                cut_off.set()
        self.stopped.set()
        return {"balance": ""}

    def release_campaign(self, campaign_id: str) -> None:
        self.asked.append(f"release {campaign_id}")


@dataclass
class PretendStation:
    """Where a pretend station is, and what it is made of."""

    folder: StationFolder
    database: Path
    rig: RigSpec
    core: PretendCore
    journal: MemoryStationJournal
    why_not: str = ""
    silent: list[str] = field(default_factory=list)
    server: StationServer | None = None

    @classmethod
    def at(cls, folder: Path) -> "PretendStation":
        station = StationFolder(folder / "lab.db.station" / "rig")
        station.make()
        rig = load_rig(RIG_FILE)
        return cls(station, folder / "lab.db", rig, PretendCore(), MemoryStationJournal())

    @asynccontextmanager
    async def served(self, *, stays: bool = False) -> AsyncIterator[StationServer]:
        """Serve for a block, as one process; the core and the journal outlive it."""
        identity = Identity(
            rig_name="rig",
            rig_sha256=self.rig.fingerprint(),
            database=str(self.database.resolve()),
            pid=1,
            is_simulated=True,
            heartbeat_s=HEARTBEAT_S,
            stays=stays,
        )
        server = self.server = StationServer(
            self.core,
            self.journal,
            identity,
            SystemClock(),
            why_not=lambda: self.why_not,
            on_silent=lambda campaign_id, _: self.silent.append(campaign_id),
        )
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(self.folder.socket))
            while not self.folder.socket.exists():  # noqa: ASYNC110 - a file rings no bell
                await asyncio.sleep(0.001)
            try:
                yield server
            finally:
                server.leave("the test is over")
                await serving

    def executor(
        self,
        *,
        campaign_id: str = "oer-1",
        epoch: int = 1,
        start: Callable[[], None] = lambda: None,
        rig: RigSpec | None = None,
    ) -> StationExecutor:
        """Return an engine's way to this station."""
        return StationExecutor(
            rig if rig is not None else self.rig,
            StationToReach(self.folder, self.database, start),
            SystemClock(),
            campaign_id=campaign_id,
            epoch=lambda: epoch,
        )


def order(*, attempt: int = 1, epoch: int = 1, deadline_s: float = 60.0) -> Order:
    """Return an order that has not expired."""
    return Order(
        campaign_id="oer-1",
        job_id="E0001/tare",
        attempt=attempt,
        started_time=datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
        epoch=epoch,
        instrument="balance",
        action="tare",
        not_after=SystemClock().monotonic_s() + 30.0,
        deadline_s=deadline_s,
    )

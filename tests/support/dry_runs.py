"""Dry-runs of the shipped OER campaign in this process, on the virtual clock."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from drivers.clock import VirtualClock, VirtualLoop
from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import LAB_STREAM, CampaignOpened, Event, campaign_stream
from orchestrator.core.lab import LabState, fold_lab
from orchestrator.engine.habits import EngineHabits, Watch
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import Planning, planning_in_process
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.equal_instruments import equal_instruments
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for, drivers_for, rig_from_text
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.event_log import EventLog

__all__ = ["CAMPAIGN_ID", "DryRun", "oer_campaign", "oer_rig"]

LIBRARY = Path("campaigns/library/oer")
CAMPAIGN_ID = "oer-plate-1"
START = datetime(2026, 1, 1, tzinfo=UTC)


def oer_campaign(
    *, max_experiments: int = 2, batch: int = 1, in_flight: int = 2, more: str = ""
) -> CampaignSpec:
    """Return the shipped campaign with the Sobol planner, few experiments and more tables."""
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", f"max_experiments = {max_experiments}")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    text = text.replace("batch = 1", f"batch = {batch}")
    text = text.replace("in_flight = 2", f"in_flight = {in_flight}")
    return campaign_from_text(f"{text}\n{more}", file="oer_plate.toml")


def oer_rig(more: str = "") -> RigSpec:
    """Return the shipped rig with more TOML at its end, such as faults."""
    text = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
    return rig_from_text(text + "\n" + more, file="oer_rig.toml")


class DryRun:
    """One campaign on one pretend bench; `drive` may be called again after a crash.

    Args:
        log: Where the campaign is recorded.
        spec: What is searched.
        rig: With what.
        seed: Of planner and bench.
        search_effort: Of one search for a better order of the jobs; 0 for none.
    """

    def __init__(
        self,
        log: EventLog,
        spec: CampaignSpec,
        rig: RigSpec | None = None,
        *,
        seed: int = 0,
        search_effort: float = 0.0,
    ) -> None:
        self.log = log
        self.spec = spec
        self.rig = rig if rig is not None else oer_rig()
        self.seed = seed
        self.search_effort = search_effort
        self.recipe = CompiledRecipe.of(spec, self.rig, drivers_for(self.rig))
        self.bench: object = None

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
            equal_instruments=equal_instruments(self.rig.instruments),
            slots=self.rig.slots,
            capacities=self.rig.capacities,
            contamination=self.rig.contamination_rules,
        )
        self.append(opened, time=START)

    def append(self, event: Event, *, time: datetime | None = None) -> None:
        """Append one event to the campaign's stream, as an operator would."""
        self.log.append(
            campaign_stream(CAMPAIGN_ID),
            [event],
            time=time if time is not None else self.state().last_time,
            actor="operator",
            is_simulated=True,
        )

    def events(self) -> list[Event]:
        """Return the events of the campaign."""
        return [record.event for record in self.log.read(stream=campaign_stream(CAMPAIGN_ID))]

    def state(self) -> CampaignState:
        """Return what the campaign's events add up to."""
        records = self.log.read(stream=campaign_stream(CAMPAIGN_ID))
        state = fold((record.event, record.time) for record in records)
        if state is None:
            raise ValueError("the campaign is not open")
        return state

    def lab(self) -> LabState:
        """Return what the laboratory's events add up to."""
        records = self.log.read(stream=LAB_STREAM)
        return fold_lab((record.event, record.time) for record in records)

    def drive(
        self,
        *,
        on_change: Callable[[Watch], None] = lambda _: None,
        leaves_when_paused: bool = True,
        planning: Planning | None = None,
    ) -> CampaignState:
        """Attach an engine with a fresh bench and drive until it lets go."""
        where = planning if planning is not None else planning_in_process()
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(self._drive(on_change, leaves_when_paused, where))

    async def _drive(
        self, on_change: Callable[[Watch], None], leaves_when_paused: bool, planning: Planning
    ) -> CampaignState:
        clock = VirtualClock(self.state().last_time)
        self.bench = bench = bench_for(self.rig, clock, self.seed)
        lines = {name: bench.line(name) for name in self.rig.lines}
        engine = Engine(
            journal=Journal(self.log, CAMPAIGN_ID, clock),
            clock=clock,
            executor=LocalExecutor(self.rig, lines, clock),
            planning=planning,
            recipe=self.recipe,
            rig=self.rig,
            habits=EngineHabits(
                poll_s=60.0,
                leaves_when_paused=leaves_when_paused,
                asks_after_crash=False,
                search_effort=self.search_effort,
                has_neighbours=False,
            ),
            on_change=on_change,
        )
        return await engine.run()

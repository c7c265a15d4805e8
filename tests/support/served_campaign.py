"""A campaign on a bench behind real terminals and sockets, in this process, on a fast clock.

Somebody pulls a cable when a job of an instrument has begun, and puts it back; whoever asks is told
what the log said and what the devices' tallies say that they did.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from campaigns.spec import CampaignSpec
from drivers.catalog import line_kind_named
from drivers.clock import SpedUpLoop, SystemClock
from drivers.line import Line
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    LAB_STREAM,
    Event,
    InstrumentConnected,
    InstrumentLost,
    JobStarted,
)
from orchestrator.core.lab_events import LabEvent
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import planning_in_process
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.simulated_bench import SimulatedBench
from tests.crashes.tally_judge import Counted, Verdict, acts_in, attempts_in, judged
from tests.support.dry_runs import CAMPAIGN_ID, DryRun

__all__ = ["PulledCable", "ServedCampaign"]

F = TypeVar("F", bound=Event)

SPEED: Final = 200.0
LONGEST_S: Final = 60.0 * SPEED
"""Seconds of the lab that a campaign may take."""
LOOK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class PulledCable:
    """Which cable falls out, and when."""

    line: str
    job: str
    """Part of the id of the job in whose middle it falls out: the first such job."""
    after_s: float
    """Seconds after the job has begun."""
    out_s: float = 30.0


@dataclass
class ServedCampaign:
    """One campaign on one served bench.

    Args:
        folder: Of tallies and terminals.
        spec: What is searched.
        rig: With what; its lines are led to the bench.
    """

    folder: Path
    spec: CampaignSpec
    rig: RigSpec
    facts: list[LabEvent] = field(default_factory=list)
    """What the executor told of the laboratory, in order."""

    def run(self, cable: PulledCable) -> CampaignState:
        """Drive the campaign to its end and pull a cable meanwhile.

        Args:
            cable: To be pulled.
        """
        self.dry_run = DryRun(MemoryLog(), self.spec, self.rig)
        self.cable = cable
        self.dry_run.open()
        with asyncio.Runner(loop_factory=lambda: SpedUpLoop(SPEED)) as runner:
            return runner.run(self._main())

    def events(self, kind: type[F]) -> list[F]:
        """Return the campaign's events of one kind."""
        return [event for event in self.dry_run.events() if isinstance(event, kind)]

    def told(self, kind: type[InstrumentLost | InstrumentConnected]) -> list[str]:
        """Return the instruments that were lost or found again, in order."""
        return [fact.instrument for fact in self.facts if isinstance(fact, kind)]

    def verdict(self, counted: Mapping[str, Sequence[Counted]]) -> Verdict:
        """Compare the log with the tallies."""
        attempts = attempts_in(self.dry_run.log.read(), CAMPAIGN_ID)
        return judged(attempts, acts_in(self.folder, counted), counted)

    async def _main(self) -> CampaignState:
        clock = SystemClock(SPEED)
        bench = bench_for(self.rig, clock, 0)
        async with bench.served(self.folder) as tables, asyncio.timeout(LONGEST_S):
            lines = {name: _line(name, table, clock) for name, table in tables.items()}
            executor = LocalExecutor(
                self.rig, lines, clock, on_fact=lambda fact: self._record_in_lab(fact, clock)
            )
            async with asyncio.TaskGroup() as group:
                visitor = group.create_task(self._visit(clock))
                state = await self._engine(executor, clock).run()
                visitor.cancel()
            return state

    def _engine(self, executor: LocalExecutor, clock: SystemClock) -> Engine:
        return Engine(
            journal=Journal(self.dry_run.log, CAMPAIGN_ID, clock),
            clock=clock,
            executor=executor,
            planning=planning_in_process(),
            recipe=self.dry_run.recipe,
            rig=self.rig,
            habits=EngineHabits(
                poll_s=5.0,
                asks_after_crash=False,
                keeps_lab=False,
                has_neighbours=False,
            ),
            on_change=lambda _: None,
        )

    async def _visit(self, clock: SystemClock) -> None:
        """Pull the cable and put it back."""
        bench = SimulatedBench(self.folder)
        while not self._begun():
            await clock.sleep(LOOK_S)
        await clock.sleep(self.cable.after_s)
        await asyncio.to_thread(bench.cause, self.cable.line, "unplug")
        await clock.sleep(self.cable.out_s)
        await asyncio.to_thread(bench.cause, self.cable.line, "plug-in")

    def _record_in_lab(self, fact: LabEvent, clock: SystemClock) -> None:
        """Write down what happens to an instrument, as a station does."""
        self.facts.append(fact)
        self.dry_run.log.append(
            LAB_STREAM, [fact], time=clock.now(), actor="station", is_simulated=True
        )

    def _begun(self) -> bool:
        return any(
            isinstance(event, JobStarted) and self.cable.job in event.job_id
            for event in self.dry_run.events()
        )


def _line(name: str, table: Mapping[str, object], clock: SystemClock) -> Line:
    settings = {key: value for key, value in table.items() if key != "kind"}
    return line_kind_named(str(table["kind"])).from_settings(name, settings, clock)

"""Engines of two campaigns that share a cell: each knows what the other left in it."""

import asyncio

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import CampaignOpened, campaign_stream
from orchestrator.core.job import JobStatus
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import planning_in_process
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import drivers_for
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.own_points import add_point
from orchestrator.service.report import report_html
from orchestrator.service.requests import Request
from simulators.bench import Bench
from tests.support.cleaning_judge import cleaning_violations
from tests.support.pretend_bench import run_virtually
from tests.support.simulated_lab import START
from tests.support.small_bench import small_campaign, small_rig

RIG = small_rig(is_rinsed=True)


class _OwnExecutor(LocalExecutor):
    """An executor that no single engine closes."""

    async def close(self) -> None:
        """Keep the lines."""


class _Cell:
    """One bench, one log, and campaigns that are made of people's own points."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.log = MemoryLog()
        bench = Bench.from_rig(RIG.as_tables(), clock, seed=1)
        lines = {name: bench.line(name) for name in RIG.lines}
        self.executor = _OwnExecutor(RIG, lines, clock)

    def open(self, campaign_id: str, *tenths_of_x1: int) -> Engine:
        """Return the engine of a campaign; above 4 tenths a sample leaves traces that spoil."""
        spec = small_campaign(max_experiments=len(tenths_of_x1), is_rinsed=True)
        opened = CampaignOpened(
            campaign_id=campaign_id,
            name=campaign_id,
            campaign_text=spec.canonical_text(),
            rig_name=RIG.header.name,
            rig_sha256=RIG.fingerprint(),
            seed=1,
            is_simulated=True,
            athanor_version="0",
            contamination=RIG.contamination_rules,
        )
        self.log.append(
            campaign_stream(campaign_id),
            [opened],
            time=self.clock.now(),
            actor="ada",
            is_simulated=True,
        )
        for tenths in tenths_of_x1:
            point = {"x1": tenths / 10, "x2": (10 - tenths) / 10}
            add_point(self.door(), point, reason="wanted", campaign_id=campaign_id)
        return self.engine(campaign_id)

    def engine(self, campaign_id: str) -> Engine:
        spec = self.state(campaign_id).spec
        return Engine(
            journal=Journal(self.log, campaign_id, self.clock),
            clock=self.clock,
            executor=self.executor,
            planning=planning_in_process(),
            recipe=CompiledRecipe.of(spec, RIG, drivers_for(RIG)),
            rig=RIG,
            habits=EngineHabits(poll_s=5.0, leaves_when_paused=True, keeps_lab=False),
            on_change=lambda _: None,
        )

    def door(self) -> Lab:
        return Lab(self.log, actor="ada", clock=self.clock, source="memory")

    def state(self, campaign_id: str) -> CampaignState:
        records = self.log.read(stream=campaign_stream(campaign_id))
        found = fold((record.event, record.time) for record in records)
        assert found is not None
        return found

    def rinses(self, campaign_id: str) -> list[JobStatus]:
        samples = self.state(campaign_id).experiments
        return [one.jobs["rinse"].status for one in samples]

    def violations(self, *campaign_ids: str) -> list[str]:
        told = ((one.stream.partition("/")[2], one.event) for one in self.log.read())
        return list(cleaning_violations(told, [self.state(one) for one in campaign_ids]))


def test_one_campaign_rinses_only_where_it_must_and_says_why_not() -> None:
    async def main(_: object) -> tuple[_Cell, str, str]:
        cell = _Cell(VirtualClock(START))
        await cell.open("a-1", 9, 8, 1, 2, 7).run()
        await LocalExecutor.close(cell.executor)
        view = cell.door().campaign("a-1")
        notes = [job.note for job in view.jobs if job.state == "skipped"]
        return cell, notes[0], report_html(view, made_time=cell.clock.now())

    cell, note, report = run_virtually(main)

    done, skipped = JobStatus.DONE, JobStatus.SKIPPED
    assert cell.rinses("a-1") == [done, skipped, done, skipped, skipped]
    assert note == "E0001 was at flow_cell last and left nothing that spoils"
    assert f"<dt>E0002/rinse</dt><dd>{note}</dd>" in report
    assert cell.violations("a-1") == []


@pytest.mark.parametrize(
    ("tenths", "reason"),
    [(9, ""), (3, "a-1/E0001 was at flow_cell last and left nothing that spoils")],
)
def test_what_a_campaign_left_that_has_ended_meanwhile_counts(tenths: int, reason: str) -> None:
    async def main(_: object) -> _Cell:
        cell = _Cell(VirtualClock(START))
        first = asyncio.create_task(cell.open("c-1", 1, 2).run())
        await cell.clock.sleep(30.0)
        cell.door().request(Request.PAUSE, "c-1")
        await first
        await cell.open("a-1", tenths).run()
        cell.door().request(Request.RESUME, "c-1")
        await cell.engine("c-1").run()
        await LocalExecutor.close(cell.executor)
        return cell

    cell = run_virtually(main)

    assert cell.state("a-1").status.has_ended
    assert cell.rinses("a-1") == [JobStatus.DONE], "nothing is known of the time before it"
    assert cell.state("c-1").experiments[1].jobs["rinse"].evidence == reason
    assert cell.violations("a-1", "c-1") == []


def test_two_campaigns_at_the_same_time_never_spoil_each_others_samples() -> None:
    async def main(_: object) -> _Cell:
        cell = _Cell(VirtualClock(START))
        one = cell.open("a-1", 9, 8, 1, 7)
        other = cell.open("b-1", 1, 2, 3, 9)
        await asyncio.gather(one.run(), other.run())
        await LocalExecutor.close(cell.executor)
        return cell

    cell = run_virtually(main)

    assert cell.violations("a-1", "b-1") == []
    assert len(cell.rinses("a-1") + cell.rinses("b-1")) == 8

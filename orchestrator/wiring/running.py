"""A run from the opening of the log to the end, on the bench or on the pretended one."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from drivers.clock import Clock, SystemClock
from orchestrator.alarms.signs_of_life import drives
from orchestrator.core.campaign import CampaignState
from orchestrator.execution.executor import Executor
from orchestrator.landmarks import watch_environment
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.log.sql_store import BUSY_S
from orchestrator.station.client import StationExecutor
from orchestrator.wiring.benches import (
    Place,
    clock_for,
    executors_for,
    habits_for,
    loop_factory,
    send_station_away,
)
from orchestrator.wiring.leaving import until_told_to_end
from orchestrator.wiring.onlooker import Onlooker, Progress
from orchestrator.wiring.opening import open_campaigns
from orchestrator.wiring.preparation import Prepared
from orchestrator.wiring.run_end import RunEnd, RunHandle, end_of

if TYPE_CHECKING:
    from orchestrator.engine.companions import Companions
    from orchestrator.engine.loop import Engine

__all__ = ["run", "run_together"]

BENCH_BUSY_S: Final = 3.0
"""How long an engine on the bench stands still for a locked log; its station counts its beats."""


def run(
    prepared: Prepared,
    *,
    on_progress: Callable[[Progress], None],
    on_start: Callable[[RunHandle], None],
) -> RunEnd:
    """Drive the campaign until it ends, or nobody waits for it any more.

    Args:
        prepared: From `prepare`.
        on_progress: Told at most four times a second, and at the end.
        on_start: Told once, before anything moves.

    Raises:
        AthanorError: The campaign cannot be opened, resumed or recorded.
    """
    (end,) = run_together(
        [prepared], on_progress=on_progress, on_start=lambda handles: on_start(handles[0])
    )
    return end


def run_together(
    prepared: Sequence[Prepared],
    *,
    on_progress: Callable[[Progress], None],
    on_start: Callable[[Sequence[RunHandle]], None],
) -> list[RunEnd]:
    """Drive campaigns on one bench until each ends, or nobody waits for it any more.

    Args:
        prepared: From `prepare` or `prepare_together`; several only in a dry-run.
        on_progress: Told of each campaign at most four times a second, and at its end.
        on_start: Told once, before anything moves.

    Returns:
        How each ended, in the order of `prepared`.

    Raises:
        AthanorError: A campaign cannot be opened, resumed or recorded.
    """
    watch_environment(os.environ)
    options = prepared[0].options
    busy_s = BUSY_S if options.is_dry_run else BENCH_BUSY_S
    with closing(open_sqlite_log(options.database, busy_s=busy_s)) as log:
        campaign_ids = open_campaigns(log, prepared)
        drive = _Drive(log, on_progress, on_start)
        try:
            with asyncio.Runner(loop_factory=loop_factory(options)) as runner:
                states = runner.run(drive.drive(campaign_ids, prepared))
        finally:
            if not options.is_dry_run:
                send_station_away(prepared[0])
        return [end_of(log, state) for state in states]


class _Drive:
    """The engines of one run.

    Args:
        log: Of the laboratory.
        on_progress: Told of each campaign.
        on_start: Told once, before anything moves.
    """

    def __init__(
        self,
        log: SqliteLog,
        on_progress: Callable[[Progress], None],
        on_start: Callable[[Sequence[RunHandle]], None],
    ) -> None:
        self._log = log
        self._on_progress = on_progress
        self._on_start = on_start
        self._onlookers: list[Onlooker] = []

    async def drive(
        self, campaign_ids: Sequence[str], prepared: Sequence[Prepared]
    ) -> list[CampaignState]:
        """Drive all campaigns; return what each is when its engine lets go."""
        from orchestrator.engine.companions import Companions
        from orchestrator.engine.journal import Journal

        log, companions = self._log, Companions()
        clock = clock_for(log, campaign_ids, prepared[0].options)
        is_dry_run = prepared[0].options.is_dry_run  # all engines of it end with this process
        is_driven = attrgetter("is_attached") if is_dry_run else drives(log, SystemClock())
        places = [
            Place(one, Journal(log, campaign_id, clock, is_driven=is_driven))
            for one, campaign_id in zip(prepared, campaign_ids, strict=True)
        ]
        async with executors_for(log, places, clock) as executors:
            engines = [
                self._engine(place, executor, clock, companions)
                for place, executor in zip(places, executors, strict=True)
            ]
            handles = [RunHandle(one.state.campaign_id, one) for one in engines]
            for engine, executor, handle in zip(engines, executors, handles, strict=True):
                if isinstance(executor, StationExecutor):
                    executor.on_wake = engine.wake
                    executor.on_given_up = handle.leave_when_paused
            self._on_start(handles)
            states = await until_told_to_end(engines)
        for onlooker in self._onlookers:
            onlooker.show_last()
        return states

    def _engine(
        self, place: Place, executor: Executor, clock: Clock, companions: "Companions"
    ) -> "Engine":
        from orchestrator.engine.loop import Engine
        from orchestrator.engine.planning import planning_in_process, planning_in_worker

        prepared = place.prepared
        habits = habits_for(self._log, place.journal, prepared.options)
        is_real = not prepared.options.is_dry_run
        is_light = prepared.campaign.planner.name == "sobol"
        onlooker = Onlooker(self._log, place.campaign_id, habits, self._on_progress, beside=is_real)
        self._onlookers.append(onlooker)
        return Engine(
            journal=place.journal,
            clock=clock,
            executor=executor,
            planning=planning_in_process() if is_light else planning_in_worker(),
            recipe=prepared.recipe,
            rig=prepared.rig,
            habits=habits,
            on_change=onlooker,
            companions=companions,
        )

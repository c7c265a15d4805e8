"""Builds everything that a run needs and starts it; nobody else knows which part is behind which.

`prepare` reads both files and checks that they fit, and writes nothing. `run` opens the log and
drives the campaign, on the real bench or, for a dry-run, on the pretended one in virtual time.
"""

import asyncio
import os
import platform
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from campaigns.errors import CampaignFileError, Problem
from campaigns.loading import load_campaign
from campaigns.spec import CampaignSpec
from drivers.clock import Clock, SystemClock, VirtualClock, VirtualLoop
from orchestrator.core.campaign import CampaignState, CampaignStatus, fold
from orchestrator.core.events import CampaignOpened, ResumeRequested, campaign_stream
from orchestrator.errors import LoadError, RequestRefused, RigFileError
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.rig import bench_for, drivers_for, lines_for, load_rig
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.event_log import EventLog, last_hash
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.service.campaign_view import campaign_view, engine_name, engine_view
from orchestrator.service.views import CampaignView

if TYPE_CHECKING:
    from orchestrator.engine.loop import Engine, Watch

__all__ = ["Prepared", "Progress", "RunEnd", "RunHandle", "RunOptions", "prepare", "run"]

DRY_RUN_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins, so that two dry-runs with one seed write the same log."""
REAL_POLL_S: Final = 0.5
"""How often an engine on the real clock looks for requests, in seconds."""
VIRTUAL_POLL_S: Final = 600.0
"""The same on virtual time, where a look costs as much as in real time."""
PROGRESS_EVERY_S: Final = 0.25
"""Onlookers are told at most this often, in real seconds."""
BEAT_EVERY_S: Final = 1.0
"""How often an engine shows that it lives, in real seconds."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `athanor run` was asked."""

    campaign_file: Path
    rig_file: Path
    database: Path
    is_dry_run: bool
    actor: str
    """The person who asked."""
    seed: int = 0
    resume: bool = False
    """Go on with the unfinished campaign of this name."""
    new: bool = False
    """Open another one although one is unfinished."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Both files, read and found to fit."""

    options: RunOptions
    campaign: CampaignSpec
    rig: RigSpec
    recipe: CompiledRecipe


@dataclass(frozen=True, slots=True)
class Progress:
    """What an onlooker is shown while a campaign runs."""

    view: CampaignView
    instruments: dict[str, str]
    """What each instrument does."""
    now: datetime
    """On the campaign's clock."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    campaign_id: str
    status: str
    reason: str
    in_doubt: tuple[str, ...]
    """Jobs whose outcome nobody knows."""
    exit_code: int
    """0 done, 3 held or in doubt, 4 aborted."""
    last_hash: str
    """Of the log."""


@dataclass(slots=True)
class RunHandle:
    """Lets whoever started a run tell it that nobody will wait for a resume."""

    campaign_id: str
    _engine: "Engine" = field(repr=False)

    def leave_when_paused(self) -> None:
        """Let a pause end the run."""
        self._engine.leaves_when_paused = True


def prepare(options: RunOptions) -> Prepared:
    """Read and check the campaign and the rig; nothing is written and nothing is opened.

    Raises:
        LoadError: With every mistake of both files.
        RequestRefused: The options contradict each other.
    """
    if options.resume and options.new:
        raise RequestRefused("resume and new exclude each other: choose one")
    problems: list[CampaignFileError | RigFileError] = []
    campaign = rig = None
    try:
        campaign = load_campaign(options.campaign_file)
    except CampaignFileError as error:
        problems.append(error)
    try:
        rig = load_rig(options.rig_file)
    except RigFileError as error:
        problems.append(error)
    if campaign is None or rig is None:
        raise LoadError(problems)
    return _fit(options, campaign, rig)


def _fit(options: RunOptions, campaign: CampaignSpec, rig: RigSpec) -> Prepared:
    from orchestrator.optimise.searchable import refuse_unsearchable

    file = str(options.campaign_file)
    problems: list[Problem] = []
    stopping = campaign.stopping
    if campaign.recipe is None:
        problems.append(Problem("recipe", "nothing", "the jobs that make and measure a sample"))
    if not (
        stopping.max_experiments or stopping.max_hours or stopping.max_cost_usd or stopping.targets
    ):
        problems.append(
            Problem(
                "stopping",
                "nothing that ends the campaign",
                "max_experiments, max_hours, max_cost_usd or a target",
            )
        )
    if options.is_dry_run and rig.simulation is None:
        raise RigFileError(
            str(options.rig_file),
            [Problem("simulation", "nothing", "a table with the world that a dry-run pretends")],
        )
    if problems:
        raise CampaignFileError(file, problems)
    recipe = CompiledRecipe.of(campaign, rig, drivers_for(rig), file=file)
    refuse_unsearchable(campaign, file)
    return Prepared(options, campaign, rig, recipe)


def run(
    prepared: Prepared,
    *,
    on_progress: Callable[[Progress], None],
    on_start: Callable[[RunHandle], None],
) -> RunEnd:
    """Drive the campaign until it ends or is held.

    Args:
        prepared: From `prepare`.
        on_progress: Told at most four times a second, and at the end.
        on_start: Told once, before anything moves.

    Raises:
        AthanorError: The campaign cannot be opened, resumed or recorded.
    """
    with closing(open_sqlite_log(prepared.options.database)) as log:
        campaign_id = _open(log, prepared)
        factory = VirtualLoop if prepared.options.is_dry_run else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            state = runner.run(_drive(log, campaign_id, prepared, on_progress, on_start))
        return _end(log, state)


def _end(log: SqliteLog, state: CampaignState) -> RunEnd:
    in_doubt = tuple(
        job_id for experiment in state.experiments for job_id in experiment.jobs_in_doubt()
    )
    exit_code = 3 if in_doubt or not state.status.has_ended else 0
    if state.status is CampaignStatus.ABORTED:
        exit_code = 4
    return RunEnd(
        campaign_id=state.campaign_id,
        status=str(state.status),
        reason=state.status_reason,
        in_doubt=in_doubt,
        exit_code=exit_code,
        last_hash=last_hash(log),
    )


def _open(log: SqliteLog, prepared: Prepared) -> str:
    """Return the campaign to drive: the unfinished one, or one opened now."""
    options, campaign = prepared.options, prepared.campaign
    slug = re.sub(r"[^a-z0-9]+", "-", campaign.header.name.lower()).strip("-") or "campaign"
    unfinished: list[CampaignState] = []
    number = 1
    while log.version(campaign_stream(f"{slug}-{number}")):
        stream = campaign_stream(f"{slug}-{number}")
        state = fold((record.event, record.time) for record in log.read(stream=stream))
        if state is not None and not state.status.has_ended:
            unfinished.append(state)
        number += 1
    if options.resume:
        return _resume(log, prepared, unfinished)
    if unfinished and not options.new:
        names = ", ".join(state.campaign_id for state in unfinished)
        raise RequestRefused(
            f"campaign {names} is unfinished in {options.database}: "
            "go on with it (--resume) or open another one (--new)"
        )
    return _open_new(log, prepared, f"{slug}-{number}")


def _resume(log: EventLog, prepared: Prepared, unfinished: list[CampaignState]) -> str:
    options = prepared.options
    if len(unfinished) != 1:
        found = ", ".join(state.campaign_id for state in unfinished) or "none"
        name = prepared.campaign.header.name
        raise RequestRefused(
            f"resume: got unfinished campaigns {found} named {name!r} in {options.database}, "
            "expected exactly one"
        )
    state = unfinished[0]
    _refuse_changed(prepared, state)
    if state.status is CampaignStatus.PAUSED:
        log.append(
            campaign_stream(state.campaign_id),
            [ResumeRequested(reason="resumed with athanor run")],
            time=state.last_time if options.is_dry_run else SystemClock().now(),
            actor=options.actor,
            is_simulated=state.is_simulated,
        )
    return state.campaign_id


def _refuse_changed(prepared: Prepared, state: CampaignState) -> None:
    options = prepared.options
    if prepared.campaign.canonical_text() != state.spec.canonical_text():
        raise RequestRefused(
            f"{options.campaign_file} is not the file that {state.campaign_id} was opened with; "
            "open another campaign (--new)"
        )
    if prepared.rig.fingerprint() != state.rig_sha256:
        raise RequestRefused(
            f"{options.rig_file} is not the rig that {state.campaign_id} was opened with; "
            "open another campaign (--new)"
        )
    if options.is_dry_run != state.is_simulated:
        kind = "a dry-run" if state.is_simulated else "on the real bench"
        raise RequestRefused(f"{state.campaign_id} is {kind}: it can only go on as that")


def _open_new(log: EventLog, prepared: Prepared, campaign_id: str) -> str:
    options, campaign, rig = prepared.options, prepared.campaign, prepared.rig
    stream = campaign_stream(campaign_id)
    opened = CampaignOpened(
        campaign_id=campaign_id,
        name=campaign.header.name,
        campaign_text=campaign.canonical_text(),
        rig_name=rig.header.name,
        rig_sha256=rig.fingerprint(),
        cost_usd_per_hour=rig.header.cost_usd_per_hour,
        seed=options.seed,
        is_simulated=options.is_dry_run,
        athanor_version=version("athanor"),
    )
    log.append(
        stream,
        [opened],
        time=DRY_RUN_START if options.is_dry_run else SystemClock().now(),
        actor=options.actor,
        is_simulated=options.is_dry_run,
        expected={stream: 0},
    )
    return campaign_id


async def _drive(
    log: SqliteLog,
    campaign_id: str,
    prepared: Prepared,
    on_progress: Callable[[Progress], None],
    on_start: Callable[[RunHandle], None],
) -> CampaignState:
    from orchestrator.engine.journal import Journal
    from orchestrator.engine.loop import Engine
    from orchestrator.engine.planning import planning_in_process, planning_in_worker
    from orchestrator.execution.local_executor import LocalExecutor

    options, rig = prepared.options, prepared.rig
    clock: Clock = SystemClock()
    if options.is_dry_run:
        clock = VirtualClock(_last_time(log, campaign_id))
        bench = bench_for(rig, clock, options.seed)
        lines = {name: bench.line(name) for name in rig.lines}
    else:
        lines = lines_for(rig, clock)
    is_light = prepared.campaign.planner.name == "sobol"
    onlooker = _Onlooker(log, campaign_id, on_progress)
    engine = Engine(
        journal=Journal(log, campaign_id, clock),
        clock=clock,
        executor=LocalExecutor(rig, lines, clock),
        planning=planning_in_process() if is_light else planning_in_worker(),
        recipe=prepared.recipe,
        rig=rig,
        poll_s=VIRTUAL_POLL_S if options.is_dry_run else REAL_POLL_S,
        on_change=onlooker,
    )
    on_start(RunHandle(campaign_id, engine))
    state = await engine.run()
    onlooker.show_last()
    return state


def _last_time(log: EventLog, campaign_id: str) -> datetime:
    last = DRY_RUN_START
    for record in log.read(stream=campaign_stream(campaign_id)):
        last = max(last, record.time)
    return last


class _Onlooker:
    """Shows the engine's changes to a person, seldom enough, and beats the engine's heart."""

    def __init__(
        self, log: SqliteLog, campaign_id: str, on_progress: Callable[[Progress], None]
    ) -> None:
        self._log = log
        self._campaign_id = campaign_id
        self._on_progress = on_progress
        self._clock = SystemClock()
        self._shown_s = self._beaten_s = float("-inf")
        self._last: Watch | None = None

    def __call__(self, watch: "Watch") -> None:
        self._last = watch
        now_s = self._clock.monotonic_s()
        if now_s - self._beaten_s >= BEAT_EVERY_S:
            self._beaten_s = now_s
            self._log.beat(
                engine_name(self._campaign_id),
                pid=os.getpid(),
                host=platform.node(),
                time=self._clock.now(),
            )
        if now_s - self._shown_s >= PROGRESS_EVERY_S:
            self._shown_s = now_s
            self.show_last()

    def show_last(self) -> None:
        """Show the last change, however recent the one before."""
        watch = self._last
        if watch is None:
            return
        heartbeats = {beat.name: beat for beat in self._log.heartbeats()}
        engine = engine_view(
            epoch=watch.state.epoch,
            is_attached=watch.state.is_attached,
            heartbeat=heartbeats.get(engine_name(self._campaign_id)),
            real_now=self._clock.now(),
        )
        view = campaign_view(
            watch.state, engine=engine, now=watch.now, last_hash=last_hash(self._log)
        )
        self._on_progress(Progress(view, dict(watch.instruments), watch.now))

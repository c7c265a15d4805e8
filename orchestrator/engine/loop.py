"""Read the log, fold it, decide, perform one intent, write down what happened, again.

One engine drives one campaign. It holds no truth of its own: everything that it decides from is
in the log, so it may be killed at any moment.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    CampaignAborted,
    CampaignFinished,
    CampaignPaused,
    CampaignStopped,
    EngineDetached,
    Event,
    ExperimentFailed,
    InstrumentConnected,
    InstrumentLost,
    JobInterrupted,
    JobStarted,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    ConcludeExperiment,
    Finish,
    Intent,
    Pause,
    RunJob,
    StartExperiment,
    Stop,
)
from orchestrator.engine.journal import Journal
from orchestrator.engine.perform import (
    conclusion,
    events_from_outcome,
    events_from_proposal,
    known_observations,
    pending_points,
    proposal_failed,
    proposal_seed,
    refuse_unbindable,
    start_of,
)
from orchestrator.engine.planning import Planning
from orchestrator.engine.recovery import attach
from orchestrator.errors import VersionConflict
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.executor import Executor, Order
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["Engine", "Watch"]

logger = logging.getLogger(__name__)

ORDER_LIFE_S: Final = 30.0
"""An order whose first byte has not gone out by then is refused, in seconds."""
OUTSIDE_POLL_S: Final = 0.2
"""How often a paused engine looks at the log, in real seconds."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What an onlooker is told after every change."""

    state: CampaignState
    now: datetime
    instruments: Mapping[str, str]
    """What each instrument does."""


class Engine:
    """Drives one campaign until it ends, or until it is paused and nobody waits.

    Args:
        journal: The campaign's stream.
        clock: Through which everything waits.
        executor: Has the jobs done; not connected yet.
        planning: Where the planner runs.
        recipe: Binds candidates to jobs.
        rig: Whose stock and positions the analyses read.
        poll_s: How often requests are looked for while jobs run, in the clock's seconds.
        on_change: Told after every change; it must not block.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        executor: Executor,
        planning: Planning,
        recipe: CompiledRecipe,
        rig: RigSpec,
        poll_s: float,
        on_change: Callable[[Watch], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._executor = executor
        self._planning = planning
        self._recipe = recipe
        self._rig = rig
        self._poll_s = poll_s
        self._on_change = on_change
        self._epoch = 0
        self._inbox: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._orders: dict[str, asyncio.Task[None]] = {}
        self._planning_task: asyncio.Task[None] | None = None
        self.leaves_when_paused = False
        """Whether a pause ends `run`; a pause that the engine made itself always does."""

    @property
    def state(self) -> CampaignState:
        """The campaign as this engine last saw it."""
        return self._journal.state

    async def run(self) -> CampaignState:
        """Take the campaign over and drive it.

        Returns:
            What the campaign is when this engine lets go: ended, or paused.

        Raises:
            AthanorError: The log cannot be written, or another engine took over. Every running
                job was interrupted and the bench brought to its safe state.
        """
        self._epoch = attach(self._journal)
        self._planning.warm_up(self._journal.state.spec.canonical_text())
        is_orderly = False
        try:
            self._tell()
            if await self._connect():
                await self._loop_in_group()
            is_orderly = True
        finally:
            await self._let_go(is_orderly=is_orderly)
        return self._journal.state

    async def _loop_in_group(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._loop(tasks)
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from group
            raise

    async def _connect(self) -> bool:
        connections = await self._executor.connect()
        facts: list[Event] = []
        for name, found in connections.items():
            if found.is_connected:
                facts.append(
                    InstrumentConnected(
                        instrument=name, driver=found.driver, identity=found.identity
                    )
                )
            else:
                facts.append(InstrumentLost(instrument=name, reason=found.error))
        self._journal.record_in_lab(facts)
        lost = [f"{name}: {found.error}" for name, found in connections.items() if found.error]
        return not lost or self._go_on_without(f"no connection to {'; '.join(lost)}")

    def _go_on_without(self, reason: str) -> bool:
        """Pause for want of instruments; only an end that was asked for is still carried out."""
        while True:
            self._journal.catch_up()
            if self._journal.state.status not in (CampaignStatus.RUNNING, CampaignStatus.PAUSING):
                return True
            try:
                self._journal.decide([CampaignPaused(reason=reason)])
            except VersionConflict:
                continue
            self._tell()
            return False

    async def _let_go(self, *, is_orderly: bool) -> None:
        if not is_orderly:
            for instrument, error in (await self._executor.make_safe()).items():
                if error:
                    logger.error("%s could not be made safe: %s", instrument, error)
        await self._executor.close()
        self._planning.close()
        if is_orderly:
            reason = str(self._journal.state.status)
            self._journal.record([EngineDetached(epoch=self._epoch, reason=reason)])

    async def _loop(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._journal.catch_up()
            while not self._inbox.empty():
                self._inbox.get_nowait()()
            state = self._journal.state
            self._tell()
            if state.status.has_ended:
                break
            if state.status is CampaignStatus.PAUSED:
                if self.leaves_when_paused or state.is_held:
                    break
                await self._clock.wait_for_outside(OUTSIDE_POLL_S)
                continue
            is_planning = self._planning_task is not None
            decision = decide(state, self._clock.now(), is_planning=is_planning)
            if decision.intents:
                await self._perform_all(decision.intents, tasks)
            else:
                await self._wait(decision.wake_time)
        if self._planning_task is not None:
            self._planning_task.cancel()

    async def _wait(self, wake_time: datetime | None) -> None:
        """Wait for a fact, for the time to look again, or for the next look at the log."""
        delay_s = self._poll_s
        if wake_time is not None:
            delay_s = min(delay_s, (wake_time - self._clock.now()).total_seconds())
        try:
            async with asyncio.timeout(max(delay_s, 0.001)):
                fact = await self._inbox.get()
        except TimeoutError:
            return
        fact()

    async def _perform_all(self, intents: tuple[Intent, ...], tasks: asyncio.TaskGroup) -> None:
        """Perform intents in order; stop at the first that the log has overtaken."""
        try:
            for intent in intents:
                await self._perform(intent, tasks)
        except VersionConflict:
            logger.info("the log moved on; deciding again")

    async def _perform(self, intent: Intent, tasks: asyncio.TaskGroup) -> None:
        journal, state = self._journal, self._journal.state
        match intent:
            case AskPlanner():
                self._planning_task = tasks.create_task(self._ask(state, intent.n))
            case StartExperiment():
                journal.decide(start_of(state, self._recipe))
            case RunJob():
                self._start_job(intent, tasks)
            case ConcludeExperiment():
                journal.decide(self._conclusion(state.open_experiments[intent.experiment_id]))
            case Pause():
                journal.decide([CampaignPaused(reason=intent.reason)])
            case Finish():
                await self._make_safe()
                journal.decide([CampaignFinished(rule=intent.rule, reason=intent.reason)])
            case Stop():
                await self._make_safe()
                ends = self._interruptions(f"stopped: {intent.reason}")
                journal.decide([*ends, CampaignStopped(reason=intent.reason)])
            case Abort():
                await self._interrupt_orders(intent.reason)
                await self._make_safe()
                ends = self._interruptions(f"aborted: {intent.reason}")
                journal.decide([*ends, CampaignAborted(reason=intent.reason)])
            case _:
                assert_never(intent)

    def _conclusion(self, experiment: ExperimentState) -> Sequence[Event]:
        """Return how an experiment ends; an analysis that breaks is a failed measurement."""
        try:
            return conclusion(self._journal.state, experiment, self._rig)
        except Exception as error:
            logger.exception("%s: its analysis broke", experiment.experiment_id)
            return [
                ExperimentFailed(
                    experiment_id=experiment.experiment_id,
                    cause="measurement",
                    reason=f"the analysis broke: {type(error).__name__}: {error}",
                )
            ]

    def _start_job(self, intent: RunJob, tasks: asyncio.TaskGroup) -> None:
        """Write the intent down, durably, and only then hand the order over."""
        job = self._journal.state.open_experiments[intent.experiment_id].jobs[intent.job_name]
        job_id, attempt = job.planned.job_id, job.attempt + 1
        self._journal.decide([JobStarted(job_id=job_id, attempt=attempt, epoch=self._epoch)])
        order = Order.for_job(
            job.planned,
            attempt=attempt,
            epoch=self._epoch,
            not_after=self._clock.monotonic_s() + ORDER_LIFE_S,
        )
        self._orders[job_id] = tasks.create_task(self._run_order(order))

    async def _run_order(self, order: Order) -> None:
        outcome = await self._executor.perform(order)

        def write_down() -> None:
            self._orders.pop(order.job_id, None)
            self._journal.record(events_from_outcome(order.job_id, outcome))

        self._inbox.put_nowait(write_down)

    async def _ask(self, state: CampaignState, n: int) -> None:
        observations = known_observations(state)
        events: list[Event] = []
        try:
            proposal = await self._planning.propose(
                state.spec,
                observations,
                pending_points(state),
                n=n,
                seed=proposal_seed(state),
                clock=self._clock,
            )
            refuse_unbindable(proposal, self._recipe)
            events = events_from_proposal(state, proposal, len(observations))
        except Exception as error:
            events = proposal_failed(state, error)

        def write_down() -> None:
            self._planning_task = None
            self._journal.record(events)

        self._inbox.put_nowait(write_down)

    async def _interrupt_orders(self, reason: str) -> None:
        """Cancel every running order; the executor stops its instrument."""
        running = dict(self._orders)
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        while not self._inbox.empty():
            self._inbox.get_nowait()()
        cut = [JobInterrupted(job_id=job_id, reason=reason) for job_id in self._orders]
        self._orders.clear()
        if cut:
            self._journal.record(cut)

    async def _make_safe(self) -> None:
        failures = {
            name: error for name, error in (await self._executor.make_safe()).items() if error
        }
        if failures:
            self._journal.record_in_lab(
                [
                    InstrumentLost(instrument=name, reason=f"not made safe: {error}")
                    for name, error in failures.items()
                ]
            )

    def _interruptions(self, reason: str) -> list[ExperimentFailed]:
        return [
            ExperimentFailed(experiment_id=experiment_id, cause="interrupted", reason=reason)
            for experiment_id in self._journal.state.open_experiments
        ]

    def _tell(self) -> None:
        self._on_change(Watch(self._journal.state, self._clock.now(), self._executor.snapshot()))

"""Read the log, fold it, decide, perform one intent, write down what happened, again.

One engine drives one campaign. It holds no truth of its own: everything that it decides from is
in the log, so it may be killed at any moment.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    CampaignAborted,
    CampaignFinished,
    CampaignHeld,
    CampaignPaused,
    CampaignStopped,
    EngineDetached,
    Event,
    ExperimentFailed,
    InstrumentLost,
    PlacesLeftUnclean,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    ConcludeExperiment,
    Finish,
    Hold,
    Intent,
    Pause,
    RunJob,
    StartExperiment,
    StartReference,
    Stop,
)
from orchestrator.engine.asking import Asking
from orchestrator.engine.connections import fact_of, in_words
from orchestrator.engine.habits import EngineHabits, Watch
from orchestrator.engine.inbox import Inbox
from orchestrator.engine.journal import EngineSuperseded, Journal
from orchestrator.engine.orders import Orders
from orchestrator.engine.perform import conclusion, start_of, start_of_reference
from orchestrator.engine.planning import Planning
from orchestrator.engine.recovery import attach
from orchestrator.errors import LogCorrupt, LogError, VersionConflict
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.executor import Executor
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.landmarks import reach

__all__ = ["Engine"]

logger = logging.getLogger(__name__)

OUTSIDE_POLL_S: Final = 0.2
"""How often an engine that waits for a person looks at the log, in real seconds."""
LOG_RETRY_S: Final = 5.0
"""How long a log that cannot be written is left alone, in real seconds."""


class Engine:
    """Drives one campaign until it ends, or until nobody waits for it.

    Args:
        journal: The campaign's stream.
        clock: Through which everything waits.
        executor: Has the jobs done; not connected yet.
        planning: Where the planner runs.
        recipe: Binds candidates to jobs.
        rig: Whose stock and positions the analyses read.
        habits: May be changed while it runs.
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
        habits: EngineHabits,
        on_change: Callable[[Watch], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._executor = executor
        self._planning = planning
        self._recipe = recipe
        self._rig = rig
        self.habits = habits
        self._on_change = on_change
        self._epoch = 0
        self._log_error = ""
        self._inbox = Inbox()
        self._orders = Orders(journal, executor, clock, self._inbox)
        self._asking = Asking(journal, planning, recipe, clock, self._inbox)

    @property
    def state(self) -> CampaignState:
        """The campaign as this engine last saw it."""
        return self._journal.state

    def wake(self) -> None:
        """Look at the log at once."""
        self._inbox.wake()

    def note_fact(self, fact: Event) -> None:
        """Write a fact about the laboratory down as soon as possible.

        Args:
            fact: Heard from the executor.
        """
        self._inbox.put(lambda: self._journal.record_in_lab([fact]))

    async def run(self) -> CampaignState:
        """Take the campaign over and drive it.

        Returns:
            What the campaign is when this engine lets go: ended, or waiting for a person.

        Raises:
            AthanorError: The log cannot be written, or another engine took over. Unless another
                one did, every running job was interrupted and the bench brought to its safe state.
        """
        self._epoch = attach(self._journal)
        self._orders.take(self._epoch)
        self._planning.warm_up(self._journal.state.spec.canonical_text())
        is_orderly = is_ours = False
        try:
            self._tell()
            await self._drive()
            is_orderly = is_ours = True
        except EngineSuperseded:
            raise
        except BaseException:
            is_ours = True
            raise
        finally:
            await self._let_go(is_orderly=is_orderly, is_ours=is_ours)
        return self._journal.state

    async def _drive(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                try:
                    if await self._connect(tasks):
                        await self._loop(tasks)
                except EngineSuperseded:
                    await self._executor.close()  # what runs is the other engine's: not cut off
                    raise
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from group
            raise

    async def _connect(self, tasks: asyncio.TaskGroup) -> bool:
        """Have every instrument checked; tell whether there is something to drive after it.

        An end that is asked for meanwhile is not kept waiting.
        """
        work = tasks.create_task(self._executor.connect())
        while not work.done():
            await asyncio.wait([work], timeout=self.habits.poll_s)
            self._journal.catch_up()
            self._tell()
            if self._journal.state.status in (CampaignStatus.STOPPING, CampaignStatus.ABORTING):
                work.cancel()
                await asyncio.wait([work])
                return True
        connections = work.result()
        if self.habits.keeps_lab:
            self._journal.record_in_lab([fact_of(one) for one in connections.values()])
        lost = [one for one in connections.values() if not one.is_connected]
        return not lost or self._go_on_without(in_words(lost, self._rig))

    def _go_on_without(self, reason: str) -> bool:
        """Hold for want of instruments; only an end that was asked for is still carried out.

        Returns:
            Whether there is something to drive.
        """
        while True:
            self._journal.catch_up()
            if self._journal.state.status not in (CampaignStatus.RUNNING, CampaignStatus.PAUSING):
                return True
            try:
                self._journal.decide([CampaignHeld(reason=f"no connection to {reason}")])
            except VersionConflict:
                continue
            self._tell()
            return not self.habits.leaves_when_held

    async def _let_go(self, *, is_orderly: bool, is_ours: bool) -> None:
        if is_ours and not is_orderly:
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
            try:
                goes_on = await self._turn(tasks)
            except LogCorrupt:
                raise
            except LogError as error:
                if not self.habits.waits_for_log:
                    raise
                await self._wait_for_log(error)
                continue
            self._log_error = ""
            if not goes_on:
                break
        self._asking.cancel()

    async def _wait_for_log(self, error: LogError) -> None:
        """Send nothing while the log cannot be written; what was heard meanwhile is kept."""
        if not self._log_error:
            logger.error("the log cannot be written, nothing is sent: %s", error)
        self._log_error = str(error)
        self._tell()
        await self._clock.wait_for_outside(LOG_RETRY_S)

    async def _turn(self, tasks: asyncio.TaskGroup) -> bool:
        """Do one turn of the loop; tell whether there is another."""
        self._journal.catch_up()
        if self._journal.state.status is not CampaignStatus.ABORTING:
            self._inbox.write_all()  # an abort does not wait for the log
        state = self._journal.state
        self._tell()
        if state.status.has_ended:
            return False
        if self.habits.asks_after_crash:
            self._orders.settle_doubts(tasks)
        if state.status.is_waiting and not self._orders.settling:
            if not self.habits.stays(state):
                return False
            await self._clock.wait_for_outside(OUTSIDE_POLL_S)
            return True
        if self.habits.asks_after_crash:
            self._journal.neighbours.catch_up()
        decision = decide(
            state,
            self._journal.lab,
            self._clock.now(),
            is_planning=self._asking.is_open,
            planning_s=self._asking.last_s,
            settling=self._orders.settling,
            taken=self._journal.neighbours.taken(),
        )
        if decision.intents:
            await self._perform_all(decision.intents, tasks)
        elif decision.waits_for_person:
            await self._clock.wait_for_outside(OUTSIDE_POLL_S)
        else:
            await self._wait(decision.wake_time)
        return True

    async def _wait(self, wake_time: datetime | None) -> None:
        """Wait for a fact, for the time to look again, or for the next look at the log."""
        delay_s = self.habits.poll_s
        if wake_time is not None:
            delay_s = min(delay_s, (wake_time - self._clock.now()).total_seconds())
        await self._inbox.wait(max(delay_s, 0.001))

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
                self._asking.ask(intent.n, tasks)
            case StartExperiment():
                events = start_of(state, self._recipe, intent.candidate_id)
                journal.decide(events, reads_lab=True)
            case StartReference():
                journal.decide(start_of_reference(state, self._recipe), reads_lab=True)
            case RunJob():
                self._orders.start(intent, tasks)
            case ConcludeExperiment():
                self._conclude(state.open_experiments[intent.experiment_id])
            case Pause():
                journal.decide([CampaignPaused()])
            case Hold():
                journal.decide([CampaignHeld(reason=intent.reason)])
            case Finish():
                await self._make_safe()
                journal.decide([CampaignFinished(rule=intent.rule, reason=intent.reason)])
            case Stop():
                await self._make_safe()
                ends = self._interruptions(f"stopped: {intent.reason}".removesuffix(": "))
                journal.decide([*ends, CampaignStopped(reason=intent.reason)])
            case Abort():
                await self._orders.cut_off()
                failures = await self._executor.make_safe()
                self._inbox.write_all()
                self._orders.record_cut_off(intent.reason)
                self._say_lost(failures)
                ends = self._interruptions(f"aborted: {intent.reason}".removesuffix(": "))
                journal.decide([*ends, CampaignAborted(reason=intent.reason)])
            case _:
                assert_never(intent)

    def _conclude(self, experiment: ExperimentState) -> None:
        events = self._conclusion(experiment)
        if any(isinstance(event, ExperimentFailed) for event in events):
            self._say_unclean(experiment)
        reach("engine: before the conclusion is written")
        self._journal.decide(events)
        reach("engine: after the conclusion is written")

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

    def _say_unclean(self, experiment: ExperimentState) -> None:
        """Write down what an experiment leaves unclean, before it is written that it failed.

        After a crash between the two it is said again, unless it stands there already.
        """
        campaign_id, experiment_id = self._journal.state.campaign_id, experiment.experiment_id
        unclean = self._journal.lab.unclean
        owner = f"{campaign_id}/{experiment_id}"
        left = [place for place in sorted(experiment.places_held()) if unclean.get(place) != owner]
        if left:
            fact = PlacesLeftUnclean(
                places=tuple(left), campaign_id=campaign_id, experiment_id=experiment_id
            )
            self._journal.record_in_lab([fact])

    async def _make_safe(self) -> None:
        self._say_lost(await self._executor.make_safe())

    def _say_lost(self, failures: Mapping[str, str]) -> None:
        """Write down which instruments could not be made safe; a station does so itself."""
        if not self.habits.keeps_lab:
            return
        lost = [
            InstrumentLost(instrument=name, reason=f"not made safe: {error}")
            for name, error in failures.items()
            if error
        ]
        if lost:
            self._journal.record_in_lab(lost)

    def _interruptions(self, reason: str) -> list[ExperimentFailed]:
        experiments = self._journal.state.open_experiments
        for experiment in experiments.values():
            self._say_unclean(experiment)
        return [
            ExperimentFailed(experiment_id=experiment_id, cause="interrupted", reason=reason)
            for experiment_id in experiments
        ]

    def _tell(self) -> None:
        journal = self._journal
        shown = dict(self._executor.snapshot())
        self._on_change(
            Watch(journal.state, journal.lab, self._clock.now(), shown, self._log_error)
        )

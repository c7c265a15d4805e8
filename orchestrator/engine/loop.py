"""Read the log, fold it, decide, perform one intent, write down what happened, again.

One engine drives one campaign. It holds no truth of its own: everything that it decides from is
in the log, so it may be killed at any moment.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, assert_never

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    CampaignAborted,
    CampaignFinished,
    CampaignStopped,
    EngineDetached,
    Event,
    ExperimentFailed,
    SampleSpoilt,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.foreseen import Start
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    ConcludeExperiment,
    DeclareSpoilt,
    Finish,
    GoOn,
    Hold,
    Intent,
    Pause,
    RunJob,
    StartExperiment,
    StartReference,
    Stop,
)
from orchestrator.engine.aftermath import Aftermath
from orchestrator.engine.asking import Asking
from orchestrator.engine.companions import Companions
from orchestrator.engine.connections import Joining
from orchestrator.engine.durations import Durations
from orchestrator.engine.habits import EngineHabits, Watch
from orchestrator.engine.inbox import Inbox
from orchestrator.engine.journal import EngineSuperseded, Journal
from orchestrator.engine.orders import Orders
from orchestrator.engine.perform import conclusion, start_of, status_of
from orchestrator.engine.planning import Planning
from orchestrator.engine.recovery import attach
from orchestrator.engine.searching import Searching
from orchestrator.engine.stockroom import Stockroom
from orchestrator.engine.waiting import Waiting
from orchestrator.errors import LogCorrupt, LogError, VersionConflict
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.executor import Executor
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.landmarks import reach

__all__ = ["Engine"]

logger = logging.getLogger(__name__)

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
        companions: Engines of this process on the same bench; None is none.
    """

    def __init__(  # noqa: PLR0913 - one argument for each part
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
        companions: Companions | None = None,
    ) -> None:
        self._journal = journal
        self._campaign_id = journal.state.campaign_id
        self._companions = companions or Companions()
        self._companions.join(self._campaign_id, self.wake)
        journal.on_written = lambda: self._companions.tell(self._campaign_id)
        self._clock = clock
        self._executor = executor
        self._planning = planning
        self._recipe = recipe
        self._rig = rig
        self.habits = habits
        self._on_change = on_change
        self._epoch = 0
        self._log_error = ""
        self._plan: Sequence[Start] = ()
        """How the jobs were expected to go; forgotten with the engine, and thought out anew."""
        self._inbox = Inbox()
        self._waiting = Waiting(self._campaign_id, self._companions, clock, self._inbox, habits)
        self._aftermath = Aftermath(journal, executor, habits)
        self._stockroom = Stockroom(journal, recipe, clock)
        self._durations = Durations(recipe)
        self._orders = Orders(journal, executor, clock, self._inbox, self._stockroom)
        self._asking = Asking(journal, planning, recipe, clock, self._inbox)
        self._searching = Searching(clock, self._inbox, habits.search_effort)
        self._joining = Joining(journal, executor, rig, clock, habits, self._tell)

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
        self._stockroom.receive_first()
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
                    if await self._joining.join(tasks):
                        await self._loop(tasks)
                except EngineSuperseded:
                    await self._executor.close()  # what runs is the other engine's: not cut off
                    raise
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from group
            raise

    async def _let_go(self, *, is_orderly: bool, is_ours: bool) -> None:
        if is_ours and not is_orderly:
            for instrument, error in (await self._executor.make_safe()).items():
                if error:
                    logger.error("%s could not be made safe: %s", instrument, error)
        await self._executor.close()
        self._planning.close()
        try:
            if is_orderly:
                reason = str(self._journal.state.status)
                self._journal.record([EngineDetached(epoch=self._epoch, reason=reason)])
        finally:
            self._companions.leave(self._campaign_id)

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
        self._searching.cancel()

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
        is_waiting = state.status.is_waiting and not self._orders.settling
        if is_waiting and not state.lacks:
            return await self._stay(state)
        if self.habits.has_neighbours:
            self._journal.neighbours.catch_up()
        decision = decide(
            state,
            self._journal.lab,
            self._clock.now(),
            is_planning=self._asking.is_open,
            planning_s=self._asking.last_s,
            settling=self._orders.settling,
            others=self._journal.neighbours.others(),
            supply=self._stockroom.supply(),
            plan=self._searching.take() or self._plan,
            lasts_s=self._durations.of(state),
        )
        if decision.forecast is not None:
            self._plan = decision.forecast.starts
        self._searching.offer(decision.shop, tasks)
        if decision.intents:
            await self._perform_all(decision.intents, tasks)
        elif is_waiting:
            return await self._stay(state)
        elif decision.waits_for_person:
            await self._waiting.for_person()
        elif decision.wake_time or self._orders.has_running or self._asking.is_open:
            await self._waiting.for_fact(decision.wake_time)
        elif not await self._waiting.for_others():
            waits = "; ".join(sorted(set(decision.why.values()))) or "nothing can go on"
            hold = Hold(f"waits for campaigns that nobody drives: {waits}")
            await self._perform_all((hold,), tasks)
        return True

    async def _stay(self, state: CampaignState) -> bool:
        """Wait for the outside while a campaign waits; tell whether anybody stays for it."""
        stays = self.habits.stays(state)
        if stays:
            await self._waiting.for_person()
        return stays

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
            case StartExperiment() | StartReference():
                events = start_of(intent, state, self._recipe, self._stockroom)
                if events:  # else somebody took the stock just now: the next decision knows
                    journal.decide(events, reads_lab=True)
            case RunJob():
                self._orders.start(intent, tasks)
            case DeclareSpoilt():
                job_id = f"{intent.experiment_id}/{intent.job_name}"
                spoilt = SampleSpoilt(
                    experiment_id=intent.experiment_id, job_id=job_id, reason=intent.reason
                )
                journal.decide([spoilt])
            case ConcludeExperiment():
                self._conclude(state.open_experiments[intent.experiment_id])
            case Pause() | Hold() | GoOn():
                journal.decide([status_of(intent)])
            case Finish():
                await self._aftermath.make_safe()
                journal.decide([CampaignFinished(rule=intent.rule, reason=intent.reason)])
            case Stop():
                await self._aftermath.make_safe()
                ends = self._aftermath.interruptions(f"stopped: {intent.reason}".removesuffix(": "))
                journal.decide([*ends, CampaignStopped(reason=intent.reason)])
            case Abort():
                await self._orders.cut_off()
                failures = await self._executor.make_safe()
                self._inbox.write_all()
                self._orders.record_cut_off(intent.reason)
                self._aftermath.say_lost(failures)
                ends = self._aftermath.interruptions(f"aborted: {intent.reason}".removesuffix(": "))
                journal.decide([*ends, CampaignAborted(reason=intent.reason)])
            case _:
                assert_never(intent)

    def _conclude(self, experiment: ExperimentState) -> None:
        events = self._conclusion(experiment)
        if any(isinstance(event, ExperimentFailed) for event in events):
            self._aftermath.say_unclean(experiment)
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

    def _tell(self) -> None:
        journal = self._journal
        shown = dict(self._executor.snapshot())
        self._on_change(
            Watch(journal.state, journal.lab, self._clock.now(), shown, self._log_error)
        )

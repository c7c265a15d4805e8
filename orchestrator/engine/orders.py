"""The engine's orders: handed over after their intent is durable, settled, or cut off."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from drivers.clock import Clock
from orchestrator.core.events import (
    JobEvent,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
)
from orchestrator.core.experiment import experiment_id_of
from orchestrator.core.intents import RunJob
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.lab import InstrumentStatus
from orchestrator.core.loads import open_load_of
from orchestrator.core.stock import LotAmounts
from orchestrator.engine.inbox import Inbox
from orchestrator.engine.journal import Journal
from orchestrator.engine.perform import events_from_outcome
from orchestrator.engine.stockroom import Stockroom
from orchestrator.errors import IllegalTransition
from orchestrator.execution.executor import Done, Executor, Order, Outcome, Refused, Unknown
from orchestrator.landmarks import reach

__all__ = ["Orders"]

_NEVER: Final = datetime.min
ORDER_LIFE_S: Final = 30.0
"""An order whose first byte has not gone out by then is refused, in seconds."""


class Orders:
    """What is under way at the executor for one campaign.

    Args:
        journal: The campaign's stream.
        executor: Has the jobs done.
        clock: Orders expire on its monotonic scale.
        inbox: Where outcomes are put.
        stockroom: Says from which lots a job draws.
    """

    def __init__(
        self,
        journal: Journal,
        executor: Executor,
        clock: Clock,
        inbox: Inbox,
        stockroom: Stockroom,
    ) -> None:
        self._journal = journal
        self._stockroom = stockroom
        self._executor = executor
        self._clock = clock
        self._inbox = inbox
        self._epoch = 0
        self._running: dict[str, asyncio.Task[None]] = {}
        self._settling: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[tuple[str, int], datetime | None] = {}
        """Jobs in doubt with their attempts of which the executor was asked, and since when the
        instrument stood as it stood then."""

    @property
    def settling(self) -> frozenset[str]:
        """Ids of the jobs whose instrument is being asked what it did."""
        return frozenset(self._settling)

    @property
    def has_running(self) -> bool:
        """Whether an order is under way, or its outcome is not written down yet."""
        return bool(self._running or self._settling)

    def take(self, epoch: int) -> None:
        """Say which engine gives these orders."""
        self._epoch = epoch

    def start(self, intent: RunJob, tasks: asyncio.TaskGroup) -> None:
        """Write the intent down, durably, and only then hand the order over.

        If there is not enough of a stock any more nothing is done: the next decision knows it.

        Raises:
            VersionConflict: The log has moved on; nothing was written and nothing handed over.
            LogError: The log cannot be written; nothing is handed over.
        """
        led_by = self._job(intent).planned.job_id
        load = [intent, *intent.companions]
        draws = self._stockroom.drawn_by([(one.experiment_id, self._job(one)) for one in load])
        if draws is None:
            return
        started: list[JobEvent] = [
            event
            for one, drawn in zip(load, draws, strict=True)
            for event in self._begun(one, drawn, led_by)
        ]
        reach("engine: before the intent is written")
        self._journal.decide(started, reads_lab=True)
        reach("engine: after the intent is written")
        order = self._order(self._job(intent))
        self._running[led_by] = tasks.create_task(self._run(order))

    def _job(self, intent: RunJob) -> JobState:
        return self._journal.state.open_experiments[intent.experiment_id].jobs[intent.job_name]

    def _begun(self, intent: RunJob, draws: LotAmounts, led_by: str) -> Iterator[JobEvent]:
        """Yield what is skipped for a job, and its start: together or not at all."""
        jobs = self._journal.state.open_experiments[intent.experiment_id].jobs
        for name, reason in intent.skips.items():
            planned = jobs[name].planned
            yield JobSkipped(job_id=planned.job_id, reason=reason, spares=planned.draws)
        yield self._started(intent, draws, led_by)

    def _started(self, intent: RunJob, draws: LotAmounts, led_by: str) -> JobStarted:
        job = self._job(intent)
        return JobStarted(
            job_id=job.planned.job_id,
            attempt=job.attempt + 1,
            epoch=self._epoch,
            instrument=intent.instrument,
            led_by="" if led_by == job.planned.job_id else led_by,
            slots=dict(intent.slots),
            draws={stock: dict(of) for stock, of in draws.items()},
        )

    def settle_doubts(self, tasks: asyncio.TaskGroup) -> None:
        """Ask the executor about every job that nobody watches and nobody has settled."""
        for experiment in self._journal.state.open_experiments.values():
            for job in experiment.jobs.values():
                if self._must_ask(job):
                    order = self._order(job)
                    job_id = job.planned.job_id
                    self._asked[job_id, job.attempt] = self._stands_since(job)
                    self._settling[job_id] = tasks.create_task(self._settle(order))

    def _must_ask(self, job: JobState) -> bool:
        job_id = job.planned.job_id
        if job_id in self._running or job_id in self._settling or job.led_by:
            return False
        if job.status is JobStatus.STARTED:
            return True
        if job.status is not JobStatus.IN_DOUBT:
            return False
        asked = self._asked.get((job_id, job.attempt), _NEVER)
        return asked != self._stands_since(job) and (asked is _NEVER or self._is_connected(job))

    def _stands_since(self, job: JobState) -> datetime | None:
        return self._instrument_stands_since(job.instrument)

    def _instrument_stands_since(self, instrument: str) -> datetime | None:
        """Return when it last began or ceased to answer, or was set free after a latch."""
        lab = self._journal.lab
        known = lab.instruments.get(instrument)
        if known is None:
            return None
        return max(known.since, lab.freed_time or known.since)

    def _is_connected(self, job: JobState) -> bool:
        """Tell whether an instrument has come back: it can say more than before."""
        known = self._journal.lab.instruments.get(job.instrument)
        return known is not None and known.status is InstrumentStatus.CONNECTED

    def _order(self, job: JobState) -> Order:
        """Return the order for a job's present attempt."""
        started_time = job.started_time
        if started_time is None:
            raise IllegalTransition(f"job {job.planned.job_id}", str(job.status), "Order")
        life_s = max(ORDER_LIFE_S, 4.0 * self._clock.shortest_wait_s)
        return Order.for_job(
            self._journal.state.campaign_id,
            job.planned.model_copy(update={"instrument": job.instrument}),
            attempt=job.attempt,
            started_time=started_time,
            epoch=self._epoch,
            not_after=self._clock.monotonic_s() + life_s,
        )

    async def _run(self, order: Order) -> None:
        reach("engine: before the order is handed over")
        outcome = await self._executor.perform(order)
        reach("engine: after the order was answered")
        if isinstance(outcome, Unknown):
            since = self._instrument_stands_since(order.instrument)
            self._asked[order.job_id, order.attempt] = since

        def write_down() -> None:
            reach("engine: before the outcome is written")
            news = self._news(order, outcome)
            if news:
                self._journal.record(news)
            self._running.pop(order.job_id, None)
            reach("engine: after the outcome is written")

        self._inbox.put(write_down)

    async def _settle(self, order: Order) -> None:
        outcome = await self._executor.settle(order)

        def write_down() -> None:
            reach("engine: before a doubt is settled")
            news = self._news(order, outcome)
            if news:
                self._journal.record(news)
            self._settling.pop(order.job_id, None)
            reach("engine: after a doubt was settled")

        self._inbox.put(write_down)

    def _news(self, order: Order, outcome: Outcome) -> list[JobEvent]:
        """Return what an outcome adds to the log; nothing if it is known.

        A person may have answered the doubt, or an append that failed may be there after all. One
        who said that it did not run is contradicted by a device that says that it acted.
        """
        self._journal.catch_up()
        experiment_id, name = experiment_id_of(order.job_id), order.job_id.partition("/")[2]
        experiment = self._journal.state.open_experiments.get(experiment_id)
        if experiment is None or experiment.jobs[name].attempt != order.attempt:
            return []
        job = experiment.jobs[name]
        if job.status is JobStatus.FAILED and job.error == "DidNotRun" and _has_acted(outcome):
            evidence = f"a person said: {job.answer}; but the device says: {outcome}"
            return [JobOutcomeUnknown(job_id=order.job_id, evidence=evidence)]
        load = [one for one in open_load_of(self._journal.state, job) if _is_news(outcome, one)]
        return [event for one in load for event in events_from_outcome(one.planned.job_id, outcome)]

    async def cut_off(self) -> None:
        """Cut every running order off, whatever the log does; the executor stops its instrument."""
        running = {**self._running, **self._settling}
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        self._settling.clear()

    def record_cut_off(self, reason: str) -> None:
        """Write down the jobs that were cut off and gave no outcome.

        Args:
            reason: Why, for the log.

        Raises:
            LogError: The log cannot be written; they are still to be written down.
        """
        cut = [
            JobInterrupted(job_id=one.planned.job_id, reason=reason)
            for experiment in self._journal.state.open_experiments.values()
            for job in experiment.jobs.values()
            if job.planned.job_id in self._running
            for one in open_load_of(self._journal.state, job)
        ]
        if cut:
            self._journal.record(cut)
        self._running.clear()


def _is_news(outcome: Outcome, job: JobState) -> bool:
    """Tell whether an outcome says something of a job that is not known."""
    is_same = isinstance(outcome, Unknown) and outcome.evidence == job.evidence
    return job.status is JobStatus.STARTED or not is_same


def _has_acted(outcome: Outcome) -> bool:
    """Tell whether an outcome says that matter was touched."""
    return isinstance(outcome, Done) or (isinstance(outcome, Refused) and outcome.has_acted)

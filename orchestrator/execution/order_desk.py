"""The life of an order at a station, from the refusals before it to the outcome that is kept.

The order of things is fixed: what is forbidden is refused; the order is kept; the driver works, and
what may touch matter is noted before it does; the outcome is kept; then it is answered. A station
that dies in between finds in its journal what it must ask the devices.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from pydantic import ValidationError

from drivers.clock import Clock, deadline
from drivers.errors import DriverError
from orchestrator.errors import LogError
from orchestrator.execution.calming import stopped
from orchestrator.execution.connecting import Connector
from orchestrator.execution.executor import Done, Order, Outcome, Refused, Unknown
from orchestrator.execution.interlocks import Interlocks
from orchestrator.execution.job_boundary import Trouble, carried_out, within_tree
from orchestrator.execution.kept_orders import JournalTicket, KeptOrders
from orchestrator.execution.refusals import fault_in, in_words, journal_failed, refused
from orchestrator.execution.running_order import RunningOrder
from orchestrator.execution.seats import Seat
from orchestrator.execution.settling import needs_device, settled_by_device
from orchestrator.execution.stops import Stops
from orchestrator.log.station_journal import OrderStage

__all__ = ["OrderDesk"]

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 60.0
"""How long a lost device is waited for that must be asked what it did, at least."""
SHORT_PATIENCE_S: Final = 5.0
"""The same for an order that was called off: whoever did that is waiting."""


class OrderDesk:
    """Takes orders, each at most once for ever.

    Args:
        seats: By instrument.
        clock: Orders expire on its monotonic scale.
        kept: What is known of earlier orders.
        stops: What forbids sending.
        connector: Finds lost instruments again.
        interlocks: Must hold before and during a job.
    """

    def __init__(
        self,
        seats: Mapping[str, Seat],
        clock: Clock,
        kept: KeptOrders,
        stops: Stops,
        connector: Connector,
        interlocks: Interlocks,
    ) -> None:
        self._seats = seats
        self._clock = clock
        self._kept = kept
        self._stops = stops
        self._connector = connector
        self._interlocks = interlocks
        self._running: dict[str, RunningOrder] = {}

    @property
    def running(self) -> tuple[RunningOrder, ...]:
        """Orders that are carried out or asked about."""
        return tuple(self._running.values())

    async def perform(self, order: Order) -> Outcome:
        """Have one order carried out; see `Executor.perform`."""
        running = self._running.get(order.key)
        if running is not None:
            return await running.outcome()
        seat = self._seats.get(order.instrument)
        if seat is None:
            return refused("UnknownInstrument", f"the rig has no {order.instrument}")
        unkept = self._kept.in_memory(order.key)
        if unkept is not None:
            return unkept
        try:
            self._require_journal()
            if self._kept.entry(order.key) is not None:
                return await self.settle(order)
            refusal = self._refusal(order, seat)
            if refusal is not None:
                self._kept.refuse_for_ever(order.key, refusal)
                return refusal
        except LogError as error:
            return journal_failed(error)
        job = RunningOrder(order, seat, JournalTicket(order.key, self._kept.journal))
        seat.begin(order.action, order.campaign_id, self._clock.monotonic_s())
        return await self._begun(job, self._life_of(job)).outcome()

    async def settle(self, order: Order) -> Outcome:
        """Say what became of an order that was handed over earlier; see `Executor.settle`."""
        running = self._running.get(order.key)
        if running is not None:
            return await running.outcome()
        unkept = self._kept.in_memory(order.key)
        if unkept is not None:
            return unkept
        try:
            self._require_journal()
            self._keep_epoch(order)
            entry = self._kept.entry(order.key)
            if entry is None:
                never = refused("NotAccepted", "the order never arrived, and never will")
                self._kept.refuse_for_ever(order.key, never)
                return never
            known = self._kept.outcome(order.key)
        except LogError as error:
            return Unknown(evidence=f"the station's journal cannot be used: {error}")
        if known is not None:
            return known
        if entry.stage is OrderStage.ACCEPTED:
            nothing = refused("NothingDone", "the station was cut off before anything acted")
            self._kept.end(order.key, nothing)
            return nothing
        seat = self._seats.get(order.instrument)
        if seat is None:
            return Unknown(evidence=f"the rig has no {order.instrument} any more")
        ticket = JournalTicket(order.key, self._kept.journal)
        question = RunningOrder(order, seat, ticket, is_question=True)
        cut = Trouble("OutcomeUnknown", "the station was cut off while it acted")
        return await self._begun(question, self._asked(question, entry.notes, cut)).outcome()

    async def close(self) -> None:
        """Cut everything off and wait for its end."""
        for job in self.running:
            job.cut_off("NothingDone", "the station is closing")
        while tasks := {job.task for job in self.running if job.task is not None}:
            await asyncio.wait(tasks)

    def _begun(self, job: RunningOrder, life: Coroutine[Any, Any, Outcome]) -> RunningOrder:
        self._running[job.order.key] = job
        job.task = asyncio.create_task(life)
        job.task.add_done_callback(lambda _: self._running.pop(job.order.key))
        return job

    def _require_journal(self) -> None:
        self._kept.require_writable()
        self._stops.require_kept()

    def _keep_epoch(self, order: Order) -> int:
        """Return the highest epoch that was seen of the order's campaign before it."""
        epoch = self._kept.journal.epoch(order.campaign_id)
        if order.epoch > epoch:
            self._kept.journal.keep_epoch(order.campaign_id, order.epoch)
        return epoch

    def _refusal(self, order: Order, seat: Seat) -> Refused | None:
        stop = self._stops.refusal(order)
        epoch = self._keep_epoch(order)
        if order.epoch < epoch:
            message = f"epoch {order.epoch} of {order.campaign_id} is over, {epoch} goes on"
            return refused("OldEpoch", message)
        if stop is not None:
            return stop
        if seat.why_out:
            return refused("InstrumentOut", f"{seat.name} is out of service: {seat.why_out}")
        late = self._lateness(order)
        if late is not None:
            return late
        if not seat.connected.is_set():
            return refused("NotConnected", f"{seat.name} is not connected: {seat.why_lost}")
        if seat.job:
            return refused("InstrumentBusy", f"{seat.name} is busy with {seat.job}")
        return None

    def _lateness(self, order: Order) -> Refused | None:
        late_s = self._clock.monotonic_s() - order.not_after
        if late_s > 0:
            return refused("OrderExpired", f"the order expired {late_s:.1f} s ago")
        return None

    async def _life_of(self, job: RunningOrder) -> Outcome:
        """Carry an order out and keep what became of it."""
        seat, job.has_begun = job.seat, True
        try:
            found = await self._tried(job)
            if isinstance(found, Trouble) and job.ticket.is_acting:
                return await self._asked(job, job.ticket.notes, found)
            outcome = found.without_asking() if isinstance(found, Trouble) else found
            return self._ended(job, outcome)
        finally:
            seat.end()

    async def _tried(self, job: RunningOrder) -> Outcome | Trouble:
        seat, order = job.seat, job.order
        if job.error:
            return Trouble(job.error, job.reason)
        try:
            async with seat.turn:
                refusal = await self._older_doubt(job) or self._lateness(order)
                if refusal is not None:
                    return refusal
                self._kept.accept(order)
                refusal = await self._interlocks.refusal(seat)
                if refusal is not None:
                    return refusal
                seat.line.arm(order.not_after)
                try:
                    async with self._interlocks.polled(seat):
                        return await carried_out(job)
                finally:
                    seat.line.disarm()
        except LogError as error:
            return journal_failed(error)
        except asyncio.CancelledError:
            if job.ticket.is_acting:
                await stopped(seat)
            return Trouble(job.error or "NothingDone", job.reason or "the station is closing")

    async def _older_doubt(self, job: RunningOrder) -> Refused | Unknown | None:
        """Ask the device about what was cut off before, so that nothing wipes its memory of it.

        Somebody said of an earlier attempt at this job that it did not run. If the device knows
        better, nothing is sent: a person decides again, with that before their eyes.
        """
        seat = job.seat
        for entry in self._kept.cut_off(seat.name):
            try:
                order = Order.model_validate_json(entry.order_json)
            except ValidationError:
                return refused("DoubtOpen", f"{entry.key} was kept by another version of Athanor")
            try:
                async with deadline(self._clock, max(PATIENCE_S, order.deadline_s), n_replies=4):
                    question = settled_by_device(seat, order, entry.notes)
                    outcome = await within_tree(question, f"{order.action} of {seat.name}")
            except (DriverError, TimeoutError) as error:
                text = f"what became of {entry.key} is not known: {in_words(error)}"
                return refused("DoubtOpen", text)
            self._kept.end(entry.key, outcome)
            if order.is_same_job(job.order) and not isinstance(outcome, Unknown):
                evidence = _what_it_did(seat, entry.key, outcome)
                if evidence:
                    return Unknown(evidence=evidence)
        return None

    async def _asked(self, job: RunningOrder, notes: tuple[str, ...], cut: Trouble) -> Outcome:
        """Ask the device what it did; what it could not be asked is not kept and stays open."""
        seat, order = job.seat, job.order
        if not job.has_begun and job.error:
            return Unknown(evidence=f"{cut.text}; the question was cut off")
        job.has_begun = job.is_asking = True
        try:
            if needs_device(seat, order.action):
                async with deadline(self._clock, self._patience_s(job), n_replies=10):
                    await self._connector.connect(seat)
                    await seat.connected.wait()
            async with deadline(self._clock, self._answer_s(job), n_replies=4), seat.turn:
                question = settled_by_device(seat, order, notes, cut.text)
                outcome = await within_tree(question, f"{order.action} of {seat.name}")
        except (DriverError, TimeoutError) as error:
            seat.fault = seat.fault or f"{cut.error}: {cut.text}"
            evidence = f"{cut.text}; {seat.name} could not be asked: {in_words(error)}"
            return Unknown(evidence=evidence)
        except asyncio.CancelledError:
            return Unknown(evidence=f"{cut.text}; the question was cut off")
        return self._ended(job, outcome)

    def _patience_s(self, job: RunningOrder) -> float:
        """Return how long a lost device is waited for, in seconds."""
        if job.is_question:
            return PATIENCE_S
        if job.error not in {"", "LineError"}:
            return SHORT_PATIENCE_S
        left_s = job.seat.since_s + job.order.deadline_s - self._clock.monotonic_s()
        return max(left_s, PATIENCE_S)

    @staticmethod
    def _answer_s(job: RunningOrder) -> float:
        """Return how long the answer may take: a person's task may have to be waited for."""
        if not job.is_question and job.error not in {"", "LineError"}:
            return SHORT_PATIENCE_S
        return max(PATIENCE_S, job.order.deadline_s)

    def _ended(self, job: RunningOrder, outcome: Outcome) -> Outcome:
        self._kept.end(job.order.key, outcome)
        if job.error in {"", "LineError"} and not job.is_question:
            job.seat.fault = job.seat.fault or fault_in(outcome)
        return outcome


def _what_it_did(seat: Seat, key: str, outcome: Done | Refused) -> str:
    """Say what a device did under an attempt that was said not to have run; empty if nothing."""
    if isinstance(outcome, Refused):
        did = outcome.message if outcome.has_acted else ""
    else:
        did = "it ran" + "".join(f", {one.name} = {one.value}" for one in outcome.readings)
    return f"{seat.name} says of {key}: {did}; nothing more was sent" if did else ""

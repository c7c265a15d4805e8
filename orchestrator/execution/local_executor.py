"""The core of a station: it carries orders out in this process, each at most once for ever.

The order of things is fixed: what is forbidden is refused; the order is kept; the driver works, and
what may touch matter is noted before it does; the outcome is kept; then it is answered. A station
that dies in between finds in its journal what it must ask the devices.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from drivers.clock import Clock
from drivers.errors import DriverError, OutcomeUnknown
from drivers.line import Line
from orchestrator.core.lab_events import LabEvent
from orchestrator.errors import LogError
from orchestrator.execution.calming import STOP_TIMEOUT_S, made_safe, stopped
from orchestrator.execution.connecting import Connector
from orchestrator.execution.executor import Connection, Order, Outcome, Refused, Unknown
from orchestrator.execution.job_boundary import Trouble, carried_out
from orchestrator.execution.kept_orders import JournalTicket, KeptOrders
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.execution.running_order import RunningOrder
from orchestrator.execution.seats import Seat, wires_for
from orchestrator.execution.settling import needs_device, settled_by_device
from orchestrator.execution.stops import Stops
from orchestrator.log.station_journal import MemoryStationJournal, OrderStage, StationJournal

__all__ = ["LocalExecutor"]

PATIENCE_S: Final = 60.0
"""How long a device is waited for that must be asked what it did."""
SHORT_PATIENCE_S: Final = 5.0
"""The same for an order that was called off: whoever did that is waiting."""


class LocalExecutor:
    """Opens a rig's lines and drivers in this process.

    Args:
        rig: Checked.
        lines: By name; real ones or a bench's.
        clock: Through which everything waits; orders expire on its monotonic scale.
        journal: What survives this process; None keeps it in memory.
        on_fact: Told what happens to the laboratory, once each.

    Raises:
        RigError: A driver is not installed or refuses its settings.
    """

    def __init__(
        self,
        rig: RigSpec,
        lines: Mapping[str, Line],
        clock: Clock,
        journal: StationJournal | None = None,
        *,
        on_fact: Callable[[LabEvent], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._kept = KeptOrders(journal if journal is not None else MemoryStationJournal())
        self._stops = Stops(self._kept.journal)
        self._running: dict[str, RunningOrder] = {}
        wires = wires_for(rig, lines, clock, self._line_is_down)
        self._seats = {seat.name: seat for wire in wires.values() for seat in wire.seats}
        self._connector = Connector(wires, clock, on_fact, self._cut_off_by_line)

    async def connect(self) -> Mapping[str, Connection]:
        """Open the lines and check every instrument that is not connected yet; move nothing."""
        found = await self._connector.connect_all()
        return {name: found[name] for name in self._seats}

    async def perform(self, order: Order) -> Outcome:
        """Have one order carried out, at most once for ever; see `Executor.perform`."""
        running = self._running.get(order.key)
        if running is not None:
            return await running.outcome()
        seat = self._seats.get(order.instrument)
        if seat is None:
            return _refused("UnknownInstrument", f"the rig has no {order.instrument}")
        try:
            self._require_journal()
            if self._kept.entry(order.key) is not None:
                return await self.settle(order)
            refusal = self._refusal(order, seat)
            if refusal is not None:
                self._kept.refuse_for_ever(order.key, refusal)
                return refusal
        except LogError as error:
            return _journal_failed(error)
        job = RunningOrder(order, seat, JournalTicket(order.key, self._kept.journal))
        return await self._begun(job, self._life_of(job)).outcome()

    def _begun(self, job: RunningOrder, life: Coroutine[Any, Any, Outcome]) -> RunningOrder:
        self._running[job.order.key] = job
        job.task = asyncio.create_task(life)
        job.task.add_done_callback(lambda _: self._running.pop(job.order.key))
        return job

    def _require_journal(self) -> None:
        self._kept.require_writable()
        self._stops.require_kept()

    def _refusal(self, order: Order, seat: Seat) -> Refused | None:
        epoch = self._kept.journal.epoch(order.campaign_id)
        if order.epoch < epoch:
            message = f"epoch {order.epoch} of {order.campaign_id} is over, {epoch} goes on"
            return _refused("OldEpoch", message)
        if order.epoch > epoch:
            self._kept.journal.keep_epoch(order.campaign_id, order.epoch)
        stop = self._stops.refusal(order)
        if stop is not None:
            return stop
        if seat.why_out:
            return _refused("InstrumentOut", f"{seat.name} is out of service: {seat.why_out}")
        late = self._lateness(order)
        if late is not None:
            return late
        if not seat.connected.is_set():
            return _refused("NotConnected", f"{seat.name} is not connected: {seat.why_lost}")
        if seat.job:
            return _refused("InstrumentBusy", f"{seat.name} is busy with {seat.job}")
        return None

    def _lateness(self, order: Order) -> Refused | None:
        late_s = self._clock.monotonic_s() - order.not_after
        if late_s > 0:
            return _refused("OrderExpired", f"the order expired {late_s:.1f} s ago")
        return None

    async def _life_of(self, job: RunningOrder) -> Outcome:
        """Carry an order out and keep what became of it."""
        seat, order = job.seat, job.order
        seat.begin(order.action, order.campaign_id, self._clock.monotonic_s())
        try:
            found = await self._tried(job)
            if not isinstance(found, Trouble):
                outcome: Outcome = found
            elif not job.ticket.is_acting:
                outcome = found.without_asking()
            else:
                return await self._asked(job, job.ticket.notes, found)
            return self._ended(job, outcome)
        finally:
            seat.end()

    async def _tried(self, job: RunningOrder) -> Outcome | Trouble:
        seat, order = job.seat, job.order
        try:
            async with seat.turn:
                refusal = await self._older_doubt(seat) or self._lateness(order)
                if refusal is not None:
                    return refusal
                self._kept.accept(order)
                seat.line.arm(order.not_after)
                try:
                    return await carried_out(job)
                finally:
                    seat.line.disarm()
        except LogError as error:
            return _journal_failed(error)
        except asyncio.CancelledError:
            if job.ticket.is_acting:
                await stopped(seat)
            return Trouble(job.error or "NothingDone", job.reason or "the station is closing")

    async def _older_doubt(self, seat: Seat) -> Refused | None:
        """Ask the device about what was cut off before, so that nothing wipes its memory of it."""
        for entry in self._kept.cut_off(seat.name):
            order = Order.model_validate_json(entry.order_json)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    outcome = await settled_by_device(seat, order, entry.notes)
            except (DriverError, TimeoutError) as error:
                text = f"what became of {entry.key} is not known: {_in_words(error)}"
                return _refused("DoubtOpen", text)
            self._kept.end(entry.key, outcome)
        return None

    async def _asked(self, job: RunningOrder, notes: tuple[str, ...], found: Trouble) -> Outcome:
        """Ask the device what it did; what it could not be asked is not kept and stays open."""
        seat, order = job.seat, job.order
        job.is_asking = True
        try:
            async with asyncio.timeout(self._patience_s(job)):
                if needs_device(seat, order.action):
                    await self._connector.connect(seat)
                    await seat.connected.wait()
                async with seat.turn:
                    outcome = await settled_by_device(seat, order, notes, found.text)
        except (DriverError, TimeoutError) as error:
            seat.fault = f"{found.error}: {found.text}"
            evidence = f"{found.text}; {seat.name} could not be asked: {_in_words(error)}"
            return Unknown(evidence=evidence)
        except asyncio.CancelledError:
            return Unknown(evidence=f"{found.text}; it was called off before it could be asked")
        return self._ended(job, outcome)

    def _patience_s(self, job: RunningOrder) -> float:
        if job.is_question or job.error == "LineError":
            left_s = job.seat.since_s + job.order.deadline_s - self._clock.monotonic_s()
            return PATIENCE_S if job.is_question else max(left_s, PATIENCE_S)
        return SHORT_PATIENCE_S if job.error else PATIENCE_S

    def _ended(self, job: RunningOrder, outcome: Outcome) -> Outcome:
        self._kept.end(job.order.key, outcome)
        if job.error in {"", "LineError"}:
            job.seat.fault = job.seat.fault or _fault_in(outcome)
        return outcome

    async def settle(self, order: Order) -> Outcome:
        """Say what became of an order that was handed over earlier; see `Executor.settle`."""
        running = self._running.get(order.key)
        if running is not None:
            return await running.outcome()
        try:
            self._require_journal()
            entry = self._kept.entry(order.key)
            if order.epoch > self._kept.journal.epoch(order.campaign_id):
                self._kept.journal.keep_epoch(order.campaign_id, order.epoch)
            if entry is None:
                never = _refused("NotAccepted", "the order never arrived, and never will")
                self._kept.refuse_for_ever(order.key, never)
                return never
            known = self._kept.outcome(order.key)
        except LogError as error:
            return Unknown(evidence=f"the station's journal cannot be used: {error}")
        if known is not None:
            return known
        if entry.stage is OrderStage.ACCEPTED:
            nothing = _refused("NothingDone", "the station was cut off before anything acted")
            self._kept.end(order.key, nothing)
            return nothing
        seat = self._seats.get(order.instrument)
        if seat is None:
            return Unknown(evidence=f"the rig has no {order.instrument} any more")
        job = RunningOrder(
            order, seat, JournalTicket(order.key, self._kept.journal), is_question=True
        )
        cut = Trouble("OutcomeUnknown", "the station was cut off while it acted")
        return await self._begun(job, self._asked(job, entry.notes, cut)).outcome()

    async def stop(self, instrument: str) -> None:
        """Stop one instrument now; see `Executor.stop`."""
        seat = self._seats[instrument]
        seat.line.disarm()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await seat.instrument.stop()
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer to a stop within {STOP_TIMEOUT_S:g} s") from error

    async def make_safe(self) -> Mapping[str, str]:
        """Bring every instrument to its safe state; see `Executor.make_safe`."""
        return await self._made_safe(tuple(self._seats.values()))

    async def _made_safe(self, seats: tuple[Seat, ...]) -> Mapping[str, str]:
        async with asyncio.TaskGroup() as group:
            works = {seat.name: group.create_task(made_safe(seat)) for seat in seats}
        return {name: work.result() for name, work in works.items()}

    async def close(self) -> None:
        """Let go of the lines; closing twice does nothing."""
        for job in list(self._running.values()):
            job.cut_off("NothingDone", "the station is closing")
        while self._running:
            await asyncio.wait({job.task for job in self._running.values() if job.task is not None})
        await self._connector.close()
        self._kept.journal.close()

    def snapshot(self) -> Mapping[str, str]:
        """Return what each instrument does; see `Executor.snapshot`."""
        now_s = self._clock.monotonic_s()
        return {name: seat.in_words(now_s) for name, seat in self._seats.items()}

    def _line_is_down(self, instrument: str, reason: str) -> None:
        self._connector.lose(instrument, reason)

    def _cut_off_by_line(self, seat: Seat, reason: str) -> None:
        for job in list(self._running.values()):
            if job.seat is seat and not job.is_question:
                job.cut_off("LineError", f"the line went down in the middle: {reason}")


def _refused(error: str, message: str) -> Refused:
    return Refused(error=error, message=message, has_acted=False)


def _journal_failed(error: LogError) -> Refused:
    return _refused("JournalError", f"the station's journal cannot be used: {error}")


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, DriverError) else "no answer in time"


def _fault_in(outcome: Outcome) -> str:
    match outcome:
        case Refused(error=error) if error not in ("LimitError", "OrderExpired"):
            return f"{error}: {outcome.message}"
        case Unknown():
            return outcome.evidence.strip().rpartition("\n")[2]
        case _:
            return ""

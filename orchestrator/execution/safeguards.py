"""What a person or a guard may ask of a rig: stop, safe state, latch, out of service."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Literal

from drivers.clock import Clock, deadline
from drivers.errors import OutcomeUnknown
from orchestrator.core.lab_events import LabEvent, LatchCleared, LatchSet
from orchestrator.errors import LogError
from orchestrator.execution.calming import STOP_TIMEOUT_S, made_safe
from orchestrator.execution.interlocks import Interlock, Interlocks
from orchestrator.execution.order_desk import OrderDesk
from orchestrator.execution.seats import Seat
from orchestrator.execution.stops import Stops

__all__ = ["Safeguards"]


class Safeguards:
    """The ways to bring a rig to rest.

    Args:
        seats: By instrument.
        desk: Whose orders are cut off.
        stops: What forbids sending.
        interlocks: Of the rig.
        clock: Through which stops wait.
        on_fact: Told when the latch is set or cleared.
        on_unsafe: Told which instrument could not be made safe, and why.
    """

    def __init__(
        self,
        seats: Mapping[str, Seat],
        desk: OrderDesk,
        stops: Stops,
        interlocks: Interlocks,
        clock: Clock,
        *,
        on_fact: Callable[[LabEvent], None],
        on_unsafe: Callable[[str, str], None],
    ) -> None:
        self._on_unsafe = on_unsafe
        self._seats = seats
        self._desk = desk
        self._stops = stops
        self._interlocks = interlocks
        self._clock = clock
        self._on_fact = on_fact
        self._works: set[asyncio.Task[Mapping[str, str]]] = set()

    async def stop(self, instrument: str) -> None:
        """Stop one instrument now; see `Executor.stop`."""
        seat = self._seats[instrument]
        seat.line.disarm()
        try:
            async with deadline(self._clock, STOP_TIMEOUT_S, n_replies=4):
                await seat.instrument.stop()
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer to a stop within {STOP_TIMEOUT_S:g} s") from error

    async def make_safe(self) -> Mapping[str, str]:
        """Cut every job off and bring every instrument to its safe state; see `Executor`."""
        return await self._made_safe(self._seats.values(), "NothingDone", "it was made safe")

    async def _made_safe(self, seats: Iterable[Seat], error: str, reason: str) -> Mapping[str, str]:
        """Cut off what the instruments do, and make them safe without waiting for its end."""
        chosen = tuple(seats)
        for job in self._desk.running:
            if job.seat in chosen and not job.is_question:
                job.cut_off(error, reason)
        by_line: dict[str, list[Seat]] = {}
        for seat in chosen:
            by_line.setdefault(seat.spec.line, []).append(seat)
        async with asyncio.TaskGroup() as group:
            works = [group.create_task(_line_made_safe(on_line)) for on_line in by_line.values()]
        errors = {name: error for work in works for name, error in work.result().items()}
        for name, unsafe in errors.items():
            if unsafe:
                self._on_unsafe(name, f"not made safe: {unsafe}")
        return {seat.name: errors[seat.name] for seat in chosen}

    async def stop_campaign(
        self, campaign_id: str, how: Literal["hold", "stop", "abort"]
    ) -> Mapping[str, str]:
        """Refuse a campaign's orders from now on, until it is released or begins a later epoch.

        ``hold`` lets running jobs end. ``stop`` does too, and makes the campaign's instruments safe
        then. ``abort`` cuts them off and makes the instruments safe at once.

        Args:
            campaign_id: Whose orders.
            how: See above.

        Returns:
            For every instrument made safe why it could not be reached; empty text when it is safe.
        """
        self._stops.stop(campaign_id, how)
        if how == "hold":
            return {}
        if how == "stop":
            jobs = [j.task for j in self._desk.running if j.order.campaign_id == campaign_id]
            if tasks := {task for task in jobs if task is not None}:
                await asyncio.wait(tasks)
        seats = [s for s in self._seats.values() if s.campaign_id in {"", campaign_id}]
        return await self._made_safe(seats, "Stopping", f"{how} of {campaign_id} was asked for")

    def release_campaign(self, campaign_id: str) -> None:
        """Take a campaign's orders again."""
        self._stops.release(campaign_id)

    def latch(self) -> str:
        """Return why the stop latch is set; empty when it is not.

        Raises:
            LogError: The journal cannot be read.
        """
        return self._stops.latch()

    async def set_latch(self, reason: str, *, source: str = "operator") -> Mapping[str, str]:
        """Set the stop latch: cut everything off, make everything safe, refuse all orders.

        Args:
            reason: Why, not empty.
            source: ``operator``, or the interlock that set it.

        Returns:
            For every instrument why it could not be reached; empty text when it is safe.
        """
        self._stops.set_latch(reason)
        self._on_fact(LatchSet(source=source, reason=reason))
        return await self._made_safe(self._seats.values(), "Latched", f"stop latch: {reason}")

    def keep_latched(self, reason: str) -> None:
        """Refuse all orders for a stop latch that stands in the log already; say nothing of it.

        An instrument that connects after that is made safe.

        Args:
            reason: Why it was set, not empty.
        """
        self._stops.set_latch(reason)

    def clear_latch(self, reason: str) -> None:
        """Clear the stop latch.

        Args:
            reason: Why that is safe, not empty.

        Raises:
            LogError: The journal could not keep that; the latch stays set.
        """
        self._stops.clear_latch()
        self._on_fact(LatchCleared(reason=reason))

    def take_out(self, instrument: str, reason: str) -> None:
        """Refuse orders for an instrument; what it does may end.

        Args:
            instrument: Its name in the rig.
            reason: Not empty.

        Raises:
            KeyError: The rig has no such instrument.
        """
        self._seats[instrument].why_out = reason

    def put_back(self, instrument: str) -> None:
        """Take orders for an instrument again; one that is lost may be another when it answers.

        Raises:
            KeyError: The rig has no such instrument.
        """
        seat = self._seats[instrument]
        seat.why_out = ""
        if not seat.connected.is_set():
            seat.known_as = ""

    def out(self) -> dict[str, str]:
        """Return the instruments that were taken out, with the reason."""
        return {name: seat.why_out for name, seat in self._seats.items() if seat.why_out}

    def tripped(self) -> dict[str, str]:
        """Return the interlocks that do not hold as of their last check, with the reason."""
        return self._interlocks.tripped()

    async def _is_back(self, seat: Seat) -> None:
        """Make an instrument safe that was away when the stop latch was set."""
        try:
            is_latched = bool(self._stops.latch())
        except LogError:
            is_latched = True  # nobody can say that it is not
        if is_latched:
            await made_safe(seat)

    def _has_tripped(self, interlock: Interlock) -> None:
        reason = f"interlock {interlock.spec.name}: {interlock.trouble}"
        match interlock.spec.on_trip:
            case "make_safe":
                seats = [seat for name, seat in self._seats.items() if name in interlock.protects]
                self._begin(self._made_safe(seats, "InterlockTripped", reason))
            case "latch":
                self._begin(self.set_latch(reason, source=interlock.spec.name))

    def _begin(self, work: Coroutine[Any, Any, Mapping[str, str]]) -> None:
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def _end_works(self) -> None:
        """Wait for what tripped interlocks have begun."""
        while self._works:
            await asyncio.wait(self._works)


async def _line_made_safe(seats: Sequence[Seat]) -> dict[str, str]:
    """Make the instruments of one line safe; those that do not answer hold up no other."""
    answering = [seat for seat in seats if seat.connected.is_set()]
    errors: dict[str, str] = {}
    for some in (answering, [seat for seat in seats if seat not in answering]):
        async with asyncio.TaskGroup() as group:
            works = {seat.name: group.create_task(made_safe(seat)) for seat in some}
        errors |= {name: work.result() for name, work in works.items()}
    return errors

"""Conditions over readings that must hold before and while protected instruments work.

A reading that cannot be had counts as a condition that does not hold.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from campaigns.expression import Condition, parse_condition
from drivers.clock import Clock, deadline
from drivers.errors import DriverError
from orchestrator.core.lab_events import InterlockReleased, InterlockTripped, LabEvent
from orchestrator.execution.executor import Refused
from orchestrator.execution.interlock_sources import Source, source_from
from orchestrator.execution.job_boundary import within_tree
from orchestrator.execution.refusals import in_words, refused
from orchestrator.execution.rig_spec import InterlockSpec
from orchestrator.execution.seats import Seat

__all__ = ["Interlock", "Interlocks"]

logger = logging.getLogger(__name__)

READING_TIMEOUT_S: Final = 10.0
"""A reading that takes longer, its instrument's present job included, cannot be had."""


@dataclass(slots=True)
class Interlock:
    """One interlock of the rig and whether it holds."""

    spec: InterlockSpec
    condition: Condition
    sources: Mapping[str, Source]
    protects: frozenset[str]
    """Names of instruments."""
    trouble: str = ""
    """Why it is tripped; empty while it holds."""
    judged_s: float = -1e9
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    watch: "asyncio.Task[None] | None" = None
    """Waits at rest until it holds again."""


class Interlocks:
    """The interlocks of a rig.

    Args:
        specs: Checked.
        seats: By instrument.
        clock: Through which it polls.
        on_fact: Told when one trips and when it holds again, once each.
        on_trip: Brings about what a tripped interlock asks for.
    """

    def __init__(
        self,
        specs: Sequence[InterlockSpec],
        seats: Mapping[str, Seat],
        clock: Clock,
        on_fact: Callable[[LabEvent], None],
        on_trip: Callable[[Interlock], None],
    ) -> None:
        self._seats = seats
        self._clock = clock
        self._on_fact = on_fact
        self._on_trip = on_trip
        self._interlocks = tuple(
            Interlock(
                spec,
                parse_condition(spec.condition),
                {name: source_from(name, text) for name, text in spec.readings.items()},
                frozenset(spec.protects or seats),
            )
            for spec in specs
        )

    def tripped(self) -> dict[str, str]:
        """Return why interlocks are tripped, as of their last check."""
        return {one.spec.name: one.trouble for one in self._interlocks if one.trouble}

    async def refusal(self, seat: Seat) -> Refused | None:
        """Check what protects an instrument and return why it may not begin to work, or None."""
        for interlock in self._protecting(seat):
            await self._judge(interlock, seat)
            if interlock.trouble:
                return refused("InterlockTripped", f"{interlock.spec.name}: {interlock.trouble}")
        return None

    @asynccontextmanager
    async def polled(self, seat: Seat) -> AsyncIterator[None]:
        """Check what protects an instrument again and again while the block runs."""
        watches = [
            asyncio.create_task(self._watch(interlock, seat))
            for interlock in self._protecting(seat)
        ]
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()

    def watch_until_they_hold(self) -> None:
        """Say of each that it holds, as soon as it does: an earlier station may have tripped it."""
        for interlock in self._interlocks:
            self._begin_watch(interlock)

    async def close(self) -> None:
        """End the watches at rest."""
        watches = [one.watch for one in self._interlocks if one.watch is not None]
        for watch in watches:
            watch.cancel()
        if watches:
            await asyncio.wait(watches)

    def _begin_watch(self, interlock: Interlock) -> None:
        if interlock.watch is None or interlock.watch.done():
            interlock.watch = asyncio.create_task(self._until_it_holds(interlock))

    async def _until_it_holds(self, interlock: Interlock) -> None:
        """Wait until it holds, and say so: while it is tripped, no order comes that checks it."""
        is_known = bool(interlock.trouble)
        while True:
            await self._clock.sleep(interlock.spec.poll_s)
            if is_known and not interlock.trouble:
                return
            async with interlock.turn:
                if await self._trouble(interlock, None):
                    continue
                interlock.trouble, interlock.judged_s = "", self._clock.monotonic_s()
            logger.info("interlock %s holds", interlock.spec.name)
            self._on_fact(InterlockReleased(interlock=interlock.spec.name))
            return

    async def _watch(self, interlock: Interlock, seat: Seat) -> None:
        poll_s = interlock.spec.poll_s
        while True:
            await self._clock.sleep(poll_s)
            if self._clock.monotonic_s() - interlock.judged_s > poll_s / 2:
                await self._judge(interlock, seat)

    def _protecting(self, seat: Seat) -> list[Interlock]:
        return [one for one in self._interlocks if seat.name in one.protects]

    async def _judge(self, interlock: Interlock, seat: Seat) -> None:
        async with interlock.turn:
            trouble = await self._trouble(interlock, seat)
            was_tripped, interlock.trouble = bool(interlock.trouble), trouble
            interlock.judged_s = self._clock.monotonic_s()
        name = interlock.spec.name
        if trouble and not was_tripped:
            logger.warning("interlock %s tripped: %s", name, trouble)
            instruments = tuple(sorted(interlock.protects))
            self._on_fact(InterlockTripped(interlock=name, reason=trouble, instruments=instruments))
            self._begin_watch(interlock)
            self._on_trip(interlock)
        elif was_tripped and not trouble:
            logger.info("interlock %s holds again", name)
            self._on_fact(InterlockReleased(interlock=name))

    async def _trouble(self, interlock: Interlock, seat: Seat | None) -> str:
        """Return why an interlock does not hold; empty if it does."""
        values: dict[str, Fraction | str] = {}
        for name, source in interlock.sources.items():
            try:
                async with deadline(self._clock, READING_TIMEOUT_S, n_replies=4):
                    values[name] = await self._read(source, seat)
            except (DriverError, TimeoutError) as error:
                return f"{name} cannot be read from {source}: {in_words(error)}"
            if isinstance(values[name], str) != (name in interlock.condition.categories):
                return f"{name} is {values[name]!r} and cannot be compared"
        if interlock.condition.holds(values):
            return ""
        found = ", ".join(f"{name} = {_text(value)}" for name, value in values.items())
        return f"{interlock.condition.text} does not hold: {found}"

    async def _read(self, source: Source, worker: Seat | None) -> Fraction | str:
        seat = self._seats[source.instrument]
        if not seat.connected.is_set():
            raise DriverError(f"{seat.name} is not connected: {seat.why_lost}")
        async with nullcontext() if seat is worker else seat.turn:
            reading = seat.instrument.read(source.action)
            return source.value_in(await within_tree(reading, str(source)))


def _text(value: Fraction | str) -> str:
    return value if isinstance(value, str) else f"{float(value):g}"

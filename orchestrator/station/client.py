"""An executor on the engine's side: every order goes to the station, and none goes twice.

A station that dies is started again; what was handed to it is then asked about, never resent.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from drivers.clock import Clock, SystemClock
from drivers.errors import DriverError, OutcomeUnknown
from orchestrator.core.point import Fact
from orchestrator.errors import AthanorError
from orchestrator.execution.executor import Connection, Order, Outcome, Refused, Unknown
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.landmarks import reach
from orchestrator.station.link import Link, LinkDown, opened_link
from orchestrator.station.messages import (
    Answer,
    Answered,
    Connect,
    Connected,
    Detach,
    EngineName,
    Failed,
    Hello,
    Interrupt,
    MakeSafe,
    Perform,
    Safe,
    Settle,
    StationStatus,
    StatusAnswer,
    StopInstrument,
    Welcome,
    Woken,
)
from orchestrator.station.places import StationFolder

__all__ = ["StationExecutor", "StationToReach"]

logger = logging.getLogger(__name__)

CONTACT_WAIT_S: Final = 25.0
"""How long an order waits for a station that is being started, in real seconds."""
SAFE_WAIT_S: Final = 30.0
"""How long a stop or a way to the safe state is waited for, in real seconds."""
LOOK_EVERY_S: Final = 0.05
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 10.0
"""The wait between two attempts at a station doubles from the first to the longest."""
QUICK_DEATH_S: Final = 10.0
MAX_QUICK_DEATHS: Final = 5
"""A station that dies so often within that time of its start is given up."""
FINAL_REFUSALS: Final = ("OldEpoch", "WrongDatabase", "WrongProtocol", "WrongRig")

A = TypeVar("A", bound=Fact)


@dataclass(frozen=True, slots=True)
class StationToReach:
    """Which station an engine wants, and how it is brought to life."""

    folder: StationFolder
    database: Path
    start: Callable[[], None]
    """Starts it if none lives and waits until it answers; blocks, and raises `AthanorError`."""


class StationExecutor:
    """An `Executor` whose instruments are in another process.

    Args:
        rig: As the engine read it; a station with another one is refused.
        station: Which, and how it is started.
        clock: The engine's; it must have the station's speed.
        campaign_id: Whose orders these are.
        epoch: Asked once, when the engine has attached.
        on_wake: Told to look at the log at once.
        on_given_up: Told when no station will ever answer this engine; another engine may try.
    """

    def __init__(
        self,
        rig: RigSpec,
        station: StationToReach,
        clock: Clock,
        *,
        campaign_id: str,
        epoch: Callable[[], int],
        on_wake: Callable[[], None] = lambda: None,
        on_given_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._rig = rig
        self._station = station
        self._clock = clock
        self._real = SystemClock()
        self._campaign_id = campaign_id
        self._epoch_of = epoch
        self._epoch = 0
        self.on_wake = on_wake
        self.on_given_up = on_given_up
        self._wanted = asyncio.Event()
        self._link: Link | None = None
        self._heartbeat_s = 1.0
        self._status: StationStatus | None = None
        self._why_not = "no station answers"
        self._is_final = False
        """Whether trying again is of no use."""
        self._n_quick_deaths = 0

    @contextlib.asynccontextmanager
    async def in_touch(self) -> AsyncIterator[None]:
        """Keep the connection up for a block; nothing is connected before `connect`."""
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(self._keep())
                try:
                    yield
                finally:
                    keeping.cancel()
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from group
            raise

    @property
    def is_in_touch(self) -> bool:
        """Whether a station lives and answers."""
        return self._link is not None and self._link.is_up

    @property
    def status(self) -> StationStatus | None:
        """What the station last said of itself."""
        return self._status

    async def _keep(self) -> None:
        """Connect, beat, and connect again, until cancelled."""
        await self._wanted.wait()
        wait_s = FIRST_RETRY_S
        while not self._is_final:
            try:
                link = await self._opened()
            except AthanorError as error:
                self._why_not = str(error)
                logger.warning("no station: %s", error)
                await self._clock.wait_for_outside(wait_s)
                wait_s = min(2 * wait_s, LONGEST_RETRY_S)
                continue
            if link is None:
                break
            wait_s = FIRST_RETRY_S
            began_s = self._real.monotonic_s()
            try:
                await self._beat_while_up(link)
            finally:
                self._link = None
                link.close()
            self._why_not = link.why_down or "the station does not answer"
            self._judge_death(link, self._real.monotonic_s() - began_s)

    def _judge_death(self, link: Link, lived_s: float) -> None:
        logger.warning("no station any more: %s", self._why_not)
        if link.why_down.startswith("OldEpoch"):
            self._is_final = True
            return
        self._n_quick_deaths = self._n_quick_deaths + 1 if lived_s < QUICK_DEATH_S else 0
        if self._n_quick_deaths >= MAX_QUICK_DEATHS:
            self._give_up()
            self._why_not = (
                f"the station died {self._n_quick_deaths} times within {QUICK_DEATH_S:g} s of its "
                f"start; see {self._station.folder.log}"
            )
            logger.error(self._why_not)
            for line in self._station.folder.last_words():
                logger.error("station.log: %s", line)

    def _give_up(self) -> None:
        self._is_final = True
        self.on_given_up()

    async def _opened(self) -> Link | None:
        """Return a link on which the station has said welcome, None if it never will.

        Raises:
            AthanorError: Not this time.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._station.start)
        link = await opened_link(self._station.folder.socket, self._take_push, lambda: None)
        hello = Hello(
            rig_sha256=self._rig.fingerprint(),
            database=str(self._station.database.resolve()),
            who=EngineName(campaign_id=self._campaign_id, epoch=self._epoch),
        )
        answer = await link.ask(hello)
        if isinstance(answer, Failed):
            link.close()
            self._why_not = f"{answer.error}: {answer.message}"
            if answer.error in FINAL_REFUSALS:
                self._give_up()
                logger.error("the station refuses: %s", self._why_not)
                return None
            raise LinkDown(self._why_not)
        if not isinstance(answer, Welcome):
            link.close()
            raise LinkDown(f"the station said {answer.kind} to a hello")
        self._heartbeat_s, self._status = answer.heartbeat_s, answer.status
        self._link = link
        self.on_wake()
        return link

    async def _beat_while_up(self, link: Link) -> None:
        while link.is_up:
            link.beat()
            await self._clock.wait_for_outside(self._heartbeat_s / 2)

    def _take_push(self, message: Answer) -> None:
        match message:
            case StatusAnswer():
                self._status = message.status
            case Woken():
                self.on_wake()

    async def _contact(self, wait_s: float) -> Link | None:
        """Return the open link, waiting for one; None if there is none in time.

        Args:
            wait_s: In real seconds.
        """
        until_s = self._real.monotonic_s() + wait_s
        while True:
            link = self._link
            if link is not None and link.is_up:
                return link
            if self._is_final or self._real.monotonic_s() >= until_s:
                return None
            await self._clock.wait_for_outside(LOOK_EVERY_S)

    async def connect(self) -> Mapping[str, Connection]:
        """Reach the station and have it connect what is not connected; see `Executor.connect`."""
        self._epoch = self._epoch or self._epoch_of()
        self._wanted.set()
        while True:
            link = await self._contact(CONTACT_WAIT_S)
            if link is None:
                return self._no_connections()
            try:
                answer = await link.ask(Connect())
            except LinkDown:
                continue
            if isinstance(answer, Connected):
                return answer.connections
            return self._no_connections()

    def _no_connections(self) -> dict[str, Connection]:
        error = self._lost().message
        return {
            name: Connection(instrument=name, driver=spec.driver, error=f"StationLost: {error}")
            for name, spec in self._rig.instruments.items()
        }

    async def perform(self, order: Order) -> Outcome:
        """Hand an order over, once, and wait for its outcome; see `Executor.perform`."""
        link = await self._contact(CONTACT_WAIT_S)
        if link is None:
            return self._lost()
        try:
            answer = link.ask(Perform(order=order))
        except LinkDown:
            return self._lost()
        reach("engine: after the order is handed over")
        try:
            return _outcome(await answer)
        except LinkDown:
            return await self._settled(order)
        except asyncio.CancelledError:
            await self._interrupted(order)
            raise

    def _lost(self) -> Refused:
        error = "OldEpoch" if self._why_not.startswith("OldEpoch") else "StationLost"
        return Refused(error=error, message=self._why_not, has_acted=False)

    async def settle(self, order: Order) -> Outcome:
        """Ask what became of an order that was handed over earlier; see `Executor.settle`."""
        return await self._settled(order)

    async def _settled(self, order: Order) -> Outcome:
        """Ask station after station until one knows, or until the order's deadline is over."""
        until_s = self._clock.monotonic_s() + order.deadline_s
        while True:
            link = await self._contact(CONTACT_WAIT_S)
            if link is not None:
                try:
                    return _outcome(await link.ask(Settle(order=order)))
                except LinkDown:
                    continue
                except asyncio.CancelledError:
                    await self._interrupted(order)
                    raise
            if self._is_final or self._clock.monotonic_s() >= until_s:
                return Unknown(evidence=f"StationLost: {self._why_not}")

    async def _interrupted(self, order: Order) -> None:
        """Have the station cut an order off, although the caller is being cancelled."""
        link = self._link
        if link is None:
            return
        with contextlib.suppress(LinkDown):
            await _to_its_end(link.ask(Interrupt(key=order.key)), self._real)

    async def stop(self, instrument: str) -> None:
        """Stop one instrument now; see `Executor.stop`."""
        answer = await self._asked(StopInstrument(instrument=instrument))
        if isinstance(answer, Failed):
            if answer.error == "UnknownInstrument":
                raise KeyError(instrument)
            raise DriverError(f"{answer.error}: {answer.message}")

    async def make_safe(self) -> Mapping[str, str]:
        """Have the station make safe what no other campaign works with.

        Without a station there is nobody to ask: its watchdog makes safe what it held. An engine
        that was superseded makes nothing safe.
        """
        names = self._rig.instruments
        if self._why_not.startswith("OldEpoch"):
            return dict.fromkeys(names, "")
        try:
            answer = await self._asked(MakeSafe())
        except OutcomeUnknown as error:
            return dict.fromkeys(names, str(error))
        if isinstance(answer, Safe):
            return answer.unsafe
        if isinstance(answer, Failed) and answer.error == "OldEpoch":
            return dict.fromkeys(names, "")
        return dict.fromkeys(names, f"the station said {answer.kind}")

    async def _asked(self, request: Fact) -> Answer:
        if not self._wanted.is_set():
            raise OutcomeUnknown("no station was asked for yet")
        link = await self._contact(CONTACT_WAIT_S)
        if link is None:
            raise OutcomeUnknown(f"StationLost: {self._why_not}")
        try:
            return await _in_time(link.ask(request), SAFE_WAIT_S, self._real)
        except LinkDown as error:
            raise OutcomeUnknown(f"StationLost: {error}") from error

    async def close(self) -> None:
        """Say goodbye and hang up; the station keeps its lines."""
        link, self._is_final = self._link, True
        if link is None or not link.is_up:
            return
        with contextlib.suppress(LinkDown, OutcomeUnknown):
            await _in_time(link.ask(Detach()), SAFE_WAIT_S, self._real)
        link.close()

    def snapshot(self) -> Mapping[str, str]:
        """Return what each instrument does, as the station last said."""
        if self._link is None or self._status is None:
            return dict.fromkeys(self._rig.instruments, "no station")
        return self._status.instruments


def _outcome(answer: Answer) -> Outcome:
    if isinstance(answer, Answered):
        return answer.outcome
    error = answer.error if isinstance(answer, Failed) else "ProtocolError"
    return Unknown(evidence=f"{error}: the station said {answer.model_dump_json()}")


async def _in_time(answer: "asyncio.Future[Answer]", wait_s: float, real: SystemClock) -> Answer:
    """Wait for an answer in real seconds.

    Raises:
        OutcomeUnknown: It did not come in time.
        LinkDown: It will not come.
    """
    until_s = real.monotonic_s() + wait_s
    while not answer.done():
        if real.monotonic_s() >= until_s:
            raise OutcomeUnknown(f"the station did not answer within {wait_s:g} s")
        await asyncio.wait({answer}, timeout=LOOK_EVERY_S)
    return answer.result()


async def _to_its_end(answer: "asyncio.Future[Answer]", real: SystemClock) -> None:
    """Wait for an answer although the caller is being cancelled, which it then says itself."""
    until_s = real.monotonic_s() + SAFE_WAIT_S
    while not answer.done() and real.monotonic_s() < until_s:
        try:
            await asyncio.wait({answer}, timeout=LOOK_EVERY_S)
        except asyncio.CancelledError:
            continue

"""The station's socket: many engines and people at once, and nobody waits for anybody else.

What touches the database is not here: a request to stop goes from the socket to the instruments.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drivers.clock import Clock, SystemClock
from drivers.errors import DriverError
from orchestrator.errors import LogError, RequestRefused
from orchestrator.execution.executor import Outcome, Refused
from orchestrator.execution.parting import make_safe_beside
from orchestrator.log.station_journal import StationJournal
from orchestrator.station.attendance import Attendance, Claim, ClaimRefused
from orchestrator.station.connection import Connection, is_same_user
from orchestrator.station.control_desk import ControlDesk
from orchestrator.station.framing import MAX_LINE_BYTES, BadMessage, request_from_line
from orchestrator.station.messages import (
    PROTOCOL,
    Answered,
    Beat,
    CampaignAtStation,
    Connect,
    Connected,
    Detach,
    EngineName,
    Failed,
    Goodbye,
    Hello,
    Interrupt,
    MakeSafe,
    Perform,
    Request,
    Safe,
    Settle,
    StationStatus,
    StatusAnswer,
    StopInstrument,
    Told,
    Welcome,
)
from orchestrator.station.station_core import StationCore

__all__ = ["Identity", "StationServer"]

logger = logging.getLogger(__name__)

PUSH_EVERY_S: Final = 0.5
"""How often engines are told what the instruments do, in real seconds."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which station this is."""

    rig_name: str
    rig_sha256: str
    database: str
    pid: int
    is_simulated: bool
    heartbeat_s: float
    stays: bool = False
    """Whether it leaves only if somebody insists."""


class StationServer:
    """Answers engines and people on a Unix socket until it is told to leave.

    Args:
        core: Has the orders done.
        journal: Where the epochs of engines survive.
        identity: Whoever means another station is refused.
        clock: The station's; heartbeats are counted in real seconds whatever its speed.
        why_not: Why no order may be sent at the moment; empty if one may.
        more_status: Adds to the status what the server does not know.
        on_silent: Told of an engine that was given up.
        on_heard: Told of an engine that is there again after that.
    """

    def __init__(
        self,
        core: StationCore,
        journal: StationJournal,
        identity: Identity,
        clock: Clock,
        *,
        why_not: Callable[[], str] = lambda: "",
        more_status: Callable[[StationStatus], StationStatus] = lambda status: status,
        on_silent: Callable[[str, float], None] = lambda _campaign, _silent_s: None,
        on_heard: Callable[[str], None] = lambda _campaign: None,
    ) -> None:
        self._core = core
        self._journal = journal
        self._identity = identity
        self._clock = clock
        self._real = SystemClock()
        self._why_not = why_not
        self._more_status = more_status
        self._on_silent = on_silent
        self._on_heard = on_heard
        self._attendance: Attendance[Connection] = Attendance(identity.heartbeat_s)
        self._desk = ControlDesk(core, self._attendance, self.leave, stays=identity.stays)
        self._connections: set[Connection] = set()
        self._works: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self.why_left = ""
        """Why the station leaves; empty while it stays."""

    @property
    def has_engines(self) -> bool:
        """Whether an engine is attached that lives."""
        return self._attendance.has_engines

    def leave(self, reason: str) -> None:
        """Have `serve` end."""
        self.why_left = self.why_left or reason
        self._leaving.set()

    async def serve(self, socket_path: Path) -> None:
        """Listen until somebody says `leave`, then make everything safe and hang up.

        Args:
            socket_path: Nobody listens there: the caller holds the station's lock.

        Raises:
            OSError: Nothing can listen there.
        """
        _remove(socket_path)
        async with asyncio.TaskGroup() as tasks:

            async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._serve_one(Connection(reader, writer), tasks)

            server = await asyncio.start_unix_server(
                serve_one, socket_path, limit=MAX_LINE_BYTES, backlog=64
            )
            minding = tasks.create_task(self._mind_engines(tasks))
            pushing = tasks.create_task(self._push_status())
            try:
                await self._leaving.wait()
                await self._core.make_safe()
            finally:
                server.close()
                for task in (minding, pushing, *self._works):
                    task.cancel()
                for connection in list(self._connections):
                    connection.say(Goodbye(reason=self.why_left or "the station ends"))
                    connection.close()
                _remove(socket_path)

    async def _mind_engines(self, tasks: asyncio.TaskGroup) -> None:
        """Cut the jobs of engines off that have been silent for too long."""
        last_s = self._real.monotonic_s()
        while True:
            await self._clock.wait_for_outside(self._identity.heartbeat_s / 4)
            now_s = self._real.monotonic_s()
            for claim in self._attendance.let_pass(now_s - last_s):
                tasks.create_task(self._give_up(claim))
            last_s = now_s

    async def _give_up(self, claim: Claim[Connection]) -> None:
        logger.error(
            "%s: its engine has been silent for %.1f s; its jobs are cut off",
            claim.campaign_id,
            claim.silent_s,
        )
        self._on_silent(claim.campaign_id, claim.silent_s)
        await self._core.stop_campaign(claim.campaign_id, "abort")

    async def _push_status(self) -> None:
        while True:
            await self._clock.wait_for_outside(PUSH_EVERY_S)
            status = self.status()
            for connection in list(self._connections):
                if connection.engine is not None:
                    connection.say(StatusAnswer(status=status))

    def status(self) -> StationStatus:
        """Return how the station stands."""
        identity = self._identity
        campaigns = tuple(
            CampaignAtStation(
                campaign_id=claim.campaign_id,
                epoch=claim.epoch,
                is_here=claim.connection is not None,
                silent_s=claim.silent_s,
            )
            for claim in self._attendance.claims
        )
        status = StationStatus(
            rig_name=identity.rig_name,
            rig_sha256=identity.rig_sha256,
            database=identity.database,
            pid=identity.pid,
            is_simulated=identity.is_simulated,
            instruments=dict(self._core.snapshot()),
            latch=self._latch(),
            tripped=self._core.tripped(),
            out=self._core.out(),
            campaigns=campaigns,
            running=self._core.running(),
        )
        return self._more_status(status)

    def _latch(self) -> str:
        try:
            return self._core.latch()
        except LogError as error:
            return f"the station's journal cannot be read: {error}"

    async def _serve_one(self, connection: Connection, tasks: asyncio.TaskGroup) -> None:
        peer = connection.peer()
        if peer is None or not is_same_user(peer):
            connection.close()
            return
        self._connections.add(connection)
        try:
            while not self._leaving.is_set() and (line := await connection.next_line()):
                self._take(request_from_line(line), connection, tasks)
        except (BadMessage, ValueError) as error:
            logger.warning("a peer was dropped: %s", error)
            connection.say(Failed(number=0, error="BadMessage", message=str(error)))
        except ConnectionError as error:
            logger.info("a peer is gone: %s", error)
        finally:
            self._connections.discard(connection)
            self._attendance.hang_up(connection)
            connection.close()

    def _take(self, request: Request, connection: Connection, tasks: asyncio.TaskGroup) -> None:
        if isinstance(request, Hello):
            self._greet(request, connection)
            return
        if connection.who is None:
            raise BadMessage(f"got {request.kind} first, expected hello")
        engine = connection.engine
        if engine is not None:
            claim = self._attendance.beat(engine.campaign_id, connection)
            if claim is not None:
                self._core.release_campaign(engine.campaign_id)
                self._on_heard(engine.campaign_id)
        match request:
            case Beat():
                return
            case Perform() | Settle():
                self._begin(self._order(request, connection), tasks)
            case _:
                self._begin(self._answer(request, connection), tasks)

    def _begin(self, work: Coroutine[Any, Any, None], tasks: asyncio.TaskGroup) -> None:
        """Have a request answered while the next one is read; leaving waits for no answer."""
        task = tasks.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    def _greet(self, hello: Hello, connection: Connection) -> None:
        refusal = self._why_not_greeted(hello)
        if refusal is None and isinstance(hello.who, EngineName):
            refusal = self._claimed(hello.who, connection)
        if refusal is not None:
            logger.warning("refused: %s", refusal.message)
            connection.say(refusal)
            connection.close()
            return
        connection.who = hello.who
        connection.say(
            Welcome(
                number=hello.number, status=self.status(), heartbeat_s=self._identity.heartbeat_s
            )
        )

    def _why_not_greeted(self, hello: Hello) -> Failed | None:
        ours = self._identity
        if hello.protocol != PROTOCOL:
            text = f"got protocol {hello.protocol}, expected {PROTOCOL}: the versions differ"
            return Failed(number=hello.number, error="WrongProtocol", message=text)
        if hello.database != ours.database:
            text = f"got database {hello.database}, expected {ours.database}"
            return Failed(number=hello.number, error="WrongDatabase", message=text)
        if hello.rig_sha256 != ours.rig_sha256 and (hello.rig_sha256 or _is_engine(hello)):
            text = (
                f"got rig {hello.rig_sha256[:12]}, expected {ours.rig_sha256[:12]}: the rig file "
                "has changed since the station began; `athanor station --leave` ends it"
            )
            return Failed(number=hello.number, error="WrongRig", message=text)
        return None

    def _claimed(self, engine: EngineName, connection: Connection) -> Failed | None:
        try:
            self._refuse_outdated(engine)
            before = self._attendance.claim(engine.campaign_id, engine.epoch, connection)
        except ClaimRefused as error:
            return Failed(number=1, error="OldEpoch", message=str(error))
        if before is None:
            return None
        if before.is_given_up:
            self._core.release_campaign(engine.campaign_id)
            self._on_heard(engine.campaign_id)
        if before.connection is not None and before.connection is not connection:
            later = f"epoch {engine.epoch} of {engine.campaign_id} has attached"
            before.connection.say(Goodbye(reason=f"OldEpoch: {later}"))
            before.connection.close()
        return None

    def _refuse_outdated(self, engine: EngineName) -> None:
        """Remember the epoch; a journal that fails refuses the orders, not the engine."""
        try:
            known = self._journal.epoch(engine.campaign_id)
            self._journal.keep_epoch(engine.campaign_id, engine.epoch)
        except LogError:
            logger.exception("%s: its epoch cannot be kept", engine.campaign_id)
            return
        if engine.epoch < known:
            raise ClaimRefused(
                f"epoch {engine.epoch} of {engine.campaign_id} is over, {known} goes on"
            )

    async def _order(self, request: Perform | Settle, connection: Connection) -> None:
        """Have an order done or settled; it goes on though its engine hangs up."""
        outcome: Outcome
        if isinstance(request, Perform) and (reason := self._why_not()):
            outcome = Refused(error="StationLost", message=reason, has_acted=False)
        elif isinstance(request, Perform):
            outcome = await self._core.perform(request.order)
        else:
            outcome = await self._core.settle(request.order)
        connection.say(Answered(number=request.number, outcome=outcome))

    async def _answer(self, request: Request, connection: Connection) -> None:
        try:
            answer = await self._answer_to(request, connection)
        except (DriverError, LogError, RequestRefused) as error:
            text = str(error)
            answer = Failed(number=request.number, error=type(error).__name__, message=text)
        except KeyError as error:
            text = f"the rig has no {error}"
            answer = Failed(number=request.number, error="UnknownInstrument", message=text)
        if answer is not None:
            connection.say(answer.model_copy(update={"number": request.number}))

    async def _answer_to(
        self, request: Request, connection: Connection
    ) -> Told | Failed | Safe | Connected | StatusAnswer | None:
        match request:
            case Connect():
                found = await self._core.connect()
                return Connected(number=request.number, connections=dict(found))
            case Interrupt():
                await self._core.interrupt(request.key)
                return Told(number=request.number)
            case StopInstrument():
                await self._core.stop(request.instrument)
                return Told(number=request.number)
            case Detach():
                return self._detach(request, connection)
            case MakeSafe() if connection.engine is not None:
                return await self._make_safe_for(connection.engine, request, connection)
            case _:
                return await self._desk.answer(request, connection, self.status)

    def _detach(self, request: Detach, connection: Connection) -> Told | Failed:
        engine = connection.engine
        if engine is None or not self._attendance.detach(engine.campaign_id, connection):
            return Failed(number=request.number, error="OldEpoch", message="it is not attached")
        return Told(number=request.number)

    async def _make_safe_for(
        self, engine: EngineName, request: MakeSafe, connection: Connection
    ) -> Safe | Failed:
        """Make safe what no other campaign works with."""
        claims = self._attendance.claims
        mine = [c for c in claims if c.campaign_id == engine.campaign_id]
        if not mine or mine[0].connection is not connection:
            text = f"epoch {engine.epoch} of {engine.campaign_id} is over"
            return Failed(number=request.number, error="OldEpoch", message=text)
        began_s = self._real.monotonic_s()
        there = {one.campaign_id for one in claims if not one.is_given_up}
        others = there - {engine.campaign_id}
        unsafe = await make_safe_beside(self._core, engine.campaign_id, others)
        return Safe(number=request.number, unsafe=dict(unsafe), began_s=began_s)


def _is_engine(hello: Hello) -> bool:
    return isinstance(hello.who, EngineName)


def _remove(socket_path: Path) -> None:
    socket_path.unlink(missing_ok=True)

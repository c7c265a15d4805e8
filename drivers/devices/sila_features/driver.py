"""A SiLA 2 server: commands and properties that the rig file names."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from typing_extensions import override

from drivers.acting import acting, having_acted
from drivers.clock import Clock
from drivers.devices.sila_features import codec
from drivers.devices.sila_features.codec import Reply, Request
from drivers.devices.sila_features.settings import Command, SilaFeaturesSettings
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    LineError,
    NothingDone,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line

__all__ = ["SilaFeatures"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 30.0
LONGEST_REPLY_BYTES: Final = 1_000_000
POLL_S: Final = 1.0
STOPPING_S: Final = 60.0
WithinS = Annotated[float, Within(5.0, 604_800.0)]


class SilaFeatures(Instrument):
    """One server; `stop` calls its stop command, if it has one, and waits until it is not busy.

    References:
        SiLA 2, parts A and B; see card.toml for what was read.
    """

    model: ClassVar[str] = "SiLA 2 server"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {}

    def __init__(self, name: str, line: Line, clock: Clock, settings: SilaFeaturesSettings) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(
            line, clock, reply_end=codec.REPLY_END, max_bytes=LONGEST_REPLY_BYTES
        )

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "SilaFeatures":
        return cls(name, line, clock, settings_in(SilaFeaturesSettings, name, settings))

    @override
    async def connect(self) -> str:
        server = codec.server_in(await self._ask(Request("hello")))
        expected = self.settings.server_uuid
        if expected is not None and expected not in server.split(", "):
            key = f"instruments.{self.name}.settings.server_uuid"
            raise RigError(key, got=server, expected=expected)
        await self.stop()
        return f"{self.model} {server}"

    @override
    async def stop(self) -> None:
        """Stop what runs and wait until the server is not busy; do nothing without a stop command.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: It is not proved that nothing runs.
        """
        stop, busy = self.settings.stop, self.settings.busy
        if stop is None or busy is None:
            return  # there are no commands, so nothing was started
        evidence: list[str] = []
        deadline_s = self.clock.monotonic_s() + STOPPING_S
        while self.clock.monotonic_s() <= deadline_s:
            try:
                if not await self._is_busy(busy):
                    return
                await self._ask(Request("start", stop), is_urgent=True)
                evidence.append("it is still busy")
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
            await self.clock.sleep(POLL_S)
        raise OutcomeUnknown(f"{self.name} may still run", "; ".join(evidence[-3:]))

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=lambda *, name: 1.0,
        readings=("value",),
    )
    async def measure_property(self, *, name: str) -> tuple[Reading, ...]:
        """Measure a property of the server.

        Args:
            name: One of those that the settings name; its name ends in the unit.

        Raises:
            LimitError: The settings do not name it.
            DeviceFault: The server has no such property, or it shows what cannot be.
            OutcomeUnknown: It does not answer.
        """
        known = self.settings.properties.get(name)
        if known is None:
            where = f"{self.name}.measure_property.name"
            raise LimitError(where, got=name, expected=f"one of {sorted(self.settings.properties)}")
        value = codec.number_in(await self._ask(Request("read", known.path)))
        if not known.low <= value <= known.high:
            text = f"{name} is {value:g}, expected {known.low:g} to {known.high:g}"
            raise DeviceFault(self.name, code="limits", text=text)
        return (Reading("value", value),)

    @action(
        recovery=RecoveryClass.BLIND,
        duration_s=lambda *, name, within_s: float(within_s),
        readings=("execution_id",),
    )
    async def run_command(self, *, name: str, within_s: WithinS) -> tuple[Reading, ...]:
        """Start a command of the server and wait until it is done.

        Args:
            name: One of those that the settings name, with its parameters.
            within_s: When it must be done, in seconds; it is stopped then.

        Raises:
            LimitError: The settings do not name it.
            NothingDone: The server could not be asked beforehand; nothing was started.
            DeviceFault: It is busy, refuses, fails or takes too long.
            OutcomeUnknown: An answer is missing; it has been told to stop.
        """
        command, busy = self.settings.commands.get(name), self.settings.busy
        if command is None or busy is None:
            where = f"{self.name}.run_command.name"
            raise LimitError(where, got=name, expected=f"one of {sorted(self.settings.commands)}")
        await self._refuse_when_busy(busy)
        await self.ticket.about_to_act(command.path)
        deadline_s = self.clock.monotonic_s() + within_s
        try:
            execution = await self._started(command, busy)
            with having_acted(self.name):
                await self._done(execution, deadline_s)
        except asyncio.CancelledError:
            await asyncio.shield(self._stopped_or_told())
            raise
        except NothingDone:
            raise
        except (OutcomeUnknown, ProtocolError, LineError) as error:
            evidence = await asyncio.shield(self._stopped_or_told())
            reason = f"{self.name} was told to {command.path}; then: {error}"
            raise OutcomeUnknown(reason, evidence) from error
        except DeviceFault:
            await asyncio.shield(self._stopped_or_told())
            raise
        return (Reading("execution_id", execution),)

    async def _refuse_when_busy(self, busy: str) -> None:
        try:
            is_busy = codec.switch_in(await self._ask(Request("read", busy)))
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been told to run when this happened: {error}"
            raise NothingDone(reason) from error
        if is_busy:
            raise DeviceFault(self.name, code="busy", text="something runs already")

    async def _started(self, command: Command, busy: str) -> str:
        try:
            with acting(self.name):
                reply = await self._ask(Request("start", command.path, command.arguments))
        except LineError as error:
            raise NothingDone(f"{self.name} was not told to run: {error}") from error
        except DeviceFault as error:
            with having_acted(self.name):
                is_busy = await self._is_busy(busy)
            raise DeviceFault(self.name, code=error.code, text=error.text, acted=is_busy) from error
        with having_acted(self.name):
            return codec.execution_in(reply)

    async def _done(self, execution: str, deadline_s: float) -> None:
        while codec.state_in(await self._ask(Request("state", execution))) != "done":
            if self.clock.monotonic_s() > deadline_s:
                text = "it still runs, expected it to be done"
                raise DeviceFault(self.name, code="late", text=text)
            await self.clock.sleep(min(POLL_S, max(0.1, deadline_s - self.clock.monotonic_s())))

    async def _is_busy(self, busy: str) -> bool:
        return codec.switch_in(await self._ask(Request("read", busy), is_urgent=True))

    async def _stopped_or_told(self) -> str:
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: nothing proves that it has stopped", self.name)
            return f"then stopping it was tried, and nothing proves that it rests: {error}"
        return "then it was stopped"

    async def _ask(self, request: Request, *, is_urgent: bool = False) -> Reply:
        """Send one request and return its answer.

        Raises:
            DeviceFault: The server refuses.
        """
        frame = await self._conversation.ask(
            codec.encode(request), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        reply = codec.decode(frame)
        if reply.do != request.do:
            raise ProtocolError(f"not an answer to {request.do}", frame)
        if reply.error:
            code = reply.error.partition(":")[0][:60]
            raise DeviceFault(self.name, code=code, text=reply.error)
        return reply

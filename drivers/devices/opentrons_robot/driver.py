"""An Opentrons robot: it runs protocols that it is given, and remembers every run by its id."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import override

from drivers.acting import acting, having_acted
from drivers.clock import Clock
from drivers.devices.opentrons_robot import codec
from drivers.devices.opentrons_robot.codec import Reply, Request, Run
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
from drivers.http_messages import LONGEST_BYTES
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line
from drivers.ticket import Settlement, Verdict

__all__ = ["OpentronsRobot", "OpentronsRobotSettings"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 10.0
POLL_S: Final = 2.0
STOPPING_S: Final = 60.0
LONGEST_PROTOCOL_BYTES: Final = 400_000
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Choice = bool | float | str


class OpentronsRobotSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a robot."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    protocols: dict[Name, str] = Field(min_length=1)
    """By the name that actions call them: an absolute path, or the text of a Python protocol."""
    parameters: dict[Name, dict[Name, Choice]] = {}
    """Values of run-time parameters, by protocol."""
    serial_number: str | None = Field(default=None, min_length=1)
    """What the robot must say of itself; anything if left out."""


class OpentronsRobot(Instrument):
    """One robot; `stop` and `make_safe` stop the current run and see that it has ended.

    References:
        Opentrons HTTP API, as its robot server tests it; see card.toml for what was read.
    """

    model: ClassVar[str] = "Opentrons robot"
    says_when_it_acts: ClassVar[bool] = True

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: OpentronsRobotSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(
            line, clock, reply_end=codec.n_bytes_missing, max_bytes=LONGEST_BYTES
        )

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "OpentronsRobot":
        return cls(name, line, clock, settings_in(OpentronsRobotSettings, name, settings))

    @override
    async def connect(self) -> str:
        """Check who answers and that every protocol can be read; a run under way goes on."""
        for protocol in self.settings.protocols:
            await self._text_of(protocol)
        found = codec.health_in(await self._ask(codec.question("health")))
        expected, key = self.settings.serial_number, f"instruments.{self.name}.settings"
        if expected is not None and found.serial_number != expected:
            raise RigError(f"{key}.serial_number", got=found.serial_number, expected=expected)
        return f"{self.model} {found.model} {found.name}, {found.serial_number}, {found.version}"

    @override
    async def stop(self) -> None:
        """Stop the current run, if there is one, and wait until it has ended.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: It is not proved to have ended.
        """
        evidence: list[str] = []
        deadline_s = self.clock.monotonic_s() + STOPPING_S
        while self.clock.monotonic_s() <= deadline_s:
            try:
                reply = await self._ask(codec.question("runs"), is_urgent=True)
                run = codec.current_run_in(reply)
                if run is None or run.state not in codec.ACTIVE:
                    return
                if run.state != "stop-requested":
                    await self._ask(codec.act_on_run(run.run_id, "stop"), is_urgent=True)
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
            await self.clock.sleep(0.5)
        raise OutcomeUnknown(f"{self.name} may still move", "; ".join(evidence[-3:]))

    @action(recovery=RecoveryClass.PURE, duration_s=1.0, readings=("run_state",))
    async def read_run_state(self) -> tuple[Reading, ...]:
        """Read the state of the current run, ``idle`` if there is none.

        Raises:
            DeviceFault: The robot refuses.
            OutcomeUnknown: It does not answer.
        """
        run = codec.current_run_in(await self._ask(codec.question("runs")))
        return (Reading("run_state", "idle" if run is None else run.state),)

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=2.0, readings=("light_state",))
    async def set_lights(self, *, state: str) -> tuple[Reading, ...]:
        """Set the rail lights on or off, and read them back.

        Args:
            state: ``on`` or ``off``.

        Raises:
            LimitError: It is neither.
            DeviceFault: The robot refuses, or they read back differently.
            OutcomeUnknown: It does not answer.
        """
        if state not in {"on", "off"}:
            raise LimitError(f"{self.name}.set_lights.state", got=state, expected="on or off")
        await self.ticket.about_to_act(state)
        with acting(self.name):
            await self._ask(codec.switch_lights(is_on=state == "on"))
        with having_acted(self.name):
            got = codec.lights_in(await self._ask(codec.question("robot", "lights")))
        if got != (state == "on"):
            text = f"lights read back {'on' if got else 'off'}, expected {state}"
            raise DeviceFault(self.name, code="lights", text=text)
        return (Reading("light_state", state),)

    @action(
        recovery=RecoveryClass.QUERYABLE,
        duration_s=lambda *, protocol, within_s: float(within_s),
        readings=("run_id",),
    )
    async def run_protocol(
        self, *, protocol: str, within_s: Annotated[float, Within(5.0, 86_400.0)]
    ) -> tuple[Reading, ...]:
        """Start a run of a protocol and wait until the robot has done it.

        Args:
            protocol: One of those that the settings name.
            within_s: When it must have ended, in seconds; it is stopped then.

        Raises:
            LimitError: The settings do not name it.
            NothingDone: The run could not be made; nothing moved.
            DeviceFault: The robot refuses, the run failed or was stopped, or took too long.
            OutcomeUnknown: An answer is missing; the run has been told to stop.
        """
        if protocol not in self.settings.protocols:
            where, known = f"{self.name}.run_protocol.protocol", sorted(self.settings.protocols)
            raise LimitError(where, got=protocol, expected=f"one of {known}")
        run_id = await self._made_run(protocol)
        await self.ticket.about_to_act(run_id)
        deadline_s = self.clock.monotonic_s() + within_s
        try:
            await self._play(run_id)
            with having_acted(self.name):
                await self._succeeded(run_id, deadline_s)
        except asyncio.CancelledError:
            await asyncio.shield(self._stopped_or_told())
            raise
        except (OutcomeUnknown, ProtocolError, LineError) as error:
            evidence = await asyncio.shield(self._stopped_or_told())
            reason = f"{self.name} was told to play run {run_id}; then: {error}"
            raise OutcomeUnknown(reason, evidence) from error
        except DeviceFault:
            await asyncio.shield(self._stopped_or_told())
            raise
        return (Reading("run_id", run_id),)

    @override
    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        """Ask the robot for the run that was noted; one under way is waited for."""
        if action_name != "run_protocol" or not notes:
            return await super().settle(action_name, arguments, key=key, notes=notes)
        run_id, within_s = notes[-1], arguments.get("within_s", 0.0)
        patience_s = float(within_s) if isinstance(within_s, int | float) else 0.0
        deadline_s = self.clock.monotonic_s() + patience_s
        while True:
            run = codec.run_in(await self._ask(codec.question("runs", run_id)))
            evidence = f"run {run_id} is {run.state}, {run.n_actions} orders, {run.error}"
            if run.state == "idle":
                verdict = Verdict.CANNOT_TELL if run.n_actions else Verdict.DID_NOT_RUN
                return Settlement(verdict, evidence)
            if run.state == "succeeded":
                return Settlement(Verdict.RAN, evidence, (Reading("run_id", run_id),))
            if run.state in codec.ENDED:
                return Settlement(Verdict.PARTLY, evidence)
            if self.clock.monotonic_s() > deadline_s:
                return Settlement(Verdict.CANNOT_TELL, evidence)
            await self.clock.sleep(POLL_S)

    async def _made_run(self, protocol: str) -> str:
        """Give the robot the protocol, if it lacks it, and make a run of it; nothing moves."""
        text = await self._text_of(protocol)
        key, values = codec.key_of(text), self.settings.parameters.get(protocol, {})
        try:
            known = codec.uploaded_with(await self._ask(codec.question("protocols")), key)
            if known is None:
                known = codec.id_in(await self._ask(codec.upload(f"{protocol}.py", text, key)))
            return codec.id_in(await self._ask(codec.create_run(known, dict(values))))
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been told to move when this happened: {error}"
            raise NothingDone(reason) from error

    async def _play(self, run_id: str) -> None:
        try:
            await self._ask(codec.act_on_run(run_id, "play"))
        except LineError as error:
            reason = f"{self.name} was not told to play run {run_id}: {error}"
            raise NothingDone(reason) from error

    async def _succeeded(self, run_id: str, deadline_s: float) -> None:
        while (run := await self._run(run_id)).state not in codec.ENDED:
            if self.clock.monotonic_s() > deadline_s:
                text = f"run {run_id} is {run.state}, expected it to have ended"
                raise DeviceFault(self.name, code="late", text=text)
            await self.clock.sleep(min(POLL_S, max(0.1, deadline_s - self.clock.monotonic_s())))
        if run.state != "succeeded":
            text = f"run {run_id} {run.state}: {run.error or 'no reason given'}"
            raise DeviceFault(self.name, code=run.state, text=text)

    async def _run(self, run_id: str) -> Run:
        return codec.run_in(await self._ask(codec.question("runs", run_id)))

    async def _stopped_or_told(self) -> str:
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: the run is not proved to have ended", self.name)
            return f"then stopping it was tried, and it is not proved to have ended: {error}"
        return "then it was stopped"

    async def _text_of(self, protocol: str) -> str:
        """Return the text of a protocol, from its file if the settings name one."""
        said = self.settings.protocols[protocol]
        if not Path(said.splitlines()[0] if said else "").is_absolute() or "\n" in said:
            return said
        key = f"instruments.{self.name}.settings.protocols.{protocol}"
        try:
            text = await self.clock.call_blocking(lambda: Path(said).read_text("utf-8"), None)
        except (OSError, UnicodeDecodeError) as error:
            raise RigError(key, got=said, expected=f"a file that can be read: {error}") from error
        if len(text.encode("utf-8")) > LONGEST_PROTOCOL_BYTES:
            raise RigError(key, got=len(text), expected=f"at most {LONGEST_PROTOCOL_BYTES} bytes")
        return text

    async def _ask(self, request: Request, *, is_urgent: bool = False) -> Reply:
        """Send one request and return its answer.

        Raises:
            DeviceFault: The robot refuses.
        """
        frame = await self._conversation.ask(
            codec.encode(request), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        reply = codec.decode(frame)
        refusal = codec.refusal_in(reply)
        if refusal is not None:
            raise DeviceFault(self.name, code=refusal[0], text=refusal[1])
        return reply

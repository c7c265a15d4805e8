"""One relay of a Numato Lab USB relay module, with a solenoid valve or a shaker behind it.

The module keeps no record: it can say whether the relay is on, never for how long it was. What
stands behind the relay is therefore blind, and every way out of an action leaves the relay off.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.numato_usb_relay.codec import (
    N_RELAYS,
    REPLY_END,
    Reply,
    Request,
    decode,
    encode,
    firmware_from,
    is_on_from,
    is_refusal,
    module_id_from,
    text_from_relay,
)
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
from drivers.ticket import Settlement, Verdict

__all__ = ["NumatoUsbRelay", "NumatoUsbRelaySettings"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 2.0
LATENESS_FRACTION: Final = 0.05
LATENESS_S: Final = 1.0
"""A relay that is off so much later than asked has let too much through."""

DurationS = Annotated[float, Within(0.1, 3600.0)]
T = TypeVar("T")


class NumatoUsbRelaySettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a relay."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    address: int = Field(ge=0, lt=N_RELAYS)
    """Which relay of the module, from 0; several of one module share its line."""
    module_id: str | None = Field(default=None, pattern=r"^[0-9A-Za-z.]{8}$")
    """What ``id get`` must answer; any module will do if left out."""
    flow_ul_per_s: float = Field(default=0.0, ge=0.0, le=1e6)
    """What flows while the relay is on; only a dry-run uses it. 0 where nothing flows."""


class NumatoUsbRelay(Instrument):
    """One relay; `stop` and `make_safe` switch it off and read it back.

    References:
        Numato Lab, 4 Channel USB Relay Module, user guide and sample code; see card.toml.
    """

    model: ClassVar[str] = "Numato Lab USB relay"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "open_duration_s": Within(0.0, 1e6),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: NumatoUsbRelaySettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._relay = text_from_relay(settings.address)
        self._conversation = Conversation(line, clock, reply_end=REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "NumatoUsbRelay":
        return cls(name, line, clock, settings_in(NumatoUsbRelaySettings, name, settings))

    @override
    async def connect(self) -> str:
        firmware = firmware_from(await self._ask(Request("ver")))
        module_id = module_id_from(await self._ask(Request("id get")))
        expected = self.settings.module_id
        if expected is not None and module_id != expected:
            key = f"instruments.{self.name}.settings.module_id"
            raise RigError(key, got=module_id, expected=expected)
        await self.stop()
        return f"{self.model} {self._relay}, firmware {firmware}, module {module_id}"

    @override
    async def stop(self) -> None:
        """Switch the relay off, now, and read it back.

        The module repeats what it hears and answers in order, so that the read-back which follows
        the repeated command cannot be older than it.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: The relay is not proved to be off.
        """
        evidence: list[str] = []
        for _ in range(3):
            try:
                await self._switch("off", is_urgent=True)
                if not await self._is_on(is_urgent=True):
                    return
                evidence.append("it reads back on")
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
        raise OutcomeUnknown(f"{self.name} may still be on", "; ".join(evidence))

    @override
    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        """Say that only a person can know, with the state of the relay as evidence."""
        usual = await super().settle(action_name, arguments, key=key, notes=notes)
        if usual.verdict is not Verdict.CANNOT_TELL:
            return usual
        state = "on" if await self._is_on(is_urgent=True) else "off"
        told = ", ".join(notes) or "nothing noted"
        evidence = f"{usual.evidence}; told: {told}; the relay is {state} now"
        return Settlement(Verdict.CANNOT_TELL, evidence)

    @action(
        recovery=RecoveryClass.BLIND,
        duration_s=lambda duration_s: duration_s + 4.0,
        readings=("open_duration_s",),
    )
    async def open_for(self, *, duration_s: DurationS) -> tuple[Reading, ...]:
        """Dispense by time: switch the relay on, wait, switch it off, read it back.

        Args:
            duration_s: How long it is to be on, in seconds.

        Raises:
            DeviceFault: The module refuses, the relay was on already, did not follow, or was on
                for longer than asked.
            NothingDone: The relay's state could not be read before; it was not switched.
            OutcomeUnknown: An answer is missing; the relay has been told to go off.
        """
        if await self._before_acting(self._is_on()):
            text = "the relay is on already; somebody else uses it"
            raise DeviceFault(self.name, code="on", text=text)
        await self.ticket.about_to_act(f"relay {self._relay} on for {duration_s:g} s")
        open_s = await self._or_off(self._on_for(duration_s))
        return (Reading("open_duration_s", open_s),)

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=4.0, readings=("relay_state",))
    async def set_relay(self, *, state: str) -> tuple[Reading, ...]:
        """Set the relay and read it back; a relay that is set on stays on.

        Args:
            state: ``on`` or ``off``.

        Raises:
            LimitError: Another word.
            DeviceFault: The module refuses, or the relay reads back differently.
            OutcomeUnknown: An answer is missing; the relay has been told to go off.
        """
        if state not in {"on", "off"}:
            raise LimitError(f"{self.name}.set_relay.state", got=state, expected="'on' or 'off'")
        await self.ticket.about_to_act(f"relay {self._relay} {state}")
        await self._or_off(self._set(state))
        return (Reading("relay_state", state),)

    @action(recovery=RecoveryClass.PURE, duration_s=2.0, readings=("relay_state",))
    async def read_relay(self) -> tuple[Reading, ...]:
        """Read whether the relay is on or off.

        Raises:
            OutcomeUnknown: The module does not answer.
        """
        return (Reading("relay_state", "on" if await self._is_on() else "off"),)

    async def _on_for(self, duration_s: float) -> float:
        """Be on for a while and return for how long, in seconds of this side of the wire."""
        now_s = self.clock.monotonic_s
        await self._begin("on")
        begun_s = now_s()
        await self._verify("on")
        await self.clock.sleep(max(0.0, begun_s + duration_s - now_s()))
        await self._switch("off")
        open_s = now_s() - begun_s
        await self._verify("off")
        spare_s = LATENESS_S + self.clock.shortest_wait_s
        if open_s > duration_s * (1.0 + LATENESS_FRACTION) + spare_s:
            text = f"on for {open_s:.2f} s, expected {duration_s:g} s"
            raise DeviceFault(self.name, code="late", text=text, acted=True)
        return open_s

    async def _set(self, state: str) -> None:
        await self._begin(state)
        await self._verify(state)

    async def _before_acting(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been switched when this happened: {error}"
            raise NothingDone(reason) from error

    async def _or_off(self, work: Awaitable[T]) -> T:
        """Do something that switches; whatever goes wrong, the relay is off afterwards."""
        try:
            return await work
        except asyncio.CancelledError:
            await asyncio.shield(self._off_or_tell())
            raise
        except _NotTaken as error:
            raise error.cause from error
        except DriverError as error:
            evidence = await asyncio.shield(self._off_or_tell())
            if isinstance(error, DeviceFault):
                fault = DeviceFault(error.device, code=error.code, text=error.text, acted=True)
                raise fault from error
            reason = f"{self.name} was told to switch; then it was cut off: {error}"
            raise OutcomeUnknown(reason, evidence) from error

    async def _off_or_tell(self) -> str:
        """Switch off, and say in words how that went."""
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: it is not proved to be off", self.name)
            return f"then switching it off was tried, and it is not proved to be off: {error}"
        return "then it was switched off; for how long it was on is not known"

    async def _verify(self, state: str) -> None:
        got = "on" if await self._is_on() else "off"
        if got != state:
            text = f"reads back {got}, expected {state}"
            raise DeviceFault(self.name, code=f"relay {self._relay}", text=text)

    async def _begin(self, state: str) -> None:
        """Switch for the first time in an action: what was not taken did not touch matter."""
        try:
            await self._switch(state)
        except (DeviceFault, LineError) as error:
            raise _NotTaken(error) from error

    async def _switch(self, state: str, *, is_urgent: bool = False) -> None:
        reply = await self._ask(Request(f"relay {state}", self._relay), is_urgent=is_urgent)
        if reply.text:
            raise ProtocolError(f"{self.name}: an answer to a switch", reply.text.encode("ascii"))

    async def _is_on(self, *, is_urgent: bool = False) -> bool:
        return is_on_from(await self._ask(Request("relay read", self._relay), is_urgent=is_urgent))

    async def _ask(self, request: Request, *, is_urgent: bool = False) -> Reply:
        """Send a request and return what follows its repetition; other frames are skipped."""
        data = encode(request)
        echo = data.decode("ascii").rstrip()
        frame = await self._conversation.ask(
            data,
            timeout_s=REPLY_TIMEOUT_S,
            is_reply=lambda frame: decode(frame).echo == echo,
            is_urgent=is_urgent,
        )
        reply = decode(frame)
        if is_refusal(reply):
            raise DeviceFault(self.name, code=reply.text, text=f"refused {echo!r}")
        return reply


class _NotTaken(DriverError):
    """The relay was not switched: the module refused, or nothing was sent.

    Args:
        cause: What says so.
    """

    def __init__(self, cause: DeviceFault | LineError) -> None:
        super().__init__(str(cause))
        self.cause = cause

"""Mettler Toledo balances that speak MT-SICS: tare, zero, weigh."""

import asyncio
import logging
from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from drivers.acting import having_acted
from drivers.clock import Clock
from drivers.devices.mettler_toledo_sics.codec import (
    REPLY_END,
    Reply,
    Request,
    decode,
    encode,
    identity_from,
    weight_from,
)
from drivers.errors import (
    DeviceFault,
    DriverError,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line
from drivers.sics import GENERAL_FAULTS, STATUS_FAULTS

__all__ = ["MettlerToledoSics", "MettlerToledoSicsSettings"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 3.0


class MettlerToledoSicsSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a balance."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    stability_timeout_s: float = Field(default=60.0, ge=1.0, le=600.0)
    """How long a stable weight may take to come; longer than the balance's own limit."""
    read_back_tolerance_g: float = Field(default=0.005, gt=0.0, le=10.0)
    """How far the weight may stand from 0 right after zeroing."""


class MettlerToledoSics(Instrument):
    """A balance with MT-SICS levels 0 and 1.

    References:
        MT-SICS reference manual 11780711, levels 0 and 1; see card.toml.
    """

    model: ClassVar[str] = "Mettler Toledo MT-SICS"
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "tare_g": Within(-65_000.0, 65_000.0),
        "mass_g": Within(-65_000.0, 65_000.0),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: MettlerToledoSicsSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "MettlerToledoSics":
        return cls(name, line, clock, settings_in(MettlerToledoSicsSettings, name, settings))

    @override
    async def connect(self) -> str:
        data = identity_from(await self._ask("I2"))
        serial_number = identity_from(await self._ask("I4"))
        if not data.endswith((" g", " mg", " kg")):
            expected = "type, capacity and a unit of mass"
            raise RigError(f"instruments.{self.name}", got=data, expected=expected)
        return f"Mettler Toledo {data}, serial number {serial_number}"

    @override
    async def stop(self) -> None:
        """Stop nothing: a balance has no moving part, and resetting it would lose the tare."""

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=6.0, readings=("tare_g",))
    async def tare(self) -> tuple[Reading, ...]:
        """Set the present load as tare, once it is stable, and read the tare memory back.

        Raises:
            DeviceFault: Overload, underload, no stable weight, or the read-back differs.
            OutcomeUnknown: The balance does not answer.
        """
        tared = await self._act("T", timeout_s=self.settings.stability_timeout_s)
        with having_acted(self.name):
            tared_g = weight_from(tared).mass_g
            memory_g = weight_from(await self._ask("TA")).mass_g
        if tared_g != memory_g:
            text = f"the tare memory holds {memory_g:g} g, expected {tared_g:g} g"
            raise DeviceFault(self.name, code="TA", text=text, acted=True)
        return (Reading("tare_g", memory_g),)

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=6.0, readings=("mass_g",))
    async def zero(self) -> tuple[Reading, ...]:
        """Set the zero point to the present load, once it is stable; this clears the tare.

        Raises:
            DeviceFault: Overload, underload, no stable weight, or the weight is not 0 afterwards.
            OutcomeUnknown: The balance does not answer.
        """
        await self._act("Z", timeout_s=self.settings.stability_timeout_s)
        with having_acted(self.name):
            mass_g = weight_from(await self._ask("SI", answered_by="S")).mass_g
        tolerance_g = self.settings.read_back_tolerance_g
        if abs(mass_g) > tolerance_g:
            text = f"reads {mass_g:g} g after zeroing, expected 0 within {tolerance_g:g} g"
            raise DeviceFault(self.name, code="Z", text=text, acted=True)
        return (Reading("mass_g", mass_g),)

    @action(recovery=RecoveryClass.PURE, duration_s=6.0, readings=("mass_g",))
    async def measure_mass(self) -> tuple[Reading, ...]:
        """Measure the net mass, once it is stable.

        Raises:
            DeviceFault: Overload, underload, or no stable weight in the balance's own time.
            OutcomeUnknown: The balance does not answer.
        """
        reply = await self._ask("S", timeout_s=self.settings.stability_timeout_s)
        weight = weight_from(reply)
        if not weight.is_stable:
            raise ProtocolError(f"{self.name}: a dynamic weight in answer to S", b"S D")
        return (Reading("mass_g", weight.mass_g),)

    @action(recovery=RecoveryClass.PURE, duration_s=0.5, readings=("mass_g", "stability"))
    async def measure_mass_immediately(self) -> tuple[Reading, ...]:
        """Measure the net mass at once, stable or not.

        Raises:
            DeviceFault: Overload or underload.
            OutcomeUnknown: The balance does not answer.
        """
        weight = weight_from(await self._ask("SI", answered_by="S"))
        stability = "stable" if weight.is_stable else "dynamic"
        return (Reading("mass_g", weight.mass_g), Reading("stability", stability))

    async def _act(self, command: str, *, timeout_s: float) -> Reply:
        """Send a request that changes the balance; an unreadable answer leaves it unknown.

        The balance carries it out when the weight is stable, be it much later: a request that is
        given up is cancelled there too.
        """
        try:
            return await self._ask(command, timeout_s=timeout_s)
        except asyncio.CancelledError:
            await asyncio.shield(self._reset())
            raise
        except OutcomeUnknown:
            await asyncio.shield(self._reset())
            raise
        except ProtocolError as error:
            reason = f"{self.name}: the answer to {command} cannot be read"
            raise OutcomeUnknown(reason, repr(error.raw)) from error

    async def _reset(self) -> None:
        """Cancel what the balance has pending; this clears the tare, which nobody can rely on."""
        try:
            await self._conversation.ask(
                encode(Request("@")),
                timeout_s=REPLY_TIMEOUT_S,
                is_reply=lambda frame: decode(frame).command == "I4",
                is_urgent=True,
            )
        except DriverError:
            logger.exception("%s: the reset is not confirmed", self.name)

    async def _ask(
        self, command: str, *, answered_by: str = "", timeout_s: float = REPLY_TIMEOUT_S
    ) -> Reply:
        """Send a request and return the reply that names it; frames that name another are old."""
        awaited = {answered_by or command, *GENERAL_FAULTS}
        frame = await self._conversation.ask(
            encode(Request(command)),
            timeout_s=timeout_s,
            is_reply=lambda frame: decode(frame).command in awaited,
        )
        reply = decode(frame)
        if reply.command in GENERAL_FAULTS:
            text = GENERAL_FAULTS[reply.command]
            raise DeviceFault(self.name, code=reply.command, text=text)
        if reply.status in STATUS_FAULTS:
            text = STATUS_FAULTS[reply.status]
            raise DeviceFault(self.name, code=f"{reply.command} {reply.status}", text=text)
        if reply.fields[:1] == ("Error",):
            text = " ".join(reply.fields)
            raise DeviceFault(self.name, code=text, text="the weighing cell reports an error")
        return reply

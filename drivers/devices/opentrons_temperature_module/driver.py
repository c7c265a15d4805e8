"""The Opentrons Temperature Module: a plate that heats and cools between 4 and 95 degrees."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Annotated, ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.opentrons_temperature_module import codec
from drivers.devices.opentrons_temperature_module.codec import Reply, Request, State
from drivers.errors import (
    DeviceFault,
    DriverError,
    LineError,
    NothingDone,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line

__all__ = ["OpentronsTemperatureModule", "OpentronsTemperatureModuleSettings"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 2.0
POLL_S: Final = 5.0
SAME_C: Final = 0.002
"""A target that reads back within this is the one that was set: it carries three decimals."""
SLOWEST_C_PER_S: Final = 0.15
"""Assumed for the expected duration alone: how fast the plate comes near its target."""
LATE_FACTOR: Final = 3.0
ROOM_C: Final = 22.0

TemperatureC = Annotated[float, Within(4.0, 95.0)]
DwellMin = Annotated[float, Within(0.1, 1440.0)]
T = TypeVar("T")


class OpentronsTemperatureModuleSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a module."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    serial_number: str | None = Field(default=None, min_length=1)
    """What it must say of itself, as on its label; anything if left out."""
    tolerance_c: float = Field(default=0.5, ge=0.1, le=5.0)
    """A temperature is reached this close to it, in degrees Celsius."""
    deviation_c: float = Field(default=3.0, ge=0.5, le=20.0)
    """Further from a temperature that was reached than this, the module is at fault."""


def _reaching_s(temperature_c: float) -> float:
    return abs(temperature_c - ROOM_C) / SLOWEST_C_PER_S + 60.0


def _duration_of_holding_s(*, temperature_c: float, dwell_min: float) -> float:
    return _reaching_s(temperature_c) + 60.0 * dwell_min + 10.0


def _duration_of_setting_s(*, temperature_c: float) -> float:
    return _reaching_s(temperature_c)


class OpentronsTemperatureModule(Instrument):
    """One module; `stop` and `make_safe` disengage it, and read that back."""

    model: ClassVar[str] = "Opentrons Temperature Module"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "temperature_c": Within(-20.0, 120.0),
        "set_point_c": Within(-20.0, 120.0),
        "lowest_temperature_c": Within(-20.0, 120.0),
        "highest_temperature_c": Within(-20.0, 120.0),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: OpentronsTemperatureModuleSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "OpentronsTemperatureModule":
        return cls(
            name, line, clock, settings_in(OpentronsTemperatureModuleSettings, name, settings)
        )

    @override
    async def connect(self) -> str:
        found = codec.identity_from(await self._ask(Request("M115")))
        if not found.model.startswith("temp_deck"):
            key = f"instruments.{self.name}.line"
            raise RigError(key, got=found.model, expected="a temp_deck at the other end")
        expected = self.settings.serial_number
        if expected is not None and found.serial_number != expected:
            key = f"instruments.{self.name}.settings.serial_number"
            raise RigError(key, got=found.serial_number, expected=expected)
        await self.stop()
        return f"{self.model} {found.model}, serial {found.serial_number}, {found.version}"

    @override
    async def stop(self) -> None:
        """Disengage it, now, and read that back.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: It is not proved to be off.
        """
        evidence: list[str] = []
        for _ in range(3):
            try:
                await self._ask(Request("M18"), is_urgent=True)
                state = codec.state_from(await self._ask(Request("M105"), is_urgent=True))
                if state.target_c is None:
                    return
                evidence.append(f"it still holds {state.target_c:g} C")
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
        raise OutcomeUnknown(f"{self.name} may still heat or cool", "; ".join(evidence))

    @action(recovery=RecoveryClass.PURE, duration_s=1.0, readings=("temperature_c",))
    async def measure_temperature(self) -> tuple[Reading, ...]:
        """Measure the temperature of the plate.

        Raises:
            DeviceFault: The module does not say it.
            OutcomeUnknown: It does not answer.
        """
        return (Reading("temperature_c", (await self._state()).temperature_c),)

    @action(
        recovery=RecoveryClass.IDEMPOTENT,
        duration_s=_duration_of_setting_s,
        readings=("set_point_c", "temperature_c"),
    )
    async def set_temperature(self, *, temperature_c: TemperatureC) -> tuple[Reading, ...]:
        """Set the temperature and wait until it is reached; the plate goes on holding it.

        Args:
            temperature_c: Of the plate, in degrees Celsius.

        Raises:
            DeviceFault: It reads back differently, or is not reached in time.
            NothingDone: The module could not be asked beforehand; it did not heat or cool.
            OutcomeUnknown: An answer is missing; it has been told to disengage.
        """
        wait_s = await self._begin(temperature_c)
        state = await self._or_off(self._reached(temperature_c, wait_s))
        return (
            Reading("set_point_c", temperature_c),
            Reading("temperature_c", state.temperature_c),
        )

    @action(
        recovery=RecoveryClass.BLIND,
        duration_s=_duration_of_holding_s,
        readings=("lowest_temperature_c", "highest_temperature_c"),
    )
    async def hold_temperature(
        self, *, temperature_c: TemperatureC, dwell_min: DwellMin
    ) -> tuple[Reading, ...]:
        """Set the temperature, hold it for some time once it is reached, then disengage.

        Args:
            temperature_c: Of the plate, in degrees Celsius.
            dwell_min: How long it is held, in minutes.

        Raises:
            DeviceFault: It reads back differently, is not reached in time, or wanders off.
            NothingDone: The module could not be asked beforehand; it did not heat or cool.
            OutcomeUnknown: An answer is missing; it has been told to disengage.
        """
        wait_s = await self._begin(temperature_c)
        seen = await self._or_off(self._held(temperature_c, wait_s, 60.0 * dwell_min))
        return (
            Reading("lowest_temperature_c", min(seen)),
            Reading("highest_temperature_c", max(seen)),
        )

    async def _begin(self, temperature_c: float) -> float:
        """Look how far it is and note what will be done; return how long to wait at most."""
        try:
            state = await self._state()
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been told to heat or cool when this happened: {error}"
            raise NothingDone(reason) from error
        await self.ticket.about_to_act(f"{temperature_c:g} C")
        way_c = abs(temperature_c - state.temperature_c)
        return LATE_FACTOR * (way_c / SLOWEST_C_PER_S + 60.0)

    async def _reached(self, temperature_c: float, wait_s: float) -> State:
        try:
            await self._ask(Request("M104", temperature_c))
        except LineError as error:
            raise NothingDone(f"{self.name} was not told to heat or cool: {error}") from error
        deadline_s = self.clock.monotonic_s() + wait_s
        while True:
            state = await self._followed(temperature_c)
            if abs(state.temperature_c - temperature_c) <= self.settings.tolerance_c:
                return state
            if self.clock.monotonic_s() > deadline_s:
                text = f"{state.temperature_c:g} C, expected {temperature_c:g} C by now"
                raise DeviceFault(self.name, code="late", text=text)
            await self.clock.sleep(POLL_S)

    async def _held(self, temperature_c: float, wait_s: float, dwell_s: float) -> list[float]:
        seen = [(await self._reached(temperature_c, wait_s)).temperature_c]
        ends_s = self.clock.monotonic_s() + dwell_s
        while (left_s := ends_s - self.clock.monotonic_s()) > 0.0:
            await self.clock.sleep(min(POLL_S, left_s))
            seen.append((await self._followed(temperature_c)).temperature_c)
            if abs(seen[-1] - temperature_c) > self.settings.deviation_c:
                text = f"{seen[-1]:g} C, expected about {temperature_c:g} C"
                raise DeviceFault(self.name, code="deviation", text=text)
        await self.stop()
        return seen

    async def _followed(self, temperature_c: float) -> State:
        state = await self._state()
        if state.target_c is None or abs(state.target_c - temperature_c) > SAME_C:
            text = f"its target reads {state.target_c} C, expected {temperature_c:g} C"
            raise DeviceFault(self.name, code="read-back", text=text)
        return state

    async def _or_off(self, work: Awaitable[T]) -> T:
        """Do something that heats or cools; whatever goes wrong, it is disengaged afterwards."""
        try:
            return await work
        except asyncio.CancelledError:
            await asyncio.shield(self._off_or_tell())
            raise
        except NothingDone:
            raise
        except DriverError as error:
            evidence = await asyncio.shield(self._off_or_tell())
            if isinstance(error, DeviceFault):
                text = f"{error.text}; {evidence}"
                raise DeviceFault(self.name, code=error.code, text=text, acted=True) from error
            reason = f"{self.name} was told to heat or cool; then it was cut off: {error}"
            raise OutcomeUnknown(reason, evidence) from error

    async def _off_or_tell(self) -> str:
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: it is not proved to be off", self.name)
            return f"then disengaging it was tried, and it is not proved to be off: {error}"
        return "then it was disengaged"

    async def _state(self) -> State:
        return codec.state_from(await self._ask(Request("M105")))

    async def _ask(self, request: Request, *, is_urgent: bool = False) -> Reply:
        """Send one request and return its answer.

        Raises:
            DeviceFault: A question was only acknowledged.
            OutcomeUnknown: No answer came.
            ProtocolError: The answer is not readable.
        """
        frame = await self._conversation.ask(
            codec.encode(request), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        reply = codec.decode(frame)
        is_question = request.command in {"M105", "M115"}
        if is_question and not reply.text:
            raise DeviceFault(self.name, code="ignored", text=f"{request.command} was not answered")
        if not is_question and reply.text:
            raise ProtocolError(f"not an acknowledgement of {request.command}", frame)
        return reply

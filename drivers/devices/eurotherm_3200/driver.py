"""A Eurotherm 3200 controller with a furnace: fires what is in it, and is off otherwise."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeVar

from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.eurotherm_3200 import codec
from drivers.devices.eurotherm_3200.codec import Mode, Register
from drivers.devices.eurotherm_3200.settings import Eurotherm3200Settings
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

__all__ = ["Eurotherm3200"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 1.0
POLL_S: Final = 15.0
ROOM_C: Final = 20.0
COOLING_S: Final = 2400.0
"""Assumed for the expected duration alone: a furnace cools so that its excess falls to 1/e."""
LONGEST_COOLING_S: Final = 48 * 3600.0

TemperatureC = Annotated[float, Within(0.0, 1600.0)]
DwellMin = Annotated[float, Within(0.1, 2880.0)]
WithinMin = Annotated[float, Within(0.1, 2880.0)]
RampCPerMin = Annotated[float, Within(0.1, 50.0)]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _State:
    """What the controller says of the furnace at one moment, in degrees Celsius."""

    temperature_c: float
    set_point_c: float


def _duration_of_firing_s(
    *, temperature_c: float, dwell_min: float, ramp_c_per_min: float
) -> float:
    ramp_min = max(0.0, temperature_c - ROOM_C) / ramp_c_per_min
    cooling_s = COOLING_S * math.log(max(1.0, (temperature_c - ROOM_C) / (60.0 - ROOM_C)))
    return 60.0 * (1.1 * ramp_min + dwell_min) + cooling_s + 120.0


class Eurotherm3200(Instrument):
    """One controller; `stop` and `make_safe` put it into manual with no output, and read it back.

    References: 3200 series engineering handbook HA028651; see card.toml for what was read.
    """

    model: ClassVar[str] = "Eurotherm 3200"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "temperature_c": Within(-200.0, 1800.0),
        "set_point_c": Within(-200.0, 1800.0),
        "peak_temperature_c": Within(-200.0, 1800.0),
        "unload_temperature_c": Within(-200.0, 1800.0),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: Eurotherm3200Settings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.n_bytes_missing)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "Eurotherm3200":
        return cls(name, line, clock, settings_in(Eurotherm3200Settings, name, settings))

    @override
    async def connect(self) -> str:
        (kind,) = await self._read(Register.INSTRUMENT_TYPE)
        expected, key = self.settings.instrument_type, f"instruments.{self.name}.settings"
        if expected is not None and kind & 0xFFFF != expected:
            raise RigError(f"{key}.instrument_type", got=kind & 0xFFFF, expected=f"{expected}")
        (unit,) = await self._read(Register.RATE_UNIT)
        if unit != 0:
            raise RigError(key, got=unit, expected="rates in degrees a minute (register 531 at 0)")
        high_c, low_c = map(self._in_c, await self._read(Register.SET_POINT_HIGH, 2))
        if not low_c < high_c:
            raise RigError(f"{key}.n_decimals", got=(low_c, high_c), expected="set-point limits")
        if self.settings.highest_c > high_c:
            expects = f"at most the controller's own limit, {high_c:g} C"
            raise RigError(f"{key}.highest_c", got=self.settings.highest_c, expected=expects)
        await self.stop()
        return f"{self.model} type {kind & 0xFFFF:#06x}, address {self.settings.address}"

    @override
    async def stop(self) -> None:
        """Stop heating, now, and read it back, twice: an answer names no question.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: The output is not proved to be off.
        """
        evidence: list[str] = []
        for _ in range(3):
            try:
                await self._write(Register.MODE, Mode.MANUAL, is_urgent=True)
                await self._write(Register.MANUAL_OUTPUT, 0, is_urgent=True)
                seen = [await self._mode_and_outputs() for _ in range(2)]
                if set(seen) == {(Mode.MANUAL, 0, 0)}:
                    return
                evidence.append(f"mode and outputs {seen}")
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
        raise OutcomeUnknown(f"{self.name} may still heat", "; ".join(evidence))

    @action(recovery=RecoveryClass.PURE, duration_s=2.0, readings=("temperature_c",))
    async def measure_temperature(self) -> tuple[Reading, ...]:
        """Measure the temperature of the furnace.

        Raises:
            DeviceFault: The thermocouple is broken or out of its range.
            OutcomeUnknown: The controller does not answer.
        """
        return (Reading("temperature_c", (await self._state()).temperature_c),)

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=4.0, readings=("set_point_c",))
    async def set_temperature(self, *, temperature_c: TemperatureC) -> tuple[Reading, ...]:
        """Set the temperature to hold from now on, until it is stopped.

        Args:
            temperature_c: In degrees Celsius, at most the setting ``highest_c``.

        Raises:
            LimitError: More than the furnace bears.
            DeviceFault: The controller refuses, reads back differently, or reports an alarm.
            NothingDone: It could not be prepared; it does not heat.
            OutcomeUnknown: An answer is missing; the output has been told to go off.
        """
        self._check("set_temperature", temperature_c)
        await self._before_acting(self._prepare(temperature_c, ramp_c_per_min=0.0))
        await self.ticket.about_to_act(f"hold {temperature_c:g} C")
        await self._or_off(self._begin())
        return (Reading("set_point_c", temperature_c),)

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=lambda *, temperature_c, within_min: 60.0 * float(within_min),
        readings=("temperature_c",),
    )
    async def wait_until_reached(
        self, *, temperature_c: TemperatureC, within_min: WithinMin
    ) -> tuple[Reading, ...]:
        """Wait until the furnace has come close to a temperature, by the setting ``tolerance_c``.

        Args:
            temperature_c: In degrees Celsius.
            within_min: How long it may take, in minutes.

        Raises:
            DeviceFault: It has not come there in time, or the thermocouple is broken.
            OutcomeUnknown: The controller does not answer.
        """
        deadline_s = self.clock.monotonic_s() + 60.0 * within_min
        while True:
            got_c = (await self._state()).temperature_c
            if abs(got_c - temperature_c) <= self.settings.tolerance_c:
                return (Reading("temperature_c", got_c),)
            left_s = deadline_s - self.clock.monotonic_s()
            if left_s <= 0.0:
                text = f"{got_c:g} C after {within_min:g} min, expected {temperature_c:g} C"
                raise DeviceFault(self.name, code="late", text=text)
            await self.clock.sleep(min(POLL_S, left_s))

    @action(
        recovery=RecoveryClass.BLIND,
        duration_s=_duration_of_firing_s,
        readings=("peak_temperature_c", "unload_temperature_c"),
    )
    async def fire(
        self, *, temperature_c: TemperatureC, dwell_min: DwellMin, ramp_c_per_min: RampCPerMin
    ) -> tuple[Reading, ...]:
        """Start one firing of all that is in the furnace, and wait until it is cold again.

        Args:
            temperature_c: Of the dwell, in degrees Celsius, at most the setting ``highest_c``.
            dwell_min: How long it stays there, in minutes.
            ramp_c_per_min: How fast it goes there, in degrees Celsius a minute.

        Raises:
            LimitError: More than the furnace bears.
            DeviceFault: The controller refuses, reads back differently, reports an alarm, or the
                furnace does not follow.
            NothingDone: It could not be prepared; it did not heat.
            OutcomeUnknown: An answer is missing; the output has been told to go off.
        """
        self._check("fire", temperature_c)
        state = await self._before_acting(self._prepare(temperature_c, ramp_c_per_min))
        text = f"{temperature_c:g} C for {dwell_min:g} min at {ramp_c_per_min:g} C/min"
        await self.ticket.about_to_act(text)
        ramp_s = 60.0 * abs(temperature_c - state.temperature_c) / ramp_c_per_min
        return await self._or_off(self._fire(temperature_c, 60.0 * dwell_min, ramp_s))

    async def _fire(
        self, temperature_c: float, dwell_s: float, ramp_s: float
    ) -> tuple[Reading, ...]:
        now_s, settings = self.clock.monotonic_s, self.settings
        await self._begin()
        deadline_s = now_s() + 1.2 * ramp_s + 1800.0
        state = peak = await self._followed()
        while abs(state.temperature_c - temperature_c) > settings.tolerance_c:
            if now_s() > deadline_s:
                text = f"{state.temperature_c:g} C, expected {temperature_c:g} C by now"
                raise DeviceFault(self.name, code="late", text=text)
            state = await self._after(POLL_S)
            peak = max(peak, state, key=lambda seen: seen.temperature_c)
        ends_s = now_s() + dwell_s
        while (left_s := ends_s - now_s()) > 0.0:
            state = await self._after(min(POLL_S, left_s))
            peak = max(peak, state, key=lambda seen: seen.temperature_c)
        await self.stop()
        deadline_s = now_s() + LONGEST_COOLING_S
        while (state := await self._state()).temperature_c >= settings.unload_below_c:
            if now_s() > deadline_s:
                raise DeviceFault(self.name, code="hot", text=f"still {state.temperature_c:g} C")
            await self.clock.sleep(POLL_S)
        return (
            Reading("peak_temperature_c", peak.temperature_c),
            Reading("unload_temperature_c", state.temperature_c),
        )

    async def _after(self, wait_s: float) -> _State:
        await self.clock.sleep(wait_s)
        return await self._followed()

    async def _followed(self) -> _State:
        """Read the state of a furnace that heats.

        Raises:
            DeviceFault: It is too far from its working set-point, or not in automatic.
        """
        state = await self._state()
        if abs(state.temperature_c - state.set_point_c) > self.settings.deviation_c:
            text = f"{state.temperature_c:g} C, expected about {state.set_point_c:g} C"
            raise DeviceFault(self.name, code="deviation", text=text)
        self._verify(Register.MODE, (await self._read(Register.MODE))[0], Mode.AUTO)
        return state

    async def _state(self) -> _State:
        status = codec.status_from(await self._ask("read", Register.STATUS, 1))
        if status:
            words = ", ".join(bit.name.lower().replace("_", " ") for bit in status if bit.name)
            raise DeviceFault(self.name, code=f"status {status.value:#06x}", text=words)
        if self.settings.series == "3500":
            (temperature,) = await self._read(Register.LOOP_1_PROCESS_VALUE)
            (set_point,) = await self._read(Register.WORKING_SET_POINT)
        else:
            temperature, *_, set_point = await self._read(Register.PROCESS_VALUE, 5)
        return _State(self._in_c(temperature), self._in_c(set_point))

    async def _prepare(self, temperature_c: float, ramp_c_per_min: float) -> _State:
        """Switch off, then set rate and target and read both back; heats nothing."""
        await self.stop()
        state = await self._state()
        for register, value in (
            (Register.SET_POINT_RATE, ramp_c_per_min),
            (Register.SET_POINT_1, temperature_c),
        ):
            n_decimals = 1 if register is Register.SET_POINT_RATE else self.settings.n_decimals
            word = codec.word_from_temperature(value, n_decimals=n_decimals)
            await self._write(register, word)
            self._verify(register, (await self._read(register))[0] & 0xFFFF, word)
        (target,) = await self._read(Register.TARGET_SET_POINT)
        self._verify(Register.TARGET_SET_POINT, target & 0xFFFF, word)
        return state

    async def _begin(self) -> None:
        """Let it heat; what was not taken did not touch matter."""
        try:
            await self._write(Register.MODE, Mode.AUTO)
        except LineError as error:
            raise _NotTaken(error) from error
        except DeviceFault as error:
            (mode,) = await self._read(Register.MODE)
            if mode != Mode.AUTO:
                raise _NotTaken(error) from error
            raise  # an old refusal, or none of its own: it heats all the same
        self._verify(Register.MODE, (await self._read(Register.MODE))[0], Mode.AUTO)

    async def _before_acting(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been told to heat when this happened: {error}"
            raise NothingDone(reason) from error

    async def _or_off(self, work: Awaitable[T]) -> T:
        """Do something that heats; whatever goes wrong, the output is off afterwards."""
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
                text = f"{error.text}; {evidence}"
                raise DeviceFault(self.name, code=error.code, text=text, acted=True) from error
            reason = f"{self.name} was told to heat; then it was cut off: {error}"
            raise OutcomeUnknown(reason, evidence) from error

    async def _off_or_tell(self) -> str:
        """Switch off, and say in words how that went."""
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: it is not proved to be off", self.name)
            return f"then switching it off was tried, and it is not proved to be off: {error}"
        return "then it was switched off"

    async def _mode_and_outputs(self) -> tuple[int, ...]:
        outputs = await self._read(Register.MANUAL_OUTPUT, 2, is_urgent=True)
        return (*await self._read(Register.MODE, is_urgent=True), *outputs)

    def _check(self, name: str, temperature_c: float) -> None:
        highest_c = self.settings.highest_c
        if temperature_c > highest_c:
            where, expected = f"{self.name}.{name}.temperature_c", f"at most {highest_c:g} C"
            raise LimitError(where, got=temperature_c, expected=expected)

    def _in_c(self, number: int) -> float:
        return codec.temperature_from(number, n_decimals=self.settings.n_decimals)

    def _verify(self, register: Register, got: int, expected: int) -> None:
        if got != expected:
            text = f"register {register.value} reads back {got}, expected {expected}"
            raise DeviceFault(self.name, code=register.name, text=text)

    async def _write(self, register: Register, word: int, *, is_urgent: bool = False) -> None:
        await self._ask("write", register, word, is_urgent=is_urgent)

    async def _read(
        self, register: Register, n_words: int = 1, *, is_urgent: bool = False
    ) -> tuple[int, ...]:
        reply = await self._ask("read", register, n_words, is_urgent=is_urgent)
        return codec.numbers_from(reply)

    async def _ask(
        self, command: str, register: Register, number: int, *, is_urgent: bool = False
    ) -> codec.Reply:
        """Send one request and return its answer; frames that cannot answer it are skipped."""
        request = codec.Request(self.settings.address, command, (int(register), int(number)))
        frame = await self._conversation.ask(
            codec.encode(request),
            timeout_s=REPLY_TIMEOUT_S,
            is_reply=lambda frame: codec.is_answer(codec.decode(frame), request),
            is_urgent=is_urgent,
        )
        reply = codec.decode(frame)
        if (code := codec.refusal_in(reply)) is not None:
            text = f"{codec.REFUSALS.get(code, 'unknown refusal')} to {command} {register.name}"
            raise DeviceFault(self.name, code=f"exception {code}", text=text)
        return reply


class _NotTaken(DriverError):
    """It was not told to heat: the controller refused, or nothing was sent.

    Args:
        cause: What says so.
    """

    def __init__(self, cause: DeviceFault | LineError) -> None:
        super().__init__(str(cause))
        self.cause = cause

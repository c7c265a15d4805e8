"""A Keysight Truevolt multimeter: it only reads, as often as it is asked, and says the spread."""

import math
import statistics
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.keysight_truevolt import codec
from drivers.devices.keysight_truevolt.codec import Failure, Reply, Request
from drivers.errors import DeviceFault, DriverError, OutcomeUnknown, ProtocolError, RigError
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line

__all__ = ["KeysightTruevolt", "KeysightTruevoltSettings"]

REPLY_TIMEOUT_S: Final = 2.0
SLOWEST_READING_S: Final = 0.5
"""Ten power line cycles twice (it zeroes itself), and some of choosing a range."""
SET_UP_S: Final = 1.0
POWER_LINE_CYCLES: Final = (0.02, 0.2, 1.0, 10.0)
MODELS: Final = ("34460A", "34461A", "34465A", "34470A")

NReadings = Annotated[int, Within(1, 1000)]


class KeysightTruevoltSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a multimeter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    serial_number: str | None = Field(default=None, min_length=1)
    """What it must say of itself; anything if left out."""
    power_line_cycles: float = 10.0
    """How long each reading is integrated: 0.02, 0.2, 1 or 10."""

    @field_validator("power_line_cycles")
    @classmethod
    def _is_one_that_all_models_know(cls, value: float) -> float:
        if value not in POWER_LINE_CYCLES:
            raise ValueError(f"expected one of {POWER_LINE_CYCLES}")
        return value


def _duration_s(*, n_readings: int) -> float:
    return SET_UP_S + n_readings * SLOWEST_READING_S


class KeysightTruevolt(Instrument):
    """One multimeter; `stop` and `make_safe` end a measurement under way.

    References:
        Truevolt series operating and service guide 34460-90901; see card.toml for what was read.
    """

    model: ClassVar[str] = "Keysight Truevolt multimeter"
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "voltage_v": Within(-1050.0, 1050.0),
        "voltage_sd_v": Within(0.0, 1050.0),
        "current_a": Within(-10.5, 10.5),
        "current_sd_a": Within(0.0, 10.5),
        "resistance_ohm": Within(-1.1e9, 1.1e9),
        "resistance_sd_ohm": Within(0.0, 1.1e9),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: KeysightTruevoltSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "KeysightTruevolt":
        return cls(name, line, clock, settings_in(KeysightTruevoltSettings, name, settings))

    @override
    async def connect(self) -> str:
        fields = (await self._ask("*IDN?")).fields
        identity, key = ",".join(fields), f"instruments.{self.name}"
        if len(fields) != 4 or fields[1] not in MODELS:
            raise RigError(f"{key}.line", got=identity, expected=f"one of {', '.join(MODELS)}")
        expected = self.settings.serial_number
        if expected is not None and fields[2] != expected:
            raise RigError(f"{key}.settings.serial_number", got=fields[2], expected=expected)
        await self._tell("*RST")
        await self._tell("*CLS")
        await self._verify_no_failure()
        return identity

    @override
    async def stop(self) -> None:
        """End a measurement under way; at rest this does nothing.

        Raises:
            LineError: The line is down.
        """
        await self._tell(":ABOR", is_urgent=True)

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_duration_s,
        readings=("voltage_v", "voltage_sd_v"),
    )
    async def measure_voltage(self, *, n_readings: NReadings) -> tuple[Reading, ...]:
        """Measure the dc voltage several times: the mean and the standard deviation.

        Args:
            n_readings: How many.

        Raises:
            DeviceFault: It refuses, reads back differently, or is overloaded.
            OutcomeUnknown: It does not answer.
        """
        return self._summed("voltage_v", "voltage_sd_v", await self._measure("VOLT:DC", n_readings))

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_duration_s,
        readings=("current_a", "current_sd_a"),
    )
    async def measure_current(self, *, n_readings: NReadings) -> tuple[Reading, ...]:
        """Measure the dc current several times: the mean and the standard deviation.

        Args:
            n_readings: How many.

        Raises:
            DeviceFault: It refuses, reads back differently, or is overloaded.
            OutcomeUnknown: It does not answer.
        """
        return self._summed("current_a", "current_sd_a", await self._measure("CURR:DC", n_readings))

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_duration_s,
        readings=("resistance_ohm", "resistance_sd_ohm"),
    )
    async def measure_resistance(self, *, n_readings: NReadings) -> tuple[Reading, ...]:
        """Measure the resistance over two wires, leads included: mean and standard deviation.

        Args:
            n_readings: How many.

        Raises:
            DeviceFault: It refuses, reads back differently, or nothing is connected.
            OutcomeUnknown: It does not answer.
        """
        found = await self._measure("RES", n_readings)
        return self._summed("resistance_ohm", "resistance_sd_ohm", found)

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_duration_s,
        readings=("resistance_ohm", "resistance_sd_ohm"),
    )
    async def measure_resistance_four_wire(self, *, n_readings: NReadings) -> tuple[Reading, ...]:
        """Measure the resistance over four wires, without the leads: mean and standard deviation.

        Args:
            n_readings: How many.

        Raises:
            DeviceFault: It refuses, reads back differently, or nothing is connected.
            OutcomeUnknown: It does not answer.
        """
        found = await self._measure("FRES", n_readings)
        return self._summed("resistance_ohm", "resistance_sd_ohm", found)

    async def _measure(self, function: str, n_readings: int) -> tuple[float, ...]:
        """Configure a function, read everything back, and take readings in one go."""
        cycles = self.settings.power_line_cycles
        await self._tell("*CLS")
        await self._tell(f":CONF:{function}", "AUTO")
        configured = codec.function_from(await self._ask(":CONF?"))
        if configured != function.partition(":")[0]:
            await self._refuse(":CONF", configured, function)
        await self._set_number(f":SENS:{function}:NPLC", cycles)
        await self._set_number(":SAMP:COUN", float(n_readings))
        timeout_s = REPLY_TIMEOUT_S + n_readings * SLOWEST_READING_S
        reply = await self._ask(":READ?", timeout_s=timeout_s)
        await self._verify_no_failure()
        found = codec.numbers_from(reply)
        if len(found) != n_readings:
            raise ProtocolError(
                f"{self.name}: {len(found)} readings, expected {n_readings}",
                ",".join(reply.fields[:5]).encode(),
            )
        if any(abs(value) >= codec.OVERFLOW for value in found):
            text = "a reading is beyond the largest range, or nothing is connected"
            raise DeviceFault(self.name, code="overload", text=text)
        return found

    @staticmethod
    def _summed(mean: str, sd: str, found: tuple[float, ...]) -> tuple[Reading, ...]:
        spread = statistics.stdev(found) if len(found) > 1 else 0.0
        return (Reading(mean, statistics.fmean(found)), Reading(sd, spread))

    async def _set_number(self, header: str, value: float) -> None:
        await self._tell(header, f"{value:.6E}")
        got = codec.number_from(await self._ask(f"{header}?"))
        if not math.isclose(got, value, rel_tol=1e-6):
            await self._refuse(header, got, value)

    async def _refuse(self, header: str, got: object, expected: object) -> None:
        await self._verify_no_failure()
        text = f"{header} reads back {got!r}, expected {expected!r}"
        raise DeviceFault(self.name, code=header, text=text)

    async def _verify_no_failure(self) -> None:
        failure = codec.failure_from(await self._ask(":SYST:ERR?"))
        if failure.code:
            raise DeviceFault(self.name, code=str(failure.code), text=failure.text)

    async def _next_failure(self, *, is_urgent: bool = False) -> Failure:
        frame = await self._conversation.ask(
            codec.encode(Request(":SYST:ERR?")), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        return codec.failure_from(codec.decode(frame))

    async def _tell(self, header: str, *arguments: str, is_urgent: bool = False) -> None:
        request = codec.encode(Request(header, arguments))
        await self._conversation.tell(request, is_urgent=is_urgent)

    async def _ask(self, header: str, *, timeout_s: float = REPLY_TIMEOUT_S) -> Reply:
        """Ask a question; where no answer comes, the error queue says whether it was refused."""
        try:
            frame = await self._conversation.ask(codec.encode(Request(header)), timeout_s=timeout_s)
        except OutcomeUnknown as error:
            try:
                failure = await self._next_failure(is_urgent=True)
            except DriverError:
                raise error from None
            if failure.code:
                code = str(failure.code)
                raise DeviceFault(self.name, code=code, text=failure.text) from error
            raise
        return codec.decode(frame)

"""The Keithley 2450 source-meter: sweeps and traces, after which the output is off, always."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.keithley_2450.codec import (
    REPLY_END,
    Failure,
    Reply,
    Request,
    decode,
    encode,
    failure_from,
    number_from,
    numbers_from,
    switch_from,
    text_from_number,
)
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line

__all__ = ["Keithley2450", "Keithley2450Settings"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 3.0
SET_UP_S: Final = 2.0
READING_S: Final = 0.1
BUFFER: Final = '"defbuffer1"'
TRACE_VOLTAGE_LIMIT_V: Final = 2.0


class Keithley2450Settings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a source-meter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    is_four_wire: bool = True
    """Measure the voltage through the sense terminals."""
    power_line_cycles: float = Field(default=1.0, ge=0.01, le=10.0)
    """Integration time of one reading, in periods of the mains."""


def _sweep_duration_s(
    *, start_ma: float, stop_ma: float, n_points: int, dwell_s: float, voltage_limit_v: float
) -> float:
    del start_ma, stop_ma, voltage_limit_v
    return SET_UP_S + n_points * (dwell_s + READING_S)


def _trace_duration_s(*, n_readings: int, interval_s: float) -> float:
    return SET_UP_S + (n_readings - 1) * interval_s + READING_S


class Keithley2450(Instrument):
    """A 2450 that speaks its own SCPI command set.

    References:
        Model 2450 reference manual, 2450-901-01 Rev. B (2013), section 6; see card.toml.
    """

    model: ClassVar[str] = "Keithley 2450"

    def __init__(self, name: str, line: Line, clock: Clock, settings: Keithley2450Settings) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "Keithley2450":
        return cls(name, line, clock, settings_in(Keithley2450Settings, name, settings))

    @override
    async def connect(self) -> str:
        identity = (await self._ask("*IDN?")).fields
        if len(identity) != 4 or identity[1] != "MODEL 2450":
            got = ",".join(identity)
            raise RigError(f"instruments.{self.name}", got=got, expected="MODEL 2450")
        language = (await self._ask("*LANG?")).fields
        if language != ("SCPI",):
            key = f"instruments.{self.name}"
            raise RigError(key, got=",".join(language), expected="command set SCPI (*LANG SCPI)")
        await self._tell("*RST")
        await self._tell("*CLS")
        await self._verify_no_failure()
        await self.stop()
        return ",".join(identity)

    @override
    async def stop(self) -> None:
        """Switch the output off, and read back that it is.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: The device did not confirm it.
        """
        for _ in range(2):
            await self._tell(":OUTP", "OFF", is_urgent=True)
            try:
                frame = await self._conversation.ask(
                    encode(Request(":OUTP?")),
                    timeout_s=REPLY_TIMEOUT_S,
                    is_reply=lambda frame: decode(frame).fields in {("0",), ("1",)},
                    is_urgent=True,
                )
            except (OutcomeUnknown, ProtocolError):
                logger.warning("%s: no readable answer to the question for the output", self.name)
                continue
            if not switch_from(decode(frame)):
                return
        raise OutcomeUnknown(f"{self.name}: the output may still be on")

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_sweep_duration_s,
        readings=("current_a", "voltage_v", "limit_state"),
    )
    async def measure_current_sweep(
        self,
        *,
        start_ma: Annotated[float, Within(1e-6, 1000.0)],
        stop_ma: Annotated[float, Within(1e-6, 1000.0)],
        n_points: Annotated[int, Within(2, 1000)],
        dwell_s: Annotated[float, Within(0.0, 600.0)],
        voltage_limit_v: Annotated[float, Within(0.02, 20.0)],
    ) -> tuple[Reading, ...]:
        """Measure the voltage at currents that are evenly spaced in their logarithm.

        Args:
            start_ma: First current, in milliamperes.
            stop_ma: Last current, in milliamperes; it may be the smaller one.
            n_points: How many currents, both ends included.
            dwell_s: How long each current flows before it is measured, in seconds.
            voltage_limit_v: The source goes no higher, in volts.

        Returns:
            The measured currents in amperes and voltages in volts, overflow as 9.9e37, and
            ``limit_state``: ``clear``, or ``tripped`` if the source ever stood at its limit.

        Raises:
            LimitError: The two ends are the same.
            DeviceFault: The device refuses, or a set-point reads back differently.
            OutcomeUnknown: An answer is missing; the output has been switched off.
        """
        if start_ma == stop_ma:
            where = f"{self.name}.measure_current_sweep.stop_ma"
            raise LimitError(where, got=stop_ma, expected=f"other than start_ma = {start_ma:g}")
        ratio = (stop_ma / start_ma) ** (1 / (n_points - 1))
        wanted_a = [1e-3 * start_ma * ratio**index for index in range(n_points)]
        currents: list[float] = []
        voltages: list[float] = []
        has_tripped = False
        await self._configure(voltage_limit_v)
        await self._set_number(":SOUR:CURR", wanted_a[0])
        async with self._output_on():
            for current_a in wanted_a:
                await self._set_number(":SOUR:CURR", current_a)
                await self.clock.sleep(dwell_s)
                measured_a, measured_v = await self._read("SOUR")
                currents.append(measured_a)
                voltages.append(measured_v)
                has_tripped |= switch_from(await self._ask(":SOUR:CURR:VLIM:TRIP?"))
            await self._verify_still_on()
        return (
            Reading("current_a", tuple(currents)),
            Reading("voltage_v", tuple(voltages)),
            Reading("limit_state", "tripped" if has_tripped else "clear"),
        )

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_trace_duration_s,
        readings=("time_s", "voltage_v"),
    )
    async def measure_voltage_trace(
        self,
        *,
        n_readings: Annotated[int, Within(1, 100_000)],
        interval_s: Annotated[float, Within(0.1, 3600.0)],
    ) -> tuple[Reading, ...]:
        """Measure the voltage again and again while no current flows.

        Args:
            n_readings: How many.
            interval_s: From one to the next, in seconds.

        Returns:
            Seconds since the first reading, by the device's own clock, and voltages in volts,
            overflow as 9.9e37.

        Raises:
            DeviceFault: The device refuses, or a set-point reads back differently.
            OutcomeUnknown: An answer is missing; the output has been switched off.
        """
        times: list[float] = []
        voltages: list[float] = []
        await self._configure(TRACE_VOLTAGE_LIMIT_V)
        await self._set_number(":SOUR:CURR", 0.0)
        await self._tell(":TRAC:CLE", BUFFER)
        async with self._output_on():
            begun_s = self.clock.monotonic_s()
            for index in range(n_readings):
                left_s = begun_s + index * interval_s - self.clock.monotonic_s()
                await self.clock.sleep(max(0.0, left_s))
                time_s, voltage_v = await self._read("REL")
                times.append(time_s)
                voltages.append(voltage_v)
            await self._verify_still_on()
        return (Reading("time_s", tuple(times)), Reading("voltage_v", tuple(voltages)))

    async def _configure(self, voltage_limit_v: float) -> None:
        await self._tell("*CLS")
        await self._set(":SOUR:FUNC", "CURR", "CURR")
        await self._set(":SENS:FUNC", '"VOLT"', "VOLT:DC")
        await self._set_switch(":SENS:VOLT:RANG:AUTO", is_on=True)
        await self._set_switch(":SENS:VOLT:RSEN", is_on=self.settings.is_four_wire)
        await self._set_number(":SENS:VOLT:NPLC", self.settings.power_line_cycles)
        await self._set_switch(":SOUR:CURR:RANG:AUTO", is_on=True)
        await self._set_switch(":SOUR:CURR:READ:BACK", is_on=True)
        await self._set_number(":SOUR:CURR:VLIM", voltage_limit_v)

    @asynccontextmanager
    async def _output_on(self) -> AsyncIterator[None]:
        """Hold the output on; it is off afterwards, whatever happens, or nobody knows.

        Raises:
            DeviceFault: The output does not switch on, or something inside failed.
            OutcomeUnknown: The output is not confirmed to be off, or an answer inside is missing.
        """
        try:
            await self._set_switch(":OUTP", is_on=True)
            yield
        except asyncio.CancelledError:
            await asyncio.shield(self._stop_or_log())
            raise
        except DriverError as error:
            if not await asyncio.shield(self._stop_or_log()):
                raise OutcomeUnknown(f"{self.name}: the output may still be on") from error
            raise
        await asyncio.shield(self.stop())

    async def _verify_still_on(self) -> None:
        await self._verify_no_failure()
        if not switch_from(await self._ask(":OUTP?")):
            text = "the output was switched off before the action ended"
            raise DeviceFault(self.name, code=":OUTP", text=text)

    async def _stop_or_log(self) -> bool:
        try:
            await self.stop()
        except DriverError:
            logger.exception("%s: the output is not confirmed to be off", self.name)
            return False
        return True

    async def _read(self, element: str) -> tuple[float, float]:
        reply = await self._ask(":READ?", BUFFER, element, "READ")
        numbers = numbers_from(reply)
        if len(numbers) != 2:
            raise ProtocolError(f"{self.name}: not two numbers", ",".join(reply.fields).encode())
        return numbers[0], numbers[1]

    async def _set(self, header: str, argument: str, expected: str) -> None:
        await self._tell(header, argument)
        got = ",".join((await self._ask(f"{header}?")).fields)
        if got != expected:
            await self._refuse(header, got, expected)

    async def _set_switch(self, header: str, *, is_on: bool) -> None:
        await self._tell(header, "ON" if is_on else "OFF")
        got = switch_from(await self._ask(f"{header}?"))
        if got != is_on:
            await self._refuse(header, got, is_on)

    async def _set_number(self, header: str, value: float) -> None:
        text = text_from_number(value)
        await self._tell(header, text)
        got = number_from(await self._ask(f"{header}?"))
        if not math.isclose(got, float(text), rel_tol=1e-5, abs_tol=1e-12):
            await self._refuse(header, got, float(text))

    async def _refuse(self, header: str, got: object, expected: object) -> None:
        await self._verify_no_failure()
        text = f"{header} reads back {got!r}, expected {expected!r}"
        raise DeviceFault(self.name, code=header, text=text)

    async def _verify_no_failure(self) -> None:
        failure = await self._next_failure()
        if failure.code:
            raise DeviceFault(self.name, code=str(failure.code), text=failure.text)

    async def _next_failure(self, *, is_urgent: bool = False) -> Failure:
        frame = await self._conversation.ask(
            encode(Request(":SYST:ERR?")), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        return failure_from(decode(frame))

    async def _tell(self, header: str, *arguments: str, is_urgent: bool = False) -> None:
        await self._conversation.tell(encode(Request(header, arguments)), is_urgent=is_urgent)

    async def _ask(self, header: str, *arguments: str) -> Reply:
        """Ask a question; where no answer comes, the error queue says whether it was refused."""
        try:
            frame = await self._conversation.ask(
                encode(Request(header, arguments)), timeout_s=REPLY_TIMEOUT_S
            )
        except OutcomeUnknown as error:
            try:
                failure = await self._next_failure(is_urgent=True)
            except DriverError:
                raise error from None
            if failure.code:
                code = str(failure.code)
                raise DeviceFault(self.name, code=code, text=failure.text) from error
            raise
        return decode(frame)

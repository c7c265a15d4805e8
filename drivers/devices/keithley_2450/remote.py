"""The source-meter as it is operated remotely: settings that read back, an output that goes off."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from drivers.clock import Clock
from drivers.devices.keithley_2450 import codec
from drivers.devices.keithley_2450.codec import Failure, Reply, Request
from drivers.errors import DeviceFault, DriverError, OutcomeUnknown, ProtocolError
from drivers.line import Conversation, Line

__all__ = ["Keithley2450Settings", "Remote"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 3.0
HIGHEST: Final = 1e8
"""More is neither volts nor amperes nor seconds of a scan, but a damaged digit."""
BUFFER: Final = '"defbuffer1"'


class Keithley2450Settings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a source-meter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    is_four_wire: bool = True
    """Measure the voltage through the sense terminals."""
    power_line_cycles: float = Field(default=1.0, ge=0.01, le=10.0)
    """Integration time of one reading, in periods of the mains."""


class Remote:
    """What one source-meter is told and asked, in the instrument's own SCPI.

    Args:
        name: The instrument's, for messages.
        line: Its line.
        clock: Of the instrument.
        settings: From the rig file.
    """

    def __init__(self, name: str, line: Line, clock: Clock, settings: Keithley2450Settings) -> None:
        self._name = name
        self._settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.REPLY_END)

    async def source_current(self, voltage_limit_v: float, *, is_four_wire: bool = False) -> None:
        """Prepare to source currents and measure voltages; every setting is read back.

        Args:
            voltage_limit_v: The source goes no higher, in volts.
            is_four_wire: Sense over four wires whatever the rig file says.
        """
        await self.tell("*CLS")
        await self._set(":SOUR:FUNC", "CURR", "CURR")
        await self._set(":SENS:FUNC", '"VOLT"', "VOLT:DC")
        await self._set_switch(":SENS:VOLT:RANG:AUTO", is_on=True)
        await self._set_switch(":SENS:VOLT:RSEN", is_on=is_four_wire or self._settings.is_four_wire)
        await self.set_number(":SENS:VOLT:NPLC", self._settings.power_line_cycles)
        await self._set_switch(":SOUR:CURR:RANG:AUTO", is_on=True)
        await self._set_switch(":SOUR:CURR:READ:BACK", is_on=True)
        await self.set_number(":SOUR:CURR:VLIM", voltage_limit_v)

    async def source_voltage(self, current_limit_a: float) -> None:
        """Prepare to source voltages and measure currents; with the output off nothing flows.

        The current range is fixed, for a change of ranges in a sweep takes longer than a point.

        Args:
            current_limit_a: The source lets no more flow, in amperes.
        """
        await self.tell("*CLS")
        await self._set(":SOUR:FUNC", "VOLT", "VOLT")
        await self._set(":OUTP:VOLT:SMOD", "HIMP", "HIMP")
        await self._set(":SENS:FUNC", '"CURR"', "CURR:DC")
        await self._set_switch(":SENS:CURR:RSEN", is_on=self._settings.is_four_wire)
        await self.set_number(":SENS:CURR:NPLC", self._settings.power_line_cycles)
        await self._set_switch(":SOUR:VOLT:RANG:AUTO", is_on=True)
        await self._set_switch(":SOUR:VOLT:READ:BACK", is_on=True)
        await self._set_range(":SENS:CURR:RANG", current_limit_a)
        await self.set_number(":SOUR:VOLT:ILIM", current_limit_a)

    async def switch_off(self) -> None:
        """Switch the output off, and read back that it is.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: The device did not confirm it.
        """
        for _ in range(2):
            await self.tell(":OUTP", "OFF", is_urgent=True)
            try:
                frame = await self._conversation.ask(
                    codec.encode(Request(":OUTP?")),
                    timeout_s=REPLY_TIMEOUT_S,
                    is_reply=lambda frame: codec.decode(frame).fields in {("0",), ("1",)},
                    is_urgent=True,
                )
            except (OutcomeUnknown, ProtocolError):
                logger.warning("%s: no readable answer to the question for the output", self._name)
                continue
            if not codec.switch_from(codec.decode(frame)):
                return
        raise OutcomeUnknown(f"{self._name}: the output may still be on")

    @asynccontextmanager
    async def output_on(self) -> AsyncIterator[None]:
        """Hold the output on; it is off afterwards, whatever happens, or nobody knows.

        Raises:
            DeviceFault: The output does not switch on or does not stay so, or something inside
                failed.
            OutcomeUnknown: The output is not confirmed to be off, or an answer inside is missing.
        """
        try:
            await self._set_switch(":OUTP", is_on=True)
            yield
            await self._verify_still_on()
        except asyncio.CancelledError:
            await asyncio.shield(self._switched_off())
            raise
        except DriverError as error:
            if not await asyncio.shield(self._switched_off()):
                raise OutcomeUnknown(f"{self._name}: the output may still be on") from error
            raise
        await asyncio.shield(self.switch_off())

    async def clear_buffer(self) -> None:
        """Let the times of readings count from the next one."""
        await self.tell(":TRAC:CLE", BUFFER)

    async def read(self, *elements: str) -> tuple[float, ...]:
        """Take one reading and return the elements of the buffer that are named.

        Raises:
            ProtocolError: The answer is no such numbers.
        """
        reply = await self.ask(":READ?", BUFFER, *elements)
        numbers = codec.numbers_from(reply)
        wrong = [one for one in numbers if HIGHEST < abs(one) != codec.OVERFLOW]
        if len(numbers) != len(elements) or wrong:
            reason = f"{self._name}: not {len(elements)} numbers that a 2450 can read"
            raise ProtocolError(reason, ",".join(reply.fields).encode())
        return numbers

    async def is_true(self, question: str) -> bool:
        """Ask for a switch or a state."""
        return codec.switch_from(await self.ask(question))

    async def set_number(self, header: str, value: float) -> None:
        """Set a number and read it back.

        Raises:
            DeviceFault: It reads back differently.
        """
        text = codec.text_from_number(value)
        await self.tell(header, text)
        got = codec.number_from(await self.ask(f"{header}?"))
        if not math.isclose(got, float(text), rel_tol=1e-5, abs_tol=1e-12):
            await self._refuse(header, got, float(text))

    async def verify_no_failure(self) -> None:
        """Look at the oldest entry of the error queue.

        Raises:
            DeviceFault: There is one.
        """
        failure = await self._next_failure()
        if failure.code:
            raise DeviceFault(self._name, code=str(failure.code), text=failure.text)

    async def tell(self, header: str, *arguments: str, is_urgent: bool = False) -> None:
        """Send a command that is not answered."""
        await self._conversation.tell(codec.encode(Request(header, arguments)), is_urgent=is_urgent)

    async def ask(self, header: str, *arguments: str) -> Reply:
        """Ask a question; where no answer comes, the error queue says whether it was refused."""
        try:
            frame = await self._conversation.ask(
                codec.encode(Request(header, arguments)), timeout_s=REPLY_TIMEOUT_S
            )
        except OutcomeUnknown as error:
            try:
                failure = await self._next_failure(is_urgent=True)
            except DriverError:
                raise error from None
            if failure.code:
                code = str(failure.code)
                raise DeviceFault(self._name, code=code, text=failure.text) from error
            raise
        return codec.decode(frame)

    async def _verify_still_on(self) -> None:
        await self.verify_no_failure()
        if not await self.is_true(":OUTP?"):
            text = "the output was switched off before the action ended"
            raise DeviceFault(self._name, code=":OUTP", text=text)

    async def _switched_off(self) -> bool:
        try:
            await self.switch_off()
        except DriverError:
            logger.exception("%s: the output is not confirmed to be off", self._name)
            return False
        return True

    async def _set(self, header: str, argument: str, expected: str) -> None:
        await self.tell(header, argument)
        got = ",".join((await self.ask(f"{header}?")).fields)
        if got != expected:
            await self._refuse(header, got, expected)

    async def _set_switch(self, header: str, *, is_on: bool) -> None:
        await self.tell(header, "ON" if is_on else "OFF")
        got = await self.is_true(f"{header}?")
        if got != is_on:
            await self._refuse(header, got, is_on)

    async def _set_range(self, header: str, largest: float) -> None:
        """Set the range in which a value lies; the device answers with the range's end."""
        await self.tell(header, codec.text_from_number(largest))
        got = codec.number_from(await self.ask(f"{header}?"))
        if got < largest * (1.0 - 1e-6):
            await self._refuse(header, got, f"at least {largest:g}")

    async def _refuse(self, header: str, got: object, expected: object) -> None:
        await self.verify_no_failure()
        text = f"{header} reads back {got!r}, expected {expected!r}"
        raise DeviceFault(self._name, code=header, text=text)

    async def _next_failure(self, *, is_urgent: bool = False) -> Failure:
        frame = await self._conversation.ask(
            codec.encode(Request(":SYST:ERR?")), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        return codec.failure_from(codec.decode(frame))

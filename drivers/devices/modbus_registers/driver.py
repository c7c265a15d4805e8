"""A device of any maker with Modbus TCP: what its registers mean stands in the rig file."""

import itertools
import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from typing_extensions import override

from drivers import modbus
from drivers.acting import acting, having_acted
from drivers.clock import Clock
from drivers.devices.modbus_registers import codec
from drivers.devices.modbus_registers.codec import Kind, Reply, Request
from drivers.errors import DeviceFault, LimitError, OutcomeUnknown, ProtocolError, RigError
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line
from drivers.modbus import Command
from drivers.safe_values import try_all

__all__ = ["ModbusRegisters", "ModbusRegistersSettings", "Register"]

REPLY_TIMEOUT_S: Final = 2.0
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Value = Annotated[float, Within(-1e9, 1e9)]


class Register(BaseModel):
    """One register that the rig file names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    address: int = Field(ge=0, le=65_535)
    """Of the first word, counted from 0 as on the wire."""
    table: Literal["holding", "input"] = "holding"
    kind: Kind = "uint16"
    """How the number lies in its words."""
    is_low_word_first: bool = False
    """Whether the lower half of 32 bits comes first."""
    scale: float = Field(default=1.0, gt=0.0)
    """What one of the register is in the unit of its name."""
    low: float
    """Less than this is never set, and never believed when it is read."""
    high: float
    """More than this is never set, and never believed when it is read."""
    is_writable: bool = False
    safe_value: float | None = None
    """What it is set to when the instrument is stopped; left as it is if not said."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.low < self.high:
            raise ValueError("expected low below high")
        if self.is_writable and self.table == "input":
            raise ValueError("expected table holding: input registers cannot be written")
        if self.safe_value is not None and not self.is_writable:
            raise ValueError("expected is_writable where safe_value is said")
        safe_value = self.low if self.safe_value is None else self.safe_value
        if not self.low <= safe_value <= self.high:
            raise ValueError("expected safe_value between low and high")
        for value in (self.low, self.high, safe_value):
            codec.words_from(value / self.scale, self.kind, is_low_word_first=False)
        return self


class ModbusRegistersSettings(BaseModel):
    """The table ``[instruments.<name>.settings]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    unit: int = Field(default=1, ge=1, le=247)
    """Its number behind the gateway."""
    registers: dict[Name, Register] = Field(min_length=1)
    """By the name that actions call them; the name ends in the unit: ``pressure_bar``."""
    identity: Name | None = None
    """A register that is read when connecting, and must have the value `identity_value`."""
    identity_value: float | None = None

    @model_validator(mode="after")
    def _knows_its_identity(self) -> Self:
        if self.identity is not None and self.identity not in self.registers:
            raise ValueError(f"expected identity among the registers, got {self.identity}")
        if (self.identity is None) != (self.identity_value is None):
            raise ValueError("expected identity and identity_value together")
        return self


class ModbusRegisters(Instrument):
    """One device; `stop` and `make_safe` set every register that has one to its safe value."""

    model: ClassVar[str] = "Modbus TCP device"
    says_when_it_acts: ClassVar[bool] = True

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: ModbusRegistersSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.n_bytes_missing)
        self._transactions = itertools.cycle(range(1, 65_536))

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "ModbusRegisters":
        return cls(name, line, clock, settings_in(ModbusRegistersSettings, name, settings))

    @override
    async def connect(self) -> str:
        known, key = self.settings.identity, f"instruments.{self.name}.settings"
        if known is None:
            name = next(iter(self.settings.registers))
            await self._raw(self.settings.registers[name])
            identity = f"it says no identity; {name} can be read"
        else:
            got = await self._raw(self.settings.registers[known])
            expected = self.settings.identity_value
            if got != expected:
                raise RigError(f"{key}.identity_value", got=got, expected=f"{expected}")
            identity = f"{known} {got:g}"
        await self.stop()
        return f"{self.model}, unit {self.settings.unit}: {identity}"

    @override
    async def stop(self) -> None:
        """Set every register that has a safe value to it, now, and read it back.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: Some are not proved to be at their safe values; all were tried.
        """
        await try_all(
            self._set_safe(name, register, register.safe_value)
            for name, register in self.settings.registers.items()
            if register.safe_value is not None
        )

    async def _set_safe(self, name: str, register: Register, value: float) -> None:
        evidence: list[str] = []
        for _ in range(3):
            try:
                await self._write(register, value, is_urgent=True)
                got = await self._raw(register, is_urgent=True)
                if _is_same(got, value, register):
                    return
                evidence.append(f"reads back {got:g}")
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
        text = f"{self.name}: {name} is not proved to be at {value:g}"
        raise OutcomeUnknown(text, "; ".join(evidence))

    @action(recovery=RecoveryClass.PURE, duration_s=1.0, readings=("register_value",))
    async def measure_register(self, *, register: str) -> tuple[Reading, ...]:
        """Measure what a register says, in the unit of its name.

        Args:
            register: One of those that the settings name.

        Raises:
            LimitError: The settings do not name it.
            DeviceFault: The device refuses, or the value is beyond its limits.
            OutcomeUnknown: The device does not answer.
        """
        return (Reading("register_value", await self._value(self._named(register), register)),)

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=2.0, readings=("register_value",))
    async def set_register(self, *, register: str, value: Value) -> tuple[Reading, ...]:
        """Set a register to a value in the unit of its name, and read it back.

        Args:
            register: One of those that the settings name as writable.
            value: Between its limits, in the unit of its name.

        Raises:
            LimitError: The settings do not name it, it cannot be written, or the value is beyond
                its limits; nothing was sent.
            DeviceFault: The device refuses, or it reads back differently.
            OutcomeUnknown: The device does not answer.
        """
        known = self._named(register)
        where = f"{self.name}.set_register"
        if not known.is_writable:
            raise LimitError(f"{where}.register", got=register, expected="one that is_writable")
        if not known.low <= value <= known.high:
            expected = f"{known.low:g} to {known.high:g}"
            raise LimitError(f"{where}.value", got=value, expected=expected)
        await self.ticket.about_to_act(f"{register} {value:g}")
        with acting(self.name):
            await self._write(known, value)
        with having_acted(self.name):
            got = await self._value(known, register)
        if not _is_same(got, value, known):
            text = f"{register} reads back {got:g}, expected {value:g}"
            raise DeviceFault(self.name, code=register, text=text, acted=True)
        return (Reading("register_value", got),)

    def _named(self, register: str) -> Register:
        known = self.settings.registers
        if register not in known:
            where = f"{self.name}.register"
            raise LimitError(where, got=register, expected=f"one of {sorted(known)}")
        return known[register]

    async def _value(self, register: Register, name: str) -> float:
        value = await self._raw(register)
        if not register.low <= value <= register.high:
            text = f"{name} says {value:g}, expected {register.low:g} to {register.high:g}"
            raise DeviceFault(self.name, code="out of range", text=text)
        return value

    async def _raw(self, register: Register, *, is_urgent: bool = False) -> float:
        command: Command = (
            "read_input_registers" if register.table == "input" else "read_holding_registers"
        )
        n_words = codec.N_WORDS[register.kind]
        reply = await self._ask(command, register.address, n=n_words, is_urgent=is_urgent)
        words, order = codec.words_in(reply), register.is_low_word_first
        return codec.number_from(words, register.kind, is_low_word_first=order) * register.scale

    async def _write(self, register: Register, value: float, *, is_urgent: bool = False) -> None:
        words = codec.words_from(
            value / register.scale, register.kind, is_low_word_first=register.is_low_word_first
        )
        command: Command = "write_register" if len(words) == 1 else "write_registers"
        await self._ask(command, register.address, values=words, is_urgent=is_urgent)

    async def _ask(
        self,
        command: Command,
        address: int,
        *,
        values: tuple[int, ...] = (),
        n: int = 0,
        is_urgent: bool = False,
    ) -> Reply:
        """Send one request; answers of other transactions are skipped."""
        request = Request(self.settings.unit, command, address, values, n, next(self._transactions))
        frame = await self._conversation.ask(
            codec.encode(request),
            timeout_s=REPLY_TIMEOUT_S,
            is_reply=lambda frame: modbus.is_answer_to(codec.decode(frame), request),
            is_urgent=is_urgent,
        )
        reply = codec.decode(frame)
        if reply.refusal is not None:
            text = f"{codec.REFUSALS.get(reply.refusal, 'unknown refusal')} to {command} {address}"
            raise DeviceFault(self.name, code=f"exception {reply.refusal}", text=text)
        return reply


def _is_same(got: float, wanted: float, register: Register) -> bool:
    """Say whether a value reads back as it was set, as exactly as the register can hold it."""
    if register.kind == "float32":
        return math.isclose(got, wanted, rel_tol=1e-6, abs_tol=1e-9)
    return abs(got - wanted) <= 0.5 * register.scale * (1.0 + 1e-9)

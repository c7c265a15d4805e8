"""A device of any maker with a REST API: what its paths mean stands in the rig file."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from typing_extensions import override

from drivers.acting import acting, having_acted
from drivers.clock import Clock
from drivers.devices.rest_values import codec
from drivers.devices.rest_values.codec import Reply, Request
from drivers.errors import DeviceFault, LimitError, OutcomeUnknown, ProtocolError, RigError
from drivers.http_messages import LONGEST_BYTES
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line
from drivers.safe_values import try_all

__all__ = ["Identity", "Measured", "RestValues", "RestValuesSettings", "Settable"]

REPLY_TIMEOUT_S: Final = 5.0
_BROKEN: Final = 500
"""From here on a status tells of the server's own trouble, in the middle of whatever it did."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
WirePath = Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^\x00-\x1f]*)?$")]
Key = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]+(/[^/\x00-\x1f]+)*$")]
Value = Annotated[float, Within(-1e9, 1e9)]


class Measured(BaseModel):
    """A value that can be read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: WirePath
    """Of the request that reads it, percent-encoded."""
    pointer: Pointer = ""
    """Where the number stands in the reply, as a JSON pointer: ``/data/0/value``."""
    scale: float = Field(default=1.0, gt=0.0)
    """What one of the device's is in the unit of the value's name."""
    low: float
    """Less than this is not believed, and not set."""
    high: float
    """More than this is not believed, and not set."""

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError("expected low below high")
        return self


class Settable(Measured):
    """A value that can be set; `path` and `pointer` read it back."""

    set_path: WirePath
    set_method: Literal["POST", "PUT", "PATCH"] = "PUT"
    set_key: Key = "value"
    """Where the number stands in the body; ``a/b`` is b in a."""
    tolerance: float = Field(default=1e-6, ge=0.0)
    """How far what is read back may be from what was set, in the unit of its name."""
    safe_value: float | None = None
    """What it is set to when the instrument is stopped; left as it is if not said."""

    @model_validator(mode="after")
    def _is_safe_within(self) -> Self:
        if self.safe_value is not None and not self.low <= self.safe_value <= self.high:
            raise ValueError("expected safe_value between low and high")
        return self


class Identity(BaseModel):
    """Where the device says who it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: WirePath
    pointer: Pointer = ""
    text: str = Field(min_length=1)
    """What must stand there."""


class RestValuesSettings(BaseModel):
    """The table ``[instruments.<name>.settings]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    identity: Identity
    measured: dict[Name, Measured] = {}
    """By the name that actions call them; the name ends in the unit: ``pressure_bar``."""
    settable: dict[Name, Settable] = {}
    """Those that can be set, and read as well."""
    host: str = Field(default="device", min_length=1)
    """What the Host header says."""
    token_file: Path | None = None
    """A file that holds a bearer token; never the token itself in a rig file."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        twice = self.measured.keys() & self.settable.keys()
        if twice or not (self.measured or self.settable):
            raise ValueError(f"expected each value once, and one at least; twice: {sorted(twice)}")
        return self


class RestValues(Instrument):
    """One device; `stop` and `make_safe` set every value that has one to its safe value."""

    model: ClassVar[str] = "REST device"
    says_when_it_acts: ClassVar[bool] = True

    def __init__(self, name: str, line: Line, clock: Clock, settings: RestValuesSettings) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(
            line, clock, reply_end=codec.n_bytes_missing, max_bytes=LONGEST_BYTES
        )
        self._headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "RestValues":
        return cls(name, line, clock, settings_in(RestValuesSettings, name, settings))

    @override
    async def connect(self) -> str:
        self._headers = await self._credentials()
        known = self.settings.identity
        got = codec.text_in(await self._ask("GET", known.path), known.pointer)
        if got != known.text:
            key = f"instruments.{self.name}.settings.identity.text"
            raise RigError(key, got=got, expected=known.text)
        await self.stop()
        return f"{self.model} {got}"

    @override
    async def stop(self) -> None:
        """Set every value that has a safe value to it, now, and read it back.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: Some are not proved to be at their safe values; all were tried.
        """
        await try_all(
            self._set_safe(name, one, one.safe_value)
            for name, one in self.settings.settable.items()
            if one.safe_value is not None
        )

    async def _set_safe(self, name: str, one: Settable, value: float) -> None:
        evidence: list[str] = []
        for _ in range(3):
            try:
                await self._set(one, value, is_urgent=True)
                got = await self._raw(one, is_urgent=True)
                if abs(got - value) <= one.tolerance:
                    return
                evidence.append(f"reads back {got:g}")
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
        text = f"{self.name}: {name} is not proved to be at {value:g}"
        raise OutcomeUnknown(text, "; ".join(evidence))

    @action(recovery=RecoveryClass.PURE, duration_s=1.0, readings=("value",))
    async def measure_value(self, *, name: str) -> tuple[Reading, ...]:
        """Measure a value, in the unit of its name.

        Args:
            name: One of those that the settings name.

        Raises:
            LimitError: The settings do not name it.
            DeviceFault: The device refuses, or the value is beyond its limits.
            OutcomeUnknown: The device does not answer.
        """
        settings = self.settings
        known: dict[str, Measured] = {**settings.measured, **settings.settable}
        if name not in known:
            where = f"{self.name}.measure_value.name"
            raise LimitError(where, got=name, expected=f"one of {sorted(known)}")
        return (Reading("value", await self._value(known[name], name)),)

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=2.0, readings=("value",))
    async def set_value(self, *, name: str, value: Value) -> tuple[Reading, ...]:
        """Set a value in the unit of its name, and read it back.

        Args:
            name: One of those that the settings name as settable.
            value: Between its limits, in the unit of its name.

        Raises:
            LimitError: The settings do not name it as settable, or the value is beyond its
                limits; nothing was sent.
            DeviceFault: The device refuses, or it reads back differently.
            OutcomeUnknown: The device does not answer.
        """
        known, where = self.settings.settable, f"{self.name}.set_value"
        if name not in known:
            raise LimitError(f"{where}.name", got=name, expected=f"one of {sorted(known)}")
        one = known[name]
        if not one.low <= value <= one.high:
            expected = f"{one.low:g} to {one.high:g}"
            raise LimitError(f"{where}.value", got=value, expected=expected)
        await self.ticket.about_to_act(f"{name} {value:g}")
        with acting(self.name):
            await self._set(one, value)
        with having_acted(self.name):
            got = await self._value(one, name)
        if abs(got - value) > one.tolerance:
            text = f"{name} reads back {got:g}, expected {value:g}"
            raise DeviceFault(self.name, code=name, text=text, acted=True)
        return (Reading("value", got),)

    async def _value(self, one: Measured, name: str) -> float:
        value = await self._raw(one)
        if not one.low <= value <= one.high:
            text = f"{name} says {value:g}, expected {one.low:g} to {one.high:g}"
            raise DeviceFault(self.name, code="out of range", text=text)
        return value

    async def _raw(self, one: Measured, *, is_urgent: bool = False) -> float:
        reply = await self._ask("GET", one.path, is_urgent=is_urgent)
        value = codec.number_in(reply, one.pointer) * one.scale
        if not math.isfinite(value):
            raise ProtocolError(f"no number that can be at {one.path}", reply.text[:200].encode())
        return value

    async def _set(self, one: Settable, value: float, *, is_urgent: bool = False) -> None:
        body = codec.body_with(one.set_key, value / one.scale)
        await self._ask(one.set_method, one.set_path, body, is_urgent=is_urgent)

    async def _credentials(self) -> tuple[tuple[str, str], ...]:
        """Return the header with the token, if the settings name a file."""
        file = self.settings.token_file
        if file is None:
            return ()
        key = f"instruments.{self.name}.settings.token_file"
        try:
            token = await self.clock.call_blocking(lambda: file.read_text("utf-8").strip(), None)
        except (OSError, UnicodeDecodeError) as error:
            raise RigError(key, got=str(file), expected=f"a file to be read: {error}") from error
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise RigError(key, got="(not shown)", expected="one token in ASCII")
        return (("Authorization", f"Bearer {token}"),)

    async def _ask(
        self, method: str, path: str, body: str | None = None, *, is_urgent: bool = False
    ) -> Reply:
        request = Request(method, path, body, headers=self._headers, host=self.settings.host)
        frame = await self._conversation.ask(
            codec.encode(request), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        reply = codec.decode(frame)
        if refusal := codec.refusal_in(reply):
            text = f"{method} {path}: {refusal}"
            may_have_acted = method != "GET" and reply.status >= _BROKEN
            raise DeviceFault(self.name, code=str(reply.status), text=text, acted=may_have_acted)
        return reply

"""An instrument's public operations: what they are called, what they may be asked, what they give.

A driver is a plain class: a constructor that does nothing but keep its settings, `connect`,
`stop`, `make_safe`, and methods marked with `action`. `Instrument.perform` is the one door
through which the executor calls them; limits are checked there, before any byte is sent.
"""

import inspect
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from drivers.clock import Clock
from drivers.errors import DeviceFault, LimitError, OutcomeUnknown, rig_error_from
from drivers.line import Line
from drivers.reading import Reading
from drivers.ticket import Settlement, Ticket, Verdict

__all__ = [
    "Action",
    "Argument",
    "Instrument",
    "Reading",
    "RecoveryClass",
    "Within",
    "action",
    "settings_in",
]

Value = float | int | str | bool


class RecoveryClass(StrEnum):
    """What may be done about an action that was started and never reported."""

    PURE = "pure"
    """A read: repeat freely."""
    IDEMPOTENT = "idempotent"
    """A set-point with read-back: send it again and verify."""
    KEYED = "keyed"
    """The device carries our job id and deduplicates."""
    QUERYABLE = "queryable"
    """The device can say what it did last."""
    BLIND = "blind"
    """Nobody can know but a person."""


@dataclass(frozen=True, slots=True)
class Within:
    """Inclusive limits of an argument or a reading, in the unit of its name."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an action."""

    name: str
    """With its unit as the suffix: ``volume_ul``."""
    kind: type[Value]
    """float, int, str or bool."""
    low: float = -math.inf
    high: float = math.inf
    is_required: bool = True

    def checked(self, where: str, value: object) -> Value:
        """Return the value in the argument's type.

        Raises:
            LimitError: It has another type, is not finite or lies outside the limits.
        """
        where = f"{where}.{self.name}"
        if self.kind in (float, int):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise LimitError(where, got=value, expected="a number")
            if not math.isfinite(value) or not self.low <= value <= self.high:
                raise LimitError(where, got=value, expected=f"{self.low:g} to {self.high:g}")
            if self.kind is int and value != int(value):
                raise LimitError(where, got=value, expected="a whole number")
            return self.kind(value)
        if not isinstance(value, self.kind):
            raise LimitError(where, got=value, expected=f"a {self.kind.__name__}")
        if isinstance(value, str) and not value.isprintable():
            raise LimitError(where, got=value, expected="printable text")
        return value


@dataclass(frozen=True, slots=True)
class Action:
    """What an action is, read off its method by `action`."""

    name: str
    summary: str
    recovery: RecoveryClass
    arguments: tuple[Argument, ...]
    readings: tuple[str, ...]
    """Names of the readings that it gives."""
    duration_s: Callable[..., float]
    """Expected duration in seconds for keyword arguments of the action."""

    def checked(self, instrument: str, arguments: Mapping[str, object]) -> dict[str, Value]:
        """Return the arguments in their types.

        Raises:
            LimitError: One is missing, unknown or outside its limits.
        """
        where = f"{instrument}.{self.name}"
        known = {argument.name: argument for argument in self.arguments}
        for name in arguments:
            if name not in known:
                raise LimitError(f"{where}.{name}", got=name, expected=f"one of {sorted(known)}")
        for name, argument in known.items():
            if argument.is_required and name not in arguments:
                raise LimitError(f"{where}.{name}", got=None, expected="a value")
        return {name: known[name].checked(where, value) for name, value in arguments.items()}


Settings = TypeVar("Settings", bound=BaseModel)


def settings_in(model: type[Settings], instrument: str, settings: Mapping[str, object]) -> Settings:
    """Return a driver's part of the rig file, judged.

    Args:
        model: Frozen, with unknown keys refused.
        instrument: The instrument's name in the rig file.
        settings: The table ``[instruments.<name>.settings]``.

    Raises:
        RigError: With the first mistake in it.
    """
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        raise rig_error_from(f"instruments.{instrument}.settings", error, model) from error


Method = TypeVar("Method", bound=Callable[..., Awaitable[tuple[Reading, ...]]])


def action(
    *,
    recovery: RecoveryClass,
    duration_s: float | Callable[..., float],
    readings: tuple[str, ...] = (),
) -> Callable[[Method], Method]:
    """Mark a driver's async method as an action.

    The method takes keyword-only arguments annotated `float`, `int`, `str` or `bool`, numbers as
    ``Annotated[float, Within(low, high)]``, and returns a tuple of readings.

    Args:
        recovery: What may be done after a crash in the middle of it.
        duration_s: Expected seconds, or a function of the action's keyword arguments.
        readings: Names of the readings that it returns.
    """

    def mark(method: Method) -> Method:
        expected = duration_s if callable(duration_s) else (lambda **_: float(duration_s))
        method.__athanor_action__ = (recovery, expected, readings)  # type: ignore[attr-defined]  # the mark is read by Instrument.__init_subclass__
        return method

    return mark


def _arguments_of(method: Callable[..., Any]) -> tuple[Argument, ...]:
    hints = get_type_hints(method, include_extras=True)
    found = []
    for name, parameter in list(inspect.signature(method).parameters.items())[1:]:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(f"{method.__qualname__}: argument {name} is not keyword-only")
        hint = hints[name]
        limits = Within(-math.inf, math.inf)
        if get_origin(hint) is Annotated:
            hint, *extras = get_args(hint)
            limits = next((extra for extra in extras if isinstance(extra, Within)), limits)
        is_required = parameter.default is inspect.Parameter.empty
        found.append(Argument(name, hint, limits.low, limits.high, is_required))
    return tuple(found)


class Instrument:
    """What every driver inherits.

    Args:
        name: The instrument's name in the rig file.
        line: The wire that it hangs on; not opened here.
        clock: Through which it waits.

    A subclass reads its own settings from the rig in `from_settings`, as a frozen pydantic
    model with unknown keys refused.
    """

    model: ClassVar[str]
    """Maker and model, as people say it."""
    actions: ClassVar[dict[str, Action]] = {}
    """Every action by name, read off the methods."""
    says_when_it_acts: ClassVar[bool] = False
    """Whether every action that is not a pure read calls ``self.ticket.about_to_act`` before the
    first byte that may touch matter. If not, the executor calls it before the action begins."""
    reading_limits: ClassVar[Mapping[str, Within]] = {}
    """What can be believed of each reading that is a number, by its name: a value beyond what the
    device can say is damage on the wire or a broken sensor, and is never handed on."""

    def __init_subclass__(cls) -> None:
        found: dict[str, Action] = dict(cls.actions)
        for name, method in vars(cls).items():
            mark = getattr(method, "__athanor_action__", None)
            if mark is None:
                continue
            recovery, duration_s, readings = mark
            summary = (inspect.getdoc(method) or "").partition("\n")[0]
            found[name] = Action(
                name, summary, recovery, _arguments_of(method), readings, duration_s
            )
        cls.actions = found

    def __init__(self, name: str, line: Line, clock: Clock) -> None:
        self.name = name
        self.line = line
        self.clock = clock
        self.ticket = Ticket()
        """Of the job that is being done; replaced by `perform`."""

    @classmethod
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "Instrument":
        """Build the driver from its part of the rig file; no byte is sent.

        Args:
            name: The instrument's name in the rig file.
            line: Its wire.
            clock: Its clock.
            settings: The table ``[instruments.<name>.settings]``.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        raise NotImplementedError

    async def connect(self) -> str:
        """Check that the right device answers, and set it up; moves nothing.

        Returns:
            The device's identity: model, serial number, firmware, as it says them.

        Raises:
            RigError: Another device answers.
            LineError: The line is down.
            OutcomeUnknown: The device does not answer.
        """
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop whatever moves, now; stopping a device at rest does nothing."""
        raise NotImplementedError

    async def make_safe(self) -> None:
        """Bring the device to its safe state: at rest, outputs off."""
        await self.stop()

    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        """Ask the device what became of an action that was begun and never reported.

        Called only if matter may have been touched, and before the device is asked to do anything
        else. It moves nothing and may be cut off and called again. A device that can be asked
        (`RecoveryClass.QUERYABLE`, `RecoveryClass.KEYED`) overrides this.

        Args:
            action_name: One of `actions`.
            arguments: As they were given to `perform`.
            key: Of the ticket that it was done under.
            notes: What the driver noted in `Ticket.about_to_act`, in order.

        Raises:
            DriverError: The device could not be asked; nothing is known yet.
        """
        recovery = self.actions[action_name].recovery
        if recovery in (RecoveryClass.PURE, RecoveryClass.IDEMPOTENT):
            return Settlement(Verdict.DID_NOT_RUN, f"{action_name} may be repeated freely")
        return Settlement(Verdict.CANNOT_TELL, f"{self.model} cannot say what it did last")

    async def read(self, action_name: str) -> tuple[Reading, ...]:
        """Run a pure action that needs no arguments, perhaps beside the job that is being done.

        Args:
            action_name: One of `actions`.

        Raises:
            DriverError: Whatever the action meets.
        """
        method: Callable[..., Awaitable[tuple[Reading, ...]]] = getattr(self, action_name)
        return self._believed(action_name, await method())

    async def perform(
        self, action_name: str, arguments: Mapping[str, object], ticket: Ticket | None = None
    ) -> tuple[Reading, ...]:
        """Check the arguments and run one action.

        Args:
            action_name: One of `actions`.
            arguments: By name, in the units of their names.
            ticket: Of the job that this is; without one nothing is kept.

        Raises:
            LimitError: Outside limits; nothing was sent.
            DeviceFault: A pure action gave a number that cannot be believed.
            OutcomeUnknown: Another action did, so that nobody knows what it has done.
            DriverError: Whatever the action meets.
        """
        known = self.actions.get(action_name)
        if known is None:
            where = f"{self.name}.{action_name}"
            raise LimitError(where, got=action_name, expected=f"one of {sorted(self.actions)}")
        checked = known.checked(self.name, arguments)
        self.ticket = ticket if ticket is not None else Ticket()
        method: Callable[..., Awaitable[tuple[Reading, ...]]] = getattr(self, action_name)
        return self._believed(action_name, await method(**checked))

    def _believed(self, action_name: str, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
        for reading in readings:
            limits = self.reading_limits.get(reading.name)
            if limits is None or isinstance(reading.value, str):
                continue
            values = reading.value if isinstance(reading.value, tuple) else (reading.value,)
            wrong = [one for one in values if not limits.low <= one <= limits.high]
            if not wrong:
                continue
            text = f"{reading.name} is {wrong[0]:g}, expected {limits.low:g} to {limits.high:g}"
            if self.actions[action_name].recovery is RecoveryClass.PURE:
                raise DeviceFault(self.name, code="out of range", text=text)
            raise OutcomeUnknown(f"{self.name}: {action_name} gave no number to believe", text)
        return readings

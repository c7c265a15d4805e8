"""What can be wrong with the limits, safe states and interlocks of a rig file."""

from collections.abc import Iterator, Mapping, Set

from campaigns.errors import ExpressionError, Problem
from campaigns.expression import parse_condition
from drivers.errors import LimitError
from drivers.instrument import Action, Argument, Instrument, RecoveryClass
from orchestrator.execution.interlock_sources import Source, source_from
from orchestrator.execution.limits import limited
from orchestrator.execution.mistakes import one_of
from orchestrator.execution.rig_spec import InstrumentSpec, InterlockSpec, SafeActionSpec

__all__ = ["interlock_mistakes", "limit_mistakes", "safe_state_mistakes"]


def limit_mistakes(name: str, spec: InstrumentSpec, driver: type[Instrument]) -> Iterator[Problem]:
    """Return what is wrong with an instrument's limits.

    Args:
        name: The instrument's.
        spec: Its table.
        driver: Its class.
    """
    for action_name, limits in spec.limits.items():
        where = f"instruments.{name}.limits.{action_name}"
        action = driver.actions.get(action_name)
        if action is None:
            yield Problem(where, action_name, one_of(driver.actions, action_name))
            continue
        arguments = {argument.name: argument for argument in action.arguments}
        for key, (low, high) in limits.items():
            argument = arguments.get(key)
            if argument is None:
                yield Problem(f"{where}.{key}", key, one_of(arguments, key))
            else:
                yield from _range_mistakes(f"{where}.{key}", argument, low, high)


def _range_mistakes(key: str, argument: Argument, low: float, high: float) -> Iterator[Problem]:
    if argument.kind not in (float, int):
        yield Problem(key, argument.kind.__name__, "an argument that is a number")
    elif low > high:
        yield Problem(key, [low, high], "the lower end first")
    elif not argument.low <= low <= high <= argument.high:
        expected = f"ends within {argument.low:g} to {argument.high:g}, the driver's own"
        yield Problem(key, [low, high], expected)


def safe_state_mistakes(
    name: str, spec: InstrumentSpec, driver: type[Instrument]
) -> Iterator[Problem]:
    """Return what is wrong with an instrument's declared safe state.

    Args:
        name: The instrument's.
        spec: Its table.
        driver: Its class.
    """
    for index, safe in enumerate(spec.safe_state):
        where = f"instruments.{name}.safe_state[{index}]"
        action = driver.actions.get(safe.action)
        if action is None:
            yield Problem(f"{where}.action", safe.action, one_of(driver.actions, safe.action))
        elif action.recovery is not RecoveryClass.IDEMPOTENT:
            expected = f"an idempotent action: {safe.action} is {action.recovery.value}"
            yield Problem(f"{where}.action", safe.action, expected)
        else:
            yield from _argument_mistakes(name, f"{where}.arguments", safe, spec, action)


def _argument_mistakes(
    name: str, where: str, safe: SafeActionSpec, spec: InstrumentSpec, action: Action
) -> Iterator[Problem]:
    try:
        limited(action, spec.limits).checked(name, safe.arguments)
    except LimitError as error:
        yield Problem(f"{where}.{error.where.rpartition('.')[2]}", error.got, error.expected)


def interlock_mistakes(
    interlocks: Mapping[int, InterlockSpec],
    instruments: Set[str],
    drivers: Mapping[str, type[Instrument]],
) -> Iterator[Problem]:
    """Return what is wrong with a rig's interlocks.

    Args:
        interlocks: By their place in the file.
        instruments: Names of all instruments.
        drivers: Those whose driver is known, by instrument.
    """
    seen: set[str] = set()
    for index, spec in interlocks.items():
        where = f"interlock[{index}]"
        if spec.name in seen:
            yield Problem(f"{where}.name", spec.name, "a name that no other interlock has")
        seen.add(spec.name)
        for place, name in enumerate(spec.protects):
            if name not in instruments:
                yield Problem(f"{where}.protects[{place}]", name, one_of(instruments, name))
        for name, text in spec.readings.items():
            yield from _reading_mistakes(
                f"{where}.readings.{name}", name, text, instruments, drivers
            )
        yield from _condition_mistakes(where, spec)


def _reading_mistakes(
    key: str,
    name: str,
    text: str,
    instruments: Set[str],
    drivers: Mapping[str, type[Instrument]],
) -> Iterator[Problem]:
    try:
        source = source_from(name, text)
    except ValueError:
        yield Problem(key, text, "instrument.action, or instrument.action.reading")
        return
    if source.instrument not in instruments:
        yield Problem(key, text, one_of(instruments, source.instrument))
        return
    driver = drivers.get(source.instrument)
    if driver is None:
        return  # reported with the instrument
    action = driver.actions.get(source.action)
    if action is None:
        yield Problem(key, text, one_of(driver.actions, source.action))
        return
    if expected := _unfit(action, source):
        yield Problem(key, text, expected)


def _unfit(action: Action, source: Source) -> str:
    """Return what would have been right; empty if the action can be read."""
    if action.recovery is not RecoveryClass.PURE:
        return f"an action that only reads: {action.name} is {action.recovery.value}"
    required = [argument.name for argument in action.arguments if argument.is_required]
    if required:
        return f"an action without arguments: {action.name} requires {', '.join(required)}"
    if source.chosen_from(action.readings) is None:
        wanted = source.reading or source.name
        return f"a reading of {action.name}: {one_of(action.readings, wanted)}"
    return ""


def _condition_mistakes(where: str, spec: InterlockSpec) -> Iterator[Problem]:
    try:
        condition = parse_condition(spec.condition)
    except ExpressionError as error:
        yield Problem(f"{where}.condition", spec.condition, f"a condition: {error.reason}")
        return
    for name in sorted(condition.names - spec.readings.keys()):
        yield Problem(f"{where}.condition", name, one_of(spec.readings, name))
    for name in sorted(spec.readings.keys() - condition.names):
        yield Problem(f"{where}.readings.{name}", name, "a name that the condition uses")

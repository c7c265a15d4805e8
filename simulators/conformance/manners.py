"""Bronze: the driver does what its card says, within its limits, and names its units."""

import inspect
import math
import re
from collections.abc import Sequence

from campaigns.units import unit_suffix
from drivers.clock import VirtualClock
from drivers.errors import LimitError, RigError
from drivers.instrument import Argument
from drivers.reading import Reading
from simulators.conformance.examinee import Examinee, Expected, demand

__all__ = [
    "connecting_tells_and_moves_nothing",
    "gives_its_readings_in_the_time_it_names",
    "has_a_true_card",
    "names_units_and_limits",
    "refuses_what_is_outside_its_limits",
    "refuses_wrong_settings",
    "stops_at_rest_and_twice",
]

_VERBS = ("Set", "Measure", "Move", "Dispense", "Start", "Stop", "Wait", "Read")
_LONGEST_OVER_NAMED = 2.0
_SLACK_S = 8.0


def has_a_true_card(examinee: Examinee, _: str) -> None:
    """Check that the card names the actions that there are, with their recovery classes."""
    said, are = set(examinee.card.actions), set(examinee.driver.actions)
    demand(said == are, f"the card names {sorted(said)}, the driver has {sorted(are)}")
    for name, action in examinee.driver.actions.items():
        lacking = [
            one.name
            for one in action.arguments
            if one.is_required and one.name not in examinee.card.actions[name].example
        ]
        demand(not lacking, f"[actions.{name}] of the card has no example for {lacking}")
        on_card = examinee.card.actions[name].recovery
        text = f"{name}: the card says {on_card.value}, the driver {action.recovery.value}"
        demand(on_card is action.recovery, text)
    device = examinee.card.device
    is_tried = device.tier == "simulated" or bool(device.tried_by)
    demand(is_tried, "a tier above simulated needs tried_by")
    demand(device.codec == "own" or bool(device.why_no_codec), "codec none needs why_no_codec")


def names_units_and_limits(examinee: Examinee, action: str) -> None:
    """Check that numbers carry units and limits, and that the docstring names each argument."""
    declared = examinee.driver.actions[action]
    text = inspect.getdoc(getattr(examinee.driver, action)) or ""
    first = declared.summary.split()[0] if declared.summary else ""
    card = examinee.card.actions[action]
    named = str(card.example.get(card.unit_in, ""))
    has_own = bool(card.unit_in)
    if not has_own:
        _demand_reading_limits(examinee, declared.readings)
    demand(not has_own or unit_suffix(named) is not None, f"{named!r} ends in no unit")
    demand(first in _VERBS, f"the summary begins with {first!r}, expected one of {_VERBS}")
    for argument in declared.arguments:
        is_said = re.search(rf"^\s+{argument.name}: ", text, re.M) is not None
        demand(is_said, f"{argument.name} is not in the docstring")
        if argument.kind not in (float, int):
            continue
        is_count = argument.kind is int and argument.name.startswith("n_")
        has_unit = is_count or has_own or unit_suffix(argument.name) is not None
        demand(has_unit, f"{argument.name} names no unit")
        limits = (argument.low, argument.high)
        demand(all(map(math.isfinite, limits)), f"{argument.name} has limits {limits}")


def _demand_reading_limits(examinee: Examinee, readings: Sequence[str]) -> None:
    """Check that what is a number by its unit has limits within which it is believed."""
    known = examinee.driver.reading_limits
    bare = [name for name in readings if unit_suffix(name) is not None and name not in known]
    demand(not bare, f"reading_limits names no limits of {bare}")
    for name in set(readings) & known.keys():
        limits = (known[name].low, known[name].high)
        demand(all(map(math.isfinite, limits)), f"reading_limits[{name!r}] is {limits}")


def refuses_wrong_settings(examinee: Examinee, _: str) -> None:
    """Check that an unknown setting is refused and named by its key."""

    async def main(clock: VirtualClock) -> None:
        line = examinee.bench(clock).line(str(_line_of(examinee)))
        with Expected(RigError, "an unknown setting") as refusal:
            examinee.driver.from_settings("thing", line, clock, {"no_such_setting": "red"})
        key = getattr(refusal.error, "key", "")
        begin = "instruments.thing.settings."
        demand(key.startswith(begin), f"the refusal names {key!r}, expected {begin}...")

    examinee.in_virtual_time(main)


def _line_of(examinee: Examinee) -> object:
    tables = examinee.rig["instruments"]
    return tables[examinee.instrument_name]["line"]  # type: ignore[index]  # checked by Examinee


def connecting_tells_and_moves_nothing(examinee: Examinee, _: str) -> None:
    """Check that connecting gives the identity, twice, and does nothing to matter."""

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock)
        before = station.n_acts
        identity = await station.instrument.connect()
        again = await station.instrument.connect()
        demand(again == identity, f"it is {identity!r}, and then {again!r}: another device?")
        demand(len(identity) > 10, f"the identity is {identity!r}, too short to tell devices apart")
        demand(station.n_acts == before, "connecting again did something to matter")

    examinee.in_virtual_time(main)


def stops_at_rest_and_twice(examinee: Examinee, _: str) -> None:
    """Check that stopping and making safe a device at rest does nothing."""

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock)
        before = station.n_acts
        for _ in range(2):
            await station.instrument.stop()
            await station.instrument.make_safe()
        demand(station.n_acts == before, "stopping a device at rest did something to matter")
        demand(station.is_at_rest, "it is not at rest")

    examinee.in_virtual_time(main)


def gives_its_readings_in_the_time_it_names(examinee: Examinee, action: str) -> None:
    """Check the readings' names, and that the expected duration is honest."""
    declared = examinee.driver.actions[action]

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock, action=action)
        begun_s = clock.monotonic_s()
        readings = await station.perform(action)
        took_s = clock.monotonic_s() - begun_s
        got = tuple(reading.name for reading in readings)
        demand(got == declared.readings, f"readings {got}, declared are {declared.readings}")
        has_own = bool(examinee.card.actions[action].unit_in)
        bare = [one.name for one in readings if not has_own and _is_number_without_unit(one)]
        demand(not bare, f"readings {bare} are numbers and name no unit")
        may_be_on = examinee.card.actions[action].leaves_on
        demand(
            may_be_on or station.is_at_rest,
            "it is not at rest; if that is meant, the card says leaves_on = true",
        )
        named_s = declared.duration_s(**examinee.card.actions[action].example)
        most_s = _LONGEST_OVER_NAMED * took_s + _SLACK_S
        text = f"it took {took_s:.2f} s, duration_s names {named_s:.2f} s"
        demand(took_s > 0.0, f"{text}: it took no time at all")
        demand(took_s <= named_s, f"{text}, expected at least what it takes")
        demand(named_s < most_s, f"{text}, expected less than {most_s:.2f} s: plans count on it")

    examinee.in_virtual_time(main)


def _is_number_without_unit(reading: Reading) -> bool:
    return not isinstance(reading.value, str) and unit_suffix(reading.name) is None


def refuses_what_is_outside_its_limits(examinee: Examinee, action: str) -> None:
    """Check that wrong arguments are refused before a byte is sent."""
    declared = examinee.driver.actions[action]
    example = dict(examinee.card.actions[action].example)
    wrong: list[dict[str, object]] = [{**example, "no_such_argument": 1.0}]
    for argument in declared.arguments:
        wrong += [{**example, argument.name: value} for value in _outside(argument)]
        if argument.is_required:
            wrong.append({name: v for name, v in example.items() if name != argument.name})

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock)
        before = station.n_requests
        for arguments in wrong:
            with Expected(LimitError, f"arguments {arguments}"):
                await station.instrument.perform(action, arguments)
        with Expected(LimitError, "an unknown action"):
            await station.instrument.perform("no_such_action", {})
        demand(station.n_requests == before, "a byte was sent before the refusal")

    examinee.in_virtual_time(main)


def _outside(argument: Argument) -> list[object]:
    """Return values that an argument must not take."""
    if argument.kind not in (float, int):
        return [1.0]
    low, high = argument.low, argument.high
    return [low - 1e-3, high * 1.001 + 1.0, math.nan, math.inf, "much"]

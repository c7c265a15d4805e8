"""Actions are read off their methods and checked at one door."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pytest

from drivers.clock import SystemClock
from drivers.errors import DeviceFault, LimitError, OutcomeUnknown
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action
from drivers.testing import MemoryLine
from tests.support.virtual_time import in_real_time


class Kettle(Instrument):
    """An instrument for these tests."""

    model = "Test kettle"

    @action(
        recovery=RecoveryClass.IDEMPOTENT,
        duration_s=lambda *, temperature_c, n_times=1, mode="fast": 2.0 * n_times,
        readings=("temperature_c",),
    )
    async def heat(
        self,
        *,
        temperature_c: Annotated[float, Within(20.0, 100.0)],
        n_times: Annotated[int, Within(1, 5)] = 1,
        mode: str = "fast",
    ) -> tuple[Reading, ...]:
        """Set the temperature.

        More words.
        """
        del mode
        return (Reading("temperature_c", temperature_c * n_times),)


class BetterKettle(Kettle):
    """Inherits its actions."""


KETTLE = Kettle("kettle", MemoryLine([]), SystemClock())


def test_an_action_is_read_off_its_method() -> None:
    heat = Kettle.actions["heat"]

    assert heat.summary == "Set the temperature."
    assert heat.recovery is RecoveryClass.IDEMPOTENT
    assert heat.readings == ("temperature_c",)
    assert [(a.name, a.kind, a.low, a.high, a.is_required) for a in heat.arguments] == [
        ("temperature_c", float, 20.0, 100.0, True),
        ("n_times", int, 1, 5, False),
        ("mode", str, float("-inf"), float("inf"), False),
    ]
    assert heat.duration_s(temperature_c=50.0, n_times=3) == 6.0


def test_actions_are_inherited() -> None:
    assert set(BetterKettle.actions) == {"heat"}
    assert Instrument.actions == {}


def test_checked_arguments_reach_the_method_in_their_types() -> None:
    readings = in_real_time(
        lambda: KETTLE.perform("heat", {"temperature_c": 30, "n_times": 2.0, "mode": "slow"})
    )

    assert readings == (Reading("temperature_c", 60.0),)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"temperature_c": 19.9},
        {"temperature_c": 100.1},
        {"temperature_c": float("nan")},
        {"temperature_c": float("inf")},
        {"temperature_c": True},
        {"temperature_c": "50"},
        {"temperature_c": None},
        {"temperature_c": 50.0, "n_times": 1.5},
        {"temperature_c": 50.0, "n_times": 6},
        {"temperature_c": 50.0, "mode": 3},
        {"temperature_c": 50.0, "mode": "a\rRUN"},
        {"temperature_c": 50.0, "colour": "red"},
    ],
)
def test_arguments_outside_the_limits_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(LimitError, match="nothing was sent"):
        in_real_time(lambda: KETTLE.perform("heat", arguments))


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(LimitError, match="heat"):
        in_real_time(lambda: KETTLE.perform("fly", {}))


def test_an_action_with_a_positional_argument_is_refused_at_definition() -> None:
    with pytest.raises(TypeError, match="keyword-only"):

        class Broken(Instrument):
            @action(recovery=RecoveryClass.PURE, duration_s=1.0)
            async def look(self, where: float) -> tuple[Reading, ...]:
                """Read something."""
                return (Reading("x", where),)


class Teller(Instrument):
    """Says what it was built with."""

    model = "Teller"
    reading_limits: ClassVar[Mapping[str, Within]] = {"mass_g": Within(-1.0, 100.0)}
    value: float | tuple[float, ...] = 0.0

    @action(recovery=RecoveryClass.PURE, duration_s=1.0, readings=("mass_g",))
    async def measure_mass(self) -> tuple[Reading, ...]:
        """Measure a mass."""
        return (Reading("mass_g", self.value),)

    @action(recovery=RecoveryClass.BLIND, duration_s=1.0, readings=("mass_g",))
    async def dispense(self) -> tuple[Reading, ...]:
        """Dispense a mass."""
        return (Reading("mass_g", self.value),)


@pytest.mark.parametrize("value", [-1.0, 100.0, (0.0, 5.0), ()])
def test_what_the_device_can_say_is_believed(value: float | tuple[float, ...]) -> None:
    teller = Teller("teller", MemoryLine([]), SystemClock())
    teller.value = value

    (reading,) = in_real_time(lambda: teller.perform("measure_mass", {}))

    assert reading.value == value


@pytest.mark.parametrize("value", [-1.1, 100.1, 1e30, (0.0, 200.0)])
def test_a_number_beyond_belief_is_no_reading(value: float | tuple[float, ...]) -> None:
    teller = Teller("teller", MemoryLine([]), SystemClock())
    teller.value = value

    with pytest.raises(DeviceFault, match=r"mass_g is .*, expected -1 to 100"):
        in_real_time(lambda: teller.perform("measure_mass", {}))
    with pytest.raises(DeviceFault):
        in_real_time(lambda: teller.read("measure_mass"))
    with pytest.raises(OutcomeUnknown, match="no number to believe"):
        in_real_time(lambda: teller.perform("dispense", {}))

"""A kit that nothing can fail proves nothing: drivers with one mistake each, and who finds it."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar

import pytest
from typing_extensions import override

from drivers.conformance import ConformanceReport, Level, Outcome, Result
from drivers.devices.eurotherm_3200 import Eurotherm3200
from drivers.devices.mettler_toledo_sics import MettlerToledoSics
from drivers.devices.new_era_ne1000 import NewEraNe1000
from drivers.errors import LineError, OutcomeUnknown, RigError
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action
from drivers.ticket import Settlement, Verdict
from simulators.conformance.examinee import Examinee
from simulators.conformance.kit import CHECKS, try_check

NAMES = {
    NewEraNe1000: "new_era_ne1000",
    MettlerToledoSics: "mettler_toledo_sics",
    Eurotherm3200: "eurotherm_3200",
}


class GoesOnWhenCutOff(NewEraNe1000):
    @override
    async def stop(self) -> None:
        """Stop nothing."""


class ForgetsItsTicket(NewEraNe1000):
    @override
    async def perform(self, action_name, arguments, ticket=None):  # type: ignore[no-untyped-def]
        return await super().perform(action_name, arguments, None)


class SaysItDidNotRun(NewEraNe1000):
    @override
    async def settle(self, action_name, arguments, *, key, notes):  # type: ignore[no-untyped-def]
        return Settlement(Verdict.DID_NOT_RUN, "surely not")


class NeverCanTell(NewEraNe1000):
    @override
    async def settle(self, action_name, arguments, *, key, notes):  # type: ignore[no-untyped-def]
        return Settlement(Verdict.CANNOT_TELL, "who knows")


class TakesAnySetting(NewEraNe1000):
    @classmethod
    @override
    def from_settings(cls, name, line, clock, settings):  # type: ignore[no-untyped-def]
        known = {key: value for key, value in settings.items() if key != "no_such_setting"}
        known = {"address": 1, "syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0} | known
        return super().from_settings(name, line, clock, known)


class MovesWhenItConnects(NewEraNe1000):
    @override
    async def connect(self) -> str:
        identity = await super().connect()
        await self.withdraw(volume_ul=100.0, rate_ul_per_min=2000.0)
        return identity


class LosesItsError(MettlerToledoSics):
    @action(recovery=RecoveryClass.PURE, duration_s=3.0, readings=("mass_g",))
    async def measure_mass_immediately(self) -> tuple[Reading, ...]:
        """Measure the mass, or give nothing as if it were something."""
        try:
            return (await super().measure_mass_immediately())[:1]
        except OutcomeUnknown:
            return (Reading("mass_g", 0.0),)


class BreaksOfItself(MettlerToledoSics):
    @action(recovery=RecoveryClass.PURE, duration_s=3.0, readings=("mass_g", "stability"))
    async def measure_mass_immediately(self) -> tuple[Reading, ...]:
        """Measure the mass with a mistake of ours."""
        readings = await super().measure_mass_immediately()
        return (Reading("mass_g", 1.0 / (readings[0].value == "never")), readings[1])  # type: ignore[operator]


class AnswersForAnybody(MettlerToledoSics):
    @override
    async def connect(self) -> str:
        try:
            return await super().connect()
        except (RigError, OutcomeUnknown):
            return "some balance or other"


class NamesTooShortATime(Eurotherm3200):
    @action(recovery=RecoveryClass.PURE, duration_s=0.001, readings=("temperature_c",))
    async def measure_temperature(self) -> tuple[Reading, ...]:
        """Measure the temperature in no time."""
        await asyncio.sleep(1.0)
        return await super().measure_temperature()


class NamesNoUnit(Eurotherm3200):
    @action(recovery=RecoveryClass.PURE, duration_s=2.0, readings=("warmth",))
    async def measure_temperature(self) -> tuple[Reading, ...]:
        """Measure some temperature."""
        (reading,) = await super().measure_temperature()
        return (Reading("warmth", reading.value),)


class BelievesAnything(MettlerToledoSics):
    reading_limits: ClassVar[Mapping[str, Within]] = {}


class SaysNotThatItActed(MettlerToledoSics):
    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=6.0, readings=("tare_g",))
    async def tare(self) -> tuple[Reading, ...]:
        """Set the tare, and take what happens then for what happens before."""
        try:
            return await super().tare()
        except OutcomeUnknown as error:
            raise LineError("the line is down") from error


MISTAKES: Mapping[type[Instrument], set[str]] = {
    GoesOnWhenCutOff: {"stops when cut off"},
    ForgetsItsTicket: {"does nothing that cannot be noted"},
    SaysItDidNotRun: {"tells what it did after a crash"},
    NeverCanTell: {"tells what it did after a crash"},
    TakesAnySetting: {"refuses wrong settings"},
    MovesWhenItConnects: {"connecting tells and moves nothing"},
    LosesItsError: {"survives a fault"},
    BreaksOfItself: {"gives its readings in the time it names", "survives a fault"},
    AnswersForAnybody: {"refuses another device"},
    NamesTooShortATime: {"gives its readings in the time it names"},
    BelievesAnything: {"names units and limits"},
    SaysNotThatItActed: {"survives a fault", "a cable that falls out is told"},
    NamesNoUnit: {"gives its readings in the time it names"},
}


def examinee_of(driver: type[Instrument]) -> Examinee:
    """Return the examinee of a good driver, with another one in its place."""
    examinee = Examinee(next(name for cls, name in NAMES.items() if issubclass(driver, cls)))
    examinee.driver = driver
    return examinee


def failures_of(driver: type[Instrument], only: set[str]) -> list[Result]:
    examinee = examinee_of(driver)
    results = [
        try_check(examinee, check, subject)
        for check in CHECKS
        if check.name in only
        for subject in check.subjects(examinee)
    ]
    return [one for one in results if one.outcome is Outcome.FAILED]


@pytest.mark.parametrize("driver", MISTAKES, ids=lambda driver: driver.__name__)
def test_a_mistake_is_found_and_told(driver: type[Instrument]) -> None:
    failures = failures_of(driver, MISTAKES[driver])

    assert {one.check for one in failures} == MISTAKES[driver]
    assert all(one.detail for one in failures)


def test_a_failure_takes_the_levels_above_it() -> None:
    def report(*failed: Level) -> ConformanceReport:
        results = tuple(Result("c", "s", level, Outcome.FAILED) for level in failed)
        passed = tuple(Result("c", "s", level, Outcome.PASSED) for level in Level)
        return ConformanceReport("d", "m", Level.SILVER, results + passed)

    assert report().reached is Level.GOLD
    assert report(Level.GOLD).reached is Level.SILVER
    assert report(Level.SILVER).reached is Level.BRONZE
    assert report(Level.BRONZE, Level.GOLD).reached is None
    assert [report(level).keeps_its_word for level in Level] == [False, False, True]

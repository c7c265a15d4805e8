"""What holds for the driver of every device found: each check of the conformance kit."""

import functools

import pytest

from drivers.catalog import DRIVERS, driver_named, names
from drivers.clock import VirtualClock
from drivers.conformance import ConformanceReport, Level, Outcome
from simulators.conformance.examinee import Examinee
from simulators.conformance.kit import CHECKS, StandardKit, try_check
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import in_virtual_time

DEVICES = names(DRIVERS)


@functools.cache
def examinee_of(device: str) -> Examinee:
    return Examinee(device)


CASES = [
    pytest.param(device, place, subject, id=f"{device}-{check.name}-{subject}".replace(" ", "-"))
    for device in DEVICES
    for place, check in enumerate(CHECKS)
    for subject in check.subjects(examinee_of(device))
]


@pytest.mark.parametrize(("device", "place", "subject"), CASES)
def test_a_driver_passes_every_check(device: str, place: int, subject: str) -> None:
    result = try_check(examinee_of(device), CHECKS[place], subject)

    assert result.outcome is not Outcome.FAILED, result.detail


@pytest.mark.parametrize("device", DEVICES)
def test_our_own_drivers_claim_gold_and_their_sources(device: str) -> None:
    card = examinee_of(device).card

    assert card.quality.level is Level.GOLD
    assert len({source.repository for source in card.source}) >= 2
    assert card.device.tier == "simulated"


def test_every_driver_has_its_instrument_on_the_rig_of_all_drivers() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        bench = bench_of(clock)
        return [(await instrument_on(bench, name, clock)).name for name in DEVICES]

    assert in_virtual_time(main) == list(DEVICES)


def test_the_kit_reports_what_it_found() -> None:
    device = "mettler_toledo_sics"
    results = tuple(StandardKit.results(device))
    report = StandardKit.report(device, results)

    assert len(results) == StandardKit.n_checks(device)
    assert isinstance(report, ConformanceReport)
    assert report.model == driver_named(device).model
    assert report.reached is Level.GOLD
    assert report.keeps_its_word

"""Small campaigns in virtual time with faults, crashes and operators: the invariants hold."""

import logging
from collections.abc import Iterator

import pytest

from tests.support.simulated_campaigns import simulate

SEEDS = 40


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Leave out what engines and stations say of their crashes."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
def test_nothing_is_lost_or_done_twice_whatever_crashes() -> None:
    reports = [simulate(seed) for seed in range(SEEDS)]

    assert {r.seed: r.violations for r in reports if r.violations} == {}
    assert sum(len(report.crashes) for report in reports) > SEEDS
    assert {report.status for report in reports} >= {"finished", "stopped", "aborted", "held"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5, 11, 37])
def test_the_same_seed_gives_the_same_log(seed: int) -> None:
    first, second = simulate(seed), simulate(seed)

    assert first.last_hash == second.last_hash
    assert first.crashes == second.crashes


@pytest.mark.slow
def test_a_station_that_forgets_is_found_out() -> None:
    reports = (simulate(seed, is_forgetful=True) for seed in range(SEEDS))

    assert any("duplicated" in text for report in reports for text in report.violations)


def test_a_person_is_told_though_a_load_might_still_be_filled() -> None:
    assert simulate(72640).violations == []

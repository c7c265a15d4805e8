"""Replies damaged on the way make no driver hang, lie or raise what is no driver's error."""

import logging

import pytest

from drivers.catalog import DRIVERS, names
from tests.support.driver_fuzz import WRONG, fuzz


@pytest.mark.parametrize("device", names(DRIVERS))
def test_damaged_replies_raise_only_errors_of_drivers(
    device: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    counts = fuzz(device, 100, seed=1)

    assert {what: counts[what] for what in WRONG if counts[what]} == {}

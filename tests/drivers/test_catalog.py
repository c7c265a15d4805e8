"""Drivers and kinds of lines are found by their entry points."""

import pytest

from drivers.catalog import DRIVERS, LINES, driver_named, line_kind_named, names
from drivers.clock import SystemClock
from drivers.errors import RigError
from drivers.instrument import Instrument


def test_every_driver_found_is_an_instrument() -> None:
    assert {"keithley_2450", "mettler_toledo_sics", "new_era_ne1000"} <= set(names(DRIVERS))
    assert all(issubclass(driver_named(name), Instrument) for name in names(DRIVERS))


def test_every_kind_of_line_found_builds_from_settings() -> None:
    assert {"serial", "tcp"} <= set(names(LINES))
    line = line_kind_named("tcp").from_settings(
        "meter", {"host": "192.0.2.10", "port": 5025}, SystemClock()
    )
    assert line.name == "meter"


@pytest.mark.parametrize("find", [driver_named, line_kind_named])
def test_an_unknown_name_lists_the_known(find: object) -> None:
    with pytest.raises(RigError, match="tcp|new_era_ne1000"):
        find("carrier_pigeon")  # type: ignore[operator]


def test_an_unknown_group_is_empty() -> None:
    assert names("athanor.nothing") == ()

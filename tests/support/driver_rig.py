"""A rig with one instrument of every driver, as the bench takes it."""

from collections.abc import Mapping
from typing import Any

from drivers.card import example_rig_of
from drivers.catalog import DRIVERS, driver_named, names
from drivers.clock import Clock
from drivers.instrument import Instrument
from simulators.bench import Bench


def _merged(table: str) -> dict[str, Any]:
    """Return a table of all example rigs put together."""
    found: dict[str, Any] = {}
    for driver in names(DRIVERS):
        for name, value in example_rig_of(driver_named(driver)).get(table, {}).items():  # type: ignore[attr-defined]
            assert found.setdefault(name, value) == value, f"two rigs differ in {table}.{name}"
    return found


LINES: Mapping[str, Any] = _merged("lines")
INSTRUMENTS: Mapping[str, Any] = _merged("instruments")


def rig_of_all_drivers(*faults: Mapping[str, object], seed: int = 7) -> dict[str, Any]:
    """Return the rig; an instrument of each driver carries the driver's name.

    Args:
        faults: Tables ``[[simulation.fault]]``.
        seed: Of the simulation.
    """
    return {
        "rig": {"name": "all-drivers", "cost_usd_per_hour": 1.0},
        "simulation": {"world": "oer_plate_3496", "seed": seed, "fault": list(faults)},
        "lines": dict(LINES),
        "stock": _merged("stock"),
        "positions": _merged("positions"),
        "instruments": dict(INSTRUMENTS),
    }


def bench_of(clock: Clock, *faults: Mapping[str, object]) -> Bench:
    """Return a bench for the rig of all drivers."""
    return Bench.from_rig(rig_of_all_drivers(*faults), clock, seed=7)


async def instrument_on(bench: Bench, name: str, clock: Clock) -> Instrument:
    """Return an instrument of that rig on its open line, not yet connected."""
    table = INSTRUMENTS[name]
    line = bench.line(table["line"])
    await line.open()
    return driver_named(table["driver"]).from_settings(name, line, clock, table.get("settings", {}))

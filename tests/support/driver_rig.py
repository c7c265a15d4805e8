"""A rig with one instrument of every driver, as the bench takes it."""

from collections.abc import Mapping
from typing import Any

from drivers.card import example_rig_of
from drivers.catalog import DRIVERS, driver_named, names
from drivers.clock import Clock
from drivers.instrument import Instrument
from simulators.bench import Bench
from simulators.serving.lab import KINDS


def _merged(table: str) -> dict[str, Any]:
    """Return a table of all example rigs put together."""
    found: dict[str, Any] = {}
    for driver in names(DRIVERS):
        for name, value in example_rig_of(driver_named(driver)).get(table, {}).items():  # type: ignore[attr-defined]
            assert found.setdefault(name, value) == value, f"two rigs differ in {table}.{name}"
    return found


LINES: Mapping[str, Any] = _merged("lines")
INSTRUMENTS: Mapping[str, Any] = _merged("instruments")


SERVED: tuple[str, ...] = tuple(
    name for name, table in INSTRUMENTS.items() if LINES[table["line"]]["kind"] in KINDS
)
"""Those whose lines have a real wire."""


def rig_of_all_drivers(
    *faults: Mapping[str, object], seed: int = 7, is_served: bool = False
) -> dict[str, Any]:
    """Return the rig; an instrument of each driver carries the driver's name.

    Args:
        faults: Tables ``[[simulation.fault]]``.
        seed: Of the simulation.
        is_served: Whether lines without a real wire are left out, with their instruments.
    """
    instruments = {name: INSTRUMENTS[name] for name in (SERVED if is_served else INSTRUMENTS)}
    used = {table["line"] for table in instruments.values()}
    return {
        "rig": {"name": "all-drivers", "cost_usd_per_hour": 1.0},
        "simulation": {"world": "oer_plate_3496", "seed": seed, "fault": list(faults)},
        "lines": {name: table for name, table in LINES.items() if name in used},
        "stock": _merged("stock"),
        "positions": _merged("positions"),
        "instruments": instruments,
    }


def bench_of(clock: Clock, *faults: Mapping[str, object], is_served: bool = False) -> Bench:
    """Return a bench for the rig of all drivers."""
    return Bench.from_rig(rig_of_all_drivers(*faults, is_served=is_served), clock, seed=7)


async def instrument_on(bench: Bench, name: str, clock: Clock) -> Instrument:
    """Return an instrument of that rig on its open line, not yet connected."""
    table = INSTRUMENTS[name]
    line = bench.line(table["line"])
    await line.open()
    return driver_named(table["driver"]).from_settings(name, line, clock, table.get("settings", {}))

"""A rig with one instrument of every driver, as the bench takes it."""

from collections.abc import Mapping
from typing import Any

from drivers.catalog import driver_named
from drivers.clock import Clock
from drivers.instrument import Instrument
from simulators.bench import Bench

LINES: Mapping[str, Any] = {
    "pumps": {"kind": "serial", "port": "/dev/ttyUSB0", "baudrate": 19200},
    "balance": {"kind": "serial", "port": "/dev/ttyUSB1", "baudrate": 9600},
    "source_meter": {"kind": "tcp", "host": "192.0.2.10", "port": 5025},
    "relays": {"kind": "serial", "port": "/dev/ttyACM0", "baudrate": 19200},
    "tasks": {"kind": "task_board", "folder": "/var/lib/athanor/tasks"},
}
PUMP_SETTINGS = {"syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0}
INSTRUMENTS: Mapping[str, Any] = {
    "new_era_ne1000": {
        "driver": "new_era_ne1000",
        "line": "pumps",
        "draws_from": "x1",
        "delivers_to": "vessel",
        "settings": {"address": 1, **PUMP_SETTINGS},
    },
    "second_pump": {
        "driver": "new_era_ne1000",
        "line": "pumps",
        "draws_from": "x1",
        "delivers_to": "vessel",
        "settings": {"address": 2, **PUMP_SETTINGS},
    },
    "mettler_toledo_sics": {
        "driver": "mettler_toledo_sics",
        "line": "balance",
        "at": "vessel",
        "settings": {},
    },
    "keithley_2450": {
        "driver": "keithley_2450",
        "line": "source_meter",
        "at": "vessel",
        "settings": {},
    },
    "numato_usb_relay": {
        "driver": "numato_usb_relay",
        "line": "relays",
        "draws_from": "x1",
        "delivers_to": "vessel",
        "settings": {"address": 0, "flow_ul_per_s": 50.0},
    },
    "second_relay": {
        "driver": "numato_usb_relay",
        "line": "relays",
        "settings": {"address": 1},
    },
    "manual_station": {
        "driver": "manual_station",
        "line": "tasks",
        "at": "vessel",
        "settings": {},
    },
}


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
        "stock": {
            "x1": {"volume_ml": 500.0, "concentration_mol_per_l": 0.5, "density_g_per_ml": 1.05}
        },
        "positions": {"vessel": {"capacity_ml": 50.0}},
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
    return driver_named(table["driver"]).from_settings(name, line, clock, table["settings"])

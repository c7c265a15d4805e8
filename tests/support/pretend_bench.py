"""Builds pretend devices and benches, and runs things on the virtual clock."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np

from drivers.clock import Clock, VirtualClock, VirtualLoop
from simulators.cells import Cell
from simulators.device import Fittings
from simulators.faults import Fault, FaultPlan
from simulators.plumbing import Plumbing, Substance, Vessel

T = TypeVar("T")

START = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)


def run_virtually(main: Callable[[VirtualClock], Awaitable[T]], *, start: datetime = START) -> T:
    """Run a coroutine function on a fresh virtual loop and return what it returns."""

    async def started() -> T:
        return await main(VirtualClock(start))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(started())


def small_plumbing() -> Plumbing:
    """Return a stock of 50 ml, a vessel of 20 ml, a cell of 10 ml and a waste."""
    vessels = {
        "stock": Vessel(np.inf, is_sealed=True, contents={"stock": 50_000.0}),
        "vessel": Vessel(20_000.0, is_sealed=False),
        "cell": Vessel(10_000.0, is_sealed=False),
        "waste": Vessel(20_000_000.0, is_sealed=False),
    }
    return Plumbing(vessels, {"stock": Substance(0.5, 1.0)})


def fittings_of(
    clock: Clock,
    *,
    plumbing: Plumbing | None = None,
    settings: Mapping[str, object] | None = None,
    draws_from: str | None = None,
    delivers_to: str | None = None,
    at: str | None = None,
    cell: Cell | None = None,
    faults: tuple[Fault, ...] = (),
    seed: int = 0,
) -> Fittings:
    """Return how one instrument named ``device`` is fitted into a small bench."""
    return Fittings(
        name="device",
        clock=clock,
        plumbing=plumbing or small_plumbing(),
        rng=np.random.default_rng(seed),
        faults=FaultPlan(faults, np.random.default_rng((seed, 1))),
        settings=settings or {},
        draws_from=draws_from,
        delivers_to=delivers_to,
        at=at,
        cell=cell,
    )


def oer_rig(faults: tuple[dict[str, Any], ...] = (), **stock: float) -> dict[str, Any]:
    """Return the OER bench as its rig file describes it.

    Args:
        faults: Tables ``[[simulation.fault]]``.
        stock: Overrides in every stock's table.
    """
    components = [f"x{number}" for number in range(1, 7)]
    syringe = {"syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0}
    bottle = {"volume_ml": 500.0, "concentration_mol_per_l": 0.5, "density_g_per_ml": 1.05}
    pumps = {
        f"pump_{name}": ("mixing_vessel", name, number)
        for number, name in enumerate(components, start=1)
    }
    pumps["pump_transfer"] = ("flow_cell", "mixing_vessel", 7)
    pumps["pump_waste"] = ("waste", "flow_cell", 8)
    instruments: dict[str, Any] = {
        name: {
            "driver": "new_era_ne1000",
            "line": "pumps",
            "draws_from": source,
            "delivers_to": goal,
            "settings": {"address": address, **syringe},
        }
        for name, (goal, source, address) in pumps.items()
    }
    instruments["balance"] = {
        "driver": "mettler_toledo_sics",
        "line": "balance",
        "at": "mixing_vessel",
        "settings": {},
    }
    instruments["source_meter"] = {
        "driver": "keithley_2450",
        "line": "source_meter",
        "at": "flow_cell",
        "settings": {},
    }
    return {
        "rig": {"name": "oer-bench", "cost_usd_per_hour": 12.0},
        "simulation": {"world": "oer_plate_3496", "seed": 7, "fault": list(faults)},
        "lines": {
            "pumps": {"kind": "serial", "port": "/dev/ttyUSB0", "baudrate": 19200},
            "balance": {"kind": "serial", "port": "/dev/ttyUSB1", "baudrate": 9600},
            "source_meter": {"kind": "tcp", "host": "192.0.2.10", "port": 5025},
        },
        "stock": {name: {**bottle, **stock} for name in components},
        "positions": {
            "mixing_vessel": {"capacity_ml": 20.0},
            "flow_cell": {"capacity_ml": 10.0},
            "waste": {"capacity_ml": 20000.0},
        },
        "instruments": instruments,
    }

"""A small rig, its bench on virtual time, and orders for it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

from drivers.clock import VirtualClock, VirtualLoop
from orchestrator.execution.executor import Order
from orchestrator.execution.rig import rig_from_text
from orchestrator.execution.rig_spec import RigSpec

T = TypeVar("T")

SMALL_RIG = """
[rig]
name = "small-bench"
cost_usd_per_hour = 6.0
[simulation]
world = "oer_plate_3496"
[lines.pumps]
kind = "serial"
port = "/dev/ttyUSB0"
baudrate = 19200
[lines.balance]
kind = "serial"
port = "/dev/ttyUSB1"
baudrate = 9600
[lines.source_meter]
kind = "tcp"
host = "192.0.2.10"
port = 5025
[stock.x1]
volume_ml = 100.0
concentration_mol_per_l = 0.5
density_g_per_ml = 1.05
cost_usd_per_ml = 0.2
[stock.x2]
volume_ml = 50.0
concentration_mol_per_l = 0.5
density_g_per_ml = 1.0
[positions.vessel]
capacity_ml = 20.0
[instruments.pump_x1]
driver = "new_era_ne1000"
line = "pumps"
draws_from = "x1"
delivers_to = "vessel"
settings = { address = 1, syringe_diameter_mm = 14.57, syringe_volume_ml = 10.0 }
[instruments.pump_x2]
driver = "new_era_ne1000"
line = "pumps"
draws_from = "x2"
delivers_to = "vessel"
settings = { address = 2, syringe_diameter_mm = 14.57, syringe_volume_ml = 10.0 }
[instruments.balance]
driver = "mettler_toledo_sics"
line = "balance"
at = "vessel"
[instruments.source_meter]
driver = "keithley_2450"
line = "source_meter"
at = "vessel"
"""


@cache
def _faultless() -> RigSpec:
    return rig_from_text(SMALL_RIG, file="small.toml")


def small_rig(*faults: tuple[str, str, int]) -> RigSpec:
    """Return the small rig with faults.

    Args:
        faults: Instrument, kind and which of its exchanges, from 1; what is late is 30 s late.
    """
    tables = _faultless().as_tables()
    tables["simulation"]["fault"] = [
        {
            "instrument": instrument,
            "kind": kind,
            "exchange": exchange,
            **({"delay_s": 30.0} if kind == "late" else {}),
        }
        for instrument, kind, exchange in faults
    ]
    return RigSpec.model_validate(tables)


def on_virtual_time(main: Callable[[VirtualClock], Awaitable[T]]) -> T:
    """Run an async function to its end on a loop of its own whose time jumps."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main(VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def order(
    instrument: str,
    action: str,
    *,
    campaign_id: str = "small-1",
    attempt: int = 1,
    epoch: int = 1,
    not_after: float = 1e9,
    deadline_s: float = 1000.0,
    **arguments: float | str,
) -> Order:
    """Return an order, by default one that never expires."""
    return Order(
        campaign_id=campaign_id,
        job_id=f"E0001/{action}_{instrument}",
        attempt=attempt,
        started_time=MORNING,
        epoch=epoch,
        instrument=instrument,
        action=action,
        arguments=dict(arguments),
        not_after=not_after,
        deadline_s=deadline_s,
    )


def again(order: Order, attempt: int = 2) -> Order:
    """Return the next attempt at an order's job."""
    return order.model_copy(update={"attempt": attempt})

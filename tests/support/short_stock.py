"""Rigs with little in every bottle, and the hand that fills them again."""

from datetime import datetime
from typing import cast

from orchestrator.core.events import LAB_STREAM, StockReceived
from orchestrator.execution.rig import rig_from_text
from orchestrator.execution.rig_spec import RigSpec
from simulators.bench import Bench
from tests.support.dry_runs import LIBRARY, DryRun

__all__ = ["refill", "short_rig"]


def short_rig(volume_ml: float) -> RigSpec:
    """Return the shipped rig of the OER campaign with so much in every bottle.

    Args:
        volume_ml: In millilitres.
    """
    text = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
    lines = [
        f"volume_ml = {volume_ml}" if line.startswith("volume_ml") else line
        for line in text.splitlines()
    ]
    return rig_from_text("\n".join(lines), file="oer_rig.toml")


def refill(run: DryRun, amount_ml: float, *, lot: str = "second", time: datetime) -> None:
    """Put a bottle of each stock onto the bench, if it runs, and into the log.

    Args:
        run: Whose.
        amount_ml: Of each, in millilitres.
        lot: Its name.
        time: When.
    """
    shelf = run.state().shelf
    events = []
    for name in run.rig.stock:
        if run.bench is not None:
            contents = cast(Bench, run.bench).plumbing.vessel(name).contents
            contents[name] = contents.get(name, 0.0) + 1020.0 * amount_ml
        events.append(StockReceived(shelf=shelf, stock=name, lot=lot, amount=amount_ml, unit="ml"))
    run.log.append(LAB_STREAM, events, time=time, actor="ada", is_simulated=True)

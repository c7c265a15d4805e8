"""Looks at every instrument of a rig: who answers, with what firmware, within what limits.

Nothing moves: an instrument is only asked who it is, as it is before every campaign. Where a
station holds the lines already, what it knows is shown instead.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from drivers.clock import Clock, SystemClock
from drivers.instrument import Action
from drivers.line import Line
from orchestrator.core.lab import LabState
from orchestrator.execution.executor import Connection
from orchestrator.execution.limits import limited
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import drivers_for, lines_for, load_rig
from orchestrator.execution.rig_spec import RigSpec

__all__ = [
    "ActionCheck",
    "InstrumentCheck",
    "RigCheck",
    "check_file",
    "check_lines",
    "check_through_station",
    "load_rig",
]


class _Model(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ActionCheck(_Model):
    """One action of an instrument and how far it may go."""

    name: str
    recovery: str
    limits: dict[str, tuple[float | None, float | None]]
    """By numeric argument: lowest and highest value, None where there is no limit."""
    narrowed: tuple[str, ...]
    """Arguments whose limits the rig file made narrower than the driver's."""


class InstrumentCheck(_Model):
    """One instrument of the rig."""

    name: str
    driver: str
    model: str
    line: str
    identity: str
    """Model, serial number and firmware as the device says them; empty if it did not answer."""
    error: str
    """Why it cannot be used; empty if it can."""
    actions: tuple[ActionCheck, ...]


class RigCheck(_Model):
    """What was found."""

    rig_name: str
    rig_sha256: str
    through_station: str
    """Which station was asked; empty if the lines were opened here."""
    seen: datetime | None
    """How old the station's answer is at most; None where the devices were asked now."""
    instruments: tuple[InstrumentCheck, ...]

    @property
    def is_good(self) -> bool:
        """Whether every instrument answers."""
        return not any(instrument.error for instrument in self.instruments)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, once for all instruments of a line that share it."""
        together: dict[tuple[str, str], list[str]] = {}
        for one in self.instruments:
            if one.error:
                together.setdefault((one.line, one.error), []).append(one.name)
        return tuple(
            f"line {line} ({', '.join(names)}): {error}"
            for (line, error), names in together.items()
        )


def check_file(path: Path) -> RigCheck:
    """Open the lines of a rig file, ask every instrument who it is, and close them again.

    Raises:
        RigFileError: With every mistake in the file; nothing was opened.
        RigError: A driver or a line kind refuses its settings; nothing was opened.
    """
    rig = load_rig(path)

    async def look() -> RigCheck:
        clock = SystemClock()
        return await check_lines(rig, lines_for(rig, clock), clock)

    return asyncio.run(look())


async def check_lines(rig: RigSpec, lines: Mapping[str, Line], clock: Clock) -> RigCheck:
    """Ask every instrument who it is over lines that are not open yet, and close them.

    Args:
        rig: Checked.
        lines: By name.
        clock: Through which everything waits.
    """
    executor = LocalExecutor(rig, lines, clock)
    try:
        found = await executor.connect()
    finally:
        await executor.close()
    return _check(rig, found, through_station="", seen=None)


def check_through_station(
    rig: RigSpec, lab: LabState, *, station: str, does: Mapping[str, str], seen: datetime | None
) -> RigCheck:
    """Return what a living station knows of the instruments whose lines it holds.

    Args:
        rig: That it serves.
        lab: What it has written down.
        station: Which one, for people.
        does: What each instrument does, as it says now.
        seen: When it wrote something down last.
    """
    found = {}
    for name, spec in rig.instruments.items():
        known = lab.instruments.get(name)
        identity = known.identity if known is not None else ""
        error = lab.why_unusable(name)
        if not error and does.get(name) == "not connected":
            error = "not connected"
        if not error and not identity:
            error = "the station has not heard of it"
        found[name] = Connection(
            instrument=name, driver=spec.driver, identity=identity, error=error
        )
    return _check(rig, found, through_station=station, seen=seen)


def _check(
    rig: RigSpec,
    found: Mapping[str, Connection],
    *,
    through_station: str,
    seen: datetime | None,
) -> RigCheck:
    drivers = drivers_for(rig)
    return RigCheck(
        rig_name=rig.header.name,
        rig_sha256=rig.fingerprint(),
        through_station=through_station,
        seen=seen,
        instruments=tuple(
            InstrumentCheck(
                name=name,
                driver=spec.driver,
                model=drivers[name].model,
                line=spec.line,
                identity=found[name].identity,
                error=found[name].error,
                actions=_actions(tuple(drivers[name].actions.values()), spec.limits),
            )
            for name, spec in rig.instruments.items()
        ),
    )


def _actions(
    actions: Sequence[Action], limits: Mapping[str, Mapping[str, tuple[float, float]]]
) -> tuple[ActionCheck, ...]:
    return tuple(
        ActionCheck(
            name=action.name,
            recovery=str(action.recovery),
            limits={
                argument.name: (_or_none(argument.low), _or_none(argument.high))
                for argument in limited(action, limits).arguments
                if argument.kind in (float, int)
            },
            narrowed=tuple(limits.get(action.name, {})),
        )
        for action in actions
    )


def _or_none(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None

"""Where each instrument of a rig stands: driver, view of the line, and what it is doing."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drivers.clock import Clock
from drivers.instrument import Instrument
from drivers.line import Line
from orchestrator.execution.guarded_line import GuardedLine
from orchestrator.execution.rig import drivers_for
from orchestrator.execution.rig_spec import InstrumentSpec, RigSpec

__all__ = ["Seat", "Wire", "wires_for"]


@dataclass(slots=True, eq=False)
class Seat:
    """One instrument: as mutable as the device."""

    instrument: Instrument
    line: GuardedLine
    spec: InstrumentSpec
    identity: str = ""
    """What the device last said that it is."""
    known_as: str = ""
    """What a device that is plugged in again must say that it is; empty accepts any."""
    why_lost: str = "not connected yet"
    """Why there is no connection; means nothing while there is one."""
    why_out: str = ""
    """Why a person took it out of service; empty if nobody did."""
    job: str = ""
    """The action that it is doing; empty at rest."""
    campaign_id: str = ""
    """For which it last worked."""
    since_s: float = 0.0
    fault: str = ""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever works with the device: a job, a question about an earlier one."""
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the right device answers."""

    @property
    def name(self) -> str:
        """The instrument's name in the rig file."""
        return self.instrument.name

    def begin(self, job: str, campaign_id: str, now_s: float) -> None:
        """Take note of a job that begins."""
        self.job, self.campaign_id, self.since_s, self.fault = job, campaign_id, now_s, ""

    def end(self) -> None:
        """Take note that the job has ended."""
        self.job = ""

    def in_words(self, now_s: float) -> str:
        """Return what it does: ``idle``, ``transfer 12 s``, ``not connected``, ``fault: …``."""
        if self.job:
            return f"{self.job} {now_s - self.since_s:.0f} s"
        if self.fault:
            return f"fault: {self.fault}"
        if not self.connected.is_set():
            return "not connected"
        return "out of service" if self.why_out else "idle"


@dataclass(slots=True, eq=False)
class Wire:
    """One line with the seats that share it."""

    line: Line
    seats: list[Seat] = field(default_factory=list)
    is_down: bool = False
    """Whether it went down and must be closed before it is opened again."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever connects its instruments."""
    retry: "asyncio.Task[None] | None" = None
    """Tries to connect what is lost, again and again."""


def wires_for(
    rig: RigSpec, lines: Mapping[str, Line], clock: Clock, on_down: Callable[[str, str], None]
) -> dict[str, Wire]:
    """Build every driver of a rig on its line; nothing is opened.

    Args:
        rig: Checked.
        lines: By name.
        clock: Through which everything waits.
        on_down: Told instrument and reason when a wire turns out to be down.

    Raises:
        RigError: A driver is not installed or refuses its settings.
    """
    wires: dict[str, Wire] = {}
    for name, driver in drivers_for(rig).items():
        spec = rig.instruments[name]
        wire = wires.setdefault(spec.line, Wire(lines[spec.line]))

        def tell(reason: str, name: str = name) -> None:
            on_down(name, reason)

        line = GuardedLine(wire.line, clock, tell)
        instrument = driver.from_settings(name, line, clock, spec.settings)
        wire.seats.append(Seat(instrument, line, spec))
    return wires

"""What is kept beside the log and never folded: who is alive, and what instruments show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["Heartbeat", "SideTables", "TelemetrySample"]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of one process."""

    name: str
    """Whose it is: ``engine/oer-plate-1``."""
    pid: int
    host: str
    real_time: datetime
    """On the wall clock, whatever the bench's clock says; with zone UTC."""


@dataclass(frozen=True, slots=True)
class TelemetrySample:
    """One value that an instrument showed in passing."""

    time: datetime
    """With zone UTC."""
    instrument: str
    name: str
    """With its unit as the suffix: ``temperature_c``."""
    value: float


class SideTables(Protocol):
    """Two small tables in the same store as the log, neither hashed nor folded."""

    def beat(self, name: str, *, pid: int, host: str, time: datetime) -> None:
        """Record a sign of life; only the last one of each name is kept."""
        ...

    def heartbeats(self) -> tuple[Heartbeat, ...]:
        """Return the last sign of life of everyone, by name."""
        ...

    def append_telemetry(self, samples: Sequence[TelemetrySample]) -> None:
        """Keep some samples, all or none."""
        ...

    def telemetry(
        self, instrument: str, *, since: datetime, until: datetime
    ) -> tuple[TelemetrySample, ...]:
        """Return an instrument's samples in order of time, both ends included."""
        ...

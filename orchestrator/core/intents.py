"""What the engine may be told to do next; orders in the imperative, never facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from orchestrator.core.foreseen import Forecast
from orchestrator.core.results import MetRule
from orchestrator.core.shop import Shop

__all__ = [
    "Abort",
    "AskPlanner",
    "ConcludeExperiment",
    "Decision",
    "DeclareSpoilt",
    "Finish",
    "GoOn",
    "Hold",
    "Intent",
    "Pause",
    "RunJob",
    "StartExperiment",
    "StartReference",
    "Stop",
]


@dataclass(frozen=True, slots=True)
class AskPlanner:
    """Ask for candidates; the loop goes on meanwhile."""

    n: int
    """How many, at least 1."""


@dataclass(frozen=True, slots=True)
class StartExperiment:
    """Bind a candidate of the queue to jobs."""

    candidate_id: str


@dataclass(frozen=True, slots=True)
class StartReference:
    """Make a reference sample: bind its point to jobs."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """Send one job to its instrument."""

    experiment_id: str
    job_name: str
    instrument: str = ""
    """An equal one that does it instead of the planned one; empty: the planned one."""
    slots: Mapping[str, int] = field(default_factory=dict)
    """Which slot its sample takes, from 1, by place that has several."""
    skips: Mapping[str, str] = field(default_factory=dict)
    """Jobs before it of its experiment that are not necessary, by name, with the reason."""
    companions: tuple["RunJob", ...] = ()
    """Equal jobs of other samples that the same order does."""


@dataclass(frozen=True, slots=True)
class DeclareSpoilt:
    """Record that a sample stood for longer than it can before its next job."""

    experiment_id: str
    job_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConcludeExperiment:
    """Nothing is left to run: analyse the readings, or say why there is no result."""

    experiment_id: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Record that the running experiments have ended, as was asked, and nothing will start."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Record that no job runs and none will start; open experiments wait."""

    reason: str
    lacks: Literal["", "stock"] = ""
    """``stock`` if that is all it is for: then the campaign goes on by itself."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Record that a campaign that was held for want of stock lacks nothing any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """End the campaign: a stopping rule is met and nothing runs."""

    rule: MetRule
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Bring everything to its safe state and end; no job is running."""

    reason: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Interrupt every job, bring everything to its safe state and end."""

    reason: str


Intent: TypeAlias = (
    AskPlanner
    | StartExperiment
    | StartReference
    | RunJob
    | DeclareSpoilt
    | ConcludeExperiment
    | Pause
    | Hold
    | GoOn
    | Finish
    | Stop
    | Abort
)
"""Anything that the engine may be told."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and when to look again though nothing has happened."""

    intents: tuple[Intent, ...]
    wake_time: datetime | None = None
    """None: only a fact can change the decision."""
    waits_for_person: str = ""
    """What a person has to do before anything can go on, though the campaign is not held."""
    why: Mapping[str, str] = field(default_factory=dict)
    """Why each job waits whose turn it is, by its id."""
    forecast: Forecast | None = None
    """How the jobs of open experiments are expected to go; None if nothing had to be foreseen."""
    shop: Shop | None = None
    """What that was foreseen for."""

"""What is shown of a rig's plan: who does what when, what waits for what, and when it ends."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["EndView", "PlanBar", "PlanRow", "PlanView", "PlannedJobView", "SearchView", "WaitKind"]

WaitKind = Literal["", "turn", "before", "campaign", "engine", "doubt"]
"""What a job waits for: nothing, the bench though it is its turn, jobs before it, its campaign, an
engine, somebody who knows what happened."""


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PlannedJobView(_View):
    """One job of an open sample."""

    campaign_id: str
    experiment_id: str
    job_id: str
    name: str
    action: str
    instrument: str
    """Which does it, did it, or should."""
    state: str
    """``done``, ``skipped``, ``running``, ``planned``; ``waiting`` if nobody can say when;
    ``in_doubt``, ``interrupted``, ``failed``."""
    begin: datetime | None
    """When it began or should; None if nobody can say."""
    end: datetime | None
    must_begin_by: datetime | None
    """Until when it must begin lest its sample spoils; None if it can wait, or its turn has not
    come."""
    is_late: bool
    """Whether it is foreseen to begin too late, whatever is done."""
    with_samples: tuple[str, ...]
    """Other samples of one load: ``oer-plate-1/E0005``."""
    kind: WaitKind
    why: str
    """Why it has not begun; empty if it has."""

    @property
    def sample(self) -> str:
        """Whose job it is: ``oer-plate-1/E0004``."""
        return f"{self.campaign_id}/{self.experiment_id}"

    @property
    def is_waiting(self) -> bool:
        """Whether it has not begun and should."""
        return bool(self.kind)


class PlanBar(_View):
    """One stretch of an instrument's time; one load is one bar."""

    state: str
    """``done``, ``running``, ``planned``, ``in_doubt``, ``interrupted`` or ``failed``."""
    begin: datetime
    end: datetime
    samples: tuple[str, ...]
    """Whose: ``oer-plate-1/E0004``."""
    name: str
    """Of the job, in the recipe."""
    action: str


class PlanRow(_View):
    """One instrument."""

    instrument: str
    bars: tuple[PlanBar, ...]
    busy_fraction: float | None
    """Part of the foreseen time in which it works, 0 to 1; None if nothing is foreseen."""
    is_bottleneck: bool
    why_not: str
    """Why no job may be sent to it; empty if one may."""


class EndView(_View):
    """When a campaign should end."""

    campaign_id: str
    priority: int
    share: float
    state: str
    n_left: int | None
    """Experiments that are still to begin until a rule ends it; None if not known."""
    s_per_experiment: float | None
    """Pace that is foreseen with all campaigns of the rig at work; None if not known."""
    end: datetime | None
    """None if not known."""
    how: str
    """How it was estimated, or why it is not known."""


class SearchView(_View):
    """What a search for a better order has found."""

    is_better: bool
    gain_s: float
    """By how much earlier the last job ends, in seconds; 0 if nothing better was found."""
    said: str


class PlanView(_View):
    """The expected course of one rig, from the begin of its open samples to their end."""

    rig: str
    is_virtual: bool
    """Whether the rig is a dry-run's, with a clock of its own."""
    now: datetime
    start: datetime
    end: datetime
    """When the last open sample is done, as far as that can be foreseen."""
    foreseen_s: float
    """How long the open samples take still; 0 if nothing is foreseen."""
    campaigns: tuple[EndView, ...]
    rows: tuple[PlanRow, ...]
    jobs: tuple[PlannedJobView, ...]
    """Of every open sample, in the recipe's order."""
    search: SearchView | None = None

    @property
    def waiting(self) -> tuple[PlannedJobView, ...]:
        """Jobs that have not begun and should, those whose turn it is in front."""
        found = [job for job in self.jobs if job.is_waiting]
        return tuple(sorted(found, key=lambda job: job.kind == "before"))

    @property
    def samples(self) -> tuple[str, ...]:
        """The open samples, each once."""
        return tuple(dict.fromkeys(job.sample for job in self.jobs))

"""What a look at the jobs of open experiments comes to: what to do, and why the rest waits."""

from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.core.foreseen import Forecast
from orchestrator.core.intents import Intent
from orchestrator.core.shop import Shop

__all__ = ["JobPlan"]


@dataclass(slots=True)
class JobPlan:
    """What is to be done about the jobs of open experiments."""

    intents: list[Intent] = field(default_factory=list)
    retries: list[datetime] = field(default_factory=list)
    """When something can go on by itself: the next attempt of a job, an instrument that becomes
    free, a sample that spoils, a window that opens."""
    waits: list[datetime] = field(default_factory=list)
    """Until when an instrument is waited for that does not answer."""
    reasons: list[str] = field(default_factory=list)
    """Why jobs cannot run, but for want of stock."""
    shortages: list[str] = field(default_factory=list)
    """What jobs cannot draw."""
    is_crowded_out: bool = False
    """Whether a job waits for a place or an instrument that another campaign has."""
    why: dict[str, str] = field(default_factory=dict)
    """Why each job waits whose turn it is, by its id."""
    forecast: Forecast | None = None
    """How the jobs are expected to go; None if nothing had to be foreseen."""
    shop: Shop | None = None
    """What that was foreseen for."""

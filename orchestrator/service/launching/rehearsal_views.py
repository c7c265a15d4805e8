"""How far a dry-run is: from its folder, from its lock, and from the log that it writes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.errors import LogError
from orchestrator.service.lab import Lab
from orchestrator.service.launching.processes import is_held, last_words
from orchestrator.service.launching.views import DryRunState, DryRunView
from orchestrator.service.views import CampaignView
from orchestrator.settings import Settings

__all__ = ["Rehearsal", "RehearsalHome", "shown"]

_MOST_SHOWN: Final = 600


class Rehearsal(BaseModel):
    """A dry-run that somebody asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run_id: str
    file_id: str
    campaign_file: str
    rig: str
    seed: int
    max_experiments: int | None
    by: str
    asked_time: datetime


@dataclass(frozen=True, slots=True)
class RehearsalHome:
    """The folder of one dry-run."""

    path: Path

    @property
    def asked(self) -> Path:
        """Who asked for what."""
        return self.path / "asked.json"

    @property
    def rig(self) -> Path:
        """The rig file as it was then."""
        return self.path / "rig.toml"

    @property
    def database(self) -> Path:
        """Its log."""
        return self.path / "dry-run.db"

    @property
    def report(self) -> Path:
        """Written at its end."""
        return self.path / "report.html"

    @property
    def output(self) -> Path:
        """What its process says."""
        return self.path / "output.log"

    @property
    def lock(self) -> Path:
        """Held by its process."""
        return self.path / "lock"

    @property
    def begun(self) -> Path:
        """When its process was begun."""
        return self.path / "begun"

    @property
    def cancelled(self) -> Path:
        """Who cancelled it."""
        return self.path / "cancelled"

    @property
    def is_queued(self) -> bool:
        """Whether it waits for a place."""
        return not (self.begun.exists() or self.cancelled.exists())

    def read(self) -> Rehearsal | None:
        """Return who asked for what; None if that cannot be read."""
        try:
            return Rehearsal.model_validate_json(self.asked.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None


def shown(home: RehearsalHome, now: datetime) -> DryRunView:
    """Return a dry-run as far as it is.

    Args:
        home: Its folder.
        now: The wall clock's time.

    Raises:
        OSError: It cannot be read.
        ValidationError: What was asked cannot be read.
    """
    asked = Rehearsal.model_validate_json(home.asked.read_text(encoding="utf-8"))
    is_running = is_held(home.lock)
    campaign = _campaign(home, asked.by) if home.begun.exists() else None
    state, message = _state(home, campaign, is_running=is_running)
    more = {} if campaign is None else _progress(campaign)
    elapsed_s = _elapsed_s(home, now, is_running=is_running)
    view = DryRunView.model_validate(
        {
            **asked.model_dump(exclude={"campaign_file"}),
            "state": state,
            "message": message,
            "elapsed_s": elapsed_s,
            "has_report": home.report.is_file(),
            **more,
        }
    )
    if state != "running" or not view.n_done or view.n_wanted is None:
        return view
    left_s = elapsed_s / view.n_done * max(0, view.n_wanted - view.n_done)
    return view.model_copy(update={"left_s": left_s})


def _state(
    home: RehearsalHome, campaign: CampaignView | None, *, is_running: bool
) -> tuple[DryRunState, str]:
    if home.cancelled.exists():
        return "cancelled", f"by {home.cancelled.read_text(encoding='utf-8')}"
    if not home.begun.exists():
        return "queued", ""
    if is_running:
        return "running", ""
    if campaign is None:
        return "died", f"it never began; it says: {_said(home)}"
    if campaign.has_ended:
        return "done", f"{campaign.status}: {campaign.status_reason}".removesuffix(": ")
    if campaign.status in ("paused", "held"):
        return "held", campaign.status_reason
    return "died", f"its process is gone; it says: {_said(home)}"


def _campaign(home: RehearsalHome, by: str) -> CampaignView | None:
    """Return the one campaign of its log; None while there is none that can be read."""
    if not home.database.is_file():
        return None
    try:
        with Lab.open(Settings(database=home.database, actor=by)) as lab:
            return lab.campaign() if lab.last_seq() else None
    except LogError:
        return None


def _progress(campaign: CampaignView) -> dict[str, Any]:  # Any: fields of a view
    limits = [limit.limit for limit in campaign.limits if limit.name == "experiments"]
    wanted = limits[0] if limits else None
    series = campaign.hypervolume_series
    counts = campaign.counts
    return {
        "n_done": counts.done + counts.failed,
        "n_wanted": None if wanted is None else int(wanted),
        "best": campaign.best,
        "hypervolume": series[-1].hypervolume if series else None,
        "hypervolume_series": series,
    }


def _elapsed_s(home: RehearsalHome, now: datetime, *, is_running: bool) -> float:
    """Return for how long its process has lived, in real seconds."""
    try:
        begun = datetime.fromisoformat(home.begun.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0.0
    until = now
    if not is_running and home.output.exists():
        until = datetime.fromtimestamp(home.output.stat().st_mtime, UTC)
    return max(0.0, (until - begun).total_seconds())


def _said(home: RehearsalHome) -> str:
    return " / ".join(last_words(home.output))[-_MOST_SHOWN:] or "nothing"

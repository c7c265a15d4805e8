"""What is said of campaign files and dry-runs, and what is answered."""

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.dashboard.api.models import Done
from orchestrator.service.launching import CampaignText, DryRunView, KeptCampaign

__all__ = ["DryRunDone", "DryRunWanted", "KeptDone", "TextToCheck"]

_MOST_EXPERIMENTS = 100_000


class TextToCheck(BaseModel):
    """A campaign file that is not kept, and the rig that it is to be made on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: CampaignText
    rig: str = Field(min_length=1, max_length=200)
    """One of `rigs`."""


class DryRunWanted(BaseModel):
    """A dry-run that is to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_id: str = Field(min_length=1, max_length=200)
    """Of a kept file: ``oer_plate/2``."""
    rig: str = Field(min_length=1, max_length=200)
    """One of `rigs`."""
    seed: int = Field(default=0, ge=0, le=2**31)
    """From which everything follows."""
    max_experiments: int | None = Field(default=None, ge=1, le=_MOST_EXPERIMENTS)
    """Fewer than the file says; None: as many as it says."""


class KeptDone(Done):
    """A campaign file that was kept."""

    kept: KeptCampaign


class DryRunDone(Done):
    """A dry-run after it was asked for, or ended."""

    dry_run: DryRunView

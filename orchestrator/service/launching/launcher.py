"""What pages and acts may ask of campaign files, dry-runs and starts."""

from pathlib import Path
from typing import Final, Protocol

from orchestrator.log.kept_acts import ActKey
from orchestrator.service.launching.views import (
    CampaignCheck,
    CampaignText,
    DryRunView,
    KeptCampaign,
    RigView,
    Started,
    StartedFrom,
    StartWanted,
)

__all__ = ["BUDGET_S", "CampaignFiles", "Launcher"]

BUDGET_S: Final = 30.0
"""How long a check may take unless somebody says otherwise, in seconds."""


class CampaignFiles(Protocol):
    """Rigs, campaign files that are kept, and what they will take.

    Every method raises `RequestRefused` for what cannot be, and `LogUnavailable` where a disk
    cannot be used now.
    """

    def rigs(self) -> tuple[RigView, ...]:
        """Return the rigs on which campaigns may be started."""
        ...

    def keep(self, source: CampaignText, *, by: str) -> KeptCampaign:
        """Keep a campaign file as a version of its own; what is kept already is not kept again."""
        ...

    def kept(self) -> tuple[KeptCampaign, ...]:
        """Return every version of every campaign file, the newest first."""
        ...

    def text_of(self, file_id: str) -> CampaignText:
        """Return one version as it was given."""
        ...

    def check(self, source: CampaignText, rig: str, *, budget_s: float = BUDGET_S) -> CampaignCheck:
        """Find out what a campaign takes on a rig, or what is wrong with its file."""
        ...

    def check_kept(self, file_id: str, rig: str, *, budget_s: float = BUDGET_S) -> CampaignCheck:
        """Find it out of a version that is kept, and keep it for whoever starts that."""
        ...


class Launcher(CampaignFiles, Protocol):
    """Campaign files, their checks and dry-runs, and the engines that are started for people.

    Every method raises `RequestRefused` for what cannot be, and `LogUnavailable` where a disk or
    the log cannot be used now.
    """

    def dry_run(
        self,
        file_id: str,
        rig: str,
        *,
        seed: int = 0,
        max_experiments: int | None = None,
        by: str,
    ) -> DryRunView:
        """Have a dry-run made in the background, as soon as there is a place for it."""
        ...

    def dry_runs(self) -> tuple[DryRunView, ...]:
        """Return every dry-run as far as it is, the newest first."""
        ...

    def dry_run_view(self, dry_run_id: str) -> DryRunView:
        """Return one dry-run as far as it is."""
        ...

    def cancel_dry_run(self, dry_run_id: str, *, by: str) -> DryRunView:
        """End a dry-run; one that is over stays as it is."""
        ...

    def dry_run_report(self, dry_run_id: str) -> Path:
        """Return where the report of a dry-run is."""
        ...

    def start(self, wanted: StartWanted, *, act: ActKey) -> Started:
        """Start an engine that opens a campaign; once under its act's key."""
        ...

    def start_again(self, campaign_id: str, *, act: ActKey, reason: str = "") -> Started:
        """Start an engine for a campaign that nobody drives; once under its act's key."""
        ...

    def started_under(self, act: ActKey) -> str:
        """Return which campaign an act opened or started again; empty if it did neither."""
        ...

    def started_from(self, campaign_id: str) -> StartedFrom | None:
        """Return with what a campaign was started here; None if it was started elsewhere."""
        ...

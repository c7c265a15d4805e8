"""The part of a launcher that starts nothing: rigs, campaign files, and what they will take."""

from orchestrator.service.launching.checks import Checks
from orchestrator.service.launching.folder import FilesFolder
from orchestrator.service.launching.kept_files import KeptFiles
from orchestrator.service.launching.launcher import BUDGET_S
from orchestrator.service.launching.rigs import RigsOnOffer
from orchestrator.service.launching.views import (
    CampaignCheck,
    CampaignText,
    KeptCampaign,
    RigView,
)

__all__ = ["FileDesk"]


class FileDesk:
    """A `CampaignFiles`.

    Args:
        rigs: On which campaigns may be started.
        folder: The laboratory's, made.
    """

    def __init__(self, rigs: RigsOnOffer, folder: FilesFolder) -> None:
        self._rigs = rigs
        self._files = KeptFiles(folder)
        self._checks = Checks(folder)

    def rigs(self) -> tuple[RigView, ...]:
        """Return the rigs on which campaigns may be started."""
        return self._rigs.views()

    def keep(self, source: CampaignText, *, by: str) -> KeptCampaign:
        """Keep a campaign file as a version of its own; see `Launcher.keep`."""
        return self._files.keep(source, by=by)

    def kept(self) -> tuple[KeptCampaign, ...]:
        """Return every version of every campaign file, the newest first."""
        return self._files.kept()

    def text_of(self, file_id: str) -> CampaignText:
        """Return one version as it was given."""
        return self._files.text_of(file_id)

    def check(self, source: CampaignText, rig: str, *, budget_s: float = BUDGET_S) -> CampaignCheck:
        """Find out what a campaign takes on a rig, or what is wrong with its file."""
        return self._checks.check(source, self._rigs.named(rig), budget_s=budget_s)

    def check_kept(self, file_id: str, rig: str, *, budget_s: float = BUDGET_S) -> CampaignCheck:
        """Find it out of a version that is kept, and keep it for whoever starts that."""
        check = self.check(self._files.text_of(file_id), rig, budget_s=budget_s)
        if check.state != "not_finished":
            self._files.keep_check(file_id, check)
        return check

"""Acts that start an engine: of a campaign from its file, or of one that nobody drives."""

from pathlib import Path

from pydantic import Field

from orchestrator.core.events import LAB_STREAM, Event, LatchSet
from orchestrator.errors import RequestRefused
from orchestrator.service.acts.act import Act, ActDesk, CampaignAct, Told
from orchestrator.service.lab import Lab
from orchestrator.service.launching.folder import FilesFolder
from orchestrator.service.launching.kept_files import KeptFiles
from orchestrator.service.launching.launcher import Launcher
from orchestrator.service.launching.views import (
    BenchOutlook,
    CampaignCheck,
    Started,
    StartWanted,
)

__all__ = ["StartAgain", "StartCampaign"]


class StartCampaign(Act):
    """Open a campaign from a file that is kept, and start its engine on a rig."""

    name = "start_campaign"
    is_dangerous = True

    file_id: str = Field(min_length=1, max_length=110)
    """Which version of which file: ``oer_plate/3``."""
    file_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the file as it was checked."""
    rig: str = Field(min_length=1, max_length=200)
    """Its name."""
    rig_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Fingerprint of the rig as the file was checked with it."""
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    opens_another: bool = False
    """Whether it is opened although one of this name is unfinished."""

    @property
    def stream(self) -> str:
        """The laboratory's."""
        return LAB_STREAM

    def consequence(self, lab: Lab) -> str:
        """Say what it will use up, where, and beside whom."""
        check = KeptFiles(FilesFolder.of_database(Path(lab.source))).kept_check(
            self.file_id, self.rig_sha256
        )
        others = [one.campaign_id for one in lab.unfinished() if one.rig_name == self.rig]
        beside = f"; it shares the rig with {', '.join(others)}" if others else ""
        latch = lab.laboratory().latch
        waits = "; the stop latch is set: nothing is sent until it is cleared" if latch else ""
        return f"{_used(self.file_id, self.rig, check)}{beside}{waits}"

    def concerns(self, event: Event) -> bool:
        """Whether somebody has stopped the whole bench meanwhile."""
        return isinstance(event, LatchSet)

    def perform(self, desk: ActDesk) -> Told:
        """Start its engine under the key of this act, and wait until it stands in the log."""
        wanted = StartWanted(
            file_id=self.file_id,
            file_sha256=self.file_sha256,
            rig=self.rig,
            rig_sha256=self.rig_sha256,
            seed=self.seed,
            reason=self.reason,
            opens_another=self.opens_another,
        )
        return _told(_launcher(desk).start(wanted, act=desk.asked))


class StartAgain(CampaignAct):
    """Start an engine for an unfinished campaign that nobody drives."""

    name = "start_again"
    is_dangerous = True

    def consequence(self, lab: Lab) -> str:
        """Say what is asked first, and what goes on."""
        state = lab.state(self.campaign_id)
        n = len(state.open_experiments)
        samples = f"{n} sample{'' if n == 1 else 's'} on the bench"
        waits = f", although it is {state.status}" if state.status.is_waiting else ""
        where = "simulated" if state.is_simulated else "REAL"
        return (
            f"an engine takes {self.campaign_id} over on {state.rig_name} ({where}), asks the "
            f"devices what became of the last jobs ({samples}), and goes on at once{waits}"
        )

    def concerns(self, event: Event) -> bool:
        """Whatever somebody else asked of this campaign: it may not be meant to go on."""
        return event.kind.endswith("Requested")

    def perform(self, desk: ActDesk) -> Told:
        """Start its engine under the key of this act, and wait until it has said so in the log."""
        return _told(
            _launcher(desk).start_again(self.campaign_id, act=desk.asked, reason=self.reason)
        )


def _launcher(desk: ActDesk) -> Launcher:
    """Return what starts engines.

    Raises:
        RequestRefused: This server starts none.
    """
    if desk.launcher is None:
        raise RequestRefused("no campaign can be started here: this server was given no rig")
    return desk.launcher


def _told(started: Started) -> Told:
    return Told(
        message=started.message,
        campaign_id=started.campaign_id,
        was_done_before=started.was_started_before,
    )


def _used(file_id: str, rig: str, check: CampaignCheck | None) -> str:
    """Return what a campaign will take, by the figures of its check."""
    if check is None or check.outlook is None or check.outlook.bench is None:
        return (
            f"opens a campaign from {file_id} on {rig} and begins at once; what it will take is "
            "not known: nobody has checked this file with this rig"
        )
    where = f"{rig}, which is simulated" if check.is_simulated else f"{rig}, the REAL bench"
    return (
        f"opens the campaign {check.outlook.name} from {file_id} on {where}, and begins at once: "
        f"{_figures(check.outlook.bench)}"
    )


def _figures(bench: BenchOutlook) -> str:
    if bench.n_experiments is None:
        return "how many samples it will make is not known, only a target ends it"
    parts = [f"{bench.n_experiments} samples"]
    if bench.hours is not None:
        parts.append(f"at least about {bench.hours:.3g} h")
    if bench.cost_usd is not None:
        parts.append(f"about {bench.cost_usd:.0f} USD")
    drawn = [f"{one.expected:.0f} {one.unit} of {one.name}" for one in bench.stock if one.expected]
    short = [one.name for one in bench.stock if one.expected > one.available]
    parts += [f"about {', '.join(drawn)}"] if drawn else []
    parts += [f"NOT ENOUGH of {', '.join(short)}"] if short else []
    return "; ".join(parts)

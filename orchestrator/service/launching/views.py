"""What is told of rigs, campaign files, checks, dry-runs and starts."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.errors import RequestRefused
from orchestrator.service.problems import ProblemView
from orchestrator.service.views import BestView, HypervolumeView

__all__ = [
    "BenchOutlook",
    "CampaignCheck",
    "CampaignOutlook",
    "CampaignText",
    "DryRunState",
    "DryRunView",
    "KeptCampaign",
    "RigView",
    "StartWanted",
    "Started",
    "StartedFrom",
    "StockOutlook",
]

DryRunState = Literal["queued", "running", "done", "held", "died", "cancelled"]


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RigView(_View):
    """A rig on which campaigns may be started: one that the server's operator named."""

    name: str
    """As its file says it."""
    file: str
    sha256: str
    """Fingerprint of what the file says now; empty if it cannot be used."""
    is_simulated: bool
    """Whether its lines lead to pretend devices."""
    can_dry_run: bool
    """Whether the file says which world a dry-run pretends."""
    cost_usd_per_hour: float
    instruments: tuple[str, ...]
    speed: float
    """Seconds of the lab in a real one; other than 1 only for simulators."""
    problem: str = ""
    """Why the file cannot be used now; empty if it can."""


class CampaignText(_View):
    """A campaign file as somebody gives it, with the list of points that it names, if any."""

    file_name: str
    """Of the campaign file: ``oer_plate.toml``."""
    text: str
    points_name: str = ""
    """Of the CSV file, as ``space.points`` says it; empty if it names none."""
    points_text: str = ""

    @classmethod
    def of_bytes(
        cls, file_name: str, data: bytes, points_name: str = "", points_data: bytes = b""
    ) -> Self:
        """Return what was uploaded.

        Args:
            file_name: Of the campaign file.
            data: Its content.
            points_name: Of the list of points; empty if there is none.
            points_data: Its content.

        Raises:
            RequestRefused: One of them is no text in UTF-8.
        """
        return cls(
            file_name=file_name,
            text=_decoded(file_name, data),
            points_name=points_name,
            points_text=_decoded(points_name, points_data),
        )


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestRefused(
            f"{name[:100]!r}: got byte {data[error.start]:#04x} at offset {error.start}, expected "
            "UTF-8 text"
        ) from error


class KeptCampaign(_View):
    """One version of a campaign file that is kept; it never changes."""

    file_id: str
    """File name without ``.toml``, and version: ``oer_plate/3``."""
    file_name: str
    version: int
    """From 1."""
    campaign_name: str
    """As the file says it; empty if it says none."""
    sha256: str
    """Of the text and the list of points."""
    points_name: str
    kept_time: datetime
    kept_by: str


class StockOutlook(_View):
    """How far one stock reaches."""

    name: str
    unit: str = "ml"
    """Of the amounts: ``ml`` or ``g``."""
    available: float
    expected: float
    """For all experiments, if the points were drawn at random."""
    worst: float | None
    """If each experiment were the greediest one possible; None if nobody can say."""

    @property
    def is_enough(self) -> bool:
        """Whether it reaches in the worst case."""
        return self.worst is not None and self.worst <= self.available


class BenchOutlook(_View):
    """What a campaign asks of a rig."""

    rig_name: str
    n_experiments: int | None
    """As many as the stopping rules allow; None if they do not say."""
    n_jobs: tuple[int, int]
    """Fewest and most jobs of an experiment."""
    hours_per_experiment: float
    hours: float | None
    """Expected for the campaign; a lower bound."""
    cost_usd: float | None
    """Expected for the campaign, in US dollars."""
    stock: tuple[StockOutlook, ...]


class CampaignOutlook(_View):
    """What a sound campaign file promises, as ``athanor check`` tells it."""

    name: str
    n_components: int
    n_parameters: int
    n_lattice_points: int
    feasible_fraction: float
    feasible_fraction_error: float | None
    n_feasible_points: int | None
    n_listed_points: int | None
    planner: str
    bench: BenchOutlook | None
    warnings: tuple[str, ...]


class CampaignCheck(_View):
    """What was found out about a campaign file and a rig."""

    state: Literal["sound", "wrong", "not_finished"]
    """``not_finished``: the time was over before anything was found out."""
    problems: tuple[ProblemView, ...]
    """At least one if it is wrong."""
    outlook: CampaignOutlook | None
    """Only if it is sound."""
    took_s: float
    budget_s: float
    file_sha256: str
    """As `KeptCampaign.sha256`."""
    rig: str
    rig_sha256: str
    is_simulated: bool
    """Whether the rig's lines lead to pretend devices."""


class DryRunView(_View):
    """One dry-run, as far as it is."""

    dry_run_id: str
    file_id: str
    rig: str
    seed: int
    max_experiments: int | None
    """After which it ends at the latest, whatever the file says."""
    by: str
    asked_time: datetime
    state: DryRunState
    """``died``: its process ended without a result."""
    message: str = ""
    """How it ended, why it is held, or its last lines if it died."""
    n_done: int = 0
    """Experiments that ended."""
    n_wanted: int | None = None
    """After which it ends at the latest; None if that is not known."""
    best: tuple[BestView, ...] = ()
    hypervolume: float | None = None
    hypervolume_series: tuple[HypervolumeView, ...] = ()
    elapsed_s: float = 0.0
    """Since its process began, in real seconds."""
    left_s: float | None = None
    """About so long until its end, at the pace so far; None if that cannot be said."""
    has_report: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in ("queued", "running")


class StartWanted(_View):
    """Which file is to be started on which rig, as they were when they were checked."""

    file_id: str
    file_sha256: str
    rig: str
    rig_sha256: str
    seed: int = Field(default=0, ge=0)
    reason: str = ""
    """Why, in the words of who asks."""
    opens_another: bool = False
    """Whether another campaign of this name is opened although one is unfinished."""


class Started(_View):
    """A campaign that has been opened or taken over."""

    campaign_id: str
    message: str
    was_started_before: bool = False


class StartedFrom(_View):
    """From what a campaign was started here."""

    campaign_id: str
    file_id: str
    rig: str
    by: str
    time: datetime
    output: str
    """The file with what its process said."""

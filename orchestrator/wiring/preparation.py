"""A campaign file and a rig file, read and found to fit; nothing is written, nothing is opened."""

from dataclasses import dataclass
from pathlib import Path

from campaigns.errors import CampaignFileError, Problem
from campaigns.loading import load_campaign
from campaigns.spec import CampaignSpec
from orchestrator.errors import LoadError, RequestRefused, RigFileError
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.rig import drivers_for, load_rig
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.kept_acts import ActKey
from orchestrator.wiring.meeting_check import refuse_meetings
from orchestrator.wiring.window_check import refuse_narrow_windows

__all__ = ["Prepared", "RunOptions", "prepare"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `athanor run` was asked."""

    campaign_file: Path
    rig_file: Path
    database: Path
    is_dry_run: bool
    actor: str
    """The person who asked."""
    seed: int = 0
    resume: bool = False
    """Go on with the unfinished campaign of this name."""
    new: bool = False
    """Open another one although one is unfinished."""
    campaign_id: str | None = None
    """Which unfinished campaign to go on with, where there are several."""
    speed: float = 1.0
    """Seconds of the lab in one real second; other than 1 only where simulators are served."""
    alarm_channels: Path | None = None
    """The file that says whom to tell of alarms while no station does; None tells nobody."""
    leaves_when_held: bool = False
    """Whether an engine on the bench ends when it is held by itself; a dry-run always does."""
    max_experiments: int | None = None
    """Ends a dry-run after at most so many, whatever the file says; None leaves the file's."""
    reason: str = ""
    """Why, in the words of who asked; it stands in the log."""
    act_key: str = ""
    """Key of the act of a person that this is done for, once; empty where nobody keeps one."""
    act_request: str = ""
    """Fingerprint of what was asked in that act."""

    @property
    def act(self) -> ActKey | None:
        """What the log keeps of that act; None where nobody keeps a key."""
        if not self.act_key:
            return None
        return ActKey(key=self.act_key, actor=self.actor, request=self.act_request)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Both files, read and found to fit."""

    options: RunOptions
    campaign: CampaignSpec
    rig: RigSpec
    recipe: CompiledRecipe


def prepare(options: RunOptions) -> Prepared:
    """Read and check the campaign and the rig; nothing is written and nothing is opened.

    Raises:
        LoadError: With every mistake of both files.
        RequestRefused: The options contradict each other.
    """
    if options.resume and options.new:
        raise RequestRefused("resume and new exclude each other: choose one")
    if options.is_dry_run and options.speed != 1.0:
        raise RequestRefused("speed: a dry-run takes no time; got speed and dry-run, expected one")
    if options.max_experiments is not None and not options.is_dry_run:
        raise RequestRefused(
            f"max_experiments: got {options.max_experiments} for a campaign on the bench, expected "
            "a dry-run: how many samples are made stands in the campaign file"
        )
    problems: list[CampaignFileError | RigFileError] = []
    campaign = rig = None
    try:
        campaign = load_campaign(options.campaign_file)
    except CampaignFileError as error:
        problems.append(error)
    try:
        rig = load_rig(options.rig_file)
    except RigFileError as error:
        problems.append(error)
    if campaign is None or rig is None:
        raise LoadError(problems)
    if options.speed != 1.0 and not rig.header.is_simulated:
        raise RequestRefused(
            f"speed: got {options.speed:g}, expected 1: the lines of {options.rig_file} lead to "
            "real devices (a rig of simulators says is_simulated = true under [rig])"
        )
    return _fit(options, _shortened(campaign, options.max_experiments), rig)


def _shortened(campaign: CampaignSpec, most: int | None) -> CampaignSpec:
    """Return a campaign that ends after at most so many experiments."""
    if most is None:
        return campaign
    ends_after = campaign.stopping.max_experiments
    n = most if ends_after is None else min(most, ends_after)
    stopping = campaign.stopping.model_copy(update={"max_experiments": n})
    return campaign.model_copy(update={"stopping": stopping})


def _fit(options: RunOptions, campaign: CampaignSpec, rig: RigSpec) -> Prepared:
    from orchestrator.optimise.searchable import refuse_unsearchable

    file = str(options.campaign_file)
    problems: list[Problem] = []
    stopping = campaign.stopping
    if campaign.recipe is None:
        problems.append(Problem("recipe", "nothing", "the jobs that make and measure a sample"))
    if not (
        stopping.max_experiments or stopping.max_hours or stopping.max_cost_usd or stopping.targets
    ):
        problems.append(
            Problem(
                "stopping",
                "nothing that ends the campaign",
                "max_experiments, max_hours, max_cost_usd or a target",
            )
        )
    if stopping.plateau is not None and not _has_reference_point(campaign):
        problems.append(
            Problem(
                "stopping.plateau",
                "planner sobol and an objective without threshold",
                "a threshold for each objective: the gain of a front is counted from there",
            )
        )
    if options.is_dry_run and rig.simulation is None:
        raise RigFileError(
            str(options.rig_file),
            [Problem("simulation", "nothing", "a table with the world that a dry-run pretends")],
        )
    if problems:
        raise CampaignFileError(file, problems)
    recipe = CompiledRecipe.of(campaign, rig, drivers_for(rig), file=file)
    refuse_unsearchable(campaign, file)
    refuse_meetings(recipe, file)
    refuse_narrow_windows(recipe, file)
    return Prepared(options, campaign, rig, recipe)


def _has_reference_point(campaign: CampaignSpec) -> bool:
    """Tell whether the gain of a front will ever be counted; other planners find the point."""
    has_thresholds = all(objective.threshold is not None for objective in campaign.objectives)
    return len(campaign.objectives) == 1 or has_thresholds or campaign.planner.name != "sobol"

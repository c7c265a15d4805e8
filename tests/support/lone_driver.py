"""A campaign whose samples are one job on one instrument: what each fault does to a campaign."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from drivers.card import card_of, folder_of
from drivers.catalog import driver_named
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import Event, JobFailed, JobOutcomeUnknown
from orchestrator.core.job import JobStatus
from orchestrator.execution.rig import rig_from_text
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.memory_log import MemoryLog
from simulators.bench import Bench
from tests.support.dry_runs import DryRun

__all__ = ["FaultedCampaign", "lone_campaign", "n_acts_of", "run_with_fault"]

_CAMPAIGN = """
[campaign]
name = "lone-driver"
[space.composition]
components = ["a", "b"]
step = 0.1
[computed]
spread = "a * b"
[[objective]]
name = "spread"
direction = "maximise"
[recipe]
in_flight = 1
{jobs}
[planner]
name = "sobol"
[stopping]
max_experiments = {n}
"""


@dataclass(frozen=True)
class FaultedCampaign:
    """How a campaign ended, and what was done to matter meanwhile."""

    state: CampaignState
    n_acts: Counter[str]
    error: str
    """Name of what the instrument raised first, or nothing."""

    @property
    def n_doubts(self) -> int:
        """How many jobs wait for a person's word."""
        experiments = self.state.experiments
        return sum(
            job.status is JobStatus.IN_DOUBT for one in experiments for job in one.jobs.values()
        )

    @property
    def words(self) -> str:
        """The end in one or two words."""
        status = self.state.status
        if status is CampaignStatus.HELD and self.n_doubts:
            return "in doubt"
        return status.value


def lone_campaign(driver: str, action: str, *, n: int = 1) -> CampaignSpec:
    """Return a campaign whose recipe is one action with its card's example.

    Args:
        driver: Its name, and that of its instrument on its example rig.
        action: One of its actions; what its card wants before it is done before it.
        n: How many samples.
    """
    card = card_of(driver_named(driver))
    jobs = [
        _job(driver, one, card.actions[one].example)
        for one in (*card.actions[action].after, action)
    ]
    return campaign_from_text(_CAMPAIGN.format(jobs="\n".join(jobs), n=n), file="lone.toml")


def _job(instrument: str, action: str, arguments: Mapping[str, object]) -> str:
    pairs = [
        f'{name} = "{value!r}"' if isinstance(value, str) else f"{name} = {value}"
        for name, value in arguments.items()
    ]
    return (
        f'[[recipe.job]]\nname = "{action}"\ninstrument = "{instrument}"\naction = "{action}"\n'
        f"arguments = {{ {', '.join(pairs)} }}\n"
    )


def example_rig(driver: str, fault: Mapping[str, object] | None = None) -> RigSpec:
    """Return the example rig of a driver, with a fault of its instrument."""
    text = (folder_of(driver_named(driver)) / "rig.toml").read_text("utf-8")
    if fault is not None:
        pairs = {"instrument": driver, **fault}
        lines = [
            f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
            for key, value in pairs.items()
        ]
        text += "\n[[simulation.fault]]\n" + "\n".join(lines) + "\n"
    assert tomllib.loads(text)
    return rig_from_text(text, file="rig.toml")


def run_with_fault(
    driver: str, action: str, fault: Mapping[str, object] | None = None, *, n: int = 1
) -> FaultedCampaign:
    """Run a campaign of one action on its example rig, as a dry-run.

    Args:
        driver: Its name.
        action: One of its actions.
        fault: Kind and exchange, or none.
        n: How many samples.
    """
    dry_run = DryRun(MemoryLog(), lone_campaign(driver, action, n=n), example_rig(driver, fault))
    dry_run.open()
    state = dry_run.drive()
    errors = [name for event in dry_run.events() for name in _error_of(event)]
    return FaultedCampaign(state, n_acts_of(dry_run, driver), next(iter(errors), ""))


def _error_of(event: Event) -> list[str]:
    if isinstance(event, JobFailed):
        return [event.error]
    return ["OutcomeUnknown"] if isinstance(event, JobOutcomeUnknown) else []


def n_acts_of(dry_run: DryRun, instrument: str) -> Counter[str]:
    """Return how often a device did each thing to matter."""
    bench = dry_run.bench
    assert isinstance(bench, Bench)
    return Counter(act.act for act in bench.acts()[instrument])

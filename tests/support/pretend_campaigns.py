"""Builders for campaigns that need no bench: a spec, its opening, planned jobs."""

from datetime import UTC, datetime

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.events import (
    CampaignOpened,
    CandidatesProposed,
    ExperimentStarted,
    PlannedJob,
)
from orchestrator.core.point import Candidate

__all__ = [
    "CANDIDATE",
    "START",
    "opening",
    "planned_jobs",
    "proposed",
    "small_campaign",
    "started",
]

START = datetime(2026, 1, 1, tzinfo=UTC)
CANDIDATE = Candidate(point={"a": 0.5, "b": 0.5})

SMALL_CAMPAIGN = """
[campaign]
name = "small"
[space.composition]
components = ["a", "b"]
basis = "atomic_fraction"
step = 0.01
[[objective]]
name = "y"
direction = "maximise"
[recipe]
in_flight = {in_flight}
[[recipe.job]]
name = "make"
instrument = "doser"
action = "dose"
[stopping]
max_experiments = {max_experiments}
{more}
[planner]
name = "sobol"
batch = {batch}
"""


def small_campaign(
    *, in_flight: int = 2, max_experiments: int = 4, batch: int = 1, more: str = ""
) -> CampaignSpec:
    """Return a campaign of two components and one measured objective ``y``."""
    text = SMALL_CAMPAIGN.format(
        in_flight=in_flight, max_experiments=max_experiments, batch=batch, more=more
    )
    return campaign_from_text(text, file="small.toml")


def opening(spec: CampaignSpec, *, cost_usd_per_hour: float = 0.0) -> CampaignOpened:
    """Return the event that opens a campaign."""
    return CampaignOpened(
        campaign_id="small-1",
        name=spec.header.name,
        campaign_text=spec.canonical_text(),
        rig_name="dice",
        rig_sha256="0" * 64,
        cost_usd_per_hour=cost_usd_per_hour,
        seed=0,
        is_simulated=True,
        athanor_version="0",
    )


def planned_jobs(experiment_id: str, *, recovery: str = "blind") -> tuple[PlannedJob, ...]:
    """Return tare, dose, move (cleanup), read, drain (cleanup) over two places."""
    rows = [
        ("tare", "balance", "idempotent", ("vessel",), False),
        ("dose", "doser", recovery, ("vessel",), False),
        ("move", "mover", recovery, ("vessel", "cell"), True),
        ("read", "meter", "pure", ("cell",), False),
        ("drain", "drain", recovery, ("cell",), True),
    ]
    jobs = []
    before: tuple[str, ...] = ()
    for name, instrument, how, positions, is_cleanup in rows:
        jobs.append(
            PlannedJob(
                job_id=f"{experiment_id}/{name}",
                name=name,
                instrument=instrument,
                action=name,
                after=before,
                positions=positions,
                recovery=how,
                is_cleanup=is_cleanup,
                expected_s=10.0,
            )
        )
        before = (name,)
    return tuple(jobs)


def proposed(n: int = 1) -> CandidatesProposed:
    """Return a proposal of candidates that are all the same."""
    return CandidatesProposed(
        proposal=1,
        planner="sobol",
        method="initial_design",
        reason="",
        n_observations=0,
        candidates=(CANDIDATE,) * n,
    )


def started(number: int = 1, **more: object) -> ExperimentStarted:
    """Return the start of an experiment with the jobs of `planned_jobs`."""
    name = f"E{number:04d}"
    jobs = planned_jobs(name)
    return ExperimentStarted(
        experiment_id=name, number=number, candidate=CANDIDATE, jobs=jobs, cost_usd=0.0, **more
    )

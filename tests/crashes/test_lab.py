"""The lab of the crash tests: its campaigns fit its rig, and each finishes on the bench."""

import math
from pathlib import Path

import pytest

from campaigns.loading import campaign_from_text
from drivers.instrument import RecoveryClass
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import JobFinished
from orchestrator.execution.rig import load_rig
from orchestrator.log.memory_log import MemoryLog
from simulators.bench import Bench
from tests.support.dry_runs import DryRun

LAB = Path("tests/crashes/lab")
CAMPAIGNS = sorted(path.stem for path in LAB.glob("*.toml") if path.stem != "rig")
N_EXPERIMENTS = 3


def finished(name: str) -> DryRun:
    text = (LAB / f"{name}.toml").read_text(encoding="utf-8")
    limit = next(line for line in text.splitlines() if line.startswith("max_experiments"))
    text = text.replace(limit, f"max_experiments = {N_EXPERIMENTS}")
    spec = campaign_from_text(text, file=f"{name}.toml")
    run = DryRun(MemoryLog(), spec, load_rig(LAB / "rig.toml"))
    run.open()
    run.drive()
    return run


def test_the_lab_has_a_campaign_for_all_classes() -> None:
    assert "campaign" in CAMPAIGNS


@pytest.mark.slow
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_campaign_of_the_lab_finishes_as_a_dry_run(name: str) -> None:
    run = finished(name)

    assert run.state().status is CampaignStatus.FINISHED
    assert not [event for event in run.events() if event.kind == "JobFailed"]


@pytest.mark.slow
def test_one_experiment_meets_every_class_and_the_scales_agree() -> None:
    run = finished("campaign")

    jobs = [job for e in run.events() if e.kind == "ExperimentStarted" for job in e.jobs]
    assert {job.recovery for job in jobs} == set(RecoveryClass)
    assert len(jobs) == N_EXPERIMENTS * 7
    assert isinstance(run.bench, Bench)
    acts = run.bench.acts()
    assert [act.act for act in acts["valve_x2"]] == ["delivered"] * N_EXPERIMENTS
    assert len({act.job_id for act in acts["person"]}) == 2 * N_EXPERIMENTS
    assert mass_of_first(run) == pytest.approx(weighed_first(run), abs=0.02)


def mass_of_first(run: DryRun) -> float:
    """Return what pump and valve brought into the first sample, in grams."""
    assert isinstance(run.bench, Bench)
    acts = run.bench.acts()
    pumped_ul = next(act.amount for act in acts["pump_x1"] if act.act == "infused")
    return math.fsum([pumped_ul * 1.05e-3, acts["valve_x2"][0].amount * 1.02e-3])


def weighed_first(run: DryRun) -> float:
    """Return what the balance read of the first sample, in grams."""
    return next(
        float(reading.value)
        for event in run.events()
        if isinstance(event, JobFinished) and event.job_id.endswith("/weigh")
        for reading in event.readings
        if reading.name == "mass_g" and isinstance(reading.value, float)
    )

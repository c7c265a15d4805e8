"""The planner knows what each recipe takes on the bench, and the hours that are left."""

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.ask_tell import AskTell
from orchestrator.core.events import CandidatesProposed, ExperimentStarted
from orchestrator.core.point import Observation
from orchestrator.engine.bench_hours import BenchHours, bench_hours
from orchestrator.engine.planning import propose
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.rig import drivers_for
from orchestrator.log.memory_log import MemoryLog
from orchestrator.optimise.planner import UnsupportedSettings
from tests.support.dry_runs import LIBRARY, DryRun, oer_campaign, oer_rig

ENOUGH_FOR_TWO = 1600.0 / 3600.0
"""Hours for a sample of one component, or of two in equal parts; three take longer."""


def by_model(more: str) -> CampaignSpec:
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", f"max_experiments = 100\n{more}")
    return campaign_from_text(text, file="oer_plate.toml")


def observations() -> tuple[Observation, ...]:
    chance = np.random.default_rng(5)
    points = chance.multinomial(10, [0.4, 0.3, 0.2, 0.1], size=16) / 10.0
    return tuple(
        Observation(
            point={f"x{i + 1}": float(v) for i, v in enumerate([*row, 0.0, 0.0])},
            values={"overpotential_v": 0.4 - 0.05 * float(row[0] * row[1])},
        )
        for row in points
    )


@pytest.mark.slow
def test_near_the_end_only_what_can_be_finished_is_proposed() -> None:
    spec, rig = by_model(""), oer_rig()
    recipe = CompiledRecipe.of(spec, rig, drivers_for(rig))

    def longest_s(hours_left: float) -> float:
        hours = BenchHours(rig, hours_left)
        found = propose(spec.canonical_text(), observations(), (), 4, 1, hours)
        return max(recipe.expected_s(one.point) for one in found.candidates)

    assert longest_s(100.0) > 1600.0
    assert longest_s(ENOUGH_FOR_TWO) <= 1600.0


@pytest.mark.slow
def test_promises_are_counted_by_the_hours_of_the_compiled_recipe() -> None:
    spec = by_model('\n[planner.settings]\nper = "hour"')
    assert spec.recipe is not None
    assert spec.recipe.hours_per_experiment is None

    found = propose(spec.canonical_text(), observations(), (), 2, 1, BenchHours(oer_rig(), 50.0))

    assert "promises are counted by the hour" in found.reason
    with pytest.raises(UnsupportedSettings, match="no bench is known here"):
        AskTell(spec)


def test_the_bench_travels_only_where_it_counts() -> None:
    dry_run = DryRun(MemoryLog(), oer_campaign(max_experiments=2))
    dry_run.open()

    assert bench_hours(dry_run.state(), dry_run.rig, dry_run.state().last_time) is None


def test_a_campaign_with_hours_tells_those_that_are_left() -> None:
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", "max_hours = 2").replace('"botorch"', '"sobol"')
    dry_run = DryRun(MemoryLog(), campaign_from_text(text, file="oer_plate.toml"))
    dry_run.open()
    told = bench_hours(dry_run.state(), dry_run.rig, dry_run.state().last_time)

    dry_run.drive()

    assert told is not None
    assert told.hours_left == 2.0
    kinds = [type(event) for event in dry_run.events()]
    assert kinds.count(CandidatesProposed) >= kinds.count(ExperimentStarted) > 2

"""The shipped powder campaign: dosed, fired, measured hot, emptied by a person, round and round."""

from pathlib import Path

import pytest

from campaigns.loading import campaign_from_text
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import ObservationRecorded
from orchestrator.execution.rig import rig_from_text
from orchestrator.log.memory_log import MemoryLog
from simulators.bench import Bench
from tests.support.dry_runs import DryRun

LIBRARY = Path("campaigns/library/ceria")


def test_powders_become_numbers_and_the_crucible_is_empty_again() -> None:
    text = (LIBRARY / "ceria_conductivity.toml").read_text("utf-8")
    text = text.replace("max_experiments = 30", "max_experiments = 3")
    campaign = campaign_from_text(text.replace('"botorch"', '"sobol"'), file="ceria.toml")
    rig = rig_from_text((LIBRARY / "ceria_rig.toml").read_text("utf-8"), file="ceria_rig.toml")
    run = DryRun(MemoryLog(), campaign, rig)
    run.open()

    state = run.drive()

    recorded = [event for event in run.events() if isinstance(event, ObservationRecorded)]
    assert state.status is CampaignStatus.FINISHED
    assert len(recorded) == 3
    assert isinstance(run.bench, Bench)
    assert run.bench.plumbing.vessel("crucible").volume_ul == 0.0
    for experiment, event in zip(state.experiments, recorded, strict=True):
        asked, made = experiment.candidate.point, event.observation.point
        assert made == pytest.approx(asked, abs=0.01)
        assert made != asked
        assert 0.5 < event.observation.values["resistivity_ohm_m"] < 20.0

"""A cable falls out in the middle of a campaign and is put back half a minute later.

Real terminals and sockets, on a fast clock. Whatever is safe goes on by itself; what only a person
can know is asked, once. Nothing is done twice.
"""

from pathlib import Path

import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import (
    InstrumentConnected,
    InstrumentLost,
    JobFailed,
    JobFinished,
    JobOutcomeUnknown,
    ObservationRecorded,
)
from tests.crashes.tally_judge import Counted
from tests.support.dry_runs import LIBRARY
from tests.support.furnace_bench import furnace_rig
from tests.support.served_campaign import PulledCable, ServedCampaign

pytestmark = [pytest.mark.slow]

PUMPED = (Counted("withdrew", "volume_ul", 1.0), Counted("infused", "volume_ul", 1.0))
DRAINED = (
    Counted("withdrew", "volume_ul", 1.0, is_measured=False),
    Counted("infused", "volume_ul", 1.0, is_measured=False),
)
COUNTED = {
    **{f"pump_x{number}": PUMPED for number in range(1, 7)},
    "pump_transfer": DRAINED,
    "pump_waste": DRAINED,
}
FURNACE_JOB = """
[[recipe.job]]
name = "{name}"
instrument = "furnace"
action = "{action}"
positions = ["furnace"]
arguments = {arguments}
"""
WARM = FURNACE_JOB.format(
    name="warm", action="set_temperature", arguments="{ temperature_c = 60 }"
) + FURNACE_JOB.format(name="feel", action="measure_temperature", arguments="{}")
FIRE = FURNACE_JOB.format(
    name="fire",
    action="fire",
    arguments="{ temperature_c = 60, dwell_min = 2, ramp_c_per_min = 20 }",
)


def quick_campaign(more: str = "", *, dispense_ul_per_min: int = 1000) -> CampaignSpec:
    """Return the shipped campaign with two experiments, short sweeps and more jobs at its end."""
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", "max_experiments = 2")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    text = text.replace("in_flight = 2", "in_flight = 1")
    text = text.replace("dwell_s = 40", "dwell_s = 1").replace("n_points = 25", "n_points = 12")
    text = text.replace("rate_ul_per_min = 1000", f"rate_ul_per_min = {dispense_ul_per_min}")
    return campaign_from_text(f"{text}\n{more}", file="quick.toml")


def test_a_pumps_cable_costs_the_sample_whose_stroke_was_cut_and_nothing_else(
    tmp_path: Path,
) -> None:
    spec = quick_campaign(dispense_ul_per_min=250)
    pulled = ServedCampaign(tmp_path, spec, furnace_rig(slots=1))

    state = pulled.run(PulledCable("pumps", "E0001/dispense_", after_s=10.0))

    assert state.status is CampaignStatus.FINISHED
    assert pulled.told(InstrumentLost).count("pump_x1") == 1
    assert pulled.told(InstrumentConnected).count("pump_x1") == 2
    assert not pulled.events(JobOutcomeUnknown)
    (failed,) = [event for event in pulled.events(JobFailed) if event.has_acted]
    assert failed.error == "DeviceFault"
    assert "E0002" in {event.experiment_id for event in pulled.events(ObservationRecorded)}
    verdict = pulled.verdict(COUNTED)
    assert verdict.is_clean, verdict
    assert verdict.n_done > 5


def test_a_balances_cable_costs_nothing_but_time(tmp_path: Path) -> None:
    pulled = ServedCampaign(tmp_path, quick_campaign(), furnace_rig(slots=1))

    state = pulled.run(PulledCable("balance", "E0001/weigh_", after_s=0.2))

    assert state.status is CampaignStatus.FINISHED
    assert pulled.told(InstrumentLost) == ["balance"]
    assert pulled.told(InstrumentConnected).count("balance") == 2
    assert not any(event.has_acted for event in pulled.events(JobFailed))
    assert len(pulled.events(ObservationRecorded)) == 2
    verdict = pulled.verdict(COUNTED)
    assert verdict.is_clean, verdict


def test_a_furnaces_cable_costs_nothing_while_it_only_holds_and_measures(tmp_path: Path) -> None:
    pulled = ServedCampaign(tmp_path, quick_campaign(WARM), furnace_rig(slots=1))

    state = pulled.run(PulledCable("furnace", "E0001/drain_cell", after_s=1.0, out_s=200.0))

    assert state.status is CampaignStatus.FINISHED
    assert pulled.told(InstrumentLost) == ["furnace"]
    done = [event.job_id for event in pulled.events(JobFinished)]
    assert {"E0001/warm", "E0001/feel", "E0002/warm", "E0002/feel"} <= set(done)
    assert len(pulled.events(ObservationRecorded)) == 2


def test_a_firing_that_was_cut_off_is_asked_about_and_never_repeated(tmp_path: Path) -> None:
    pulled = ServedCampaign(tmp_path, quick_campaign(FIRE), furnace_rig(slots=1))

    state = pulled.run(PulledCable("furnace", "E0001/fire", after_s=60.0))

    assert state.status is CampaignStatus.HELD
    assert "in doubt: E0001/fire on furnace" in state.status_reason
    (doubt,) = pulled.events(JobOutcomeUnknown)
    assert "furnace was told to heat" in doubt.evidence
    assert (tmp_path / "furnace.jsonl").read_text("utf-8").count("begin heated") == 1
    assert pulled.verdict(COUNTED).is_clean

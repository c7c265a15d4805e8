"""Results amended and retracted: what counts, what is shown, and what is refused."""

import pytest

from drivers.clock import SystemClock
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import ObservationRetracted, campaign_stream
from orchestrator.errors import RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.corrections import Amended, amend, amended_from, retract
from orchestrator.service.lab import Lab
from orchestrator.service.report import report_html
from orchestrator.service.tables import experiments_frame
from tests.support.recorded_campaign import CAMPAIGN_ID, OPENED, RecordedCampaign, record_campaign


@pytest.fixture
def log():
    log = MemoryLog()
    record_campaign(log)
    return log


@pytest.fixture
def lab(log):
    return Lab(log, actor="ada", clock=SystemClock(), source="memory")


def test_what_is_retracted_no_longer_counts_and_is_still_shown(lab, log):
    best = lab.campaign().best[0]

    after = retract(lab, best.experiment_id, reason="the wrong bottle")

    view = lab.campaign()
    shown = {one.experiment_id: one for one in view.experiments}[best.experiment_id]
    row = experiments_frame(view).set_index("experiment_id").loc[best.experiment_id]
    assert after.is_retracted
    assert view.best[0].experiment_id != best.experiment_id
    assert best.experiment_id not in view.front
    assert len(lab.state().observations) == 10
    assert (shown.is_evidence, shown.remark) == (False, "retracted: the wrong bottle")
    assert (row["is_retracted"], row["overpotential_v"]) == (True, best.value)
    assert "retracted: the wrong bottle" in report_html(view, made_time=OPENED)
    record = list(log.read(stream=campaign_stream(CAMPAIGN_ID)))[-1]
    assert record.actor == "ada"
    assert record.event == ObservationRetracted(
        experiment_id=best.experiment_id, reason="the wrong bottle"
    )


def test_what_is_amended_counts_as_amended_with_what_is_computed_made_anew(lab):
    before = lab.state().experiments[1].observed
    assert before is not None

    after = amend(lab, "E0002", {"overpotential_v": Amended(0.2, 0.05)}, reason="a slip")

    assert after.observed is not None
    assert after.observed.observation.values == {"overpotential_v": 0.2, "adhesion_fraction": 0.9}
    assert after.observed.observation.sds == {"overpotential_v": 0.05}
    assert after.observed.observation.point == before.observation.point
    assert after.observed.computed == pytest.approx(before.computed)
    assert lab.campaign().best[0].experiment_id == "E0002"
    assert {one.experiment_id: one.remark for one in lab.campaign().experiments}[
        "E0002"
    ] == "amended: a slip"


def test_what_was_retracted_counts_again_once_it_is_amended(lab):
    retract(lab, "E0002", reason="the wrong bottle")

    amend(lab, "E0002", {"overpotential_v": Amended(0.4)}, reason="measured again")

    assert "E0002" in {one.experiment_id for one in lab.state().observations}
    assert lab.state().status is CampaignStatus.FINISHED


def test_a_known_error_stays_unless_another_is_given(lab):
    after = amend(lab, "E0002", {"overpotential_v": Amended(0.4)}, reason="a slip")

    assert after.observed is not None
    assert after.observed.observation.sds == {"overpotential_v": 0.001}


@pytest.mark.parametrize(
    ("experiment_id", "values", "reason", "message"),
    [
        ("E0099", {"overpotential_v": Amended(0.1)}, "x", "no experiment 'E0099'.* is E0012"),
        ("E0005", {"overpotential_v": Amended(0.1)}, "x", "gave no observation: it failed"),
        ("E0001", {"colour": Amended(0.1)}, "x", "got 'colour', expected one of overpotential_v"),
        ("E0001", {"cost_usd_per_mol": Amended(1)}, "x", "cost_usd_per_mol is computed"),
        ("E0001", {"overpotential_v": Amended(float("nan"))}, "x", "expected a finite number"),
        ("E0001", {"overpotential_v": Amended(0.1, -1.0)}, "x", "standard error of -1.0"),
        ("E0001", {}, "x", "expected at least one name=value"),
        ("E0001", {"overpotential_v": Amended(0.1)}, " ", "--reason: got nothing"),
    ],
)
def test_what_cannot_be_amended_is_refused(lab, experiment_id, values, reason, message):
    n_before = lab.last_seq()

    with pytest.raises(RequestRefused, match=message):
        amend(lab, experiment_id, values, reason=reason)

    assert lab.last_seq() == n_before


def test_what_runs_is_neither_amended_nor_retracted():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.start()
    lab = Lab(log, actor="ada", clock=SystemClock(), source="memory")

    with pytest.raises(RequestRefused, match="E0001 is running: wait until it has ended"):
        retract(lab, "E0001", reason="x")


def test_nothing_is_retracted_twice(lab):
    retract(lab, "E0001", reason="x")

    with pytest.raises(RequestRefused, match="retracted already"):
        retract(lab, "E0001", reason="x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y=1.5", ("y", Amended(1.5))),
        ("y = 1.5±0.1", ("y", Amended(1.5, 0.1))),
        ("y=1.5+-0.1", ("y", Amended(1.5, 0.1))),
        ("y=-1.5e-3", ("y", Amended(-0.0015))),
    ],
)
def test_a_value_is_read_with_its_error(text, expected):
    assert amended_from(text) == expected


@pytest.mark.parametrize("text", ["y", "=1", "y=", "y=high", "y=1±", "y=1±0.1±0.2"])
def test_a_text_that_is_no_value_is_refused(text):
    with pytest.raises(RequestRefused, match="expected name=value"):
        amended_from(text)


@pytest.mark.parametrize("is_simulated", [True, False])
def test_a_correction_is_later_than_all_before_on_the_campaigns_own_clock(is_simulated):
    log = MemoryLog()
    campaign = RecordedCampaign(log, is_simulated=is_simulated)
    campaign.open()
    campaign.finish(campaign.start(), 0.4)
    before = max(record.time for record in log.read())
    lab = Lab(log, actor="ada", clock=SystemClock(), source="memory")

    retract(lab, "E0001", reason="the wrong bottle")

    last = list(log.read())[-1].time
    assert last == before if is_simulated else last > before

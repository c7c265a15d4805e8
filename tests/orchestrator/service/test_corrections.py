"""Results amended and retracted: what counts, what is shown, and what is refused."""

import pytest

from drivers.clock import SystemClock
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import (
    AnalysisFinished,
    ExperimentFailed,
    ObservationRetracted,
    campaign_stream,
)
from orchestrator.errors import RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.corrections import (
    Amended,
    amend,
    amended_from,
    amended_values,
    give_result,
    retract,
)
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
        ("overpotential_v = 351±2 mV", ("overpotential_v", Amended(0.351, 0.002))),
    ],
)
def test_a_value_is_read_with_its_error(text, expected):
    assert amended_from(text) == expected


@pytest.mark.parametrize("text", ["y", "=1", "y=", "y=high", "y=1±", "y=1±0.1±0.2"])
def test_a_text_that_is_no_value_is_refused(text):
    with pytest.raises(RequestRefused, match="expected (name=value|a number such as)"):
        amended_from(text)


def test_a_name_stands_there_once():
    with pytest.raises(RequestRefused, match="got y twice"):
        amended_values(["y=1", "y=2"])


def test_a_result_given_by_hand_counts_and_says_for_what_composition(lab, log):
    asked = lab.state().experiments[4].candidate.point
    n_before = lab.campaign().counts.observed

    after = give_result(lab, "E0005", {"overpotential_v": Amended(0.2, 0.01)}, reason="by hand")

    view = lab.campaign()
    shown = {one.experiment_id: one for one in view.experiments}["E0005"]
    row = experiments_frame(view).set_index("experiment_id").loc["E0005"]
    (stored,) = log.projection("experiment", where={"experiment_id": "E0005"})
    (campaign,) = log.projection("campaign")
    assert after.correction == "by hand (composition as asked)"
    assert after.observed.observation.point == asked
    assert after.observed.computed["cost_usd_per_mol"] > 0
    assert (shown.state, shown.is_given, shown.values["overpotential_v"]) == ("failed", True, 0.2)
    assert "given by hand: by hand (composition as asked)" in shown.remark
    assert (row["overpotential_v"], row["is_given"], row["is_retracted"]) == (0.2, True, False)
    assert (stored["values"], stored["correction"], stored["corrected_by"]) == (
        {"overpotential_v": 0.2},
        after.correction,
        "ada",
    )
    assert (view.counts.observed, campaign["n_observed"]) == (n_before + 1, n_before + 1)
    assert "given by hand" in report_html(view, made_time=OPENED)


def test_a_result_given_by_hand_is_amended_and_retracted_like_any_other(lab, log):
    give_result(lab, "E0005", {"overpotential_v": Amended(0.2)}, reason="by hand")

    amended = amend(lab, "E0005", {"adhesion_fraction": Amended(0.9)}, reason="seen")
    retracted = retract(lab, "E0005", reason="the wrong sample")
    again = amend(lab, "E0005", {"overpotential_v": Amended(0.3)}, reason="the right one")

    assert amended.observed.observation.values == {"overpotential_v": 0.2, "adhesion_fraction": 0.9}
    assert retracted.is_retracted
    assert not again.is_retracted
    assert len(lab.state().observations) == 12
    log.rebuild_projections()
    assert log.projection("campaign")[0]["n_observed"] == 12


def lost_measurement() -> RecordedCampaign:
    """Return a campaign whose only experiment was weighed back, and not measured."""
    campaign = RecordedCampaign(MemoryLog())
    campaign.open()
    campaign.start()
    campaign.do_jobs("E0001", "tare", "dose", "sweep")
    campaign.append(
        AnalysisFinished(
            experiment_id="E0001",
            analysis="composition_by_mass",
            version=1,
            quality="good",
            values={"Ni": 0.302, "Fe": 0.198, "Co": 0.5},
        ),
        AnalysisFinished(
            experiment_id="E0001",
            analysis="overpotential_from_sweep",
            version=1,
            quality="bad",
            reason="no current",
        ),
        ExperimentFailed(experiment_id="E0001", cause="measurement", reason="no current"),
    )
    return campaign


def test_what_was_weighed_back_is_what_the_result_stands_for():
    lab = Lab(lost_measurement().log, actor="ada", clock=SystemClock(), source="memory")

    after = give_result(lab, "E0001", {"overpotential_v": Amended(0.3)}, reason="by hand")

    point = after.observed.observation.point
    assert (point["Ni"], point["Fe"], point["Co"]) == (0.302, 0.198, 0.5)
    assert point["furnace_c"] == after.candidate.point["furnace_c"]
    assert after.correction.endswith("(composition as analysed)")


def test_what_a_person_says_was_made_goes_before_what_was_weighed():
    lab = Lab(lost_measurement().log, actor="ada", clock=SystemClock(), source="memory")

    after = give_result(
        lab,
        "E0001",
        {"overpotential_v": Amended(0.3)},
        reason="by hand",
        made={"Ni": "0.3", "Fe": "0.3", "Co": "0.396", "furnace_c": 417.0},
    )

    point = after.observed.observation.point
    assert sum(point[name] for name in ("Ni", "Fe", "Co")) == pytest.approx(1.0)
    assert (point["Co"], point["furnace_c"]) == (pytest.approx(0.396 / 0.996), 417.0)
    assert after.correction.endswith("(composition as given)")


@pytest.mark.parametrize(
    ("experiment_id", "more", "message"),
    [
        ("E0099", {}, "no experiment 'E0099'"),
        ("E0001", {}, "E0001 has a result; to correct it: athanor amend E0001"),
        ("E0005", {"reason": " "}, "--reason: got nothing"),
        ("E0005", {"values": {}}, "got no value"),
        ("E0005", {"values": {"colour": Amended(1.0)}}, "got 'colour', expected one of"),
        ("E0005", {"values": {"overpotential_v": Amended(0.1, -1)}}, "standard error of -1"),
        ("E0005", {"made": {"Ni": 0.5, "Fe": 0.3}}, "Co left out, the others sum to 0.8"),
        ("E0005", {"made": {"Ni": 0.5, "Fe": 0.3, "Co": 0.1}}, "sum to 0.9, expected 1 within"),
        ("E0005", {"made": {"Ni": 1.5, "Fe": -0.5, "Co": 0}}, "Ni: got 1.5, expected a fraction"),
        ("E0005", {"made": {"furnace_c": "hot"}}, "furnace_c: got 'hot', expected a finite"),
        ("E0005", {"made": {"Cu": 0.5}}, "got 'Cu', expected one of|Ni, Fe, Co left out"),
    ],
)
def test_a_result_that_cannot_be_given_is_refused(lab, experiment_id, more, message):
    n_before = lab.last_seq()
    said = {"values": {"overpotential_v": Amended(0.1)}, "reason": "x"} | more

    with pytest.raises(RequestRefused, match=message):
        give_result(lab, experiment_id, said.pop("values"), **said)

    assert lab.last_seq() == n_before


def test_a_retracted_result_is_not_given_again_but_amended(lab):
    retract(lab, "E0001", reason="x")

    with pytest.raises(RequestRefused, match="has a result, which was retracted; .* athanor amend"):
        give_result(lab, "E0001", {"overpotential_v": Amended(0.1)}, reason="x")


def test_what_gave_nothing_cannot_be_amended_and_says_how_a_result_is_given(lab):
    with pytest.raises(RequestRefused, match="athanor result E0005 NAME=VALUE"):
        amend(lab, "E0005", {"overpotential_v": Amended(0.1)}, reason="x")


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

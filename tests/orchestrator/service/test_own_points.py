"""A person's own point through the service: what is added, how it shows, and what is refused."""

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import (
    CampaignStopped,
    CandidateRejected,
    CandidatesProposed,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    ObservationRecorded,
    PointAdded,
    StopRequested,
)
from orchestrator.core.point import Candidate, Observation
from orchestrator.errors import RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.approvals import candidate_views, edit
from orchestrator.service.corrections import Amended, give_result, retract
from orchestrator.service.lab import Lab
from orchestrator.service.live import LiveLab
from orchestrator.service.own_points import add_point
from orchestrator.service.report import report_html
from orchestrator.service.tables import experiments_frame
from tests.support.recorded_campaign import CAMPAIGN_TEXT, OPENED, RecordedCampaign

RECIPE = '[[recipe.job]]\nname = "make"\ninstrument = "pump_x1"\naction = "transfer"\n'
TEXT = (
    CAMPAIGN_TEXT
    + RECIPE
    + '[[constraint]]\nexpression = "cost_usd_per_mol <= 20"\n[approval]\ngate = "all"\n'
)
PROPOSED = {"Ni": 0.5, "Fe": 0.5, "Co": 0.0, "furnace_c": 300.0}
OWN = {"Ni": 0.6, "Fe": 0.4, "Co": 0.0, "furnace_c": 450.0}


@pytest.fixture
def recorded():
    recorded = RecordedCampaign(MemoryLog())
    recorded.open(TEXT)
    recorded.append(
        CandidatesProposed(
            proposal=1,
            planner="sobol",
            method="initial_design",
            reason="",
            n_observations=0,
            candidates=(Candidate(point=PROPOSED),),
        )
    )
    return recorded


@pytest.fixture
def lab(recorded):
    return Lab(recorded.log, actor="ada", clock=SystemClock(), source="memory")


def start(recorded: RecordedCampaign, point: dict, experiment_id: str = "E0001") -> None:
    recorded.append(
        ExperimentStarted(
            experiment_id=experiment_id,
            number=int(experiment_id[1:]),
            candidate=Candidate(point=point),
            jobs=(),
            cost_usd=1.0,
        )
    )


def finish(recorded: RecordedCampaign, experiment_id: str) -> None:
    seen = Observation(point=OWN, values={"overpotential_v": 0.4, "adhesion_fraction": 0.9})
    recorded.append(
        ObservationRecorded(
            experiment_id=experiment_id, observation=seen, computed={"cost_usd_per_mol": 8.0}
        ),
        ExperimentFinished(experiment_id=experiment_id),
    )


def test_an_own_point_goes_in_front_with_who_and_why(lab, recorded):
    added = add_point(lab, OWN, reason="a hunch")

    (own, proposed) = candidate_views(lab.state())
    (row,) = recorded.log.projection("candidate", where={"candidate_id": "P0001"})
    last = list(recorded.log.read())[-1]
    assert (added.candidate_id, added.person, added.before) == ("P0001", "ada", ("C0001",))
    assert (own.added_by, own.reason, own.point) == ("ada", "a hunch", OWN)
    assert (own.is_approved, own.waits_because) == (True, "")
    assert (proposed.added_by, proposed.waits_because) == ("", "every candidate is looked at")
    assert (row["proposal"], row["state"], row["judged_by"]) == (0, "approved", "ada")
    assert (last.actor, last.event) == (
        "ada",
        PointAdded(candidate_id="P0001", point=OWN, person="ada", reason="a hunch"),
    )
    assert lab.campaign().own_points == {"P0001": "ada"}


def test_whose_point_it_was_shows_in_every_table(lab, recorded):
    add_point(lab, OWN, reason="a hunch")
    start(recorded, OWN)
    finish(recorded, "E0001")

    view = lab.campaign()

    (shown,) = view.experiments
    (row,) = recorded.log.projection("candidate", where={"candidate_id": "P0001"})
    assert (shown.added_by, shown.remark) == ("ada", "own point of ada")
    assert experiments_frame(view)["added_by"].tolist() == ["ada"]
    assert "own point of ada" in report_html(view, made_time=OPENED)
    assert (row["state"], row["experiment_id"]) == ("started", "E0001")


def test_numbers_may_come_as_text(lab):
    added = add_point(lab, {name: str(value) for name, value in OWN.items()}, reason="a hunch")

    assert added.point == OWN


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"Ni": 0.6, "Fe": 0.3}, "Co left out, the others sum to 0.9; for none of it say Co=0"),
        ({"Ni": 0.6, "Fe": 0.3, "Co": 0.0}, "furnace_c: got nothing, expected a value|furnace_c"),
        (OWN | {"Fe": 0.3}, "got 'a sum of 0.9', expected 1"),
        (OWN | {"Ni": 0.55, "Fe": 0.45}, "Ni: got 0.55, expected a whole multiple of the step"),
        (OWN | {"Ni": 0.0, "Fe": 0.3, "Co": 0.7}, "got 'cost_usd_per_mol <= 20'"),
        (OWN | {"furnace_c": 310}, "furnace_c: got 310.0, expected one of 7 levels"),
        (OWN | {"furnace_c": float("nan")}, "furnace_c: got nan, expected a finite number"),
        (OWN | {"furnace_c": "hot"}, "furnace_c: got 'hot', expected a number"),
        (OWN | {"Cu": 0.1}, "Cu: got 'Cu', expected one of Ni, Fe, Co, furnace_c"),
        (PROPOSED, "the point is in the queue already, as C0001"),
    ],
)
def test_what_no_planner_could_propose_is_refused(lab, point, message):
    n_before = lab.last_seq()

    with pytest.raises(RequestRefused, match=message):
        add_point(lab, point, reason="a hunch")

    assert lab.last_seq() == n_before


def test_an_edited_number_must_be_finite_too(lab):
    with pytest.raises(RequestRefused, match="furnace_c: got inf, expected a finite number"):
        edit(lab, "C0001", {"furnace_c": "inf"}, reason="x")


def test_nothing_is_added_without_a_reason_or_after_the_end(lab, recorded):
    with pytest.raises(RequestRefused, match="--reason"):
        add_point(lab, OWN, reason=" ")
    recorded.append(StopRequested())
    with pytest.raises(RequestRefused, match="is stopping: nothing more is made"):
        add_point(lab, OWN, reason="x")
    recorded.append(CampaignStopped(reason=""))
    with pytest.raises(RequestRefused, match="has ended: nothing more is made"):
        add_point(lab, OWN, reason="x", campaign_id="small-1")


def test_what_is_being_made_or_was_made_is_not_added_but_on_purpose(lab, recorded):
    start(recorded, PROPOSED)
    with pytest.raises(RequestRefused, match="being made already, in E0001"):
        add_point(lab, PROPOSED, reason="x", repeats=True)
    finish(recorded, "E0001")
    with pytest.raises(RequestRefused, match="was made in E0001; .*--again"):
        add_point(lab, PROPOSED, reason="x")

    assert add_point(lab, PROPOSED, reason="x", repeats=True).candidate_id == "P0001"


def test_what_gave_no_result_that_counts_may_be_made_again(lab, recorded):
    start(recorded, PROPOSED)
    finish(recorded, "E0001")
    retract(lab, "E0001", reason="the wrong bottle")

    assert add_point(lab, PROPOSED, reason="x").candidate_id == "P0001"


def test_what_a_person_rejected_is_not_added_but_on_purpose(lab, recorded):
    recorded.append(CandidateRejected(candidate_id="C0001", reason="it would crack"))
    with pytest.raises(RequestRefused, match="was rejected by a person; .*--again"):
        add_point(lab, PROPOSED, reason="x")

    assert add_point(lab, PROPOSED, reason="x", repeats=True).candidate_id == "P0001"


def test_what_could_not_be_made_any_more_is_refused(recorded):
    log = MemoryLog()
    few = RecordedCampaign(log)
    few.open(TEXT.replace("max_experiments = 40", "max_experiments = 1"))
    lab = Lab(log, actor="ada", clock=SystemClock(), source="memory")
    add_point(lab, OWN, reason="a hunch")

    with pytest.raises(RequestRefused, match="at most 1 experiments: 0 were started and 1 points"):
        add_point(lab, OWN | {"furnace_c": 400.0}, reason="another")
    start(few, OWN)
    with pytest.raises(RequestRefused, match="ends with what runs: 1 experiments were made"):
        add_point(lab, OWN | {"furnace_c": 400.0}, reason="another")


def assert_live_shows_the_same(live: LiveLab, lab: Lab) -> None:
    whole = lab.campaign()
    page = live.experiments(whole.campaign_id, order="number", limit=100)
    assert page.items == whole.experiments
    assert live.campaign(whole.campaign_id).own_points == whole.own_points
    assert live.campaign(whole.campaign_id).counts == whole.counts


def test_pages_that_follow_show_whose_point_it_is_and_what_was_given_by_hand(lab, recorded):
    followed = LiveLab(recorded.log, clock=SystemClock(), source="memory")
    assert_live_shows_the_same(followed, lab)
    add_point(lab, OWN, reason="a hunch")
    edit(
        Lab(recorded.log, actor="bob", clock=SystemClock(), source="memory"),
        "P0001",
        {"furnace_c": 400.0},
        reason="cooler",
    )
    assert_live_shows_the_same(followed, lab)
    start(recorded, OWN | {"furnace_c": 400.0})
    assert_live_shows_the_same(followed, lab)
    recorded.append(ExperimentFailed(experiment_id="E0001", cause="measurement", reason="lost"))
    give_result(lab, "E0001", {"overpotential_v": Amended(0.3)}, reason="by hand")
    assert_live_shows_the_same(followed, lab)

    later = LiveLab(recorded.log, clock=SystemClock(), source="memory")

    assert_live_shows_the_same(later, lab)
    (shown,) = lab.campaign().experiments
    assert (shown.added_by, shown.is_given) == ("ada", True)

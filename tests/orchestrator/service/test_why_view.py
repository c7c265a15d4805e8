"""What speaks for a candidate, and how likely it keeps what is wanted."""

from pathlib import Path

import pytest

from campaigns.loading import campaign_from_text
from drivers.clock import SystemClock
from orchestrator.core.point import Prediction
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.chances import chance_better, chance_views
from orchestrator.service.experiment_story import experiment_story
from orchestrator.service.lab import Lab
from orchestrator.service.live import LiveLab
from orchestrator.service.point_view import differences_of, input_fields
from orchestrator.service.proposals import ProposalBook
from orchestrator.service.speaking import nearest_made, what_speaks
from orchestrator.service.why_view import known_at, proposal_card
from orchestrator.settings import Settings
from tests.support.judged_campaign import JUDGED_TEXT, record_judged
from tests.support.recorded_campaign import record_campaign

SPEC = campaign_from_text(JUDGED_TEXT, file="small.toml")


@pytest.fixture(scope="module")
def view():
    log = MemoryLog()
    record_judged(log)
    return Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign()


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    settings = Settings(database=tmp_path_factory.mktemp("lab") / "lab.db", actor="ada")
    log = open_sqlite_log(settings.database)
    record_campaign(log, "first-1", n=5)
    record_judged(log)
    log.close()
    with LiveLab.open(settings) as live:
        yield live


def test_chances_are_those_of_the_normal_distribution():
    expected = Prediction(mean=0.32, sd=0.02)

    views = chance_views(SPEC, {"overpotential_v": expected})
    assert [(one.name, one.kind, one.wanted) for one in views] == [
        ("overpotential_v", "target", "at most 0.3000 V")
    ]
    assert views[0].chance == pytest.approx(0.158655, abs=1e-6)
    assert chance_views(SPEC, {"adhesion_fraction": Prediction(mean=0.8, sd=0.2)})[
        0
    ].chance == pytest.approx(0.933193, abs=1e-6)


@pytest.mark.parametrize(
    ("direction", "target", "best", "chance"),
    [
        ("minimise", None, 1.0, 0.841345),
        ("maximise", None, 1.0, 0.158655),
        ("match", 0.5, 1.0, 0.682689),
        ("match", 0.5, 0.0, 0.682689),
    ],
)
def test_the_chance_to_be_better_knows_the_direction(direction, target, best, chance):
    expected = Prediction(mean=0.5, sd=0.5)

    found = chance_better(expected, best, direction=direction, target=target)

    assert found == pytest.approx(chance, abs=1e-6)


def test_an_exact_value_is_better_or_not():
    exact = Prediction(mean=2.0, sd=0.0)

    assert chance_better(exact, 2.0, direction="minimise", target=None) == 0.0
    assert chance_better(exact, 2.1, direction="minimise", target=None) == 1.0
    assert chance_better(exact, 2.1, direction="maximise", target=None) == 0.0
    assert chance_better(exact, 3.0, direction="match", target=2.2) == 1.0


def test_the_nearest_sample_is_found_by_what_differs(view):
    made = known_at(view, None).made
    first = made[0]

    same = nearest_made(SPEC, dict(first.asked), made)
    other = nearest_made(SPEC, {**first.asked, "furnace_c": 310.0}, made[:1])

    assert same.experiment_id == first.experiment_id
    assert same.is_same
    assert not other.is_same
    assert other.differences == ("furnace (°C) 350.0 instead of 310.0",)
    assert nearest_made(SPEC, dict(first.asked), []) is None


def test_what_speaks_is_said_in_words(view):
    known = known_at(view, None)
    predictions = {
        "overpotential_v": Prediction(mean=0.30, sd=0.02),
        "cost_usd_per_mol": Prediction(mean=1.0, sd=0.0),
    }
    point = {"Ni": 1.0, "Fe": 0.0, "Co": 0.0, "furnace_c": 300.0}

    said = what_speaks(SPEC, point, predictions, known, is_out_of_distribution=True)

    best, name = known.best(view.objectives[0])
    assert f"the best before it was {best:.4f} ({name})" in said[0]
    assert "exactly 1.000, better" in said[1]
    assert "new trade-off: none of 14 results" in said[2]
    assert "hardly known" in said[3]
    assert "had to guess" in said[4]
    assert "of the composition is exchanged" in said[-1]


def test_without_a_model_it_says_who_chose(view):
    point = dict(view.experiments[0].asked)

    def first(person):
        known = known_at(view, view.opened_time)
        return what_speaks(SPEC, point, {}, known, is_out_of_distribution=None, person=person)

    assert first("")[0].startswith("No model had a say")
    assert first("ada")[0].startswith("ada chose it")
    assert first("")[-1] == "Nothing had been made before it."


def test_a_candidate_is_compared_with_what_was_known_when_it_was_proposed(live):
    view, state = live.for_plots("small-1"), live.state("small-1")
    page = ProposalBook(live, "small-1").page(limit=20)
    (sixth,) = [one for one in page.items if one.proposal == 6]
    with live.using() as lab:
        rows = lab.rows("candidate", {"campaign_id": "small-1", "proposal": 6})

    (card,) = proposal_card(view, state.spec, sixth, rows, {}).candidates

    assert card.experiment_id == "E0006"
    assert "of 5 results before it" in " ".join(card.speaks)
    (line,) = [one for one in card.predictions if one.name == "overpotential_v"]
    assert line.measured == pytest.approx(0.42 - 0.004 * 2)
    assert line.is_inside


def test_proposals_are_read_from_the_end_and_once(live):
    book = ProposalBook(live, "small-1")

    newest = book.page(limit=4)
    older = book.page(before=newest.next_before, limit=100)

    numbers = [one.proposal for one in (*newest.items, *older.items)]
    assert numbers == list(range(15, 0, -1))
    assert older.next_before is None
    known, is_whole = book.known()
    assert [one.proposal for one in known] == list(range(1, 16))
    assert is_whole


def test_a_book_follows_the_log(tmp_path: Path):
    settings = Settings(database=tmp_path / "lab.db", actor="ada")
    log = open_sqlite_log(settings.database)
    campaign = record_campaign(log, n=3, ends=False)
    with LiveLab.open(settings) as live:
        book = ProposalBook(live, "small-1")
        assert len(book.page().items) == 3
        campaign.start()
        assert [one.proposal for one in book.page().items] == [4, 3, 2, 1]
    log.close()


def test_an_experiment_is_told_record_by_record(live):
    detail = live.experiment("E0003", "first-1")

    story = experiment_story(live, "first-1", detail)

    told = [one.what for one in story.happenings]
    assert told[:3] == ["started", "tare began, attempt 1", "tare done"]
    assert told[-2:] == ["result recorded", "ended well"]
    assert "mass 1.25 g" in [one.detail for one in story.happenings]
    assert story.origin.candidate_id == "C0003"
    assert story.first_values == detail.experiment.values
    assert not story.is_cut


def test_a_failed_experiment_tells_why(live):
    story = experiment_story(live, "first-1", live.experiment("E0005", "first-1"))

    tones = {one.what: one.tone for one in story.happenings}
    assert tones["tare failed"] == "bad"
    assert tones["failed: instrument"] == "bad"
    assert "nothing was touched" in " ".join(one.detail for one in story.happenings)


def test_fields_of_a_form_say_what_is_allowed():
    fields = {one.name: one for one in input_fields(SPEC)}

    assert fields["Ni"].is_component
    assert fields["Ni"].hint == "0 to 1 in steps of 0.1"
    assert (fields["furnace_c"].low, fields["furnace_c"].high) == ("300", "600")
    assert fields["furnace_c"].hint == "300 to 600 in steps of 50 °C"


def test_what_was_made_is_held_against_what_was_asked(live):
    experiment = live.experiment("E0002", "first-1").experiment

    lines = {one.name: one for one in differences_of(experiment, ("Ni", "furnace_c"))}

    assert lines["Ni"].difference == pytest.approx(0.002)
    assert lines["furnace_c"].difference == 0.0

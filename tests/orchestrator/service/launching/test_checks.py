"""A check in a process of its own says what `athanor check` says, within its time."""

from contextlib import ExitStack

import pytest

from orchestrator.errors import RequestRefused
from orchestrator.service.acts.start_acts import StartCampaign
from orchestrator.service.lab import Lab
from orchestrator.service.launching import CampaignText
from orchestrator.service.launching.checks import MOST_AT_ONCE, MOST_WAITING
from tests.support.launching import campaign_source, desk_in


@pytest.mark.slow
def test_a_sound_file_is_told_with_what_it_takes_and_the_start_repeats_it(tmp_path):
    with desk_in(tmp_path) as desk:
        kept = desk.keep(campaign_source(20), by="ada")

        check = desk.check_kept(kept.file_id, "oer-bench")

    assert (check.state, check.problems) == ("sound", ())
    assert check.file_sha256 == kept.sha256
    assert check.outlook is not None
    assert check.outlook.bench is not None
    assert check.outlook.bench.n_experiments == 20
    act = StartCampaign(
        file_id=kept.file_id, file_sha256=kept.sha256, rig="oer-bench", rig_sha256=check.rig_sha256
    )
    with Lab.open(desk._settings) as lab:
        said = act.consequence(lab)
    assert "20 samples; at least about 7.44 h; about 285 USD" in said
    assert "oer-bench, the REAL bench" in said


@pytest.mark.slow
def test_a_wrong_file_is_told_with_every_mistake(tmp_path):
    source = campaign_source()
    wrong = source.text.replace("in_flight = 2", "in_flight = 0").replace("step = 0.1", "step = 2")
    with desk_in(tmp_path) as desk:
        check = desk.check(source.model_copy(update={"text": wrong}), "oer-bench")

    assert check.state == "wrong"
    found = {problem.key: problem for problem in check.problems}
    assert {"recipe.in_flight", "space.composition.step"} <= {*found}
    assert found["recipe.in_flight"].file == "oer_plate.toml"
    assert found["recipe.in_flight"].got == "0"
    assert found["recipe.in_flight"].expected.startswith("at least")


@pytest.mark.slow
def test_a_check_that_takes_too_long_is_given_up(tmp_path):
    with desk_in(tmp_path) as desk:
        check = desk.check(campaign_source(), "oer-bench", budget_s=1.0)

    assert (check.state, check.outlook) == ("not_finished", None)
    assert check.took_s >= 1.0


def test_a_list_of_points_is_not_looked_for_on_the_server(tmp_path):
    text = '[campaign]\nname = "a"\n[space]\npoints = "/etc/passwd"\n'
    with desk_in(tmp_path) as desk:
        check = desk.check(CampaignText(file_name="a.toml", text=text), "oer-bench")

    assert check.state == "wrong"
    assert [problem.key for problem in check.problems] == ["space.points"]


def test_a_budget_out_of_range_and_an_unknown_rig_are_refused(tmp_path):
    with desk_in(tmp_path) as desk:
        with pytest.raises(RequestRefused, match="budget_s"):
            desk.check(campaign_source(), "oer-bench", budget_s=0.0)
        with pytest.raises(RequestRefused, match="expected one of oer-bench"):
            desk.check(campaign_source(), "other")


def test_many_checks_at_once_do_not_hold_the_server_s_threads(tmp_path):
    with desk_in(tmp_path) as desk, ExitStack() as taken:
        checks = desk._checks
        for _ in range(MOST_AT_ONCE + MOST_WAITING):
            taken.enter_context(checks._asked)
        with pytest.raises(RequestRefused, match="ask again in a moment"):
            desk.check(campaign_source(), "oer-bench", budget_s=300.0)

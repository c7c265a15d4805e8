"""Live views: what they show is what a whole fold shows, however the records came in."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.events import (
    CampaignHeld,
    ExperimentFinished,
    JobFinished,
    JobStarted,
    ReferencePointFrozen,
)
from orchestrator.errors import LogError, RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import StateKeeper, recovered_state
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.live import LiveLab
from orchestrator.service.live_views import Bound, SpecFilter
from orchestrator.settings import Settings
from tests.support.recorded_campaign import CAMPAIGN_ID, RecordedCampaign, record_campaign
from tests.support.shown_whole import assert_shows_the_whole, correct, live_on, whole_on

REFERENCE = {"overpotential_v": 0.45, "cost_usd_per_mol": 30.0}


def test_a_finished_campaign_is_shown_as_a_whole_fold_shows_it():
    log = MemoryLog()
    record_campaign(log)

    assert_shows_the_whole(live_on(log), log)


@settings(max_examples=25, deadline=None)
@given(
    doings=st.lists(
        st.sampled_from(["start", "finish", "fail", "doubt", "retract", "amend", "look", "freeze"]),
        min_size=4,
        max_size=30,
    ),
    values=st.randoms(use_true_random=False),
)
def test_however_it_came_about_the_same_is_shown(doings, values):
    log = MemoryLog()
    campaign = RecordedCampaign(log, CAMPAIGN_ID)
    campaign.open()
    live, running, ended, is_held = live_on(log), [], [], False
    for doing in doings:
        match doing:
            case "start" if len(running) < 3 and not is_held:
                running.append(campaign.start())
            case "finish" if running:
                name = running.pop(values.randrange(len(running)))
                campaign.finish(name, values.choice([0.3, 0.35, 0.4]), values.choice([0.2, 0.9]))
                ended.append(name)
            case "fail" if running:
                campaign.fail(running.pop(0))
            case "doubt" if running and not is_held:
                campaign.leave_in_doubt(running.pop(0))
                is_held = True
            case "retract" | "amend" if ended:
                correct(campaign, values.choice(ended), takes_back=doing == "retract")
            case "freeze":
                campaign.append(ReferencePointFrozen(reference_point=REFERENCE))
            case "look":
                live.campaign(CAMPAIGN_ID)
                live.hypervolume_series(CAMPAIGN_ID)

    assert_shows_the_whole(live, log)
    assert_shows_the_whole(live_on(log), log)


def test_nothing_of_ended_experiments_is_folded_after_a_snapshot():
    log = MemoryLog()
    record_campaign(log, n=20)
    found = recovered_state(log, CAMPAIGN_ID)
    last = next(log.read(after_seq=found.seq - 1, limit=1))
    StateKeeper(log, f"campaign/{CAMPAIGN_ID}", 0, every=1).note(found.state, last)
    n_read = []
    read = log.read
    log.read = lambda **asked: (n_read.append(1) or one for one in read(**asked))

    summary = live_on(log).campaign(CAMPAIGN_ID)

    assert summary.counts.done == 19
    assert len(n_read) < 20


def test_a_page_begins_where_the_one_before_ended():
    log = MemoryLog()
    record_campaign(log, n=12)
    live = live_on(log)
    seen, after = [], None

    while True:
        page = live.experiments(after=after, limit=5, order="overpotential_v")
        seen += [one.experiment_id for one in page.items]
        after = page.next_after
        if after is None:
            break

    assert len(seen) == len(set(seen)) == page.n_matching == page.n_all == 12
    assert seen[-1] == "E0005"  # it failed: what has no value comes last
    first = [whole_value(live, name) for name in seen[:-1]]
    assert first == sorted(first)


def whole_value(live: LiveLab, name: str) -> float:
    return live.experiment(name).experiment.values["overpotential_v"]


def test_a_page_goes_on_though_the_row_before_left_the_filter():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    names = [campaign.start() for _ in range(4)]
    live = live_on(log)
    page = live.experiments(state="running", order="number", limit=2)
    campaign.finish(names[1], 0.4)

    rest = live.experiments(state="running", order="number", limit=2, after=page.next_after)

    assert [one.experiment_id for one in rest.items] == names[2:]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("failed", {"E0005"}), ("done", 11), ("counting", 10), ("running", 0), ("reference", 0)],
)
def test_experiments_are_found_by_state(state, expected):
    log = MemoryLog()
    record_campaign(log)

    page = live_on(log).experiments(state=state)

    names = {one.experiment_id for one in page.items}
    assert names == expected if isinstance(expected, set) else len(names) == expected


def test_experiments_are_found_by_words():
    log = MemoryLog()
    record_campaign(log)

    page = live_on(log).experiments(text="OVERLOAD tare")

    assert [one.experiment_id for one in page.items] == ["E0005"]


@pytest.mark.parametrize(
    "asked",
    [
        {"order": "colour"},
        {"state": "lost"},
        {"limit": 0},
        {"after": "E9999"},
        {"campaign_id": "x"},
    ],
)
def test_what_is_not_there_is_refused(asked):
    log = MemoryLog()
    record_campaign(log)

    with pytest.raises(RequestRefused, match=str(next(iter(asked.values())))):
        live_on(log).experiments(asked.pop("campaign_id", None), **asked)


def test_a_filter_makes_another_front():
    log = MemoryLog()
    record_campaign(log)
    live = live_on(log)

    everything = live.front(spec_filter=SpecFilter(must_meet=False))
    bound = Bound(name="cost_usd_per_mol", at_most=20.0)
    cheap = live.front(spec_filter=SpecFilter(bounds=(bound,)))

    assert everything.n_counting == everything.n_observed == 11
    assert 0 < cheap.n_counting < 10
    assert all(point.values["cost_usd_per_mol"] <= 20.0 for point in cheap.front)
    assert len(cheap.front) + len(cheap.others) == 11
    with pytest.raises(RequestRefused, match="colour"):
        live.front(spec_filter=SpecFilter(bounds=(Bound(name="colour", at_least=1),)))


def test_a_stretch_of_time_has_the_jobs_of_that_time():
    log = MemoryLog()
    record_campaign(log)
    live = live_on(log)
    whole = whole_on(log)

    view = live.jobs_between(from_h=1.0, until_h=2.0)

    expected = [one for one in whole.jobs if one.started_h is not None]
    expected = [one for one in expected if one.started_h <= 2.0 and (one.ended_h or 1e9) >= 1.0]
    assert [(one.experiment_id, one.name) for one in view.jobs] == [
        (one.experiment_id, one.name) for one in expected
    ]
    few = live.jobs_between(from_h=1.0, until_h=2.0, limit=3)
    assert len(few.jobs) <= 3
    assert few.n_left_out > 0
    with pytest.raises(RequestRefused, match="until_h"):
        live.jobs_between(from_h=2.0, until_h=1.0)


def test_running_experiments_show_what_is_planned():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.do_jobs(campaign.start(), "tare")

    jobs = live_on(log).jobs_between(from_h=0.0, until_h=1e6).jobs

    assert [(job.state, job.expected_s) for job in jobs] == [
        ("done", 30.0),
        ("queued", 480.0),
        ("queued", 900.0),
    ]


def test_plots_get_the_front_and_the_newest_of_many():
    log = MemoryLog()
    record_campaign(log, n=40)
    live = live_on(log)

    view = live.for_plots(most=20)

    names = [one.experiment_id for one in view.experiments]
    assert len(names) <= 20
    assert names[-1] == "E0040"
    assert set(view.front) <= set(names)
    assert names == sorted(names)


def test_lists_and_the_laboratory_are_shown_under_one_lock():
    log = MemoryLog()
    campaign = record_campaign(log, ends=False)
    campaign.append(CampaignHeld(reason="in doubt"))
    live = live_on(log)

    (line,) = live.campaigns()

    assert (line.campaign_id, line.state) == (CAMPAIGN_ID, "held")
    assert [one.name for one in live.laboratory().instruments] == [
        "balance",
        "pump_x1",
        "source_meter",
    ]
    assert live.alarms() == ()
    assert live.alarm_counts().active == 0
    assert live.seq == log.last_seq()
    with live.using() as lab:
        assert lab.last_seq() == live.refresh()


def test_a_file_is_opened_and_none_is_made(tmp_path: Path):
    path = tmp_path / "lab.db"
    record_campaign(open_sqlite_log(path))

    with LiveLab.open(Settings(database=str(path), actor="ada")) as live:
        assert live.campaign().counts.done == 11

    with pytest.raises(LogError, match="no such file"):
        LiveLab.open(Settings(database=str(tmp_path / "other.db"), actor="ada"))
    assert not (tmp_path / "other.db").exists()


def test_a_job_on_an_equal_instrument_is_shown_there_after_its_end():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    name = campaign.start()
    job_id = f"{name}/dose"
    campaign.do_jobs(name, "tare")
    campaign.append(JobStarted(job_id=job_id, attempt=1, epoch=1, instrument="pump_x2"))
    campaign.append(JobFinished(job_id=job_id, readings=()), minutes=8)
    campaign.append(ExperimentFinished(experiment_id=name))

    live = live_on(log)

    jobs = live.experiment(name).jobs
    assert [job.instrument for job in jobs] == ["balance", "pump_x2", "source_meter"]
    assert_shows_the_whole(live, log)


@pytest.mark.parametrize("takes_back", [True, False])
@pytest.mark.parametrize("n", [12, 80])
def test_a_correction_changes_what_was_shown_before(n, takes_back):
    log = MemoryLog()
    campaign = record_campaign(log, n=n)
    live = live_on(log)
    assert_shows_the_whole(live, log)

    for name in (live.campaign().front[0], "E0006", live.campaign().best[0].experiment_id):
        correct(campaign, name, takes_back=takes_back)
        assert_shows_the_whole(live, log)

"""The expected course of a rig: when each job runs, why it waits, when campaigns end."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest

from orchestrator.core.dispatch import forecast
from orchestrator.core.events import CampaignPaused, PauseRequested
from orchestrator.core.outlook import Outlook
from orchestrator.core.shop import Machine, Shop, Task
from orchestrator.errors import RequestRefused
from orchestrator.service.plan import plan_of, plans
from orchestrator.service.plan_search import searched
from orchestrator.service.plan_svg import plan_svg
from orchestrator.service.plan_view import PlannedJobView, PlanView
from tests.support.planned_bench import NOW, PlannedBench, lab_at_furnace


def _job(plan: PlanView, job_id: str, campaign_id: str = "small-1") -> PlannedJobView:
    return next(job for job in plan.jobs if (job.campaign_id, job.job_id) == (campaign_id, job_id))


def test_a_load_is_one_bar_and_what_waits_for_the_furnace_is_told(tmp_path):
    with lab_at_furnace(tmp_path) as lab:
        plan = plan_of(lab)

    furnace = next(row for row in plan.rows if row.instrument == "furnace")
    running, planned = furnace.bars
    assert running.samples == ("small-1/E0001", "small-1/E0002")
    assert running.end == NOW + timedelta(minutes=50)
    assert planned.begin >= running.end
    assert furnace.is_bottleneck
    waits = _job(plan, "E0003/fire")
    assert waits.kind == "turn"
    assert "furnace" in waits.why
    assert waits.begin == planned.begin
    assert _job(plan, "E0003/read").why == "waits for fire of E0003"
    assert _job(plan, "E0003/read").kind == "before"
    assert _job(plan, "E0001/fire").with_samples == ("small-1/E0002",)
    assert plan.end == planned.end + timedelta(seconds=120)
    assert plan.waiting[0].job_id == "E0003/fire"


def test_a_sample_that_may_not_stand_says_until_when_it_must_go_on(tmp_path):
    def fired(bench: PlannedBench) -> None:
        bench.add("small-1", *bench.finish("E0001/fire", "E0002/fire"))

    with lab_at_furnace(tmp_path, fired) as lab:
        plan = plan_of(lab)

    first, second = _job(plan, "E0001/read"), _job(plan, "E0002/read")
    assert first.must_begin_by == second.must_begin_by == NOW + timedelta(seconds=600)
    assert first.why == "it begins now"
    assert second.why == "meter does read"
    assert second.begin == NOW + timedelta(seconds=120)
    assert not second.is_late


def test_a_broken_instrument_is_why_and_no_end_is_made_up(tmp_path):
    with lab_at_furnace(tmp_path, lambda bench: bench.break_("meter")) as lab:
        plan = plan_of(lab)

    waits = _job(plan, "E0003/read")
    assert (waits.state, waits.begin) == ("waiting", None)
    meter = next(row for row in plan.rows if row.instrument == "meter")
    assert meter.why_not == "meter is out of service: it smokes"
    (end,) = plan.campaigns
    assert end.end is None
    assert end.how.startswith("not known: nobody can say when")


def test_the_campaign_of_higher_priority_goes_first_on_the_furnace(tmp_path):
    def urgent(bench: PlannedBench) -> None:
        bench.open("urgent-1", priority=5)
        bench.start("urgent-1", 1, dosed_hours=0.0, temperature_c=700.0)

    with lab_at_furnace(tmp_path, urgent) as lab:
        plan = plan_of(lab, "small-1")

    mine, theirs = _job(plan, "E0003/fire"), _job(plan, "E0001/fire", "urgent-1")
    assert mine.begin is not None
    assert theirs.end is not None
    assert theirs.end <= mine.begin
    assert [one.campaign_id for one in plan.campaigns] == ["urgent-1", "small-1"]


def test_a_paused_campaign_and_one_without_an_engine_say_so(tmp_path):
    def others(bench: PlannedBench) -> None:
        bench.open("left-1", is_driven=False)
        bench.start("left-1", 1, dosed_hours=-0.5)
        bench.open("calm-1")
        bench.start("calm-1", 1, dosed_hours=-0.5)
        bench.add("calm-1", PauseRequested(reason="lunch"), CampaignPaused(reason=""))

    with lab_at_furnace(tmp_path, others) as lab:
        (plan,) = plans(lab)

    left, calm = _job(plan, "E0001/fire", "left-1"), _job(plan, "E0001/fire", "calm-1")
    assert (left.kind, left.why) == ("engine", "no engine drives left-1")
    assert (calm.kind, calm.why) == ("campaign", "the campaign is paused: lunch")
    ends = {one.campaign_id: one.how for one in plan.campaigns}
    assert ends["left-1"] == "not known: no engine drives it"
    assert ends["calm-1"] == "not known: it is paused: lunch"


def test_the_end_follows_from_the_pace_of_the_furnace(tmp_path):
    with lab_at_furnace(tmp_path) as lab:
        (end,) = plan_of(lab).campaigns

    assert end.n_left == 5
    assert end.s_per_experiment == pytest.approx(1800.0, rel=0.05)
    assert end.end is not None
    hours = (end.end - NOW).total_seconds() / 3600.0
    assert 3.0 < hours < 5.0
    assert "max_experiments = 8" in end.how


@pytest.mark.slow
def test_a_search_says_by_how_much_it_is_better(tmp_path):
    with lab_at_furnace(tmp_path) as lab:
        plan = plan_of(lab, search_s=0.2)

    assert plan.search is not None
    assert not plan.search.is_better
    assert plan.search.said == "no better order was found within the time budget"


def test_a_rig_that_nobody_uses_is_refused(tmp_path):
    with lab_at_furnace(tmp_path) as lab, pytest.raises(RequestRefused, match="'moon'.*dice"):
        plans(lab, rig="moon")


def test_an_instrument_that_open_samples_need_no_more_still_makes_the_end_unknown(tmp_path):
    with lab_at_furnace(tmp_path, lambda bench: bench.break_("doser")) as lab:
        (end,) = plan_of(lab).campaigns

    assert end.end is None
    assert end.how.endswith("could not be made: doser is out of service: it smokes")


@pytest.mark.slow
def test_a_better_order_is_told_with_what_it_saves():
    times_min = {"S1": (4, 1), "S2": (1, 9), "S3": (5, 4), "S4": (2, 8), "S5": (6, 2)}
    tasks = {}
    for sample, (first, second) in times_min.items():
        mix, cast = f"{sample}/mix", f"{sample}/cast"
        tasks[mix] = Task(mix, sample, ("mixer",), 60.0 * first)
        tasks[cast] = Task(cast, sample, ("caster",), 60.0 * second, (mix,))
    shop = Shop(tasks, {"mixer": Machine("mixer"), "caster": Machine("caster")})
    in_order = forecast(shop, lambda _: dict.fromkeys(tasks, (0.0,)), patience=0.0)
    outlook = Outlook((), shop, in_order, {}, {})

    better, told = searched(outlook, 0.5)

    assert told.is_better
    assert told.gain_s == pytest.approx(in_order.makespan_s - 60.0 * 25)
    assert better.forecast.makespan_s == pytest.approx(60.0 * 25)
    assert f"{told.gain_s / 60.0:.1f} min earlier" in told.said


def test_a_drawing_holds_no_markup_of_anybody_else(tmp_path):
    with lab_at_furnace(tmp_path) as lab:
        plan = plan_of(lab)
    rows = tuple(row.model_copy(update={"instrument": '<b>&"oven'}) for row in plan.rows)

    drawing = plan_svg(plan.model_copy(update={"rig": '"><script>', "rows": rows}))

    assert "<b>" not in drawing
    assert "<script>" not in drawing
    ElementTree.fromstring(drawing)


def test_campaigns_of_equal_shares_go_half_as_fast_beside_each_other(tmp_path):
    def another(bench: PlannedBench) -> None:
        bench.open("other-1")
        bench.start("other-1", 1)

    with lab_at_furnace(tmp_path, another) as lab:
        ends = {one.campaign_id: one for one in plan_of(lab, "small-1").campaigns}

    assert ends["small-1"].s_per_experiment == pytest.approx(3600.0, rel=0.1)
    assert ends["other-1"].s_per_experiment == ends["small-1"].s_per_experiment

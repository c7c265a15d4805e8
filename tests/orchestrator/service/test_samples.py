"""Where samples are, what was done to them, and what is left, in the middle of a run and after."""

import pytest

from drivers.clock import SystemClock
from orchestrator.core.job import JobStatus
from orchestrator.engine.habits import Watch
from orchestrator.errors import RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.samples import SampleView, Whereabouts, place_boards, sample, samples
from tests.support.dry_runs import CAMPAIGN_ID, DryRun
from tests.support.furnace_bench import furnace_campaign, furnace_rig


class WatchedRun(DryRun):
    """A run in the middle of which somebody looked."""

    views: tuple[SampleView, ...] = ()
    boards: tuple[Whereabouts, ...] = ()


@pytest.fixture(scope="module")
def run() -> WatchedRun:
    """Return a run of three samples that are fired together."""
    found = WatchedRun(
        MemoryLog(), furnace_campaign(max_experiments=3, in_flight=3), furnace_rig(slots=4)
    )
    found.open()

    def look(watch: Watch) -> None:
        fired = [one.jobs["fire"] for one in watch.state.open_experiments.values()]
        if not found.views and any(job.status is JobStatus.STARTED for job in fired):
            lab = lab_of(found)
            found.views = samples(lab, [lab.state(CAMPAIGN_ID)], only_open=True)
            found.boards = place_boards([lab.state(CAMPAIGN_ID)], {"waste": "old-1/E0001"})

    found.drive(on_change=look)
    return found


def lab_of(run: DryRun) -> Lab:
    return Lab(run.log, actor="ada", clock=SystemClock(), source="memory")


def test_in_the_furnace_each_has_its_slot_and_knows_the_others(run: WatchedRun) -> None:
    views, boards = run.views, run.boards

    assert [one.sample for one in views] == [f"{CAMPAIGN_ID}/E000{n}" for n in (1, 2, 3)]
    for number, one in enumerate(views, start=1):
        assert one.standing == "on the bench"
        ((place, slot),) = [(stand.place, stand.slot) for stand in one.stands]
        assert (place, slot) == ("furnace", number)
        (fire,) = one.done
        assert fire.state == "started"
        others = {f"{CAMPAIGN_ID}/E000{n}" for n in (1, 2, 3)} - {one.sample}
        assert set(fire.with_samples) == others
        assert one.left[0].name == "tare"
        assert not one.left[0].is_due
    (furnace,) = [one for one in boards if one.place == "furnace"]
    assert [bool(slot.sample) for slot in furnace.slots] == [True, True, True, False]


def test_afterwards_it_says_where_it_was_and_what_went_in(run: WatchedRun) -> None:
    lab = lab_of(run)
    view = sample(lab, lab.state(CAMPAIGN_ID), "E0002")

    assert view.standing == "measured"
    assert view.stands == ()
    assert [one.place for one in view.stood] == ["furnace", "mixing_vessel", "flow_cell"]
    for stand in view.stood:
        assert stand.until is not None
        assert stand.since < stand.until
    assert view.left == ()
    assert set(view.done[0].with_samples) == {f"{CAMPAIGN_ID}/E0001", f"{CAMPAIGN_ID}/E0003"}
    drawn = {one.stock: one.amount for one in view.went_in}
    assert drawn == pytest.approx(
        {name: 2.0 * float(value) for name, value in view.point.items() if value}, abs=1e-3
    )
    assert {one.unit for one in view.went_in} == {"ml"}


def test_a_sample_that_is_not_there_is_refused_with_the_last_one(run: WatchedRun) -> None:
    lab = lab_of(run)
    with pytest.raises(RequestRefused, match="E0099.*the last one is E0003"):
        sample(lab, lab.state(CAMPAIGN_ID), "E0099")


def test_a_furnace_that_breaks_leaves_lost_samples() -> None:
    broken = DryRun(
        MemoryLog(), furnace_campaign(max_experiments=6), furnace_rig(heater_dies_after_min=40.0)
    )
    broken.open()
    state = broken.drive()

    found = samples(lab_of(broken), [state])
    assert {one.standing for one in found} == {"lost"}
    assert all(one.reason for one in found)

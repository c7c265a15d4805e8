"""Campaigns that run short of stock: nothing is begun that cannot end, and a refill is enough."""

from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import (
    LAB_STREAM,
    CampaignHeld,
    CampaignWentOn,
    ExperimentFailed,
    ExperimentStarted,
    HoldRequested,
    JobStarted,
    StockDiscarded,
    StockReceived,
)
from orchestrator.core.stock import millionths_of
from orchestrator.engine.habits import Watch
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.stock_rows import shelf_in
from tests.support.dry_runs import DryRun, oer_campaign
from tests.support.short_stock import refill, short_rig


def opened(volume_ml: float, *, max_experiments: int = 6) -> DryRun:
    run = DryRun(MemoryLog(), oer_campaign(max_experiments=max_experiments), short_rig(volume_ml))
    run.open()
    return run


def check_sums(run: DryRun) -> None:
    state = run.state()
    for lot in shelf_in(run.log, state.shelf).lots:
        assert min(lot.reserved, lot.consumed, lot.available) >= 0
        assert lot.reserved + lot.consumed + lot.available == lot.amount


def started(run: DryRun) -> list[ExperimentStarted]:
    return [one for one in run.events() if isinstance(one, ExperimentStarted)]


def test_an_engine_says_what_the_rig_file_says_of_stock_nobody_heard_of() -> None:
    run = opened(500.0, max_experiments=1)

    run.drive()
    run.drive()

    records = list(run.log.read(stream=LAB_STREAM))
    received = [one.event for one in records if isinstance(one.event, StockReceived)]
    assert [(one.stock, one.lot, one.amount) for one in received] == [
        (name, "first", 500.0) for name in run.rig.stock
    ]


def test_what_is_drawn_is_what_was_kept_and_nothing_is_left_reserved() -> None:
    run = opened(500.0, max_experiments=2)

    state = run.drive()

    assert state.status is CampaignStatus.FINISHED
    drawn = [one.draws for one in run.events() if isinstance(one, JobStarted) and one.draws]
    kept = [one.reserves for one in started(run)]
    total = dict.fromkeys(run.rig.stock, 0)
    for amounts in drawn:
        for stock, of in amounts.items():
            total[stock] += sum(of.values())
    asked = {name: sum(sum(one.get(name, {}).values()) for one in kept) for name in run.rig.stock}
    lots = {lot.stock: lot for lot in shelf_in(run.log, state.shelf).lots}
    assert total == asked == {name: lot.consumed for name, lot in lots.items()}
    assert not any(lot.reserved for lot in lots.values())
    check_sums(run)


def test_a_campaign_that_runs_short_is_held_and_nothing_is_spoilt() -> None:
    run = opened(2.0)

    state = run.drive()

    assert (state.status, state.lacks) == (CampaignStatus.HELD, "stock")
    assert "cannot start: stock x" in state.status_reason
    assert "ml needed" in state.status_reason
    assert 0 < len(started(run)) < 6
    assert not state.open_experiments
    assert not any(isinstance(one, ExperimentFailed) for one in run.events())
    check_sums(run)


def test_it_goes_on_by_itself_after_the_refill() -> None:
    run = opened(2.0)
    refills: list[CampaignState] = []

    def person(watch: Watch) -> None:
        if watch.state.status is CampaignStatus.HELD:
            refills.append(watch.state)
            refill(run, 100.0, time=run.state().last_time)

    state = run.drive(on_change=person)

    kinds = [type(one) for one in run.events()]
    assert state.status is CampaignStatus.FINISHED
    assert len(refills) == 1
    assert not any(isinstance(one, ExperimentFailed) for one in run.events())
    assert kinds.index(CampaignWentOn) == kinds.index(CampaignHeld) + 1
    assert len(started(run)) == 6
    check_sums(run)


def test_whoever_asks_it_to_wait_resumes_it() -> None:
    run = opened(2.0)
    run.drive()
    run.append(HoldRequested(reason="the fume hood is off"))
    refill(run, 100.0, time=run.state().last_time)

    state = run.drive()

    assert (state.status, state.lacks) == (CampaignStatus.HELD, "")
    assert not any(isinstance(one, CampaignWentOn) for one in run.events())


def test_a_job_whose_lot_was_thrown_away_draws_from_another_or_waits() -> None:
    run = opened(50.0, max_experiments=1)

    def person(watch: Watch) -> None:
        lab_has = shelf_in(run.log, watch.state.shelf)
        is_thrown = any(lot.is_discarded for lot in lab_has.lots)
        if watch.state.open_experiments and not is_thrown:
            events = [
                StockDiscarded(shelf=watch.state.shelf, stock=name, lot="first", reason="cloudy")
                for name in run.rig.stock
            ]
            run.log.append(LAB_STREAM, events, time=watch.now, actor="ada", is_simulated=True)
        elif watch.state.status is CampaignStatus.HELD:
            refill(run, 100.0, time=run.state().last_time)

    state = run.drive(on_change=person)

    held = [one for one in run.events() if isinstance(one, CampaignHeld)]
    draws = [one.draws for one in run.events() if isinstance(one, JobStarted) and one.draws]
    assert "waits: stock" in held[0].reason
    assert state.status is CampaignStatus.FINISHED
    assert {lot for of in draws for lots in of.values() for lot in lots} == {"second"}


def test_two_samples_never_share_what_is_enough_for_one() -> None:
    run = opened(2.0)
    seen: list[int] = []

    def look(watch: Watch) -> None:
        for lot in shelf_in(run.log, watch.state.shelf).lots:
            seen.append(lot.reserved)
            assert lot.reserved + lot.consumed <= millionths_of(2.0)

    run.drive(on_change=look)

    assert any(seen)

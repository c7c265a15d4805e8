"""Dry-runs in the background: two at once, seen from every server, and never taken for living."""

import os
import select
import signal
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from drivers.clock import SystemClock
from orchestrator.errors import RequestRefused
from orchestrator.service.launching import DryRunView, LaunchDesk, RigOffer
from orchestrator.service.launching.rehearsal_views import Rehearsal, RehearsalHome, shown
from tests.support.launching import campaign_source, desk_in, rig_in, settings_in

LONG = 400


def _wait_until(is_so) -> None:
    clock = SystemClock()
    until_s = clock.monotonic_s() + 60.0
    while not is_so():
        assert clock.monotonic_s() < until_s, "it did not come about"
        select.select([], [], [], 0.05)


def _processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or []):
            found.append(process)
    return found


@pytest.fixture
def desk(tmp_path):
    with desk_in(tmp_path) as desk:
        yield desk
        for one in desk.dry_runs():
            desk.cancel_dry_run(one.dry_run_id, by="the test")
    assert _processes_in(tmp_path) == []


def _asked(desk: LaunchDesk, n: int = 2, **more) -> DryRunView:
    kept = desk.keep(campaign_source(n), by="ada")
    return desk.dry_run(kept.file_id, "oer-bench", by="ada", **more)


@pytest.mark.slow
def test_a_dry_run_is_made_to_its_end_with_a_report(desk):
    asked = _asked(desk, 5, seed=3, max_experiments=2)

    _wait_until(lambda: desk.dry_run_view(asked.dry_run_id).is_over)

    view = desk.dry_run_view(asked.dry_run_id)
    assert (view.state, view.message[:8]) == ("done", "finished")
    assert (view.n_done, view.n_wanted, view.by, view.seed) == (2, 2, "ada", 3)
    assert view.hypervolume is not None
    assert {one.objective for one in view.best} == {"overpotential_v", "metal_cost_usd_per_mol"}
    assert view.elapsed_s > 0
    assert "<html" in desk.dry_run_report(asked.dry_run_id).read_text(encoding="utf-8")[:400]
    assert desk.dry_runs() == (view,)


@pytest.mark.slow
def test_two_run_at_once_and_the_third_when_one_of_them_is_cancelled(desk, tmp_path):
    ids = [_asked(desk, LONG, seed=seed).dry_run_id for seed in range(3)]

    def states() -> list[str]:
        return [desk.dry_run_view(one).state for one in ids]

    _wait_until(lambda: states() == ["running", "running", "queued"])
    _wait_until(lambda: desk.dry_run_view(ids[0]).n_done > 0)
    running = desk.dry_run_view(ids[0])
    assert running.n_wanted == LONG
    assert running.left_s is not None
    with pytest.raises(RequestRefused, match="has no report: it is running"):
        desk.dry_run_report(ids[0])

    assert desk.cancel_dry_run(ids[0], by="bob").message == "by bob"
    _wait_until(lambda: states() == ["cancelled", "running", "running"])
    desk.cancel_dry_run(ids[2], by="bob")
    desk.cancel_dry_run(ids[1], by="bob")
    assert states() == ["cancelled"] * 3


@pytest.mark.slow
def test_one_that_was_killed_is_found_dead_and_said_so(desk, tmp_path):
    asked = _asked(desk, LONG)
    _wait_until(lambda: desk.dry_run_view(asked.dry_run_id).n_done > 0)

    for process in _processes_in(tmp_path):
        os.kill(process.pid, signal.SIGKILL)
    _wait_until(lambda: desk.dry_run_view(asked.dry_run_id).is_over)

    view = desk.dry_run_view(asked.dry_run_id)
    assert view.state == "died"
    assert "its process is gone; it says:" in view.message
    assert view.n_done > 0


@pytest.mark.slow
def test_another_server_sees_it_run_cancels_it_and_begins_what_waited(tmp_path):
    first = desk_in(tmp_path)
    ids = [_asked(first, LONG, seed=seed).dry_run_id for seed in range(3)]
    _wait_until(lambda: first.dry_run_view(ids[1]).state == "running")
    first.close()

    with LaunchDesk.open(settings_in(tmp_path), [RigOffer(rig_in(tmp_path))]) as second:
        assert second.dry_run_view(ids[0]).state == "running"
        second.cancel_dry_run(ids[0], by="bob")
        _wait_until(lambda: second.dry_run_view(ids[2]).state == "running")
        for one in ids[1:]:
            second.cancel_dry_run(one, by="bob")
    assert _processes_in(tmp_path) == []


@pytest.mark.slow
def test_one_that_never_begins_says_why(desk, tmp_path):
    asked = _asked(desk, 2)
    _wait_until(lambda: desk.dry_run_view(asked.dry_run_id).is_over)
    text = campaign_source(2).text.replace('basis = "atomic_fraction"', 'basis = "none"')
    kept = desk.keep(campaign_source().model_copy(update={"text": text}), by="ada")

    wrong = desk.dry_run(kept.file_id, "oer-bench", by="ada")
    _wait_until(lambda: desk.dry_run_view(wrong.dry_run_id).is_over)

    view = desk.dry_run_view(wrong.dry_run_id)
    assert view.state == "died"
    assert "space.composition.basis: got 'none'" in view.message
    assert [one.dry_run_id for one in desk.dry_runs()] == [wrong.dry_run_id, asked.dry_run_id]


def test_what_cannot_be_is_refused_at_once(desk):
    kept = desk.keep(campaign_source(), by="ada")

    for more in ({"seed": -1}, {"max_experiments": 0}):
        with pytest.raises(RequestRefused, match="expected a seed of at least 0"):
            desk.dry_run(kept.file_id, "oer-bench", by="ada", **more)
    with pytest.raises(RequestRefused, match="is kept here"):
        desk.dry_run("oer_plate/7", "oer-bench", by="ada")
    with pytest.raises(RequestRefused, match="no dry-run '../starts'"):
        desk.dry_run_view("../starts")


def test_old_ones_are_removed_when_a_server_starts(tmp_path):
    desk_in(tmp_path).close()
    now, root = SystemClock().now(), tmp_path / "lab.db.campaigns/dry-runs"
    for name, age in (("old", timedelta(days=31)), ("young", timedelta(days=29))):
        home = RehearsalHome(root / name)
        home.path.mkdir()
        asked = Rehearsal(
            dry_run_id=name, file_id="a/1", campaign_file="a", rig="r", seed=0,
            max_experiments=None, by="ada", asked_time=now - age,
        )  # fmt: skip
        home.asked.write_text(asked.model_dump_json(), encoding="utf-8")
        home.begun.write_text((now - age).isoformat(), encoding="utf-8")

    with desk_in(tmp_path) as desk:
        assert [one.dry_run_id for one in desk.dry_runs()] == ["young"]
        assert desk.dry_run_view("young").state == "died"
        assert shown(RehearsalHome(root / "young"), now).message.endswith("it says: nothing")

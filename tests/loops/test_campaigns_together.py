"""Three campaigns of one dry-run on one bench: nothing is booked twice, nobody cut off."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.events import (
    AbortRequested,
    CampaignOpened,
    Event,
    ExperimentFailed,
    HoldRequested,
    JobInterrupted,
    JobOutcomeUnknown,
    PauseRequested,
    ResumeRequested,
    StopRequested,
)
from orchestrator.wiring import Progress, RunHandle, RunOptions
from orchestrator.wiring import onlooker as rooms
from tests.support.shared_bench import (
    LIBRARY,
    append,
    double_bookings,
    options_for,
    recorded,
    run_all,
)

pytestmark = pytest.mark.slow

Deed = Callable[[Progress, Sequence[RunHandle]], None]
CUT_OFF = (JobInterrupted, JobOutcomeUnknown)


def _once(
    options: Sequence[RunOptions],
    event: Event,
    *,
    when: Callable[[Progress], bool],
    leaves: bool = False,
) -> Deed:
    """Return what asks something of ``green-1`` as soon as it stands so."""
    done: list[Event] = []

    def deed(progress: Progress, handles: Sequence[RunHandle]) -> None:
        if progress.view.campaign_id == "green-1" and not done and when(progress):
            done.append(event)
            if leaves:
                handles[1].leave_when_paused()
            append(options, progress, event)

    return deed


def _pours(progress: Progress) -> bool:
    return any(job.state == "started" and "pump" in job.instrument for job in progress.view.jobs)


def _is_between_samples(progress: Progress) -> bool:
    counts = progress.view.counts
    return counts.done >= 1 and counts.running == 0


@pytest.fixture
def _shown_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show every change, so that what a deed does does not depend on the machine."""
    monkeypatch.setattr(rooms, "PROGRESS_EVERY_S", 0.0)


def _cut_off_of(options: Sequence[RunOptions], *names: str) -> list[str]:
    streams = {f"campaign/{name}" for name in names}
    return [
        one.event.job_id
        for one in recorded(options)
        if one.stream in streams and isinstance(one.event, CUT_OFF)
    ]


def test_three_campaigns_share_a_bench_and_book_nothing_twice(tmp_path: Path) -> None:
    options = options_for(tmp_path)

    ends = run_all(options)

    records = recorded(options)
    opened = [one.event for one in records if isinstance(one.event, CampaignOpened)]
    assert {end.status for end in ends.values()} == {"finished"}
    assert list(ends) == ["red-1", "green-1", "blue-1"]
    assert {one.shelf for one in opened} == {"dry-run/red-1"}
    assert double_bookings(records) == []
    assert _cut_off_of(options, *ends) == []


def test_the_same_seed_gives_the_same_log(tmp_path: Path) -> None:
    hashes = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        hashes += [end.last_hash for end in run_all(options_for(folder)).values()]

    assert len(set(hashes)) == 1


FAULTS = (
    ("balance", "late", 60),
    ("pump_x1", "lost", 45),
    ("source_meter", "stalled", 80),
    ("pump_x3", "refused", 30),
)


@pytest.mark.parametrize("seed", [0, 1])
def test_faults_of_instruments_cost_samples_and_no_campaign(tmp_path: Path, seed: int) -> None:
    rig = tmp_path / "rig.toml"
    text = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
    for instrument, kind, exchange in FAULTS:
        text += f'\n[[simulation.fault]]\ninstrument = "{instrument}"\nkind = "{kind}"\n'
        text += f"exchange = {exchange}\n"
    rig.write_text(text, encoding="utf-8")
    options = [replace(one, rig_file=rig) for one in options_for(tmp_path, seed=seed)]

    ends = run_all(options)

    records = recorded(options)
    lost = [one for one in records if isinstance(one.event, ExperimentFailed)]
    assert {end.status for end in ends.values()} == {"finished"}
    assert lost
    assert double_bookings(records) == []


@pytest.mark.usefixtures("_shown_always")
@pytest.mark.parametrize("event", [AbortRequested(reason="leak"), StopRequested(reason="enough")])
def test_one_that_is_ended_between_samples_leaves_the_others_alone(
    tmp_path: Path, event: Event
) -> None:
    options = options_for(tmp_path)

    ends = run_all(options, on_progress=_once(options, event, when=_is_between_samples))

    assert ends["green-1"].status in {"aborted", "stopped"}
    assert (ends["red-1"].status, ends["blue-1"].status) == ("finished", "finished")
    assert double_bookings(recorded(options)) == []
    assert _cut_off_of(options, "red-1", "blue-1") == []


@pytest.mark.usefixtures("_shown_always")
def test_one_that_is_aborted_while_it_pours_cuts_nobody_else_off(tmp_path: Path) -> None:
    options = options_for(tmp_path)
    deed = _once(options, AbortRequested(reason="leak"), when=_pours)

    ends = run_all(options, on_progress=deed)

    unclean = ends["red-1"].unclean
    assert ends["green-1"].status == "aborted"
    assert _cut_off_of(options, "red-1", "blue-1") == []
    assert unclean == ("mixing_vessel (green-1/E0001)",)
    assert {ends[name].status for name in ("red-1", "blue-1")} == {"held"}
    assert all("mixing_vessel" in ends[name].reason for name in ("red-1", "blue-1"))


@pytest.mark.usefixtures("_shown_always")
def test_one_that_is_held_and_left_between_samples_lets_the_others_finish(tmp_path: Path) -> None:
    options = options_for(tmp_path)
    deed = _once(options, HoldRequested(reason="look"), when=_is_between_samples, leaves=True)

    ends = run_all(options, on_progress=deed)

    assert [end.status for end in ends.values()] == ["finished", "held", "finished"]
    assert max(end.exit_code for end in ends.values()) == 3
    assert double_bookings(recorded(options)) == []


@pytest.mark.usefixtures("_shown_always")
def test_whoever_waits_for_one_that_was_left_holds_and_all_can_be_resumed(tmp_path: Path) -> None:
    options = options_for(tmp_path)
    deed = _once(options, HoldRequested(reason="look"), when=_pours, leaves=True)

    held = run_all(options, on_progress=deed)
    ends = run_all([replace(one, resume=True) for one in options])

    assert {end.status for end in held.values()} == {"held"}
    assert "no room at mixing_vessel: green-1/E0001" in held["red-1"].reason
    assert {end.status for end in ends.values()} == {"finished"}
    assert double_bookings(recorded(options)) == []


@pytest.mark.usefixtures("_shown_always")
def test_a_pause_holds_up_nobody_elses_time(tmp_path: Path) -> None:
    options = options_for(tmp_path)
    pause = _once(options, PauseRequested(), when=_is_between_samples)
    resumed: list[str] = []

    def deed(progress: Progress, handles: Sequence[RunHandle]) -> None:
        pause(progress, handles)
        waits = [handle for handle in handles if not handle.has_ended]
        is_alone = [handle.campaign_id for handle in waits] == ["green-1"]
        if progress.view.status == "paused" and is_alone and not resumed:
            resumed.append(progress.view.campaign_id)
            append(options, progress, ResumeRequested())

    ends = run_all(options, on_progress=deed)

    assert resumed == ["green-1"]
    assert {end.status for end in ends.values()} == {"finished"}

"""What is drawn while a campaign runs: it fits the terminal, and goes on while the run waits."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from drivers.clock import SystemClock
from orchestrator.cli.interrupts import Interrupts
from orchestrator.cli.onlookers import LiveOnlooker, PlainOnlooker
from orchestrator.cli.screens import campaign_panel, run_panel
from orchestrator.core.events import CampaignHeld, JobSkipped
from orchestrator.core.lab import LabState
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.laboratory_view import laboratory_view
from orchestrator.service.views import CampaignView
from orchestrator.wiring import Progress
from tests.support.recorded_campaign import OPENED, RecordedCampaign

DATABASE = Path("lab.db")
INSTRUMENTS = {f"pump_number_{n}": "measure_current_sweep 12 s" for n in range(9)}


def _view(*, n_experiments: int = 3) -> CampaignView:
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    for _ in range(n_experiments):
        campaign.finish(campaign.start(), 0.4)
    return Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign("small-1")


def _drawn(view: CampaignView, width: int, height: int, **more: object) -> list[str]:
    screen = Console(file=StringIO(), width=width, height=height)
    facts = {"elapsed_s": 5.0, "thinking_s": None, "hint": "Ctrl-C asks for a pause", **more}
    with screen.capture() as capture:
        screen.print(run_panel(view, INSTRUMENTS, width=width, height=height, **facts))
    return capture.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 40), (200, 24)])
def test_a_run_fits_the_terminal_with_every_instrument(width, height):
    lines = _drawn(_view(), width, height)

    assert len(lines) < height
    assert max(len(line) for line in lines) <= width
    assert "Ctrl-C asks for a pause" in lines[-1]
    for name in INSTRUMENTS:
        assert any(name in line for line in lines)


def test_skipped_jobs_are_shown_with_the_reason():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.append(JobSkipped(job_id=f"{campaign.start()}/tare", reason="the vessel is clean"))
    lab = Lab(log, actor="ada", clock=SystemClock(), source="memory")
    screen = Console(file=StringIO(), width=120)

    with screen.capture() as capture:
        screen.print(campaign_panel(lab.campaign("small-1")))

    assert "1 jobs; last E0001/tare: the vessel is clean" in capture.get()
    assert any("skipped: the vessel is clean" in line for line in _drawn(lab.campaign(), 120, 40))


def test_a_run_that_waits_for_its_planner_says_so():
    view = _view()

    assert not any("thinks" in line for line in _drawn(view, 80, 24))
    assert any("thinks, 7 s" in line for line in _drawn(view, 80, 24, thinking_s=7.2))


def test_the_last_table_offers_no_ctrl_c():
    screen = Console(file=StringIO(), width=100, height=40, force_terminal=True)
    onlooker = LiveOnlooker(screen, Interrupts(lambda request: None), DATABASE)
    with onlooker:
        onlooker.show(Progress(_view(), INSTRUMENTS, OPENED))

    last_table = screen.file.getvalue().rsplit("╭", 1)[-1]
    assert "small-1" in last_table
    assert "Ctrl-C" not in last_table


def test_plain_lines_say_of_each_experiment_what_is_its_own(capsys):
    with PlainOnlooker(Interrupts(lambda request: None), DATABASE) as onlooker:
        for n_experiments in (0, 2):
            onlooker.show(Progress(_view(n_experiments=n_experiments), {}, OPENED))

    first, second = capsys.readouterr().out.splitlines()[1:]
    assert first.startswith("E0001 (1/40, ")
    assert "so far" not in first
    assert "so far best" in second


def test_plain_lines_of_a_resumed_campaign_begin_where_it_was_left(capsys):
    with PlainOnlooker(Interrupts(lambda request: None), DATABASE) as onlooker:
        for n_experiments in (2, 3):
            onlooker.show(Progress(_view(n_experiments=n_experiments), {}, OPENED))

    before, third = capsys.readouterr().out.splitlines()[1:]
    assert before.startswith("2 experiments had ended before; so far best 0.4")
    assert third.startswith("E0003 ")


def _held(*, is_waited_for: bool) -> Progress:
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.append(CampaignHeld(reason="the pump smokes"))
    view = Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign("small-1")
    laboratory = laboratory_view(LabState(), None, {})
    return Progress(view, INSTRUMENTS, OPENED, laboratory, is_waited_for=is_waited_for)


def test_a_held_run_that_stays_says_once_what_to_do(capsys):
    with PlainOnlooker(Interrupts(lambda request: None), DATABASE) as onlooker:
        onlooker.show(Progress(_view(n_experiments=0), {}, OPENED))
        for _ in range(3):
            onlooker.show(_held(is_waited_for=True))

    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "small-1 held: the pump smokes",
        "  then go on: athanor resume small-1 --database lab.db",
        "  or end it: athanor stop small-1 --database lab.db",
        "  Ctrl-C leaves the campaign as it is",
    ]


def test_a_held_run_that_leaves_says_what_to_do_at_its_end_only(capsys):
    with PlainOnlooker(Interrupts(lambda request: None), DATABASE) as onlooker:
        onlooker.show(Progress(_view(n_experiments=0), {}, OPENED))
        onlooker.show(_held(is_waited_for=False))

    assert capsys.readouterr().out.splitlines()[1:] == ["small-1 held"]


def test_a_table_of_a_held_run_shows_what_to_do():
    screen = Console(file=StringIO(), width=100, height=40)
    onlooker = LiveOnlooker(screen, Interrupts(lambda request: None), DATABASE)
    with screen.capture() as capture:
        onlooker.show(_held(is_waited_for=True))
        screen.print(onlooker._drawing())

    assert "athanor resume small-1 --database lab.db" in capture.get()
    assert "Ctrl-C leaves the campaign as it is" in capture.get()

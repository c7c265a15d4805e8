"""The supervisor: a killed engine is replaced, one that ends is not."""

import os
import signal
import sys
from pathlib import Path

import pytest

from orchestrator.core.events import PauseRequested, campaign_stream
from orchestrator.landmarks import DIES_AT
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.wiring import RunOptions, prepare, run, supervise

LIBRARY = Path("campaigns/library/oer")


def _options(folder: Path, **more) -> RunOptions:
    campaign, rig = folder / "campaign.toml", folder / "rig.toml"
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    campaign.write_text(text.replace('name = "botorch"', 'name = "sobol"'), encoding="utf-8")
    rig.write_text((LIBRARY / "oer_rig.toml").read_text(encoding="utf-8"), encoding="utf-8")
    how = {"is_dry_run": False, "actor": "tester"} | more
    return RunOptions(campaign, rig, folder / "athanor.db", **how)


def _leave_one_unfinished(folder: Path, **more) -> None:
    options = _options(folder, is_dry_run=True, **more)

    def pause(handle):
        handle.leave_when_paused()
        log = open_sqlite_log(options.database)
        log.append(
            campaign_stream(handle.campaign_id),
            [PauseRequested(reason="test")],
            time=next(iter(log.read())).time,
            actor="tester",
            is_simulated=True,
        )
        log.close()

    run(prepare(options), on_progress=lambda _: None, on_start=pause)


class _Engines:
    """Engines that end as they are told; the options of each are kept."""

    def __init__(self, *programs: str) -> None:
        self.programs = list(programs)
        self.options: list[RunOptions] = []
        self.told: list[str] = []

    def command(self, options: RunOptions) -> list[str]:
        self.options.append(options)
        return [sys.executable, "-c", f"import os, sys\n{self.programs.pop(0)}"]

    def supervised(self, options: RunOptions) -> int:
        return supervise(options, self.command, tell=self.told.append)


def _killed_by(number: signal.Signals) -> str:
    return f"os.kill(os.getpid(), {int(number)})"


@pytest.mark.parametrize("code", [0, 2, 3, 4, 5])
def test_an_exit_code_is_passed_through(tmp_path, code):
    engines = _Engines(f"sys.exit({code})")

    assert engines.supervised(_options(tmp_path)) == code
    assert engines.told == []


def test_an_engine_that_was_killed_before_it_opened_a_campaign_starts_afresh(tmp_path):
    engines = _Engines(_killed_by(signal.SIGKILL), "sys.exit(0)")
    options = _options(tmp_path, new=True)

    assert engines.supervised(options) == 0
    assert engines.options == [options, options]
    assert "SIGKILL" in engines.told[0]


def test_an_engine_that_was_killed_goes_on_with_the_campaign_that_it_opened(tmp_path):
    _leave_one_unfinished(tmp_path)
    engines = _Engines(_killed_by(signal.SIGSEGV), "sys.exit(3)")

    assert engines.supervised(_options(tmp_path, resume=True)) == 3

    again = engines.options[1]
    assert (again.resume, again.new, again.campaign_id) == (True, False, "oer-plate-1")


def test_what_was_unfinished_before_is_not_taken_for_what_was_opened_now(tmp_path):
    _leave_one_unfinished(tmp_path)
    engines = _Engines(_killed_by(signal.SIGKILL), "sys.exit(0)")

    engines.supervised(_options(tmp_path, new=True))

    assert (engines.options[1].new, engines.options[1].resume) == (True, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_engine_that_was_told_to_go_is_not_replaced(tmp_path, number):
    default = f"import signal; signal.signal({int(number)}, signal.SIG_DFL)\n"
    engines = _Engines(default + _killed_by(number))

    assert engines.supervised(_options(tmp_path)) == 128 + number


def test_an_engine_that_is_killed_again_and_again_is_left_alone(tmp_path):
    engines = _Engines(*[_killed_by(signal.SIGKILL)] * 6)

    assert engines.supervised(_options(tmp_path)) == 3
    assert "killed 6 times" in engines.told[-1]


def test_a_signal_is_passed_on_and_no_other_engine_started(tmp_path):
    engines = _Engines(
        "import signal\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        "os.kill(os.getppid(), signal.SIGTERM)\nsignal.pause()"
    )
    before = signal.getsignal(signal.SIGTERM)

    assert engines.supervised(_options(tmp_path)) == 3
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_engine_does_not_die_twice_at_one_landmark(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, DIES_AT, "engine: after it attached")
    dies = f"sys.exit(7) if {DIES_AT!r} not in os.environ else {_killed_by(signal.SIGKILL)}"
    engines = _Engines(dies, dies)

    assert engines.supervised(_options(tmp_path)) == 7

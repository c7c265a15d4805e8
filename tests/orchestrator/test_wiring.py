"""Preparing and running: files that do not fit are refused before anything is written."""

import os
import platform
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from campaigns.errors import CampaignFileError
from drivers.clock import SystemClock
from orchestrator.core.events import EngineAttached, PauseRequested, campaign_stream
from orchestrator.errors import LoadError, RequestRefused, RigFileError
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.wiring import Progress, RunEnd, RunOptions, prepare, run

LIBRARY = Path("campaigns/library/oer")


def _options(folder: Path, *, change=lambda text: text, change_rig=lambda text: text, **more):
    campaign, rig = folder / "campaign.toml", folder / "rig.toml"
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", "max_experiments = 2")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    campaign.write_text(change(text), encoding="utf-8")
    rig_text = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
    rig.write_text(change_rig(rig_text), encoding="utf-8")
    database = folder / "athanor.db"
    how = {"is_dry_run": True, "actor": "tester"} | more
    return RunOptions(campaign, rig, database, **how)


def _run(options: RunOptions, seen: list[Progress] | None = None) -> RunEnd:
    shown = seen if seen is not None else []
    return run(prepare(options), on_progress=shown.append, on_start=lambda _: None)


def test_a_run_opens_a_campaign_and_finishes_it(tmp_path):
    seen: list[Progress] = []

    end = _run(_options(tmp_path), seen)

    assert (end.campaign_id, end.status, end.exit_code) == ("oer-plate-1", "finished", 0)
    assert seen[-1].view.counts.observed == 2
    assert len(end.last_hash) == 64


def test_the_mistakes_of_both_files_come_together(tmp_path):
    options = _options(
        tmp_path,
        change=lambda text: text.replace('direction = "minimise"', 'direction = "down"', 1),
        change_rig=lambda text: text.replace('kind = "tcp"', 'kind = "string"', 1),
    )

    with pytest.raises(LoadError) as caught:
        prepare(options)

    lines = str(caught.value).splitlines()
    assert any("campaign.toml" in line and "direction" in line for line in lines)
    assert any("rig.toml" in line and "kind" in line for line in lines)
    assert not options.database.exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.replace("max_experiments = 2", ""), "stopping"),
        (lambda t: t.partition("[recipe]")[0] + "[stopping]\nmax_experiments = 2\n", "recipe"),
        (
            lambda t: t.replace("[recipe]", '[[constraint]]\nexpression = "x1 + x2 > 2"\n[recipe]'),
            "no feasible point",
        ),
        (lambda t: t.replace('name = "sobol"', 'name = "crystal_ball"'), "crystal_ball"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_file_named(tmp_path, change, expected):
    options = _options(tmp_path, change=change)

    with pytest.raises((CampaignFileError, LoadError), match=r"campaign\.toml") as caught:
        prepare(options)

    assert expected in str(caught.value)
    assert not options.database.exists()


def test_a_rig_without_simulation_cannot_be_pretended(tmp_path):
    def without(text: str) -> str:
        before, _, after = text.partition("[simulation]")
        return before + "[lines" + after.partition("[lines")[2]

    with pytest.raises(RigFileError, match="simulation"):
        prepare(_options(tmp_path, change_rig=without))


def _interrupted(tmp_path, **more) -> RunOptions:
    """Leave a paused campaign behind: somebody asked for a pause before the start."""
    options = _options(tmp_path, **more)

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

    end = run(prepare(options), on_progress=lambda _: None, on_start=pause)
    assert (end.status, end.exit_code) == ("paused", 3)
    return options


def test_an_unfinished_campaign_is_neither_doubled_nor_continued_unasked(tmp_path):
    options = _interrupted(tmp_path)

    with pytest.raises(RequestRefused, match="unfinished"):
        _run(options)

    assert _run(replace(options, resume=True)).status == "finished"


def test_a_resumed_dry_run_goes_on_with_the_bench_that_it_was_opened_with(tmp_path):
    ends = []
    for folder, seed in ((tmp_path / "same", 5), (tmp_path / "unsaid", 0)):
        folder.mkdir()
        options = _interrupted(folder, seed=5)
        ends.append(_run(replace(options, resume=True, seed=seed)))

    assert ends[0].status == "finished"
    assert ends[0].last_hash == ends[1].last_hash


def test_another_campaign_may_be_opened_beside_it(tmp_path):
    options = _interrupted(tmp_path)

    assert _run(replace(options, new=True)).campaign_id == "oer-plate-2"


@pytest.mark.parametrize(
    ("file", "old", "expected"),
    [
        ("campaign.toml", "max_experiments = 2", "is not the file"),
        ("rig.toml", "volume_ml = 500.0", "is not the rig"),
    ],
)
def test_a_campaign_goes_on_only_with_the_files_that_opened_it(tmp_path, file, old, expected):
    options = _interrupted(tmp_path)
    path = tmp_path / file
    path.write_text(path.read_text().replace(old, old.replace("2", "3").replace("500", "400")))

    with pytest.raises(RequestRefused, match=expected):
        _run(replace(options, resume=True))


def test_a_dry_run_is_not_continued_on_the_real_bench(tmp_path):
    options = _interrupted(tmp_path)

    with pytest.raises(RequestRefused, match="dry-run"):
        _run(replace(options, resume=True, is_dry_run=False))


def test_only_simulators_pass_their_seconds_faster(tmp_path):
    with pytest.raises(RequestRefused, match="dry-run takes no time"):
        prepare(_options(tmp_path, speed=10.0))
    with pytest.raises(RequestRefused, match=r"speed: got 10, expected 1.*is_simulated = true"):
        prepare(_options(tmp_path, speed=10.0, is_dry_run=False))

    simulated = _options(
        tmp_path,
        change_rig=lambda text: text.replace("[rig]", "[rig]\nis_simulated = true"),
        speed=10.0,
        is_dry_run=False,
    )

    assert prepare(simulated).rig.header.is_simulated


def test_of_several_unfinished_campaigns_the_named_one_goes_on(tmp_path):
    first = _interrupted(tmp_path)
    _run(replace(first, new=True, is_dry_run=True))
    interrupted_again = replace(first, resume=True, campaign_id="oer-plate-2")

    with pytest.raises(RequestRefused, match="expected exactly one"):
        _run(interrupted_again)

    assert _run(replace(first, resume=True, campaign_id="oer-plate-1")).status == "finished"


def test_a_vessel_that_could_not_be_emptied_is_named_at_the_end(tmp_path):
    fault = '\n[[simulation.fault]]\ninstrument = "pump_transfer"\nkind = "refused"\n'
    faults = "".join(f"{fault}exchange = {n}\n" for n in range(20, 200))

    end = _run(_options(tmp_path, change_rig=lambda text: text + faults))

    assert end.exit_code == 3
    assert end.unclean == ("mixing_vessel (oer-plate-1/E0001)",)
    assert "mixing_vessel" in end.reason


@pytest.mark.parametrize(
    ("pid", "is_refused"), [(os.getpid(), True), (2**22 + 1, False)], ids=["living", "dead"]
)
def test_a_campaign_that_a_living_process_drives_is_left_to_it(tmp_path, pid, is_refused):
    options = _interrupted(tmp_path)
    log = open_sqlite_log(options.database)
    log.append(
        campaign_stream("oer-plate-1"),
        [EngineAttached(epoch=2)],
        time=next(iter(log.read())).time,
        actor="engine",
        is_simulated=True,
    )
    now = SystemClock().now()
    log.beat("engine/oer-plate-1", pid=pid, host=platform.node(), time=now)
    log.close()

    if is_refused:
        with pytest.raises(RequestRefused, match=f"driven by process {pid}"):
            _run(replace(options, resume=True))
    else:
        assert _run(replace(options, resume=True)).status == "finished"


def test_resume_without_anything_unfinished_is_refused(tmp_path):
    with pytest.raises(RequestRefused, match="expected exactly one"):
        _run(_options(tmp_path, resume=True))


def test_resume_and_new_exclude_each_other(tmp_path):
    with pytest.raises(RequestRefused, match="exclude"):
        prepare(_options(tmp_path, resume=True, new=True))


def test_a_plateau_that_could_never_be_seen_is_refused(tmp_path):
    def change(text: str) -> str:
        text = text.replace("threshold = 20.0", "")
        plateau = "plateau = { n_experiments = 5, min_gain = 0.001 }"
        return text.replace("[stopping]", f"[stopping]\n{plateau}")

    with pytest.raises(CampaignFileError, match=r"stopping\.plateau.*threshold"):
        prepare(_options(tmp_path, change=change))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_shall_go_stops_its_instruments_first(tmp_path, number, caplog):
    signals = [number]

    def kill_when_busy(progress: Progress) -> None:
        is_busy = any(text.startswith("transfer") for text in progress.instruments.values())
        if is_busy and signals:
            signals.clear()
            os.kill(os.getpid(), number)

    options = _options(
        tmp_path, change=lambda text: text.replace("max_experiments = 2", "max_experiments = 40")
    )

    end = run(prepare(options), on_progress=kill_when_busy, on_start=lambda _: None)

    assert (end.status, end.exit_code) == ("running", 3)
    assert f"{number.name}: stopping the instruments" in caplog.text
    assert "could not be made safe" not in caplog.text


def test_a_terminal_that_is_gone_ends_no_campaign(tmp_path):
    def broken(_progress: Progress) -> None:
        raise BrokenPipeError

    end = run(prepare(_options(tmp_path)), on_progress=broken, on_start=lambda _: None)

    assert end.status == "finished"

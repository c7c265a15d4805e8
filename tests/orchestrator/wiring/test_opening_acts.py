"""A campaign is opened once under the key of an act, however often and by whomever it is tried."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import ActRepeated, RequestRefused
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.wiring import RunOptions, prepare
from orchestrator.wiring.opening import open_campaign
from orchestrator.wiring.supervision import _as_restarted
from tests.support.launching import campaign_text, rig_in


def _options(folder: Path, **more) -> RunOptions:
    campaign = folder / "campaign.toml"
    campaign.write_text(campaign_text(), encoding="utf-8")
    how = {"is_dry_run": True, "actor": "ada", "act_key": "key-0001", "act_request": "f" * 64}
    return RunOptions(campaign, rig_in(folder), folder / "lab.db", **(how | more))


@pytest.fixture
def log(tmp_path):
    with closing(open_sqlite_log(tmp_path / "lab.db")) as log:
        yield log


def test_the_key_of_the_act_is_kept_with_the_opening(log, tmp_path):
    campaign_id = open_campaign(log, prepare(_options(tmp_path)))

    kept = log.kept_act("key-0001")
    (opened,) = log.read(after_seq=kept.seq - 1, limit=1)
    assert (campaign_id, opened.event.campaign_id) == ("oer-plate-1", "oer-plate-1")
    assert (kept.actor, kept.request, opened.actor) == ("ada", "f" * 64, "ada")


def test_the_same_act_opens_no_second_campaign(log, tmp_path):
    options = _options(tmp_path, new=True)
    open_campaign(log, prepare(options))

    with pytest.raises(ActRepeated):
        open_campaign(log, prepare(options))
    assert log.last_seq() == 1


def test_a_campaign_opened_by_another_process_meanwhile_is_found_by_a_second_look(tmp_path):
    class OpenedMeanwhile(SqliteLog):
        """Another process opens a campaign of the same name after this one has looked."""

        meanwhile = None

        def append(self, *arguments, **options):
            if self.meanwhile is not None:
                open_it, self.meanwhile = self.meanwhile, None
                open_it()
            return super().append(*arguments, **options)

    with closing(open_sqlite_log(tmp_path / "lab.db")) as others:
        log = OpenedMeanwhile(tmp_path / "lab.db", 1.0)
        log.open(must_exist=True)
        other = prepare(_options(tmp_path, act_key="key-0002"))

        log.meanwhile = lambda: open_campaign(others, other)
        with pytest.raises(RequestRefused, match="oer-plate-1 is unfinished"):
            open_campaign(log, prepare(_options(tmp_path)))
        another = replace(other.options, act_key="key-0003", new=True)
        log.meanwhile = lambda: open_campaign(others, prepare(another))
        assert open_campaign(log, prepare(_options(tmp_path, new=True))) == "oer-plate-3"
        log.close()


def test_taking_a_campaign_over_keeps_the_key_once(log, tmp_path):
    open_campaign(log, prepare(_options(tmp_path)))
    again = _options(tmp_path, resume=True, act_key="key-0002")

    assert open_campaign(log, prepare(again)) == "oer-plate-1"
    assert log.kept_act("key-0002") is not None
    with pytest.raises(ActRepeated):
        open_campaign(log, prepare(again))


def test_an_engine_that_is_started_after_a_kill_does_not_do_the_act_again(log, tmp_path):
    options = _options(tmp_path, is_dry_run=False)
    assert _as_restarted(options, frozenset()) == options

    open_campaign(log, prepare(replace(options, is_dry_run=True)))
    restarted = _as_restarted(options, frozenset())

    assert (restarted.act, restarted.resume, restarted.campaign_id) == (None, True, "oer-plate-1")


def test_a_dry_run_may_end_earlier_than_the_file_says_and_never_later(tmp_path):
    def n_of(most: int | None) -> int | None:
        prepared = prepare(_options(tmp_path, max_experiments=most))
        return prepared.campaign.stopping.max_experiments

    assert [n_of(None), n_of(1), n_of(50)] == [2, 1, 2]
    with pytest.raises(RequestRefused, match="expected a dry-run"):
        prepare(_options(tmp_path, is_dry_run=False, max_experiments=1))

"""One log for many threads: nobody waits for another's campaign, and all see the same."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

from orchestrator.core.events import (
    ExperimentFinished,
)
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import recovered_state
from tests.support.recorded_campaign import CAMPAIGN_ID, RecordedCampaign, record_campaign
from tests.support.shown_whole import assert_shows_the_whole, live_on


def test_a_campaign_that_is_long_in_folding_keeps_no_other_page_waiting():
    began, goes_on = Flag(), Flag()
    log = MemoryLog()
    record_campaign(log)
    record_campaign(log, "other-1")
    read = log.read

    def slowly(**asked):
        if asked.get("stream") == f"campaign/{CAMPAIGN_ID}":
            began.set()
            goes_on.wait(60.0)
        return read(**asked)

    log.read = slowly
    live = live_on(log)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(live.campaign, CAMPAIGN_ID)
        began.wait(60.0)
        assert live.laboratory().is_quiet
        assert live.campaign("other-1").counts.done == 11
        assert len(live.campaigns()) == 2
        assert live.refresh() == log.last_seq()
        assert not slow.done()
        goes_on.set()
        assert slow.result().counts.done == 11


def test_many_threads_see_the_same():
    log = MemoryLog()
    record_campaign(log)
    live = live_on(log)
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda n: live.experiments(limit=5 + n % 2), range(64)))

    assert {page.n_all for page in pages} == {12}
    assert_shows_the_whole(live, log)


class LaggingLog(MemoryLog):
    """Gives a campaign's records as if somebody appended between two looks at the log."""

    hidden_after: int | None = None

    def read(self, **asked):
        for record in super().read(**asked):
            if self.hidden_after is None or record.seq <= self.hidden_after:
                yield record


def test_jobs_that_were_read_before_their_records_are_read_again():
    log = LaggingLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    log.hidden_after = log.last_seq()
    name = campaign.start()
    campaign.do_jobs(name, "tare")
    live = live_on(log)
    assert [job.state for job in live.experiment(name).jobs] == ["done", "queued", "queued"]

    log.hidden_after = None
    campaign.do_jobs(name, "dose", "sweep")
    campaign.append(ExperimentFinished(experiment_id=name))

    assert [job.state for job in live.experiment(name).jobs] == ["done", "done", "done"]
    assert_shows_the_whole(live, log)


def test_what_took_long_to_fold_is_kept_for_the_next_process(monkeypatch):
    monkeypatch.setattr("orchestrator.service.live_campaign._WORTH_KEEPING", 50)
    log = MemoryLog()
    record_campaign(log)

    live_on(log).campaign()

    found = recovered_state(log, CAMPAIGN_ID)
    assert found.kept_version == found.state.version
    assert_shows_the_whole(live_on(log), log)

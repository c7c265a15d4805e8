"""What is left out for who looks four times a second, and what is not."""

from datetime import UTC, datetime

from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import recovered_state
from orchestrator.service.campaign_view import campaign_view
from orchestrator.service.engine_views import engine_view
from tests.support.recorded_campaign import CAMPAIGN_ID, record_campaign

NOW = datetime(2026, 1, 3, tzinfo=UTC)


def test_old_experiments_are_left_out_unless_they_are_on_the_front():
    log = MemoryLog()
    campaign = record_campaign(log, n=20, ends=False)
    campaign.leave_in_doubt(campaign.start())
    found = recovered_state(log, CAMPAIGN_ID)
    assert found is not None
    engine = engine_view(epoch=1, is_attached=True, heartbeat=None, real_now=NOW, is_alive=True)

    whole, brief = (
        campaign_view(found.state, engine=engine, now=NOW, last_hash="0", n_left_out=n)
        for n in (0, 15)
    )

    last = [one.experiment_id for one in found.state.closed_experiments[15:]]
    expected = {*last, *whole.front, *found.state.open_experiments}
    assert {one.experiment_id for one in brief.experiments} == expected
    assert len(expected) < len(whole.experiments)
    assert {job.experiment_id for job in brief.jobs} <= expected
    assert whole.hypervolume == whole.hypervolume_series[-1].hypervolume > 0
    left_out = {"experiments": (), "jobs": (), "hypervolume_series": ()}
    assert brief.model_copy(update=left_out) == whole.model_copy(update=left_out)

"""What the tables of the stock say of a cleaning that was skipped."""

from orchestrator.core.events import LAB_STREAM, JobSkipped, StockReceived
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.stock_rows import shelf_in
from tests.support.recorded_events import CAMPAIGN_ID, STREAM, append, opened, started

SHELF = "a shelf"


def test_a_skipped_job_gives_its_reservation_back_and_draws_nothing() -> None:
    log = MemoryLog()
    came = StockReceived(shelf=SHELF, stock="water", lot="first", amount=2.0, unit="ml")
    append(log, came, stream=LAB_STREAM)
    append(log, opened().model_copy(update={"shelf": SHELF}), stream=STREAM)
    reserves = {"water": {"first": 1_500_000}}
    append(log, started().model_copy(update={"reserves": reserves}), stream=STREAM)

    skipped = JobSkipped(job_id="E0001/tare", reason="clean", spares={"water": 1_000_000})
    append(log, skipped, stream=STREAM)

    (lot,) = shelf_in(log, SHELF).lots
    assert (lot.reserved, lot.consumed, lot.available) == (500_000, 0, 1_500_000)
    assert shelf_in(log, SHELF, CAMPAIGN_ID).own == {"E0001": {"water": {"first": 500_000}}}

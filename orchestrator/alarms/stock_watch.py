"""Which stock runs out so soon that a person must know."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from orchestrator.core.campaign import CampaignState
from orchestrator.core.stock_forecast import StockForecast, forecasts
from orchestrator.log.event_log import EventLog
from orchestrator.log.stock_rows import shelf_in

__all__ = ["short_stock"]


def short_stock(
    log: EventLog,
    shelf: str,
    warn_hours: Mapping[str, float],
    campaigns: Iterable[CampaignState],
    now: datetime,
) -> tuple[StockForecast, ...]:
    """Return what runs out sooner than a person must know it, by name.

    Args:
        log: Says what stands on the shelf.
        shelf: Which.
        warn_hours: By stock, how long before it runs out a person is told, in hours.
        campaigns: All that have not ended; those of other shelves take nothing of this one.
        now: The present time.

    Raises:
        LogError: The log cannot be read.
    """
    takers = [one for one in campaigns if one.shelf == shelf]
    if not takers or not warn_hours:
        return ()
    return tuple(
        one
        for one in forecasts(shelf_in(log, shelf), takers, now)
        if one.hours_left is not None and one.hours_left < warn_hours.get(one.stock, 0.0)
    )

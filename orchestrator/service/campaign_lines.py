"""A campaign as one line of a list, from its row in the log's table."""

from collections.abc import Callable, Mapping
from datetime import datetime

from orchestrator.core.campaign import CampaignStatus
from orchestrator.errors import LogError
from orchestrator.service.engine_views import shown_state
from orchestrator.service.views import CampaignLine, EngineView

__all__ = ["campaign_line"]


def campaign_line(
    row: Mapping[str, object], engine_for: Callable[[str], EngineView], source: str
) -> CampaignLine:
    """Return a campaign as one line.

    Args:
        row: Of the log's ``campaign`` table.
        engine_for: Tells the engine of a campaign by its id; asked for unfinished ones only.
        source: What the log is called in messages.

    Raises:
        LogError: The row has no opening time.
    """
    status = CampaignStatus(str(row["state"]))
    n_in_doubt = _number(row["n_in_doubt"])
    campaign_id = str(row["campaign_id"])
    state = str(status)
    if not status.has_ended:
        state = shown_state(status, engine_for(campaign_id), n_in_doubt)
    opened = row["opened_time"]
    if not isinstance(opened, datetime):
        raise LogError(f"{source}: campaign {campaign_id} has no opening time")
    return CampaignLine(
        campaign_id=campaign_id,
        name=str(row["name"]),
        state=state,
        is_simulated=bool(row["is_simulated"]),
        opened_time=opened,
        n_started=_number(row["n_experiments_started"]),
        n_observed=_number(row["n_observed"]),
        n_failed=_number(row["n_failed"]),
        n_in_doubt=n_in_doubt,
    )


def _number(cell: object) -> int:
    return int(str(cell))

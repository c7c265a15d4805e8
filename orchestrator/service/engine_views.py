"""What is known of a campaign's engine, and the one word that a person should read."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from orchestrator.alarms.signs_of_life import engine_name, is_alive
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.log.side_tables import Heartbeat
from orchestrator.service.views import EngineState, EngineView

__all__ = ["engine_of", "engine_view", "shown_state"]

_NEEDS_ENGINE: Final = frozenset(
    {
        CampaignStatus.RUNNING,
        CampaignStatus.PAUSING,
        CampaignStatus.HOLDING,
        CampaignStatus.STOPPING,
        CampaignStatus.ABORTING,
    }
)


def engine_view(
    *,
    epoch: int,
    is_attached: bool,
    heartbeat: Heartbeat | None,
    real_now: datetime,
    is_alive: bool,
) -> EngineView:
    """Return what is known of a campaign's engine.

    Args:
        epoch: Of the last engine that took the campaign; 0 if none did.
        is_attached: Whether it did not let go.
        heartbeat: Its last sign of life.
        real_now: The wall clock's time, whatever the bench's clock says.
        is_alive: Whether the heartbeat's engine is still there.
    """
    age_s = None
    if heartbeat is not None:
        age_s = max(0.0, (real_now - heartbeat.real_time).total_seconds())
    if not is_attached:
        state = EngineState.DETACHED
    elif is_alive:
        state = EngineState.ALIVE
    else:
        state = EngineState.SILENT
    return EngineView(
        state=state,
        epoch=epoch,
        heartbeat_age_s=age_s,
        pid=heartbeat.pid if heartbeat is not None else None,
        host=heartbeat.host if heartbeat is not None else "",
    )


def engine_of(
    state: CampaignState, heartbeats: Iterable[Heartbeat], real_now: datetime
) -> EngineView:
    """Return what is known of a campaign's engine from the last signs of life of everyone.

    Args:
        state: The campaign.
        heartbeats: Of everyone.
        real_now: The wall clock's time.
    """
    beats = {beat.name: beat for beat in heartbeats}
    beat = beats.get(engine_name(state.campaign_id))
    return engine_view(
        epoch=state.epoch,
        is_attached=state.is_attached,
        heartbeat=beat,
        real_now=real_now,
        is_alive=beat is not None
        and is_alive(beat, real_now=real_now, is_simulated=state.is_simulated),
    )


def shown_state(status: CampaignStatus, engine: EngineView, n_in_doubt: int) -> str:
    """Return the one word that a person should read.

    A campaign that should go on is never called running without a living engine.
    """
    if status in _NEEDS_ENGINE and engine.state is not EngineState.ALIVE:
        return "unattended"
    if status is CampaignStatus.PAUSED and n_in_doubt:
        return "held"
    return str(status)

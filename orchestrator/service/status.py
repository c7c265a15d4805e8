"""A campaign in a few facts, in the form in which scripts read them."""

from orchestrator.service.alarms import AlarmCounts
from orchestrator.service.views import CampaignView

__all__ = ["status_facts"]


def status_facts(view: CampaignView, alarms: AlarmCounts) -> dict[str, object]:
    """Return the facts of ``athanor status --json``.

    The keys `campaign`, `state`, `experiments`, `in_doubt`, `best` and `hypervolume` stay as they
    are from version to version.

    Args:
        view: The campaign.
        alarms: How many alarms the laboratory has.
    """
    return {
        "campaign": view.campaign_id,
        "name": view.name,
        "state": view.state,
        "status": view.status,
        "reason": view.status_reason,
        "is_simulated": view.is_simulated,
        "experiments": view.counts.model_dump(mode="json"),
        "in_doubt": [doubt.model_dump(mode="json") for doubt in view.in_doubt],
        "best": {
            best.objective: {
                "value": best.value,
                "sd": best.sd,
                "experiment": best.experiment_id,
                "direction": best.direction,
            }
            for best in view.best
        },
        "front": list(view.front),
        "hypervolume": view.hypervolume,
        "reference_point": view.reference_point,
        "limits": {
            limit.name: {"used": limit.used, "limit": limit.limit, "left": limit.left}
            for limit in view.limits
        },
        "alarms": alarms.model_dump(mode="json"),
        "engine": view.engine.model_dump(mode="json"),
        "seed": view.seed,
        "opened_time": view.opened_time.isoformat(),
        "last_time": view.last_time.isoformat(),
        "last_hash": view.last_hash,
    }

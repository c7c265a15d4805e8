"""A campaign in a few facts, in the form in which scripts read them."""

from datetime import datetime

from orchestrator.service.alarms import AlarmCounts
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.views import CampaignView

__all__ = ["needs_person", "status_facts"]


def needs_person(view: CampaignView, laboratory: LaboratoryView) -> bool:
    """Tell whether a campaign will not go on before somebody does something.

    Args:
        view: The campaign.
        laboratory: The laboratory that it works in.
    """
    if view.has_ended:
        return False
    waits = view.state in ("held", "paused", "unattended")
    in_doubt = any(doubt.needs_person for doubt in view.in_doubt)
    return waits or in_doubt or bool(laboratory.latch or laboratory.tripped or laboratory.unsafe)


def status_facts(
    view: CampaignView, alarms: AlarmCounts, laboratory: LaboratoryView, now: datetime
) -> dict[str, object]:
    """Return the facts of ``athanor status --json``.

    The keys `campaign`, `state`, `experiments`, `in_doubt`, `best` and `hypervolume` stay as they
    are from version to version. The age of a station that has just answered is 0.

    Args:
        view: The campaign.
        alarms: How many alarms the laboratory has.
        laboratory: The laboratory that it works in.
        now: On the bench's own clock.
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
                **({} if best.deviation is None else {"deviation": best.deviation}),
            }
            for best in view.best
        },
        "skipped_jobs": _skipped_jobs(view),
        "front": list(view.front),
        "trade_off": view.best_trade_off and view.best_trade_off.model_dump(mode="json"),
        "hypervolume": view.hypervolume,
        "is_hypervolume_exact": view.is_hypervolume_exact,
        "reference_point": view.reference_point,
        "limits": {
            limit.name: {"used": limit.used, "limit": limit.limit, "left": limit.left}
            for limit in view.limits
        },
        "alarms": alarms.model_dump(mode="json"),
        "engine": view.engine.model_dump(mode="json"),
        "needs_person": needs_person(view, laboratory),
        "laboratory": laboratory.model_dump(mode="json"),
        "ages_s": {
            "campaign": (now - view.last_time).total_seconds(),
            "engine": view.engine.heartbeat_age_s,
            "laboratory": _age_s(laboratory.last_time, now),
            "station": 0.0 if any(one.is_answering for one in laboratory.signs) else None,
        },
        "seed": view.seed,
        "opened_time": view.opened_time.isoformat(),
        "last_time": view.last_time.isoformat(),
        "last_hash": view.last_hash,
    }


def _skipped_jobs(view: CampaignView) -> dict[str, str]:
    """Return why jobs were not necessary, by id."""
    skipped = (job for job in view.jobs if job.state == "skipped")
    return {f"{job.experiment_id}/{job.name}": job.note for job in skipped}


def _age_s(time: datetime | None, now: datetime) -> float | None:
    return None if time is None else (now - time).total_seconds()

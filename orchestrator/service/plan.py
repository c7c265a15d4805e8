"""The expected course of a rig, read from the log: what runs when, what waits and why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.core.campaign import CampaignState
from orchestrator.core.contamination import PlaceRecord
from orchestrator.core.outlook import OnRig, Outlook, outlook_of
from orchestrator.core.stock import LotAmounts, Lots
from orchestrator.core.supply import Supply
from orchestrator.errors import RequestRefused
from orchestrator.log.stock_rows import shelf_of_rows
from orchestrator.service.lab import Lab
from orchestrator.service.lab_health_jobs import BenchTime, bench_time
from orchestrator.service.plan_ends import end_views
from orchestrator.service.plan_jobs import bars_of, job_views
from orchestrator.service.plan_search import searched
from orchestrator.service.plan_view import PlannedJobView, PlanRow, PlanView
from orchestrator.service.views import EngineState

__all__ = ["plan_of", "plans", "waits_of"]

_Bench = tuple[str, bool, str]
_ENDED = frozenset({"stopped", "aborted", "finished"})


def plans(lab: Lab, *, rig: str = "", search_s: float = 0.0) -> tuple[PlanView, ...]:
    """Return the expected course of every rig that has unfinished campaigns.

    Args:
        lab: Whose log is read.
        rig: Only rigs of this name; empty: all.
        search_s: For how long at most a better order is looked for, in seconds; 0: not at all.

    Raises:
        RequestRefused: No unfinished campaign uses a rig of that name.
    """
    benches: dict[_Bench, list[CampaignState]] = {}
    for state in lab.unfinished():
        if rig in ("", state.rig_name):
            benches.setdefault(_bench_of(state), []).append(state)
    if rig and not benches:
        known = sorted({state.rig_name for state in lab.unfinished()})
        names = ", ".join(known) or "none: no campaign is unfinished"
        raise RequestRefused(f"rig: got {rig!r}, expected one of {names}")
    return tuple(_plan(lab, states, search_s=search_s) for _, states in sorted(benches.items()))


def plan_of(lab: Lab, campaign_id: str | None = None, *, search_s: float = 0.0) -> PlanView:
    """Return the expected course of the rig that a campaign uses.

    Args:
        lab: Whose log is read.
        campaign_id: Which; None is the only unfinished one, or else the one last written to.
        search_s: For how long at most a better order is looked for, in seconds; 0: not at all.

    Raises:
        RequestRefused: There is no such campaign, or it has ended.
    """
    own = lab.state(campaign_id)
    if own.status.has_ended:
        raise RequestRefused(f"{own.campaign_id} is {own.status}: nothing of it is to come")
    states = [state for state in lab.unfinished() if _bench_of(state) == _bench_of(own)]
    return _plan(lab, states, search_s=search_s)


def waits_of(lab: Lab, campaign_id: str) -> tuple[PlannedJobView, ...]:
    """Return the waiting jobs of one campaign with their reasons; none of one that has ended.

    Args:
        lab: Whose log is read.
        campaign_id: Which.

    Raises:
        RequestRefused: There is no such campaign.
    """
    if lab.state(campaign_id).status.has_ended:
        return ()
    return tuple(job for job in plan_of(lab, campaign_id).waiting if job.campaign_id == campaign_id)


def _plan(lab: Lab, states: Sequence[CampaignState], *, search_s: float = 0.0) -> PlanView:
    states = sorted(states, key=lambda state: (-state.priority, state.campaign_id))
    times = [bench_time(state, lab.now()) for state in states]
    bench = max(times, key=lambda time: time.now)
    past = _past(lab, states)
    everyone = [_on_rig(lab, state, past) for state in states]
    outlook = outlook_of(everyone, lab.laboratory(), bench.now)
    search = None
    if search_s > 0:
        outlook, search = searched(outlook, search_s)
    driven = frozenset(one.state.campaign_id for one in everyone if one.is_driven)
    jobs = job_views(outlook, driven, bench.now)
    ends = end_views(everyone, lab.laboratory(), outlook, bench.now)
    return PlanView(
        rig=states[0].rig_name,
        is_virtual=bench.is_virtual,
        now=bench.now,
        start=min((job.begin for job in jobs if job.begin is not None), default=bench.now),
        end=bench.now + timedelta(seconds=_foreseen_s(outlook)),
        foreseen_s=_foreseen_s(outlook),
        campaigns=ends,
        rows=_rows(lab, jobs, outlook, bench),
        jobs=jobs,
        search=search,
    )


def _foreseen_s(outlook: Outlook) -> float:
    running = max(outlook.shop.running.values(), default=0.0)
    return max(outlook.forecast.makespan_s, running)


def _rows(
    lab: Lab, jobs: Sequence[PlannedJobView], outlook: Outlook, bench: BenchTime
) -> tuple[PlanRow, ...]:
    """Return one row an instrument, with how busy it is from now to the end."""
    bars, foreseen_s = bars_of(jobs), _foreseen_s(outlook)
    names = sorted({job.instrument for job in jobs})
    busy_s = {
        name: sum(
            max(0.0, (bar.end - max(bar.begin, bench.now)).total_seconds())
            for bar in bars.get(name, ())
            if bar.state in ("running", "planned")
        )
        for name in names
    }
    most_s = max(busy_s.values(), default=0.0)
    laboratory = lab.laboratory()
    return tuple(
        PlanRow(
            instrument=name,
            bars=bars.get(name, ()),
            busy_fraction=min(1.0, busy_s[name] / foreseen_s) if foreseen_s else None,
            is_bottleneck=bool(most_s) and busy_s[name] == most_s,
            why_not=laboratory.why_unusable(name),
        )
        for name in names
    )


def _on_rig(
    lab: Lab,
    state: CampaignState,
    past: Mapping[str, tuple[datetime, Mapping[str, PlaceRecord]]],
) -> OnRig:
    return OnRig(
        state=state,
        is_driven=lab.engine(state.campaign_id).state is EngineState.ALIVE,
        supply=Supply(shelf=_shelf(lab, state)),
        past={name: places for name, (time, places) in past.items() if time >= state.opened_time},
    )


def _past(
    lab: Lab, states: Sequence[CampaignState]
) -> dict[str, tuple[datetime, Mapping[str, PlaceRecord]]]:
    """Return what ended campaigns left at places while one of these was open, and until when."""
    since = min(state.opened_time for state in states)
    found = {}
    for row in lab.rows("campaign", {}):
        last_time = row["last_time"]
        if not isinstance(last_time, datetime) or last_time < since:
            continue
        if str(row["state"]) not in _ENDED:
            continue
        ended = lab.state(str(row["campaign_id"]))
        if _bench_of(ended) == _bench_of(states[0]):
            found[ended.campaign_id] = ended.last_time, ended.places
    return found


def _shelf(lab: Lab, state: CampaignState) -> Lots:
    """Return what stands on a campaign's shelf, with what is kept for its samples."""
    lots = shelf_of_rows(lab.rows("stock_lot", {"shelf": state.shelf}), state.shelf)
    where = {"campaign_id": state.campaign_id, "is_open": 1}
    own: dict[str, LotAmounts] = {}
    for row in lab.rows("stock_holding", where):
        reserved = row["reserved"]
        own[str(row["experiment_id"])] = reserved if isinstance(reserved, dict) else {}
    return replace(lots, own=own)


def _bench_of(state: CampaignState) -> _Bench:
    """Return what campaigns of one bench share; a dry-run pretends one anew, with a shelf."""
    return state.rig_name, state.is_simulated, state.shelf

"""When the campaigns of a rig should end, and how that was estimated; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.equals import why_none_usable
from orchestrator.core.lab import LabState
from orchestrator.core.outlook import OnRig, Outlook, is_going_on, joint_forecast, pace_shop
from orchestrator.service.plan_view import EndView

__all__ = ["end_views"]

_MOST_TASKS: Final = 2000
"""With more pretended jobs no pace is worked out."""
_FEWEST: Final = 8
_MOST_AHEAD_S: Final = 3.0e8
"""Ten years: what would end later has no end that is worth telling."""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How one campaign's samples would go, one like the last one after another."""

    s_per_experiment: float
    alone_s: float
    """How long one sample is on the bench at least."""


def end_views(
    everyone: Sequence[OnRig], lab: LabState, outlook: Outlook, now: datetime
) -> tuple[EndView, ...]:
    """Return when each campaign should end.

    Args:
        everyone: The rig's unfinished campaigns.
        lab: The laboratory.
        outlook: How their open samples are expected to go.
        now: The present time on the rig's clock.
    """
    paces = _paces(everyone, lab, now)
    ends = []
    for one in everyone:
        pace = paces.get(one.state.campaign_id)
        unknown = _why_unknown(one, outlook, pace) or (_why_no_pace(one, lab) if not pace else "")
        ends.append(_end(one, outlook, pace, unknown, now))
    return tuple(ends)


def _paces(everyone: Sequence[OnRig], lab: LabState, now: datetime) -> Mapping[str, _Pace]:
    """Return how fast each campaign goes beside those of no lower priority, by id.

    All of them are taken to make samples like their last one, and to have what they are due by
    their shares.
    """
    going = [one for one in everyone if is_going_on(one)]
    found: dict[str, _Pace] = {}
    for one in going:
        peers = [peer for peer in going if peer.state.priority >= one.state.priority]
        pace = _pace(one, peers, lab, now)
        if pace is not None:
            found[one.state.campaign_id] = pace
    return found


def _pace(one: OnRig, peers: Sequence[OnRig], lab: LabState, now: datetime) -> _Pace | None:
    """Return the pace from when samples are done, the later half against the earlier."""
    capacity = max((n for peer in peers for n in peer.state.capacities.values()), default=1)
    shop = pace_shop(peers, lab, now, max(_FEWEST, 2 * capacity))
    if not shop.tasks or len(shop.tasks) > _MOST_TASKS:
        return None
    foreseen = joint_forecast(shop, {})
    own = f"{one.state.campaign_id}/"
    needs_s = [
        task.duration_s + shop.tails_s[key]
        for key, task in shop.tasks.items()
        if key.startswith(own)
    ]
    if foreseen.left or not needs_s:
        return None
    done_s: dict[str, float] = {}
    for start in foreseen.starts:
        for key in start.keys:
            sample = shop.tasks[key].sample
            done_s[sample] = max(done_s.get(sample, 0.0), start.end_s)
    ends_s = sorted(done_s.values())
    half = len(ends_s) // 2
    each_s = (sum(ends_s[-half:]) - sum(ends_s[:half])) / half / (len(ends_s) - half)
    each_s = max(each_s, _held_s([peer.state for peer in peers]))
    shares = {sample.partition("/")[0] for sample in done_s}
    total = sum(peer.state.share for peer in peers if peer.state.campaign_id in shares)
    recipe = one.state.spec.recipe
    in_flight = recipe.in_flight if recipe is not None else 1
    by_rig_s = each_s * total / one.state.share
    return _Pace(max(by_rig_s, max(needs_s) / in_flight), max(needs_s))


def _held_s(states: Sequence[CampaignState]) -> float:
    """Return how long the busiest place is taken for a sample, by each campaign's last one.

    A place is taken from the first job that uses it until the last one has ended.
    """
    held_s: dict[str, float] = {}
    last = [
        max(state.open_experiments.values(), key=lambda one: one.number)
        for state in states
        if state.open_experiments
    ]
    slots = {place: n for state in states for place, n in state.slots.items()}
    for experiment in last:
        jobs = [job.planned for job in experiment.jobs.values()]
        for place in {place for job in jobs for place in job.positions}:
            uses = [index for index, job in enumerate(jobs) if place in job.positions]
            whole_s = sum(job.expected_s for job in jobs[uses[0] : uses[-1] + 1])
            held_s[place] = held_s.get(place, 0.0) + whole_s / slots.get(place, 1)
    return max(held_s.values(), default=0.0) / max(1, len(last))


def _end(one: OnRig, outlook: Outlook, pace: _Pace | None, unknown: str, now: datetime) -> EndView:
    state = one.state
    n_left, rule = _n_left(state, pace, now)
    end, how = None, unknown or ("" if rule else "not known: no rule that counts ends it")
    if not how and pace is not None and n_left is not None:
        end_s = _end_s(state, outlook, n_left, pace)
        if end_s > _MOST_AHEAD_S:
            how = "not known: it would take more than nine years"
        else:
            end, how = now + timedelta(seconds=end_s), _how(state, pace, n_left, rule)
    return EndView(
        campaign_id=state.campaign_id,
        priority=state.priority,
        share=state.share,
        state=str(state.status),
        n_left=n_left,
        s_per_experiment=None if pace is None else pace.s_per_experiment,
        end=end,
        how=how,
    )


def _n_left(state: CampaignState, pace: _Pace | None, now: datetime) -> tuple[int | None, str]:
    """Return how many experiments are still to begin, and the rule that says so; empty if none."""
    rules = state.spec.stopping
    found: list[tuple[int, str]] = []
    if rules.max_experiments is not None:
        n = max(0, rules.max_experiments - state.n_searched)
        found.append((n, f"max_experiments = {rules.max_experiments}"))
    if rules.max_hours is not None and pace is not None:
        hours_left = max(0.0, float(rules.max_hours) - state.hours(now))
        n = int(hours_left * 3600.0 / pace.s_per_experiment)
        found.append((n, f"max_hours = {rules.max_hours:g}"))
    if rules.max_cost_usd is not None and pace is not None and state.n_started:
        each_usd = state.experiments_cost_usd / state.n_started
        each_usd += state.cost_usd_per_hour * pace.s_per_experiment / 3600.0
        left_usd = max(0.0, float(rules.max_cost_usd) - state.cost_usd(now))
        if each_usd > 0:
            found.append((int(left_usd / each_usd), f"max_cost_usd = {rules.max_cost_usd:g}"))
    return min(found, default=(None, ""))


def _why_unknown(one: OnRig, outlook: Outlook, pace: _Pace | None) -> str:
    state = one.state
    if not one.is_driven:
        return "not known: no engine drives it"
    if not is_going_on(one):
        reason = f": {state.status_reason}" if state.status_reason else ""
        return f"not known: it is {state.status}{reason}"
    stuck = [key for key in outlook.shop.tasks if key.startswith(f"{state.campaign_id}/")]
    stuck = [key for key in stuck if key in outlook.forecast.left]
    if stuck:
        return f"not known: nobody can say when {stuck[0].partition('/')[2]} begins"
    if pace is None and not state.open_experiments:
        return "not known: no sample is open that would show how long one takes"
    return ""


def _why_no_pace(one: OnRig, lab: LabState) -> str:
    """Say why it cannot be foreseen how fast samples like the last one are made."""
    used = {
        job.planned.instrument
        for experiment in one.state.open_experiments.values()
        for job in experiment.jobs.values()
    }
    gone = [why for name in sorted(used) if (why := why_none_usable(one.state, lab, name))]
    if gone:
        return f"not known: the next sample could not be made: {gone[0]}"
    return "not known: samples like the last one cannot all be foreseen on this bench"


def _end_s(state: CampaignState, outlook: Outlook, n_left: int, pace: _Pace) -> float:
    """Return in how many seconds the last sample is done."""
    own = f"{state.campaign_id}/"
    done_s: dict[str, float] = {}
    ends = {key: one.end_s for one in outlook.forecast.starts for key in one.keys}
    for key, end_s in [*ends.items(), *outlook.shop.running.items()]:
        if key.startswith(own):
            sample = key.rpartition("/")[0]
            done_s[sample] = max(done_s.get(sample, 0.0), end_s)
    last_s = max(done_s.values(), default=0.0)
    if not n_left:
        return last_s
    first_s = min(done_s.values(), default=pace.alone_s)
    n_done_later = max(0, len(done_s) - 1) + n_left
    return max(last_s, pace.alone_s, first_s + n_done_later * pace.s_per_experiment)


def _how(state: CampaignState, pace: _Pace, n_left: int, rule: str) -> str:
    """Say how the end was estimated."""
    n_open = len(state.open_experiments)
    text = (
        f"{n_open} open and {n_left} to come until {rule}, one in "
        f"{pace.s_per_experiment / 60.0:.1f} min: samples like the last one, all instruments "
        "well, planning left out, other campaigns at work by their shares"
    )
    rules = state.spec.stopping
    if rules.targets or rules.plateau is not None:
        text += "; earlier if a target or plateau is reached"
    if state.spec.run_windows is not None:
        text += "; later by the hours in which no run window is open"
    return text

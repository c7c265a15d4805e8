"""How the work of all campaigns on one rig is expected to go, and why jobs wait; pure.

Each engine decides for its own campaign. Here all of them are looked at together, for people who
want to know what comes when: what is said here moves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Final

from orchestrator.core.bench_shop import Coming, Hindrances, shop_of
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.cleaning import skipping
from orchestrator.core.contamination import PlaceRecord
from orchestrator.core.dispatch import RULES, Rank, best_forecast, forecast
from orchestrator.core.foreseen import Forecast
from orchestrator.core.job_plan import plan_jobs
from orchestrator.core.lab import LabState
from orchestrator.core.others import Others
from orchestrator.core.run_hours import RunHours, run_hours
from orchestrator.core.shop import Machine, Shop
from orchestrator.core.supply import Supply

__all__ = ["OnRig", "Outlook", "is_going_on", "joint_forecast", "outlook_of", "pace_shop"]

_SMALL: Final = 24
"""Open tasks up to which every rule is tried where priorities differ."""
_GOING_ON: Final = frozenset({CampaignStatus.RUNNING, CampaignStatus.PAUSING})


@dataclass(frozen=True, slots=True)
class OnRig:
    """One unfinished campaign of a rig, with what its decisions rest on."""

    state: CampaignState
    is_driven: bool
    """Whether its engine is there."""
    supply: Supply
    past: Mapping[str, Mapping[str, PlaceRecord]]
    """What ended campaigns did to places while it was open."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """All work on a rig, as it is expected to go."""

    states: tuple[CampaignState, ...]
    """As decisions see them: cleanings that are not necessary are past."""
    shop: Shop
    forecast: Forecast
    why: Mapping[str, str]
    """Why jobs wait whose turn it is, by key: ``oer-plate-1/E0004/fire``."""
    hours: Mapping[str, RunHours]
    """What each campaign's run windows say, by id."""


def is_going_on(one: OnRig) -> bool:
    """Tell whether a campaign's jobs begin without somebody doing something first.

    Args:
        one: The campaign.
    """
    return one.is_driven and one.state.status in _GOING_ON


def outlook_of(everyone: Sequence[OnRig], lab: LabState, now: datetime) -> Outlook:
    """Return how the work of all campaigns on a rig is expected to go.

    Args:
        everyone: The rig's unfinished campaigns.
        lab: The laboratory.
        now: The present time on the rig's clock.
    """
    shops: list[Shop] = []
    states: list[CampaignState] = []
    why: dict[str, str] = {}
    hours = {one.state.campaign_id: run_hours(one.state.spec.run_windows, now) for one in everyone}
    for one in everyone:
        others, left_s = _others(one, everyone), hours[one.state.campaign_id].left_s
        state = skipping(one.state, lab, now, others).state
        states.append(state)
        barred: set[str] = set()
        if is_going_on(one) and left_s:
            plan = plan_jobs(
                one.state,
                lab,
                now,
                frozenset(),
                others=others,
                supply=one.supply,
                hours=hours[one.state.campaign_id],
            )
            why |= {f"{state.campaign_id}/{job_id}": said for job_id, said in plan.why.items()}
            barred = _short(one, state, now)
        shop = shop_of(state, lab, now, others, Hindrances(barred=barred, closes_s=left_s))
        own = f"{state.campaign_id}/"
        tasks = {key: task for key, task in shop.tasks.items() if key.startswith(own)}
        shops.append(replace(shop, tasks=tasks if is_going_on(one) and left_s else {}))
    joined = _joined(shops)
    priorities = {one.state.campaign_id: one.state.priority for one in everyone}
    found = joint_forecast(joined, priorities)
    return Outlook(tuple(states), joined, found, why, hours)


def joint_forecast(shop: Shop, priorities: Mapping[str, int]) -> Forecast:
    """Return how all work goes by the rule that is best, a higher priority first.

    Args:
        shop: With the jobs of several campaigns.
        priorities: By campaign id.
    """
    if len(set(priorities.values())) <= 1:
        return best_forecast(shop)
    rules = RULES if len(shop.tasks) <= _SMALL else RULES[:1]
    tried = [
        forecast(shop, _by_priority(rank, priorities), patience=patience)
        for rank, patience in rules
    ]
    return min(tried, key=Forecast.score)


def pace_shop(everyone: Sequence[OnRig], lab: LabState, now: datetime, n: int) -> Shop:
    """Return a rig on which every campaign that goes on makes samples like its last one.

    Args:
        everyone: The rig's unfinished campaigns; one without an open sample makes none.
        lab: The laboratory.
        now: The present time.
        n: How many samples each makes.
    """
    shops = []
    for one in everyone:
        if not is_going_on(one):
            continue
        shop = shop_of(one.state, lab, now, hindrances=Hindrances(coming=Coming(n)))
        samples = {
            f"{one.state.campaign_id}/{experiment_id}"
            for experiment_id in one.state.open_experiments
        }
        tasks = {key: task for key, task in shop.tasks.items() if task.sample not in samples}
        machines = {name: _rested(machine) for name, machine in shop.machines.items()}
        shops.append(Shop(tasks=tasks, machines=machines))
    return _joined(shops)


def _rested(machine: Machine) -> Machine:
    return machine if machine.free_s == inf else replace(machine, free_s=0.0)


def _others(one: OnRig, everyone: Sequence[OnRig]) -> Others:
    rest = [other for other in everyone if other is not one]
    driven = frozenset(other.state.campaign_id for other in rest if other.is_driven)
    return Others(tuple(other.state for other in rest), driven, one.past)


def _short(one: OnRig, state: CampaignState, now: datetime) -> set[str]:
    """Return the ids of jobs that cannot draw what they need."""
    return {
        job.planned.job_id
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        if not job.is_past and one.supply.why_not_job(experiment.experiment_id, job, now.date())
    }


def _joined(shops: Sequence[Shop]) -> Shop:
    """Return the work of several campaigns on the same machines; places are counted once."""
    machines: dict[str, Machine] = {}
    for shop in shops:
        for name, machine in shop.machines.items():
            known = machines.get(name, machine)
            machines[name] = replace(
                machine,
                capacity=max(machine.capacity, known.capacity),
                free_s=max(machine.free_s, known.free_s),
                since_s=max(machine.since_s, known.since_s),
            )
    free: dict[str, int] = {}
    for shop in shops:
        for place, n in shop.free.items():
            free[place] = min(n, free.get(place, n))
    return Shop(
        tasks={key: task for shop in shops for key, task in shop.tasks.items()},
        machines=machines,
        running={key: end_s for shop in shops for key, end_s in shop.running.items()},
        ended={key: end_s for shop in shops for key, end_s in shop.ended.items()},
        free=free,
        leaving=tuple(one for shop in shops for one in shop.leaving),
        closes_s=max((shop.closes_s for shop in shops), default=inf),
    )


def _by_priority(rank: Rank, priorities: Mapping[str, int]) -> Rank:
    def ranked(shop: Shop) -> Mapping[str, tuple[float, ...]]:
        return {
            key: (-priorities.get(shop.tasks[key].sample.rpartition("/")[0], 0), *place)
            for key, place in rank(shop).items()
        }

    return ranked

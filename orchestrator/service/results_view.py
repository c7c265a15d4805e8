"""What came of a campaign: best values, front, hypervolume; the judging is `core`'s."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate

from orchestrator.core.campaign import CampaignState
from orchestrator.core.front import (
    Direction,
    hypervolume,
    hypervolume_series,
    is_exact,
    pareto_indices,
)
from orchestrator.core.results import (
    best_value,
    directions,
    judged_values,
    reference_point_of,
    worth_rows,
)
from orchestrator.service.views import BestView, HypervolumeView, TradeOffView

__all__ = [
    "best_trade_off",
    "best_views",
    "front_ids",
    "hours_since_opening",
    "hypervolume_now",
    "hypervolume_views",
]


def hours_since_opening(state: CampaignState, time: datetime) -> float:
    """Return the time on the campaign's own clock, in hours since its opening."""
    return (time - state.opened_time).total_seconds() / 3600.0


def best_views(
    state: CampaignState, rows: Sequence[tuple[str, Sequence[float]]]
) -> tuple[BestView, ...]:
    """Return the best value of each objective and whose it is; nothing without rows.

    Args:
        state: The campaign.
        rows: Experiment id and objective values of the observations that count.
    """
    if not rows:
        return ()
    sds = {record.experiment_id: record.observation.sds for record in state.observations}
    views = []
    for column, objective in enumerate(state.spec.objectives):
        value = best_value(objective, [values[column] for _, values in rows])
        experiment_id = next(name for name, values in rows if values[column] == value)
        views.append(
            BestView(
                objective=objective.name,
                direction=objective.direction,
                value=value,
                sd=sds[experiment_id].get(objective.name),
                experiment_id=experiment_id,
                deviation=objective.deviation(value),
            )
        )
    return tuple(views)


def best_trade_off(
    state: CampaignState, rows: Sequence[tuple[str, Sequence[float]]]
) -> TradeOffView | None:
    """Return the best trade-off between the objectives; nothing where their front is sought.

    Args:
        state: The campaign.
        rows: Experiment id and objective values of the observations that count.
    """
    worths, trade_off = worth_rows(state, rows), state.spec.header.trade_off
    if not worths or trade_off == "front":
        return None
    experiment_id, worth = max(worths, key=lambda each: each[1])
    return TradeOffView(trade_off=trade_off, worth=worth, experiment_id=experiment_id)


def front_ids(state: CampaignState, rows: Sequence[tuple[str, Sequence[float]]]) -> tuple[str, ...]:
    """Return the experiments of the Pareto front, in order of the first objective.

    Args:
        state: The campaign.
        rows: Experiment id and objective values of the observations that count.
    """
    values = [judged_values(state.spec, row) for _, row in rows]
    indices = pareto_indices(values, directions(state.spec)) if rows else []
    return tuple(rows[i][0] for i in sorted(indices, key=lambda i: (values[i][0], i)))


def hypervolume_views(
    state: CampaignState, rows: Sequence[tuple[str, Sequence[float]]]
) -> tuple[HypervolumeView, ...]:
    """Return the hypervolume after each observation; nothing without a reference point.

    Args:
        state: The campaign.
        rows: Experiment id and objective values of the observations that count.
    """
    reference_point = reference_point_of(state)
    if reference_point is None or not rows:
        return ()
    reference = tuple(reference_point[objective.name] for objective in state.spec.objectives)
    judged = tuple(tuple(judged_values(state.spec, row)) for _, row in rows)
    volumes = _volumes(judged, tuple(directions(state.spec)), reference)
    after = dict(zip((name for name, _ in rows), volumes, strict=True))
    by_start = sorted(state.experiments, key=lambda experiment: experiment.started_time)
    experiments = {experiment.experiment_id: experiment for experiment in by_start}
    starts = [hours_since_opening(state, experiment.started_time) for experiment in by_start]
    spent = [0.0, *accumulate(experiment.cost_usd for experiment in by_start)]
    series = []
    volume = 0.0
    for n_observed, record in enumerate(state.observations, start=1):
        volume = after.get(record.experiment_id, volume)
        experiment = experiments[record.experiment_id]
        hours = hours_since_opening(state, experiment.ended_time or state.last_time)
        cost_usd = spent[bisect_right(starts, hours)] + state.cost_usd_per_hour * hours
        series.append(
            HypervolumeView(
                experiment_id=record.experiment_id,
                n_observed=n_observed,
                hours=hours,
                cost_usd=cost_usd,
                hypervolume=volume,
            )
        )
    return tuple(series)


@lru_cache(maxsize=16)
def _volumes(
    rows: tuple[tuple[float, ...], ...],
    ways: tuple[Direction, ...],
    reference: tuple[float, ...],
) -> tuple[float, ...]:
    """Return the series, reckoned once: a campaign is looked at far more often than it changes."""
    return tuple(hypervolume_series(rows, ways, reference))


def hypervolume_now(
    state: CampaignState, rows: Sequence[tuple[str, Sequence[float]]], front: Collection[str]
) -> float | None:
    """Return the hypervolume as it stands, 0 before the first observation that counts.

    Args:
        state: The campaign.
        rows: Experiment id and objective values of the observations that count.
        front: Experiments of the Pareto front.

    Returns:
        None without a reference point.
    """
    reference_point = reference_point_of(state)
    if reference_point is None:
        return None
    reference = [reference_point[objective.name] for objective in state.spec.objectives]
    best = tuple(tuple(judged_values(state.spec, values)) for name, values in rows if name in front)
    ways = tuple(directions(state.spec))
    return _volume(best, ways, tuple(reference), is_exact(len(rows), len(ways)))


@lru_cache(maxsize=16)
def _volume(
    rows: tuple[tuple[float, ...], ...],
    ways: tuple[Direction, ...],
    reference: tuple[float, ...],
    exact: bool,
) -> float:
    return hypervolume(rows, ways, reference, exact=exact)

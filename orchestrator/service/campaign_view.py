"""Turns a folded campaign into what an operator sees; pure, and nothing is judged twice here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from orchestrator.core.approvals import waiting_for_approval
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.experiment import ExperimentState, ExperimentStatus
from orchestrator.core.front import is_exact
from orchestrator.core.job import JobState
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.core.results import objective_rows, reference_point_of
from orchestrator.log.side_tables import Heartbeat
from orchestrator.service.doubts import doubt_views
from orchestrator.service.results_view import (
    best_trade_off,
    best_views,
    front_ids,
    hours_since_opening,
    hypervolume_now,
    hypervolume_views,
)
from orchestrator.service.views import (
    CampaignView,
    CountsView,
    DoubtView,
    EngineState,
    EngineView,
    ExperimentView,
    HypervolumeView,
    JobView,
    LimitView,
    ObjectiveView,
    TargetView,
)

__all__ = ["campaign_view", "engine_view", "shown_state"]

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


def shown_state(status: CampaignStatus, engine: EngineView, n_in_doubt: int) -> str:
    """Return the one word that a person should read.

    A campaign that should go on is never called running without a living engine.
    """
    if status in _NEEDS_ENGINE and engine.state is not EngineState.ALIVE:
        return "unattended"
    if status is CampaignStatus.PAUSED and n_in_doubt:
        return "held"
    return str(status)


def campaign_view(
    state: CampaignState,
    *,
    engine: EngineView,
    now: datetime,
    last_hash: str,
    laboratory: LabState | None = None,
    n_left_out: int = 0,
) -> CampaignView:
    """Return everything that is shown of a campaign.

    Args:
        state: The campaign as folded from its stream.
        engine: What is known of its engine.
        now: The present time on the campaign's own clock.
        last_hash: Of the whole log.
        laboratory: The laboratory as folded from its stream; None if nobody looked.
        n_left_out: So many that ended first have no entry (but the front), and no hypervolumes.
    """
    spec, results = state.spec, _Results.of(state, laboratory, n_left_out)
    return CampaignView(
        campaign_id=state.campaign_id,
        name=state.name,
        description=spec.header.description,
        state=shown_state(state.status, engine, len(results.doubts)),
        status=str(state.status),
        waits_for=_what_waits(state),
        status_reason=_what_waits(state) or state.status_reason,
        has_ended=state.status.has_ended,
        is_simulated=state.is_simulated,
        rig_name=state.rig_name,
        rig_sha256=state.rig_sha256,
        seed=state.seed,
        planner=spec.planner.name,
        opened_time=state.opened_time,
        last_time=state.last_time,
        n_events=state.version,
        last_hash=last_hash,
        engine=engine,
        counts=_counts(state),
        limits=_limits(state, now),
        targets=_targets(state),
        components=_components(state),
        parameters=tuple(parameter.name for parameter in spec.space.parameters),
        objectives=_objectives(state),
        measured=tuple(spec.measured_names),
        computed=_computed_names(state),
        outcomes=_outcomes(state),
        best=best_views(state, results.rows),
        reference_point=reference_point_of(state),
        hypervolume=hypervolume_now(state, results.rows, results.front),
        is_hypervolume_exact=is_exact(len(results.rows), len(spec.objectives)),
        hypervolume_series=results.series,
        best_trade_off=best_trade_off(state, results.rows),
        front=results.front,
        in_doubt=results.doubts,
        instruments=_instruments(state, laboratory),
        experiments=_experiments(state, results),
        jobs=_jobs(state, results.shown),
    )


class _Results(NamedTuple):
    """What came of a campaign. Who looks four times a second for weeks is shown the last of it."""

    rows: Sequence[tuple[str, Sequence[float]]]
    front: tuple[str, ...]
    series: tuple[HypervolumeView, ...]
    shown: tuple[ExperimentState, ...]
    """The experiments that have an entry, by number."""
    doubts: tuple[DoubtView, ...]

    @classmethod
    def of(cls, state: CampaignState, laboratory: LabState | None, n_left_out: int) -> "_Results":
        rows = objective_rows(state.spec, state.observations)
        front = front_ids(state, rows)
        closed = state.closed_experiments
        old = (one for one in closed[:n_left_out] if one.experiment_id in front)
        shown = [*old, *closed[n_left_out:], *state.open_experiments.values()]
        series = () if n_left_out else hypervolume_views(state, rows)
        by_number = sorted(shown, key=lambda experiment: experiment.number)
        return cls(rows, front, series, tuple(by_number), tuple(doubt_views(state, laboratory)))


def _components(state: CampaignState) -> tuple[str, ...]:
    composition = state.spec.space.composition
    return tuple(composition.names) if composition is not None else ()


def _what_waits(state: CampaignState) -> str:
    """Say which candidates a running campaign waits for a person to approve; empty if none."""
    if state.status is not CampaignStatus.RUNNING:
        return ""
    names = ", ".join(one.candidate_id for one in waiting_for_approval(state))
    return f"waits for approval: {names} (athanor candidates)" if names else ""


def _instruments(state: CampaignState, laboratory: LabState | None) -> dict[str, str]:
    """Return what is known of the instruments that a campaign uses."""
    used = {job.instrument for experiment in state.experiments for job in experiment.jobs.values()}
    known = laboratory.instruments if laboratory is not None else {}
    return {
        name: instrument.identity
        if instrument.status is InstrumentStatus.CONNECTED
        else f"{instrument.status}: {instrument.reason}".removesuffix(": ")
        for name, instrument in sorted(known.items())
        if name in used
    }


def _counts(state: CampaignState) -> CountsView:
    statuses = [experiment.status for experiment in state.experiments]
    return CountsView(
        started=len(statuses),
        running=statuses.count(ExperimentStatus.RUNNING),
        in_doubt=statuses.count(ExperimentStatus.IN_DOUBT),
        done=statuses.count(ExperimentStatus.DONE),
        failed=statuses.count(ExperimentStatus.FAILED),
        observed=sum(not record.observation.is_failed for record in state.observations),
        queued=len(state.queue),
    )


def _limits(state: CampaignState, now: datetime) -> tuple[LimitView, ...]:
    rules = state.spec.stopping
    return (
        LimitView(name="experiments", used=state.n_searched, limit=rules.max_experiments),
        LimitView(name="hours", used=state.hours(now), limit=_float_or_none(rules.max_hours)),
        LimitView(
            name="cost_usd", used=state.cost_usd(now), limit=_float_or_none(rules.max_cost_usd)
        ),
    )


def _float_or_none(value: object) -> float | None:
    return None if value is None else float(str(value))


def _targets(state: CampaignState) -> tuple[TargetView, ...]:
    views = []
    for target in state.spec.stopping.targets:
        bounds: dict[Literal["at_least", "at_most", "within"], object] = {
            "at_least": target.at_least,
            "at_most": target.at_most,
            "within": target.within,
        }
        for bound, limit in bounds.items():
            value = _float_or_none(limit)
            if value is not None:
                views.append(TargetView(objective=target.objective, bound=bound, value=value))
    return tuple(views)


def _objectives(state: CampaignState) -> tuple[ObjectiveView, ...]:
    measured = set(state.spec.measured_names)
    return tuple(
        ObjectiveView(
            name=objective.name,
            direction=objective.direction,
            is_computed=objective.name not in measured,
            threshold=_float_or_none(objective.threshold),
            target=_float_or_none(objective.target),
            tolerance=_float_or_none(objective.tolerance),
        )
        for objective in state.spec.objectives
    )


def _computed_names(state: CampaignState) -> tuple[str, ...]:
    """Return the objectives and outcomes that are computed, each once, in the file's order."""
    measured = set(state.spec.measured_names)
    names = [objective.name for objective in state.spec.objectives]
    names += [outcome.name for outcome in state.spec.outcomes]
    return tuple(dict.fromkeys(name for name in names if name not in measured))


def _outcomes(state: CampaignState) -> tuple[str, ...]:
    texts = []
    for outcome in state.spec.outcomes:
        low = "" if outcome.at_least is None else f" >= {outcome.at_least}"
        high = "" if outcome.at_most is None else f" <= {outcome.at_most}"
        texts.append(f"{outcome.name}{low}{high}")
    return tuple(texts)


def _hours_or_none(state: CampaignState, time: datetime | None) -> float | None:
    return None if time is None else hours_since_opening(state, time)


def _experiments(state: CampaignState, results: _Results) -> tuple[ExperimentView, ...]:
    counting = {experiment_id for experiment_id, _ in results.rows}
    on_front = set(results.front)
    return tuple(_experiment(state, experiment, counting, on_front) for experiment in results.shown)


def _experiment(
    state: CampaignState,
    experiment: ExperimentState,
    counting: Collection[str],
    front: Collection[str],
) -> ExperimentView:
    observed = experiment.observed
    predictions = experiment.candidate.predictions
    nothing: Mapping[str, float] = {}
    return ExperimentView(
        experiment_id=experiment.experiment_id,
        number=experiment.number,
        state=str(experiment.status),
        asked=experiment.candidate.point,
        made=observed.observation.point if observed is not None else {},
        values=observed.observation.values if observed is not None else nothing,
        sds=observed.observation.sds if observed is not None else nothing,
        computed=observed.computed if observed is not None else nothing,
        predicted={name: prediction.mean for name, prediction in predictions.items()},
        predicted_sds={name: prediction.sd for name, prediction in predictions.items()},
        meets_outcomes=experiment.experiment_id in counting,
        is_on_front=experiment.experiment_id in front,
        cost_usd=experiment.cost_usd,
        started_time=experiment.started_time,
        ended_time=experiment.ended_time,
        started_h=hours_since_opening(state, experiment.started_time),
        ended_h=_hours_or_none(state, experiment.ended_time),
        cause=experiment.cause,
        reason=experiment.reason,
        purpose=experiment.purpose,
        is_retracted=experiment.is_retracted,
        correction=experiment.correction,
    )


def _jobs(state: CampaignState, shown: Sequence[ExperimentState]) -> tuple[JobView, ...]:
    return tuple(
        _job(state, experiment, job) for experiment in shown for job in experiment.jobs.values()
    )


def _job(state: CampaignState, experiment: ExperimentState, job: JobState) -> JobView:
    note = f"{job.error}: {job.evidence}" if job.error else job.evidence
    return JobView(
        experiment_id=experiment.experiment_id,
        number=experiment.number,
        name=job.planned.name,
        instrument=job.instrument,
        action=job.planned.action,
        state=str(job.status),
        attempt=job.attempt,
        started_h=_hours_or_none(state, job.started_time),
        ended_h=_hours_or_none(state, job.ended_time),
        note=note,
    )

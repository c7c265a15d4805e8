"""Turns a folded campaign into what an operator sees; pure, and nothing is judged twice here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from orchestrator.core.approvals import waiting_for_approval
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.experiment import ExperimentState, ExperimentStatus
from orchestrator.core.front import is_exact
from orchestrator.core.job import JobState
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.core.results import objective_rows, reference_point_of
from orchestrator.service.doubts import doubt_views
from orchestrator.service.engine_views import shown_state
from orchestrator.service.results_view import (
    best_trade_off,
    best_views,
    front_ids,
    hours_since_opening,
    hypervolume_now,
    hypervolume_views,
)
from orchestrator.service.views import (
    BestView,
    CampaignSummary,
    CampaignView,
    CountsView,
    EngineView,
    ExperimentView,
    JobView,
    LimitView,
    ObjectiveView,
    TargetView,
    TradeOffView,
)

__all__ = [
    "Learnt",
    "campaign_summary",
    "campaign_view",
    "job_view",
    "objective_views",
]


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
    shown = _shown(state, n_left_out, learnt := _learnt(state))
    summary = campaign_summary(
        state, learnt, engine=engine, now=now, last_hash=last_hash, laboratory=laboratory
    )
    return CampaignView(
        **dict(summary),
        hypervolume_series=() if n_left_out else hypervolume_views(state, learnt.rows),
        experiments=_experiments(state, shown, learnt),
        jobs=_jobs(state, shown),
    )


class Learnt(NamedTuple):
    """What came of a campaign."""

    rows: Sequence[tuple[str, Sequence[float]]]
    """Experiment id and objective values of the observations that count."""
    front: tuple[str, ...]
    counts: CountsView
    best: tuple[BestView, ...]
    best_trade_off: TradeOffView | None
    hypervolume: float | None
    used: Collection[str]
    """Instruments that its jobs use."""


def campaign_summary(
    state: CampaignState,
    learnt: Learnt,
    *,
    engine: EngineView,
    now: datetime,
    last_hash: str,
    laboratory: LabState | None = None,
) -> CampaignSummary:
    """Return what is shown of a campaign at a glance; nothing of ended experiments is looked at.

    Args:
        state: The campaign as folded from its stream.
        learnt: What came of it.
        engine: What is known of its engine.
        now: The present time on the campaign's own clock.
        last_hash: Of the whole log.
        laboratory: The laboratory as folded from its stream; None if nobody looked.
    """
    spec, doubts = state.spec, tuple(doubt_views(state, laboratory))
    return CampaignSummary(
        campaign_id=state.campaign_id,
        name=state.name,
        description=spec.header.description,
        state=shown_state(state.status, engine, len(doubts)),
        status=str(state.status),
        waits_for=_what_waits(state),
        status_reason=_what_waits(state) or state.status_reason,
        has_ended=state.status.has_ended,
        is_simulated=state.is_simulated,
        rig_name=state.rig_name,
        rig_sha256=state.rig_sha256,
        priority=state.priority,
        share=state.share,
        seed=state.seed,
        planner=spec.planner.name,
        opened_time=state.opened_time,
        last_time=state.last_time,
        n_events=state.version,
        last_hash=last_hash,
        engine=engine,
        counts=learnt.counts,
        limits=_limits(state, now),
        targets=_targets(state),
        components=_components(state),
        parameters=tuple(parameter.name for parameter in spec.space.parameters),
        objectives=objective_views(state),
        measured=tuple(spec.measured_names),
        computed=_computed_names(state),
        outcomes=_outcomes(state),
        best=learnt.best,
        reference_point=reference_point_of(state),
        hypervolume=learnt.hypervolume,
        is_hypervolume_exact=is_exact(len(learnt.rows), len(spec.objectives)),
        best_trade_off=learnt.best_trade_off,
        front=learnt.front,
        own_points=_own_points(state),
        in_doubt=doubts,
        instruments=_instruments(learnt.used, laboratory),
    )


def _learnt(state: CampaignState) -> Learnt:
    rows = objective_rows(state.spec, state.observations)
    front = front_ids(state, rows)
    return Learnt(
        rows=rows,
        front=front,
        counts=_counts(state),
        best=best_views(state, rows),
        best_trade_off=best_trade_off(state, rows),
        hypervolume=hypervolume_now(state, rows, front),
        used={job.instrument for one in state.experiments for job in one.jobs.values()},
    )


def _shown(state: CampaignState, n_left_out: int, learnt: Learnt) -> Sequence[ExperimentState]:
    """Return the experiments that have an entry, by number.

    Who looks four times a second for weeks is shown the last of them.
    """
    closed = state.closed_experiments
    old = (one for one in closed[:n_left_out] if one.experiment_id in learnt.front)
    shown = [*old, *closed[n_left_out:], *state.open_experiments.values()]
    return sorted(shown, key=lambda experiment: experiment.number)


def _own_points(state: CampaignState) -> dict[str, str]:
    waiting = {one.candidate_id: one.added_by for one in state.queue}
    made = {one.experiment_id: one.added_by for one in state.open_experiments.values()}
    return {name: person for name, person in {**made, **waiting}.items() if person}


def _components(state: CampaignState) -> tuple[str, ...]:
    composition = state.spec.space.composition
    return tuple(composition.names) if composition is not None else ()


def _what_waits(state: CampaignState) -> str:
    """Say which candidates a running campaign waits for a person to approve; empty if none."""
    if state.status is not CampaignStatus.RUNNING:
        return ""
    names = ", ".join(one.candidate_id for one in waiting_for_approval(state))
    return f"waits for approval: {names} (athanor candidates)" if names else ""


def _instruments(used: Collection[str], laboratory: LabState | None) -> dict[str, str]:
    """Return what is known of the instruments that a campaign uses."""
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


def objective_views(state: CampaignState) -> tuple[ObjectiveView, ...]:
    """Return the objectives of a campaign, in the file's order."""
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


def _experiments(
    state: CampaignState, shown: Sequence[ExperimentState], learnt: Learnt
) -> tuple[ExperimentView, ...]:
    counting = {experiment_id for experiment_id, _ in learnt.rows}
    on_front = set(learnt.front)
    return tuple(_experiment(state, experiment, counting, on_front) for experiment in shown)


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
        added_by=experiment.added_by,
    )


def _jobs(state: CampaignState, shown: Sequence[ExperimentState]) -> tuple[JobView, ...]:
    return tuple(
        job_view(state, experiment, job) for experiment in shown for job in experiment.jobs.values()
    )


def job_view(state: CampaignState, experiment: ExperimentState, job: JobState) -> JobView:
    """Return one job of an experiment as a bar of the timeline."""
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
        expected_s=job.planned.expected_s,
    )

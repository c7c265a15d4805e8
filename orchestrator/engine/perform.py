"""What a performed intent writes down: candidates, bound jobs, outcomes, conclusions.

Each function turns something that was decided or heard into events; none appends them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from campaigns.errors import Problem, UndefinedValue
from orchestrator.core.attempts import is_lost
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    CampaignHeld,
    CampaignPaused,
    CampaignWentOn,
    CandidatesProposed,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    JobEvent,
    JobFailed,
    JobFinished,
    JobOutcomeUnknown,
    ObservationRecorded,
    ProposalFailed,
    ReferencePointFrozen,
    SpaceExhausted,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.intents import GoOn, Hold, Pause, StartExperiment, StartReference
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.point import Candidate, Observation, Point
from orchestrator.core.references import reference_candidate
from orchestrator.engine.stockroom import Stockroom
from orchestrator.errors import RecipeError
from orchestrator.execution.analyse import analyse
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.executor import Done, Outcome, Refused, Unknown
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.execution.window_fit import beyond_windows

if TYPE_CHECKING:
    from orchestrator.optimise.planner import Proposal

__all__ = [
    "conclusion",
    "events_from_outcome",
    "events_from_proposal",
    "known_observations",
    "pending_points",
    "proposal_failed",
    "proposal_seed",
    "refuse_unbindable",
    "start_of",
    "status_of",
]


def proposal_seed(state: CampaignState) -> int:
    """Return the seed of the next proposal: another one each time, the same in every run."""
    return state.seed * 1_000_003 + state.n_proposals


def known_observations(state: CampaignState) -> tuple[Observation, ...]:
    """Return what a planner may learn from, in the order in which it was recorded."""
    return tuple(record.observation for record in state.observations)


def pending_points(state: CampaignState) -> tuple[Point, ...]:
    """Return the points of real jobs in flight, in doubt, or waiting to start, and refused ones.

    Reference samples in flight are left out: their point may be searched, too.
    """
    in_flight = [
        experiment.candidate.point
        for experiment in state.open_experiments.values()
        if experiment.purpose == "search"
    ]
    queued = [one.candidate.point for one in state.queue]
    return (*in_flight, *queued, *(refused.point for refused in state.rejected))


def events_from_proposal(
    state: CampaignState, proposal: "Proposal", n_observations: int
) -> list[Event]:
    """Return what a planner's answer adds to the log.

    Args:
        state: The campaign now.
        proposal: The answer.
        n_observations: How many observations it was made from.
    """
    events: list[Event] = []
    if not proposal.candidates:
        return [SpaceExhausted(reason=proposal.reason)]
    if state.reference_point is None and proposal.reference_point is not None:
        events.append(ReferencePointFrozen(reference_point=dict(proposal.reference_point)))
    events.append(
        CandidatesProposed(
            proposal=state.n_proposals + 1,
            planner=state.spec.planner.name,
            method=proposal.method,
            reason=proposal.reason,
            n_observations=n_observations,
            candidates=proposal.candidates,
        )
    )
    return events


def refuse_unbindable(proposal: "Proposal", recipe: CompiledRecipe) -> None:
    """Check that each candidate can become jobs: one that cannot would block the queue for good.

    Raises:
        RecipeError: An expression of the recipe has no value at a candidate, or stocks would meet
            there that never may, or it takes longer than any run window.
    """
    name = f"campaign {recipe.campaign.header.name}"
    for candidate in proposal.candidates:
        recipe.jobs_for(candidate.point, "candidate")
        recipe.cost_usd(candidate.point)
        meeting = recipe.meeting_at(candidate.point)
        if meeting is not None:
            expected = "a point at which they stay apart"
            raise RecipeError(name, [Problem("recipe.job", str(meeting), expected)])
        too_long = beyond_windows(recipe, candidate.point)
        if too_long is not None:
            raise RecipeError(name, [too_long])


def proposal_failed(state: CampaignState, error: Exception) -> list[Event]:
    """Return what a planner that raised adds to the log."""
    return [
        ProposalFailed(
            proposal=state.n_proposals + 1,
            planner=state.spec.planner.name,
            error=f"{type(error).__name__}: {error}",
        )
    ]


def start_of(
    intent: StartExperiment | StartReference,
    state: CampaignState,
    recipe: CompiledRecipe,
    stockroom: Stockroom,
) -> list[Event]:
    """Return the start of an experiment: of a candidate of the queue, or of a reference sample.

    Args:
        intent: Which.
        state: The campaign now.
        recipe: Binds the point to jobs.
        stockroom: Says from which lots its stock is kept.

    Returns:
        Nothing if there is not enough of a stock any more.
    """
    if isinstance(intent, StartReference):
        return _start(state, recipe, reference_candidate(state), "reference", stockroom)
    queued = {one.candidate_id: one.candidate for one in state.queue}
    return _start(state, recipe, queued[intent.candidate_id], "search", stockroom)


def status_of(intent: Pause | Hold | GoOn) -> Event:
    """Return what the log says of a campaign that begins or ceases to wait."""
    match intent:
        case Pause():
            return CampaignPaused()
        case Hold():
            return CampaignHeld(reason=intent.reason, lacks=intent.lacks)
        case GoOn():
            return CampaignWentOn(reason=intent.reason)


def _start(
    state: CampaignState,
    recipe: CompiledRecipe,
    candidate: Candidate,
    purpose: Literal["search", "reference"],
    stockroom: Stockroom,
) -> list[Event]:
    reserves = stockroom.reserved_for(candidate.point)
    if reserves is None:
        return []
    number = state.n_started + 1
    experiment_id = f"E{number:04d}"
    return [
        ExperimentStarted(
            experiment_id=experiment_id,
            number=number,
            candidate=candidate,
            jobs=recipe.jobs_for(candidate.point, experiment_id),
            cost_usd=recipe.cost_usd(candidate.point),
            purpose=purpose,
            reserves={stock: dict(of) for stock, of in reserves.items()},
        )
    ]


def events_from_outcome(job_id: str, outcome: Outcome) -> list[JobEvent]:
    """Return what the executor's answer to an order adds to the log."""
    match outcome:
        case Done():
            return [JobFinished(job_id=job_id, readings=outcome.readings)]
        case Refused():
            return [
                JobFailed(
                    job_id=job_id,
                    error=outcome.error,
                    message=outcome.message,
                    has_acted=outcome.has_acted,
                )
            ]
        case Unknown():
            return [JobOutcomeUnknown(job_id=job_id, evidence=outcome.evidence)]


def conclusion(state: CampaignState, experiment: ExperimentState, rig: RigSpec) -> Sequence[Event]:
    """Return how an experiment ends that has no job left to run.

    A lost job ends it without a result, unless its recipe says that such a fault is one of the
    sample: then the point is known to be infeasible. Otherwise its readings are analysed, and a bad
    flag is a failed measurement, never a number.
    """
    lost = [job for job in experiment.jobs.values() if is_lost(job)]
    if experiment.spoilt:
        worse = (f"{job.planned.name}: {job.error} {job.evidence}" for job in lost)
        reason = "; ".join([experiment.spoilt, *worse])
        return [
            ExperimentFailed(experiment_id=experiment.experiment_id, cause="spoilt", reason=reason)
        ]
    if lost:
        reason = "; ".join(f"{job.planned.name}: {job.error} {job.evidence}" for job in lost)
        if any(map(_spoke_of_sample, lost)):
            return _infeasible(state, experiment, reason)
        return [
            ExperimentFailed(
                experiment_id=experiment.experiment_id, cause="instrument", reason=reason
            )
        ]
    analysed = analyse(state.spec, rig, experiment)
    events: list[Event] = list(analysed.results)
    if analysed.observation is not None:
        events.append(analysed.observation)
    if analysed.cause is None:
        events.append(ExperimentFinished(experiment_id=experiment.experiment_id))
    else:
        events.append(
            ExperimentFailed(
                experiment_id=experiment.experiment_id,
                cause=analysed.cause,
                reason=analysed.reason,
            )
        )
    return events


def _spoke_of_sample(job: JobState) -> bool:
    """Tell whether a lost job says that its sample cannot be made, not that a device is broken."""
    is_fault = job.status is JobStatus.FAILED and job.error == "DeviceFault" and job.has_acted
    return is_fault and job.planned.failure_means == "synthesis"


def _infeasible(state: CampaignState, experiment: ExperimentState, reason: str) -> list[Event]:
    """Return the end of an experiment whose sample could not be made, under the point asked for."""
    experiment_id, point = experiment.experiment_id, experiment.candidate.point
    try:
        computed = state.spec.computed_values(point)
    except UndefinedValue:
        computed = {}
    return [
        ObservationRecorded(
            experiment_id=experiment_id,
            observation=Observation(point=point, is_failed=True),
            computed=computed,
        ),
        ExperimentFailed(experiment_id=experiment_id, cause="synthesis", reason=reason),
    ]

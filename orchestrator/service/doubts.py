"""Jobs of which nobody knows whether they happened: what is known, what each answer would do."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from drivers.catalog import driver_named
from drivers.errors import RigError
from orchestrator.core.attempts import is_unsettled, may_repeat
from orchestrator.core.campaign import CampaignState
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.lab import LabState
from orchestrator.service.labels import arguments_text
from orchestrator.service.views import DoubtView

__all__ = ["Answer", "doubt_views"]

_AMOUNTS: Final = ("_ul", "_ml", "_l", "_ug", "_mg", "_g", "_kg", "_mol", "_mmol")
"""Suffixes of arguments that say how much matter is moved."""


class Answer(StrEnum):
    """What a person may say of a job in doubt."""

    RAN = "ran"
    """It happened, as asked."""
    DID_NOT_RUN = "did_not_run"
    """Nothing happened to the sample."""
    SCRAP_SAMPLE = "scrap_sample"
    """Nobody can say, or it happened by halves: the sample is given up."""


def doubt_views(state: CampaignState, laboratory: LabState | None = None) -> Iterator[DoubtView]:
    """Yield the doubts of a campaign in order of experiments; none once it has ended.

    Args:
        state: The campaign.
        laboratory: Names the drivers, which say whether an action gives readings; None if unknown.
    """
    if state.status.has_ended:
        return
    experiments = state.open_experiments.values()
    for experiment in sorted(experiments, key=lambda one: one.number):
        for job in experiment.jobs.values():
            if job.status is JobStatus.IN_DOUBT:
                yield _view(state, experiment, job, laboratory or LabState())


def _view(
    state: CampaignState, experiment: ExperimentState, job: JobState, laboratory: LabState
) -> DoubtView:
    planned = job.planned
    return DoubtView(
        campaign_id=state.campaign_id,
        experiment_id=experiment.experiment_id,
        job_id=planned.job_id,
        instrument=job.instrument,
        action=planned.action,
        arguments=planned.arguments,
        asked=f"{planned.action} {arguments_text(planned.arguments)}".strip(),
        recovery=planned.recovery,
        attempt=job.attempt,
        started_time=job.started_time,
        since=job.ended_time,
        evidence=job.evidence,
        needs_person=is_unsettled(job) and not may_repeat(job),
        answers={
            Answer.RAN.value: _if_it_ran(state, experiment, job, laboratory),
            Answer.DID_NOT_RUN.value: _if_it_did_not(job),
            Answer.SCRAP_SAMPLE.value: _if_scrapped(experiment, job),
        },
    )


def _if_it_ran(
    state: CampaignState, experiment: ExperimentState, job: JobState, laboratory: LabState
) -> str:
    done = {name for name, one in experiment.jobs.items() if one.is_past}
    done.add(job.planned.name)
    left = [one for name, one in experiment.jobs.items() if name not in done]
    ready = [one.planned.name for one in left if set(one.planned.after) <= done]
    if not left:
        follows = "the experiment ends and its readings are analysed"
    elif ready:
        follows = f"the sample goes on with {', '.join(ready[:3])}"
    else:
        follows = "the sample waits for its other jobs"
    gives = _readings_of(job, laboratory)
    if gives == ():
        return follows
    lost = "readings that it may have taken" if gives is None else ", ".join(gives)
    if job.planned.name in _jobs_analysed(state):
        return f"{follows}, but without {lost}, which an analysis needs: no result will come of it"
    return f"{follows}; {lost} are lost, no analysis needs them"


def _jobs_analysed(state: CampaignState) -> frozenset[str]:
    """Return the names of the jobs whose readings the recipe's analyses name."""
    recipe = state.spec.recipe
    named = [
        value
        for analysis in (recipe.analyses if recipe is not None else ())
        for value in analysis.settings.values()
        if isinstance(value, str)
    ]
    components = state.spec.space.components
    each = [value.replace("{component}", component) for value in named for component in components]
    return frozenset([*named, *each])


def _readings_of(job: JobState, laboratory: LabState) -> tuple[str, ...] | None:
    """Return the readings that a job should have given; None if its driver is not known here."""
    known = laboratory.instruments.get(job.instrument)
    if known is None or not known.driver:
        return None
    try:
        action = driver_named(known.driver).actions.get(job.planned.action)
    except RigError:
        return None
    return None if action is None else action.readings


def _if_it_did_not(job: JobState) -> str:
    planned = job.planned
    again = f"it is sent again as attempt {job.attempt + 1}"
    if planned.recovery in ("pure", "idempotent"):
        return f"{again}; that harms nothing even if it did run"
    amounts = {name: value for name, value in planned.arguments.items() if name.endswith(_AMOUNTS)}
    if amounts:
        return f"{again}; if it did run after all, that is {arguments_text(amounts)} more!"
    return f"{again}; if it did run after all, the sample gets it twice!"


def _if_scrapped(experiment: ExperimentState, job: JobState) -> str:
    cleanup = [
        one.planned.name
        for one in experiment.jobs.values()
        if one.planned.is_cleanup and one.status is not JobStatus.DONE
    ]
    others = [name for name in experiment.jobs_in_doubt() if name != job.planned.job_id]
    wait = f", once {', '.join(others)} is answered" if others else ""
    if cleanup and not job.planned.is_cleanup:
        return f"no result; cleaned up by {', '.join(cleanup)}{wait}"
    places = sorted({*experiment.places_soiled(), *job.planned.positions})
    if not places:
        return "no result; no place is left unclean"
    return f"no result; nothing cleans up: clean {', '.join(places)} (`athanor places clean`)"

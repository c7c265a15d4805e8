"""What a person says of a job in doubt, and what follows from it, in one append.

A doubt holds its sample until a person has looked at the bench.
"""

from collections.abc import Sequence
from typing import Literal

from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    DoubtAnswered,
    Event,
    JobFailed,
    JobFinished,
    ResumeRequested,
)
from orchestrator.core.experiment import experiment_id_of
from orchestrator.errors import RequestRefused
from orchestrator.service.doubts import Answer, doubt_views
from orchestrator.service.lab import Lab
from orchestrator.service.views import DoubtView

__all__ = ["answer_doubt", "answer_events", "open_doubts"]


def open_doubts(lab: Lab, campaign_id: str | None = None) -> tuple[DoubtView, ...]:
    """Return every doubt that somebody can still answer, campaign by campaign.

    Args:
        lab: Where to look.
        campaign_id: Only in this campaign.

    Raises:
        RequestRefused: There is no such campaign.
    """
    states = lab.unfinished() if campaign_id is None else (lab.state(campaign_id),)
    laboratory = lab.laboratory()
    return tuple(doubt for state in states for doubt in doubt_views(state, laboratory))


def answer_doubt(
    lab: Lab,
    job_id: str,
    answer: Answer,
    *,
    reason: str,
    campaign_id: str | None = None,
    resumes: bool = False,
) -> DoubtView:
    """Put a person's answer and what follows from it into the log, all or nothing.

    Args:
        lab: Whose person it is.
        job_id: ``E0007/dispense_x1``.
        answer: What became of it.
        reason: What was seen on the bench.
        campaign_id: Of which campaign; None is the only one in which this job is in doubt.
        resumes: Whether a campaign that waits goes on with it.

    Returns:
        The doubt as it was.

    Raises:
        RequestRefused: The job is not in doubt, several could be meant, or there is no reason.
        LogError: The log cannot be written; nothing was appended.
    """
    if not reason.strip():
        raise RequestRefused("--reason: got nothing, expected what was seen on the bench")
    chosen = campaign_id if campaign_id is not None else _campaign_with(lab, job_id)
    answered: list[DoubtView] = []

    def events_for(state: CampaignState) -> Sequence[Event]:
        answered[:] = [_the_doubt(lab, state, job_id)]
        return answer_events(state, job_id, answer, reason, resumes=resumes)

    lab.decide(chosen, events_for)
    return answered[0]


def answer_events(
    state: CampaignState, job_id: str, answer: Answer, reason: str, *, resumes: bool = False
) -> tuple[Event, ...]:
    """Return an answer as facts: what was said, and what follows from it.

    Args:
        state: With this job in doubt.
        job_id: Which.
        answer: What a person says.
        reason: What was seen.
        resumes: Whether a campaign that waits goes on with it.
    """
    said = DoubtAnswered(job_id=job_id, answer=answer.value, reason=reason)
    follows: Event
    match answer:
        case Answer.RAN:
            follows = JobFinished(job_id=job_id)
        case Answer.DID_NOT_RUN:
            follows = _failed(job_id, "DidNotRun", reason, has_acted=False)
        case Answer.SCRAP_SAMPLE:
            follows = _failed(job_id, "SampleScrapped", reason, has_acted=True)
    if resumes and state.status.is_waiting:
        return said, follows, ResumeRequested(reason=f"{job_id} was answered: {answer}")
    return said, follows


def _failed(
    job_id: str,
    error: Literal["DidNotRun", "SampleScrapped"],
    reason: str,
    *,
    has_acted: bool,
) -> JobFailed:
    return JobFailed(job_id=job_id, error=error, message=reason, has_acted=has_acted)


def _campaign_with(lab: Lab, job_id: str) -> str:
    """Return the campaign in which a job is in doubt.

    Raises:
        RequestRefused: There is none, or more than one.
    """
    unfinished = lab.unfinished()
    found = [
        state.campaign_id
        for state in unfinished
        if any(doubt.job_id == job_id for doubt in doubt_views(state))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestRefused(
            f"{job_id} is in doubt in {', '.join(found)}: name one with --campaign"
        )
    if len(unfinished) == 1:
        return unfinished[0].campaign_id
    raise RequestRefused(f"{job_id} is in doubt in no campaign; `athanor doubt list` shows doubts")


def _the_doubt(lab: Lab, state: CampaignState, job_id: str) -> DoubtView:
    """Return one doubt of a campaign.

    Raises:
        RequestRefused: The job is not in doubt; the message says what it is.
    """
    doubts = list(doubt_views(state, lab.laboratory()))
    found = [doubt for doubt in doubts if doubt.job_id == job_id]
    if found:
        return found[0]
    others = ", ".join(doubt.job_id for doubt in doubts) or "nothing"
    raise RequestRefused(
        f"{job_id} of {state.campaign_id} is {_standing(state, job_id)}, not in doubt; "
        f"in doubt: {others}"
    )


def _standing(state: CampaignState, job_id: str) -> str:
    if state.status.has_ended:
        return f"part of a campaign that is {state.status}"
    for experiment in state.experiments:
        if experiment.experiment_id == experiment_id_of(job_id):
            for job in experiment.jobs.values():
                if job.planned.job_id == job_id:
                    return str(job.status) if experiment.is_open else f"closed, {job.status}"
    return "no job that was ever planned"

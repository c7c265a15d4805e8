"""Who has done the task that an alarm called for: doing it says that they have seen the alarm."""

from collections.abc import Mapping
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.job import JobState, JobStatus
from orchestrator.log.event_log import EventLog
from orchestrator.log.recovered import recovered_state

__all__ = ["who_did"]

_KIND: Final = "manual_task"
_DONE_BY: Final = "done_by"
"""The reading in which a manual station says who has done a task."""


def who_did(alarm: str, campaigns: Mapping[str, CampaignState], log: EventLog) -> str:
    """Return who has done the task of an alarm; empty if it is no task or was not done.

    Args:
        alarm: The alarm's name.
        campaigns: Those that have not ended, by id, perhaps without what ended long ago.
        log: Asked for a campaign or an experiment that is not among them any more.

    Raises:
        IllegalTransition: The campaign's stream cannot be folded.
        LogError: The log cannot be read.
    """
    kind, _, subject = alarm.partition("/")
    if kind != _KIND:
        return ""
    campaign_id, _, job_id = subject.partition("/")
    state = campaigns.get(campaign_id)
    job = _job_in(state, job_id) if state is not None else None
    if job is None:
        recovered = recovered_state(log, campaign_id)
        job = _job_in(recovered.state, job_id) if recovered is not None else None
    if job is None or job.status is not JobStatus.DONE:
        return ""
    done_by = (one.value for one in job.readings if one.name == _DONE_BY)
    return str(next(done_by, ""))


def _job_in(state: CampaignState, job_id: str) -> JobState | None:
    for experiment in (*state.open_experiments.values(), *reversed(state.closed_experiments)):
        for job in experiment.jobs.values():
            if job.planned.job_id == job_id:
                return job
    return None

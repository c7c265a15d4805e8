"""Jobs of several samples that one order does: a load; pure.

One of them leads: the order bears its name. What becomes of the order becomes of all of them.
"""

from collections.abc import Iterator

from orchestrator.core.campaign import CampaignState
from orchestrator.core.job import JobState, JobStatus

__all__ = ["companions_of", "open_load_of"]


def companions_of(state: CampaignState, leader: JobState) -> Iterator[JobState]:
    """Yield the jobs that a job's present attempt does besides, the oldest experiment's first.

    Args:
        state: The campaign.
        leader: Any job; most do nothing besides.
    """
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            is_led = job.led_by == leader.planned.job_id
            if is_led and job.started_time == leader.started_time:
                yield job


def open_load_of(state: CampaignState, leader: JobState) -> list[JobState]:
    """Return a job and its companions, as far as their present attempt has not ended.

    Args:
        state: The campaign.
        leader: Any job.
    """
    still_open = (JobStatus.STARTED, JobStatus.IN_DOUBT)
    load = [leader, *companions_of(state, leader)]
    return [job for job in load if job.status in still_open]

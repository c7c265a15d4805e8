"""Who of several campaigns goes first on an instrument: priority, then fair share; pure.

Each campaign is charged for an instrument when its job begins, as in start-time fair queueing
[Goyal1996]_; who has had least for its share goes first.

.. [Goyal1996] P. Goyal, H. M. Vin, H. Cheng, Start-time fair queueing: a scheduling algorithm for
   integrated services packet switching networks, ACM SIGCOMM 1996, 157,
   doi:10.1145/248156.248171.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState, JobStatus

__all__ = ["Claim", "counted_since", "used_s", "who_first"]

_N_COUNTED: Final = 20
"""How many ended experiments of a campaign are counted at most; all that read it keep so many."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one campaign may say for itself."""

    campaign_id: str
    priority: int
    share: float
    """More than 0."""
    used_s: float
    """Instrument-seconds that it had since they are counted."""
    wants: frozenset[str]
    """Instruments on which it could begin a job now."""


def counted_since(states: Iterable[CampaignState]) -> datetime:
    """Return from when on the instrument-hours of campaigns are held against each other.

    That is when the last of them joined or was resumed, so that one that comes back does not
    starve the others; and no earlier than the last twenty experiments of each reach back.

    Args:
        states: The campaigns on one bench, at least one.
    """
    return max(max(state.resumed_time, _known_since(state)) for state in states)


def used_s(state: CampaignState, since: datetime, now: datetime) -> float:
    """Return the instrument-seconds that a campaign had.

    A job that runs is charged for as long as it should take; a load is charged once.

    Args:
        state: The campaign.
        since: What ended before is not counted.
        now: The present time.
    """
    return sum(_charge_s(job, since, now) for job in _jobs(state))


def who_first(own: str, claims: Sequence[Claim], instrument: str) -> str:
    """Return the campaign that goes before one on an instrument; empty if none does.

    Args:
        own: The campaign that asks; it has a claim.
        claims: Of all campaigns on the bench.
        instrument: One that is free.
    """
    wanting = [one for one in claims if one.campaign_id == own or instrument in one.wants]
    first = min(wanting, key=_rank)
    return "" if first.campaign_id == own else first.campaign_id


def _rank(claim: Claim) -> tuple[int, float, str]:
    return -claim.priority, claim.used_s / claim.share, claim.campaign_id


def _known_since(state: CampaignState) -> datetime:
    last = _last_ended(state)
    if len(last) < _N_COUNTED:
        return state.opened_time
    return min(experiment.started_time for experiment in last)


def _last_ended(state: CampaignState) -> Sequence[ExperimentState]:
    return state.closed_experiments[-_N_COUNTED:]


def _jobs(state: CampaignState) -> Iterator[JobState]:
    for experiment in (*_last_ended(state), *state.open_experiments.values()):
        yield from experiment.jobs.values()


def _charge_s(job: JobState, since: datetime, now: datetime) -> float:
    if job.started_time is None or job.led_by:
        return 0.0
    if job.status is JobStatus.STARTED:
        elapsed_s = (now - max(job.started_time, since)).total_seconds()
        return max(job.planned.expected_s, elapsed_s)
    if job.ended_time is None:
        return 0.0
    return max(0.0, (job.ended_time - max(job.started_time, since)).total_seconds())

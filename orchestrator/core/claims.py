"""To whom of several campaigns a free instrument is left: pure, and the same for all of them.

Every engine decides alone, from the same log; that they come to the same answer keeps an instrument
from standing idle while each leaves it to the other. A claim lapses: who does not use it in time
does not block a bench.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from orchestrator.core.attempts import is_unsettled, retry_time
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.equals import choices_for
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.fair_share import Claim, counted_since, used_s, who_first
from orchestrator.core.job import JobState
from orchestrator.core.job_turns import runnable_jobs
from orchestrator.core.lab import LabState
from orchestrator.core.occupancy import Occupancy, Stay, stays_of
from orchestrator.core.others import Others

__all__ = ["CLAIM_S", "Precedence", "precedence"]

CLAIM_S: Final = 60.0
"""How long an instrument that could be used is left to a campaign that goes first, in seconds."""
_GOING_ON: Final = (CampaignStatus.RUNNING, CampaignStatus.PAUSING)


@dataclass(frozen=True, slots=True)
class Precedence:
    """Which instruments a campaign leaves to others for now."""

    claimed_s: Mapping[str, float] = field(default_factory=dict)
    """For how long at most, in seconds from now, by instrument."""
    first: Mapping[str, str] = field(default_factory=dict)
    """Who goes before, and why, in words, by instrument."""


def precedence(state: CampaignState, lab: LabState, now: datetime, others: Others) -> Precedence:
    """Return what a campaign leaves to others.

    Args:
        state: The campaign.
        lab: The laboratory.
        now: The present time.
        others: Who else is on the bench.
    """
    if not others.states:
        return Precedence()
    everyone = (state, *others.states)
    bench = _Bench(everyone, lab, now)
    until: dict[str, dict[str, datetime]] = {
        one.campaign_id: bench.claims_of(one)
        for one in others.states
        if one.campaign_id in others.driven and one.status in _GOING_ON
    }
    wanted = {name for claims in until.values() for name in claims}
    since = counted_since(everyone)
    claims = {
        one.campaign_id: Claim(
            campaign_id=one.campaign_id,
            priority=one.priority,
            share=one.share,
            used_s=used_s(one, since, now),
            wants=frozenset(wanted if one is state else until.get(one.campaign_id, ())),
        )
        for one in everyone
    }
    claimed_s: dict[str, float] = {}
    first: dict[str, str] = {}
    for name in sorted(wanted):
        who = who_first(state.campaign_id, tuple(claims.values()), name)
        if who:
            claimed_s[name] = (until[who][name] - now).total_seconds()
            first[name] = _in_words(claims[who], claims[state.campaign_id])
    return Precedence(claimed_s, first)


def _in_words(theirs: Claim, ours: Claim) -> str:
    if theirs.priority != ours.priority:
        return (
            f"{theirs.campaign_id} goes first: priority {theirs.priority} against {ours.priority}"
        )
    return (
        f"{theirs.campaign_id} goes first: it had {theirs.used_s / 3600.0:.1f} instrument-hours "
        f"for its share of {theirs.share:g}, against {ours.used_s / 3600.0:.1f} for {ours.share:g}"
    )


class _Bench:
    """What stands and runs for all campaigns of a bench."""

    def __init__(self, everyone: tuple[CampaignState, ...], lab: LabState, now: datetime) -> None:
        self._lab = lab
        self._now = now
        self._stays = tuple(
            Stay(stay.place, f"{state.campaign_id}/{stay.owner}", stay.slot)
            for state in everyone
            for experiment in state.open_experiments.values()
            for stay in stays_of(experiment, experiment.experiment_id)
        )
        self._busy: set[str] = set()
        self._free_since: dict[str, datetime] = {}
        """When an instrument or a place was last given back, as far as open experiments show."""
        for state in everyone:
            for experiment in state.open_experiments.values():
                for job in experiment.jobs.values():
                    self._note(job)

    def _note(self, job: JobState) -> None:
        if is_unsettled(job):
            self._busy.add(job.instrument)
        if job.ended_time is None:
            return
        for name in (job.instrument, *job.planned.positions):
            known = self._free_since.get(name)
            self._free_since[name] = job.ended_time if known is None else max(known, job.ended_time)

    def claims_of(self, state: CampaignState) -> dict[str, datetime]:
        """Return the free instruments that a campaign could use now, and until when it claims them.

        Args:
            state: One whose engine is there.
        """
        room = Occupancy(state.slots, self._stays, self._lab.unclean)
        found: dict[str, datetime] = {}
        for experiment in state.open_experiments.values():
            for job in runnable_jobs(experiment):
                since = self._possible_since(state, experiment, job)
                owner = f"{state.campaign_id}/{experiment.experiment_id}"
                if since is None or room.why_not(job.planned.positions, owner):
                    continue
                for name in self._usable(state, experiment, job):
                    until = max(since, self._since(name)) + timedelta(seconds=CLAIM_S)
                    if until > self._now:
                        found[name] = max(until, found.get(name, until))
        return found

    def _possible_since(
        self, state: CampaignState, experiment: ExperimentState, job: JobState
    ) -> datetime | None:
        """Return since when nothing but instruments kept a job waiting; None if it waits for more.

        Args:
            state: The campaign.
            experiment: The job's.
            job: One whose turn it is.
        """
        again = retry_time(job)
        if again is not None and again > self._now:
            return None
        before = [experiment.jobs[name] for name in job.planned.after if name in experiment.jobs]
        ends = [one.ended_time for one in before if one.ended_time is not None]
        times = [experiment.started_time, state.resumed_time, *ends]
        times += [] if again is None else [again]
        times += [
            self._free_since[place] for place in job.planned.positions if place in self._free_since
        ]
        return max(times)

    def _usable(
        self, state: CampaignState, experiment: ExperimentState, job: JobState
    ) -> Iterator[str]:
        for name in choices_for(state, experiment, job):
            if name not in self._busy and not self._lab.why_unusable(name):
                yield name

    def _since(self, instrument: str) -> datetime:
        """Return since when an instrument is free and answers."""
        known = self._lab.instruments.get(instrument)
        times = [datetime.min.replace(tzinfo=self._now.tzinfo)]
        times += [] if known is None else [known.since]
        times += [self._free_since[instrument]] if instrument in self._free_since else []
        return max(times)

"""The other unfinished campaigns of the same bench, as a decision about one of them sees them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.contamination import PlaceRecord
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.occupancy import Stay, stays_of

__all__ = ["NOBODY", "Others"]

_GRACE: Final = timedelta(seconds=60)
"""How long a job of a campaign that nobody drives is taken to go on after it should have ended."""


@dataclass(frozen=True, slots=True)
class Others:
    """What stands and runs on a bench for other campaigns."""

    states: tuple[CampaignState, ...] = ()
    """Unfinished ones, by campaign id."""
    driven: frozenset[str] = frozenset()
    """Ids of those whose engine is there."""
    past: Mapping[str, Mapping[str, PlaceRecord]] = field(default_factory=dict)
    """What ended ones did to places while this one was open, by campaign id and place."""

    def records_at(self, place: str) -> tuple[PlaceRecord, ...]:
        """Return what they did to a place, each in words that say whose samples were there.

        Args:
            place: Which.
        """
        known = {**self.past, **{state.campaign_id: state.places for state in self.states}}
        return tuple(of[place].named(name) for name, of in sorted(known.items()) if place in of)

    def stays(self) -> tuple[Stay, ...]:
        """Return where their samples stand, with whose they are: ``oer-plate-1/E0007``."""
        return tuple(
            stay
            for state in self.states
            for experiment in state.open_experiments.values()
            for stay in stays_of(experiment, f"{state.campaign_id}/{experiment.experiment_id}")
        )

    def running(self, now: datetime) -> Iterator[tuple[CampaignState, JobState]]:
        """Yield the jobs that occupy an instrument, each load once.

        A doubt of another campaign occupies nothing: the station knows whether its instrument is
        free. Nor does what should have ended long ago, if nobody is there to say that it has.

        Args:
            now: The present time.
        """
        for state in self.states:
            for experiment in state.open_experiments.values():
                for job in experiment.jobs.values():
                    if job.status is not JobStatus.STARTED or job.led_by:
                        continue
                    if state.campaign_id in self.driven or not _is_overdue(job, now):
                        yield state, job


def _is_overdue(job: JobState, now: datetime) -> bool:
    if job.started_time is None:
        return True
    expected = timedelta(seconds=1.5 * job.planned.expected_s)
    return now > job.started_time + expected + _GRACE


NOBODY: Final = Others()
"""A bench that one campaign has to itself."""

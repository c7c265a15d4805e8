"""Every instrument as a person wants it: what it does, what it said last, what ails it.

A value is shown with its age, always; only telemetry that is a few seconds old counts as present.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from orchestrator.core.campaign import CampaignState
from orchestrator.core.job import JobStatus
from orchestrator.service.alarms import AlarmView
from orchestrator.service.lab import Lab
from orchestrator.service.lab_health_jobs import RunningJob
from orchestrator.service.laboratory_view import InstrumentView
from orchestrator.service.recent_past import ShownReading, shown_readings

__all__ = [
    "FRESH_S",
    "InstrumentCard",
    "LiveValue",
    "instrument_cards",
    "last_readings",
    "live_values",
]

FRESH_S: Final = 10.0
"""Telemetry that is older is not the present any more, in seconds."""
_LOOKED_BACK: Final = timedelta(minutes=30)
_MOST_VALUES: Final = 6

Doing: TypeAlias = Literal[
    "running", "unwatched", "in_doubt", "ready", "not usable", "lost", "out of service", "unknown"
]


class LiveValue(BaseModel):
    """A value that an instrument showed in passing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """With its unit as the suffix."""
    value: float
    time: datetime
    age_s: float

    @property
    def is_fresh(self) -> bool:
        """Whether it may count as the present."""
        return self.age_s <= FRESH_S


class InstrumentCard(BaseModel):
    """One instrument with all that is known of it now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instrument: InstrumentView
    doing: Doing
    """What it does, in one word."""
    jobs: tuple[RunningJob, ...]
    """What runs there, and of what nobody knows whether it ran; the latter first."""
    live: tuple[LiveValue, ...]
    """The last telemetry of each name."""
    readings: tuple[ShownReading, ...]
    """What its last job gave."""
    alarms: tuple[AlarmView, ...]

    @property
    def is_out(self) -> bool:
        """Whether a person took it out of service."""
        return self.instrument.status == "out"

    @property
    def needs_look(self) -> bool:
        """Whether somebody should look at it."""
        return self.doing in ("lost", "in_doubt", "unwatched", "not usable") or bool(self.alarms)


def instrument_cards(
    instruments: Iterable[InstrumentView],
    *,
    running: Sequence[RunningJob],
    readings: Mapping[str, tuple[ShownReading, ...]],
    live: Mapping[str, tuple[LiveValue, ...]],
    alarms: Sequence[AlarmView],
) -> tuple[InstrumentCard, ...]:
    """Return every instrument with what it does, by name.

    Args:
        instruments: All that were ever heard of.
        running: Jobs that run or are in doubt.
        readings: By instrument, what its last job gave.
        live: By instrument, the last telemetry.
        alarms: The active ones.
    """
    by_instrument: dict[str, list[RunningJob]] = {}
    for job in sorted(running, key=lambda one: (not one.is_in_doubt, one.since)):
        by_instrument.setdefault(job.instrument, []).append(job)
    return tuple(
        _card(
            one,
            tuple(by_instrument.get(one.name, ())),
            readings.get(one.name, ()),
            live.get(one.name, ()),
            alarms,
        )
        for one in sorted(instruments, key=lambda view: view.name)
    )


def _card(
    instrument: InstrumentView,
    jobs: tuple[RunningJob, ...],
    readings: tuple[ShownReading, ...],
    live: tuple[LiveValue, ...],
    alarms: Sequence[AlarmView],
) -> InstrumentCard:
    return InstrumentCard(
        instrument=instrument,
        doing=_doing(instrument, jobs),
        jobs=jobs,
        live=live[:_MOST_VALUES],
        readings=readings[:_MOST_VALUES],
        alarms=tuple(
            one
            for one in alarms
            if one.status != "shelved" and instrument.name in one.alarm.split("/")[1:]
        ),
    )


def _doing(instrument: InstrumentView, jobs: Sequence[RunningJob]) -> Doing:
    if instrument.status == "lost":
        return "lost"
    if any(job.is_in_doubt for job in jobs):
        return "in_doubt"
    if jobs:
        return "running" if all(job.is_watched for job in jobs) else "unwatched"
    if instrument.status == "out":
        return "out of service"
    if instrument.why_unusable:
        return "not usable"
    return "ready" if instrument.status == "connected" else "unknown"


def last_readings(
    campaigns: Iterable[CampaignState], known: Mapping[str, tuple[ShownReading, ...]]
) -> dict[str, tuple[ShownReading, ...]]:
    """Return what the last job of each instrument gave.

    Args:
        campaigns: Those that have not ended; samples on the bench may be older than what is known.
        known: By instrument, what was seen lately.
    """
    found = dict(known)
    for state in campaigns:
        for experiment in state.open_experiments.values():
            for job in experiment.jobs.values():
                if job.status is not JobStatus.DONE:
                    continue
                shown = shown_readings(state.campaign_id, experiment, job.planned.name)
                before = found.get(job.instrument)
                if shown and (before is None or before[0].time < shown[0].time):
                    found[job.instrument] = shown
    return found


def live_values(
    lab: Lab, instruments: Iterable[str], now: datetime
) -> dict[str, tuple[LiveValue, ...]]:
    """Return the last telemetry of each instrument, as far as somebody recorded any.

    Args:
        lab: Whose.
        instruments: Their names.
        now: On the clock of the bench.

    Raises:
        LogError: The log cannot be read.
    """
    found = {}
    for name in instruments:
        samples = lab.telemetry(name, since=now - _LOOKED_BACK, until=now)
        last = {one.name: one for one in samples}
        found[name] = tuple(
            LiveValue(
                name=one.name,
                value=one.value,
                time=one.time,
                age_s=max(0.0, (now - one.time).total_seconds()),
            )
            for one in last.values()
        )
    return found

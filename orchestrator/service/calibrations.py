"""A person says that an instrument was calibrated."""

from collections.abc import Sequence
from datetime import datetime

from orchestrator.core.events import InstrumentCalibrated, LabEvent
from orchestrator.core.lab import LabState
from orchestrator.errors import RequestRefused
from orchestrator.service.lab import Lab

__all__ = ["record_calibration"]


def record_calibration(lab: Lab, instrument: str, *, certificate: str) -> datetime:
    """Write down a calibration.

    Args:
        lab: Whose person it is.
        instrument: Its name in the rig file.
        certificate: Where the result is kept; may be empty.

    Returns:
        When it counts from.

    Raises:
        RequestRefused: Neither the laboratory nor a campaign has ever heard of the instrument.
    """
    known = {
        job.instrument
        for state in lab.unfinished()
        for experiment in state.experiments
        for job in experiment.jobs.values()
    }

    def events_for(state: LabState) -> Sequence[LabEvent]:
        names = known | set(state.instruments)
        if instrument not in names:
            there = ", ".join(sorted(names)) or "none"
            raise RequestRefused(f"no instrument {instrument!r} was ever heard of; known: {there}")
        return (InstrumentCalibrated(instrument=instrument, certificate=certificate),)

    time = lab.decide_in_lab(events_for).instruments[instrument].calibrated_time
    if time is None:
        raise RequestRefused(f"{instrument}: its calibration was not written down")
    return time

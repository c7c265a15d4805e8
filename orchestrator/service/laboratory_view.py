"""The laboratory as a person sees it: latch, interlocks, instruments, places; and how old it is.

Times are given as they stand in the log, in UTC; ages are told on the clock of whoever asks.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from orchestrator.core.lab import InstrumentState, InstrumentStatus, LabState

__all__ = ["InstrumentView", "LaboratoryView", "PlaceView", "StationSign", "laboratory_view"]


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InstrumentView(_View):
    """One instrument of the laboratory."""

    name: str
    status: str
    """``connected``, ``lost``, ``out`` or ``unknown``."""
    reason: str
    """Why it is lost or out of service."""
    since: datetime
    identity: str
    driver: str
    why_unusable: str
    """Why no job may be sent to it, for whatever reason; empty if one may."""
    calibrated_time: datetime | None


class PlaceView(_View):
    """One place that no sample may use."""

    place: str
    campaign_id: str
    experiment_id: str
    """Whose sample left it so."""
    since: datetime | None
    """When it was left so."""


class StationSign(_View):
    """Whether a station that is there says anything when it is asked now."""

    station: str
    """The rig that it serves."""
    pid: int
    """Its process; 0 if it does not answer."""
    is_answering: bool


class LaboratoryView(_View):
    """Everything that is shown of the laboratory."""

    latch: str
    """Why the stop latch is set; empty when it is not."""
    tripped: Mapping[str, str]
    """Interlocks that do not hold, with the reason."""
    instruments: tuple[InstrumentView, ...]
    unclean: tuple[PlaceView, ...]
    unsafe: Mapping[str, str]
    """Instruments that the watchdog could not make safe."""
    station: str
    """Which process holds the lines; empty if none does."""
    last_time: datetime | None
    """When something was last said of the laboratory."""
    signs: tuple[StationSign, ...] = ()
    """The stations that are there, where somebody has asked them."""

    @property
    def lost(self) -> tuple[InstrumentView, ...]:
        """Instruments that do not answer or are out of service."""
        return tuple(one for one in self.instruments if one.status in ("lost", "out"))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing here keeps a campaign from going on."""
        return not (self.latch or self.tripped or self.lost or self.unclean or self.unsafe)


def laboratory_view(
    lab: LabState, last_time: datetime | None, left_times: Mapping[str, datetime]
) -> LaboratoryView:
    """Return the laboratory as it is shown.

    Args:
        lab: Folded from its stream.
        last_time: Of the last record of that stream.
        left_times: When each place was left unclean.
    """
    station = lab.station
    return LaboratoryView(
        latch=lab.latch,
        tripped={name: one.reason for name, one in lab.tripped.items()},
        instruments=tuple(
            _instrument(lab, name, one) for name, one in sorted(lab.instruments.items())
        ),
        unclean=tuple(
            _place(place, who, left_times.get(place)) for place, who in lab.unclean.items()
        ),
        unsafe=dict(lab.unsafe),
        station="" if station is None else f"process {station.pid} on {station.host}",
        last_time=last_time,
    )


def _instrument(lab: LabState, name: str, known: InstrumentState) -> InstrumentView:
    is_there = known.status is InstrumentStatus.CONNECTED
    return InstrumentView(
        name=name,
        status=str(known.status),
        reason="" if is_there else known.reason,
        since=known.since,
        identity=known.identity,
        driver=known.driver,
        why_unusable=lab.why_unusable(name),
        calibrated_time=known.calibrated_time,
    )


def _place(place: str, who: str, since: datetime | None) -> PlaceView:
    campaign_id, _, experiment_id = who.rpartition("/")
    return PlaceView(place=place, campaign_id=campaign_id, experiment_id=experiment_id, since=since)

"""The laboratory folded from its stream: instruments, latch, interlocks, places, alarms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from orchestrator.core.alarms import Alarms
from orchestrator.core.events import (
    AccessChanged,
    AlarmAcknowledged,
    AlarmEvent,
    CampaignJoined,
    Event,
    InstrumentCalibrated,
    InstrumentConnected,
    InstrumentEvent,
    InstrumentLost,
    InstrumentPutBack,
    InstrumentTakenOut,
    InterlockReleased,
    InterlockTripped,
    LatchCleared,
    LatchSet,
    PlacesCleaned,
    PlacesLeftUnclean,
    StationAttached,
    StationDetached,
    StockEvent,
    WatchdogActed,
)
from orchestrator.errors import IllegalTransition

__all__ = [
    "INSTRUMENT_TRANSITIONS",
    "CleanedPlace",
    "InstrumentState",
    "InstrumentStatus",
    "LabState",
    "fold_lab",
]


_T = TypeVar("_T")


class InstrumentStatus(StrEnum):
    """Where an instrument stands. Exactly one holds at a time."""

    UNKNOWN = "unknown"
    CONNECTED = "connected"
    LOST = "lost"
    OUT = "out"
    """Taken out of service by a person."""


_S = InstrumentStatus
_GIVEN_UP: Final = "webhook given up"
"""What the file of accounts calls a webhook that was switched off by itself."""
INSTRUMENT_TRANSITIONS: Final[
    dict[tuple[InstrumentStatus, type[InstrumentEvent]], InstrumentStatus]
] = {
    (_S.UNKNOWN, InstrumentConnected): _S.CONNECTED,
    (_S.UNKNOWN, InstrumentLost): _S.LOST,
    (_S.UNKNOWN, InstrumentTakenOut): _S.OUT,
    (_S.UNKNOWN, InstrumentPutBack): _S.UNKNOWN,
    (_S.CONNECTED, InstrumentConnected): _S.CONNECTED,
    (_S.CONNECTED, InstrumentLost): _S.LOST,
    (_S.CONNECTED, InstrumentTakenOut): _S.OUT,
    (_S.CONNECTED, InstrumentPutBack): _S.CONNECTED,
    (_S.LOST, InstrumentConnected): _S.CONNECTED,
    (_S.LOST, InstrumentLost): _S.LOST,
    (_S.LOST, InstrumentTakenOut): _S.OUT,
    (_S.LOST, InstrumentPutBack): _S.LOST,
    (_S.OUT, InstrumentConnected): _S.OUT,
    (_S.OUT, InstrumentLost): _S.OUT,
    (_S.OUT, InstrumentTakenOut): _S.OUT,
    (_S.OUT, InstrumentPutBack): _S.UNKNOWN,
}
"""The whole life of an instrument. Putting back one that is in service changes nothing."""


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """What is known of one instrument."""

    status: InstrumentStatus
    reason: str
    """Why it is lost or out of service."""
    since: datetime
    """When it came to its status."""
    identity: str = ""
    driver: str = ""
    calibrated_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class CleanedPlace:
    """A place that a person cleaned."""

    time: datetime
    left_by: str
    """Who had left it unclean: ``oer-plate-1/E0007``."""


@dataclass(frozen=True, slots=True)
class LabState:
    """What is known of the laboratory after some of its events."""

    version: int = 0
    """How many events its stream has; the version that a decision names."""
    instruments: Mapping[str, InstrumentState] = field(default_factory=dict)
    latch: str = ""
    """Why the stop latch is set; empty when it is not."""
    freed_time: datetime | None = None
    """When the latch was cleared or an interlock released last."""
    tripped: Mapping[str, InterlockTripped] = field(default_factory=dict)
    """Interlocks that do not hold, by name."""
    unclean: Mapping[str, str] = field(default_factory=dict)
    """Places that no sample may use, with who left them so: ``oer-plate-1/E0007``."""
    cleaned: Mapping[str, CleanedPlace] = field(default_factory=dict)
    """What people cleaned that was left unclean, as of the last time."""
    station: StationAttached | None = None
    """The station that has the lines, if one has."""
    unsafe: Mapping[str, str] = field(default_factory=dict)
    """Instruments that the watchdog could not make safe, until they are connected again."""
    watchdog: WatchdogActed | None = None
    """What the watchdog did last, until a person acknowledges the alarm about it."""
    alarms: Alarms = field(default_factory=Alarms)
    access_changed: AccessChanged | None = None
    """The last change of accounts, tokens or webhooks that was written down."""
    given_up: Mapping[str, datetime] = field(default_factory=dict)
    """Webhooks that were switched off because nothing was taken, by number, with the time."""

    def why_unusable(self, instrument: str) -> str:
        """Say why no job may be sent to an instrument; empty if one may.

        Args:
            instrument: One that was never heard of may be used.
        """
        if self.latch:
            return f"the stop latch is set: {self.latch}"
        for tripped in self.tripped.values():
            if instrument in tripped.instruments:
                return f"interlock {tripped.interlock}: {tripped.reason}"
        known = self.instruments.get(instrument)
        if known is None or known.status in (InstrumentStatus.UNKNOWN, InstrumentStatus.CONNECTED):
            return ""
        word = "out of service" if known.status is InstrumentStatus.OUT else "not connected"
        return f"{instrument} is {word}: {known.reason}"

    def after(self, event: Event, time: datetime) -> "LabState":
        """Return the state after one more event of the stream ``lab``.

        Args:
            event: What happened.
            time: When.

        Raises:
            IllegalTransition: The table has no such pair, or it is no event of the laboratory.
        """
        if isinstance(event, InstrumentEvent | InstrumentCalibrated):
            changes = _after_instrument(self, event, time)
        elif isinstance(event, AlarmEvent):
            changes = {"alarms": self.alarms.after(event, time)}
            if isinstance(event, AlarmAcknowledged) and event.alarm == "watchdog":
                changes["watchdog"] = None
        elif isinstance(event, StockEvent | CampaignJoined):
            changes = {}  # other tables and streams tell; here it moves the version that is named
        else:
            changes = _after_bench(self, event, time)
        return replace(self, version=self.version + 1, **changes)


def _after_bench(lab: LabState, event: Event, time: datetime) -> dict[str, Any]:
    """Return the fields that an event sets which is not about one instrument or alarm."""
    match event:
        case LatchSet():
            return {"latch": f"{event.source}: {event.reason}"}
        case LatchCleared():
            return {"latch": "", "freed_time": time}
        case InterlockTripped():
            return {"tripped": {**lab.tripped, event.interlock: event}}
        case InterlockReleased():
            return {"tripped": _without(lab.tripped, event.interlock), "freed_time": time}
        case StationAttached() | StationDetached():
            return {"station": event if isinstance(event, StationAttached) else None}
        case WatchdogActed():
            return {"station": None, "unsafe": dict(event.unsafe), "watchdog": event}
        case PlacesLeftUnclean() | PlacesCleaned():
            return _after_places(lab, event, time)
        case AccessChanged():
            return {"access_changed": event, "given_up": _after_webhook(lab, event)}
        case _:
            raise IllegalTransition("the laboratory", "no campaign", event.kind)


def _after_places(
    lab: LabState, event: PlacesLeftUnclean | PlacesCleaned, time: datetime
) -> dict[str, Any]:
    if isinstance(event, PlacesLeftUnclean):
        left = dict.fromkeys(event.places, f"{event.campaign_id}/{event.experiment_id}")
        return {"unclean": {**lab.unclean, **left}}
    cleaned = {
        place: CleanedPlace(time, lab.unclean[place])
        for place in event.places
        if place in lab.unclean
    }
    return {
        "unclean": _without(lab.unclean, *event.places),
        "cleaned": {**lab.cleaned, **cleaned},
    }


def _after_webhook(lab: LabState, event: AccessChanged) -> dict[str, datetime]:
    """Return the webhooks given up; whatever a person does with one afterwards settles it."""
    if not event.what.startswith("webhook "):
        return dict(lab.given_up)
    hook_id = event.about.partition(" ")[0]
    others = _without(lab.given_up, hook_id)
    return {**others, hook_id: event.done_time} if event.what == _GIVEN_UP else others


def _after_instrument(
    lab: LabState, event: InstrumentEvent | InstrumentCalibrated, time: datetime
) -> dict[str, Any]:
    name = event.instrument
    known = lab.instruments.get(name, InstrumentState(InstrumentStatus.UNKNOWN, "", time))
    if isinstance(event, InstrumentCalibrated):
        return {"instruments": {**lab.instruments, name: replace(known, calibrated_time=time)}}
    status = INSTRUMENT_TRANSITIONS.get((known.status, type(event)))
    if status is None:
        raise IllegalTransition(f"instrument {name}", str(known.status), event.kind)
    after = replace(known, status=status, since=known.since if status is known.status else time)
    unsafe = lab.unsafe
    match event:
        case InstrumentConnected():
            after = replace(after, identity=event.identity, driver=event.driver)
            unsafe = _without(unsafe, name)
        case InstrumentTakenOut():
            after = replace(after, reason=event.reason)
        case InstrumentLost() if status is InstrumentStatus.LOST:
            after = replace(after, reason=event.reason)
    if status in (InstrumentStatus.CONNECTED, InstrumentStatus.UNKNOWN):
        after = replace(after, reason="")
    return {"instruments": {**lab.instruments, name: after}, "unsafe": unsafe}


def _without(table: Mapping[str, _T], *names: str) -> dict[str, _T]:
    return {name: value for name, value in table.items() if name not in names}


def fold_lab(events: Iterable[tuple[Event, datetime]]) -> LabState:
    """Return what the laboratory's events add up to.

    Args:
        events: The events of the stream ``lab`` with their times, in order.

    Raises:
        IllegalTransition: An event cannot follow those before it.
    """
    state = LabState()
    for event, time in events:
        state = state.after(event, time)
    return state

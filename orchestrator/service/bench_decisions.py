"""What a person decides about the whole laboratory: emergency stop, latch, instruments, places.

What makes the bench safer goes to the living stations first and into the log after. What lets it
work again needs a named person, and is refused where there is nothing to let go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.events import (
    InstrumentPutBack,
    InstrumentTakenOut,
    LabEvent,
    LatchCleared,
    LatchSet,
    PlacesCleaned,
)
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.errors import LogError, RequestRefused
from orchestrator.service.lab import Lab
from orchestrator.service.station_door import StationDoor, StationReply, log_error_after

__all__ = [
    "Decided",
    "clean_places",
    "clear_latch",
    "emergency_stop",
    "put_back",
    "refuse_unnamed",
    "take_out",
]

_NOT_PEOPLE: Final = frozenset({"engine", "station", "watchdog", "root", "athanor"})


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision about the laboratory."""

    lab: LabState
    """As it stands after it."""
    replies: tuple[StationReply, ...]
    """What the living stations said; empty if none lives."""


def refuse_unnamed(name: str, what: str) -> None:
    """Refuse what only a person may do when no person is named.

    Args:
        name: Who asks.
        what: What is asked, for the message.

    Raises:
        RequestRefused: The name is one of ours, or nobody's.
    """
    if not name.strip() or name.lower() in _NOT_PEOPLE:
        raise RequestRefused(f"{what}: got the name {name!r}, expected that of a person")


def emergency_stop(lab_of: Callable[[], Lab], door: StationDoor, *, reason: str) -> Decided:
    """Set the stop latch: stations first, then the log, whatever state either is in.

    Args:
        lab_of: Opens the log; called only after the stations were told.
        door: The stations.
        reason: Why.

    Raises:
        RequestRefused: There is no reason.
        LogError: The log cannot be opened or written; the message says what the stations did.
    """
    _refuse_empty(reason)
    replies = tuple(door.emergency_stop(reason))

    def events_for(lab: LabState) -> Sequence[LabEvent]:
        stop = LatchSet(source="operator", reason=reason)
        return () if lab.latch == f"{stop.source}: {stop.reason}" else (stop,)

    try:
        with lab_of() as lab:
            return Decided(lab.decide_in_lab(events_for), replies)
    except LogError as error:
        raise log_error_after(error, replies) from error


def clear_latch(lab: Lab, door: StationDoor, *, reason: str, by: str) -> Decided:
    """Clear the stop latch.

    Args:
        lab: Whose person it is.
        door: The stations.
        reason: Why it is safe again.
        by: The person, said on purpose.

    Raises:
        RequestRefused: It is not set, no person is named, a station refuses, or there is no reason.
        LogError: The log cannot be written.
    """
    _refuse_empty(reason)
    refuse_unnamed(by, "clearing the latch")
    if not lab.laboratory().latch:
        raise RequestRefused("the stop latch is not set")
    replies = _told(door.clear_latch(reason))

    def events_for(state: LabState) -> Sequence[LabEvent]:
        return (LatchCleared(reason=reason),) if state.latch else ()

    return Decided(lab.decide_in_lab(events_for), replies)


def take_out(lab: Lab, door: StationDoor, instrument: str, *, reason: str) -> Decided:
    """Take an instrument out of service: no job is sent to it until it is put back.

    Args:
        lab: Whose person it is.
        door: The stations.
        instrument: Its name in the rig file.
        reason: Why.

    Raises:
        RequestRefused: It is out already, was never heard of, or there is no reason.
        LogError: The log cannot be written; the message says what the stations did.
    """
    _refuse_empty(reason)
    _refuse_unknown(lab, instrument)
    known = lab.laboratory().instruments.get(instrument)
    if known is not None and known.status is InstrumentStatus.OUT:
        raise RequestRefused(f"{instrument} is out of service already: {known.reason}")
    replies = _told(door.take_out(instrument, reason))

    def events_for(state: LabState) -> Sequence[LabEvent]:
        if _is_out(state, instrument):
            return ()
        return (InstrumentTakenOut(instrument=instrument, reason=reason),)

    try:
        return Decided(lab.decide_in_lab(events_for), replies)
    except LogError as error:
        raise log_error_after(error, replies) from error


def put_back(lab: Lab, door: StationDoor, instrument: str, *, reason: str) -> Decided:
    """Put an instrument back into service.

    Args:
        lab: Whose person it is.
        door: The stations.
        instrument: Its name in the rig file.
        reason: Why; may be empty.

    Raises:
        RequestRefused: It is not out of service, or a station refuses.
        LogError: The log cannot be written.
    """
    _refuse_unknown(lab, instrument)
    known = lab.laboratory().instruments.get(instrument)
    if known is None or known.status is not InstrumentStatus.OUT:
        status = "in service" if known is None else str(known.status)
        raise RequestRefused(f"{instrument} is {status}, not out of service")
    replies = _told(door.put_back(instrument, reason))

    def events_for(state: LabState) -> Sequence[LabEvent]:
        is_out = _is_out(state, instrument)
        return (InstrumentPutBack(instrument=instrument, reason=reason),) if is_out else ()

    return Decided(lab.decide_in_lab(events_for), replies)


def clean_places(
    lab: Lab, door: StationDoor, places: Sequence[str], *, reason: str
) -> tuple[Decided, dict[str, str]]:
    """Say that places are clean, so that samples may use them again.

    Args:
        lab: Whose person it is.
        door: The stations, whose engines look at once.
        places: Their names in the rig file, or ``all``.
        reason: How they were cleaned.

    Returns:
        What became of it, and who had left each place unclean.

    Raises:
        RequestRefused: One of them is not unclean, or there is no reason.
        LogError: The log cannot be written.
    """
    _refuse_empty(reason)
    cleaned: dict[str, str] = {}

    def events_for(state: LabState) -> Sequence[LabEvent]:
        cleaned.clear()
        chosen = list(state.unclean) if list(places) == ["all"] else list(dict.fromkeys(places))
        clean = [place for place in chosen if place not in state.unclean]
        if clean or not chosen:
            unclean = ", ".join(state.unclean) or "none"
            raise RequestRefused(
                f"{', '.join(clean) or 'all'}: not unclean; unclean places: {unclean}"
            )
        cleaned.update({place: state.unclean[place] for place in chosen})
        return (PlacesCleaned(places=tuple(chosen), reason=reason),)

    after = lab.decide_in_lab(events_for)
    return Decided(after, tuple(door.wake(""))), cleaned


def _refuse_empty(reason: str) -> None:
    if not reason.strip():
        raise RequestRefused("--reason: got nothing, expected why, in your words")


def _refuse_unknown(lab: Lab, instrument: str) -> None:
    """Refuse a name that neither the laboratory nor a campaign has ever heard of.

    Raises:
        RequestRefused: With the names that are known.
    """
    known = set(lab.laboratory().instruments)
    for state in lab.unfinished():
        for experiment in state.experiments:
            known.update(job.instrument for job in experiment.jobs.values())
    if instrument not in known:
        names = ", ".join(sorted(known)) or "none"
        raise RequestRefused(f"no instrument {instrument!r} was ever heard of; known: {names}")


def _is_out(state: LabState, instrument: str) -> bool:
    known = state.instruments.get(instrument)
    return known is not None and known.status is InstrumentStatus.OUT


def _told(replies: Sequence[StationReply]) -> tuple[StationReply, ...]:
    """Return what stations said.

    Raises:
        RequestRefused: One of them refused.
    """
    refused = [reply for reply in replies if not reply.is_done]
    if refused:
        raise RequestRefused("; ".join(f"{one.station}: {one.message}" for one in refused))
    return tuple(replies)

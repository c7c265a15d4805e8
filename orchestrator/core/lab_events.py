"""Facts about the laboratory, whatever campaign it works for; they go to the stream ``lab``.

Who did it stands in the record, not in the event: a person's name, ``engine``, ``station`` or
``watchdog``.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import Field

from orchestrator.core.point import Fact
from orchestrator.core.stock_events import StockEvent

__all__ = [
    "AccessChanged",
    "AlarmAcknowledged",
    "AlarmEvent",
    "AlarmNotified",
    "AlarmRaised",
    "AlarmReturned",
    "AlarmShelved",
    "AlarmUnshelved",
    "CampaignJoined",
    "InstrumentCalibrated",
    "InstrumentConnected",
    "InstrumentEvent",
    "InstrumentLost",
    "InstrumentPutBack",
    "InstrumentTakenOut",
    "InterlockReleased",
    "InterlockTripped",
    "LabEvent",
    "LatchCleared",
    "LatchSet",
    "PlacesCleaned",
    "PlacesLeftUnclean",
    "Severity",
    "StationAttached",
    "StationDetached",
    "WatchdogActed",
]


class Severity(StrEnum):
    """How soon somebody must act on an alarm, the most urgent first."""

    CRITICAL = "critical"
    """Now: people, plant or samples are in danger."""
    HIGH = "high"
    """Within the hour: the laboratory stands still or soon will."""
    LOW = "low"
    """This working day."""


class InstrumentConnected(Fact):
    """The right device answered."""

    kind: Literal["InstrumentConnected"] = "InstrumentConnected"
    instrument: str
    driver: str
    identity: str


class InstrumentLost(Fact):
    """A device does not answer, or another one does."""

    kind: Literal["InstrumentLost"] = "InstrumentLost"
    instrument: str
    reason: str


class InstrumentTakenOut(Fact):
    """A person took an instrument out of service; no job is sent to it."""

    kind: Literal["InstrumentTakenOut"] = "InstrumentTakenOut"
    instrument: str
    reason: str = Field(min_length=1)


class InstrumentPutBack(Fact):
    """A person put an instrument back into service."""

    kind: Literal["InstrumentPutBack"] = "InstrumentPutBack"
    instrument: str
    reason: str = ""


class InstrumentCalibrated(Fact):
    """A person calibrated an instrument."""

    kind: Literal["InstrumentCalibrated"] = "InstrumentCalibrated"
    instrument: str
    certificate: str = ""
    """Where the result is kept; free text."""


class StationAttached(Fact):
    """A station took the rig's lines."""

    kind: Literal["StationAttached"] = "StationAttached"
    rig_name: str
    rig_sha256: str
    host: str
    pid: int


class StationDetached(Fact):
    """A station let go of the rig's lines in an orderly way."""

    kind: Literal["StationDetached"] = "StationDetached"
    rig_name: str
    reason: str


class CampaignJoined(Fact):
    """A campaign's engine came to the bench: who decided without knowing of it decides again."""

    kind: Literal["CampaignJoined"] = "CampaignJoined"
    campaign_id: str
    rig_name: str


class LatchSet(Fact):
    """The stop latch was set: everything was made safe and nothing is sent until it is cleared."""

    kind: Literal["LatchSet"] = "LatchSet"
    source: str
    """``operator``, or the interlock that set it."""
    reason: str


class LatchCleared(Fact):
    """A named person cleared the stop latch."""

    kind: Literal["LatchCleared"] = "LatchCleared"
    reason: str = Field(min_length=1)


class InterlockTripped(Fact):
    """The condition of an interlock does not hold, or its readings cannot be had."""

    kind: Literal["InterlockTripped"] = "InterlockTripped"
    interlock: str
    reason: str
    """Condition and readings, or why they cannot be had."""
    instruments: tuple[str, ...]
    """Those that it protects."""


class InterlockReleased(Fact):
    """The condition of an interlock holds again."""

    kind: Literal["InterlockReleased"] = "InterlockReleased"
    interlock: str


class WatchdogActed(Fact):
    """The watchdog ended a silent station and made the instruments safe in its place."""

    kind: Literal["WatchdogActed"] = "WatchdogActed"
    reason: str
    unsafe: dict[str, str] = Field(default_factory=dict)
    """Instruments that could not be made safe, with the reason."""


class PlacesLeftUnclean(Fact):
    """A failed experiment left places that no other sample may use."""

    kind: Literal["PlacesLeftUnclean"] = "PlacesLeftUnclean"
    places: tuple[str, ...] = Field(min_length=1)
    campaign_id: str
    experiment_id: str


class PlacesCleaned(Fact):
    """A person says that places are clean."""

    kind: Literal["PlacesCleaned"] = "PlacesCleaned"
    places: tuple[str, ...] = Field(min_length=1)
    reason: str = ""


class AccessChanged(Fact):
    """Somebody changed who may use the laboratory from afar, or who is told of it.

    It was done before, in the file of accounts; no secret stands here.
    """

    kind: Literal["AccessChanged"] = "AccessChanged"
    change_id: int = Field(ge=1)
    """Counted in the file of accounts."""
    done_time: datetime
    """When it was done there."""
    what: str
    """``account made``, ``token revoked``…"""
    about: str
    """The account, the token's number and label, or the webhook's number."""


class AlarmRaised(Fact):
    """Something needs a person."""

    kind: Literal["AlarmRaised"] = "AlarmRaised"
    alarm: str
    """What it is about, the same name for ever: ``in_doubt/oer-plate-1/E0003/dispense``."""
    severity: Severity
    message: str
    """What is the matter."""
    consequence: str
    """What happens if nobody does anything."""
    what_to_do: str
    """The first thing to do, with the command."""


class AlarmAcknowledged(Fact):
    """A person has seen an alarm and takes care of it."""

    kind: Literal["AlarmAcknowledged"] = "AlarmAcknowledged"
    alarm: str
    reason: str = ""


class AlarmReturned(Fact):
    """What an alarm was about is over."""

    kind: Literal["AlarmReturned"] = "AlarmReturned"
    alarm: str


class AlarmShelved(Fact):
    """A person set an alarm aside for a limited time."""

    kind: Literal["AlarmShelved"] = "AlarmShelved"
    alarm: str
    until: datetime
    reason: str = Field(min_length=1)


class AlarmUnshelved(Fact):
    """A shelved alarm counts again: its time is over, or a person said so."""

    kind: Literal["AlarmUnshelved"] = "AlarmUnshelved"
    alarm: str
    reason: str


class AlarmNotified(Fact):
    """An attempt was made to tell somebody of an alarm."""

    kind: Literal["AlarmNotified"] = "AlarmNotified"
    alarm: str
    level: int = Field(ge=1)
    """Of the escalation, from 1."""
    channel: str
    """Name of the channel in the settings; never its address or secret."""
    error: str = ""
    """Why it did not go out; empty if it did."""


InstrumentEvent: TypeAlias = (
    InstrumentConnected | InstrumentLost | InstrumentTakenOut | InstrumentPutBack
)
"""What moves an instrument from one state to another."""

AlarmEvent: TypeAlias = (
    AlarmRaised | AlarmAcknowledged | AlarmReturned | AlarmShelved | AlarmUnshelved | AlarmNotified
)
"""What can happen to an alarm."""

LabEvent: TypeAlias = (
    InstrumentEvent
    | InstrumentCalibrated
    | StationAttached
    | StationDetached
    | CampaignJoined
    | LatchSet
    | LatchCleared
    | InterlockTripped
    | InterlockReleased
    | WatchdogActed
    | PlacesLeftUnclean
    | PlacesCleaned
    | StockEvent
    | AccessChanged
    | AlarmEvent
)
"""What can happen in the laboratory."""

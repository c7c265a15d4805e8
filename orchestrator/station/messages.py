"""What engines, people and the station say to each other: one JSON object a line, both ways.

Whoever connects says `Hello` first. Every request carries a number, and each is answered exactly
once under that number; the station also tells engines what the instruments do, and wakes them.
"""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from orchestrator.core.point import Fact
from orchestrator.execution.executor import Connection, Order, Outcome

__all__ = [
    "PROTOCOL",
    "Answer",
    "Answered",
    "AskStatus",
    "Beat",
    "CampaignAtStation",
    "ClearLatch",
    "Connect",
    "Connected",
    "ControlRequest",
    "Detach",
    "EmergencyStop",
    "EndCampaign",
    "EngineName",
    "Failed",
    "Goodbye",
    "Hello",
    "Interrupt",
    "Leave",
    "MakeSafe",
    "Perform",
    "PersonName",
    "PutBack",
    "Request",
    "Safe",
    "Settle",
    "StationStatus",
    "StatusAnswer",
    "StopInstrument",
    "TakeOut",
    "Told",
    "Wake",
    "Welcome",
    "Woken",
]

PROTOCOL: Final = 1
"""Station and engine must speak the same one."""


class EngineName(Fact):
    """An engine that drives a campaign."""

    kind: Literal["engine"] = "engine"
    campaign_id: str = Field(min_length=1)
    epoch: int = Field(ge=1)


class PersonName(Fact):
    """A person, through the CLI or the dashboard."""

    kind: Literal["person"] = "person"
    name: str = Field(min_length=1)


class Hello(Fact):
    """Who is there, and which station they believe to be speaking to."""

    kind: Literal["hello"] = "hello"
    number: int = 0
    protocol: int = PROTOCOL
    rig_sha256: str = ""
    """Fingerprint of the rig; a person may leave it empty."""
    database: str
    """The log's file, resolved."""
    who: Annotated[EngineName | PersonName, Field(discriminator="kind")]


class Beat(Fact):
    """An engine lives; it is not answered."""

    kind: Literal["beat"] = "beat"
    number: int = 0


class _Request(Fact):
    number: int = Field(default=0, ge=0)
    """Names the request on its connection."""


class Perform(_Request):
    """Have an order carried out; answered when it has ended."""

    kind: Literal["perform"] = "perform"
    order: Order


class Settle(_Request):
    """Say what became of an order; answered when that is known."""

    kind: Literal["settle"] = "settle"
    order: Order


class Interrupt(_Request):
    """Cut a running order off; answered when its instrument has been stopped."""

    kind: Literal["interrupt"] = "interrupt"
    key: str


class Connect(_Request):
    """Connect what is not connected."""

    kind: Literal["connect"] = "connect"


class StopInstrument(_Request):
    """Stop one instrument now."""

    kind: Literal["stop_instrument"] = "stop_instrument"
    instrument: str


class MakeSafe(_Request):
    """Bring every instrument that works for no other campaign to its safe state."""

    kind: Literal["make_safe"] = "make_safe"


class Detach(_Request):
    """The engine lets go in an orderly way."""

    kind: Literal["detach"] = "detach"


class EndCampaign(_Request):
    """Begin to end or to hold a campaign, before the log knows of it.

    ``hold`` and ``stop`` let running jobs end and send no other; ``abort`` cuts them off and makes
    the instruments safe. ``go_on`` takes a hold or a stop back that did not come about.
    """

    kind: Literal["end_campaign"] = "end_campaign"
    campaign_id: str
    how: Literal["hold", "stop", "abort", "go_on"]
    reason: str = ""


class Wake(_Request):
    """Have a campaign's engine look at the log at once; an empty id wakes all of them."""

    kind: Literal["wake"] = "wake"
    campaign_id: str = ""


class EmergencyStop(_Request):
    """Set the stop latch: everything safe now, and nothing is sent until it is cleared."""

    kind: Literal["emergency_stop"] = "emergency_stop"
    reason: str = Field(min_length=1)


class ClearLatch(_Request):
    """Clear the stop latch; only a named person may."""

    kind: Literal["clear_latch"] = "clear_latch"
    reason: str = Field(min_length=1)


class TakeOut(_Request):
    """Take an instrument out of service."""

    kind: Literal["take_out"] = "take_out"
    instrument: str
    reason: str = Field(min_length=1)


class PutBack(_Request):
    """Put an instrument back into service."""

    kind: Literal["put_back"] = "put_back"
    instrument: str
    reason: str = ""


class AskStatus(_Request):
    """Say how things stand."""

    kind: Literal["ask_status"] = "ask_status"


class Leave(_Request):
    """End the station, after making everything safe, unless an engine is attached."""

    kind: Literal["leave"] = "leave"
    reason: str = ""
    insists: bool = True
    """Whether a station that was asked to stay leaves, too."""


ControlRequest: TypeAlias = (
    EndCampaign
    | Wake
    | EmergencyStop
    | ClearLatch
    | TakeOut
    | PutBack
    | MakeSafe
    | AskStatus
    | Leave
)
"""What a person may ask."""

Request: TypeAlias = Annotated[
    Hello
    | Beat
    | Perform
    | Settle
    | Interrupt
    | Connect
    | StopInstrument
    | Detach
    | ControlRequest,
    Field(discriminator="kind"),
]
"""What comes to a station."""


class CampaignAtStation(Fact):
    """An engine's claim as the station sees it."""

    campaign_id: str
    epoch: int
    is_here: bool
    """Whether its connection is open."""
    silent_s: float
    """Since its last sign of life, in real seconds."""


class StationStatus(Fact):
    """How a station stands."""

    rig_name: str
    rig_sha256: str
    database: str
    pid: int
    is_simulated: bool
    instruments: dict[str, str] = Field(default_factory=dict)
    """What each does."""
    latch: str = ""
    """Why the stop latch is set; empty when it is not."""
    tripped: dict[str, str] = Field(default_factory=dict)
    """Interlocks that do not hold, with the reason."""
    out: dict[str, str] = Field(default_factory=dict)
    """Instruments out of service, with the reason."""
    campaigns: tuple[CampaignAtStation, ...] = ()
    running: tuple[str, ...] = ()
    """Keys of the orders that run."""
    watchdog_pid: int = 0
    """0 while none lives."""
    n_facts_waiting: int = 0
    """Facts that the database has not taken yet."""


class Welcome(Fact):
    """The station knows who is there."""

    kind: Literal["welcome"] = "welcome"
    number: int = 0
    status: StationStatus
    heartbeat_s: float
    """How often an engine must show that it lives, in real seconds."""


class Answered(Fact):
    """What became of an order."""

    kind: Literal["answered"] = "answered"
    number: int
    outcome: Outcome


class Connected(Fact):
    """What every instrument said."""

    kind: Literal["connected"] = "connected"
    number: int
    connections: dict[str, Connection]


class Safe(Fact):
    """The bench was brought to its safe state, as far as it could be reached."""

    kind: Literal["safe"] = "safe"
    number: int
    unsafe: dict[str, str] = Field(default_factory=dict)
    """For every instrument why it could not be reached; empty text when it is safe."""
    began_s: float = 0.0
    """When the way to the safe state began, in seconds of the machine's monotonic clock."""


class Told(Fact):
    """It is done."""

    kind: Literal["told"] = "told"
    number: int
    message: str = ""


class StatusAnswer(Fact):
    """How things stand."""

    kind: Literal["status"] = "status"
    number: int = 0
    """0 when nobody asked."""
    status: StationStatus


class Failed(Fact):
    """It was not done."""

    kind: Literal["failed"] = "failed"
    number: int
    error: str
    """Name of the reason: ``OldEpoch``, ``WrongRig``, a name of the drivers' error tree."""
    message: str


class Woken(Fact):
    """Look at the log at once."""

    kind: Literal["woken"] = "woken"
    number: int = 0


class Goodbye(Fact):
    """The station lets go of this connection, on purpose."""

    kind: Literal["goodbye"] = "goodbye"
    number: int = 0
    reason: str


Answer: TypeAlias = Annotated[
    Welcome | Answered | Connected | Safe | Told | StatusAnswer | Failed | Woken | Goodbye,
    Field(discriminator="kind"),
]
"""What comes from a station."""

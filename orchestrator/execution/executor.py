"""What the engine asks of a bench and what it hears back; nothing here touches a device.

Every message is a frozen pydantic model, so that engine and station can live in two processes
without a change of shape. An executor answers each order exactly once, with what it knows:
`Done`, `Refused` or `Unknown`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Protocol, TypeAlias

from pydantic import AwareDatetime, Field, TypeAdapter

from orchestrator.core.events import LoggedReading, PlannedJob
from orchestrator.core.point import Fact

__all__ = [
    "NOT_SENT",
    "Connection",
    "Done",
    "Executor",
    "Order",
    "Outcome",
    "OutcomeAdapter",
    "Refused",
    "Unknown",
    "deadline_for",
]

_SPARE_S: Final = 60.0

NOT_SENT: Final = frozenset(
    {
        "DoubtOpen",
        "InstrumentBusy",
        "InstrumentOut",
        "InterlockTripped",
        "JournalError",
        "Latched",
        "NotAccepted",
        "NotConnected",
        "OldEpoch",
        "OrderExpired",
        "StationLost",
        "Stopping",
        "UnknownInstrument",
    }
)
"""Why an executor did not try at all; names for `Refused.error` beside those of the drivers' tree.

``DoubtOpen``: another job of this instrument is in doubt. ``InstrumentOut``: a person took it out
of service. ``JournalError``: the station's journal could not be written. ``Latched``: the stop
latch is set. ``NotAccepted``: the order never arrived and never will. ``StationLost``: no station
answers. ``Stopping``: a stop or an abort of this campaign has arrived.
"""


def deadline_for(expected_s: float) -> float:
    """Return after how many seconds a job that has not reported is given up.

    Three times what it should take, and at least a minute more than that.

    Args:
        expected_s: How long it should take, in seconds.

    Example:
        >>> deadline_for(2.0), deadline_for(600.0)
        (62.0, 1800.0)
    """
    return max(3 * expected_s, expected_s + _SPARE_S)


class Order(Fact):
    """One attempt at one job, for one instrument."""

    campaign_id: str
    job_id: str
    attempt: int = Field(ge=1)
    started_time: AwareDatetime
    """When its `JobStarted` was appended: another log, or one restored from a backup, may hold the
    same job and attempt, and they are not the same act."""
    epoch: int = Field(ge=1)
    """The engine's; orders of an older one than was seen of this campaign are refused."""
    instrument: str
    action: str
    arguments: dict[str, float | int | str | bool] = Field(default_factory=dict)
    not_after: float
    """Its first byte may not go out later, in seconds of the station's monotonic clock."""
    deadline_s: float = Field(gt=0)
    """Total time that it may take, in seconds, counted from its start."""

    @classmethod
    def for_job(
        cls,
        campaign_id: str,
        job: PlannedJob,
        *,
        attempt: int,
        started_time: datetime,
        epoch: int,
        not_after: float,
    ) -> "Order":
        """Return the order that has a planned job done.

        Args:
            campaign_id: Whose job it is.
            job: With everything bound.
            attempt: Counted from 1.
            started_time: When its `JobStarted` was appended.
            epoch: The engine's.
            not_after: In seconds of the station's monotonic clock.
        """
        return cls(
            campaign_id=campaign_id,
            job_id=job.job_id,
            attempt=attempt,
            started_time=started_time,
            epoch=epoch,
            instrument=job.instrument,
            action=job.action,
            arguments=job.arguments,
            not_after=not_after,
            deadline_s=deadline_for(job.expected_s),
        )

    def is_same_job(self, other: "Order") -> bool:
        """Tell whether both are attempts at one job."""
        return (self.campaign_id, self.job_id) == (other.campaign_id, other.job_id)

    @property
    def key(self) -> str:
        """What names this attempt everywhere and for ever.

        ``oer-plate-1/E0001/tare#1@20260302T080000000000``
        """
        time = self.started_time.astimezone(UTC)
        return f"{self.campaign_id}/{self.job_id}#{self.attempt}@{time:%Y%m%dT%H%M%S%f}"


class Done(Fact):
    """The instrument did it and said so."""

    kind: Literal["done"] = "done"
    readings: tuple[LoggedReading, ...] = ()


class Refused(Fact):
    """It is known that the job did not succeed."""

    kind: Literal["refused"] = "refused"
    error: str
    """Name in the drivers' error tree, or one of `NOT_SENT`."""
    message: str
    has_acted: bool
    """True: matter may have been moved or changed, though not as asked."""


class Unknown(Fact):
    """Sent, and no trustworthy answer: it may have happened."""

    kind: Literal["unknown"] = "unknown"
    evidence: str


Outcome: TypeAlias = Annotated[Done | Refused | Unknown, Field(discriminator="kind")]
"""What became of an order."""

OutcomeAdapter: TypeAdapter[Outcome] = TypeAdapter(Outcome)
"""Reads and writes outcomes as JSON."""


class Connection(Fact):
    """Whether an instrument answered when it was connected."""

    instrument: str
    driver: str
    identity: str = ""
    """What the device says that it is; empty when it did not answer."""
    error: str = ""
    """Why there is no connection; empty when there is one."""

    @property
    def is_connected(self) -> bool:
        """Whether the right device answered."""
        return not self.error


class Executor(Protocol):
    """Has jobs done by the instruments of one rig."""

    async def connect(self) -> Mapping[str, Connection]:
        """Open the lines and check every instrument that is not connected yet; move nothing.

        Returns:
            For every instrument of the rig what it said; one that is dead stops no other.
        """
        ...

    async def perform(self, order: Order) -> Outcome:
        """Have one order carried out, at most once for ever.

        An order whose key was heard before is not carried out again: its outcome is awaited, or
        returned. Raises nothing of its own. When it is cancelled it stops the instrument first and
        then lets the cancellation through.
        """
        ...

    async def settle(self, order: Order) -> Outcome:
        """Say what became of an order that was handed over earlier, perhaps by another process.

        An order that never arrived is refused for ever (``NotAccepted``); one that runs is awaited;
        one whose outcome is kept gets that; for one that was cut off the device is asked, by its
        recovery class. `Unknown` means that only a person can say. May be called again and again,
        and cut off at any point. Raises nothing of its own.
        """
        ...

    async def stop(self, instrument: str) -> None:
        """Stop one instrument now, whether it is busy or not.

        Raises:
            KeyError: The rig has no such instrument.
            DriverError: The stop did not reach it, or it refused.
        """
        ...

    async def make_safe(self) -> Mapping[str, str]:
        """Bring every instrument to its safe state.

        Returns:
            For every instrument why it could not be reached; empty text when it is safe.
        """
        ...

    async def close(self) -> None:
        """Let go of the lines; closing twice does nothing."""
        ...

    def snapshot(self) -> Mapping[str, str]:
        """Return what each instrument does: ``idle``, ``transfer 12 s``, ``fault: …``."""
        ...

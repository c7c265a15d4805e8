"""What a person asks of a station, and how it is done: instruments first, words after."""

from collections.abc import Callable
from contextvars import ContextVar

from drivers.clock import SystemClock
from orchestrator.errors import RequestRefused
from orchestrator.station.attendance import Attendance
from orchestrator.station.connection import Connection
from orchestrator.station.messages import (
    AskStatus,
    ClearLatch,
    EmergencyStop,
    EndCampaign,
    Failed,
    Leave,
    MakeSafe,
    PutBack,
    Request,
    Safe,
    StationStatus,
    StatusAnswer,
    TakeOut,
    Told,
    Wake,
    Woken,
)
from orchestrator.station.station_core import StationCore

__all__ = ["ControlDesk", "acting"]

acting: ContextVar[str] = ContextVar("acting", default="station")
"""Who has the core do what it does: their name stands in the record of a latch."""


class ControlDesk:
    """Answers people.

    Args:
        core: Has it done.
        attendance: Who is attached.
        leave: Has the station end, with the reason.
        stays: Whether it leaves only if somebody insists.
    """

    def __init__(
        self,
        core: StationCore,
        attendance: Attendance[Connection],
        leave: Callable[[str], None],
        *,
        stays: bool,
    ) -> None:
        self._core = core
        self._attendance = attendance
        self._leave = leave
        self._stays = stays
        self._clock = SystemClock()

    async def answer(
        self, request: Request, connection: Connection, status: Callable[[], StationStatus]
    ) -> Told | Failed | Safe | StatusAnswer | None:
        """Do what is asked.

        Args:
            request: One of `ControlRequest`.
            connection: Whose request it is.
            status: How the station stands.

        Returns:
            The answer; None if it was given already.

        Raises:
            RequestRefused: It cannot be done.
            LogError: It could not be kept.
            KeyError: There is no such instrument.
        """
        number, began_s = request.number, self._clock.monotonic_s()
        match request:
            case EmergencyStop():
                acting.set(connection.actor)
                unsafe = await self._core.set_latch(request.reason)
                self._wake("")
                return Safe(number=number, unsafe=dict(unsafe), began_s=began_s)
            case MakeSafe():
                unsafe = await self._core.make_safe()
                return Safe(number=number, unsafe=dict(unsafe), began_s=began_s)
            case EndCampaign():
                return await self._end(request, connection, began_s)
            case Wake():
                n = self._wake(request.campaign_id)
                return Told(number=number, message=f"{n} woken")
            case AskStatus():
                return StatusAnswer(number=number, status=status())
            case _:
                return await self._change(request, connection)

    async def _end(
        self, request: EndCampaign, connection: Connection, began_s: float
    ) -> Safe | Told | None:
        """Begin an end; a stop waits for running jobs, and nobody is kept waiting for those."""
        campaign_id, how = request.campaign_id, request.how
        if how == "go_on":
            self._core.release_campaign(campaign_id)
            self._wake(campaign_id)
            return Told(number=request.number)
        if how == "stop":
            connection.say(Told(number=request.number))
            self._wake(campaign_id)
        unsafe = await self._core.stop_campaign(campaign_id, how)
        if how == "stop":
            return None
        self._wake(campaign_id)
        return Safe(number=request.number, unsafe=dict(unsafe), began_s=began_s)

    async def _change(self, request: Request, connection: Connection) -> Told:
        person = connection.engine is None
        if not person:
            raise RequestRefused(f"{request.kind} takes a person, got an engine")
        match request:
            case ClearLatch():
                acting.set(connection.actor)
                self._core.clear_latch(request.reason)
            case TakeOut():
                self._core.take_out(request.instrument, request.reason)
            case PutBack():
                self._core.put_back(request.instrument)
            case Leave():
                self._refuse_to_leave(request)
                self._leave(request.reason or f"{connection.actor} asked")
            case _:
                raise RequestRefused(f"{request.kind}: nobody knows what to do about that")
        self._wake("")
        return Told(number=request.number)

    def _refuse_to_leave(self, request: Leave) -> None:
        if self._stays and not request.insists:
            raise RequestRefused("the station was asked to stay")
        here = [c.campaign_id for c in self._attendance.claims if not c.is_given_up]
        if here:
            raise RequestRefused(f"the station works for {', '.join(here)}; end that first")

    def _wake(self, campaign_id: str) -> int:
        """Wake the engine of a campaign, or all, and return how many there are."""
        n = 0
        for claim in self._attendance.claims:
            if claim.connection is not None and campaign_id in ("", claim.campaign_id):
                claim.connection.say(Woken())
                n += 1
        return n

"""The door to the living stations of a database, through their control sockets."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import RequestRefused
from orchestrator.service.station_door import (
    Driven,
    EndOfCampaign,
    NoStations,
    StationDoor,
    StationReply,
)

if TYPE_CHECKING:
    from orchestrator.service.laboratory_view import StationSign
    from orchestrator.settings import Settings
    from orchestrator.station.control import NoStation
    from orchestrator.station.messages import Answer, ControlRequest, StationStatus
    from orchestrator.station.places import StationFolder

__all__ = ["StationSockets", "signs_of_stations", "station_door", "status_of_rig"]

_GREETING_S = 5.0
_GLANCE_S = 1.0
_ANSWER_S = 30.0


def station_door(settings: "Settings") -> StationDoor:
    """Return the door to the stations of a database; a database without any asks nobody."""
    whole = settings.database.resolve()
    if not whole.with_name(f"{whole.name}.station").is_dir():
        return NoStations()
    return StationSockets(whole, settings.actor)


def signs_of_stations(settings: "Settings") -> "tuple[StationSign, ...]":
    """Return which stations of a database are there, and whether they answer within a second."""
    from orchestrator.service.laboratory_view import StationSign
    from orchestrator.station.control import NoStation, stations_of, status_of

    signs = []
    for folder in stations_of(settings.database):
        name, pid = folder.path.name, 0
        try:
            status = status_of(folder, settings.database, timeout_s=_GLANCE_S).status
        except NoStation as error:
            if _is_nobody(error):
                continue
        except RequestRefused:
            continue
        else:
            name, pid = status.rig_name, status.pid
        signs.append(StationSign(station=name, pid=pid, is_answering=pid > 0))
    return tuple(signs)


def status_of_rig(settings: "Settings", rig_name: str, rig_sha256: str) -> "StationStatus | None":
    """Return how the living station of a rig stands; None where none lives.

    Args:
        settings: Where the log is.
        rig_name: As the rig file says it.
        rig_sha256: Fingerprint of the rig file.

    Raises:
        RequestRefused: It lives with another version of the rig file.
    """
    from orchestrator.station.control import NoStation, status_of
    from orchestrator.station.places import station_folder

    folder = station_folder(settings.database, rig_name)
    try:
        status = status_of(folder, settings.database.resolve(), timeout_s=_GREETING_S).status
    except NoStation:
        return None
    if status.rig_sha256 != rig_sha256:
        raise RequestRefused(
            f"the station of {rig_name} (process {status.pid}) holds the lines with another "
            "version of the rig file; end it first"
        )
    return status


class StationSockets:
    """Asks every living station of one database; where nobody listens, no station lives.

    Args:
        database: The laboratory's log.
        name: Who asks, a person.
    """

    def __init__(self, database: Path, name: str) -> None:
        self._database = database
        self._name = name

    def driven(self) -> Driven:
        """Tell which campaigns the living stations work for."""
        from orchestrator.station.control import NoStation, stations_of, status_of

        campaigns: set[str] = set()
        silent = []
        for folder in stations_of(self._database):
            try:
                status = status_of(folder, self._database, timeout_s=_GREETING_S).status
            except NoStation as error:
                if not _is_nobody(error):
                    silent.append(folder.path.name)
            except RequestRefused:
                silent.append(folder.path.name)
            else:
                campaigns.update(one.campaign_id for one in status.campaigns)
        return Driven(tuple(sorted(campaigns)), tuple(silent))

    def end_campaign(
        self, campaign_id: str, how: EndOfCampaign, reason: str
    ) -> Sequence[StationReply]:
        """Begin to hold or to end a campaign at the stations that work for it."""
        from orchestrator.station.messages import EndCampaign

        request = EndCampaign(campaign_id=campaign_id, how=how, reason=reason)
        return self._ask(
            request, lambda status: any(c.campaign_id == campaign_id for c in status.campaigns)
        )

    def emergency_stop(self, reason: str) -> Sequence[StationReply]:
        """Set the latch of every station, without asking first how it stands."""
        from orchestrator.station.messages import EmergencyStop

        return self._ask(EmergencyStop(reason=reason))

    def clear_latch(self, reason: str) -> Sequence[StationReply]:
        """Clear the latch of every station where it is set."""
        from orchestrator.station.messages import ClearLatch

        return self._ask(ClearLatch(reason=reason), lambda status: bool(status.latch))

    def take_out(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Take an instrument out of service where it is."""
        from orchestrator.station.messages import TakeOut

        request = TakeOut(instrument=instrument, reason=reason)
        return self._ask(request, lambda status: instrument in status.instruments)

    def put_back(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Put an instrument back into service where it is."""
        from orchestrator.station.messages import PutBack

        request = PutBack(instrument=instrument, reason=reason)
        return self._ask(request, lambda status: instrument in status.instruments)

    def wake(self, campaign_id: str) -> Sequence[StationReply]:
        """Have engines look at the log at once."""
        from orchestrator.station.messages import Wake

        return self._ask(Wake(campaign_id=campaign_id))

    def _ask(
        self,
        request: "ControlRequest",
        is_meant: "Callable[[StationStatus], bool] | None" = None,
    ) -> list[StationReply]:
        """Ask the stations that live, or those of them that are meant."""
        from orchestrator.station.control import NoStation, control, stations_of, status_of

        replies = []
        for folder in stations_of(self._database):
            try:
                if is_meant is not None:
                    found = status_of(folder, self._database, timeout_s=_GREETING_S)
                    if not is_meant(found.status):
                        continue
                answer = control(
                    folder, self._database, request, name=self._name, timeout_s=_ANSWER_S
                )
            except NoStation as error:
                if not _is_nobody(error):
                    replies.append(_reply(folder, is_done=False, message=str(error)))
            except RequestRefused as error:
                replies.append(_reply(folder, is_done=False, message=str(error)))
            else:
                replies.append(_what_it_did(folder, answer))
        return replies


def _is_nobody(error: "NoStation") -> bool:
    """Tell whether no process listens there, rather than one that does not answer."""
    return isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError)


def _reply(folder: "StationFolder", *, is_done: bool, message: str) -> StationReply:
    return StationReply(station=folder.path.name, is_done=is_done, message=message)


def _what_it_did(folder: "StationFolder", answer: "Answer") -> StationReply:
    """Return what a station did, for a person: above all what it could not make safe."""
    unsafe = {name: why for name, why in getattr(answer, "unsafe", {}).items() if why}
    if unsafe:
        message = "NOT SAFE: " + ", ".join(f"{name}: {why}" for name, why in unsafe.items())
        return _reply(folder, is_done=False, message=message)
    return _reply(folder, is_done=True, message=str(getattr(answer, "message", "")))

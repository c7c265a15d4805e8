"""The door to living stations, over a real socket; only the devices are pretended."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from orchestrator.cli.lab_screens import laboratory_text
from orchestrator.cli.station_door import (
    StationSockets,
    signs_of_stations,
    station_door,
    status_of_rig,
)
from orchestrator.core.lab import LabState
from orchestrator.errors import RequestRefused
from orchestrator.service.laboratory_view import StationSign, laboratory_view
from orchestrator.service.station_door import Driven, NoStations, StationReply
from orchestrator.settings import Settings
from tests.support.pretend_station import PretendCore, PretendStation

Found = TypeVar("Found")


def asked(
    folder: Path, ask: Callable[[StationSockets], Found], *, core: PretendCore | None = None
) -> tuple[PretendStation, Found]:
    """Ask a living station something from a thread, as a command does."""

    async def main() -> tuple[PretendStation, Found]:
        station = PretendStation.at(folder)
        station.core = core or station.core
        door = StationSockets(station.database, "ada")
        async with asyncio.timeout(20), station.served():
            return station, await asyncio.to_thread(ask, door)

    return asyncio.run(main())


def test_without_a_station_nobody_is_asked(tmp_path):
    door = station_door(Settings(database=tmp_path / "lab.db", actor="ada"))

    assert isinstance(door, NoStations)
    assert StationSockets(tmp_path / "lab.db", "ada").emergency_stop("smoke") == []


def test_an_emergency_stop_sets_the_latch_of_the_station(tmp_path):
    station, (reply,) = asked(tmp_path, lambda door: door.emergency_stop("smoke"))

    assert "smoke" in station.core.why_latched
    assert reply.is_done


class Stuck(PretendCore):
    """Has a pump that does not come to rest."""

    async def set_latch(self, reason: str, *, source: str = "operator") -> Mapping[str, str]:
        await super().set_latch(reason, source=source)
        return {"balance": "", "pump": "no answer within 10 s"}


def test_an_instrument_that_is_not_safe_is_never_called_done(tmp_path):
    _, (reply,) = asked(tmp_path, lambda door: door.emergency_stop("smoke"), core=Stuck())

    assert not reply.is_done
    assert reply.message == "NOT SAFE: pump: no answer within 10 s"


def test_a_latch_is_cleared_only_where_it_is_set(tmp_path):
    def ask(door: StationSockets) -> tuple[Sequence[StationReply], ...]:
        before = door.clear_latch("dry")
        door.emergency_stop("smoke")
        return before, door.clear_latch("dry")

    station, (before, after) = asked(tmp_path, ask)

    assert before == []
    assert [reply.is_done for reply in after] == [True]
    assert station.core.why_latched == ""


def test_an_instrument_goes_out_and_back_where_it_is(tmp_path):
    def ask(door: StationSockets) -> tuple[Sequence[StationReply], ...]:
        return (
            door.take_out("balance", "drifts"),
            door.put_back("balance", "mended"),
            door.take_out("pump", "leaks"),
        )

    station, (out, back, elsewhere) = asked(tmp_path, ask)

    assert [reply.is_done for reply in (*out, *back)] == [True, True]
    assert elsewhere == []
    assert station.core.why_out == {}


def test_a_campaign_that_no_engine_drives_is_no_business_of_the_station(tmp_path):
    station, replies = asked(tmp_path, lambda door: door.end_campaign("oer-1", "stop", "enough"))

    assert replies == []
    assert station.core.asked.count("stop oer-1") == 0


def test_the_station_tells_for_which_campaigns_it_works(tmp_path):
    async def main() -> tuple[Driven, Driven]:
        station = PretendStation.at(tmp_path)
        door = StationSockets(station.database, "ada")
        engine = station.executor()
        async with asyncio.timeout(20), station.served(), engine.in_touch():
            await engine.connect()
            living = await asyncio.to_thread(door.driven)
        return living, door.driven()

    assert asyncio.run(main()) == (Driven(("oer-1",)), Driven())


def test_a_living_station_shows_that_it_lives(tmp_path):
    settings = Settings(database=tmp_path / "lab.db", actor="ada")
    _, living = asked(tmp_path, lambda door: signs_of_stations(settings))

    assert living == (StationSign(station="rig", pid=1, is_answering=True),)
    assert signs_of_stations(settings) == ()


def test_a_station_that_listens_and_says_nothing_is_told(tmp_path, monkeypatch):
    station = PretendStation.at(tmp_path)
    monkeypatch.setattr("orchestrator.cli.station_door._GLANCE_S", 0.01)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(station.folder.socket))
        deaf.listen()
        signs = signs_of_stations(Settings(database=station.database, actor="ada"))

    assert signs == (StationSign(station="rig", pid=0, is_answering=False),)


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        ((), "no station; the last fact of the laboratory came 32 min ago"),
        (
            (StationSign(station="oer", pid=7, is_answering=True),),
            "station oer (process 7) answers now; the last fact of the laboratory came 32 min ago",
        ),
        (
            (StationSign(station="oer", pid=0, is_answering=False),),
            "station oer does not answer\nthe last fact of the laboratory",
        ),
    ],
)
def test_the_age_of_the_last_fact_is_not_that_of_the_station(signs, words):
    now = datetime(2026, 3, 2, 8, 32, tzinfo=UTC)
    view = laboratory_view(LabState(), now - timedelta(minutes=32), {})

    text = laboratory_text(view.model_copy(update={"signs": signs}), now)

    assert words in str(text)


def test_a_dead_station_is_no_station(tmp_path):
    station, _ = asked(tmp_path, lambda door: door.wake(""))

    assert StationSockets(station.database, "ada").emergency_stop("smoke") == []


def test_the_station_of_another_version_of_the_rig_file_is_told_of(tmp_path):
    def ask(door: StationSockets) -> None:
        del door
        station = PretendStation.at(tmp_path)
        settings = Settings(database=station.database, actor="ada")
        found = status_of_rig(settings, "rig", station.rig.fingerprint())
        assert found is not None
        assert found.instruments == {"balance": "idle"}
        with pytest.raises(RequestRefused, match="another version of the rig file"):
            status_of_rig(settings, "rig", "0" * 64)

    asked(tmp_path, ask)

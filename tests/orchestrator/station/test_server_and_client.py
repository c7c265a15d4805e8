"""Engine, people and station over a real Unix socket; only the devices are pretended."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator.errors import RequestRefused
from orchestrator.execution.executor import Connection, Done, Refused, Unknown
from orchestrator.station.control import NoStation, control, status_of
from orchestrator.station.messages import (
    AskStatus,
    ClearLatch,
    EmergencyStop,
    EndCampaign,
    Leave,
    PutBack,
    Safe,
    StatusAnswer,
    TakeOut,
    Told,
    Wake,
)
from tests.support.pretend_station import PretendStation, order

KEY = order().key


def _run(main: Callable[[PretendStation], Awaitable[None]], folder: Path) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(20):
            await main(PretendStation.at(folder))

    asyncio.run(in_time())


def _ask(station: PretendStation, request, name: str = "Ada"):
    return asyncio.to_thread(
        control, station.folder, station.database, request, name=name, timeout_s=5.0
    )


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - what is waited for rings no bell
        await asyncio.sleep(0.005)


def test_an_order_goes_out_once_and_its_outcome_comes_back(tmp_path):
    async def main(station: PretendStation) -> None:
        station.core.go.set()
        executor = station.executor()
        async with station.served(), executor.in_touch():
            connections = await executor.connect()
            outcome = await executor.perform(order())
            await executor.close()
        assert connections["balance"].identity == "B1"
        assert outcome == Done()
        assert station.core.done == [KEY]

    _run(main, tmp_path)


def test_an_order_outlives_its_engine_and_the_next_one_is_told(tmp_path):
    async def main(station: PretendStation) -> None:
        async with station.served():
            first = station.executor()
            with contextlib.suppress(asyncio.CancelledError):
                async with first.in_touch():
                    await first.connect()
                    link = first._link
                    assert link is not None
                    from orchestrator.station.messages import Perform

                    link.ask(Perform(order=order()))
                    await station.core.began.wait()
            second = station.executor(epoch=2)
            station.core.go.set()
            async with second.in_touch():
                await second.connect()
                outcome = await second.perform(order(epoch=2))
                await second.close()
        assert outcome == Done()
        assert station.core.done == [KEY]

    _run(main, tmp_path)


def test_a_cancelled_order_is_interrupted_before_the_cancellation_goes_on(tmp_path):
    async def main(station: PretendStation) -> None:
        executor = station.executor()
        async with station.served(), executor.in_touch():
            await executor.connect()
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(executor.perform(order()))
                await station.core.began.wait()
                task.cancel()
                await asyncio.wait({task})
                assert task.cancelled()
                assert station.core.asked[-1] == f"interrupt {KEY}"
            await executor.close()
        assert station.core.done == []

    _run(main, tmp_path)


def test_after_a_station_died_its_order_is_asked_about_and_not_sent_again(tmp_path):
    async def main(station: PretendStation) -> None:
        executor = station.executor()
        async with executor.in_touch(), asyncio.TaskGroup() as tasks:
            async with station.served():
                await executor.connect()
                task = tasks.create_task(executor.perform(order()))
                await station.core.began.wait()
            station.core.cut_off.clear()
            station.core.outcomes.clear()
            async with station.served():
                outcome = await task
                await executor.close()
        assert isinstance(outcome, Refused)
        assert outcome.error == "NotAccepted"
        assert station.core.asked.count(f"settle {KEY}") == 1
        assert station.core.done == []

    _run(main, tmp_path)


def test_without_any_station_an_order_is_refused_and_an_old_one_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.station.client.CONTACT_WAIT_S", 0.05)

    async def main(station: PretendStation) -> None:
        executor = station.executor()
        async with executor.in_touch():
            connections = await executor.connect()
            outcome = await executor.perform(order())
            settled = await executor.settle(order(deadline_s=0.1))
            unsafe = await executor.make_safe()
        assert "StationLost" in connections["balance"].error
        assert isinstance(outcome, Refused)
        assert outcome.error == "StationLost"
        assert isinstance(settled, Unknown)
        assert all("StationLost" in error for error in unsafe.values())

    _run(main, tmp_path)


def test_a_silent_engine_has_its_jobs_cut_off_and_goes_on_when_it_is_back(tmp_path):
    async def main(station: PretendStation) -> None:
        async with station.served():
            first = station.executor()
            async with first.in_touch():
                await first.connect()
            await station.core.stopped.wait()
            assert station.silent == ["oer-1"]
            assert station.core.asked[-1] == "abort oer-1"
            second = station.executor()
            async with second.in_touch():
                await second.connect()
                assert "release oer-1" in station.core.asked
                await second.close()

    _run(main, tmp_path)


def test_a_later_engine_takes_over_and_the_earlier_one_makes_nothing_safe(tmp_path):
    async def main(station: PretendStation) -> None:
        async with station.served():
            first, second = station.executor(epoch=1), station.executor(epoch=2)
            async with first.in_touch(), second.in_touch():
                await first.connect()
                await second.connect()
                await _until(lambda: first._is_final)
                outcome = await first.perform(order())
                await first.make_safe()
                await first.close()
                assert "make_safe" not in station.core.asked
                third = station.executor(epoch=1)
                async with third.in_touch():
                    refused = await third.connect()
                await second.close()
        assert isinstance(outcome, Refused)
        assert outcome.error == "OldEpoch"
        assert "OldEpoch" in refused["balance"].error

    _run(main, tmp_path)


def test_an_engine_with_another_rig_is_refused(tmp_path):
    async def main(station: PretendStation) -> None:
        header = station.rig.header.model_copy(update={"cost_usd_per_hour": 1.0})
        rig = station.rig.model_copy(update={"header": header})
        executor = station.executor(rig=rig)
        async with station.served(), executor.in_touch():
            found = await executor.connect()
        assert "WrongRig" in found["balance"].error

    _run(main, tmp_path)


def test_no_order_is_sent_while_the_station_has_no_watchdog(tmp_path):
    async def main(station: PretendStation) -> None:
        station.why_not = "the station has had no watchdog for 7 s"
        executor = station.executor()
        async with station.served(), executor.in_touch():
            await executor.connect()
            outcome = await executor.perform(order())
            await executor.close()
        assert outcome == Refused(error="StationLost", message=station.why_not, has_acted=False)

    _run(main, tmp_path)


def test_people_stop_wake_and_take_out(tmp_path):
    async def main(station: PretendStation) -> None:
        woken = asyncio.Event()
        executor = station.executor()
        async with station.served(), executor.in_touch():
            await executor.connect()
            executor.on_wake = woken.set
            ended = await _ask(station, EndCampaign(campaign_id="oer-1", how="abort"))
            assert isinstance(ended, Safe)
            await woken.wait()
            assert isinstance(await _ask(station, Wake(campaign_id="oer-1")), Told)
            await _ask(station, EmergencyStop(reason="smoke"))
            assert station.core.why_latched == "operator: smoke"
            await _ask(station, TakeOut(instrument="balance", reason="drifts"))
            status = await _ask(station, AskStatus())
            assert isinstance(status, StatusAnswer)
            assert status.status.latch == "operator: smoke"
            assert status.status.out == {"balance": "drifts"}
            await _ask(station, PutBack(instrument="balance"))
            await _ask(station, ClearLatch(reason="aired"))
            with pytest.raises(RequestRefused, match="scale"):
                await _ask(station, TakeOut(instrument="scale", reason="drifts"))
            await executor.close()

    _run(main, tmp_path)


def test_a_station_leaves_only_when_no_engine_is_attached(tmp_path):
    async def main(station: PretendStation) -> None:
        executor = station.executor()
        async with station.served() as server, executor.in_touch():
            await executor.connect()
            with pytest.raises(RequestRefused, match="works for oer-1"):
                await _ask(station, Leave())
            await executor.close()
            await _ask(station, Leave(reason="done"))
            assert server.why_left == "done"
        assert station.core.asked[-1] == "make_safe"
        assert not station.folder.socket.exists()

    _run(main, tmp_path)


def test_a_station_that_was_asked_to_stay_leaves_only_if_somebody_insists(tmp_path):
    async def main(station: PretendStation) -> None:
        async with station.served(stays=True):
            with pytest.raises(RequestRefused, match="asked to stay"):
                await _ask(station, Leave(insists=False))
            await _ask(station, Leave())

    _run(main, tmp_path)


def test_a_station_that_leaves_waits_for_no_answer(tmp_path):
    async def main(station: PretendStation) -> None:
        asked = asyncio.Event()

        async def never() -> dict[str, Connection]:
            asked.set()
            await asyncio.Event().wait()
            return {}

        station.core.connect = never
        executor = station.executor()
        async with executor.in_touch(), asyncio.TaskGroup() as tasks:
            async with station.served():
                task = tasks.create_task(executor.connect())
                await asked.wait()
            task.cancel()
        assert station.core.asked == ["make_safe"]

    _run(main, tmp_path)


def test_a_caller_of_another_database_is_refused(tmp_path):
    async def main(station: PretendStation) -> None:
        async with station.served():
            with pytest.raises(RequestRefused, match="WrongDatabase"):
                await asyncio.to_thread(
                    control, station.folder, tmp_path / "other.db", AskStatus(), name="Ada"
                )
            found = await asyncio.to_thread(status_of, station.folder, station.database)
            assert found.heartbeat_s == 0.1

    _run(main, tmp_path)


def test_garbage_and_rudeness_end_a_connection_and_nothing_else(tmp_path):
    async def main(station: PretendStation) -> None:
        async with station.served():
            for words in (b"\x00\xff garbage\n", b'{"kind": "beat"}\n', b"{}\n"):
                reader, writer = await asyncio.open_unix_connection(station.folder.socket)
                writer.write(words)
                answer = await reader.read()
                assert b"BadMessage" in answer
                writer.close()
            await asyncio.to_thread(status_of, station.folder, station.database)

    _run(main, tmp_path)


def test_nobody_there_is_said_at_once(tmp_path):
    station = PretendStation.at(tmp_path)

    with pytest.raises(NoStation, match="no station answers"):
        control(station.folder, station.database, AskStatus(), name="Ada")


def test_a_station_that_dies_again_and_again_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.station.client.FIRST_RETRY_S", 0.001)

    async def main(station: PretendStation) -> None:
        starts = threading.Semaphore(0)
        executor = station.executor(start=starts.release)
        async with station.served() as server, executor.in_touch():
            await executor.connect()
            while not executor._is_final:
                for connection in list(server._connections):
                    connection.close()
                await asyncio.sleep(0.01)
            outcome = await executor.perform(order())
            assert isinstance(outcome, Refused)
            assert "died 5 times" in outcome.message

    _run(main, tmp_path)

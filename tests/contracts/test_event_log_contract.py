"""What every log promises; a new one belongs into `LOGS`."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from orchestrator.core.events import CampaignPaused, Event, JobStarted, PauseRequested
from orchestrator.errors import ActRepeated, LogError, VersionConflict
from orchestrator.log.chain import GENESIS_HASH
from orchestrator.log.event_log import EventLog
from orchestrator.log.kept_acts import ActKey, KeptAct
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.side_tables import Heartbeat, SideTables, TelemetrySample
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.log.tables import TABLES
from tests.support.recorded_events import (
    MORNING,
    STREAM,
    append,
    events_of_every_kind,
    life,
    opened,
    started,
)


class Log(EventLog, SideTables):
    """Both promises at once."""


LOGS: dict[str, Callable[[Path], Log]] = {
    "memory": lambda _: MemoryLog(),
    "sqlite": lambda folder: open_sqlite_log(folder / "athanor.db"),
}


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    made = LOGS[request.param](tmp_path)
    yield made
    made.close()


def test_an_empty_log_is_whole(log: Log) -> None:
    assert list(log.read()) == []
    assert log.last_seq() == log.version("lab") == 0
    assert log.verify().first_bad_seq is None
    assert log.verify().last_hash == GENESIS_HASH


def test_what_is_read_is_what_was_appended(log: Log) -> None:
    appended = append(log, *events_of_every_kind())

    assert tuple(log.read()) == appended
    assert [record.event for record in appended] == list(events_of_every_kind())
    first = appended[0]
    assert (first.time, first.actor, first.is_simulated) == (MORNING, "engine", True)


def test_seq_and_versions_have_no_gaps(log: Log) -> None:
    append(log, PauseRequested(), CampaignPaused(), stream="one")
    append(log, PauseRequested(), stream="two")
    append(log, CampaignPaused(), stream="one")

    places = [(record.seq, record.stream, record.version) for record in log.read()]

    assert places == [(1, "one", 1), (2, "one", 2), (3, "two", 1), (4, "one", 3)]
    assert (log.last_seq(), log.version("one"), log.version("two")) == (4, 3, 1)


def test_a_stream_is_read_alone_from_any_place_and_to_any_length(log: Log) -> None:
    for number in range(6):
        append(log, PauseRequested(reason=str(number)), stream=("even", "odd")[number % 2])

    assert [record.seq for record in log.read(stream="odd")] == [2, 4, 6]
    assert [record.seq for record in log.read(after_seq=2, stream="odd")] == [4, 6]
    assert [record.seq for record in log.read(after_seq=1, limit=3)] == [2, 3, 4]
    assert [record.seq for record in log.read(stream="even", limit=0)] == []
    assert list(log.read(after_seq=6)) == list(log.read(stream="none")) == []


def test_pages_join_without_a_seam(log: Log) -> None:
    for _ in range(3):
        append(log, *([PauseRequested()] * 700))

    assert [record.seq for record in log.read()] == list(range(1, 2101))
    assert [record.seq for record in log.read(after_seq=1, limit=1000)] == list(range(2, 1002))


def test_a_reader_may_append_while_it_reads(log: Log) -> None:
    append(log, PauseRequested(), PauseRequested())

    for record in log.read(limit=2):
        append(log, PauseRequested(reason=str(record.seq)))

    assert log.last_seq() == 4


def test_a_follower_sees_everything_once(log: Log) -> None:
    seen: list[int] = []
    for number in range(5):
        append(log, *([PauseRequested()] * (number + 1)))
        seen.extend(record.seq for record in log.read(after_seq=seen[-1] if seen else 0))

    assert seen == list(range(1, 16))


def test_a_decision_that_was_overtaken_is_refused(log: Log) -> None:
    append(log, PauseRequested(), stream=STREAM)

    with pytest.raises(VersionConflict) as caught:
        log.append(
            STREAM,
            [CampaignPaused()],
            time=MORNING,
            actor="engine",
            is_simulated=True,
            expected={STREAM: 0},
        )

    assert (caught.value.stream, caught.value.expected, caught.value.found) == (STREAM, 0, 1)
    assert log.last_seq() == 1


def test_a_decision_names_every_stream_that_it_read(log: Log) -> None:
    append(log, PauseRequested(), stream="lab")

    def decide(lab: int) -> None:
        log.append(
            STREAM,
            [CampaignPaused()],
            time=MORNING,
            actor="engine",
            is_simulated=True,
            expected={STREAM: 0, "lab": lab},
        )

    with pytest.raises(VersionConflict, match="stream lab"):
        decide(0)
    decide(1)

    assert log.version(STREAM) == 1


def test_all_or_none(log: Log) -> None:
    unwritable = PauseRequested.model_construct(reason="\ud800")

    with pytest.raises(LogError, match="JSON"):
        append(log, opened(), started(), unwritable, stream=STREAM)

    assert log.last_seq() == log.version(STREAM) == 0
    assert log.projection("campaign") == log.projection("job") == []


@pytest.mark.parametrize(
    ("events", "stream", "actor", "time"),
    [
        ([], "lab", "ada", MORNING),
        ([CampaignPaused()], "", "ada", MORNING),
        ([CampaignPaused()], "lab", "", MORNING),
        ([CampaignPaused()], "lab", "ada", MORNING.replace(tzinfo=None)),
    ],
)
def test_an_append_that_says_too_little_is_refused(
    log: Log, events: list[Event], stream: str, actor: str, time: datetime
) -> None:
    with pytest.raises(ValueError, match=r"no events, stream or actor|without a zone"):
        log.append(stream, events, time=time, actor=actor, is_simulated=True)

    assert log.last_seq() == 0


def test_the_same_facts_give_the_same_hash_in_every_log(tmp_path: Path) -> None:
    hashes = set()
    for name, make in LOGS.items():
        (tmp_path / name).mkdir()
        log = make(tmp_path / name)
        append(log, *life(), stream=STREAM)
        hashes.add(log.verify().last_hash)
        log.close()

    assert len(hashes) == 1


def test_the_chain_of_a_long_log_is_whole(log: Log) -> None:
    records = append(log, *life(), stream=STREAM)
    append(log, *events_of_every_kind())

    found = log.verify()

    assert records[1].previous_hash == records[0].hash
    assert (found.n_records, found.first_bad_seq, found.reason) == (log.last_seq(), None, "")


def test_rebuilt_projections_are_the_same(log: Log) -> None:
    append(log, *life("a"), stream="campaign/a")
    append(log, *life("b"), stream="campaign/b", minute=1)
    append(log, *life("c")[:-4], stream="campaign/c", minute=2)
    before = {table: log.projection(table) for table in TABLES}

    log.rebuild_projections()

    assert {table: log.projection(table) for table in TABLES} == before
    assert [len(rows) for rows in before.values()] == [3, 9, 18, 0, 0, 0]
    assert list(before["campaign"][0]) == list(TABLES["campaign"].columns)


def test_rows_are_chosen_by_their_columns(log: Log) -> None:
    append(log, *life("a"), stream="campaign/a")
    append(log, *life("b"), stream="campaign/b")

    rows = log.projection("job", where={"campaign_id": "b", "ended_time": None})

    assert [row["job_id"] for row in rows] == ["E0002/weigh", "E0003/weigh"]


def test_threads_may_append_at_once(log: Log) -> None:
    def work(name: str) -> None:
        for number in range(20):
            append(log, JobStarted(job_id=f"{name}/{number}", attempt=1, epoch=1))

    threads = [Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [record.seq for record in log.read()] == list(range(1, 81))
    assert log.verify().first_bad_seq is None


def test_only_the_last_heartbeat_of_each_name_is_kept(log: Log) -> None:
    for minute in range(3):
        log.beat("engine/a", pid=minute, host="bench", time=MORNING + timedelta(minutes=minute))
    log.beat("dashboard", pid=9, host="bench", time=MORNING)

    assert log.heartbeats() == (
        Heartbeat("dashboard", 9, "bench", MORNING),
        Heartbeat("engine/a", 2, "bench", MORNING + timedelta(minutes=2)),
    )
    assert log.last_seq() == 0


def test_telemetry_is_read_by_instrument_and_time(log: Log) -> None:
    samples = [
        TelemetrySample(
            MORNING + timedelta(seconds=second), instrument, "temperature_c", 20.0 + second
        )
        for second in (3, 1, 2)
        for instrument in ("furnace", "bath")
    ]
    log.append_telemetry(samples)

    found = log.telemetry("bath", since=MORNING, until=MORNING + timedelta(seconds=2))

    assert [sample.value for sample in found] == [21.0, 22.0]
    assert {sample.instrument for sample in found} == {"bath"}
    assert found[0].time.tzinfo is UTC


def test_a_closed_log_says_so_and_closes_twice(log: Log) -> None:
    log.close()
    log.close()

    with pytest.raises(LogError, match="closed"):
        log.last_seq()
    with pytest.raises(LogError, match="closed"):
        append(log, PauseRequested())


ACT = ActKey("2f1c", "ada", "sha256 of a pause")


def test_an_act_is_done_once_however_often_it_is_asked_for(log: Log) -> None:
    once = {"time": MORNING, "actor": "ada", "is_simulated": True, "act": ACT}
    append(log, CampaignPaused())
    log.append(STREAM, [PauseRequested(), PauseRequested()], **once)

    with pytest.raises(ActRepeated) as refused:
        log.append(STREAM, [PauseRequested()], **once)

    assert (refused.value.seq, refused.value.request) == (3, ACT.request)
    assert log.last_seq() == 3
    assert log.kept_act(ACT.key) == KeptAct("2f1c", "ada", ACT.request, 3, MORNING)
    assert log.kept_act("another") is None
    assert log.verify().is_whole


def test_an_act_is_not_kept_where_the_append_is_refused(log: Log) -> None:
    append(log, CampaignPaused())

    with pytest.raises(VersionConflict):
        log.append(
            STREAM,
            [PauseRequested()],
            time=MORNING,
            actor="ada",
            is_simulated=True,
            expected={STREAM: 7},
            act=ACT,
        )

    assert log.kept_act(ACT.key) is None


def test_an_act_that_appends_nothing_is_kept_too(log: Log) -> None:
    append(log, CampaignPaused())
    log.keep_act(ACT, time=MORNING)

    with pytest.raises(ActRepeated):
        log.keep_act(ACT, time=MORNING)

    kept = log.kept_act(ACT.key)
    assert kept is not None
    assert kept.seq == log.last_seq() == 1

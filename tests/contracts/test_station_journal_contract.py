"""What every journal of a station promises."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.errors import LogCorrupt, LogError, LogTooNew
from orchestrator.log.sqlite_station_journal import SqliteStationJournal
from orchestrator.log.station_journal import MemoryStationJournal, OrderStage, StationJournal

Maker = Callable[[Path], StationJournal]

JOURNALS: dict[str, Maker] = {
    "memory": lambda _: MemoryStationJournal(),
    "sqlite": SqliteStationJournal,
}
KEY = "oer-1/E0001/tare#1"
DONE = '{"kind":"done"}'


@pytest.fixture(params=sorted(JOURNALS))
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StationJournal]:
    made = JOURNALS[request.param](tmp_path / "journal.db")
    yield made
    made.close()


def test_an_order_goes_from_accepted_over_acting_to_ended(journal: StationJournal) -> None:
    assert journal.entry(KEY) is None

    journal.accept(KEY, '{"order":1}', "balance")
    accepted = journal.entry(KEY)
    journal.note_act(KEY, "first")
    journal.note_act(KEY, "second")
    acting = journal.entry(KEY)
    journal.end(KEY, DONE)
    ended = journal.entry(KEY)

    assert accepted is not None
    assert acting is not None
    assert ended is not None
    assert (accepted.stage, accepted.order_json, accepted.instrument) == (
        OrderStage.ACCEPTED,
        '{"order":1}',
        "balance",
    )
    assert (acting.stage, acting.notes) == (OrderStage.ACTING, ("first", "second"))
    assert (ended.stage, ended.notes, ended.outcome_json) == (
        OrderStage.ENDED,
        ("first", "second"),
        DONE,
    )


def test_open_entries_are_those_without_outcome_oldest_first(journal: StationJournal) -> None:
    for number in range(4):
        journal.accept(f"{KEY}{number}", "{}", "balance")
    journal.note_act(f"{KEY}2", "")
    journal.end(f"{KEY}1", DONE)

    found = [(entry.key, entry.stage) for entry in journal.open_entries()]

    assert found == [
        (f"{KEY}0", OrderStage.ACCEPTED),
        (f"{KEY}2", OrderStage.ACTING),
        (f"{KEY}3", OrderStage.ACCEPTED),
    ]


def test_an_order_never_heard_of_can_be_refused_for_ever(journal: StationJournal) -> None:
    journal.end(KEY, '{"kind":"refused"}')

    entry = journal.entry(KEY)

    assert entry is not None
    assert (entry.stage, entry.outcome_json) == (OrderStage.ENDED, '{"kind":"refused"}')
    assert not journal.open_entries()


def test_a_later_outcome_replaces_an_earlier_one(journal: StationJournal) -> None:
    journal.end(KEY, '{"kind":"unknown"}')
    journal.end(KEY, DONE)

    entry = journal.entry(KEY)

    assert entry is not None
    assert entry.outcome_json == DONE


def test_epochs_only_rise_and_each_campaign_has_its_own(journal: StationJournal) -> None:
    journal.keep_epoch("a", 3)
    journal.keep_epoch("a", 2)
    journal.keep_epoch("b", 1)

    assert (journal.epoch("a"), journal.epoch("b"), journal.epoch("c")) == (3, 1, 0)


def test_the_latch_is_kept_until_it_is_cleared(journal: StationJournal) -> None:
    before = journal.latch()
    journal.keep_latch("smoke")
    journal.keep_latch("fire")
    during = journal.latch()
    journal.keep_latch("")

    assert (before, during, journal.latch()) == ("", "fire", "")


def test_closing_twice_does_nothing(journal: StationJournal) -> None:
    journal.close()
    journal.close()


def test_a_journal_on_disk_survives(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteStationJournal(path)
    journal.accept(KEY, "{}", "balance")
    journal.note_act(KEY, "0 ul")
    journal.keep_epoch("a", 7)
    journal.keep_latch("smoke")
    journal.close()

    again = SqliteStationJournal(path)

    (entry,) = again.open_entries()
    assert (entry.key, entry.notes) == (KEY, ("0 ul",))
    assert (again.epoch("a"), again.latch()) == (7, "smoke")
    again.close()


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("nothing to do with it, but long enough to be taken for a file of SQLite" * 9)

    with pytest.raises(LogCorrupt, match="not a database"):
        SqliteStationJournal(text)
    with pytest.raises(LogError, match="unable to open"):
        SqliteStationJournal(tmp_path / "nowhere" / "journal.db")


def test_another_programs_database_and_a_later_layout_are_refused(tmp_path: Path) -> None:
    import apsw

    path = tmp_path / "other.db"
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE cat (name TEXT)")
    other.close()
    later = tmp_path / "later.db"
    SqliteStationJournal(later).close()
    connection = apsw.Connection(str(later))
    connection.pragma("user_version", 9)
    connection.close()

    with pytest.raises(LogError, match="not a journal of a station"):
        SqliteStationJournal(path)
    with pytest.raises(LogTooNew, match="layout 9"):
        SqliteStationJournal(later)


def test_a_changed_entry_is_found(tmp_path: Path) -> None:
    import apsw

    path = tmp_path / "journal.db"
    journal = SqliteStationJournal(path)
    journal.accept(KEY, "{}", "balance")
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE entry SET stage = 'ended'")
    connection.close()

    with pytest.raises(LogCorrupt, match="not what it was"):
        journal.entry(KEY)
    journal.close()


def test_a_write_that_fails_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    """A file that may not grow stands for a full disk."""
    path = tmp_path / "journal.db"
    journal = SqliteStationJournal(path)
    limit = journal._connection
    assert limit is not None
    limit.pragma("max_page_count", limit.pragma("page_count"))

    with pytest.raises(LogError, match="full"):
        journal.accept(KEY, "x" * 100_000, "balance")
    with pytest.raises(LogError, match="cannot act"):
        journal.note_act(KEY, "")

    assert journal.entry(KEY) is None
    journal.close()
    with pytest.raises(LogError, match="closed"):
        journal.entry(KEY)

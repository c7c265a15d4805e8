from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from orchestrator.core.events import CampaignPaused, PauseRequested
from orchestrator.errors import LogCorrupt, LogTooNew
from orchestrator.log.chain import (
    GENESIS_HASH,
    StoredRecord,
    line_from_stored,
    next_records,
    record_from_stored,
    stored_from_line,
    text_from_time,
    time_from_text,
)
from tests.support.recorded_events import MORNING


def first_two() -> tuple[StoredRecord, ...]:
    return next_records(
        "lab",
        [PauseRequested(reason="lunch"), CampaignPaused()],
        time=MORNING,
        actor="ada",
        is_simulated=True,
        last=None,
        version=0,
    )


def test_a_record_names_the_hash_of_the_one_before() -> None:
    first, second = first_two()

    assert first.previous_hash == GENESIS_HASH
    assert second.previous_hash == first.hash == first.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 3},
        {"stream": "labs"},
        {"version": 2},
        {"time": "2026-03-02T08:00:00.000001+00:00"},
        {"actor": "bob"},
        {"is_simulated": False},
        {"payload": b'{"kind":"PauseRequested","reason":"Lunch","schema":1}'},
        {"previous_hash": "1" * 64},
    ],
    ids="+".join,
)
def test_every_field_is_in_the_hash(change: dict[str, object]) -> None:
    first = first_two()[0]
    changed = replace(first, **change)

    assert changed.digest() != first.hash
    with pytest.raises(LogCorrupt, match=f"record {changed.seq}: its content does not fit"):
        record_from_stored(changed)


def test_no_two_records_share_the_hashed_bytes() -> None:
    first = first_two()[0]

    one = replace(first, stream="lab1", version=2)
    other = replace(first, stream="lab", version=12)

    assert one.digest() != other.digest()


def test_a_record_of_a_later_version_says_where_it_stands() -> None:
    later = replace(first_two()[0], payload=b'{"kind":"PauseRequested","reason":"","schema":9}')

    with pytest.raises(LogTooNew, match="record 1: PauseRequested has schema 9"):
        record_from_stored(replace(later, hash=later.digest()))


def test_a_line_of_json_carries_the_whole_record() -> None:
    for stored in first_two():
        assert stored_from_line(line_from_stored(stored)) == stored


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"payload":{},"seqq":1}'])
def test_what_is_not_a_line_is_refused(line: str) -> None:
    with pytest.raises(LogCorrupt, match="not a line of a log"):
        stored_from_line(line)


def test_a_time_is_kept_in_utc_to_the_microsecond() -> None:
    east = datetime(2026, 3, 2, 9, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))

    assert text_from_time(east) == "2026-03-02T08:00:00.000001+00:00"
    assert time_from_text(text_from_time(east)) == east


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        text_from_time(datetime(2026, 3, 2))


@pytest.mark.parametrize("text", ["2026-03-02T09:00:00.000000+01:00", "2026-03-02", "noon"])
def test_a_time_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - datetime's own message, or ours
        time_from_text(text)

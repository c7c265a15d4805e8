import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.events import EVENT_KINDS, Event, JobFinished, LoggedReading, PauseRequested
from orchestrator.errors import LogCorrupt, LogError, LogTooNew
from orchestrator.log.wire_format import (
    SCHEMAS,
    UPCASTERS,
    canonical_json,
    event_from_payload,
    payload_from_event,
)
from tests.support.recorded_events import events_of_every_kind

number = st.floats(allow_nan=False, allow_infinity=False)
reading = st.builds(
    LoggedReading, name=st.text(), value=number | st.lists(number).map(tuple) | st.text()
)


def test_the_examples_have_every_kind_once() -> None:
    assert sorted(event.kind for event in events_of_every_kind()) == sorted(EVENT_KINDS)


@pytest.mark.parametrize("event", events_of_every_kind(), ids=lambda event: event.kind)
def test_every_event_survives_the_wire(event: Event) -> None:
    payload = payload_from_event(event)

    assert event_from_payload(payload) == event
    assert payload_from_event(event_from_payload(payload)) == payload


@settings(max_examples=40)
@given(st.lists(reading, max_size=6).map(tuple))
def test_readings_survive_to_the_last_bit(readings: tuple[LoggedReading, ...]) -> None:
    event = JobFinished(job_id="E0001/weigh", readings=readings)

    payload = payload_from_event(event)

    assert event_from_payload(payload) == event
    assert payload_from_event(event_from_payload(payload)) == payload


def test_one_fact_has_one_text_whatever_the_order_of_its_keys() -> None:
    assert canonical_json({"a": 1, "b": {"y": 2.0, "x": 1e-7}}) == (
        canonical_json({"b": {"x": 1e-7, "y": 2.0}, "a": 1})
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, "\ud800"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(LogError, match="cannot be written as JSON"):
        canonical_json({"value": value})


def test_a_later_schema_is_refused_as_too_new() -> None:
    with pytest.raises(LogTooNew, match="PauseRequested has schema 2, this Athanor reads up to 1"):
        event_from_payload(b'{"kind":"PauseRequested","reason":"","schema":2}')


def test_an_unknown_kind_is_refused_as_too_new() -> None:
    with pytest.raises(LogTooNew, match="knows no event 'FurnaceExploded'"):
        event_from_payload(b'{"kind":"FurnaceExploded","schema":1}')


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[1]", "got a JSON list"),
        (b"{}", "got kind None"),
        (b'{"kind":"PauseRequested"}', "schema None"),
        (b'{"kind":"PauseRequested","schema":0}', "schema 0"),
        (b'{"kind":"PauseRequested","schema":true}', "schema True"),
        (b'{"kind":"PauseRequested","schema":1,"reasn":""}', "reasn: Extra inputs"),
        (b'{"kind":"JobStarted","schema":1,"job_id":"a","attempt":0,"epoch":1}', "attempt"),
    ],
)
def test_what_is_not_an_event_is_corrupt(payload: bytes, reason: str) -> None:
    with pytest.raises(LogCorrupt, match=reason):
        event_from_payload(payload)


@given(st.binary() | st.text().map(lambda text: json.dumps(text).encode()))
def test_garbage_raises_nothing_but_our_errors(raw: bytes) -> None:
    with pytest.raises((LogCorrupt, LogTooNew)):
        event_from_payload(raw)


def test_every_older_schema_has_its_way_up() -> None:
    missing = {
        (kind, older) for kind, schema in SCHEMAS.items() for older in range(1, schema)
    } - UPCASTERS.keys()

    assert missing == set()
    assert payload_from_event(PauseRequested()).endswith(b'"schema":1}')

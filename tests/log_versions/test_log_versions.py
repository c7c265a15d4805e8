from pathlib import Path

import pytest

from orchestrator.core.events import EVENT_KINDS, CampaignHeld, CampaignPaused
from orchestrator.log import audit
from orchestrator.log.chain import StoredRecord, record_from_stored, stored_from_line
from orchestrator.log.wire_format import canonical_json, event_from_payload
from tests.log_versions.make_sample import sample_lines
from tests.support.recorded_events import events_of_the_first_schema, life

SAMPLES = sorted(Path(__file__).parent.glob("schema_*.jsonl"))
LAST_HASH = "481f2d82933251283ae800c04caa269a7e5611daf8cf00a6173da52d0f958724"
"""Of the sample of schema 1."""


class Lines:
    """A log as the lines of a file."""

    def __init__(self, file: Path) -> None:
        self.records = [
            stored_from_line(line) for line in file.read_text(encoding="utf-8").split("\n") if line
        ]

    def stored(self) -> "list[StoredRecord]":
        return self.records


def test_there_is_a_sample() -> None:
    assert SAMPLES[0].name == "schema_1.jsonl"


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_an_old_log_is_read_and_its_chain_is_whole(file: Path) -> None:
    log = Lines(file)

    found = audit.verify(log)
    events = [record_from_stored(stored).event for stored in log.records]

    assert (found.first_bad_seq, found.n_records) == (None, len(events))
    assert len({event.kind for event in events}) >= 27


def test_the_first_schema_still_means_what_it_meant() -> None:
    log = Lines(SAMPLES[0])
    events = [record_from_stored(stored).event for stored in log.records]

    assert tuple(events) == (*life(), *events_of_the_first_schema())
    assert log.records[-1].hash == LAST_HASH


def test_a_pause_with_a_reason_of_the_first_schema_was_a_hold() -> None:
    schema_1 = {"kind": "CampaignPaused", "reason": "in doubt: E0003/tare", "schema": 1}
    asked = {**schema_1, "reason": ""}

    assert event_from_payload(canonical_json(schema_1)) == CampaignHeld(reason=schema_1["reason"])
    assert event_from_payload(canonical_json(asked)) == CampaignPaused()


def test_a_sample_made_today_holds_every_kind() -> None:
    lines = sample_lines()

    assert len(lines) == len(life()) + len(EVENT_KINDS)

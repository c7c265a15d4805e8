"""Every kind of fact reads as one line."""

import pytest

from orchestrator.service.events import summary
from tests.support.recorded_events import events_of_every_kind


@pytest.mark.parametrize("event", events_of_every_kind(), ids=lambda event: event.kind)
def test_every_kind_of_event_reads_as_one_line(event):
    text = summary(event)

    assert text
    assert "\n" not in text

"""Messages: every one survives the wire, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.executor import Connection, Done, Refused, Unknown
from orchestrator.station.framing import BadMessage, answer_from_line, line_from, request_from_line
from orchestrator.station.messages import (
    Answered,
    AskStatus,
    Beat,
    ClearLatch,
    Connect,
    Connected,
    Detach,
    EmergencyStop,
    EndCampaign,
    EngineName,
    Failed,
    Goodbye,
    Hello,
    Interrupt,
    Leave,
    MakeSafe,
    Perform,
    PersonName,
    PutBack,
    Safe,
    Settle,
    StationStatus,
    StatusAnswer,
    StopInstrument,
    TakeOut,
    Told,
    Wake,
    Welcome,
    Woken,
)
from tests.support.pretend_station import order

STATUS = StationStatus(rig_name="rig", rig_sha256="0", database="/lab.db", pid=7, is_simulated=True)
REQUESTS = [
    Hello(database="/lab.db", who=EngineName(campaign_id="oer-1", epoch=2)),
    Hello(database="/lab.db", who=PersonName(name="Ada")),
    Beat(),
    Perform(number=1, order=order()),
    Settle(number=2, order=order()),
    Interrupt(number=3, key="oer-1/E0001/tare#1"),
    Connect(number=4),
    StopInstrument(number=5, instrument="balance"),
    MakeSafe(number=6),
    Detach(number=7),
    EndCampaign(number=8, campaign_id="oer-1", how="abort", reason="leak"),
    EndCampaign(number=9, campaign_id="oer-1", how="go_on"),
    Wake(number=10),
    EmergencyStop(number=11, reason="smoke"),
    ClearLatch(number=12, reason="aired"),
    TakeOut(number=13, instrument="balance", reason="drifts"),
    PutBack(number=14, instrument="balance"),
    AskStatus(number=15),
    Leave(number=16),
]
ANSWERS = [
    Welcome(status=STATUS, heartbeat_s=2.0),
    Answered(number=1, outcome=Done()),
    Answered(number=1, outcome=Refused(error="Latched", message="smoke", has_acted=False)),
    Answered(number=1, outcome=Unknown(evidence="no reply")),
    Connected(number=2, connections={"b": Connection(instrument="b", driver="d")}),
    Safe(number=3, unsafe={"b": ""}, began_s=1.5),
    Told(number=4),
    StatusAnswer(status=STATUS),
    Failed(number=5, error="OldEpoch", message="over"),
    Woken(),
    Goodbye(reason="it ends"),
]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: message.kind)
def test_a_request_comes_out_of_its_line_as_it_went_in(message):
    line = line_from(message)

    assert line.count(b"\n") == 1
    assert request_from_line(line) == message


@pytest.mark.parametrize("message", ANSWERS, ids=lambda message: message.kind)
def test_an_answer_comes_out_of_its_line_as_it_went_in(message):
    assert answer_from_line(line_from(message)) == message


@given(st.binary(max_size=200))
def test_garbage_is_no_message(line):
    with pytest.raises(BadMessage):
        request_from_line(line)
    with pytest.raises(BadMessage):
        answer_from_line(line)


def test_a_request_with_more_in_it_than_we_know_is_refused():
    line = line_from(Beat()).replace(b"}", b', "also": "this"}')

    with pytest.raises(BadMessage, match="also"):
        request_from_line(line)


def test_a_message_without_end_is_not_sent():
    with pytest.raises(BadMessage, match="at most"):
        line_from(Told(number=1, message="x" * 9_000_000))

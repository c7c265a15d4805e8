"""The client against a real server over real sockets; connections break when a test says so."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from orchestrator.access.roles import Role, Scope
from orchestrator.client import Athanor, ClientError, NoAnswer, Refused, Unreadable
from orchestrator.client.event_stream import server_events
from orchestrator.core.events import LAB_STREAM, InstrumentPutBack
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.log.event_log import EventLog
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.acts.bench_acts import TakeOut
from orchestrator.service.acts.campaign_acts import Pause
from orchestrator.service.acts.result_acts import MeasuredValue
from orchestrator.service.doubts import Answer
from tests.support.dashboard import dashboard_parts
from tests.support.recorded_campaign import RecordedCampaign, record_campaign
from tests.support.web_server import web_server

pytestmark = pytest.mark.slow


def record(log: EventLog) -> None:
    record_campaign(log)
    second = RecordedCampaign(log, "small-2")
    second.open()
    second.finish(second.start(), 0.35)
    second.leave_in_doubt(second.start())
    third = RecordedCampaign(log, "small-3")
    third.open()
    third.start()


class Breaking(httpx2.BaseTransport):
    """The network, which loses answers: the server has done what was asked."""

    def __init__(self) -> None:
        self.n_lost = 0
        """How many answers are lost from now on."""
        self.keys: list[str] = []
        self._network = httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.keys.append(request.headers.get("idempotency-key", ""))
        answer = self._network.handle_request(request)
        if self.n_lost:
            self.n_lost -= 1
            answer.close()
            raise httpx2.ReadError("the line broke", request=request)
        return answer

    def close(self) -> None:
        self._network.close()


@dataclass
class Served:
    """A server and its clients."""

    parts: DashboardParts
    url: str
    waits: list[float] = field(default_factory=list)

    def token(self, *scopes: Scope) -> str:
        kept = scopes or tuple(Scope)
        return self.parts.keys.make_token("ada", label="test", scopes=kept, by="test")

    def lab(self, *scopes: Scope, transport: httpx2.BaseTransport | None = None) -> Athanor:
        return Athanor(self.url, self.token(*scopes), transport=transport, wait=self.waits.append)

    def happen(self, n: int) -> None:
        log = open_sqlite_log(self.parts.database)
        events = [InstrumentPutBack(instrument="balance", reason=f"{i}") for i in range(n)]
        now = self.parts.clock.now()
        log.append(LAB_STREAM, events, time=now, actor="bob", is_simulated=False)
        log.close()

    def requests_of(self, kind: str) -> int:
        log = open_sqlite_log(self.parts.database)
        found = sum(one.event.kind == kind for one in log.read())
        log.close()
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with dashboard_parts(tmp_path, record) as parts:
        parts.keys.add_account("ada", Role.ADMIN, by="test")
        with web_server(parts) as url:
            yield Served(parts, url)


def test_everything_can_be_looked_at(served: Served) -> None:
    with served.lab() as lab:
        assert lab.me().name == "ada"
        assert lab.version().api == "v1"
        assert {one.campaign_id for one in lab.campaigns()} == {"small-1", "small-2", "small-3"}
        assert lab.campaign("small-1").counts.observed == 11
        rows = list(lab.experiments("small-1", order="number"))
        assert [row.number for row in rows] == list(range(1, 13))
        assert lab.experiment("small-1", "E0001").experiment == rows[0]
        whole = lab.front("small-1").front
        some = lab.front("small-1", bounds=["Ni>=0.5"], must_meet=False).front
        assert whole
        assert some != whole
        assert len(lab.hypervolume("small-1")) == 11
        assert lab.jobs("small-1").jobs
        assert lab.candidates("small-1") == ()
        assert len(list(lab.proposals("small-1"))) == 12
        assert lab.export("small-1").decode().count("\n") == 13
        assert lab.export("small-1", "parquet")[:4] == b"PAR1"
        assert lab.alarms(with_past=True) == ()
        assert [doubt.job_id for doubt in lab.doubts("small-2")] == ["E0002/dose"]
        assert [one.name for one in lab.laboratory().instruments] == [
            "balance",
            "pump_x1",
            "source_meter",
        ]
        assert lab.telemetry("balance").items == ()
        assert lab.tasks(with_answered=True).items == ()
    assert served.waits == []


def test_records_come_whole_page_by_page(served: Served) -> None:
    served.happen(1300)
    with served.lab() as lab:
        last = lab.verify().n_records or served.parts.live.refresh()
        records = list(lab.records())
        assert [one.seq for one in records] == list(range(1, last + 1))
        failed = list(lab.records(kinds=["ExperimentFailed"], campaign_id="small-1"))
        assert [one.event["experiment_id"] for one in failed] == ["E0005"]
        assert [one.seq for one in lab.records(after_seq=10, until_seq=12)] == [11, 12]


def test_the_log_is_checked_beside_everything_else(served: Served) -> None:
    with served.lab() as lab:
        assert lab.verification().state == "never"
        assert lab.verify().state in ("running", "done")
        served.parts.clock.now()
        while lab.verification().state == "running":
            pass
        checked = lab.verification()

    assert checked.is_whole
    assert checked.by == "ada"
    assert checked.n_records == served.parts.live.refresh()


def test_an_act_stands_in_the_log_under_the_persons_name(served: Served) -> None:
    with served.lab() as lab:
        told = lab.emergency_stop(reason="smoke over the furnace")
        amended = lab.amend(
            "small-2", "E0001", {"overpotential_v": MeasuredValue(value=0.31)}, reason="weighed"
        )
        answered = lab.answer_doubt("small-2", "E0002/dose", Answer.SCRAP_SAMPLE, reason="wet")
        (last,) = lab.records(kinds=["DoubtAnswered"])

        assert "latch" in told.message
        assert amended.seq < answered.seq
        assert (last.actor, last.event["reason"]) == ("ada", "wet")
        assert "smoke" in lab.laboratory().latch


def test_an_act_whose_answer_is_lost_is_done_once(served: Served) -> None:
    network = Breaking()
    with served.lab(transport=network) as lab:
        network.n_lost = 2
        told = lab.pause("small-3", reason="lunch")

    assert told.was_done_before
    assert len(network.keys) == 3
    assert len(set(network.keys)) == 1
    assert served.requests_of("PauseRequested") == 1
    assert served.waits == [0.5, 1.0]


def test_an_act_that_never_gets_an_answer_can_be_asked_again(served: Served) -> None:
    network = Breaking()
    act = Pause(campaign_id="small-3", reason="lunch")
    with served.lab(transport=network) as lab:
        network.n_lost = 100
        with pytest.raises(NoAnswer, match="nobody knows") as caught:
            lab.act(act)
        network.n_lost = 0
        again = lab.act(act, key=caught.value.key)

    assert again.was_done_before
    assert served.requests_of("PauseRequested") == 1


def test_a_refusal_says_why(served: Served) -> None:
    with served.lab(Scope.READ) as viewer, served.lab() as lab:
        with pytest.raises(Refused, match="control") as caught:
            viewer.pause("small-2")
        assert caught.value.problem.status == 403
        with pytest.raises(Refused, match="small-9") as caught:
            lab.campaign("small-9")
        assert caught.value.problem.status == 404
        with pytest.raises(Refused, match="expected why") as caught:
            lab.end("small-2", reason="")
        assert caught.value.problem.status == 409
        with pytest.raises(Refused) as caught:
            lab.experiments("small-1", order="weather").__next__()
        assert caught.value.problem.status == 422
    with Athanor(served.url, "ath_no_token") as stranger, pytest.raises(Refused, match="401"):
        stranger.me()


def test_who_acts_on_an_old_look_is_told(served: Served) -> None:
    with served.lab() as lab:
        seen = lab.seq()
        served.parts.keys.add_account("bob", Role.OPERATOR, by="test")
        token = served.parts.keys.make_token("bob", label="x", scopes=[Scope.CONTROL], by="test")
        with Athanor(served.url, token) as other:
            other.act(TakeOut(instrument="balance", reason="drifts"))
        from orchestrator.service.acts.bench_acts import PutBack

        with pytest.raises(Refused, match="bob") as caught:
            lab.act(PutBack(instrument="balance"), seen_seq=seen)

    assert caught.value.problem.status == 409
    assert served.requests_of("InstrumentPutBack") == 0


def test_events_have_no_gap_and_come_once_though_the_stream_breaks(served: Served) -> None:
    class Cutting(Breaking):
        """Cuts every stream after some bytes."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            answer = super().handle_request(request)
            if request.url.path == "/stream":
                return httpx2.Response(
                    answer.status_code, headers=answer.headers, stream=Cut(answer.stream)
                )
            return answer

    class Cut(httpx2.SyncByteStream):
        def __init__(self, stream: object) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            n_bytes = 0
            for part in self._stream:  # type: ignore[attr-defined]  # a stream of bytes
                n_bytes += len(part)
                yield part[:1500]
                if n_bytes > 1500:
                    raise httpx2.ReadError("cut")

        def close(self) -> None:
            self._stream.close()  # type: ignore[attr-defined]  # as above

    served.happen(50)
    last = served.parts.live.refresh()
    with served.lab(transport=Cutting()) as lab:
        found = []
        for event in lab.events(after_seq=0):
            found.append(event.seq)
            if event.seq == last:
                break

    assert found == list(range(1, last + 1))
    assert len(served.waits) > 5


def test_events_begin_now_unless_said_otherwise(served: Served) -> None:
    with served.lab() as lab:
        before = lab.seq()
        coming = lab.events()
        served.happen(2)
        assert next(coming).seq == before + 1
        assert next(coming).text == "balance put back: 1"
        with pytest.raises(Refused, match="after_seq"):
            next(lab.events(after_seq=10**6))


def test_what_is_no_dashboard_is_said() -> None:
    waits: list[float] = []
    lab = Athanor("http://127.0.0.1:1", "x", wait=waits.append)
    with lab, pytest.raises(NoAnswer, match="ConnectError") as caught:
        lab.me()
    assert caught.value.key == ""
    assert len(waits) == 5
    for url, token in (("ftp://lab", "x"), ("lab", "x"), ("http://lab", "ath_\N{SNOWMAN}")):
        with pytest.raises(ClientError, match="expected"):
            Athanor(url, token)


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (200, {}, "<html>", Unreadable),
        (200, {}, '{"name": "ada"}', Unreadable),
        (404, {}, "not here", Unreadable),
        (502, {}, "bad gateway", NoAnswer),
        (429, {"retry-after": "7200"}, "too often", NoAnswer),
        (503, {}, '{"type":"","title":"t","status":503,"detail":"full"}', Refused),
    ],
)
def test_an_answer_of_somebody_else_is_no_answer(
    status: int, headers: dict[str, str], body: str, error: type[ClientError]
) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, headers=headers, text=body))
    lab = Athanor("http://lab", "x", transport=transport, wait=lambda _: None)
    with lab, pytest.raises(error):
        lab.me()


def test_who_is_told_to_wait_waits() -> None:
    waits: list[float] = []
    answers = iter(
        [
            httpx2.Response(429, headers={"retry-after": "7"}),
            httpx2.Response(200, json={"athanor": "0.1.0", "api": "v1"}),
        ]
    )
    transport = httpx2.MockTransport(lambda _: next(answers))
    with Athanor("http://lab", "x", transport=transport, wait=waits.append) as lab:
        assert lab.version().api == "v1"

    assert waits == [7.0]


def test_server_sent_events_are_read_as_the_standard_says() -> None:
    lines = [
        ": note",
        "event: beat",
        "data: a",
        "data:b",
        "",
        "data",
        "",
        "id: 9",
        "",
        "data: c",
        "",
    ]

    found = [(one.event, one.data, one.event_id) for one in server_events(lines)]

    assert found == [("beat", "a\nb", ""), ("message", "", ""), ("message", "c", "9")]

"""Messages over real sockets: what arrives, what is said of a failure, and what never is."""

import logging
import socket
import threading
from collections import Counter

import pytest

from orchestrator.alarms.channels import Channel
from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.escalation import Notice
from orchestrator.alarms.notifying import Notifier, scrubbed
from orchestrator.core.events import LatchSet
from orchestrator.core.patience import Patience
from orchestrator.errors import SettingsError
from orchestrator.log.memory_log import MemoryLog
from tests.support.alarm_bench import HandClock, channels_of, say
from tests.support.message_servers import mail_server, web_hook

pytestmark = pytest.mark.slow

NOTICE = Notice("oncall", 1, ("latch",), "[critical] latch", "the latch is set\nWhat to do: look")
SECRET = "Hunter2Token"


def notifier_to(url: str, **options: float) -> Notifier:
    return Notifier(channels_of(oncall=Channel(url=url)), **options)


def test_a_webhook_gets_what_is_the_matter_and_what_to_do():
    with web_hook() as hook:
        notifier = notifier_to(hook.url(SECRET))
        notifier.send(NOTICE)

        assert notifier.wait() == [(NOTICE, "")]

    ((path, body),) = hook.posted
    assert path == f"/{SECRET}"
    assert body["title"] == "[critical] latch"
    assert body["message"] == NOTICE.body
    assert notifier.busy() == frozenset()


def test_a_mail_server_gets_a_mail():
    with mail_server() as server:
        notifier = notifier_to(server.url(SECRET))
        notifier.send(NOTICE)

        assert notifier.wait() == [(NOTICE, "")]

    ((sender, recipient, text),) = server.mails
    assert (sender, recipient) == ("lab@lab.example", "ada@lab.example")
    assert "Subject: [critical] latch" in text
    assert "the latch is set" in text
    assert SECRET not in text


def test_a_refusal_is_told_without_the_address(caplog, capfd):
    with web_hook() as hook, caplog.at_level(logging.DEBUG):
        hook.status = 503
        notifier = notifier_to(hook.url(SECRET))
        notifier.send(NOTICE)
        ((_, refused),) = notifier.wait()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gone = notifier_to(f"json://ada:{SECRET}@127.0.0.1:{port}/{SECRET}")
    gone.send(NOTICE)
    ((_, unreachable),) = gone.wait()

    assert "503" in refused
    assert "onnection" in unreachable
    said = refused + unreachable + caplog.text + "".join(capfd.readouterr())
    assert SECRET.lower() not in said.lower()


def test_a_server_that_does_not_answer_holds_nobody_up():
    with web_hook() as hook:
        hook.may_answer.clear()
        notifier = notifier_to(hook.url(), timeout_s=0.5)
        notifier.send(NOTICE)

        assert notifier.results() == []
        assert notifier.busy() == {"oncall"}
        found = notifier.wait()
        hook.may_answer.set()

    assert found == [(NOTICE, "no answer within 0.5 s")]
    assert notifier.busy() == frozenset()


def test_messages_of_one_channel_arrive_in_order():
    with web_hook() as hook:
        notifier = notifier_to(hook.url())
        for number in range(5):
            notifier.send(Notice("oncall", 1, (), f"{number}", "body"))

        assert len(notifier.wait()) == 5

    assert [body["title"] for _, body in hook.posted] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("url", ["json://", f"nosuch://{SECRET}", "", "slack://" + SECRET])
def test_an_address_that_nobody_understands_is_refused_unseen(url, caplog, capfd):
    with pytest.raises(SettingsError, match=r"^channels\.oncall\.url: ") as caught:
        notifier_to(url)

    said = str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert SECRET not in said


def test_what_is_said_of_a_failure_is_scrubbed_of_every_part_of_the_address():
    url = "https://user%40x:pa%24s@host.example/t0k/en99?key=value"
    text = "user@x pa$s USER%40X HOST.example en99 value went wrong (error=500)"

    assert scrubbed(text, url) == "*** *** *** *** *** *** went wrong (error=500)"


def test_an_alarm_goes_from_the_log_to_a_webhook_and_back_into_the_log():
    log, clock = MemoryLog(), HandClock()
    with web_hook() as hook:
        notifier = notifier_to(hook.url(SECRET))
        desk = AlarmDesk(log, clock, patience=Patience(), messenger=notifier)
        say(log, clock, LatchSet(source="operator", reason="smoke"))
        desk.look()
        while notifier.busy():
            threading.Event().wait(0.005)
        desk.look()

    counts = Counter(record.event.kind for record in log.read())
    assert counts == {"LatchSet": 1, "AlarmRaised": 1, "AlarmNotified": 1}
    assert len(hook.posted) == 1
    assert "athanor latch clear" in hook.posted[0][1]["message"]
    assert all(SECRET not in record.event.model_dump_json() for record in log.read())

"""Ctrl-C, graded."""

import signal

import pytest

from orchestrator.cli.interrupts import Interrupts
from orchestrator.service.requests import Request


def test_ctrl_c_asks_for_a_pause_then_a_stop_then_an_abort():
    asked: list[Request] = []
    hints = []

    with Interrupts(asked.append) as interrupts:
        interrupts.begin()
        hints.append(interrupts.hint)
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
            hints.append(interrupts.hint)

    assert asked == [Request.PAUSE, Request.STOP, Request.ABORT]
    assert hints == [
        "Ctrl-C asks for a pause",
        "pause requested; Ctrl-C asks for a stop",
        "stop requested; Ctrl-C asks for an abort",
        "Ctrl-C kills this process; the log stays whole",
    ]


def test_a_fourth_ctrl_c_is_the_usual_one():
    with Interrupts(lambda request: None) as interrupts:
        interrupts.begin()
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_is_given_back_at_the_end():
    before = signal.getsignal(signal.SIGINT)

    with Interrupts(lambda request: None) as interrupts:
        interrupts.begin()
        assert signal.getsignal(signal.SIGINT) is not before

    assert signal.getsignal(signal.SIGINT) is before


def test_before_a_campaign_began_ctrl_c_is_the_usual_one():
    with pytest.raises(KeyboardInterrupt), Interrupts(lambda request: None):
        signal.raise_signal(signal.SIGINT)

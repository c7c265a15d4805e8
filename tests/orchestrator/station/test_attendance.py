"""Engines come, fall silent, come back, and are outranked."""

import pytest

from orchestrator.station.attendance import Attendance, ClaimRefused


def test_three_silent_beats_give_an_engine_up_once():
    attendance: Attendance[str] = Attendance(2.0)
    attendance.claim("oer-1", 1, "wire")

    given_up = [len(attendance.let_pass(1.0)) for _ in range(10)]

    assert given_up == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert not attendance.has_engines


def test_a_beat_keeps_an_engine_for_three_more():
    attendance: Attendance[str] = Attendance(2.0)
    attendance.claim("oer-1", 1, "wire")
    for _ in range(20):
        assert attendance.let_pass(2.0) == []
        assert attendance.beat("oer-1", "wire") is None


def test_a_station_that_was_held_up_blames_no_engine():
    attendance: Attendance[str] = Attendance(2.0)
    attendance.claim("oer-1", 1, "wire")

    assert attendance.let_pass(3600.0) == []


def test_an_engine_that_was_given_up_is_there_again_with_its_next_beat():
    attendance: Attendance[str] = Attendance(2.0)
    attendance.claim("oer-1", 1, "wire")
    for _ in range(7):
        attendance.let_pass(1.0)

    claim = attendance.beat("oer-1", "wire")

    assert claim is not None
    assert attendance.has_engines


def test_a_later_epoch_takes_over_and_an_earlier_one_is_refused():
    attendance: Attendance[str] = Attendance(2.0)
    attendance.claim("oer-1", 2, "first")

    before = attendance.claim("oer-1", 3, "second")

    assert before is not None
    assert before.connection == "first"
    with pytest.raises(ClaimRefused, match="epoch 2 of oer-1 is over, 3 goes on"):
        attendance.claim("oer-1", 2, "first again")


def test_only_the_attached_engine_can_beat_or_detach():
    attendance: Attendance[str] = Attendance(2.0)
    attendance.claim("oer-1", 1, "first")
    attendance.claim("oer-1", 2, "second")
    attendance.let_pass(2.0)

    attendance.beat("oer-1", "first")

    assert attendance.claims[0].silent_s == 2.0
    assert not attendance.detach("oer-1", "first")
    assert attendance.detach("oer-1", "second")
    assert not attendance.claims


def test_an_engine_that_hung_up_is_silent_but_not_forgotten():
    attendance: Attendance[str] = Attendance(2.0)
    attendance.claim("oer-1", 1, "wire")

    attendance.hang_up("wire")

    assert attendance.claims[0].connection is None
    assert attendance.claim("oer-1", 1, "another wire") is not None

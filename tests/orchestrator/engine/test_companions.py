"""Engines of one process: what one writes wakes the others, and only idle ones count as idle."""

from functools import partial

from orchestrator.engine.companions import Companions


def _three(woken: list[str]) -> Companions:
    companions = Companions()
    for name in ("red", "green", "blue"):
        companions.join(name, partial(woken.append, name))
    return companions


def test_what_one_writes_wakes_the_others() -> None:
    woken: list[str] = []

    _three(woken).tell("red")

    assert woken == ["green", "blue"]


def test_one_alone_has_nobody_who_works() -> None:
    companions = Companions()
    companions.join("red", lambda: None)

    assert not companions.do_others_work("red")


def test_the_last_to_wait_wakes_those_that_wait_for_time_to_pass() -> None:
    woken: list[str] = []
    companions = _three(woken)

    with (
        companions.waiting("red", is_for_person=True),
        companions.waiting("green", is_for_person=False),
    ):
        assert woken == []
        assert companions.do_others_work("red")
        with companions.waiting("blue", is_for_person=False):
            assert woken == ["red", "green"]
            assert not companions.do_others_work("blue")
            assert companions.is_person_awaited


def test_one_that_has_not_looked_yet_is_not_idle() -> None:
    companions = _three([])

    with (
        companions.waiting("red", is_for_person=False),
        companions.waiting("green", is_for_person=False),
    ):
        companions.tell("blue")
        companions.leave("blue")

        assert companions.do_others_work("red")


def test_one_that_left_is_waited_for_no_more() -> None:
    companions = _three([])

    companions.leave("blue")
    companions.leave("green")
    companions.leave("green")

    assert not companions.do_others_work("red")

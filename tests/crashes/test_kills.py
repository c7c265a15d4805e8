"""The crash test in small: kills in each class lose, repeat and hide nothing; a naive engine does.

``make crash`` is the same with 150 kills in each class.
"""

import random
from pathlib import Path

import pytest

from tests.crashes.crash_lane import LANES, Lane, places_for
from tests.crashes.naive_lane import NaiveLane

N_KILLS = 8
N_NAIVE_KILLS = 25
SPEED = 50.0

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", LANES)
def test_kills_lose_repeat_and_hide_nothing(name: str, tmp_path: Path) -> None:
    lane = Lane(LANES[name], tmp_path / name, speed=SPEED, seed=1)
    try:
        lane.open()
        for place, victim in places_for(N_KILLS, random.Random(name)):
            lane.kill_once(place, victim)
        verdict = lane.settle()
    finally:
        lane.close()

    assert verdict.is_clean, verdict
    assert verdict.n_done > 0
    assert lane.n_landed >= N_KILLS // 2


def test_the_judge_finds_a_naive_engine_out(tmp_path: Path) -> None:
    lane = NaiveLane(LANES["queryable"], tmp_path / "naive", speed=SPEED, seed=1)
    found: list[str] = []
    try:
        lane.open()
        for _ in range(N_NAIVE_KILLS):
            lane.kill_once(None, "engine")
            found = lane.judge().duplicated
            if found:
                break
    finally:
        lane.close()

    assert found, "it repeats what was not reported"

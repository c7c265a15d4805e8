"""Liquids are conserved, mix, and run over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.plumbing import Plumbing, Substance, Vessel

volumes = st.lists(st.tuples(st.booleans(), st.floats(0.0, 5000.0)), max_size=20)


def plumbing() -> Plumbing:
    vessels = {
        "acid": Vessel(1e9, is_sealed=True, contents={"acid": 1000.0}),
        "salt": Vessel(1e9, is_sealed=True, contents={"salt": 1000.0}),
        "cup": Vessel(1500.0, is_sealed=False),
    }
    return Plumbing(vessels, {"acid": Substance(1.0, 1.2), "salt": Substance(3.0, 1.0)})


def test_what_is_poured_mixes_by_moles_and_weighs_by_density() -> None:
    bench = plumbing()

    bench.pour("cup", bench.draw("acid", 300.0, 1.0), 1.0)
    bench.pour("cup", bench.draw("salt", 100.0, 2.0), 2.0)

    assert bench.fractions("cup") == pytest.approx({"acid": 0.5, "salt": 0.5})
    assert bench.mass_g("cup") == pytest.approx(0.3 * 1.2 + 0.1 * 1.0)
    assert bench.vessel("cup").changed_at_s == 2.0


def test_a_vessel_gives_no_more_than_it_holds() -> None:
    bench = plumbing()

    drawn = bench.draw("acid", 5000.0, 0.0)

    assert drawn == {"acid": 1000.0}
    assert bench.draw("acid", 1.0, 0.0) == {}
    assert bench.fractions("acid") == {}


def test_a_full_vessel_runs_over_with_what_is_mixed_in_it() -> None:
    bench = plumbing()
    bench.pour("cup", {"acid": 1000.0}, 0.0)

    spilled_ul = bench.pour("cup", {"salt": 1000.0}, 0.0)

    assert spilled_ul == pytest.approx(500.0)
    assert bench.vessel("cup").contents == pytest.approx({"acid": 750.0, "salt": 750.0})


def test_every_filling_of_an_empty_vessel_is_a_sample_of_its_own() -> None:
    bench = plumbing()

    for expected in (1, 2):
        bench.pour("cup", {"acid": 100.0}, 0.0)
        bench.pour("cup", {"acid": 100.0}, 0.0)
        assert bench.vessel("cup").filling == expected
        bench.draw("cup", 1000.0, 0.0)


@given(volumes)
def test_nothing_is_lost_and_nothing_comes_of_nothing(moves: list[tuple[bool, float]]) -> None:
    bench = plumbing()
    spilled_ul = 0.0

    for is_filling, volume_ul in moves:
        source, goal = ("acid", "cup") if is_filling else ("cup", "acid")
        spilled_ul += bench.pour(goal, bench.draw(source, volume_ul, 0.0), 0.0)

    held_ul = bench.vessel("acid").volume_ul + bench.vessel("cup").volume_ul
    assert held_ul + spilled_ul == pytest.approx(1000.0)
    assert all(amount >= 0.0 for amount in bench.vessel("cup").contents.values())

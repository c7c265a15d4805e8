"""How results are judged: targets, trade-offs, fronts of many objectives, chances."""

import moocore
import numpy as np
import pytest

from campaigns.errors import CampaignFileError
from campaigns.loading import campaign_from_text
from campaigns.objectives import Objective
from campaigns.spec import CampaignSpec
from orchestrator.core.front import hypervolume, hypervolume_series, is_exact, pareto_indices
from orchestrator.core.point import Prediction
from orchestrator.core.results import best_value, chances_of, directions, judged_values
from orchestrator.core.worth import initial_ranges, worth

BASE = """
[campaign]
name = "results"
{head}
[space.composition]
components = ["a", "b"]
step = 0.1
[planner]
n_initial = 3
"""
GAP = '[[objective]]\nname = "gap_ev"\ndirection = "match"\ntarget = 3.2\ntolerance = 0.1\n'
PRICE = '[[objective]]\nname = "price_usd"\ndirection = "minimise"\n'


def campaign(*parts: str, trade_off: str = "") -> CampaignSpec:
    head = f'trade_off = "{trade_off}"' if trade_off else ""
    return campaign_from_text(BASE.format(head=head) + "".join(parts), file="results.toml")


def test_the_best_of_a_matched_objective_is_nearest_to_its_target() -> None:
    (gap,) = campaign(GAP).objectives

    assert best_value(gap, [1.0, 3.5, 2.95, 9.0]) == 2.95


def test_a_front_is_judged_by_deviations() -> None:
    spec = campaign(GAP, PRICE)
    rows = [[3.15, 9.0], [3.28, 7.0], [2.0, 8.0], [4.0, 1.0]]

    judged = [judged_values(spec, row) for row in rows]

    assert directions(spec) == ["minimise", "minimise"]
    assert [row[0] for row in judged[:2]] == [0.1, 0.1]
    assert pareto_indices(judged, directions(spec)) == [1, 3]


def test_a_weighted_sum_runs_from_the_worst_to_the_best_of_the_initial_design() -> None:
    spec = campaign(GAP + "weight = 3\n", PRICE, trade_off="weighted")
    known = {"gap_ev": [2.2, 3.2, 3.0, 99.0], "price_usd": [10.0, 30.0, 20.0, -99.0]}

    ranges = initial_ranges(spec, known)

    assert ranges == {"gap_ev": (1.0, 0.1), "price_usd": (30.0, 10.0)}
    assert worth(spec, [3.25, 10.0], ranges) == pytest.approx(1.0)
    assert worth(spec, [2.2, 30.0], ranges) == pytest.approx(0.0)
    assert worth(spec, [3.25, 30.0], ranges) == pytest.approx(0.75)


def test_a_desirability_is_nothing_where_one_objective_is_worth_nothing() -> None:
    spec = campaign(
        GAP + "[objective.desirability]\nworst = 1.1\nbest = 0.1\n",
        PRICE + "[objective.desirability]\nworst = 20\nbest = 10\n",
        trade_off="desirability",
    )

    assert worth(spec, [3.2, 21.0], {}) == 0.0
    assert worth(spec, [3.2, 9.0], {}) == 1.0
    assert worth(spec, [3.7, 12.5], {}) == pytest.approx((0.6 * 0.75) ** 0.5)


@pytest.mark.parametrize(
    ("head", "more", "said"),
    [
        ("", PRICE + "weight = 2\n", "nothing is weighed"),
        ("", PRICE + "[objective.desirability]\nworst = 2\nbest = 1\n", "it is front"),
        ("desirability", PRICE, "a table with worst and best"),
        ("", PRICE + "target = 2\n", "no target but with direction match"),
        ("", GAP + '[[stopping.target]]\nobjective = "gap_ev"\nat_most = 2\n', "to be matched"),
        ("", PRICE + '[[stopping.target]]\nobjective = "price_usd"\nwithin = 2\n', "not to be"),
        ("", GAP + "threshold = 0.1\n", "a deviation above the tolerance, which is 0.1"),
    ],
)
def test_contradictions_are_refused(head: str, more: str, said: str) -> None:
    with pytest.raises(CampaignFileError, match=said):
        campaign(more, trade_off=head)


def test_more_than_fifteen_objectives_are_refused() -> None:
    many = [PRICE.replace("price_usd", f"price_{i}_usd") for i in range(16)]

    with pytest.raises(CampaignFileError, match="got 16, expected at most 15"):
        campaign(*many)


def test_a_chance_weighs_both_limits() -> None:
    spec = campaign(PRICE, '[[outcome]]\nname = "strain"\nat_least = -1\nat_most = 1\n')

    assert chances_of(spec, {}) == {}
    assert chances_of(spec, {"strain": Prediction(mean=0, sd=1)})["strain"] == pytest.approx(
        0.6827, abs=1e-4
    )
    assert chances_of(spec, {"strain": Prediction(mean=2, sd=0)}) == {"strain": 0.0}


def sphere(n: int, m: int) -> list[list[float]]:
    drawn = np.random.default_rng(m).random((n, m)) + 0.05
    return [list(map(float, row)) for row in 1 - drawn / np.linalg.norm(drawn, axis=1)[:, None]]


@pytest.mark.parametrize(("n", "m", "error"), [(60, 6, 0.02), (40, 8, 0.02), (20, 10, 0.03)])
def test_the_hypervolume_of_many_objectives_is_nearly_right(n: int, m: int, error: float) -> None:
    rows = sphere(n, m)

    found = hypervolume(rows, ["minimise"] * m, [1.0] * m)

    assert not is_exact(n, m)
    assert found == pytest.approx(moocore.hypervolume(rows, ref=[1.0] * m), rel=error)


def test_an_approximated_series_never_falls_and_ends_where_all_rows_are() -> None:
    rows = sphere(40, 7)
    ways, reference = ["minimise"] * 7, [1.0] * 7

    series = hypervolume_series(rows, ways, reference)

    assert series == sorted(series)
    assert series[-1] == hypervolume(rows, ways, reference)


def test_rows_that_do_not_beat_the_reference_add_nothing() -> None:
    ways, reference = ["maximise"] * 6, [0.0] * 6

    assert hypervolume([[1.0] * 5 + [-1.0]], ways, reference) == 0.0
    assert hypervolume([[2.0] * 6], ways, reference) == pytest.approx(64, rel=0.03)


def test_judging_does_not_mind_a_rounding_at_the_edge_of_the_tolerance() -> None:
    gap = Objective(name="gap_ev", direction="match", target=3.2, tolerance=0.1)

    assert gap.judged(3.3) == gap.judged(3.1) == 0.1

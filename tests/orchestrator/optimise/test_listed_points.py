"""Campaigns over listed points: no planner proposes a sample that does not exist."""

import numpy as np
import pytest

from campaigns.errors import NoFeasiblePoint
from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import row_keys
from orchestrator.optimise.planner import planner_for

ROWS = [
    (10 * i + j, 100 - 12 * i - j, 2 * i, "air" if j % 2 else "argon")
    for i in range(7)
    for j in range(4)
]


def campaign(planner: str = "botorch", *constraints: str, design: str = "spread") -> CampaignSpec:
    columns = list(zip(*ROWS, strict=True))
    conditions = "\n".join(f"[[constraint]]\nexpression = '{each}'" for each in constraints)
    return campaign_from_text(
        f"""
        [campaign]
        name = "film"
        [planner]
        name = "{planner}"
        n_initial = 4
        design = "{design}"
        [space.composition]
        components = ["a", "b", "c"]
        step = 0.01
        [[space.parameter]]
        name = "gas"
        kind = "categorical"
        values = ["air", "argon"]
        [space.points]
        a = {[each / 100 for each in columns[0]]}
        b = {[each / 100 for each in columns[1]]}
        c = {[each / 100 for each in columns[2]]}
        gas = {list(columns[3])}
        {conditions}
        [[objective]]
        name = "y"
        direction = "maximise"
        """,
        file="film.toml",
    )


def test_the_set_is_the_list() -> None:
    found = FeasibleSet.of(campaign())

    assert found.n_points == len(ROWS)
    assert found.listed is not None
    wanted = {(a, b, c, int(gas == "argon")) for a, b, c, gas in ROWS}
    assert set(row_keys(found.listed)) == wanted
    rng = np.random.default_rng(0)
    for rows in (
        found.sample(5, rng),
        found.spread(rng.random((64, 5))),
        found.neighbours(found.listed[0]),
    ):
        assert set(row_keys(rows)) <= wanted
    assert not found.contains(np.array([[50, 50, 0, 0]]))[0]


def test_constraints_narrow_the_list() -> None:
    found = FeasibleSet.of(campaign("botorch", "a <= 0.3", "a*b <= 0.2"))

    left = [row for row in ROWS if row[0] <= 30 and row[0] * row[1] <= 2000]
    assert found.n_points == len(left) < len(ROWS)


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        (("a <= 0.3", "c >= 0.13"), "none of the 28 listed points meets 'c >= 0.13'"),
        (("a <= 0.3", "b <= 0.4", "c <= 0.1"), "meets 'a <= 0.3' and 'b <= 0.4' together"),
    ],
)
def test_constraints_that_no_listed_point_meets_are_named(
    constraints: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(NoFeasiblePoint, match=expected):
        FeasibleSet.of(campaign("botorch", *constraints))


@pytest.mark.parametrize("design", ["spread", "maximin", "d_optimal"])
def test_designs_are_of_listed_points(design: str) -> None:
    spec = campaign("sobol", design=design)

    proposal = planner_for(spec).propose(spec, [], [], 6, seed=0)

    assert len({tuple(each.point.values()) for each in proposal.candidates}) == 6
    assert all(FeasibleSet.of(spec).lattice.row_at(each.point) for each in proposal.candidates)


@pytest.mark.parametrize("planner", ["sobol", "botorch", "ax"])
def test_every_listed_point_is_made_once_and_no_other(planner: str) -> None:
    spec = campaign(planner, "a <= 0.13")
    wanted = {(a, b, c, gas) for a, b, c, gas in ROWS if a <= 13}
    observations: list[Observation] = []
    made: list[tuple[int, int, int, str]] = []
    for seed in range(3):
        proposal = planner_for(spec).propose(spec, observations, [], 4 if seed < 2 else 1, seed)
        for each in proposal.candidates:
            a, b, c = (round(100 * float(each.point[name])) for name in "abc")
            made.append((a, b, c, str(each.point["gas"])))
            observations.append(
                Observation(point=each.point, values={"y": a * b / 1e4}, sds={"y": 0.0})
            )

    assert set(made) == wanted
    assert len(made) == len(wanted) == 8

"""Walks keep their law, and splitting knows how rare feasible points are."""

import numpy as np
import pytest
from scipy.stats import chi2

from campaigns.loading import campaign_from_text
from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.drawing import Drawer
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import FloatArray, IntArray, row_keys
from orchestrator.optimise.splitting import split
from orchestrator.optimise.walks import Law, proposed, walk

PARAMETERS = (
    '[[space.parameter]]\nname = "t"\nkind = "range"\nlow = 0\nhigh = 5\nstep = 1\n'
    '[[space.parameter]]\nname = "k"\nkind = "categorical"\nvalues = ["u", "v"]\n'
)
SMALL = {
    "some may be absent": (
        'components = ["a", "b", "c", "d"]\nstep = 0.05\nmax_active = 3\n'
        "min_active_fraction = 0.1\n",
        ("a*b <= 0.03", "c >= d"),
    ),
    "an equality and parameters": (
        'components = ["a", "b", "c", "d"]\nstep = 0.1\nbounds = { a = [0.1, 0.5] }\n' + PARAMETERS,
        ("a + b == 0.5", "t <= 4 or k == 'u'"),
    ),
}


def feasible(space: str, constraints: tuple[str, ...]) -> FeasibleSet:
    text = f'[campaign]\nname = "x"\n[space.composition]\n{space}'
    text += "".join(f'[[constraint]]\nexpression = "{each}"\n' for each in constraints)
    text += '[[objective]]\nname = "y"\ndirection = "maximise"\n'
    return FeasibleSet.of(campaign_from_text(text, file="x.toml"))


def counts(listed: IntArray, rows: IntArray) -> FloatArray:
    place = {key: i for i, key in enumerate(row_keys(listed))}
    return np.bincount([place[key] for key in row_keys(rows)], minlength=len(listed)).astype(float)


def walked(found: FeasibleSet, law: Law, n_walkers: int, n_rounds: int) -> IntArray:
    rng = np.random.default_rng(5)
    assert found.listed is not None
    rows = np.repeat(found.listed[:1], n_walkers, axis=0)
    for _ in range(n_rounds):
        places, moved = proposed(found.drawer.lattice, law, rows, rng)
        good = found.conditions.hold(moved)
        rows[places[good]] = moved[good]
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("is_even", [True, False])
def test_long_walks_forget_where_they_began_and_follow_their_law(name: str, is_even: bool) -> None:
    found = feasible(*SMALL[name])
    assert found.listed is not None
    law = Law.even(found.lattice) if is_even else found.drawer.law

    rows = walked(found, law, n_walkers=10_000, n_rounds=250)

    weights = np.exp(law.log_weight(found.lattice, found.listed))
    expected = weights / weights.sum() * len(rows)
    distance = float(((counts(found.listed, rows) - expected) ** 2 / expected).sum())
    assert chi2.sf(distance, len(found.listed) - 1) > 0.001


def test_the_law_of_a_drawer_is_how_it_draws() -> None:
    found = feasible(*SMALL["some may be absent"])
    lattice, drawer = found.drawer.lattice, found.drawer
    rng = np.random.default_rng(3)
    uniforms = rng.random((20_000, lattice.n_variables + 1))
    rows = np.vstack(
        [
            drawer.draw(uniforms[:10_000], is_even_over_active=True),
            drawer.draw(uniforms[10_000:], is_even_over_active=False),
        ]
    )

    points, number = np.unique(rows, axis=0, return_counts=True)
    weights = np.exp(drawer.law.log_weight(lattice, points))
    expected = weights / weights.sum() * len(rows)

    assert chi2.sf(float(((number - expected) ** 2 / expected).sum()), len(points) - 1) > 0.001


@pytest.mark.slow
def test_rows_of_short_walks_lie_all_over_the_set() -> None:
    found = feasible(
        'components = ["a", "b", "c", "d"]\nstep = 0.02\nmax_active = 3\n',
        ("a*b <= 0.03", "c >= d", "a + d <= 0.7"),
    )
    assert found.listed is not None
    conditions = found.conditions
    met = np.zeros(len(found.listed))
    for seed in range(40):
        rng = np.random.default_rng(seed)
        met += counts(found.listed, walk(conditions, found.drawer.law, found.listed[:1], 400, rng))

    is_full = (found.listed[:, :4] > 0).sum(axis=1) == 3
    for variable in range(3):
        column = found.listed[:, variable]
        is_low = column < np.median(column[is_full])
        low, high = met[is_full & is_low].mean(), met[is_full & ~is_low].mean()
        assert 1 / 1.12 < low / high < 1.12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "constraints"),
    [
        (
            'components = ["a", "b", "c", "d", "e"]\nstep = 0.02\n',
            ("a*b*c >= 0.0355", "d <= 0.04"),
        ),
        (
            'components = ["a", "b", "c", "d"]\nstep = 0.01\n' + PARAMETERS,
            ("a*b >= 0.2", "c >= 0.05", "d >= 2*c - 0.1", "t*c >= 0.24", "k == 'u'"),
        ),
    ],
)
def test_a_small_share_is_estimated_within_its_error(
    space: str, constraints: tuple[str, ...]
) -> None:
    found = feasible(space, constraints)
    lattice = found.lattice
    exact = len(found.listed) / found.n_lattice_points if found.listed is not None else 0.0

    errors = []
    for seed in range(3):
        drawer = Drawer(lattice)
        estimate = split(found.conditions, drawer, np.random.default_rng(seed))
        errors.append((estimate.share / exact - 1) / max(estimate.relative_error, 0.05))
        assert found.contains(estimate.rows).all()
        assert estimate.relative_error < 0.5

    assert 0 < exact < 2e-4
    assert np.abs(errors).max() < 4


def test_what_cannot_be_reached_has_no_share() -> None:
    three = 'components = ["a", "b", "c"]\nstep = 0.1\n'
    most, least = feasible(three, ("a*b >= 0.25",)), feasible(three, ("a*b <= 0.2",))
    nothing = Conditions(most.lattice, (), (*most.conditions.others, *least.conditions.others))

    estimate = split(nothing, Drawer(most.lattice), np.random.default_rng(0))

    assert (len(estimate.rows), estimate.share) == (0, 0.0)
    assert np.isinf(estimate.relative_error)


RARE = """
[campaign]
name = "rare"
[space.composition]
components = ["Fe", "Co", "Ni", "Cr", "Mn", "Cu", "Al", "Ti"]
step = 0.005
max_active = 6
min_active_fraction = 0.02
[[space.parameter]]
name = "anneal_c"
kind = "range"
low = 400
high = 1200
step = 10
[[space.parameter]]
name = "hold_min"
kind = "discrete"
values = [5, 10, 30, 60, 120, 240]
[[space.parameter]]
name = "gas"
kind = "categorical"
values = ["Ar", "H2", "vacuum"]
[computed]
price = "2.2*Fe + 33*Co + 18*Ni + 9*Cr + 2*Mn + 9*Cu + 2.4*Al + 11*Ti"
electrons = "8*Fe + 9*Co + 10*Ni + 6*Cr + 7*Mn + 11*Cu + 3*Al + 4*Ti"
[[objective]]
name = "strength_mpa"
direction = "maximise"
"""
FIFTEEN = (
    "Fe + Co + Ni >= 0.55",
    "Cr <= 0.3*Fe + 0.05",
    "Al + Ti <= 0.12",
    "Mn <= 0.5*Ni",
    "Cu <= 0.06",
    "Fe >= Co",
    "Ni - Co >= 0.03",
    "Fe - 2*Ti <= 0.40",
    "price <= 9.5",
    "electrons >= 8.1",
    "electrons <= 8.15",
    "Fe*Ni >= 0.1",
    "sqrt(Cr*Al) >= 0.07",
    "anneal_c*hold_min <= 15000",
    "gas == 'Ar' or (anneal_c >= 800 and Al <= 0.06)",
)


@pytest.mark.slow
def test_a_millionth_under_fifteen_constraints_is_reached() -> None:
    text = RARE + "".join(f'[[constraint]]\nexpression = "{each}"\n' for each in FIFTEEN)

    found = FeasibleSet.of(campaign_from_text(text, file="rare.toml"))
    rows = found.sample(200, np.random.default_rng(0))

    assert len(np.unique(rows, axis=0)) == 200
    assert found.contains(rows).all()
    assert 3e-7 < found.share < 3e-6
    assert found.share_error < 0.5

"""The feasible set: exact counting, listing, drawing and honest refusals."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from campaigns.errors import NoFeasiblePoint
from campaigns.loading import campaign_from_text
from orchestrator.optimise.enumeration import sieve_rows
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import Lattice, row_keys


def feasible(
    composition: str = "", constraints: tuple[str, ...] = (), parameters: str = ""
) -> FeasibleSet:
    text = '[campaign]\nname = "x"\n'
    if composition:
        text += "[space.composition]\n" + composition + "\n"
    text += parameters + "\n"
    text += "\n".join(f"[[constraint]]\nexpression = '{each}'" for each in constraints)
    text += '\n[[objective]]\nname = "y"\ndirection = "maximise"\n'
    return FeasibleSet.of(campaign_from_text(text, file="x.toml"))


PLATE = 'components = ["x1", "x2", "x3", "x4", "x5", "x6"]\nstep = 0.1\nmax_active = 4'
TEN = f"components = {[f'c{i}' for i in range(10)]}\nstep = 0.005"


def test_the_oer_plate_has_its_2121_compositions() -> None:
    found = feasible(PLATE)

    assert found.n_points == found.n_lattice_points == 2121
    assert found.share == 1


def test_a_component_that_can_only_be_absent_is_absent() -> None:
    found = feasible(
        'components = ["a", "b", "c"]\nstep = 0.1\nmin_active_fraction = 0.5\n'
        "bounds = { a = [0, 0.3] }"
    )

    assert found.listed is not None
    assert set(row_keys(found.listed)) == {(0, 0, 10), (0, 10, 0), (0, 5, 5)}


def test_listing_agrees_with_trying_everything() -> None:
    found = feasible(
        'components = ["a", "b", "c"]\nstep = 0.05\nmax_active = 2\n'
        "min_active_fraction = 0.1\nbounds = { a = [0, 0.42], b = [0.1, 1] }",
        ("a + 2*b < 1.5", "b*c <= 0.2"),
    )

    wanted = set()
    for a, b in itertools.product(range(21), repeat=2):
        c = 20 - a - b
        counts = (a, b, c)
        if c < 0 or sum(x > 0 for x in counts) > 2 or any(x == 1 for x in counts):
            continue
        fa, fb, fc = (Fraction(x, 20) for x in counts)
        in_bounds = fa <= Fraction("0.42") and fb >= Fraction("0.1")
        if in_bounds and fa + 2 * fb < Fraction("1.5") and fb * fc <= Fraction("0.2"):
            wanted.add(counts)
    assert found.listed is not None
    assert set(row_keys(found.listed)) == wanted


@pytest.mark.slow
def test_a_huge_lattice_is_counted_exactly() -> None:
    found = feasible(TEN)

    assert found.n_lattice_points == math.comb(200 + 9, 9)
    assert found.n_points is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "constraints",
    [
        (),
        ("c0 + c1 == 0.37", "c2 - c3 == 0.1", "c4 >= 2*c5"),
        ("c0 == 2*c1", "c0*c2 >= 0.05", "c3 <= 0.01"),
        ("c0*c1*c2 >= 0.03", "max(c3, c4) <= 0.02"),
        ("1 / (c0 + c1/2) <= 1.2",),
    ],
)
def test_large_sets_are_sampled_without_leaving_them(constraints: tuple[str, ...]) -> None:
    found = feasible(TEN, constraints)
    rng = np.random.default_rng(1)

    rows = found.sample(300, rng)
    near = found.neighbours(rows[0])

    assert len(np.unique(rows, axis=0)) == len(rows) >= 250
    assert found.contains(rows).all()
    assert len(near) > 0
    assert found.contains(near).all()


@pytest.mark.slow
def test_equalities_that_leave_few_points_are_listed_whole() -> None:
    found = feasible(TEN, tuple(f"c{i} == 0.1" for i in range(2, 10)))

    assert found.n_points == 41
    assert found.listed is not None
    assert all(sum(row) == 200 for row in row_keys(found.listed))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "constraints"),
    [
        ("0.001", ("A*B == 0.0625",)),
        ("0.002", ("A*B == 0.06",)),
        ("0.002", ("A*B == 0.06", "C > 0.3")),
        ("0.0002", ("A*B == 0.06",)),
    ],
)
def test_few_points_of_a_large_lattice_are_found_whole(
    step: str, constraints: tuple[str, ...]
) -> None:
    found = feasible(f'components = ["A", "B", "C"]\nstep = {step}', constraints)

    n = round(1 / float(step))
    product = Fraction(constraints[0].split("== ")[1]) * n * n
    most = n if len(constraints) == 1 else math.ceil(0.7 * n) - 1
    wanted = {
        (a, int(product / a), n - a - int(product / a))
        for a in range(1, n)
        if (product / a).denominator == 1 and a + product / a <= most
    }
    assert found.listed is not None
    assert set(row_keys(found.listed)) == wanted


@pytest.mark.slow
def test_a_set_too_large_to_look_at_is_widened_from_all_that_is_known() -> None:
    found = feasible('components = ["A", "B", "C"]\nstep = 0.0001', ("A*B == 0.06",))

    rows = found.wider(found.starts[:1], 12)

    assert found.listed is None
    assert len(np.unique(rows, axis=0)) == len(rows) >= 12
    assert found.contains(rows).all()


def test_what_doubles_cannot_judge_is_sieved_in_rationals() -> None:
    composition = 'components = ["a", "b", "c"]\nstep = 0.01'
    conditions = feasible(composition, ("a*b/c == 0.02",)).conditions

    sieved = sieve_rows(conditions, conditions.lattice, 1000, most_looked_at=20_000)

    wanted = [
        (a, b, 100 - a - b)
        for a in range(101)
        for b in range(100 - a)
        if Fraction(a * b, 100 - a - b) == 2
    ]
    assert sieved is not None
    assert row_keys(sieved) == wanted


@pytest.mark.parametrize(("limit", "most_looked_at"), [(3, 20_000), (1000, 500)])
def test_a_sieve_gives_up_where_there_is_too_much(limit: int, most_looked_at: int) -> None:
    conditions = feasible('components = ["a", "b", "c"]\nstep = 0.01', ("a*b > 0.2",)).conditions

    found = sieve_rows(conditions, conditions.lattice, limit, most_looked_at=most_looked_at)

    assert found is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "composition",
    [
        f"components = {[f'c{i}' for i in range(12)]}\nstep = 0.0005",
        f"components = {[f'c{i}' for i in range(60)]}\nstep = 0.001\nmax_active = 40",
        'components = ["a", "b", "c", "d"]\nstep = 0.0001',
    ],
)
def test_fine_grids_are_drawn_from(composition: str) -> None:
    found = feasible(composition)
    rng = np.random.default_rng(0)

    rows = found.spread(rng.random((512, found.lattice.n_variables + 1)))

    n_active = (rows > 0).sum(axis=1)
    assert found.lattice.contains(rows).all()
    assert set(n_active) == set(range(1, found.lattice.max_active + 1))


def test_parameters_alone_make_a_set() -> None:
    found = feasible(
        parameters='[[space.parameter]]\nname = "t"\nkind = "range"\nlow = 0.1\nhigh = 0.7\n'
        'step = 0.1\n[[space.parameter]]\nname = "k"\nkind = "categorical"\nvalues = ["a", "b"]',
        constraints=('k == "a" or t >= 0.3', "t < 0.7"),
    )

    assert found.n_points == 6 + 4
    assert found.listed is not None
    assert found.lattice.point(found.listed[1].tolist()) == {"t": 0.2, "k": "a"}


def test_boundaries_are_judged_in_rationals() -> None:
    found = feasible('components = ["a", "b", "c"]\nstep = 0.1', ("a + b <= 0.3", "a*b == 0.02"))

    assert found.listed is not None
    assert row_keys(found.listed) == [(1, 2, 7), (2, 1, 7)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("composition", "constraints", "reason"),
    [
        (PLATE, ("x1 + x2 <= 0.1", "x1 >= 0.2", "x3 <= 0.5"), "'x1 + x2 <= 0.1' and 'x1 >= 0.2'"),
        (PLATE, ("x1 > 1",), "'x1 > 1' cannot hold within the bounds"),
        (PLATE, ("x1*x2 >= 0.3", "x3 <= 0.5"), r"'x1\*x2 >= 0.3' cannot hold within the bounds"),
        (PLATE, ("x1*x2 >= 0.2", "x3*x4 >= 0.2"), r"'x1\*x2 >= 0.2' and 'x3\*x4 >= 0.2' cannot"),
        (PLATE, ("x1*x2*x3*x4*x5 > 0",), r"'space.composition.max_active = 4' and 'x1\*x2"),
        (
            'components = ["a", "b", "c", "d"]\nstep = 0.01',
            ("a*b >= 0.2", "c + d >= 0.2", "c < 0.1"),
            r"'c . d >= 0.2' and 'a\*b >= 0.2' cannot hold together",
        ),
        (TEN, ("c0 + c1 <= 0.1", "c1 >= 0.3"), "'c0 \\+ c1 <= 0.1' and 'c1 >= 0.3'"),
    ],
)
def test_an_empty_set_is_refused_with_a_true_reason(
    composition: str, constraints: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(NoFeasiblePoint, match=reason.replace(" + ", r" \+ ")):
        feasible(composition, constraints)


@pytest.mark.slow
def test_a_failed_search_says_that_it_is_no_proof() -> None:
    with pytest.raises(NoFeasiblePoint, match="not a proof"):
        feasible(TEN, ("c0*c1*c2*c3 >= 0.9",))


def test_as_made_points_are_the_lattice_point_within_a_tenth_of_a_step() -> None:
    lattice: Lattice = feasible('components = ["a", "b"]\nstep = 0.1').lattice

    assert lattice.row_at({"a": 0.309, "b": 0.691}) == (3, 7)
    assert lattice.row_at({"a": 0.32, "b": 0.68}) is None

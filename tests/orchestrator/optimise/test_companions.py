"""Candidates of one proposal share what the campaign says, and are no fewer than they could be."""

import itertools

import numpy as np
import pytest

from campaigns.errors import CampaignFileError
from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.optimise.candidates import Taken, choose
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import IntArray, RowKey, row_keys
from orchestrator.optimise.planner import planner_for

PARAMETERS = (
    '[[space.parameter]]\nname = "furnace_c"\nkind = "range"\nlow = 500\nhigh = 540\nstep = 10\n'
    '[[space.parameter]]\nname = "gas"\nkind = "categorical"\nvalues = ["Ar", "H2"]\n'
)


def campaign(
    batch: str,
    *,
    components: int = 4,
    step: float = 0.25,
    planner: str = "sobol",
    constraints: tuple[str, ...] = (),
    parameters: str = PARAMETERS,
) -> CampaignSpec:
    names = [f"c{i}" for i in range(components)]
    text = f'[campaign]\nname = "x"\n[space.composition]\ncomponents = {names}\nstep = {step}\n'
    text += parameters
    text += "".join(f"[[constraint]]\nexpression = '{each}'\n" for each in constraints)
    text += '[[objective]]\nname = "y"\ndirection = "maximise"\n'
    text += f'[planner]\nname = "{planner}"\nn_initial = 4\n[batch]\n{batch}\n'
    return campaign_from_text(text, file="x.toml")


def may_share(spec: CampaignSpec, rows: list[RowKey]) -> bool:
    """Judge a proposal without the code under test."""
    assert spec.batch is not None
    names = list(spec.space.names)
    n_components = len(spec.space.components)
    places = [names.index(name) for name in spec.batch.same]
    used = {i for row in rows for i in range(n_components) if row[i] > 0}
    most = spec.batch.max_components or n_components
    return len(used) <= most and all(len({row[i] for row in rows}) == 1 for i in places)


def rows_of(spec: CampaignSpec, points: list[Point]) -> list[RowKey]:
    lattice = FeasibleSet.of(spec).lattice
    rows = [lattice.row_at(point) for point in points]
    return [row for row in rows if row is not None]


def first_of(pool: IntArray, n: int, picked: IntArray) -> IntArray:
    return pool[:n]


@pytest.mark.parametrize("planner", ["sobol", "botorch", "ax"])
@pytest.mark.parametrize("step", [0.25, 0.005])
@pytest.mark.slow
def test_every_planner_keeps_the_rules_with_and_without_a_model(planner: str, step: float) -> None:
    spec = campaign('same = ["furnace_c"]\nmax_components = 3', step=step, planner=planner)
    told: list[Observation] = []
    rng = np.random.default_rng(0)

    for seed in range(2):
        proposal = planner_for(spec).propose(spec, told, [], 4, seed)
        rows = rows_of(spec, [candidate.point for candidate in proposal.candidates])

        assert len(set(rows)) == 4
        assert may_share(spec, rows)
        told += [
            Observation(point=candidate.point, values={"y": float(rng.random())}, sds={})
            for candidate in proposal.candidates
        ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_a_proposal_is_as_large_as_it_can_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rules = f"max_components = {rng.integers(1, 4)}"
    if seed % 2:
        rules += '\nsame = ["furnace_c", "gas"]' if seed % 3 else '\nsame = ["gas"]'
    spec = campaign(rules, components=3, step=0.5)
    feasible = FeasibleSet.of(spec)
    assert feasible.listed is not None
    free = feasible.listed[rng.random(len(feasible.listed)) < 0.25]
    pending = {*row_keys(feasible.listed)} - {*row_keys(free)}
    taken = Taken(seen=frozenset(), pending=frozenset(pending))

    picked, remark = choose(feasible, taken, 3, feasible.listed, first_of)

    keys = row_keys(free)
    most = max(
        (
            n
            for n in (1, 2, 3)
            for rows in itertools.combinations(keys, n)
            if may_share(spec, [*rows])
        ),
        default=0,
    )
    assert may_share(spec, row_keys(picked))
    assert set(row_keys(picked)) <= set(keys)
    assert len(set(row_keys(picked))) == len(picked) == most
    assert bool(remark) == (most < 3)


def test_told_points_fill_a_proposal_that_lacks_companions() -> None:
    spec = campaign('same = ["furnace_c"]', components=2, step=0.5)
    feasible = FeasibleSet.of(spec)
    assert feasible.listed is not None
    free = feasible.listed[[0, 12]]
    seen = {*row_keys(feasible.listed)} - {*row_keys(free)}
    taken = Taken(seen=frozenset(seen), pending=frozenset())

    picked, remark = choose(feasible, taken, 3, feasible.listed, first_of)

    assert len(picked) == 3
    assert may_share(spec, row_keys(picked))
    assert remark == "1 unseen points can share a proposal; 2 told points are repeated"


@pytest.mark.slow
def test_companions_of_a_set_too_large_to_list_are_sought_where_they_must_be() -> None:
    two = PARAMETERS + (
        '[[space.parameter]]\nname = "hold_min"\nkind = "range"\nlow = 0\nhigh = 900\nstep = 1\n'
    )
    spec = campaign(
        'same = ["furnace_c", "gas", "hold_min"]\nmax_components = 4',
        components=9,
        step=0.005,
        constraints=("c0 + c1 >= 0.3", "c0*c1 >= 0.02", "c2 <= 0.1"),
        parameters=two,
    )
    proposal = planner_for(spec).propose(spec, [], [], 8, 1)

    rows = rows_of(spec, [candidate.point for candidate in proposal.candidates])
    assert len(set(rows)) == 8
    assert may_share(spec, rows)


def test_one_candidate_obeys_the_limit_of_its_batch() -> None:
    feasible = FeasibleSet.of(campaign("max_components = 2", components=4, step=0.1))

    assert feasible.listed is not None
    assert int((feasible.listed[:, :4] > 0).sum(axis=1).max()) == 2


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ('same = ["furnace_k"]', r"batch.same\[0\]: got 'furnace_k', expected one of furnace_c"),
        ('same = ["c1"]', r"batch.same\[0\]: got 'c1', expected a parameter"),
        ('same = ["gas", "gas"]', r"batch.same\[1\]: got 'gas', expected a name that is not yet"),
        ("max_components = 0", "batch.max_components: got 0, expected at least 1"),
        ("max_components = 9", "batch.max_components: got 9, expected 1 to 4"),
        ("most = 2", "batch.most: got|batch: got 'most'"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(batch: str, message: str) -> None:
    with pytest.raises(CampaignFileError, match=message):
        campaign(batch)


def test_a_limit_below_what_bounds_need_is_refused() -> None:
    bounds = "[space.composition.bounds]\nc0 = [0.25, 1]\nc1 = [0.25, 1]\n"

    with pytest.raises(CampaignFileError, match="at least 2: every candidate holds c0, c1"):
        campaign("max_components = 1", parameters=bounds + PARAMETERS)


def test_a_file_without_components_has_no_limit_on_them() -> None:
    text = '[campaign]\nname = "x"\n' + f"[space]\n{PARAMETERS}"
    text += '[[objective]]\nname = "y"\ndirection = "maximise"\n[batch]\nmax_components = 2\n'

    with pytest.raises(CampaignFileError, match="no such key without a composition"):
        campaign_from_text(text, file="x.toml")

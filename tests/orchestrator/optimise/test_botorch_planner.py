"""The default planner on awkward data, with computed objectives, specifications and failures."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.optimise.planner import Proposal, UnsupportedCampaign, planner_for
from orchestrator.optimise.training_data import reference_point

pytestmark = pytest.mark.slow

BASE = """
[campaign]
name = "awkward"
[space.composition]
components = ["a", "b", "c"]
step = 0.1
[planner]
n_initial = 4
"""
MEASURED = '[[objective]]\nname = "y"\ndirection = "maximise"\n'
COST = '[computed]\ncost = "3*a + 5*b"\n[[objective]]\nname = "cost"\ndirection = "minimise"\n'
SPECIFIED = '[[outcome]]\nname = "strain"\nat_least = 0.5\nat_most = 2\n'


def campaign(*parts: str) -> CampaignSpec:
    return campaign_from_text(BASE + "".join(parts), file="awkward.toml")


def design(n: int, seed: int = 0) -> list[dict[str, float | str]]:
    proposal = planner_for(campaign(MEASURED)).propose(campaign(MEASURED), [], [], n, seed)
    return [candidate.point for candidate in proposal.candidates]


def propose(
    spec: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point] = (),
    n: int = 1,
) -> Proposal:
    return planner_for(spec).propose(spec, observations, pending, n, 0)


def observed(
    points: Sequence[dict[str, float | str]], values: Sequence[float]
) -> list[Observation]:
    return [
        Observation(point=point, values={"y": value})
        for point, value in zip(points, values, strict=True)
    ]


@pytest.mark.parametrize(
    "values",
    [
        [5.0] * 6,
        [0.0] * 6,
        [1.0, 2.0, 3.0, 4.0, 5.0, 1e9],
        [1e-300, 2e-300, 3e-300, 1e-300, 2e-300, 0.0],
        [1e200, -1e200, 1e200, 0.0, 1.0, 2.0],
    ],
)
@pytest.mark.parametrize("parts", [(MEASURED,), (MEASURED, COST)])
def test_odd_values_still_give_points(values: list[float], parts: tuple[str, ...]) -> None:
    spec = campaign(*parts)

    proposal = propose(spec, observed(design(6), values), n=2)

    assert len(proposal.candidates) == 2
    assert proposal.reason


def test_one_point_told_many_times_still_gives_another() -> None:
    points = design(1) * 8

    proposal = propose(campaign(MEASURED, COST), observed(points, [1.0, 1.1, 0.9, 1.0] * 2))

    assert proposal.candidates[0].point != points[0]


def test_too_little_to_learn_from_goes_on_filling_the_space_and_says_so() -> None:
    points = design(5)
    nothing = [Observation(point=point, is_failed=True) for point in points]
    single = [*nothing[:4], Observation(point=points[4], values={"y": 1.0})]

    for observations in (nothing, single):
        proposal = propose(campaign(MEASURED), observations)
        assert proposal.method == "initial_design"
        assert "y has" in proposal.reason


def test_computed_objectives_are_exact_and_never_modelled() -> None:
    spec = campaign(MEASURED, COST)
    points = design(6)

    proposal = propose(spec, observed(points, [float(point["a"]) for point in points]), n=3)

    for candidate in proposal.candidates:
        exact = 3 * float(candidate.point["a"]) + 5 * float(candidate.point["b"])
        assert candidate.predictions["cost"].mean == pytest.approx(exact, rel=1e-12)
        assert candidate.predictions["cost"].sd == 0
        assert candidate.predictions["y"].sd > 0
    assert set(proposal.reference_point or {}) == {"y", "cost"}


def test_objectives_that_are_all_computed_are_chosen_without_a_model() -> None:
    spec = campaign(COST)

    points = [{"a": 0.0, "b": 0.0, "c": 1.0}, *design(4)]

    proposal = propose(spec, [Observation(point=point) for point in points])

    unseen = [{"a": 0.1, "b": 0.0, "c": 0.9}, {"a": 0.2, "b": 0.0, "c": 0.8}]
    cheapest = next(point for point in unseen if point not in points)
    assert proposal.method == "exact"
    assert proposal.candidates[0].point == cheapest


def test_a_specification_is_learnt() -> None:
    spec = campaign(MEASURED, SPECIFIED)
    rng = np.random.default_rng(0)
    points = design(14)
    observations = [
        Observation(
            point=point,
            values={
                "y": float(point["a"]) + float(point["b"]) / 2,
                "strain": 1.2 - float(point["a"]) + rng.normal(0, 0.01),
            },
        )
        for point in points
    ]

    candidates = propose(spec, observations, n=2).candidates

    assert float(candidates[0].point["a"]) <= 0.8
    assert all(set(candidate.predictions) == {"y", "strain"} for candidate in candidates)


def test_a_specification_never_measured_is_left_out_aloud() -> None:
    spec = campaign(MEASURED, SPECIFIED)

    proposal = propose(spec, observed(design(5), [1.0, 2.0, 1.5, 1.2, 0.9]))

    assert "strain has too few observations" in proposal.reason


def test_failed_samples_are_avoided() -> None:
    spec = campaign(MEASURED)
    observations = [
        Observation(point=point, is_failed=True)
        if float(point["a"]) > 0.5
        else Observation(point=point, values={"y": 1 - abs(float(point["b"]) - 0.3)})
        for point in design(12)
    ]

    candidates = propose(spec, observations).candidates

    assert float(candidates[0].point["a"]) <= 0.5


def test_given_errors_are_believed() -> None:
    spec = campaign(MEASURED)
    points = design(8)
    values = [float(point["a"]) for point in points]
    exact = [
        Observation(point=point, values={"y": value}, sds={"y": 0.001})
        for point, value in zip(points, values, strict=True)
    ]
    rough = [
        Observation(point=point, values={"y": value}, sds={"y": 1.0})
        for point, value in zip(points, values, strict=True)
    ]

    sharp = propose(spec, exact).candidates[0].predictions["y"].sd
    blunt = propose(spec, rough).candidates[0].predictions["y"].sd

    assert sharp < blunt


@pytest.mark.parametrize(("n_more", "method"), [(3, "log_nehvi"), (4, "log_nparego")])
def test_more_objectives_than_a_hypervolume_can_weigh_are_scalarised(
    n_more: int, method: str
) -> None:
    names = range(n_more)
    more = "".join(f'[[objective]]\nname = "z{i}"\ndirection = "minimise"\n' for i in names)
    spec = campaign(MEASURED, more)
    observations = [
        Observation(
            point=point,
            values={"y": float(point["a"]), **{f"z{i}": float(point["b"]) + i for i in names}},
        )
        for point in design(6)
    ]

    proposal = propose(spec, observations, n=2)

    assert proposal.method == method
    assert proposal.reason.count("(NParEGO) instead of hypervolume") == (method == "log_nparego")
    assert len(proposal.candidates) == 2


def test_the_reference_point_does_not_move_with_later_observations() -> None:
    spec = campaign(MEASURED, COST)
    points = design(7)
    observations = observed(points, [1.0, 2.0, 3.0, 4.0, -50.0, 60.0, 7.0])

    early = reference_point(spec, observations[:4])
    late = reference_point(spec, observations)

    assert early == late
    assert early["y"] == pytest.approx(1.0 - 0.1 * 3.0)


def test_torch_is_left_as_it_was() -> None:
    import torch

    torch.manual_seed(5)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()

    propose(campaign(MEASURED), observed(design(5), [1.0, 2.0, 1.5, 1.2, 0.9]))

    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("slope", "method"),
    [(-1.0, "log_nehvi"), (1.0, "log_nehvi+log_nei")],
)
def test_a_measured_objective_is_sought_alone_beside_a_computed_one_while_that_promises_much(
    slope: float, method: str
) -> None:
    """What costs least is the best already, or the best lies beyond what was made."""
    spec = campaign(MEASURED, COST)
    made = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (0, 3), (0, 6), (3, 3)]
    points: list[dict[str, float | str]] = [
        {"a": a / 10, "b": b / 10, "c": (10 - a - b) / 10} for a, b in made
    ]

    proposal = propose(spec, observed(points, [slope * (a + b) for a, b in made]), n=2)

    assert proposal.method == method
    assert ("pick 1 seeks the best y alone" in proposal.reason) == (method != "log_nehvi")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((MEASURED, COST), "cost is computed exactly"),
        ((MEASURED, '[[constraint]]\nexpression = "a*b <= 0.1"\n'), "not linear"),
    ],
)
def test_ax_refuses_what_it_would_have_to_guess(parts: tuple[str, ...], reason: str) -> None:
    spec = campaign(*parts)
    choice = spec.planner.model_copy(update={"name": "ax"})

    with pytest.raises(UnsupportedCampaign, match=reason):
        planner_for(spec.model_copy(update={"planner": choice}))


def test_an_unknown_planner_is_refused_with_the_known_ones() -> None:
    spec = campaign(MEASURED)
    choice = spec.planner.model_copy(update={"name": "oracle"})

    with pytest.raises(UnsupportedCampaign, match="ax, botorch, sobol"):
        planner_for(spec.model_copy(update={"planner": choice}))


def test_the_lock_file_of_a_killed_compilation_stops_nobody(tmp_path: Path) -> None:
    lock = tmp_path / "logei_fused_ext" / "lock"
    lock.parent.mkdir()
    lock.touch()
    program = (
        "from tests.orchestrator.optimise.test_botorch_planner import *\n"
        "values = [float(i) for i in range(6)]\n"
        "print(len(propose(campaign(MEASURED, COST), observed(design(6), values), n=2).candidates))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TORCH_EXTENSIONS_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == ("2", 0), done.stderr
    assert list(tmp_path.rglob("*")) == [lock.parent, lock]

"""Designs are better by their own measure, repeatable, and know what is made or pending."""

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point
from orchestrator.optimise.designs import QuadraticModel
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.planner import planner_for

SPACES = {
    "a mixture": 'components = ["a", "b", "c", "d"]\nstep = 0.05\n',
    "a bounded mixture and parameters": (
        'components = ["a", "b", "c", "d"]\nstep = 0.02\nmax_active = 3\n'
        "bounds = { a = [0.1, 0.6] }\n"
        '[[space.parameter]]\nname = "t_c"\nkind = "range"\nlow = 20\nhigh = 90\nstep = 5\n'
        '[[space.parameter]]\nname = "gas"\nkind = "categorical"\nvalues = ["Ar", "H2", "air"]\n'
        '[[constraint]]\nexpression = "b*c <= 0.1"\n'
    ),
}
N = 24


def campaign(space: str, design: str, n_initial: int = N) -> CampaignSpec:
    text = f'[campaign]\nname = "x"\n[space.composition]\n{SPACES[space]}'
    text += '[[objective]]\nname = "y"\ndirection = "maximise"\n'
    text += f'[planner]\nname = "sobol"\nn_initial = {n_initial}\ndesign = "{design}"\n'
    return campaign_from_text(text, file="x.toml")


def points(spec: CampaignSpec, n: int, pending: list[Point], seed: int = 0) -> list[Point]:
    proposal = planner_for(spec).propose(spec, [], pending, n, seed)
    return [candidate.point for candidate in proposal.candidates]


def log_det(spec: CampaignSpec, design: list[Point]) -> float:
    """Return the logarithm of the determinant of a design's information matrix."""
    terms = QuadraticModel.of(spec).of_points(design)
    return float(np.linalg.slogdet(terms.T @ terms + 1e-9 * np.eye(terms.shape[1]))[1])


def least_distance(spec: CampaignSpec, design: list[Point]) -> float:
    features = Encoding.of(spec).points(design, is_logarithmic=False)
    apart = ((features[:, None] - features[None]) ** 2).sum(axis=2)
    return float(apart[~np.eye(len(apart), dtype=bool)].min()) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES)
def test_each_design_is_the_best_by_its_own_measure(space: str) -> None:
    made = {
        design: points(campaign(space, design), N, [])
        for design in ("spread", "maximin", "d_optimal")
    }
    spec = campaign(space, "spread")
    feasible = FeasibleSet.of(spec)
    rng = np.random.default_rng(1)
    random = [
        [feasible.lattice.point(row) for row in feasible.sample(N, rng).tolist()] for _ in range(20)
    ]

    informations = {name: log_det(spec, design) for name, design in made.items()}
    distances = {name: least_distance(spec, design) for name, design in made.items()}

    best_random = max(log_det(spec, design) for design in random)
    assert informations["d_optimal"] > max(informations["maximin"], informations["spread"]) + 1
    assert informations["d_optimal"] > best_random + 1
    assert distances["maximin"] > 1.1 * distances["spread"]
    assert distances["maximin"] > max(least_distance(spec, design) for design in random)


@pytest.mark.slow
@pytest.mark.parametrize("design", ["maximin", "d_optimal"])
def test_a_design_asked_for_in_pieces_is_repeatable_and_nearly_as_good(design: str) -> None:
    spec = campaign("a mixture", design, n_initial=12)
    whole = points(spec, 12, [])

    pieces: list[Point] = []
    for _ in range(4):
        pieces += points(spec, 3, pieces)

    assert points(spec, 12, []) == whole
    assert len({tuple(point.values()) for point in pieces}) == 12
    if design == "d_optimal":
        assert log_det(spec, pieces) > log_det(spec, whole) - 1.5
    else:
        assert least_distance(spec, pieces) > 0.7 * least_distance(spec, whole)


@pytest.mark.parametrize(
    ("design", "said"),
    [("spread", False), ("maximin", True), ("d_optimal", True)],
)
def test_the_reason_names_a_design_that_was_asked_for(design: str, said: bool) -> None:
    spec = campaign("a mixture", design, n_initial=2)

    reason = planner_for(spec).propose(spec, [], [], 2, 0).reason

    assert (f"the design is {design}" in reason) is said

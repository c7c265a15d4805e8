"""What is maximised agrees with how results are judged, for targets, weights and desirability."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation
from orchestrator.core.worth import worth
from orchestrator.optimise.aims import Aims
from orchestrator.optimise.planner import planner_for
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.training_data import reference_point

BASE = """
[campaign]
name = "aims"
trade_off = "{trade_off}"
[space.composition]
components = ["a", "b", "c"]
step = 0.1
[computed]
cost = "3*a + 5*b"
[planner]
n_initial = 4
"""
GAP = '[[objective]]\nname = "gap_ev"\ndirection = "match"\ntarget = 3.2\ntolerance = 0.1\n'
COST = '[[objective]]\nname = "cost"\ndirection = "minimise"\n'
COST_MATCHED = '[[objective]]\nname = "cost"\ndirection = "match"\ntarget = 2\ntolerance = 0.5\n'
GAP_DESIRED = GAP + "[objective.desirability]\nworst = 2\nbest = 0.1\nexponent = 2\n"
COST_DESIRED = COST + "weight = 3\n[objective.desirability]\nworst = 4\nbest = 1\n"
DESIGN = ((0.2, 0.3, 0.5), (0.5, 0.1, 0.4), (0.1, 0.1, 0.8), (0.0, 0.9, 0.1), (0.3, 0.3, 0.4))
GAPS = (1.0, 2.5, 3.25, 4.8, 3.0)


def campaign(*parts: str, trade_off: str = "front") -> CampaignSpec:
    return campaign_from_text(BASE.format(trade_off=trade_off) + "".join(parts), file="aims.toml")


def observed(points: Sequence[Sequence[float]] = DESIGN) -> list[Observation]:
    return [
        Observation(point=dict(zip("abc", point, strict=True)), values={"gap_ev": gap})
        for point, gap in zip(points, GAPS, strict=True)
    ]


def aims_of(spec: CampaignSpec) -> tuple[Aims, Problem]:
    problem = Problem.of(spec, observed())
    return Aims(spec, problem.data.columns, problem.scales, problem.data.ranges), problem


def utilities_of_made(spec: CampaignSpec) -> tuple[Aims, Tensor]:
    aims, problem = aims_of(spec)
    samples = torch.from_numpy(problem.data.columns[0].Y[:, None])
    rows = torch.from_numpy(problem.joined(problem.data.X_made, problem.data.computed_made))
    return aims, aims.utilities(samples, rows)


def values_of_made(spec: CampaignSpec) -> list[list[float]]:
    known: list[Mapping[str, float]] = [
        {**one.values, **spec.computed_values(one.point)} for one in observed()
    ]
    return [[one[each.name] for each in spec.objectives] for one in known]


@pytest.mark.parametrize("cost", [COST, COST_MATCHED])
def test_utilities_order_made_points_as_they_are_judged(cost: str) -> None:
    spec = campaign(GAP, cost)
    aims, utilities = utilities_of_made(spec)

    judged = [
        [one.sign * one.judged(value) for one, value in zip(spec.objectives, row, strict=True)]
        for row in values_of_made(spec)
    ]

    assert aims.n_utilities == 2
    for column in range(2):
        wanted = np.array(judged)[:, column]
        found = utilities[:, column].numpy()
        width = np.ptp(wanted) / np.ptp(found)
        assert np.allclose(found * width - wanted, found[0] * width - wanted[0])


def test_what_lies_within_the_tolerance_is_equally_good() -> None:
    aims, problem = aims_of(campaign(GAP))
    scale = problem.data.columns[0].scale
    samples = torch.tensor([[scale.number(gap)] for gap in (3.12, 3.2, 3.28, 3.4)])

    utilities = aims.utilities(samples, torch.zeros(4, problem.encoding.n_features))

    assert torch.allclose(utilities[:3], utilities[0])
    assert utilities[3] < utilities[0]


def test_a_weighted_sum_is_what_results_are_worth() -> None:
    spec = campaign(GAP + "weight = 2\n", COST, trade_off="weighted")
    aims, utilities = utilities_of_made(spec)
    assert aims.ranges is not None

    expected = [worth(spec, row, aims.ranges) for row in values_of_made(spec)]

    assert aims.n_utilities == 1
    assert np.allclose(utilities[:, 0].numpy(), expected)
    assert aims.remark == "2 objectives are traded by their weighted sum"


def test_log_desirability_is_what_results_are_worth_where_they_are_worth_something() -> None:
    spec = campaign(GAP_DESIRED, COST_DESIRED, trade_off="desirability")
    _, utilities = utilities_of_made(spec)

    expected = np.array([worth(spec, row, {}) for row in values_of_made(spec)])
    found = utilities[:, 0].numpy()

    assert (expected > 0).sum() == 3
    assert np.allclose(np.exp(found[expected > 0]), expected[expected > 0])
    assert len(set(found[expected == 0])) == 2
    assert found[expected == 0].max() < found[expected > 0].min()


@pytest.mark.parametrize(
    ("trade_off", "parts"),
    [
        ("front", (GAP, COST_MATCHED)),
        ("weighted", (GAP, COST)),
        ("desirability", (GAP_DESIRED, COST_DESIRED)),
    ],
)
def test_utilities_can_be_differentiated_outside_of_the_tolerance(
    trade_off: str, parts: Sequence[str]
) -> None:
    aims, problem = aims_of(campaign(*parts, trade_off=trade_off))
    scale = problem.data.columns[0].scale
    samples = torch.tensor([[scale.number(gap)] for gap in (1.0, 2.9, 3.9, 40.0)])
    samples.requires_grad_()

    aims.utilities(samples, torch.zeros(4, problem.encoding.n_features + 1)).sum().backward()

    assert samples.grad is not None
    assert torch.isfinite(samples.grad).all()
    assert (samples.grad != 0).all()


def test_the_reference_point_of_a_target_is_a_deviation() -> None:
    spec = campaign(GAP, COST)
    aims, _ = aims_of(spec)

    reference = reference_point(spec, observed())

    assert reference["gap_ev"] == pytest.approx(2.2 + 0.1 * (2.2 - 0.1))
    worst = aims.utilities(
        torch.tensor([[aims.columns[0].scale.number(1.0)]]),
        torch.zeros(1, 4),
    )
    assert aims.reference(reference)[0] < float(worst[0, 0])


def test_a_threshold_limits_a_target_on_both_sides() -> None:
    spec = campaign(GAP + "threshold = 0.5\n", COST, trade_off="weighted")
    aims, problem = aims_of(spec)
    scale = problem.data.columns[0].scale
    samples = torch.tensor([[scale.number(gap)] for gap in (2.6, 2.8, 3.6, 3.8)])

    holds = torch.stack([one(samples) <= 0 for one in aims.specifications()]).all(dim=0)

    assert holds.tolist() == [False, True, True, False]


def test_a_traded_computed_objective_keeps_its_threshold_exactly() -> None:
    spec = campaign(GAP, COST + "threshold = 2\n", trade_off="weighted")

    assert [condition.text for condition in spec.conditions] == ["cost <= 2"]
    proposal = planner_for(spec).propose(spec, [], [], 20, 0)
    assert all(spec.computed_values(one.point)["cost"] <= 2 for one in proposal.candidates)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trade_off", "parts", "method", "said"),
    [
        ("front", (GAP,), "log_nei", ""),
        ("front", (GAP, COST_MATCHED), "log_nehvi", ""),
        ("weighted", (GAP, COST), "log_nei", "traded by their weighted sum"),
        ("desirability", (GAP_DESIRED, COST_DESIRED), "log_nei", "traded by their desirability"),
    ],
)
def test_the_planner_says_how_it_trades(
    trade_off: str, parts: Sequence[str], method: str, said: str
) -> None:
    spec = campaign(*parts, trade_off=trade_off)
    proposal = planner_for(spec).propose(spec, observed(), [], 2, 0)

    assert proposal.method == method
    assert said in proposal.reason
    assert len(proposal.candidates) == 2


@pytest.mark.slow
def test_a_target_is_found_where_the_extremes_are_of_no_use() -> None:
    spec = campaign(GAP)
    told = observed()
    for turn in range(12):
        (found,) = planner_for(spec).propose(spec, told, [], 1, turn).candidates
        value = 1.0 + 4.0 * float(found.point["a"]) + 2.0 * float(found.point["b"]) ** 2
        told.append(Observation(point=found.point, values={"gap_ev": value}))

    assert min(spec.objectives[0].judged(one.values["gap_ev"]) for one in told[5:]) == 0.1

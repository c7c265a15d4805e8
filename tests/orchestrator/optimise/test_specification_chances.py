"""What a proposal says of specifications that its picks will hardly keep."""

import pytest

from campaigns.loading import campaign_from_text
from orchestrator.core.point import Candidate, Prediction
from orchestrator.optimise.specification_chances import unlikely_specifications

CAMPAIGN = """
[campaign]
name = "spec"
[space.composition]
components = ["a", "b"]
step = 0.1
[[objective]]
name = "y"
direction = "maximise"
[[outcome]]
name = "strain"
at_least = 0.5
at_most = 2
"""


@pytest.mark.parametrize(
    ("mean", "sd", "said"),
    [
        (1.2, 0.1, []),
        (0.5, 1e-6, []),
        (0.5, 10.0, ["pick 1 keeps the specification of strain with probability 0.06"]),
        (0.4, 0.1, ["pick 1 keeps the specification of strain with probability 0.16"]),
        (2.1, 0.0, ["pick 1 keeps the specification of strain with probability 0.00"]),
        (1.0, 0.0, []),
    ],
)
def test_a_specification_that_is_hardly_kept_is_named(
    mean: float, sd: float, said: list[str]
) -> None:
    campaign = campaign_from_text(CAMPAIGN, file="spec.toml")
    candidate = Candidate(
        point={"a": 0.5, "b": 0.5}, predictions={"strain": Prediction(mean=mean, sd=sd)}
    )

    assert list(unlikely_specifications(campaign, [candidate])) == said


def test_thresholds_are_specifications_where_objectives_are_traded() -> None:
    text = CAMPAIGN.replace('"spec"', '"spec"\ntrade_off = "desirability"')
    goal = 'direction = "maximise"\nthreshold = 3\ndesirability = { worst = 0, best = 9 }'
    other = '[[objective]]\nname = "z"\ndirection = "minimise"\n'
    text = text.replace('direction = "maximise"', goal) + other
    campaign = campaign_from_text(
        text + "desirability = { worst = 9, best = 0 }\n", file="spec.toml"
    )
    candidate = Candidate(
        point={"a": 0.5, "b": 0.5}, predictions={"y": Prediction(mean=1.0, sd=0.5)}
    )

    (said,) = unlikely_specifications(campaign, [candidate])

    assert said == "pick 1 keeps the specification of y with probability 0.00"

"""The examples of docs/CAMPAIGNS.md are what the code does, and no key is left out."""

import re
from pathlib import Path

import pytest

import campaigns
from campaigns.approval import Approval
from campaigns.errors import CampaignFileError
from campaigns.failures import Failures
from campaigns.fields import Section
from campaigns.grammar import FUNCTIONS
from campaigns.loading import campaign_from_text
from campaigns.objectives import Objective, Outcome
from campaigns.recipe import AnalysisChoice, JobTemplate, Recipe
from campaigns.reference import Expected, Reference
from campaigns.run_windows import RunWindows
from campaigns.space import (
    CategoricalParameter,
    Composition,
    DiscreteParameter,
    RangeParameter,
    Space,
)
from campaigns.spec import CampaignSpec, Constraint, Header, PlannerChoice
from campaigns.stopping import Plateau, Stopping, Target

PAGE = (Path(campaigns.__file__).parent.parent / "docs" / "CAMPAIGNS.md").read_text("utf-8")
SECTIONS: list[type[Section]] = [
    AnalysisChoice,
    Approval,
    CampaignSpec,
    CategoricalParameter,
    Composition,
    Constraint,
    DiscreteParameter,
    Expected,
    Failures,
    Header,
    JobTemplate,
    Objective,
    Outcome,
    Plateau,
    PlannerChoice,
    RangeParameter,
    Recipe,
    Reference,
    RunWindows,
    Space,
    Stopping,
    Target,
]


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_complete_examples_load() -> None:
    blocks = _blocks("toml complete")

    assert blocks
    for block in blocks:
        campaign_from_text(block, file="docs")


def test_the_parts_together_are_one_campaign() -> None:
    campaign = campaign_from_text("".join(_blocks("toml part")), file="docs")

    assert campaign.recipe is not None
    assert campaign.measured_names == ("yield_strength_mpa", "elongation_fraction")


def test_the_wrong_example_is_refused_with_the_lines_shown() -> None:
    with pytest.raises(CampaignFileError) as caught:
        campaign_from_text(_blocks("toml wrong")[0], file="docs")

    lines = _blocks("text refused")[0].splitlines()
    assert [str(problem) for problem in caught.value.problems] == lines


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_is_on_the_page(section: type[Section]) -> None:
    for name, field in section.model_fields.items():
        key = field.alias or name
        assert re.search(rf"[`\[.{{]{key}\b", PAGE), key


def test_every_function_is_on_the_page() -> None:
    assert f"`{' '.join(sorted(FUNCTIONS))}`" in PAGE

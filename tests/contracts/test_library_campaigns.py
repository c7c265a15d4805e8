"""Every shipped campaign loads, is unambiguous to hash, and says when it ends."""

from pathlib import Path

import pytest

import campaigns
from campaigns.loading import load_campaign
from campaigns.spec import CampaignSpec

LIBRARY = Path(campaigns.__file__).parent / "library"
FILES = sorted(path for path in LIBRARY.rglob("*.toml") if not path.stem.endswith("_rig"))


def test_there_are_campaigns_in_the_library() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_library_campaign_loads(file: Path) -> None:
    campaign = load_campaign(file)

    assert campaign.header.description
    assert CampaignSpec.from_canonical_text(campaign.canonical_text()) == campaign


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_library_campaign_can_be_run_to_an_end(file: Path) -> None:
    campaign = load_campaign(file)

    assert campaign.recipe is not None
    assert campaign.stopping.can_end
    assert campaign.recipe.jobs_for(campaign.space.components)


def test_library_campaigns_have_names_of_their_own() -> None:
    names = [load_campaign(file).header.name for file in FILES]

    assert len(names) == len(set(names))

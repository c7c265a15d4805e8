"""The fields of a form become an act."""

import pytest

from orchestrator.dashboard.act_forms import act_from_form
from orchestrator.errors import RequestRefused
from orchestrator.service.acts import ACTS


def test_dots_nest_and_numbers_become_numbers() -> None:
    fields = [
        ("campaign_id", "oer-1"),
        ("candidate_id", "C0007"),
        ("changes.Ni", "0.25"),
        ("changes.solvent", "water"),
        ("reason", " more nickel "),
    ]

    act = act_from_form(ACTS["edit"], fields)

    assert act.model_dump() == {
        "campaign_id": "oer-1",
        "candidate_id": "C0007",
        "changes": {"Ni": 0.25, "solvent": "water"},
        "reason": "more nickel",
    }


def test_a_value_has_a_standard_error_or_none() -> None:
    fields = [
        ("campaign_id", "oer-1"),
        ("experiment_id", "E0001"),
        ("values.overpotential_v.value", "0.351"),
        ("values.overpotential_v.sd", ""),
    ]

    act = act_from_form(ACTS["amend"], fields)

    assert act.model_dump()["values"] == {"overpotential_v": {"value": 0.351, "sd": None}}


def test_repeated_places_are_a_list() -> None:
    act = act_from_form(ACTS["clean_places"], [("places", "cell"), ("places", "tray 1")])

    assert act.model_dump()["places"] == ("cell", "tray 1")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([], "campaign_id"),
        ([("campaign_id", "a"), ("campaign_id", "b")], "twice"),
        ([("campaign_id", "a"), ("colour", "red")], "colour"),
        ([("campaign_id", "a"), ("campaign_id.x", "b")], "two kinds"),
        ([("campaign_id", "a"), ("reason", "x" * 2001)], "reason"),
    ],
)
def test_wrong_fields_are_named(fields: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        act_from_form(ACTS["pause"], fields)

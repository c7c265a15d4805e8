"""A campaign keeps its numbers exactly, and knows what is measured and what computed."""

import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import CampaignFileError, UndefinedValue
from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec

ALLOY = """
[campaign]
name = "al-cu-li-mg-strength"
[space.composition]
elements = ["Al", "Cu", "Li", "Mg", "Zn", "Zr"]
basis = "mass_fraction"
bounds = { Al = [0.85, 0.98], Li = [0.0, 0.025] }
max_active = 5
min_active_fraction = 0.002
step = 0.0005
[[space.parameter]]
name = "ageing_temperature_c"
kind = "range"
low = 120
high = 200
step = 5
[[space.parameter]]
name = "quench"
kind = "categorical"
values = ["water", "oil"]
[[constraint]]
expression = "Cu + Mg <= 0.07"
[[constraint]]
expression = "cost_usd_per_kg <= 12"
[computed]
cost_usd_per_kg = "2.4*Al + 9*Cu + 110*Li + 2.7*Mg + 2.6*Zn + 37*Zr"
density_g_per_cm3 = "1 / (Al/2.70 + Cu/8.96 + Li/0.534 + Mg/1.74 + Zn/7.14 + Zr/6.52)"
[[objective]]
name = "yield_strength_mpa"
direction = "maximise"
[[objective]]
name = "density_g_per_cm3"
direction = "minimise"
[[outcome]]
name = "elongation_fraction"
at_least = 0.08
[[outcome]]
name = "cost_usd_per_kg"
at_most = 10.5
"""
POINT = {"Al": 0.9, "Cu": 0.05, "Li": 0.0, "Mg": 0.02, "Zn": 0.03, "Zr": 0.0}


@pytest.fixture(scope="module")
def alloy() -> CampaignSpec:
    return campaign_from_text(ALLOY, file="alloy.toml")


def test_the_example_of_the_design_loads(alloy: CampaignSpec) -> None:
    assert alloy.space.names[-2:] == ("ageing_temperature_c", "quench")
    assert alloy.measured_names == ("yield_strength_mpa", "elongation_fraction")
    assert alloy.space.composition is not None
    assert alloy.space.composition.count_bounds[:3] == ((1700, 1960), (0, 2000), (0, 50))
    assert (alloy.planner.name, alloy.planner.n_initial, alloy.planner.batch) == ("botorch", 8, 1)


def test_conditions_are_constraints_computed_outcomes_and_definedness(alloy: CampaignSpec) -> None:
    assert [condition.text for condition in alloy.conditions] == [
        "Cu + Mg <= 0.07",
        "cost_usd_per_kg <= 12",
        "cost_usd_per_kg <= 10.5",
        "density_g_per_cm3 == density_g_per_cm3",
    ]
    assert all(condition.names <= set(alloy.space.names) for condition in alloy.conditions)
    assert [c.linear_inequalities() is None for c in alloy.conditions] == [False] * 3 + [True]


def test_a_sum_at_its_bound_is_within_it() -> None:
    text = ALLOY.replace("Cu + Mg <= 0.07", "Cu + Mg <= 0.3")
    condition = campaign_from_text(text, file="a.toml").conditions[0]

    assert 0.1 + 0.2 > 0.3
    assert condition.holds({"Cu": Fraction("0.1"), "Mg": Fraction("0.2")})


def test_computed_values_follow_the_formulas(alloy: CampaignSpec) -> None:
    computed = alloy.computed_values({**POINT, "quench": "oil", "ageing_temperature_c": 160.0})

    assert computed["cost_usd_per_kg"] == pytest.approx(2.742)
    assert computed["density_g_per_cm3"] == pytest.approx(2.8200, abs=1e-4)


def test_a_computed_value_that_does_not_exist_is_undefined() -> None:
    text = ALLOY.replace("2.4*Al +", "1 / Zr +")

    with pytest.raises(UndefinedValue):
        campaign_from_text(text, file="a.toml").computed_values(POINT)


def test_the_canonical_text_round_trips_and_ignores_spelling(alloy: CampaignSpec) -> None:
    respelt = ALLOY.replace("0.0005", "5.0e-4").replace("low = 120", "low = 120.0")

    text = alloy.canonical_text()

    assert CampaignSpec.from_canonical_text(text) == alloy
    assert CampaignSpec.from_canonical_text(text).canonical_text() == text
    assert campaign_from_text(respelt, file="b.toml").canonical_text() == text
    assert "\n" not in text


def test_a_campaign_survives_pickling(alloy: CampaignSpec) -> None:
    assert pickle.loads(pickle.dumps(alloy)) == alloy


numbers = st.one_of(
    st.integers(-(10**9), 10**9),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9),
).filter(lambda n: len(Decimal(n).as_tuple().digits) <= 25 and Decimal(n).adjusted() > -300)
settings_values = st.recursive(
    st.one_of(numbers, st.booleans(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    threshold=numbers,
    values=st.lists(numbers, min_size=1, max_size=5, unique=True),
    choices=st.dictionaries(st.text(max_size=5), settings_values, max_size=3),
    description=st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N", "S"])),
)
def test_any_campaign_survives_its_canonical_text(
    threshold: Decimal, values: list[Decimal], choices: dict[str, Any], description: str
) -> None:
    spec = CampaignSpec.model_validate(
        {
            "campaign": {"name": "any", "description": description},
            "space": {"parameter": [{"name": "x", "kind": "discrete", "values": values}]},
            "objective": [{"name": "y", "direction": "minimise", "threshold": threshold}],
            "planner": {"settings": choices},
        }
    )

    again = CampaignSpec.from_canonical_text(spec.canonical_text())

    assert again == spec
    assert again.canonical_text() == spec.canonical_text()
    assert again.space.parameters[0].levels == tuple(sorted(map(Decimal, values)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("max_active = 5", "max_active = 5.0", None),
        ("max_active = 5", "max_active = '5'", "max_active: got '5', expected a whole number"),
        ("low = 120", "low = true", "low: got true, expected a finite number"),
        ('name = "yield_strength_mpa"', 'name = "Al"', "objective[0] (Al).name: got 'Al'"),
        ('name = "quench"', 'name = "Cu"', "space.parameter[1] (Cu).name: got 'Cu'"),
        ("Cu + Mg <= 0.07", "quench + Mg <= 1", "quench is a category"),
        ("Cu + Mg <= 0.07", "quench == 'air'", "got 'air', expected one of water, oil"),
        ('"minimise"', '"minimise"\nthreshold = -5', None),
        ('"minimise"', '"minimise"\nthreshold = "5"', "threshold: got '5'"),
    ],
)
def test_a_change_is_taken_or_named(old: str, new: str, expected: str | None) -> None:
    text = ALLOY.replace(old, new)

    if expected is None:
        campaign_from_text(text, file="a.toml")
    else:
        with pytest.raises(CampaignFileError) as caught:
            campaign_from_text(text, file="a.toml")
        assert len(caught.value.problems) == 1
        assert expected in str(caught.value)


@pytest.mark.slow
def test_a_campaign_is_read_without_numpy() -> None:
    import subprocess
    import sys

    code = "import campaigns.loading, sys; print('numpy' in sys.modules, 'torch' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["False", "False"]

"""Telling and asking by tables: what is accepted, what is refused, what comes out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from campaigns.errors import CampaignFileError
from campaigns.loading import campaign_from_text
from orchestrator.ask_tell import AskTell
from orchestrator.errors import ObservationError
from tests.benchmarks.random_definitions import violations
from tests.support.random_definitions import random_definition

ALLOY = """
[campaign]
name = "alloy"
[space.composition]
elements = ["Al", "Cu", "Li"]
step = 0.1
[[space.parameter]]
name = "temperature_c"
kind = "range"
low = 100
high = 130
step = 10
[[space.parameter]]
name = "quench"
kind = "categorical"
values = ["water", "1", "2"]
[computed]
cost_usd = "2*Al + 9*Cu + 100*Li"
[[objective]]
name = "strength_mpa"
direction = "maximise"
[[objective]]
name = "cost_usd"
direction = "minimise"
[[outcome]]
name = "strain_fraction"
at_least = 0.1
[planner]
n_initial = 4
"""
BINARY = """
[campaign]
name = "binary"
[space.composition]
elements = ["Cu", "Sn"]
step = 0.25
[[objective]]
name = "hardness_hv"
direction = "maximise"
[planner]
n_initial = 3
"""
COLUMNS = [
    "Al",
    "Cu",
    "Li",
    "temperature_c",
    "quench",
    "strength_mpa_predicted_mean",
    "strength_mpa_predicted_sd",
    "cost_usd_predicted_mean",
    "cost_usd_predicted_sd",
    "strain_fraction_predicted_mean",
    "strain_fraction_predicted_sd",
]


def lab(text: str = ALLOY, seed: int = 0) -> AskTell:
    return AskTell(campaign_from_text(text, file="test.toml"), seed=seed)


def row(**changes: object) -> pd.DataFrame:
    given: dict[str, object] = {
        "Al": 0.5,
        "Cu": 0.3,
        "Li": 0.2,
        "temperature_c": 110.0,
        "quench": "water",
        "strength_mpa": 300.0,
        "strain_fraction": 0.2,
    }
    return pd.DataFrame([{**given, **changes}])


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    frame = rows.copy()
    frame["strength_mpa"] = 100 + 300 * frame["Cu"] - 100 * frame["Li"]
    frame["strain_fraction"] = 0.3 * frame["Al"]
    return frame


def test_a_first_ask_has_every_column_and_its_type() -> None:
    points = lab().ask(3)

    assert list(points.columns) == COLUMNS
    assert len(points) == 3
    numbers = [name for name in COLUMNS if name != "quench"]
    assert all(points[name].dtype == np.float64 for name in numbers)
    assert set(points["quench"]) <= {"water", "1", "2"}
    assert points["strength_mpa_predicted_mean"].isna().all()
    assert points["strength_mpa_predicted_sd"].isna().all()


def test_a_computed_objective_is_known_exactly_from_the_first_ask() -> None:
    points = lab().ask(2)

    exact = 2 * points["Al"] + 9 * points["Cu"] + 100 * points["Li"]
    assert np.allclose(points["cost_usd_predicted_mean"], exact, rtol=1e-12)
    assert (points["cost_usd_predicted_sd"] == 0).all()


def test_numbers_are_the_doubles_nearest_to_the_grid() -> None:
    points = lab().ask(200)

    grid = {float(f"{k / 10:.1f}") for k in range(11)}
    assert set(points[["Al", "Cu", "Li"]].to_numpy().ravel()) <= grid


@pytest.mark.slow
def test_asking_twice_gives_the_same_and_telling_changes_it() -> None:
    asker = lab()
    asker.tell(measured(asker.ask(5)))

    first, second = asker.ask(2), asker.ask(2)
    asker.tell(measured(first))
    third = asker.ask(2)

    pd.testing.assert_frame_equal(first, second)
    assert first["strength_mpa_predicted_mean"].notna().all()
    assert (first["strength_mpa_predicted_sd"] > 0).all()
    assert not first.equals(third)


def test_an_earlier_answer_can_be_told_and_passed_as_pending_as_it_is() -> None:
    asker = lab()
    first = asker.ask(3)
    second = asker.ask(3, pending=first)
    asker.tell(measured(first))

    names = COLUMNS[:5]
    both = pd.concat([first[names], second[names]])
    assert not both.duplicated().any()
    assert len(asker.observations) == 3


def test_zero_rows_are_told_without_effect() -> None:
    asker = lab()
    asker.tell(row().iloc[:0])
    asker.tell(pd.DataFrame())

    assert asker.observations == ()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            row().drop(columns=["Cu", "quench"]),
            r"no column Cu, quench \(has Al, Li, .*expected the columns Al, Cu, Li, ",
        ),
        (row().drop(columns=["strain_fraction"]), r"no column strain_fraction \(has Al"),
        (row(colour="red"), "colour"),
        (row(cost_usd=3.0), "computed exactly"),
        (row(cost_usd_sd=3.0), "cost_usd_sd"),
        (row(Al=0.6), r"row 1, columns Al, Cu, Li: got 'a sum of 1.1'"),
        (row(Al=float("nan")), "row 1, column Al: got 'nothing'"),
        (row(Al=-0.1, Cu=0.9), "row 1, column Al"),
        (row(Al="much"), "row 1, column Al: got 'much'"),
        (row(Al=True, Cu=0.0, Li=0.0), "row 1, column Al"),
        (row(temperature_c=float("nan")), "row 1, column temperature_c"),
        (row(quench="oil"), "one of water, 1, 2"),
        (row(quench=3.0), "one of water, 1, 2"),
        (row(strength_mpa=float("inf")), "a finite number"),
        (row(strength_mpa_sd=-1.0), "row 1, column strength_mpa_sd"),
        (row(failed="perhaps"), "true or false"),
        (row(failed=2), "column failed: got 2, expected true or false"),
        (row(failed=0.5), "column failed: got 0.5, expected true or false"),
        (row(Al=np.int64(-1)), "column Al: got -1.0, expected"),
        (row(temperature_c=np.True_), "column temperature_c: got True, expected a number$"),
        (row(quench=np.float64(3)), "got 3.0, expected one of"),
        (row(strength_mpa="1_000"), "column strength_mpa: got '1_000'"),
    ],
)
def test_a_wrong_table_is_refused_and_nothing_is_told(frame: pd.DataFrame, message: str) -> None:
    asker = lab()

    with pytest.raises(ObservationError, match=message):
        asker.tell(frame)

    assert asker.observations == ()


def test_one_wrong_row_keeps_the_others_out_too() -> None:
    asker = lab()

    with pytest.raises(ObservationError, match="row 2, column temperature_c"):
        asker.tell(pd.concat([row(), row(temperature_c=float("nan"))]))

    assert asker.observations == ()


def test_a_column_that_stands_twice_is_refused() -> None:
    frame = row()
    frame = pd.concat([frame, frame[["Al"]]], axis=1)

    with pytest.raises(ObservationError, match="Al twice"):
        lab().tell(frame)


def test_fractions_are_closed_within_two_per_cent() -> None:
    asker = lab()
    asker.tell(row(Al=0.48))
    asker.tell(row(Al=0.52, temperature_c=99.5))

    closed = asker.observations[0].point
    assert closed["Al"] == pytest.approx(0.48 / 0.98, rel=1e-15)
    assert asker.observations[1].point["temperature_c"] == 99.5
    with pytest.raises(ObservationError, match="sum"):
        asker.tell(row(Al=0.5201))


def test_missing_values_errors_and_failures_are_kept_apart() -> None:
    asker = lab()
    asker.tell(row(strength_mpa=float("nan"), strength_mpa_sd=2.0, failed=True))
    asker.tell(row(strength_mpa_sd=2.0, failed=False))
    asker.tell(row(strength_mpa=None, strength_mpa_sd=float("nan")))

    first, second, third = asker.observations
    assert (first.is_failed, first.values, first.sds) == (True, {"strain_fraction": 0.2}, {})
    assert (second.is_failed, second.sds) == (False, {"strength_mpa": 2.0})
    assert "strength_mpa" not in third.values


def test_a_category_that_looks_like_a_number_is_known() -> None:
    asker = lab()
    asker.tell(row(quench=1.0))
    asker.tell(row(quench="1"))

    assert [each.point["quench"] for each in asker.observations] == ["1", "1"]


@pytest.mark.parametrize(
    ("told", "is_failed"),
    [
        *((truth, True) for truth in (True, np.True_, 1, 1.0, "true", "True", " TRUE ", "1")),
        *((truth, False) for truth in (False, np.False_, 0, 0.0, "false", "False", "0", "")),
        *((nothing, False) for nothing in (None, float("nan"), pd.NA, " ")),
    ],
)
def test_a_failure_is_told_in_any_of_the_usual_ways(told: object, is_failed: bool) -> None:
    asker = lab()

    asker.tell(row(failed=told))

    assert asker.observations[0].is_failed is is_failed


def test_one_cell_that_is_no_number_does_not_blame_the_others() -> None:
    frame = pd.concat([row()] * 4).astype({"Al": "object"})
    frame["Al"] = ["0.5", " 5e-1 ", "x", "0.5"]

    with pytest.raises(ObservationError, match="row 3, column Al: got 'x', expected a number$"):
        lab().tell(frame)


TRUTHS = """
[campaign]
name = "truths"
[[space.parameter]]
name = "code"
kind = "categorical"
values = ["01", "1", "True", " a", "1.50"]
[[objective]]
name = "y"
direction = "maximise"
"""


def test_categories_are_told_back_as_they_stand() -> None:
    asker = lab(TRUTHS)
    codes = ["01", "1", "True", " a", "1.50"]

    asker.tell(pd.DataFrame({"code": [*codes, "a", True, 1.5], "y": [1.0] * 8}))

    told = [each.point["code"] for each in asker.observations]
    assert told == [*codes, " a", "True", "1.50"]
    with pytest.raises(ObservationError, match="row 1, column code: got 1, expected one of"):
        asker.tell(pd.DataFrame({"code": [1], "y": [1.0]}))


def test_pending_points_need_their_columns() -> None:
    with pytest.raises(ObservationError, match=r"pending, columns: got 'no column Cu"):
        lab().ask(1, pending=pd.DataFrame({"Al": [0.5]}))
    with pytest.raises(ObservationError, match=r"p\.csv, columns: got 'no column Cu"):
        lab().ask(1, pending=pd.DataFrame({"Al": [0.5]}), pending_source="p.csv")


@pytest.mark.parametrize("n", [0, -3])
def test_asking_for_less_than_one_point_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        lab().ask(n)


def test_exhaustion_gives_fewer_rows_and_never_raises() -> None:
    asker = lab(BINARY)

    every = asker.ask(9)
    nothing = asker.ask(2, pending=every)

    assert len(every) == 5
    assert len(nothing) == 0
    assert list(nothing.columns) == list(every.columns)
    assert (nothing.dtypes == every.dtypes).all()


@pytest.mark.slow
def test_told_points_repeat_only_when_nothing_else_is_left() -> None:
    asker = lab(BINARY)
    every = asker.ask(9)
    every["hardness_hv"] = [100.0, 110.0, 105.0, 90.0, 120.0]
    asker.tell(every.iloc[:4])

    rows = asker.ask(3)
    again = asker.ask(2, pending=rows)

    assert rows[["Cu", "Sn"]].iloc[0].tolist() == every[["Cu", "Sn"]].iloc[4].tolist()
    assert len(rows) == 3
    assert len(again) == 2


def test_a_told_row_between_grid_points_excludes_neither() -> None:
    asker = lab(BINARY.replace("n_initial = 3", "n_initial = 9"))
    asker.tell(pd.DataFrame({"Cu": [0.6], "Sn": [0.4], "hardness_hv": [100.0]}))

    assert len(asker.ask(5)) == 5


def test_no_feasible_point_is_refused_at_load_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    constraint = '[[constraint]]\nexpression = "Cu + Sn <= 0.5"\n[planner]'
    file.write_text(BINARY.replace("[planner]", constraint), encoding="utf-8")

    with pytest.raises(CampaignFileError, match=r"Cu \+ Sn <= 0\.5"):
        AskTell.from_file(file)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3, 5, 6, 14, 29])
def test_asks_over_random_definitions_break_nothing(seed: int) -> None:
    assert violations(random_definition(seed), seed, 3, (1, 2)) == []

"""One number from one or several jobs, with the error that their scatter bears out."""

import math

import pytest

from orchestrator.execution.analyses import Quality, SampleRecord
from orchestrator.execution.analyses.value_from_reading import ValueFromReading

BASE = {"jobs": ["indent"], "reading": "value", "value": "hardness_gpa"}


def sample(**numbers: object) -> SampleRecord:
    readings = {job: {"value": number} for job, number in numbers.items()}
    return SampleRecord({"a": 1.0}, ("a",), readings, {})  # type: ignore[arg-type]


def test_a_reading_is_scaled_and_shifted() -> None:
    analysis = ValueFromReading.from_settings({**BASE, "scale": 0.001, "offset": 0.5})

    result = analysis.analyse(sample(indent=2500.0))

    assert analysis.values_given() == ("hardness_gpa",)
    assert result.quality is Quality.GOOD
    assert result.values["hardness_gpa"].value == pytest.approx(3.0)
    assert result.values["hardness_gpa"].sd == 0.0
    assert result.fractions is None


def test_several_readings_give_their_mean_and_the_error_of_it() -> None:
    settings = {**BASE, "jobs": ["one", "two", "three"], "reproducibility_sd": 0.3}

    found = ValueFromReading.from_settings(settings).analyse(sample(one=4.0, two=5.0, three=6.0))

    assert found.values["hardness_gpa"].value == pytest.approx(5.0)
    assert found.values["hardness_gpa"].sd == pytest.approx(math.hypot(1.0 / math.sqrt(3), 0.3))


def test_readings_that_agree_by_chance_are_not_believed_to_be_exact() -> None:
    settings = {**BASE, "jobs": ["one", "two"], "reading_sd": 0.2}

    found = ValueFromReading.from_settings(settings).analyse(sample(one=5.0, two=5.0))

    assert found.values["hardness_gpa"].sd == pytest.approx(0.2 / math.sqrt(2.0))


@pytest.mark.parametrize("number", [9.9e37, "open", (1.0, 2.0), True])
def test_what_is_no_number_is_bad_quality(number: object) -> None:
    result = ValueFromReading.from_settings(BASE).analyse(sample(indent=number))

    assert result.quality is Quality.BAD
    assert result.values == {}


def test_a_missing_job_is_named() -> None:
    result = ValueFromReading.from_settings(BASE).analyse(sample(other=1.0))

    assert result.quality is Quality.BAD
    assert "indent" in result.reason


@pytest.mark.parametrize(("number", "is_good"), [(0.9, False), (1.0, True), (8.1, False)])
def test_a_value_beyond_what_can_be_is_bad_quality(number: float, is_good: bool) -> None:
    analysis = ValueFromReading.from_settings({**BASE, "low": 1.0, "high": 8.0})

    result = analysis.analyse(sample(indent=number))

    assert (result.quality is Quality.GOOD) is is_good


@pytest.mark.parametrize(
    "wrong",
    [
        {"jobs": []},
        {"jobs": ["a", "a"]},
        {"scale": 0.0},
        {"low": 2.0, "high": 1.0},
        {"reading_sd": -1.0},
        {"colour": "red"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        ValueFromReading.from_settings({**BASE, **wrong})

from orchestrator.execution.equal_instruments import equal_instruments
from orchestrator.execution.rig_spec import InstrumentSpec

PUMP = InstrumentSpec(driver="new_era_ne1000", line="pumps", draws_from="x1", delivers_to="vessel")
SPARE = PUMP.model_copy(update={"equal_to": "one"})


def test_equality_goes_both_ways_and_through_the_one_that_is_named() -> None:
    found = equal_instruments({"one": PUMP, "two": SPARE, "other": PUMP, "three": SPARE})

    assert found == {"one": ("two", "three"), "two": ("one", "three"), "three": ("one", "two")}


def test_a_rig_without_spares_has_none() -> None:
    assert equal_instruments({"one": PUMP, "two": PUMP}) == {}

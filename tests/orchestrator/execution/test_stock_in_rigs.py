from datetime import date

import pytest

from orchestrator.core.stock import millionths_of
from orchestrator.errors import RigFileError
from orchestrator.execution.rig import rig_from_text
from orchestrator.execution.stock_amounts import per_unit
from tests.support.benches import SMALL_RIG
from tests.support.recipes import compiled, small_campaign

POINT = {"x1": 0.3, "x2": 0.7, "rate_ul_per_min": 1000.0, "wait_s": 1.0, "gas": "air"}
LOTS = """
[stock.powder]
cost_usd_per_g = 2.0
warn_hours = 48
[[stock.powder.lot]]
name = "B-1"
mass_g = 12.5
purity = 0.999
expires = 2027-01-31
[[stock.powder.lot]]
name = "B-2"
mass_g = 7.5
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(RigFileError) as caught:
        rig_from_text(text, file="rig")
    return [line.removeprefix("rig: ") for line in str(caught.value).splitlines()]


def test_a_powder_has_mass_and_lots_have_purity_and_a_last_day() -> None:
    stock = rig_from_text(SMALL_RIG + LOTS, file="rig").stock["powder"]

    assert (stock.unit, stock.amount, stock.cost_usd_per_unit) == ("g", 20.0, 2.0)
    assert stock.first_lots[0].expires == date(2027, 1, 31)
    assert stock.warn_hours == 48


def test_an_amount_without_a_lot_is_the_first_lot() -> None:
    stock = rig_from_text(SMALL_RIG, file="rig").stock["x1"]

    assert [(one.name, one.amount) for one in stock.first_lots] == [("first", 100.0)]


def test_stock_keys_that_are_left_out_leave_the_fingerprint_as_it_was() -> None:
    spelt_out = SMALL_RIG.replace("[stock.x1]", "[stock.x1]\nwarn_hours = 24.0")
    longer = SMALL_RIG.replace("[stock.x1]", "[stock.x1]\nwarn_hours = 12.0")
    plain = rig_from_text(SMALL_RIG, file="rig").fingerprint()

    assert rig_from_text(spelt_out, file="rig").fingerprint() == plain
    assert rig_from_text(longer, file="rig").fingerprint() != plain


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("volume_ml = 100.0", "mass_g = 1.0\nvolume_ml = 100.0"), "exactly one of volume_ml"),
        (("volume_ml = 100.0", "mass_g = 1.0"), "no key of a liquid beside a mass"),
        (("volume_ml = 100.0", "lot = [{ name = 'a' }]"), "either volume_ml or mass_g"),
        (
            ("volume_ml = 100.0", "lot = [{ name = 'a', volume_ml = 1.0, puriti = 1.0 }]"),
            "did you mean 'purity'?",
        ),
        (
            ("volume_ml = 100.0", "lot = [{ name = 'a', volume_ml = 1.0, purity = 1.5 }]"),
            "at most 1",
        ),
    ],
)
def test_a_stock_that_contradicts_itself_is_refused(change: tuple[str, str], expected: str) -> None:
    assert any(expected in line for line in mistakes(SMALL_RIG.replace(*change)))


def test_a_rule_about_an_unknown_stock_is_refused() -> None:
    rule = '[[never_together]]\nstock = ["x1", "x9"]\nreason = "fire"\n'

    (told,) = mistakes(SMALL_RIG + rule)

    assert told.startswith("never_together[0].stock: got 'x9', expected one of x1, x2")


def test_a_job_says_what_it_draws_in_whole_numbers() -> None:
    jobs = compiled(small_campaign()).jobs_for(POINT, "E0001")

    draws = {job.name: job.draws for job in jobs if job.draws}

    assert draws == {
        "dispense_x1": {"x1": millionths_of(0.6)},
        "dispense_x2": {"x2": millionths_of(1.4)},
    }
    assert [per_unit("mass_mg", "g"), per_unit("mass_mg", "ml")] == [0.001, None]

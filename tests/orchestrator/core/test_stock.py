from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.events import StockCounted, StockDiscarded, StockReceived
from orchestrator.core.stock import PER_UNIT, Lot, Lots, amount_in_words, millionths_of, picked
from orchestrator.core.stock_holding import (
    Holding,
    after_draw,
    after_end,
    after_return,
    after_skip,
    after_start,
)

TODAY = date(2026, 11, 23)


def lot(name: str, ml: float, expires: date | None = None, stock: str = "Ni") -> Lot:
    return Lot(stock, name, "ml", amount=millionths_of(ml), expires=expires)


def test_what_is_needed_is_rounded_up_and_what_came_to_the_nearest() -> None:
    assert millionths_of(0.3000001) == 300_000
    assert millionths_of(0.3000001, is_least=True) == 300_001
    assert amount_in_words(1_500_000, "g") == "1.5 g"


def test_the_lot_that_expires_first_is_taken_first() -> None:
    lots = [lot("b", 1.0), lot("a", 1.0, date(2027, 5, 1)), lot("c", 1.0, date(2027, 1, 1))]

    found = picked(lots, 1_500_000, TODAY, {})

    assert found == {"c": 1_000_000, "a": 500_000}


def test_what_is_expired_or_discarded_is_never_taken() -> None:
    gone = lot("b", 1.0).after(StockDiscarded(shelf="s", stock="Ni", lot="b", reason="cloudy"))
    shelf = Lots((lot("a", 1.0, date(2026, 11, 22)), gone))

    assert shelf.for_experiment({"Ni": 1}, TODAY) is None
    assert "0 ml available; lot a has expired" in shelf.why_not_start({"Ni": 1}, TODAY)
    assert Lots((lot("a", 1.0, TODAY),)).for_experiment({"Ni": 1}, TODAY) == {"Ni": {"a": 1}}


def test_a_refusal_says_what_how_much_and_how_much_there_is() -> None:
    shelf = Lots((lot("a", 3.0).moved(reserved=millionths_of(1.0)),))

    reason = shelf.why_not_start({"Ni": millionths_of(12.0)}, TODAY)

    assert reason == "stock Ni: 12 ml needed, 2 ml available, 1 ml reserved"
    assert "nobody has ever said" in shelf.why_not_start({"Fe": 1}, TODAY)


def test_a_job_uses_what_was_kept_for_its_experiment_and_no_other() -> None:
    shelf = Lots((lot("a", 3.0),)).moved({"Ni": {"a": 3 * PER_UNIT}}, reserved=1)
    shelf = Lots(shelf.lots, {"E0001": {"Ni": {"a": 2 * PER_UNIT}}})

    assert shelf.for_job("E0001", {"Ni": 2 * PER_UNIT}, TODAY) == {"Ni": {"a": 2 * PER_UNIT}}
    assert shelf.for_job("E0001", {"Ni": 2 * PER_UNIT + 1}, TODAY) is None
    assert shelf.for_job("E0002", {"Ni": 1}, TODAY) is None


def test_a_count_is_believed_and_what_was_under_way_then_is_not_given_back() -> None:
    before = lot("a", 10.0)
    holding, lots = after_start({("Ni", "a"): before}, {"Ni": {"a": PER_UNIT}})
    holding, lots = after_draw(holding, lots, "E0001/dose", {"Ni": {"a": PER_UNIT}})
    counted = lots["Ni", "a"].after(
        StockCounted(shelf="s", stock="Ni", lot="a", amount=8.5, unit="ml")
    )
    holding, lots = after_return(holding, {("Ni", "a"): counted}, "E0001/dose")

    assert counted.on_shelf == millionths_of(8.5)
    assert lots["Ni", "a"].on_shelf == millionths_of(8.5)
    assert lots["Ni", "a"].available == millionths_of(7.5)


def test_a_refill_of_a_discarded_lot_counts_from_nothing() -> None:
    thrown = lot("a", 5.0).after(StockDiscarded(shelf="s", stock="Ni", lot="a", reason="old"))
    refilled = thrown.after(StockReceived(shelf="s", stock="Ni", lot="a", amount=2.0, unit="ml"))

    assert (thrown.on_shelf, refilled.on_shelf) == (0, millionths_of(2.0))


def test_what_did_not_happen_and_then_did_is_drawn_again() -> None:
    lots = {("Ni", "a"): lot("a", 10.0)}
    holding, lots = after_start(lots, {"Ni": {"a": 5}})
    holding, lots = after_draw(holding, lots, "E0001/dose", {"Ni": {"a": 5}})
    holding, lots = after_return(holding, lots, "E0001/dose")
    assert (lots["Ni", "a"].consumed, lots["Ni", "a"].reserved) == (0, 5)

    again = {one.stock: {one.lot: one.amount} for one in holding.returned["E0001/dose"]}
    holding, lots = after_draw(holding, lots, "E0001/dose", again)

    assert (lots["Ni", "a"].consumed, lots["Ni", "a"].reserved) == (5, 0)
    assert not holding.returned


def test_what_a_skipped_job_would_have_drawn_is_free_again() -> None:
    lots = {("Ni", "a"): lot("a", 1.0), ("Ni", "b"): lot("b", 1.0)}
    holding, lots = after_start(lots, {"Ni": {"a": PER_UNIT, "b": 500_000}})

    holding, lots = after_skip(holding, lots, {"Ni": 1_200_000, "water": 5})

    assert holding.reserved == {"Ni": {"b": 300_000}}
    assert [one.available for one in lots.values()] == [PER_UNIT, 700_000]


_WAYS = ("start", "draw", "return", "skip", "end")


@given(
    st.lists(st.tuples(st.sampled_from(_WAYS), st.integers(0, 3), st.integers(1, 40)), max_size=60),
    st.lists(st.integers(1, 60), min_size=1, max_size=3),
)
def test_reserved_consumed_and_available_stay_constant_in_every_lot(
    steps: list[tuple[str, int, int]], amounts: list[int]
) -> None:
    lots = {("Ni", f"L{i}"): Lot("Ni", f"L{i}", "ml", amount=n) for i, n in enumerate(amounts)}
    totals = {key: one.amount for key, one in lots.items()}
    held: dict[int, Holding] = {}

    for way, who, amount in steps:
        holding = held.get(who)
        shelf = Lots(tuple(lots.values()), {str(who): holding.reserved if holding else {}})
        if way == "start" and holding is None:
            reserves = shelf.for_experiment({"Ni": amount}, TODAY)
            if reserves is not None:
                held[who], lots = after_start(lots, reserves)
        elif way == "draw" and holding is not None:
            draws = shelf.for_job(str(who), {"Ni": amount}, TODAY)
            if draws is not None:
                held[who], lots = after_draw(holding, lots, f"{who}/{amount % 3}", draws)
        elif way == "return" and holding is not None:
            held[who], lots = after_return(holding, lots, f"{who}/{amount % 3}")
        elif way == "skip" and holding is not None:
            held[who], lots = after_skip(holding, lots, {"Ni": amount})
        elif way == "end" and holding is not None:
            held[who], lots = after_end(holding, lots)
            del held[who]

        for key, one in lots.items():
            assert min(one.reserved, one.consumed, one.available) >= 0
            assert one.reserved + one.consumed + one.available == totals[key]
            told = sum(one_held.reserved.get("Ni", {}).get(key[1], 0) for one_held in held.values())
            assert one.reserved == told

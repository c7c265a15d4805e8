from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.contamination import (
    ContaminationRule,
    LastSample,
    PlaceRecord,
    Verdict,
    verdict_on,
    with_sample,
)

_START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_NO_LEAD = ContaminationRule(of=("Pb",), places=("vessel",), above=0.05)


def _at(minute: int) -> datetime:
    return _START + timedelta(minutes=minute)


def _sample(minute: int, doubt: str = "", **fractions: float) -> LastSample:
    return LastSample(f"E{minute:04d}", fractions, _at(minute), doubt)


def _record(*samples: LastSample, cleaned: int | None = 0) -> PlaceRecord:
    record = PlaceRecord(None if cleaned is None else _at(cleaned))
    for sample in samples:
        record = with_sample(record, sample)
    return record


def _verdict(
    fractions: Mapping[str, float],
    *records: PlaceRecord,
    rules: tuple[ContaminationRule, ...] = (_NO_LEAD,),
    by_hand: int | None = None,
) -> Verdict:
    cleaned_time = None if by_hand is None else _at(by_hand)
    return verdict_on("vessel", fractions, records, rules, cleaned_time=cleaned_time, since=_START)


def test_a_place_of_which_nothing_is_known_must_be_cleaned():
    assert _verdict({"Co": 1.0}).is_needed
    assert _verdict({"Co": 1.0}, _record(_sample(1, Co=1.0), cleaned=None)).is_needed
    assert _verdict({"Co": 1.0}, _record(cleaned=-1)).is_needed


def test_a_place_that_was_cleaned_and_not_used_since_need_not_be():
    assert _verdict({"Co": 1.0}, _record()) == (False, "vessel is clean since 09:00:00 UTC")


def test_without_a_rule_any_other_composition_spoils():
    known = _record(_sample(1, Co=0.5, Ni=0.5))

    assert not _verdict({"Co": 0.5, "Ni": 0.5}, known, rules=()).is_needed
    assert _verdict({"Co": 0.6, "Ni": 0.4}, known, rules=()).is_needed


def test_a_rule_for_another_place_leaves_the_safe_default():
    elsewhere = ContaminationRule(of=("Pb",), places=("cell",))

    assert _verdict({"Co": 1.0}, _record(_sample(1, Ni=1.0)), rules=(elsewhere,)).is_needed
    assert not _verdict({"Co": 1.0}, _record(_sample(1, Ni=1.0))).is_needed


def test_traces_spoil_only_a_sample_that_is_to_hold_none():
    known = _record(_sample(1, Pb=0.3, Co=0.7))

    assert _verdict({"Co": 1.0}, known) == (
        True,
        "traces at vessel would spoil it: Pb 0.3 in E0001",
    )
    assert _verdict({"Pb": 0.05, "Co": 0.95}, known).is_needed
    assert not _verdict({"Pb": 0.06, "Co": 0.94}, known).is_needed
    assert not _verdict({"Co": 1.0}, _record(_sample(1, Pb=0.05, Co=0.95))).is_needed


def test_a_sample_that_came_without_cleaning_takes_no_traces_away():
    known = _record(_sample(1, Pb=1.0), _sample(2, Co=1.0))

    assert _verdict({"Co": 1.0}, known).is_needed
    assert _verdict({"Co": 1.0}, known, rules=()).is_needed


def test_what_is_in_doubt_at_a_place_counts_as_dirty_until_it_is_cleaned():
    doubtful = _sample(1, "E0001/pour is in_doubt", Co=1.0)

    assert _verdict({"Co": 1.0}, _record(doubtful)).is_needed
    assert _verdict({"Co": 1.0}, _record(doubtful, _sample(2, Co=1.0))).is_needed
    assert not _verdict({"Co": 1.0}, _record(_sample(1, Co=1.0))).is_needed
    assert not _verdict({"Co": 1.0}, _record(doubtful), by_hand=2).is_needed


def test_a_sample_without_a_composition_is_never_trusted():
    assert _verdict({"Co": 1.0}, _record(_sample(1))).is_needed
    assert _verdict({}, _record(_sample(1, Co=1.0))).is_needed


def test_what_another_campaign_did_counts_as_well():
    ours, theirs = _record(_sample(1, Pb=1.0)), _record(_sample(5, Pb=1.0), cleaned=3)

    assert _verdict({"Co": 1.0}, ours, theirs.named("oer")).reason.endswith("Pb 1 in oer/E0005")
    assert not _verdict({"Co": 1.0}, ours, _record(cleaned=2)).is_needed


_FRACTIONS = st.sampled_from([{"Pb": 1.0}, {"Pb": 0.05, "Co": 0.95}, {"Pb": 0.5, "Co": 0.5}])


@given(st.lists(st.tuples(_FRACTIONS | st.just({"Co": 1.0}), st.booleans()), max_size=12))
def test_no_sample_meets_traces_that_spoil_it_whoever_cleans(samples):
    record, pb = _record(), 0.0

    for minute, (fractions, heeds) in enumerate(samples, start=1):
        if heeds and _verdict(fractions, record).is_needed:
            record, pb = PlaceRecord(_at(minute)), 0.0
        if heeds:
            assert pb <= _NO_LEAD.above or fractions.get("Pb", 0.0) > _NO_LEAD.above
        record = with_sample(record, _sample(minute, **fractions))
        pb = max(pb, fractions.get("Pb", 0.0))

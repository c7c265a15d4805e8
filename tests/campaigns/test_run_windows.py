"""When a campaign may run, by the hours of its file."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from campaigns.run_windows import RunWindows

DAYS = st.sampled_from(["mon", "tue-thu", "fri,sun", "sat-mon", "daily"])
MINUTES = st.integers(0, 24 * 60 - 1)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def text(days: str, begin: int, end: int) -> str:
    return f"{days} {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"


WINDOWS = st.builds(
    lambda zone, hours: RunWindows.model_validate({"time_zone": zone, "open": hours}),
    ZONES,
    st.lists(st.builds(text, DAYS, MINUTES, MINUTES), min_size=1, max_size=3),
)


@given(WINDOWS, TIMES)
def test_it_is_open_until_it_closes_and_closed_until_it_opens(
    windows: RunWindows, now: datetime
) -> None:
    closing = windows.closing(now)
    if closing is None:
        assert windows.opening(now) == now
    elif closing > now:
        assert windows.opening(now) == now
        assert windows.closing(closing) == closing
        assert (closing - now).total_seconds() <= windows.longest_s + 3600.0
        almost = closing - timedelta(microseconds=1)
        assert windows.closing(max(now, almost)) == closing
    else:
        opening = windows.opening(now)
        assert opening > now
        assert windows.closing(opening) != opening
        assert windows.closing(opening - timedelta(microseconds=1)) < opening


def test_hours_follow_summer_time() -> None:
    shifts = RunWindows.model_validate(
        {"time_zone": "Europe/Berlin", "open": ["daily 08:00-18:00"]}
    )
    for day in (datetime(2026, 3, 28), datetime(2026, 3, 29), datetime(2026, 10, 25)):
        noon = day.replace(hour=12, tzinfo=ZoneInfo("Europe/Berlin"))
        closing = shifts.closing(noon)
        assert closing is not None
        assert closing.astimezone(ZoneInfo("Europe/Berlin")).hour == 18


def test_windows_that_touch_are_one() -> None:
    night_and_day = RunWindows.model_validate({"open": ["mon 08:00-24:00", "tue 00:00-12:00"]})
    assert night_and_day.closing(datetime(2026, 3, 2, 9, tzinfo=UTC)) == datetime(
        2026, 3, 3, 12, tzinfo=UTC
    )
    assert night_and_day.longest_s == 28 * 3600.0


def test_always_open_never_closes() -> None:
    always = RunWindows.model_validate({"open": ["daily 00:00-24:00"]})
    assert always.closing(datetime(2026, 3, 2, tzinfo=UTC)) is None
    assert always.longest_s == float("inf")

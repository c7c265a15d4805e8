"""When a campaign may run: hours of the week in a time zone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import inf
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, PlainSerializer, PlainValidator

from campaigns.fields import Mistake, Section, not_empty

__all__ = ["OpenHours", "RunWindows"]

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM: Final = re.compile(r"([a-z,-]+) +([0-2]\d):([0-5]\d) *- *([0-2]\d):([0-5]\d)")
_EXPECTED: Final = (
    "days and hours such as 'mon-fri 08:00-18:00', 'sat,sun 09:00-13:00' or 'daily 20:00-06:00'"
)
_WEEK: Final = timedelta(days=7)
_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class OpenHours:
    """The same hours on some days of the week."""

    text: str
    days: frozenset[int]
    """From 0 for Monday."""
    from_min: int
    """Minutes after midnight."""
    until_min: int
    """Minutes after the same midnight; more than a day if it closes on the day after."""

    @classmethod
    def parsed(cls, value: object) -> "OpenHours":
        """Return what a text of the file means.

        Raises:
            Mistake: It is no such text.

        Example:
            >>> OpenHours.parsed("mon-wed,sat 20:00-06:00").days
            frozenset({0, 1, 2, 5})
        """
        if isinstance(value, OpenHours):
            return value
        found = _FORM.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise Mistake(value, _EXPECTED)
        days = frozenset(_days(value, found[1]))
        from_min, until_min = (60 * int(found[i]) + int(found[i + 1]) for i in (2, 4))
        if from_min >= _MINUTES or until_min > _MINUTES:
            raise Mistake(value, "hours from 00:00 to 24:00")
        if until_min <= from_min:
            until_min += _MINUTES
        return cls(str(value), days, from_min, until_min)


def _days(value: object, text: str) -> Iterator[int]:
    if text == "daily":
        yield from range(7)
        return
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last and last not in _DAYS):
            raise Mistake(value, _EXPECTED)
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        yield from (day % 7 for day in range(begin, end + 1 + (7 if end < begin else 0)))


def _zone(value: object) -> str:
    try:
        if isinstance(value, str) and value:
            ZoneInfo(value)
            return value
    except (KeyError, ValueError, OSError):
        pass
    raise Mistake(value, "a time zone such as 'Europe/Berlin' or 'UTC'")


def _text_of(hours: OpenHours) -> str:
    return hours.text


_Hours = Annotated[OpenHours, PlainValidator(OpenHours.parsed), PlainSerializer(_text_of)]


class RunWindows(Section):
    """The table [run_windows]: at other times nothing of the campaign is under way.

    Example:
        >>> shifts = RunWindows.model_validate({"open": ["mon-fri 08:00-18:00"]})
        >>> shifts.closing(datetime(2026, 3, 2, 9, tzinfo=UTC)).isoformat()
        '2026-03-02T18:00:00+00:00'
        >>> shifts.opening(datetime(2026, 3, 6, 19, tzinfo=UTC)).isoformat()
        '2026-03-09T08:00:00+00:00'
    """

    time_zone: Annotated[str, PlainValidator(_zone)] = "UTC"
    """Of the hours; they follow its summer time."""
    open: Annotated[tuple[_Hours, ...], AfterValidator(not_empty)]

    def closing(self, now: datetime) -> datetime | None:
        """Return until when the campaign may run that may run now.

        Args:
            now: With a time zone.

        Returns:
            In UTC; the present time if it may not run now; None if it always may.
        """
        for begin, end in self._spans(now):
            if begin <= now < end:
                return None if end - begin > _WEEK else end
        return now

    def opening(self, now: datetime) -> datetime:
        """Return when the campaign may run again, in UTC; the present time if it may now.

        Args:
            now: With a time zone.
        """
        return next(max(begin, now) for begin, end in self._spans(now) if end > now)

    @cached_property
    def longest_s(self) -> float:
        """For how long it may run at a stretch at most, in seconds; infinite if it always may."""
        monday = datetime(2024, 1, 1, tzinfo=UTC)
        longest = max(end - begin for begin, end in self._spans(monday))
        return inf if longest > _WEEK else longest.total_seconds()

    def _spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the times around now at which it may run, in order, none touching the next."""
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        spans = sorted(
            (_at(day, hours.from_min, zone), _at(day, hours.until_min, zone))
            for day in (today + timedelta(days=n) for n in range(-9, 10))
            for hours in self.open
            if day.weekday() in hours.days
        )
        begin, end = spans[0]
        for later, until in spans[1:]:
            if later > end:
                yield begin, end
                begin, end = later, until
            else:
                end = max(end, until)
        yield begin, end


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Return a time of a day's clock in UTC; where the clock skips it, what comes after."""
    at = datetime.combine(day + timedelta(days=minutes // _MINUTES), time(), tzinfo=zone)
    wall = at.replace(hour=minutes % _MINUTES // 60, minute=minutes % 60)
    return wall.astimezone(UTC)

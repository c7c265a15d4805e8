"""Takes numbers and series out of a sample's record; what is missing or unusable is named."""

from orchestrator.execution.analyses.analysis import SampleRecord

__all__ = ["UNUSABLE_ABOVE", "number_from", "series_from"]

UNUSABLE_ABOVE = 1e30
"""Instruments report overflow and not-a-number as values around 9.9e37."""


def number_from(sample: SampleRecord, job: str, reading: str) -> float:
    """Return one number.

    Raises:
        ValueError: It is not there, not a number, or an overflow.
    """
    value = sample.readings.get(job, {}).get(reading)
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise ValueError(f"job {job} gave no {reading}")  # noqa: TRY004  # callers handle one error
    if not abs(value) < UNUSABLE_ABOVE:
        raise ValueError(f"{reading} of job {job} overflowed")
    return float(value)


def series_from(sample: SampleRecord, job: str, reading: str) -> tuple[float, ...]:
    """Return one series of numbers.

    Raises:
        ValueError: It is not there, not a series, or one of its numbers is an overflow.
    """
    value = sample.readings.get(job, {}).get(reading)
    if not isinstance(value, tuple):
        raise ValueError(f"job {job} gave no series {reading}")  # noqa: TRY004  # as above
    if not all(abs(number) < UNUSABLE_ABOVE for number in value):
        raise ValueError(f"{reading} of job {job} overflowed: no sample or no contact")
    return tuple(float(number) for number in value)

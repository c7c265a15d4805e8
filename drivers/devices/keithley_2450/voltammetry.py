"""A staircase of voltages, and the currents a quarter into each of its steps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from drivers.clock import Clock
from drivers.devices.keithley_2450.remote import Remote

__all__ = ["Voltammogram", "scan", "staircase"]

_WHEN_IN_STEP: Final = 0.25


@dataclass(frozen=True, slots=True)
class Voltammogram:
    """What was measured, one entry a step."""

    times_s: tuple[float, ...]
    """Since the first reading, by the device's clock, in seconds."""
    voltages_v: tuple[float, ...]
    currents_a: tuple[float, ...]
    has_tripped: bool
    """Whether the current ever stood at its limit."""
    latest_s: float
    """By how much the latest step came too late, in seconds."""


def staircase(corners_v: Sequence[float], step_v: float, n_cycles: int) -> tuple[float, ...]:
    """Return voltages from corner to corner, again and again, each corner hit exactly.

    Args:
        corners_v: First and last are the same, in volts.
        step_v: Largest height of a step, above 0, in volts.
        n_cycles: How often, at least 1.

    >>> staircase((0.0, 0.2, -0.1, 0.0), 0.1, 1)
    (0.0, 0.1, 0.2, 0.1, 0.0, -0.1, 0.0)
    """
    once: list[float] = []
    for begin_v, end_v in pairwise(corners_v):
        n_steps = math.ceil(abs(end_v - begin_v) / step_v - 1e-9)
        height_v = (end_v - begin_v) / n_steps if n_steps else 0.0
        once += [round(begin_v + k * height_v, 9) + 0.0 for k in range(1, n_steps)]  # no -0.0
        once += [end_v] * (n_steps > 0)
    return (corners_v[0], *(once * n_cycles))


async def scan(
    remote: Remote,
    clock: Clock,
    steps_v: Sequence[float],
    step_s: float,
    *,
    current_limit_a: float,
) -> Voltammogram:
    """Source one voltage after the other and measure each current; the output is off afterwards.

    Args:
        remote: The source-meter.
        clock: It paces the scan.
        steps_v: What is sourced, in volts.
        step_s: How long each, in seconds.
        current_limit_a: In amperes.

    Raises:
        DriverError: As `Remote`.
    """
    rows: list[tuple[float, ...]] = []
    has_tripped, latest_s = False, 0.0
    await remote.source_voltage(current_limit_a)
    await remote.set_number(":SOUR:VOLT", steps_v[0])
    await remote.clear_buffer()
    async with remote.output_on():
        begun_s = clock.monotonic_s()
        for place, voltage_v in enumerate(steps_v):
            due_s = begun_s + place * step_s
            await clock.sleep(max(0.0, due_s - clock.monotonic_s()))
            latest_s = max(latest_s, clock.monotonic_s() - due_s)
            await remote.set_number(":SOUR:VOLT", voltage_v)
            read_s = due_s + _WHEN_IN_STEP * step_s
            await clock.sleep(max(0.0, read_s - clock.monotonic_s()))
            rows.append(await remote.read("REL", "SOUR", "READ"))
            has_tripped |= await remote.is_true(":SOUR:VOLT:ILIM:TRIP?")
    times_s, voltages_v, currents_a = zip(*rows, strict=True)
    return Voltammogram(times_s, voltages_v, currents_a, has_tripped, latest_s)

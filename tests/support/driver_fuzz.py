"""Damages replies on their way to every driver: ``python -m tests.support.driver_fuzz --n 1000``.

Each action runs again and again on the virtual clock while replies are lost, doubled, cut short,
late, changed by one to three bytes, joined to another one, or are an earlier reply once more.
"""

import argparse
import asyncio
import functools
import json
import logging
import math
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from drivers.catalog import DRIVERS, names
from drivers.clock import VirtualClock
from drivers.errors import DriverError, OutcomeUnknown
from drivers.instrument import RecoveryClass
from simulators.conformance.examinee import Examinee, Station, raised_by
from simulators.conformance.trouble import requests_of
from simulators.device import Act, FramedDevice, Reply
from simulators.line import SimulatedLine
from tests.support.fuzz_book import keep, origin

WRONG = ("hangs", "uncaught", "beyond_limits", "acted_unsaid", "left_busy", "not_stopped")
"""What must be counted 0 times."""

ENDS = (
    "ended well",
    "NothingDone",
    "ProtocolError",
    "DeviceFault",
    "OutcomeUnknown",
    "LineError",
    "LineTimeout",
    "LimitError",
    "RigError",
)
"""How an action may end."""

_HARMLESS_AGAIN = (RecoveryClass.PURE, RecoveryClass.IDEMPOTENT)
_CHANCE = 0.35
_LONGEST_OVER_NAMED = 10.0
_SLACK_S = 300.0
_MOST_RUNS = 8
_SHARE = 2_000


class NoisyDevice:
    """A pretend device whose replies are damaged on their way, after `n_clean` further ones."""

    def __init__(self, device: FramedDevice, chance: random.Random) -> None:
        self.n_clean = math.inf
        self.n_damaged = 0
        self._device = device
        self._chance = chance
        self._earlier: deque[bytes] = deque(maxlen=20)

    @property
    def acts(self) -> list[Act]:
        """What the device did to matter."""
        return self._device.acts

    @acts.setter
    def acts(self, acts: list[Act]) -> None:
        self._device.acts = acts

    def receive(self, data: bytes) -> list[Reply]:
        """Pass bytes on and damage some of the replies."""
        found: list[Reply] = []
        for reply in self._device.receive(data):
            self.n_clean -= 1
            strikes = self.n_clean < 0 and self._chance.random() < _CHANCE
            found += self._damaged(reply) if strikes else [reply]
            self._earlier.append(reply.data)
        return found

    def hang_up(self) -> None:
        """Pass it on."""
        self._device.hang_up()

    def _damaged(self, reply: Reply) -> list[Reply]:
        self.n_damaged += 1
        raw, chance = bytearray(reply.data), self._chance
        earlier = chance.choice(self._earlier) if self._earlier else b""
        match chance.randrange(8):
            case 0:
                return []
            case 1:
                return [reply, reply]
            case 2:
                return [replace(reply, data=bytes(raw[: chance.randrange(len(raw) + 1)]))]
            case 3:
                return [replace(reply, delay_s=reply.delay_s + chance.uniform(0.0, 20.0))]
            case 4:
                return [replace(reply, data=earlier)]
            case 5:
                return [replace(reply, data=reply.data + earlier)]
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(raw) + 1)
            raw[place : place + chance.randrange(2)] = chance.randbytes(chance.randrange(2))
        return [replace(reply, data=bytes(raw))]


async def _bench_of_noise(
    one: Examinee, action: str, n_requests: int, chance: random.Random, clock: VirtualClock
) -> Counter[str]:
    """Run an action on one bench until it fails or has run a few times.

    The noise begins at any of its requests, so that also the last ones are reached.
    """
    bench, name = one.bench(clock), one.instrument_name
    noisy = NoisyDevice(bench.device(name), chance)
    line = SimulatedLine("noisy", [noisy], clock, baudrate=None)
    await line.open()
    instrument = one.driver.from_settings(name, line, clock, one.settings)
    station, counts = Station(bench, instrument, clock, one.card), Counter[str]()
    await instrument.connect()
    for _ in range(_MOST_RUNS):
        for before in one.card.actions[action].after:
            if await raised_by(station.perform(before)) is not None:
                return counts
        noisy.n_clean = chance.randrange(n_requests)
        error = await _one_run(one, action, station, counts)
        noisy.n_clean = math.inf
        counts["actions"] += 1
        if error is not None:
            break
    counts["damaged"] += noisy.n_damaged
    is_stopped = await raised_by(instrument.stop()) is None
    counts["not_stopped"] += is_stopped and not station.is_at_rest
    return counts


async def _one_run(
    one: Examinee, action: str, station: Station, counts: Counter[str]
) -> Exception | None:
    """Run an action once and count what became of it; return what it raised."""
    n_acts, example = station.n_acts, one.card.actions[action].example
    was_at_rest = station.is_at_rest
    limits = one.driver.reading_limits
    try:
        async with asyncio.timeout(
            _LONGEST_OVER_NAMED * one.driver.actions[action].duration_s(**example) + _SLACK_S
        ):
            readings = await station.perform(action)
    except TimeoutError as error:
        counts["hangs"] += 1
        counts[f"a hang in {action}"] += 1
        return error
    except DriverError as error:
        counts[type(error).__name__] += 1
        is_told = isinstance(error, OutcomeUnknown) or getattr(error, "acted", False)
        may_be_sent_again = one.driver.actions[action].recovery in _HARMLESS_AGAIN
        if station.n_acts != n_acts and not is_told and not may_be_sent_again:
            counts["acted_unsaid"] += 1
            counts[f"acted unsaid in {action}: {type(error).__name__}"] += 1
        is_ours = was_at_rest or getattr(error, "acted", False)
        is_left_on = is_ours and not station.is_at_rest
        if is_left_on and not isinstance(error, OutcomeUnknown):
            counts["left_busy"] += 1
            counts[f"left busy by {action}: {type(error).__name__}"] += 1
        return error
    except Exception as error:
        counts["uncaught"] += 1
        counts[f"uncaught in {action}: {error!r}"] += 1
        return error
    counts["ended well"] += 1
    for reading in readings:
        known = limits.get(reading.name)
        values = reading.value if isinstance(reading.value, tuple) else (reading.value,)
        for value in values:
            if isinstance(value, str):
                continue
            is_known = known is None or known.low <= value <= known.high
            counts["beyond_limits"] += not math.isfinite(value) or not is_known
    return None


def fuzz(device: str, n: int, *, seed: int) -> Counter[str]:
    """Try every action in turn, on fresh benches, until n replies were damaged.

    Args:
        device: The driver's name.
        n: Damaged replies, at least 1.
        seed: Of the chance.

    Raises:
        ValueError: The driver hears no reply that could be damaged.
    """
    one, chance, counts = Examinee(device), random.Random(f"{device} {seed}"), Counter[str]()
    places = {action: requests_of(one, action) for action in one.driver.actions}
    while counts["damaged"] < n:
        for action, (first, last) in places.items():
            work = functools.partial(_bench_of_noise, one, action, last - first + 1, chance)
            counts += one.in_virtual_time(work)
        if not counts["damaged"] and counts["actions"] > 200:
            raise ValueError(f"{device}: no reply to damage")
    return counts


def _share(work: tuple[str, int, int]) -> tuple[str, Counter[str]]:
    logging.disable(logging.CRITICAL)
    device, n, seed = work
    return device, fuzz(device, n, seed=seed)


def table(found: Mapping[str, Mapping[str, object]]) -> str:
    """Return the figures of some drivers as a Markdown table.

    Args:
        found: Figures by device, as in the JSON file.
    """
    heads = ("damaged replies", "actions", *(_words(key) for key in ENDS), "anything wrong")
    lines = [f"| driver | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for device, counts in sorted(found.items()):
        numbers = " | ".join(f"{counts.get(key, 0):,}" for key in ("damaged", "actions", *ENDS))
        wrong = [f"{counts[key]} {_words(key)}" for key in WRONG if counts.get(key, 0)]
        lines.append(f"| `{device}` | {numbers} | {', '.join(wrong) or 'nothing'} |")
    return "\n".join(lines)


def _words(key: str) -> str:
    return f"`{key}`" if key[0].isupper() else key.replace("_", " ")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz drivers, in shares of 2,000 damaged replies, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--n", type=int, default=1_000, help="damaged replies for each driver")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--devices", nargs="*", default=names(DRIVERS))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--out", type=Path, help="a JSON file that keeps the figures")
    given = parser.parse_args(arguments)
    share = min(given.n, _SHARE)
    work = [
        (device, share, given.seed + place)
        for place in range(math.ceil(given.n / share))
        for device in given.devices
    ]
    since: dict[str, object] = {**origin(), "seed": given.seed}
    sums: dict[str, Counter[str]] = {device: Counter() for device in given.devices}
    begun_s = time.monotonic()
    with ProcessPoolExecutor(given.workers) as pool:
        for done, (device, counts) in enumerate(pool.map(_share, work), start=1):
            sums[device] += counts
            seconds = time.monotonic() - begun_s
            print(f"{done}/{len(work)} {seconds:.0f} s {device}", file=sys.stderr, flush=True)
            if given.out is not None:
                keep(given.out, "drivers", {device: {**sums[device], **since}})
    found = {device: {**counts, **since} for device, counts in sums.items()}
    print(json.dumps(found, indent=1, sort_keys=True) if given.json else table(found))


if __name__ == "__main__":
    main()

"""How often somebody may ask: a bucket of tokens for each, filled at a steady rate."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from drivers.clock import Clock

__all__ = ["Limiter"]

_MOST: Final = 10_000
"""So many are remembered; who has not asked for longest is forgotten first, with a full bucket."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Limiter:
    """Lets each one ask so often a minute, and no faster for long.

    Args:
        per_minute: How often.
        burst: How often at once, after a pause.
        clock: For the time that passed.
    """

    def __init__(self, per_minute: float, burst: int, clock: Clock) -> None:
        self._per_s = per_minute / 60.0
        self._burst = float(burst)
        self._clock = clock
        self._lock = Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, who: str) -> float:
        """Return 0 if somebody may ask now, and count it; else how long to wait, in seconds.

        Args:
            who: An address or a name.
        """
        now_s = self._clock.monotonic_s()
        with self._lock:
            bucket = self._buckets.pop(who, None) or _Bucket(self._burst, now_s)
            bucket.left = min(self._burst, bucket.left + (now_s - bucket.at_s) * self._per_s)
            bucket.at_s = now_s
            self._buckets[who] = bucket
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
            if bucket.left < 1.0:
                return (1.0 - bucket.left) / self._per_s
            bucket.left -= 1.0
            return 0.0

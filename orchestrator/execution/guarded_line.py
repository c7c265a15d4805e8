"""A line that knows whether an order's bytes went out, and sends none for an expired order."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from drivers.clock import Clock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown
from drivers.line import MAX_FRAME_BYTES, Line
from orchestrator.landmarks import reach

__all__ = ["GuardedLine", "OrderExpired"]


class OrderExpired(LineError):
    """The order's time had passed before its first byte could go out; nothing was sent.

    Args:
        late_s: By how much, in seconds.
    """

    def __init__(self, late_s: float) -> None:
        super().__init__(f"the order expired {late_s:.1f} s before its first byte could go out")
        self.late_s = late_s


class GuardedLine:
    """One instrument's view of its line.

    Args:
        line: The wire, perhaps shared with other instruments.
        clock: The station's; orders expire on its monotonic scale.
        on_down: Told why, each time that the wire turns out to be down.
    """

    def __init__(
        self, line: Line, clock: Clock, on_down: Callable[[str], None] = lambda _: None
    ) -> None:
        self._line = line
        self._clock = clock
        self._on_down = on_down
        self._not_after: float | None = None
        self._has_sent = False

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._line.name

    @property
    def has_sent(self) -> bool:
        """Whether bytes went out since `arm`."""
        return self._has_sent

    def arm(self, not_after: float) -> None:
        """Begin an order.

        Args:
            not_after: Its first byte may not go out later, in seconds of the monotonic clock.
        """
        self._not_after = not_after
        self._has_sent = False

    def disarm(self) -> None:
        """Let everything through: a stop is never too late."""
        self._not_after = None

    async def open(self) -> None:
        """Open the wire."""
        await self._line.open()

    async def close(self) -> None:
        """Close the wire."""
        await self._line.close()

    def exchange(self) -> AbstractAsyncContextManager[None]:
        """Hold the wire for one request and its reply."""
        return self._line.exchange()

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes, unless they would be the first of an order that has expired.

        Raises:
            OrderExpired: It has; nothing was sent.
            LineError: The line is down; nothing was sent.
            LineTimeout: The line did not take them in time; nothing was sent.
        """
        if self._not_after is not None and not self._has_sent:
            late_s = self._clock.monotonic_s() - self._not_after
            if late_s > 0:
                raise OrderExpired(late_s)
        is_armed = self._not_after is not None
        if is_armed:
            reach("station: before bytes are sent")
        try:
            await self._line.write(data, timeout_s=timeout_s)
        except LineTimeout:
            raise
        except LineError as error:
            self._on_down(str(error))
            raise
        except BaseException:
            self._has_sent = True  # cut off in the middle: some bytes may be out
            raise
        self._has_sent = True
        if is_armed:
            reach("station: after bytes were sent")

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the bytes up to and including a terminator.

        Raises:
            OutcomeUnknown: The frame did not come.
            ProtocolError: It is too long.
        """
        try:
            return await self._line.read_until(terminator, timeout_s=timeout_s, max_bytes=max_bytes)
        except OutcomeUnknown as error:
            if error.is_line_down:
                self._on_down(error.reason)
            raise

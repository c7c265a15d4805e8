"""What the engine has heard and not written down yet."""

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Inbox"]


class Inbox:
    """Notes for the log in the order in which they came; none is lost if the log fails."""

    def __init__(self) -> None:
        self._notes: deque[Callable[[], None]] = deque()
        self._arrived = asyncio.Event()

    def put(self, write_down: Callable[[], None]) -> None:
        """Keep a note.

        Args:
            write_down: Appends it to the log; called again if it raises.
        """
        self._notes.append(write_down)
        self._arrived.set()

    def wake(self) -> None:
        """Let whoever waits look at the log at once."""
        self._arrived.set()

    def write_all(self) -> None:
        """Write every note down.

        Raises:
            LogError: The log cannot be written; the note and those behind it are kept.
        """
        while self._notes:
            self._notes[0]()
            self._notes.popleft()

    async def wait(self, timeout_s: float) -> None:
        """Wait for a note, a wake-up or the time.

        Args:
            timeout_s: At most so long, in the clock's seconds.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            return
        finally:
            self._arrived.clear()

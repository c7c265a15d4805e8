"""A line that ends at a folder into which another program writes, on this machine or a share.

It speaks JSON, one object a line, in ASCII; the words are in the watched folder's transcript. It
only lists and reads; nothing is ever written there.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown, ProtocolError, rig_error_from
from drivers.line import MAX_FRAME_BYTES

__all__ = ["FolderClerk", "FolderLine", "FolderLineSettings"]

_GREETING: Final = {"folder": "athanor watched folder", "version": 1}
_MOST_FILES: Final = 2000


class FolderLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``folder``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """Where the results are dropped, an absolute path that exists."""
    longest_bytes: int = Field(default=2_000_000, ge=1, le=20_000_000)
    """A longer file is refused, unread."""

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: Path) -> Path:
        if not folder.is_absolute():
            raise ValueError("an absolute path")
        return folder


class FolderClerk:
    """Answers requests in bytes from the files of a folder; it blocks while it does.

    Args:
        settings: Which folder.
    """

    def __init__(self, settings: FolderLineSettings) -> None:
        self._settings = settings

    def answer(self, request: bytes) -> bytes:
        """Do what one line asks and return the line that answers it."""
        try:
            asked = json.loads(request)
            do, name = asked["do"], asked.get("name", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            return _line({"do": "hello", "ok": False, "error": "request: expected do and name"})
        heading = {"do": do}
        try:
            if do == "hello":
                return _line({**heading, "ok": True, **_GREETING})
            if do == "list":
                return _line({**heading, "ok": True, "files": self._files()})
            if do == "read" and isinstance(name, str):
                return _line({**heading, "ok": True, **self._contents(name)})
        except (OSError, ValueError) as error:
            return _line({**heading, "ok": False, "error": str(error)})
        return _line({"do": "hello", "ok": False, "error": "do: expected hello, list or read"})

    def _files(self) -> list[dict[str, object]]:
        found = []
        for path in self._settings.folder.iterdir():
            try:
                about = path.stat()
            except FileNotFoundError:
                continue  # a name that its writer has changed meanwhile
            if path.is_file():
                found.append((about.st_mtime_ns, path.name, about.st_size))
        newest = sorted(found)[-_MOST_FILES:]
        return [
            {"name": name, "size_bytes": size, "changed_ns": changed}
            for changed, name, size in newest
        ]

    def _contents(self, name: str) -> dict[str, object]:
        if Path(name).name != name or name in {"", ".", ".."}:
            raise ValueError(f"name: got {name!r}, expected that of a file in the folder")
        path = self._settings.folder / name
        size = path.stat().st_size
        if size > self._settings.longest_bytes:
            most = self._settings.longest_bytes
            raise ValueError(f"{name} has {size} bytes, expected at most {most}")
        data = path.read_bytes()
        return {
            "name": name,
            "size_bytes": len(data),
            "data": base64.b64encode(data).decode("ascii"),
        }


class FolderLine:
    """The line of a watched folder; requests are done one after the other in a thread of its own.

    Args:
        name: The line's name in the rig file.
        settings: Which folder.
        clock: Through which its thread is called.
    """

    def __init__(self, name: str, settings: FolderLineSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._asked: bytes | None = None

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object], clock: Clock) -> "FolderLine":
        """Build the line; nothing is opened.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        try:
            return cls(name, FolderLineSettings.model_validate(settings), clock)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error, FolderLineSettings) from error

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """See that the folder is there; opening an open line looks again.

        Raises:
            LineError: It is not, or cannot be listed.
        """
        thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix=f"line-{self._name}")
        try:
            await self._clock.call_blocking(self._look, thread)
        except OSError as error:
            thread.shutdown(wait=False)
            self._thread = None
            where, why = self._settings.folder, error.strerror or str(error)
            raise LineError(f"line {self._name}: cannot list {where}: {why}") from error
        self._thread = thread

    def _look(self) -> None:
        next(self._settings.folder.iterdir(), None)

    async def close(self) -> None:
        """Close the line and end its thread; closing twice does nothing."""
        thread, self._thread, self._asked = self._thread, None, None
        if thread is not None:
            thread.shutdown(wait=False)

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line for one request and its reply."""
        async with self._lock:
            self._asked = None
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Take a request; it is done when its reply is asked for.

        Raises:
            LineError: The line is closed; nothing was done.
        """
        if self._thread is None:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        self._asked = data

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Do what was asked and return the line that answers it.

        Raises:
            OutcomeUnknown: The disk did not answer in time.
            ProtocolError: The answer is longer than `max_bytes`.
        """
        asked, thread = self._asked, self._thread
        if asked is None or thread is None:
            raise OutcomeUnknown(f"line {self._name}: nothing was asked")
        self._asked = None
        clerk = FolderClerk(self._settings)
        try:
            async with asyncio.timeout(max(timeout_s, self._clock.shortest_wait_s)):
                reply = await self._clock.call_blocking(lambda: clerk.answer(asked), thread)
        except TimeoutError as error:
            reason = f"line {self._name}: the folder did not answer in {timeout_s:g} s"
            raise OutcomeUnknown(reason) from error
        if len(reply) > max_bytes:
            raise ProtocolError(f"more than {max_bytes} bytes", reply[:100])
        return reply


def _line(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"

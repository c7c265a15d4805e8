"""A line that ends at a SiLA 2 server, through `sila2`'s client in a thread of its own.

It speaks JSON, one object a line, in ASCII; the words are in the transcript of the SiLA driver.
Features, commands and properties are named by their identifiers: ``Incubator/Shake``.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown, ProtocolError, rig_error_from
from drivers.line import MAX_FRAME_BYTES
from drivers.sila_compiler import keep_compiler_apart

__all__ = ["SilaLine", "SilaLineSettings"]

_WORDS: Final = "hello, read, start or state"


class SilaLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``sila``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = Field(min_length=1)
    """Name or address of the server."""
    port: int = Field(ge=1, le=65535)
    """Its port."""
    is_insecure: bool = False
    """Whether to speak without TLS, as old servers do."""
    ca_file: Path | None = None
    """The authority that signed the server's certificate, or the certificate; the system's
    authorities if left out."""


class SilaLine:
    """The line of one SiLA 2 server; requests are done one after the other in its thread.

    Args:
        name: The line's name in the rig file.
        settings: Which server, and how.
        clock: Through which its thread is called.
    """

    def __init__(self, name: str, settings: SilaLineSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._clerk: _Clerk | None = None
        self._asked: bytes | None = None

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object], clock: Clock) -> "SilaLine":
        """Build the line; nothing is opened.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        try:
            return cls(name, SilaLineSettings.model_validate(settings), clock)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error, SilaLineSettings) from error

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Connect to the server; opening an open line looks whether it still answers.

        Raises:
            LineError: It does not answer, or its certificate is not trusted.
        """
        thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix=f"line-{self._name}")
        clerk, self._clerk = self._clerk, None
        try:
            if clerk is None:
                clerk = await self._clock.call_blocking(lambda: _Clerk(self._settings), thread)
            else:
                await self._clock.call_blocking(clerk.look, thread)
        except _down() as error:
            thread.shutdown(wait=False)
            self._thread = None
            where = f"{self._settings.host}:{self._settings.port}"
            raise LineError(f"line {self._name}: {where} does not answer: {error!r}") from error
        self._thread, self._clerk = thread, clerk

    async def close(self) -> None:
        """Close the connection and end its thread; closing twice does nothing."""
        thread, self._thread, self._asked, self._clerk = self._thread, None, None, None
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
        if self._thread is None or self._clerk is None:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        self._asked = data

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Do what was asked and return the line that answers it.

        Raises:
            OutcomeUnknown: The server did not answer in time, or the connection broke.
            ProtocolError: The answer is longer than `max_bytes`.
        """
        asked, thread, clerk = self._asked, self._thread, self._clerk
        if asked is None or thread is None or clerk is None:
            raise OutcomeUnknown(f"line {self._name}: nothing was asked")
        self._asked = None
        try:
            async with asyncio.timeout(max(timeout_s, self._clock.shortest_wait_s)):
                reply = await self._clock.call_blocking(lambda: clerk.answer(asked), thread)
        except TimeoutError as error:
            reason = f"line {self._name}: the server did not answer in {timeout_s:g} s"
            raise OutcomeUnknown(reason) from error
        except _down() as error:
            reason = f"line {self._name}: the connection broke: {error!r}"
            raise OutcomeUnknown(reason, is_line_down=True) from error
        if len(reply) > max_bytes:
            raise ProtocolError(f"more than {max_bytes} bytes", reply[:100])
        return reply


class _Clerk:
    """Answers requests in bytes from a server; it blocks while it does, and while it is made.

    What the client makes of a server's features has no types: it is built from their definitions
    when it connects.
    """

    def __init__(self, settings: SilaLineSettings) -> None:
        keep_compiler_apart()
        from sila2.client import SilaClient  # noqa: PLC0415 - it takes half a second

        authority = None if settings.ca_file is None else settings.ca_file.read_bytes()
        self._client: Any = SilaClient(
            settings.host, settings.port, insecure=settings.is_insecure, root_certs=authority
        )
        self._executions: dict[str, Any] = {}

    def look(self) -> None:
        """See that the server still answers."""
        self._client.SiLAService.ServerUUID.get()

    def answer(self, request: bytes) -> bytes:
        """Do what one line asks and return the line that answers it."""
        from sila2.framework import SilaConnectionError, SilaError  # noqa: PLC0415 - as above

        try:
            asked = json.loads(request)
            do, path = str(asked["do"]), str(asked.get("path", ""))
            works: dict[str, Callable[[], dict[str, object]]] = {
                "hello": self._hello,
                "read": lambda: {"value": _plain(self._member(path).get())},
                "start": lambda: {"execution": self._started(path, asked.get("arguments", {}))},
                "state": lambda: {"state": self._state(path)},
            }
            work = works[do]
        except (ValueError, KeyError, TypeError, AttributeError):
            return _line({"do": "hello", "ok": False, "error": f"do: expected {_WORDS}"})
        try:
            return _line({"do": do, "ok": True, **work()})
        except SilaConnectionError:
            raise
        except SilaError as error:
            return _line({"do": do, "ok": False, "error": f"{type(error).__name__}: {error}"})
        except (LookupError, ValueError, TypeError) as error:
            return _line({"do": do, "ok": False, "error": str(error).strip("'\"") or "refused"})

    def _hello(self) -> dict[str, object]:
        service = self._client.SiLAService
        said = (service.ServerType, service.ServerName, service.ServerUUID, service.ServerVersion)
        return {"server": ", ".join(str(one.get()) for one in said)}

    def _member(self, path: str) -> Any:  # noqa: ANN401 - as the class says
        feature, _, member = path.partition("/")
        known = getattr(self._client, feature, None) if feature.isidentifier() else None
        found = getattr(known, member, None) if member.isidentifier() else None
        if found is None or feature.startswith("_") or member.startswith("_"):
            raise LookupError(f"the server has no {path}")
        return found

    def _started(self, path: str, arguments: object) -> str:
        """Start a command and return what names its execution; it is over for a short one."""
        from sila2.client import ClientObservableCommandInstance  # noqa: PLC0415 - as above

        if not isinstance(arguments, dict):
            raise ValueError("arguments: expected an object")  # noqa: TRY004 - what came is told
        found = self._member(path)(**arguments)
        if not isinstance(found, ClientObservableCommandInstance):
            return "done"
        execution = str(found.execution_uuid)
        self._executions = {execution: found}
        return execution

    def _state(self, execution: str) -> str:
        """Return ``running`` or ``done``; what an execution failed with is told as a refusal."""
        if execution == "done":
            return "done"
        if execution not in self._executions:
            raise LookupError(f"nothing is known of execution {execution}")
        found = self._executions[execution]
        if not found.done:
            return "running"
        found.get_responses()
        return "done"


def _down() -> tuple[type[BaseException], ...]:
    """Return what is raised when nobody listens at the other end."""
    keep_compiler_apart()
    import grpc  # noqa: PLC0415 - it takes half a second
    from sila2.framework import SilaConnectionError  # noqa: PLC0415 - as above

    return (OSError, SilaConnectionError, grpc.FutureTimeoutError, grpc.RpcError)


def _plain(value: object) -> object:
    """Return a number, a truth value or a text.

    Raises:
        ValueError: It is none of these, or a number that is not finite.
    """
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError(f"got {value!r}, expected a number, a truth value or a text")


def _line(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"

"""A line that ends at an OPC UA server, through `asyncua`'s client in a thread of its own.

It speaks JSON, one object a line, in ASCII; the words are in the transcript of the LADS driver.
Nodes are named by the browse names on the way from Objects, without their namespaces. The client
neither reconnects nor repeats a call by itself.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown, ProtocolError, rig_error_from
from drivers.line import MAX_FRAME_BYTES

if TYPE_CHECKING:
    from asyncua.sync import SyncNode

__all__ = ["OpcUaLine", "OpcUaLineSettings"]

_MOST_NAMES: Final = 5000
_NO_YEAR: Final = 1601
"""In which the times of OPC UA begin; such a time was never set."""
_WORDS: Final = "hello, read, list or call"


class OpcUaLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``opc_ua``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    url: str = Field(pattern=r"^opc\.tcp://[^\s/]+(/\S*)?$")
    """Of the server's endpoint: ``opc.tcp://192.0.2.20:4840/lads``."""
    timeout_s: float = Field(default=5.0, ge=0.5, le=60.0)
    """How long the client waits for one answer of the server."""
    security: str = ""
    """As asyncua takes it: ``Basic256Sha256,SignAndEncrypt,/path/cert.pem,/path/key.pem``; none if
    left out."""
    user: str = ""
    """With ``password_file``; anonymous if left out."""
    password_file: Path | None = None
    """A file whose first line is the password."""

    @model_validator(mode="after")
    def _keeps_the_password(self) -> Self:
        if self.user and not self.security:
            raise ValueError("security: expected where there is a user; its password would be read")
        return self


class OpcUaLine:
    """The line of one OPC UA server; requests are done one after the other in its thread.

    Args:
        name: The line's name in the rig file.
        settings: Which server, and how.
        clock: Through which its thread is called.
    """

    def __init__(self, name: str, settings: OpcUaLineSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._clerk: _Clerk | None = None
        self._asked: bytes | None = None

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object], clock: Clock) -> "OpcUaLine":
        """Build the line; nothing is opened.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        try:
            return cls(name, OpcUaLineSettings.model_validate(settings), clock)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error, OpcUaLineSettings) from error

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Connect to the server; opening an open line looks whether it still answers.

        Raises:
            LineError: It does not answer, or refuses.
        """
        thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix=f"line-{self._name}")
        clerk, self._clerk = self._clerk, None
        try:
            if clerk is None:
                clerk = await self._clock.call_blocking(lambda: _Clerk(self._settings), thread)
            else:
                await self._clock.call_blocking(clerk.look, thread)
        except _down() as error:
            if clerk is not None:
                await self._clock.call_blocking(clerk.close, thread)
            thread.shutdown(wait=False)
            self._thread = None
            text = f"line {self._name}: {self._settings.url} does not answer: {error!r}"
            raise LineError(text) from error
        self._thread, self._clerk = thread, clerk

    async def close(self) -> None:
        """Close the session and end its thread; closing twice does nothing."""
        thread, self._thread, self._asked = self._thread, None, None
        clerk, self._clerk = self._clerk, None
        if thread is not None:
            if clerk is not None:
                await self._clock.call_blocking(clerk.close, thread)
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
    """Answers requests in bytes from a server; it blocks while it does, and while it is made."""

    def __init__(self, settings: OpcUaLineSettings) -> None:
        from asyncua.sync import Client  # noqa: PLC0415 - it takes half a second

        client = Client(settings.url, timeout=settings.timeout_s)
        try:
            if settings.security:
                client.set_security_string(settings.security)
            if settings.user:
                client.set_user(settings.user)
            if settings.password_file is not None:
                text = settings.password_file.read_text("utf-8")
                client.set_password(text.partition("\n")[0])
            client.connect()
        except (asyncio.CancelledError, CancelledError) as error:
            client.tloop.stop()
            raise ConnectionError("the client was closed") from error
        except BaseException:
            client.tloop.stop()
            raise
        self._client: Client = client
        self._nodes: dict[str, SyncNode] = {}

    def look(self) -> None:
        """See that the server still answers."""
        self._client.check_connection()

    def close(self) -> None:
        """Say goodbye, if anybody listens, and end the client's own thread."""
        try:
            self._client.disconnect()
        except _down():
            self._client.tloop.stop()

    def answer(self, request: bytes) -> bytes:
        """Do what one line asks and return the line that answers it."""
        from asyncua.ua.uaerrors import UaStatusCodeError  # noqa: PLC0415 - as above

        try:
            asked = json.loads(request)
            do, path = str(asked["do"]), str(asked.get("path", ""))
            works: dict[str, Callable[[], object]] = {
                "hello": lambda: {"server": self._server()},
                "read": lambda: {"value": _plain(self._node(path).read_value())},
                "list": lambda: {"names": self._names(path)},
                "call": lambda: {"results": self._called(path, asked)},
            }
            work = works[do]
        except (ValueError, KeyError, TypeError, AttributeError):
            return _line({"do": "hello", "ok": False, "error": f"do: expected {_WORDS}"})
        try:
            found = work()
        except (asyncio.CancelledError, CancelledError) as error:
            raise ConnectionError("the client was closed") from error
        except (LookupError, ValueError) as error:
            return _line({"do": do, "ok": False, "error": str(error).strip("'\"")})
        except UaStatusCodeError as error:
            if isinstance(error, _down()):
                raise
            return _line({"do": do, "ok": False, "error": f"{type(error).__name__}: {error}"})
        return _line({"do": do, "ok": True, **(found if isinstance(found, dict) else {})})

    def _server(self) -> str:
        status = self._client.get_node("i=2256").read_value()
        return f"{status.BuildInfo.ProductName or 'OPC UA server'} since {status.StartTime}"

    def _node(self, path: str) -> "SyncNode":
        if path in self._nodes:
            return self._nodes[path]
        node = self._client.get_objects_node()
        for name in filter(None, path.split("/")):
            found = [one for one in node.get_children() if one.read_browse_name().Name == name]
            if len(found) != 1:
                raise LookupError(f"{len(found)} nodes named {name} on the way to {path}")
            (node,) = found
        self._nodes[path] = node
        return node

    def _names(self, path: str) -> list[str]:
        children = self._node(path).get_children()
        if len(children) > _MOST_NAMES:
            raise ValueError(f"{len(children)} nodes under {path}, expected at most {_MOST_NAMES}")
        return [one.read_browse_name().Name for one in children]

    def _called(self, path: str, asked: Mapping[str, object]) -> list[object]:
        from asyncua import ua  # noqa: PLC0415 - as above

        node, given = self._node(path), asked.get("arguments", [])
        method = self._node(f"{path}/{asked.get('method', '')}")
        if not isinstance(given, list):
            raise ValueError("arguments: expected a list")  # noqa: TRY004 - what came is told
        none = ua.Variant([], ua.VariantType.ExtensionObject, is_array=True)
        arguments = [none if one == [] else one for one in given]
        results = node.call_method(method, *arguments)
        if results is None:
            return []
        return [_plain(one) for one in (results if isinstance(results, list) else [results])]


def _down() -> tuple[type[BaseException], ...]:
    """Return what asyncua raises when nobody listens at the other end."""
    from asyncua.sync import ThreadLoopNotRunning  # noqa: PLC0415 - it takes half a second
    from asyncua.ua import uaerrors  # noqa: PLC0415 - as above

    return (
        OSError,
        TimeoutError,
        ThreadLoopNotRunning,
        uaerrors.BadConnectionClosed,
        uaerrors.BadSessionIdInvalid,
        uaerrors.BadSessionClosed,
        uaerrors.BadSecureChannelIdInvalid,
        uaerrors.BadTimeout,
    )


def _plain(value: object) -> object:
    """Return a number, a truth value or a text.

    A localised text comes without its language, a time as ISO 8601, empty if it was never set.

    Raises:
        ValueError: It is none of these, or a number that is not finite.
    """
    text = getattr(value, "Text", value)
    if isinstance(text, datetime):
        return text.isoformat() if text.year > _NO_YEAR else ""
    if text is None or isinstance(text, bool | int | str):
        return "" if text is None else text
    if isinstance(text, float) and math.isfinite(text):
        return text
    raise ValueError(f"got {text!r}, expected a number, a truth value or a text")


def _line(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"

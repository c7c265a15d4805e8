"""The control socket of a served bench: one request a line, one answer a line, both JSON."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from drivers.errors import DriverError
from simulators.faults import FaultKind

__all__ = ["CauseFault", "ControlRequest", "TellState", "control_socket"]

_MOST_BYTES = 65_536


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CauseFault(_Request):
    """Let something go wrong."""

    do: Literal["fault"]
    target: str
    """A line or an instrument of the rig."""
    kind: FaultKind | Literal["unplug", "plug-in", "power-cycle"]
    """What strikes the next request, or happens at once."""
    delay_s: float | None = Field(default=None, gt=0)
    """How late a late reply comes, in seconds of the lab."""


class TellState(_Request):
    """Bring every device up to the present and say what is where."""

    do: Literal["settle"]


ControlRequest: TypeAlias = Annotated[CauseFault | TellState, Field(discriminator="do")]

_Requests: TypeAdapter[CauseFault | TellState] = TypeAdapter(ControlRequest)


@asynccontextmanager
async def control_socket(
    path: str, handle: Callable[[CauseFault | TellState], Awaitable[dict[str, object]]]
) -> AsyncIterator[None]:
    """Answer requests at a Unix socket while the block lasts.

    An answer is ``{"done": true, ...}`` with what `handle` returned, or
    ``{"done": false, "refused": "why"}``.

    Args:
        path: Of the socket.
        handle: Does what is asked.
    """
    guests: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            guests.add(task)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await _answer(line, handle)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            return  # the guest is gone, sent a line without end, or the bench is closing
        finally:
            writer.close()
            if task is not None:
                guests.discard(task)

    server = await asyncio.start_unix_server(serve, path, limit=_MOST_BYTES)
    try:
        yield
    finally:
        server.close()
        waiting = tuple(guests)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _answer(
    line: bytes, handle: Callable[[CauseFault | TellState], Awaitable[dict[str, object]]]
) -> dict[str, object]:
    try:
        request = _Requests.validate_json(line)
        return {"done": True, **await handle(request)}
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        return {
            "done": False,
            "refused": f"{key}: got {first.get('input')!r}, expected {first['msg']}",
        }
    except DriverError as error:
        return {"done": False, "refused": str(error)}

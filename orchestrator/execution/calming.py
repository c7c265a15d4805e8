"""Stopping an instrument and bringing it to its safe state; the job boundary of ways to rest."""

import logging
from collections.abc import Awaitable
from typing import Final

from drivers.clock import deadline
from drivers.errors import DriverError
from orchestrator.execution.seats import Seat
from orchestrator.landmarks import reach

__all__ = ["STOP_TIMEOUT_S", "made_safe", "stopped"]

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S: Final = 10.0
"""A stop or safe state that takes longer than this has failed."""


async def stopped(seat: Seat) -> str:
    """Stop an instrument and return why that failed; empty text when it rests."""
    return _blamed(seat, "not stopped", await _calmed(seat, seat.instrument.stop()))


async def made_safe(seat: Seat) -> str:
    """Bring an instrument to its safe state, declared actions included.

    Returns:
        Why it could not be reached; empty text when it is safe.
    """
    reach("station: before it makes safe")
    error = _blamed(seat, "not safe", await _calmed(seat, _to_safe_state(seat)))
    reach("station: after it made safe")
    return error


async def _to_safe_state(seat: Seat) -> None:
    await seat.instrument.make_safe()
    for safe in seat.spec.safe_state:
        await seat.instrument.perform(safe.action, safe.arguments)


def _blamed(seat: Seat, what: str, error: str) -> str:
    if error:
        seat.fault = f"{what}: {error}"
    return error


async def _calmed(seat: Seat, work: Awaitable[None]) -> str:
    seat.line.disarm()
    try:
        async with deadline(seat.instrument.clock, STOP_TIMEOUT_S, n_replies=4):
            await work
    except TimeoutError:
        return f"no answer within {STOP_TIMEOUT_S:g} s"
    except DriverError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        logger.exception("%s: our own code broke on the way to rest", seat.name)
        return f"{type(error).__name__}: {error}"
    return ""

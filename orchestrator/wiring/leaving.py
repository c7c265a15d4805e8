"""Engines driven until their end, or until the system wants the process gone."""

import asyncio
import logging
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from orchestrator.core.campaign import CampaignState

if TYPE_CHECKING:
    from orchestrator.engine.loop import Engine

__all__ = ["until_told_to_end"]

logger = logging.getLogger(__name__)

_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)
"""What the system sends to a process that shall go: at a shutdown, or when its terminal closes."""


async def until_told_to_end(engines: Sequence["Engine"]) -> list[CampaignState]:
    """Drive until the end, or until the system wants this process gone.

    Then the engines are cut off like at a crash, but stop their instruments on the way out: what
    they had started is in doubt. Only the first signal counts, so that nothing cuts the stopping
    short. One that was ignored from the beginning (``nohup``) stays so.

    Args:
        engines: Of one bench. One that fails ends no other.

    Returns:
        What each campaign is when its engine lets go.

    Raises:
        AthanorError: An engine failed; the first one's error, after all have ended.
    """
    loop, work = asyncio.get_running_loop(), asyncio.current_task()
    told: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        if not told and work is not None:
            work.cancel()
            logger.warning("%s: stopping the instruments and letting go", number.name)
        told.append(number)

    heeded = [number for number in _ENDS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, end, number)
    try:
        return await _all_driven(engines)
    except asyncio.CancelledError:
        if not told:
            raise
        return [engine.state for engine in engines]
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


async def _all_driven(engines: Sequence["Engine"]) -> list[CampaignState]:
    if len(engines) == 1:
        return [await engines[0].run()]
    ends = await asyncio.gather(*(engine.run() for engine in engines), return_exceptions=True)
    states = []
    for engine, end in zip(engines, ends, strict=True):
        if isinstance(end, BaseException):
            logger.error("%s: %r", engine.state.campaign_id, end)
        else:
            states.append(end)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return states

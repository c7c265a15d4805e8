"""The boundary of a job: whatever a driver meets becomes an outcome, or a question to the device.

A programming error becomes `Unknown` with its traceback, unless the device can be asked.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from drivers.clock import deadline
from drivers.errors import DeviceFault, DriverError, LimitError, NothingDone
from drivers.instrument import RecoveryClass
from orchestrator.core.events import LoggedReading
from orchestrator.execution.calming import stopped
from orchestrator.execution.executor import Done, Outcome, Refused, Unknown
from orchestrator.execution.limits import limited
from orchestrator.execution.running_order import RunningOrder

__all__ = ["Trouble", "carried_out", "within_tree"]

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A job that was cut off: its device must be asked if it may have touched matter."""

    error: str
    """As in `Refused.error`."""
    text: str
    is_ours: bool = False
    """Whether our own code broke."""

    def without_asking(self) -> Outcome:
        """Return what it means for a job that has touched nothing."""
        if self.is_ours:
            return Unknown(evidence=self.text)
        return Refused(error=self.error, message=self.text, has_acted=False)


async def carried_out(job: RunningOrder) -> Outcome | Trouble:
    """Have the driver do one job; whatever goes wrong, the instrument is told to stop.

    Args:
        job: Whose order was accepted.
    """
    order, seat = job.order, job.seat
    try:
        async with deadline(seat.instrument.clock, order.deadline_s, n_replies=4) as limit:
            readings = await _performed(job)
        return Done(readings=readings)
    except asyncio.CancelledError:
        _forget_cancel()
        await stopped(seat)
        return Trouble(job.error or "NothingDone", job.reason or "the station is closing")
    except DriverError as error:
        return _met(error, job)
    except TimeoutError:
        if not limit.expired():
            return await _broken(job)
        await stopped(seat)
        text = f"{order.action} had not ended after {order.deadline_s:g} s; it was stopped"
        return Trouble("OutcomeUnknown", text)
    except Exception:
        return await _broken(job)


async def _performed(job: RunningOrder) -> tuple[LoggedReading, ...]:
    order, instrument = job.order, job.seat.instrument
    action = instrument.actions.get(order.action)
    is_pure = action is None or action.recovery is RecoveryClass.PURE
    if action is not None:
        limited(action, job.seat.spec.limits).checked(instrument.name, order.arguments)
    if not is_pure and not instrument.says_when_it_acts:
        await job.ticket.about_to_act()
    readings = await instrument.perform(order.action, order.arguments, job.ticket)
    return tuple(LoggedReading(name=r.name, value=r.value) for r in readings)


async def within_tree(work: Awaitable[T], what: str) -> T:
    """Wait for what a driver does beside a job; a programming error becomes one of the tree.

    Args:
        work: Of the driver.
        what: It is, for the message.

    Raises:
        DriverError: Whatever it meets.
    """
    try:
        return await work
    except (DriverError, TimeoutError):
        raise
    except Exception as error:
        logger.exception("%s broke in our own code", what)
        text = f"{what} broke in our own code: {type(error).__name__}: {error}"
        raise DriverError(text) from error


async def _broken(job: RunningOrder) -> Trouble:
    evidence = traceback.format_exc()
    logger.exception("%s: %s broke in our own code", job.order.key, job.order.action)
    await stopped(job.seat)
    return Trouble("OutcomeUnknown", evidence, is_ours=True)


def _met(error: DriverError, job: RunningOrder) -> Outcome | Trouble:
    name, text = type(error).__name__, str(error)
    if job.ticket.journal_error:
        name = "JournalError"
    match error:
        case DeviceFault():
            return Refused(error=name, message=text, has_acted=error.acted)
        case LimitError() | NothingDone():
            return Refused(error=name, message=text, has_acted=False)
        case _ if not job.seat.line.has_sent:
            return Refused(error=name, message=text, has_acted=False)
        case _:
            return Trouble(name, text)


def _forget_cancel() -> None:
    """Take a cancellation as dealt with: the job goes on to its outcome."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()

"""Asking a device what became of an action that was begun and never reported."""

from collections.abc import Sequence

from drivers.instrument import Instrument, RecoveryClass
from drivers.ticket import Settlement, Verdict
from orchestrator.core.events import LoggedReading
from orchestrator.execution.executor import Done, Order, Outcome, Refused, Unknown
from orchestrator.execution.seats import Seat
from orchestrator.landmarks import reach

__all__ = ["needs_device", "settled_by_device"]


def needs_device(seat: Seat, action: str) -> bool:
    """Tell whether the device is asked what became of an action.

    Args:
        seat: The instrument's.
        action: One of its driver's, perhaps of an earlier version of it.
    """
    known = seat.instrument.actions.get(action)
    is_harmless = (RecoveryClass.PURE, RecoveryClass.IDEMPOTENT)
    has_own_way = type(seat.instrument).settle is not Instrument.settle
    return known is not None and known.recovery not in is_harmless and has_own_way


async def settled_by_device(
    seat: Seat, order: Order, notes: Sequence[str], trouble: str = ""
) -> Outcome:
    """Ask the instrument and return what that means for the order.

    Args:
        seat: The instrument's; nobody else works with it now.
        order: That was cut off after it may have touched matter.
        notes: What the driver noted before it acted.
        trouble: Why it was cut off.

    Raises:
        DriverError: The device could not be asked.
    """
    if order.action not in seat.instrument.actions:
        return Unknown(evidence=f"{seat.name} has no action {order.action} any more")
    seat.line.disarm()
    reach("station: before a device is asked what it did")
    found = await seat.instrument.settle(order.action, order.arguments, key=order.key, notes=notes)
    reach("station: after a device was asked what it did")
    return _outcome_from(found, seat, trouble)


def _outcome_from(found: Settlement, seat: Seat, trouble: str) -> Outcome:
    evidence = f"{trouble}; {found.evidence}" if trouble else found.evidence
    match found.verdict:
        case Verdict.RAN:
            readings = (LoggedReading(name=r.name, value=r.value) for r in found.readings)
            return Done(readings=tuple(readings))
        case Verdict.DID_NOT_RUN:
            return Refused(error="NothingDone", message=evidence, has_acted=False)
        case Verdict.PARTLY:
            message = f"{seat.instrument.model}: {evidence}"
            return Refused(error="DeviceFault", message=message, has_acted=True)
        case Verdict.CANNOT_TELL:
            return Unknown(evidence=evidence)

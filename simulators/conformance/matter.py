"""Gold: the driver leaves nothing running and knows, after a crash, what it did."""

import asyncio

from typing_extensions import override

from drivers.clock import VirtualClock
from drivers.errors import NothingDone
from drivers.instrument import RecoveryClass
from drivers.ticket import Ticket, Verdict
from simulators.conformance.examinee import Examinee, Expected, Station, demand
from simulators.errors import CheckSkipped

__all__ = [
    "does_nothing_that_cannot_be_noted",
    "stops_when_cut_off",
    "tells_what_it_did_after_a_crash",
]

_SHARES = (0.01, 0.2, 0.5, 0.8, 0.99)
_LATER_S = 100.0
_REPEATABLE = (RecoveryClass.PURE, RecoveryClass.IDEMPOTENT)


class _NotingTicket(Ticket):
    """Keeps what is noted."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.notes: list[str] = []

    @override
    async def about_to_act(self, note: str = "") -> None:
        self.notes.append(note)


class _FullTicket(Ticket):
    """Cannot make anything durable."""

    @override
    async def about_to_act(self, note: str = "") -> None:
        raise NothingDone("the disk is full")


def stops_when_cut_off(examinee: Examinee, action: str) -> None:
    """Check that an action cut off in the middle leaves the device at rest, for good."""

    async def main(clock: VirtualClock) -> None:
        whole = await examinee.station(clock, action=action)
        begun_s = clock.monotonic_s()
        await whole.perform(action)
        whole_s = clock.monotonic_s() - begun_s
        for share in _SHARES:
            await _cut_off(await examinee.station(clock, action=action), action, share * whole_s)

    examinee.in_virtual_time(main)


async def _cut_off(station: Station, action: str, after_s: float) -> None:
    with Expected(TimeoutError, f"cutting off after {after_s:.2f} s"):
        async with asyncio.timeout(after_s):
            await station.perform(action)
    demand(station.is_at_rest, f"it is not at rest when cut off after {after_s:.2f} s")
    before = station.n_acts
    await station.clock.sleep(_LATER_S)
    demand(station.n_acts == before, f"it acted later, having been cut off after {after_s:.2f} s")


def does_nothing_that_cannot_be_noted(examinee: Examinee, action: str) -> None:
    """Check that nothing is done to matter when the ticket cannot be noted.

    Raises:
        CheckSkipped: The driver leaves noting to the executor, or the action only reads.
    """
    _refuse_to_note_readings(examinee, action)

    async def main(clock: VirtualClock) -> None:
        left_on = [name for name, card in examinee.card.actions.items() if card.leaves_on]
        for earlier in (None, *left_on):
            await refuse(clock, earlier)

    async def refuse(clock: VirtualClock, earlier: str | None) -> None:
        station = await examinee.station(clock, action=action)
        if earlier is not None:
            await station.perform(earlier)
        before = station.n_acts
        with Expected(NothingDone, "an action whose ticket cannot be noted"):
            await station.perform(action, _FullTicket("key"))
        after = "" if earlier is None else f" after {earlier}"
        demand(station.n_acts == before, f"it acted though it could not be noted{after}")
        demand(earlier is not None or station.is_at_rest, "it is not at rest")

    examinee.in_virtual_time(main)


def tells_what_it_did_after_a_crash(examinee: Examinee, action: str) -> None:
    """Check that an action that was done is never said not to have run.

    The whole action is done, its result is lost, and a new driver on a new connection is asked.

    Raises:
        CheckSkipped: The action may be repeated freely.
    """
    declared = examinee.driver.actions[action]
    if declared.recovery in _REPEATABLE:
        raise CheckSkipped(f"{declared.recovery.value}: it may be repeated freely")
    example = examinee.card.actions[action].example

    async def main(clock: VirtualClock) -> None:
        station = await examinee.station(clock, action=action)
        ticket = _NotingTicket("campaign-1/E0001/job#1@20260101T000000000000")
        await station.perform(action, ticket)
        await station.instrument.line.close()
        after = await examinee.instrument(station.bench, clock)
        settled = await after.settle(action, example, key=ticket.key, notes=ticket.notes)
        is_wrong = settled.verdict is Verdict.DID_NOT_RUN
        demand(not is_wrong, f"it ran, and is said not to have: {settled.evidence}")
        demand(bool(settled.evidence), "the settlement has no evidence for a person")
        can_tell = declared.recovery is not RecoveryClass.BLIND
        is_told = settled.verdict in (Verdict.RAN, Verdict.PARTLY)
        text = f"{declared.recovery.value}, and cannot tell: {settled.evidence}"
        demand(is_told or not can_tell, text)

    examinee.in_virtual_time(main)


def _refuse_to_note_readings(examinee: Examinee, action: str) -> None:
    if examinee.driver.actions[action].recovery is RecoveryClass.PURE:
        raise CheckSkipped("it only reads")
    if not examinee.driver.says_when_it_acts:
        raise CheckSkipped("the executor notes it before the action begins")

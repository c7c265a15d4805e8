"""Acts on the whole bench: emergency stop, latch, instruments, places."""

from abc import ABC

from pydantic import Field

from orchestrator.core.events import (
    Event,
    InstrumentPutBack,
    InstrumentTakenOut,
    LatchCleared,
    LatchSet,
    PlacesCleaned,
)
from orchestrator.service.acts.act import ActDesk, LabAct, Told, told_of
from orchestrator.service.bench_decisions import (
    clean_places,
    clear_latch,
    emergency_stop,
    put_back,
    take_out,
)
from orchestrator.service.lab import Lab

__all__ = ["CleanPlaces", "ClearLatch", "EmergencyStop", "PutBack", "TakeOut"]


class EmergencyStop(LabAct):
    """Make every rig safe now, and send nothing until the latch is cleared."""

    name = "emergency_stop"
    is_dangerous = True
    makes_safer = True

    def consequence(self, lab: Lab) -> str:
        """Say what is cut off."""
        n = sum(len(state.open_experiments) for state in lab.unfinished())
        samples = f"{n} sample{'' if n == 1 else 's'} on the bench"
        return (
            "cuts off every running job now and makes every rig of this laboratory safe; "
            f"{samples} may be spoilt; nothing is sent until the latch is cleared. "
            "This is software: the red button is hardware"
        )

    def concerns(self, event: Event) -> bool:
        """Nothing: it is always obeyed."""
        return False

    def perform(self, desk: ActDesk) -> Told:
        """Tell the stations, then the log."""
        decided = emergency_stop(desk.open_lab, desk.door, reason=self.reason)
        where = "" if decided.replies else "; no station lives: running jobs are not cut off"
        return told_of(f"the stop latch is set: {decided.lab.latch}{where}", decided)


class ClearLatch(LabAct):
    """Clear the stop latch, under your name."""

    name = "clear_latch"
    is_dangerous = True

    def consequence(self, lab: Lab) -> str:
        """Say what goes on."""
        latch = lab.laboratory().latch
        why = f" ({latch})" if latch else ""
        return (
            f"the stop latch{why} is cleared under your name: campaigns that are not held send "
            "orders again at once; go and look at the bench first"
        )

    def concerns(self, event: Event) -> bool:
        """Whether somebody else set or cleared it."""
        return isinstance(event, LatchSet | LatchCleared)

    def perform(self, desk: ActDesk) -> Told:
        """Tell the stations, then the log."""
        with desk.open_lab() as lab:
            decided = clear_latch(lab, desk.door, reason=self.reason, by=desk.principal.name)
        return told_of("the stop latch is cleared", decided)


class _OnInstrument(LabAct, ABC):
    instrument: str = Field(min_length=1, max_length=200)

    def concerns(self, event: Event) -> bool:
        """Whether somebody else took it out or put it back."""
        kinds = (InstrumentTakenOut, InstrumentPutBack)
        return isinstance(event, kinds) and event.instrument == self.instrument


class TakeOut(_OnInstrument):
    """Take an instrument out of service: no job is sent to it until it is put back."""

    name = "take_out"
    is_dangerous = True
    makes_safer = True

    def consequence(self, lab: Lab) -> str:
        """Say what waits."""
        return (
            f"no job is sent to {self.instrument} until it is put back; samples that need it wait, "
            "a job that runs there is finished"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Tell the stations, then the log."""
        with desk.open_lab() as lab:
            decided = take_out(lab, desk.door, self.instrument, reason=self.reason)
        return told_of(f"{self.instrument} is out of service", decided)


class PutBack(_OnInstrument):
    """Put an instrument back into service."""

    name = "put_back"

    def consequence(self, lab: Lab) -> str:
        """Say what goes on."""
        return f"jobs are sent to {self.instrument} again, as soon as campaigns need it"

    def perform(self, desk: ActDesk) -> Told:
        """Tell the stations, then the log."""
        with desk.open_lab() as lab:
            decided = put_back(lab, desk.door, self.instrument, reason=self.reason)
        return told_of(f"{self.instrument} is back in service", decided)


class CleanPlaces(LabAct):
    """Say that places are clean, so that samples may use them again."""

    name = "clean_places"
    is_dangerous = True

    places: tuple[str, ...] = Field(min_length=1, max_length=500)

    def consequence(self, lab: Lab) -> str:
        """Say what is put there."""
        return f"samples are put into {', '.join(self.places)} again: they must be clean and empty"

    def concerns(self, event: Event) -> bool:
        """Whether somebody else said that one of them is clean."""
        return isinstance(event, PlacesCleaned) and bool({*event.places} & {*self.places})

    def perform(self, desk: ActDesk) -> Told:
        """Append it, and have engines look."""
        with desk.open_lab() as lab:
            decided, _ = clean_places(lab, desk.door, self.places, reason=self.reason)
        return told_of(f"clean: {', '.join(self.places)}", decided)

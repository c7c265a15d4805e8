"""What an act is: something a person asks for, checked at the door, done once under its key."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from orchestrator.access.roles import Principal, Scope
from orchestrator.core.events import LAB_STREAM, Event, campaign_stream
from orchestrator.core.lab import LabState
from orchestrator.errors import RequestRefused
from orchestrator.log.kept_acts import ActKey
from orchestrator.service.bench_decisions import Decided
from orchestrator.service.lab import Lab
from orchestrator.service.launching.launcher import Launcher
from orchestrator.service.legible import legible
from orchestrator.service.station_door import StationDoor, StationReply
from orchestrator.service.task_boards import TaskBoards

__all__ = ["LONGEST_REASON", "Act", "ActDesk", "CampaignAct", "Finite", "LabAct", "Told", "told_of"]

LONGEST_REASON: Final = 2000
Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A number that is neither infinite nor none at all."""


class Told(BaseModel):
    """What became of an act."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    """What was done, for a person."""
    stations: tuple[StationReply, ...] = ()
    """What the living stations said; empty if none lives or none was asked."""
    seq: int = 0
    """Of the last record of the log after it."""
    was_done_before: bool = False
    """Whether it had been done under this very key: nothing was done again."""
    campaign_id: str = ""
    """Of the campaign that it opened or started again."""

    @property
    def is_done(self) -> bool:
        """Whether every station that was asked did it."""
        return all(reply.is_done for reply in self.stations)


@dataclass(frozen=True, slots=True)
class ActDesk:
    """What an act needs: who asks, and the doors to the log and to the stations."""

    principal: Principal
    open_lab: Callable[[], Lab]
    """Opens the log under the name of who asks, for this very act."""
    door: StationDoor
    asked: ActKey
    """The act itself, as the log keeps it; an engine that is started carries it into the log."""
    launcher: Launcher | None = None
    """Starts engines; None where this server starts none."""
    boards: TaskBoards = field(default_factory=TaskBoards)
    """Of manual stations."""


class Act(BaseModel, ABC):
    """Something that a person asks for.

    A subclass names itself, says what it needs, and what it does to matter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: ClassVar[str]
    """In addresses, forms and the API: ``pause``."""
    scope: ClassVar[Scope] = Scope.CONTROL
    is_dangerous: ClassVar[bool] = False
    """Whether it is asked twice and wants a reason."""
    needs_reason: ClassVar[bool] = False
    """Whether it wants a reason although it is asked once."""
    makes_safer: ClassVar[bool] = False
    """Whether it is obeyed however old the page is that asks for it."""

    reason: str = Field(default="", max_length=LONGEST_REASON)
    """Why, in the words of who asks; it stands in the log."""

    @field_validator("reason")
    @classmethod
    def _legible(cls, reason: str) -> str:
        """Spell out signs that no terminal should be sent, or that turn what is read around.

        They are no ground to refuse: an emergency stop is done, whatever was pasted into it.
        """
        return legible(reason)

    @property
    @abstractmethod
    def stream(self) -> str:
        """The stream of the log that it is about."""

    @abstractmethod
    def consequence(self, lab: Lab) -> str:
        """Return what it will do to matter, with the numbers of now.

        Args:
            lab: As it stands.
        """

    @abstractmethod
    def concerns(self, event: Event) -> bool:
        """Tell whether a person's later event makes the page too old that asked for this."""

    @abstractmethod
    def perform(self, desk: ActDesk) -> Told:
        """Do it.

        Args:
            desk: The doors that it needs.

        Raises:
            RequestRefused: It cannot be done in the present state.
            LogError: The log cannot be read or written.
        """

    def refuse_without_reason(self) -> None:
        """Refuse an act that says no reason and wants one.

        Raises:
            RequestRefused: It wants one.
        """
        if (self.is_dangerous or self.needs_reason) and not self.reason:
            raise RequestRefused("reason: got nothing, expected why, in your words")


class CampaignAct(Act, ABC):
    """An act on one campaign."""

    campaign_id: str = Field(min_length=1, max_length=200)

    @property
    def stream(self) -> str:
        """The campaign's."""
        return campaign_stream(self.campaign_id)


class LabAct(Act, ABC):
    """An act on the laboratory."""

    @property
    def stream(self) -> str:
        """The laboratory's."""
        return LAB_STREAM


def told_of(message: str, decided: Decided | Sequence[StationReply] | LabState | None) -> Told:
    """Return what became of an act, with what stations said.

    Args:
        message: For a person.
        decided: Where stations were asked, what they said.
    """
    if isinstance(decided, Decided):
        return Told(message=message, stations=decided.replies)
    if decided is None or isinstance(decided, LabState):
        return Told(message=message)
    return Told(message=message, stations=tuple(decided))

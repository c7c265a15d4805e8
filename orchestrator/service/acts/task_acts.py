"""Acts on the tasks of a manual station: take one, say that it is done, say that it is not.

The board is a folder and not part of the log; the key of an act is kept in the log all the same,
and the board itself sees to it that of two people exactly one gets a task.
"""

from abc import ABC
from typing import Annotated

from pydantic import Field

from drivers.errors import DriverError
from drivers.task_board import TaskState
from orchestrator.core.events import Event
from orchestrator.errors import RequestRefused
from orchestrator.service.acts.act import ActDesk, Finite, LabAct, Told
from orchestrator.service.lab import Lab
from orchestrator.service.tasks import TaskView

__all__ = ["FinishTask", "RefuseTask", "TakeTask"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _OnTask(LabAct, ABC):
    task: str = Field(min_length=1, max_length=300)
    """Its key."""

    def concerns(self, event: Event) -> bool:
        """Nothing in the log: what others did stands on the board, which refuses by itself."""
        return False

    def _keep(self, desk: ActDesk) -> None:
        """Keep the act's key in the log."""
        with desk.open_lab() as lab:
            lab.decide_in_lab(lambda _: ())

    @property
    def _note(self) -> str:
        """The reason on one line, as the board wants it."""
        return " ".join(self.reason.split())


class TakeTask(_OnTask):
    """Take a task: nobody else does it then, and the station waits for your answer."""

    name = "take_task"

    def consequence(self, lab: Lab) -> str:
        """Say who does it and who waits."""
        return "nobody else does it then; its sample waits until you say what became of it"

    def perform(self, desk: ActDesk) -> Told:
        """Take it on the board."""
        view = desk.boards.desk_of(self.task).take(self.task, by=desk.principal.name)
        self._keep(desk)
        return Told(message=f"{_job(view)} is yours")


class FinishTask(_OnTask):
    """Say that a task is done, with the numbers that it asks for."""

    name = "finish_task"

    values: dict[Name, Finite] = Field(default_factory=dict, max_length=50)
    """Every number that is asked for, under its name with its unit."""
    sds: dict[Name, Positive] = Field(default_factory=dict, max_length=50)
    """Standard uncertainties of some of them, in the same units; they stand in the note."""

    def consequence(self, lab: Lab) -> str:
        """Say that the sample goes on with these numbers."""
        return "its sample goes on with your numbers as soon as the station reads them"

    def perform(self, desk: ActDesk) -> Told:
        """Answer on the board.

        Raises:
            RequestRefused: An uncertainty belongs to no number, or there is no such task.
            BoardError: The task is not there to be answered, or a number is missing or unknown.
        """
        unknown = sorted(self.sds.keys() - self.values.keys())
        if unknown:
            raise RequestRefused(f"sds: got {', '.join(unknown)}, expected names of values")
        by, found = desk.principal.name, desk.boards.desk_of(self.task)
        texts = [f"{name}={value!r}" for name, value in self.values.items()]
        try:
            view = found.done(self.task, by=by, values=texts, note=self._whole_note)
        except DriverError:
            view = found.view(self.task)
            is_same = view.readings == self.values and view.note == self._whole_note
            if not (view.state is TaskState.DONE and view.by == by and is_same):
                raise
        self._keep(desk)
        return Told(message=f"{_job(view)} is done")

    @property
    def _whole_note(self) -> str:
        if not self.sds:
            return self._note
        said = ", ".join(f"{name} {sd:g}" for name, sd in sorted(self.sds.items()))
        return f"{self._note} (standard uncertainties: {said})".strip()


class RefuseTask(_OnTask):
    """Say that a task will not be done, or that it was begun and went wrong."""

    name = "refuse_task"
    is_dangerous = True

    is_partly_done: bool = False
    """Whether it was begun: matter was touched, though not as asked."""

    def consequence(self, lab: Lab) -> str:
        """Say what becomes of the sample."""
        if self.is_partly_done:
            return "the station is told that matter was touched: its sample is lost or in doubt"
        return (
            "the station is told that nothing was done: the job fails, and its sample with it "
            "unless the recipe tries again"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Answer on the board.

        Raises:
            RequestRefused: There is no such task.
            BoardError: The task is not there to be answered.
        """
        by, found = desk.principal.name, desk.boards.desk_of(self.task)
        wanted = TaskState.PARTLY if self.is_partly_done else TaskState.REFUSED
        try:
            view = found.refuse(
                self.task, by=by, note=self._note, is_partly_done=self.is_partly_done
            )
        except DriverError:
            view = found.view(self.task)
            if (view.state, view.by, view.note) != (wanted, by, self._note):
                raise
        self._keep(desk)
        done = "partly done" if self.is_partly_done else "refused"
        return Told(message=f"{_job(view)} is {done}")


def _job(view: TaskView) -> str:
    return view.task.partition("@")[0].partition("#")[0]

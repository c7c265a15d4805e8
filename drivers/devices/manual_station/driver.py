"""The manual station: a person as an ordinary instrument.

The device is a board of tasks. Each task bears the key of its job, so that a task that is posted
twice is one task, and the board can always say what has become of it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.manual_station.codec import (
    REPLY_END,
    Reply,
    Request,
    Standing,
    TaskStanding,
    board_from,
    decode,
    encode,
    error_from,
    queue_from,
    task_from,
)
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    LineError,
    NothingDone,
    OutcomeUnknown,
)
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line
from drivers.ticket import Settlement, Verdict

__all__ = ["ManualStation", "ManualStationSettings"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 3.0
LONGEST_INSTRUCTION: Final = 1000
UNANSWERED: Final = frozenset({Standing.OPEN, Standing.TAKEN})
NOT_BEGUN: Final = frozenset({Standing.UNKNOWN, Standing.WITHDRAWN})
_WORDS: Final = ("note", "done_by")
"""Readings that every answer has: what the person noted, and who it was."""

WithinS = Annotated[float, Within(1.0, 7 * 86_400.0)]


def _duration_s(*, within_s: float, instruction: str = "") -> float:
    del instruction  # no word of it says how long it takes
    return within_s


class ManualStationSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a manual station."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    poll_s: float = Field(default=2.0, ge=0.1, le=60.0)
    """How often the board is asked whether a person has answered, in seconds."""


class ManualStation(Instrument):
    """A person who does what a recipe asks, one task at a time.

    Every action puts its instruction on the board and waits for the person's answer, who is asked
    for the numbers that the action's readings name. A lab that wants another number adds an action
    of five lines, with the number's name and unit as its reading.
    """

    model: ClassVar[str] = "Manual station"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "mass_g": Within(-1e6, 1e6),
        "volume_ml": Within(0.0, 1e6),
        "temperature_c": Within(-273.15, 4000.0),
        "longest_wait_s": Within(0.0, 1e9),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: ManualStationSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "ManualStation":
        return cls(name, line, clock, settings_in(ManualStationSettings, name, settings))

    @override
    async def connect(self) -> str:
        return f"{self.model} at an {board_from(await self._ask(Request('hello')))}"

    @override
    async def stop(self) -> None:
        """Stop everybody: withdraw what nobody has taken, ask the others to stop.

        Raises:
            LineError: The board is out of reach.
            OutcomeUnknown: Somebody has taken a task and was asked to stop, which only they can
                confirm; or the board did not answer.
        """
        queue = queue_from(await self._ask(Request("stop"), is_urgent=True))
        if queue.n_taken:
            reason = f"{self.name}: a person is at work and was asked to stop"
            raise OutcomeUnknown(reason, f"{queue.n_taken} tasks are taken and not answered")

    @override
    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        """Ask the board by the job's key; a task that nobody has taken is withdrawn.

        One that is taken is waited for, for as long as it may take.

        Raises:
            DriverError: The board could not be asked.
            OutcomeUnknown: A person has taken the task and has not answered yet.
        """
        declared = self.actions[action_name]
        if declared.recovery is not RecoveryClass.KEYED:
            return await super().settle(action_name, arguments, key=key, notes=notes)
        key = notes[0] if notes else key
        task = task_from(await self._ask(Request("withdraw", key)))
        deadline_s = self.clock.monotonic_s() + declared.duration_s(**arguments)
        while task.standing in UNANSWERED:
            if self.clock.monotonic_s() > deadline_s:
                raise OutcomeUnknown(f"{task.by} has taken task {key} and has not answered")
            await self.clock.sleep(self.settings.poll_s)
            task = task_from(await self._ask(Request("state", key)))
        evidence = f"the board says of task {key}: {_in_words(task)}"
        match task.standing:
            case Standing.DONE:
                readings = self._readings_from(task, declared.readings)
                return Settlement(Verdict.RAN, evidence, readings)
            case Standing.PARTLY:
                return Settlement(Verdict.PARTLY, evidence)
            case _:
                return Settlement(Verdict.DID_NOT_RUN, evidence)

    @action(recovery=RecoveryClass.KEYED, duration_s=_duration_s, readings=_WORDS)
    async def carry_out(self, *, instruction: str, within_s: WithinS) -> tuple[Reading, ...]:
        """Wait for a person to carry out an instruction.

        Args:
            instruction: What to do, in words that need no asking back.
            within_s: How long it should take from its posting, in seconds.

        Raises:
            DeviceFault: The person refuses, or has done it only in part (`acted`).
            NothingDone: The task was withdrawn before anybody took it.
            OutcomeUnknown: The board cannot be asked what became of the task.
        """
        return await self._answered("carry_out", instruction, within_s)

    @action(recovery=RecoveryClass.KEYED, duration_s=_duration_s, readings=("mass_g", *_WORDS))
    async def measure_mass_by_hand(
        self, *, instruction: str, within_s: WithinS
    ) -> tuple[Reading, ...]:
        """Measure a mass by hand.

        Args:
            instruction: What to weigh, and how.
            within_s: How long it should take from its posting, in seconds.

        Raises:
            DriverError: As `carry_out`.
        """
        return await self._answered("measure_mass_by_hand", instruction, within_s)

    @action(recovery=RecoveryClass.KEYED, duration_s=_duration_s, readings=("volume_ml", *_WORDS))
    async def measure_volume_by_hand(
        self, *, instruction: str, within_s: WithinS
    ) -> tuple[Reading, ...]:
        """Measure a volume by hand.

        Args:
            instruction: What to read off, and where.
            within_s: How long it should take from its posting, in seconds.

        Raises:
            DriverError: As `carry_out`.
        """
        return await self._answered("measure_volume_by_hand", instruction, within_s)

    @action(
        recovery=RecoveryClass.KEYED, duration_s=_duration_s, readings=("temperature_c", *_WORDS)
    )
    async def measure_temperature_by_hand(
        self, *, instruction: str, within_s: WithinS
    ) -> tuple[Reading, ...]:
        """Measure a temperature by hand.

        Args:
            instruction: What to read off, and where.
            within_s: How long it should take from its posting, in seconds.

        Raises:
            DriverError: As `carry_out`.
        """
        return await self._answered("measure_temperature_by_hand", instruction, within_s)

    @action(recovery=RecoveryClass.PURE, duration_s=2.0, readings=("longest_wait_s",))
    async def read_longest_wait(self) -> tuple[Reading, ...]:
        """Read for how long the oldest unanswered task has been on the board.

        Raises:
            OutcomeUnknown: The board does not answer.
        """
        queue = queue_from(await self._ask(Request("queue")))
        return (Reading("longest_wait_s", queue.longest_wait_s),)

    async def _answered(
        self, action_name: str, instruction: str, within_s: float
    ) -> tuple[Reading, ...]:
        """Post a task and wait for its answer."""
        if not instruction.strip() or len(instruction) > LONGEST_INSTRUCTION:
            where = f"{self.name}.{action_name}.instruction"
            expected = f"1 to {LONGEST_INSTRUCTION} characters"
            raise LimitError(where, got=f"{len(instruction)} characters", expected=expected)
        readings = self.actions[action_name].readings
        key = self.ticket.key or f"{self.name}-{self.clock.now().isoformat()}"
        asks = tuple(name for name in readings if name not in _WORDS)
        await self.ticket.about_to_act(key)
        try:
            task = await self._looked_up(Request("post", key, instruction, asks, within_s))
            while task.standing in UNANSWERED:
                await self.clock.sleep(self.settings.poll_s)
                task = await self._looked_up(Request("state", key))
        except asyncio.CancelledError:
            await asyncio.shield(self._recall_or_tell(key))
            raise
        return self._readings_of(task, key, readings)

    async def _looked_up(self, request: Request) -> TaskStanding:
        """Post a task or ask for it; after trouble it is withdrawn, unless a person has it.

        Raises:
            DeviceFault: The board refuses, and nobody has taken the task.
            LineError: The line is down, and the task was not posted.
            NothingDone: There was trouble, and nobody has taken the task.
            OutcomeUnknown: There was trouble, and the board cannot be asked again.
        """
        try:
            return task_from(await self._ask(request))
        except DriverError as error:
            if isinstance(error, LineError) and request.do == "post":
                raise
            trouble = error
        try:
            task = task_from(await self._ask(Request("withdraw", request.task), is_urgent=True))
        except DriverError as error:
            reason = f"task {request.task} may be on the board, which cannot be asked: {trouble}"
            raise OutcomeUnknown(reason, str(error)) from trouble
        if task.standing not in NOT_BEGUN:
            return task
        if isinstance(trouble, DeviceFault):
            raise trouble
        reason = f"task {request.task} was withdrawn before anybody took it: {trouble}"
        raise NothingDone(reason) from trouble

    def _readings_of(
        self, task: TaskStanding, key: str, names: Sequence[str]
    ) -> tuple[Reading, ...]:
        match task.standing:
            case Standing.DONE:
                return self._readings_from(task, names)
            case Standing.WITHDRAWN:
                raise NothingDone(f"task {key} was withdrawn before anybody took it")
            case Standing.REFUSED | Standing.PARTLY:
                raise DeviceFault(
                    self.name,
                    code=task.standing,
                    text=_in_words(task),
                    acted=task.standing is Standing.PARTLY,
                )
            case _:
                raise OutcomeUnknown(f"task {key} has vanished from the board")

    def _readings_from(self, task: TaskStanding, names: Sequence[str]) -> tuple[Reading, ...]:
        numbers = [name for name in names if name not in _WORDS]
        if set(task.readings) != set(numbers):
            reason = f"{self.name}: the answer has {sorted(task.readings)}, expected {numbers}"
            raise OutcomeUnknown(reason, _in_words(task))
        given = (Reading(name, task.readings[name]) for name in numbers)
        return (*given, Reading("note", task.note), Reading("done_by", task.by))

    async def _recall_or_tell(self, key: str) -> None:
        try:
            task = task_from(await self._ask(Request("recall", key), is_urgent=True))
        except DriverError:
            logger.exception("%s: task %s could not be recalled", self.name, key)
            return
        if task.standing is Standing.TAKEN:
            logger.warning("%s: %s was asked to stop with task %s", self.name, task.by, key)

    async def _ask(self, request: Request, *, is_urgent: bool = False) -> Reply:
        """Send a request and return the reply that repeats it; others are old."""
        frame = await self._conversation.ask(
            encode(request),
            timeout_s=REPLY_TIMEOUT_S,
            is_reply=lambda frame: _answers(decode(frame), request),
            is_urgent=is_urgent,
        )
        reply = decode(frame)
        if error := error_from(reply):
            raise DeviceFault(self.name, code="board", text=error)
        return reply


def _answers(reply: Reply, request: Request) -> bool:
    is_nameless = not reply.is_ok and not reply.do
    return is_nameless or (reply.do, reply.task) == (request.do, request.task)


def _in_words(task: TaskStanding) -> str:
    told = ", told to stop" if task.is_recalled else ""
    words = f"{task.standing}{f' by {task.by}' if task.by else ''}{told}"
    return f"{words}: {task.note}" if task.note else words

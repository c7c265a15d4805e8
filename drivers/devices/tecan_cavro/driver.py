"""A Tecan Cavro pump: draws through one port of its valve, delivers through another."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, ClassVar, Final

from typing_extensions import override

from drivers.acting import acting, having_acted
from drivers.clock import Clock
from drivers.devices.tecan_cavro import codec
from drivers.devices.tecan_cavro.codec import Reply, Request
from drivers.devices.tecan_cavro.settings import TecanCavroSettings
from drivers.devices.tecan_cavro.strokes import Stroke, noted, strokes_of
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    LineError,
    NothingDone,
    OutcomeUnknown,
    ProtocolError,
)
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line
from drivers.ticket import Settlement, Verdict

__all__ = ["TecanCavro"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 1.0
POLL_S: Final = 0.3
HOMING_S: Final = 12.0
VALVE_S: Final = 1.0
SLACK_S: Final = 5.0
MOST_STROKES: Final = 50
PULSES: Final = 6000
PULSES_PER_S: Final = (5, 6000)
VolumeUl = Annotated[float, Within(0.1, 50_000.0)]
RateUlPerMin = Annotated[float, Within(1.0, 1_000_000.0)]


def _duration_s(*, volume_ul: float, rate_ul_per_min: float) -> float:
    return 60.0 * volume_ul / rate_ul_per_min + VALVE_S + 3.0


def _duration_of_transfer_s(*, volume_ul: float, rate_ul_per_min: float) -> float:
    return 120.0 * volume_ul / rate_ul_per_min + 2.0 * VALVE_S + 5.0


class TecanCavro(Instrument):
    """One pump; `stop` and `make_safe` terminate what it does, and see that it rests.

    References:
        Cavro XCalibur and XLP 6000 operating manuals, DT protocol; see card.toml for what was read.
    """

    model: ClassVar[str] = "Tecan Cavro pump"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "plunger_volume_ul": Within(0.0, 50_000.0),
        "volume_moved_ul": Within(0.0, 2.5e6),
    }

    def __init__(self, name: str, line: Line, clock: Clock, settings: TecanCavroSettings) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "TecanCavro":
        return cls(name, line, clock, settings_in(TecanCavroSettings, name, settings))

    @override
    async def connect(self) -> str:
        version = codec.words_from(await self._ask("?23"))
        await self.stop()
        return f"{self.model}, address {self.settings.address}, firmware {version}"

    @override
    async def stop(self) -> None:
        """Terminate what it does, now, and see that it rests.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: It is not proved to be at rest.
        """
        evidence: list[str] = []
        for _ in range(6):
            try:
                await self._ask("TR", is_urgent=True, may_fail=True)
                if (await self._ask("Q", is_urgent=True, may_fail=True)).is_ready:
                    return
                evidence.append("it still moves")
            except (OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
            await self.clock.sleep(POLL_S)
        raise OutcomeUnknown(f"{self.name} may still move", "; ".join(evidence[-3:]))

    @action(recovery=RecoveryClass.PURE, duration_s=1.0, readings=("plunger_volume_ul",))
    async def measure_plunger_volume(self) -> tuple[Reading, ...]:
        """Measure how much the syringe holds, by the position of its plunger.

        Raises:
            DeviceFault: The pump is not initialized.
            OutcomeUnknown: It does not answer.
        """
        return (Reading("plunger_volume_ul", self._in_ul(await self._position())),)

    @action(
        recovery=RecoveryClass.IDEMPOTENT,
        duration_s=HOMING_S,
        readings=("plunger_volume_ul",),
    )
    async def start_afresh(self) -> tuple[Reading, ...]:
        """Start the pump afresh: the plunger goes home, what it holds goes to the target port.

        Raises:
            DeviceFault: It reports an error.
            OutcomeUnknown: It does not answer.
        """
        await self._ask("Q", may_fail=True)
        await self.ticket.about_to_act("home")
        await self._or_stop(self._go_home())
        return (Reading("plunger_volume_ul", 0.0),)

    @action(recovery=RecoveryClass.QUERYABLE, duration_s=_duration_s, readings=("volume_moved_ul",))
    async def withdraw(
        self, *, volume_ul: VolumeUl, rate_ul_per_min: RateUlPerMin
    ) -> tuple[Reading, ...]:
        """Move liquid from the source port into the syringe, in one stroke.

        Args:
            volume_ul: In microlitres; it must fit into what is left of the syringe.
            rate_ul_per_min: In microlitres a minute.

        Raises:
            LimitError: It does not fit, or the rate is beyond the pump's.
            NothingDone: The pump could not be prepared; nothing moved.
            DeviceFault: The pump is not initialized, or reports an error.
            OutcomeUnknown: An answer is missing; the pump has been told to stop.
        """
        return await self._one_stroke("withdraw", volume_ul, rate_ul_per_min)

    @action(recovery=RecoveryClass.QUERYABLE, duration_s=_duration_s, readings=("volume_moved_ul",))
    async def dispense(
        self, *, volume_ul: VolumeUl, rate_ul_per_min: RateUlPerMin
    ) -> tuple[Reading, ...]:
        """Dispense liquid from the syringe through the target port, in one stroke.

        Args:
            volume_ul: In microlitres; at most what the syringe holds.
            rate_ul_per_min: In microlitres a minute.

        Raises:
            LimitError: The syringe does not hold as much, or the rate is beyond the pump's.
            NothingDone, DeviceFault, OutcomeUnknown: As `withdraw`.
        """
        return await self._one_stroke("dispense", volume_ul, rate_ul_per_min)

    @action(
        recovery=RecoveryClass.QUERYABLE,
        duration_s=_duration_of_transfer_s,
        readings=("volume_moved_ul",),
    )
    async def transfer(
        self, *, volume_ul: VolumeUl, rate_ul_per_min: RateUlPerMin
    ) -> tuple[Reading, ...]:
        """Move liquid from the source port to the target port, in as many strokes as it takes.

        Args:
            volume_ul: In microlitres.
            rate_ul_per_min: Of each stroke, in microlitres a minute.

        Raises:
            LimitError: The rate is beyond the pump's, or it takes too many strokes.
            DeviceFault: The syringe is not empty, and as `withdraw`.
            NothingDone, OutcomeUnknown: As `withdraw`.
        """
        begin = await self._prepared("transfer", rate_ul_per_min)
        if begin:
            text = f"the syringe holds {self._in_ul(begin):g} ul, expected it to be empty"
            raise DeviceFault(self.name, code="not empty", text=text)
        steps = self._steps("transfer", volume_ul)
        await self._or_stop(
            self._strokes(strokes_of(steps, self.settings.n_steps), rate_ul_per_min)
        )
        return (Reading("volume_moved_ul", self._in_ul(steps)),)

    @override
    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        """Ask where the plunger stands, and compare it with the last stroke that was noted."""
        stroke = noted(notes[-1]) if notes else None
        if self.actions[action_name].recovery is not RecoveryClass.QUERYABLE or stroke is None:
            return await super().settle(action_name, arguments, key=key, notes=notes)
        reply = await self._ask("Q", may_fail=True)
        if reply.error == codec.NOT_INITIALIZED:
            told = f"{notes[-1]}; the pump has been switched off since, its plunger may be anywhere"
            return Settlement(Verdict.CANNOT_TELL, told)
        position = await self._position()
        begin, end = stroke.begin, stroke.end
        evidence = f"stroke {notes[-1]} steps; the plunger is at {position}"
        if position == end and stroke.is_last:
            steps = self._steps(action_name, float(str(arguments["volume_ul"])))
            moved = Reading("volume_moved_ul", self._in_ul(steps))
            return Settlement(Verdict.RAN, evidence, (moved,))
        if position == begin and stroke.is_first:
            return Settlement(Verdict.DID_NOT_RUN, evidence)
        if min(begin, end) <= position <= max(begin, end):
            return Settlement(Verdict.PARTLY, evidence)
        return Settlement(Verdict.CANNOT_TELL, evidence)

    async def _go_home(self) -> None:
        await self._ask("ZR", may_fail=True)
        with having_acted(self.name):
            await self._rest(2.0 * HOMING_S)
            await self._verify_position(0)

    async def _one_stroke(
        self, name: str, volume_ul: float, rate_ul_per_min: float
    ) -> tuple[Reading, ...]:
        begin, is_in = await self._prepared(name, rate_ul_per_min), name == "withdraw"
        steps = self._steps(name, volume_ul)
        room = self.settings.n_steps - begin if is_in else begin
        if steps > room:
            where, fits = f"{self.name}.{name}.volume_ul", f"at most {self._in_ul(room):g} now"
            raise LimitError(where, got=volume_ul, expected=fits)
        end = begin + steps if is_in else begin - steps
        stroke = Stroke(is_in, begin, end, is_first=True, is_last=True)
        await self._or_stop(self._strokes([stroke], rate_ul_per_min))
        return (Reading("volume_moved_ul", self._in_ul(steps)),)

    async def _strokes(self, strokes: Sequence[Stroke], rate_ul_per_min: float) -> None:
        for stroke in strokes:
            await self.ticket.about_to_act(stroke.note)
            port = self.settings.source_port if stroke.is_in else self.settings.target_port
            n_steps = abs(stroke.end - stroke.begin)
            moving_s = 60.0 * self._in_ul(n_steps) / rate_ul_per_min
            with nullcontext() if stroke.is_first else having_acted(self.name):
                await self._turn_valve(port)
                await self._begin(stroke)
            with having_acted(self.name):
                await self._rest(moving_s + SLACK_S)
                await self._verify_position(stroke.end)

    async def _begin(self, stroke: Stroke) -> None:
        try:
            with acting(self.name):
                await self._ask(f"A{stroke.end}R")
        except LineError as error:
            raise NothingDone(f"{self.name} was not told to move: {error}") from error
        except DeviceFault as error:
            with having_acted(self.name):
                has_moved = await self._has_moved(stroke.begin)
            text = f"{error.text}; {'it moved all the same' if has_moved else 'it did not move'}"
            acted = error.acted or has_moved
            raise DeviceFault(self.name, code=error.code, text=text, acted=acted) from error

    async def _has_moved(self, begin: int) -> bool:
        """Look whether a refusal is one: a damaged digit can look like it."""
        status = await self._ask("Q", may_fail=True)
        if status.error == codec.NOT_INITIALIZED:
            return False
        if not status.is_ready:
            return True
        return codec.number_from(await self._ask("?", may_fail=True)) != begin

    async def _turn_valve(self, port: str) -> None:
        """Turn the valve and see that it stands there, before anything is moved through it."""
        try:
            await self._ask(f"{port}R")
            await self._rest(VALVE_S + SLACK_S)
            valve = codec.valve_from(await self._ask("?6"))
        except (LineError, OutcomeUnknown, ProtocolError) as error:
            await self.clock.sleep(VALVE_S)  # by then it stands
            raise NothingDone(f"{self.name} turned its valve at most: {error}") from error
        if valve not in {port, port[1:]}:
            text = f"the valve stands at {valve}, expected {port}"
            raise DeviceFault(self.name, code="valve", text=text)

    async def _verify_position(self, expected: int) -> None:
        if (position := await self._position()) != expected:
            text = f"the plunger is at {position} steps, expected {expected}"
            raise DeviceFault(self.name, code="position", text=text)

    async def _rest(self, within_s: float) -> None:
        """Wait until the pump takes the next order.

        Raises:
            DeviceFault: It reports an error, or moves too long.
        """
        deadline_s = self.clock.monotonic_s() + within_s
        while not (await self._ask("Q")).is_ready:
            if self.clock.monotonic_s() > deadline_s:
                text = f"it still moves after {within_s:.0f} s"
                raise DeviceFault(self.name, code="late", text=text)
            await self.clock.sleep(POLL_S)

    async def _prepared(self, action_name: str, rate_ul_per_min: float) -> int:
        """Set the speed, read it back, and return where the plunger stands; nothing moves."""
        pulse_ul, (slowest, quickest) = self.settings.syringe_volume_ul / PULSES, PULSES_PER_S
        speed = round(rate_ul_per_min / 60.0 / pulse_ul)
        if not slowest <= speed <= quickest:
            low, high = (60.0 * pulse_ul * each for each in PULSES_PER_S)
            where, expected = f"{self.name}.{action_name}.rate_ul_per_min", f"{low:g} to {high:g}"
            raise LimitError(where, got=rate_ul_per_min, expected=expected)
        try:
            await self._ask(f"N0V{speed}R")
            got = codec.number_from(await self._ask("?2"))
            position = await self._position()
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been told to move when this happened: {error}"
            raise NothingDone(reason) from error
        if got != speed:
            text = f"the speed reads back {got} pulses a second, expected {speed}"
            raise DeviceFault(self.name, code="speed", text=text)
        return position

    def _steps(self, action_name: str, volume_ul: float) -> int:
        steps = round(volume_ul / self._in_ul(1))
        if not 1 <= steps <= MOST_STROKES * self.settings.n_steps:
            where, most = f"{self.name}.{action_name}.volume_ul", MOST_STROKES
            expected = f"{self._in_ul(1):g} to {most * self.settings.syringe_volume_ul:g}"
            raise LimitError(where, got=volume_ul, expected=expected)
        return steps

    def _in_ul(self, n_steps: int) -> float:
        return n_steps * self.settings.syringe_volume_ul / self.settings.n_steps

    async def _position(self) -> int:
        status = await self._ask("Q")
        if not status.is_ready:
            raise DeviceFault(self.name, code="busy", text="it moves")
        return codec.number_from(await self._ask("?"))

    async def _or_stop(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            await asyncio.shield(self._stopped_or_told())
            raise
        except NothingDone:
            raise
        except DriverError as error:
            evidence = await asyncio.shield(self._stopped_or_told())
            if isinstance(error, DeviceFault):
                text = f"{error.text}; {evidence}"
                raise DeviceFault(
                    self.name, code=error.code, text=text, acted=error.acted
                ) from error
            raise OutcomeUnknown(f"{self.name} was told to move; {error}", evidence) from error

    async def _stopped_or_told(self) -> str:
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: it is not proved to be at rest", self.name)
            return f"then stopping it was tried, and it is not proved to rest: {error}"
        return "then it was stopped"

    async def _ask(
        self,
        commands: str,
        *,
        is_urgent: bool = False,
        may_fail: bool = False,
    ) -> Reply:
        """Send one request and return its answer.

        Raises:
            DeviceFault: The pump reports an error, unless `may_fail`.
        """
        request = Request(self.settings.address, commands)
        frame = await self._conversation.ask(
            codec.encode(request), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        reply = codec.decode(frame)
        if reply.error and not may_fail:
            text = codec.ERRORS.get(reply.error, "unknown error")
            acted = commands[0] == "A" and reply.error not in codec.REFUSALS
            raise DeviceFault(self.name, code=str(reply.error), text=text, acted=acted)
        return reply

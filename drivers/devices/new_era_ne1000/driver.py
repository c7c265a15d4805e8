"""The New Era NE-1000 syringe pump: it counts what it moves, and is asked after each action."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.new_era_ne1000 import codec
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    LineError,
    NothingDone,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line
from drivers.ticket import Settlement

__all__ = ["NewEraNe1000", "NewEraNe1000Settings"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 2.0
MAX_SPEED_MM_PER_MIN: Final = 51.0

VolumeUl = Annotated[float, Within(1.0, codec.MAX_VOLUME_UL)]
RateUlPerMin = Annotated[float, Within(0.1, 99_000.0)]


class NewEraNe1000Settings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a pump."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    address: int = Field(ge=0, le=99)
    """The pump's number on its line, set on its keypad."""
    syringe_diameter_mm: float = Field(ge=0.1, le=50.0)
    """Inside diameter of the syringe."""
    syringe_volume_ml: float = Field(gt=0.001, le=150.0)
    """What the syringe may hold; a larger volume is moved in several strokes."""


def _duration_of_stroke_s(*, volume_ul: float, rate_ul_per_min: float) -> float:
    return 60.0 * volume_ul / rate_ul_per_min + 4.0


def _duration_of_transfer_s(*, volume_ul: float, rate_ul_per_min: float) -> float:
    return 120.0 * volume_ul / rate_ul_per_min + 4.0 + 4.0 * math.ceil(volume_ul / 1000.0)


class NewEraNe1000(Instrument):
    """One NE-1000 with a syringe and, for `transfer`, two check valves.

    References: NE-1000 user manual, publication 1200-01 (2014), pages 33-35; see card.toml.
    """

    model: ClassVar[str] = "New Era NE-1000"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "dispensed_volume_ul": Within(0.0, 1e7),
        "withdrawn_volume_ul": Within(0.0, 1e7),
    }

    def __init__(self, name: str, line: Line, clock: Clock, settings: NewEraNe1000Settings) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.REPLY_END)
        self._is_programmed = False

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "NewEraNe1000":
        return cls(name, line, clock, settings_in(NewEraNe1000Settings, name, settings))

    @override
    async def connect(self) -> str:
        if (await self._exchange("")).alarm not in {"", "R"}:
            logger.warning("%s: an alarm from before the connection was acknowledged", self.name)
        model = await self._ask("VER")
        if not model.text.startswith("NE1000V"):
            raise RigError(f"instruments.{self.name}", got=model.text, expected="NE1000V…")
        await self.stop()
        diameter = codec.text_from_number(self.settings.syringe_diameter_mm)
        if codec.number_from_text((await self._ask("DIA")).text) != float(diameter):
            await self._set("DIA", diameter)
            self._verify("DIA", codec.number_from_text((await self._ask("DIA")).text), diameter)
        self._is_programmed = (await self._ask("PHN")).text != codec.WITNESS_PHASE
        if self._is_programmed:  # else what the witness says may still be asked for
            await self._program()
        if codec.volume_from(await self._ask("VOL"))[1] != "UL":
            await self._set("VOL", "UL")
            self._verify("VOL", codec.volume_from(await self._ask("VOL"))[1], "UL")
        return f"{self.model} {model.text} address {self.settings.address}"

    @override
    async def stop(self) -> None:
        """Stop the pump, now; at rest it only says that there is nothing to stop.

        The first STP pauses a running program, the second ends it, and the refusal of the next
        proves that the pump rests: that answer cannot be an old one of another request.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: The pump did not confirm that it rests.
        """
        evidence: list[str] = []
        for _ in range(6):
            try:
                reply = await self._exchange("STP", is_urgent=True)
            except (OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
                if len(evidence) > 2:
                    break
                continue
            if reply.error == "NA" and reply.status not in codec.MOVING:
                return
        raise OutcomeUnknown(f"{self.name} may still be moving", "; ".join(evidence))

    @action(
        recovery=RecoveryClass.QUERYABLE,
        duration_s=_duration_of_stroke_s,
        readings=("dispensed_volume_ul",),
    )
    async def dispense(
        self, *, volume_ul: VolumeUl, rate_ul_per_min: RateUlPerMin
    ) -> tuple[Reading, ...]:
        """Dispense a volume from the syringe.

        Args:
            volume_ul: In microlitres, at most the syringe's volume; four digits count.
            rate_ul_per_min: In microlitres a minute, within what the syringe's diameter allows.

        Raises:
            LimitError: More than the syringe holds, or faster than its plunger may go.
            DeviceFault: The pump refuses, stalls, or counted another volume.
            NothingDone: A setting was not confirmed; the pump was not told to move.
            OutcomeUnknown: An answer is missing; the pump has been told to stop.
        """
        self._check("dispense", volume_ul, rate_ul_per_min, is_one_stroke=True)
        counted = await self._move((("INF", volume_ul),), rate_ul_per_min)
        return (Reading("dispensed_volume_ul", counted.infused_ul),)

    @action(
        recovery=RecoveryClass.QUERYABLE,
        duration_s=_duration_of_stroke_s,
        readings=("withdrawn_volume_ul",),
    )
    async def withdraw(
        self, *, volume_ul: VolumeUl, rate_ul_per_min: RateUlPerMin
    ) -> tuple[Reading, ...]:
        """Move a volume into the syringe.

        Args:
            volume_ul: In microlitres, at most the syringe's volume; four digits count.
            rate_ul_per_min: In microlitres a minute, within what the syringe's diameter allows.

        Raises:
            LimitError: More than the syringe holds, or faster than its plunger may go.
            DeviceFault: The pump refuses, stalls, or counted another volume.
            NothingDone: A setting was not confirmed; the pump was not told to move.
            OutcomeUnknown: An answer is missing; the pump has been told to stop.
        """
        self._check("withdraw", volume_ul, rate_ul_per_min, is_one_stroke=True)
        counted = await self._move((("WDR", volume_ul),), rate_ul_per_min)
        return (Reading("withdrawn_volume_ul", counted.withdrawn_ul),)

    @action(
        recovery=RecoveryClass.QUERYABLE,
        duration_s=_duration_of_transfer_s,
        readings=("dispensed_volume_ul", "withdrawn_volume_ul"),
    )
    async def transfer(
        self, *, volume_ul: VolumeUl, rate_ul_per_min: RateUlPerMin
    ) -> tuple[Reading, ...]:
        """Move a volume through the pump: draw it from one side, push it out at the other.

        Check valves make the two ways. More than a syringe is moved in several equal strokes.

        Args:
            volume_ul: In microlitres, at most what the counters can say.
            rate_ul_per_min: In microlitres a minute, for both ways.

        Raises:
            LimitError: Faster than the plunger may go.
            DeviceFault: The pump refuses, stalls, or counted another volume.
            NothingDone: A setting was not confirmed; the pump was not told to move.
            OutcomeUnknown: An answer is missing; the pump has been told to stop.
        """
        self._check("transfer", volume_ul, rate_ul_per_min, is_one_stroke=False)
        n_strokes = math.ceil(volume_ul / (1000.0 * self.settings.syringe_volume_ml))
        stroke_ul = volume_ul / n_strokes
        strokes = (("WDR", stroke_ul), ("INF", stroke_ul)) * n_strokes
        counted = await self._move(strokes, rate_ul_per_min)
        return (
            Reading("dispensed_volume_ul", counted.infused_ul),
            Reading("withdrawn_volume_ul", counted.withdrawn_ul),
        )

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=1.0,
        readings=("dispensed_volume_ul", "withdrawn_volume_ul"),
    )
    async def measure_volumes_dispensed(self) -> tuple[Reading, ...]:
        """Read what the pump counted in its latest action.

        Raises:
            OutcomeUnknown: The pump does not answer.
        """
        counted = codec.volumes_dispensed_from(await self._ask("DIS"))
        return (
            Reading("dispensed_volume_ul", counted.infused_ul),
            Reading("withdrawn_volume_ul", counted.withdrawn_ul),
        )

    def _check(self, name: str, volume_ul: float, rate: float, *, is_one_stroke: bool) -> None:
        syringe_ul, where = 1000.0 * self.settings.syringe_volume_ml, f"{self.name}.{name}"
        if is_one_stroke and volume_ul > syringe_ul:
            expected = f"at most {syringe_ul:g} ul"
            raise LimitError(f"{where}.volume_ul", got=volume_ul, expected=expected)
        area_mm2 = math.pi * self.settings.syringe_diameter_mm**2 / 4
        highest = min(MAX_SPEED_MM_PER_MIN * area_mm2, 1000 * codec.MAX_VOLUME_UL)
        if rate > highest:
            expected = f"at most {highest:.0f} ul/min"
            raise LimitError(f"{where}.rate_ul_per_min", got=rate, expected=expected)

    @override
    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        if self.actions[action_name].recovery is not RecoveryClass.QUERYABLE:
            return await super().settle(action_name, arguments, key=key, notes=notes)
        asked = codec.asked_from_note(notes[-1] if notes else "")
        if (await self._exchange("")).status in codec.MOVING | {"P"}:
            await self.stop()
        counted = codec.volumes_dispensed_from(await self._ask("DIS"))
        is_witnessed = (await self._ask("PHN")).text == codec.WITNESS_PHASE
        return codec.settlement_from(action_name, asked, counted, is_witnessed=is_witnessed)

    async def _move(
        self, strokes: tuple[tuple[str, float], ...], rate_ul_per_min: float
    ) -> codec.VolumesDispensed:
        """Run strokes one after the other; whatever goes wrong after the first has begun stops it.

        Raises:
            DeviceFault: With `acted` true once a stroke has begun.
            NothingDone: A setting was not confirmed before the first stroke.
            OutcomeUnknown: Anything else that goes wrong once a stroke has begun.
        """
        asked = codec.asked_of(strokes)
        has_begun, begun_s = False, 0.0
        try:
            if not self._is_programmed:
                await self._program()
            await self._clear_counters()
            for direction, volume_ul in strokes:
                await self._select("01")
                await self._prepare(direction, volume_ul, rate_ul_per_min)
                if not has_begun:
                    await self._select(codec.WITNESS_PHASE)
                    await self.ticket.about_to_act(codec.note_from_asked(asked))
                    begun_s = self.clock.monotonic_s()
                had_begun, has_begun = has_begun, True
                try:
                    await self._start(direction)
                except (DeviceFault, LineError):
                    has_begun = had_begun
                    raise
                await self._wait(60.0 * volume_ul / rate_ul_per_min)
            counted = codec.volumes_dispensed_from(await self._ask("DIS"))
            if text := codec.deviation(counted, asked):
                raise DeviceFault(self.name, code="DIS", text=text, acted=True)
        except asyncio.CancelledError:
            if has_begun:
                await asyncio.shield(self._stop_or_tell())
            raise
        except DriverError as error:
            if has_begun:
                raise await self._stopped_after(error, begun_s) from error
            if isinstance(error, OutcomeUnknown | ProtocolError):
                raise NothingDone(f"{self.name} had not been told to move: {error}") from error
            raise
        return counted

    async def _stopped_after(self, error: DriverError, begun_s: float) -> DriverError:
        """Stop the pump, whose strokes began at `begun_s`; return what happened, in order."""
        moved_s = self.clock.monotonic_s() - begun_s
        evidence = await asyncio.shield(self._stop_or_tell())
        if isinstance(error, DeviceFault):
            return DeviceFault(error.device, code=error.code, text=error.text, acted=True)
        reason = f"{self.name} was told to move; {moved_s:.1f} s later it was cut off: {error}"
        return OutcomeUnknown(reason, evidence)

    async def _program(self) -> None:
        """Make a program of one phase that pumps at a rate; moves nothing, clears no counter."""
        for phase, function in (("02", "STP"), ("01", "RAT")):
            await self._select(phase)
            await self._set("FUN", function)
            self._verify("FUN", (await self._ask("FUN")).text, function)
        self._is_programmed = True

    async def _clear_counters(self) -> None:
        await self._set("CLD", "INF")
        await self._set("CLD", "WDR")
        counted = codec.volumes_dispensed_from(await self._ask("DIS"))
        self._verify("DIS", (counted.infused_ul, counted.withdrawn_ul), (0.0, 0.0))

    async def _select(self, phase: str) -> None:
        await self._set("PHN", phase.lstrip("0"))
        self._verify("PHN", (await self._ask("PHN")).text, phase)

    async def _prepare(self, direction: str, volume_ul: float, rate_ul_per_min: float) -> None:
        await self._set("DIR", direction)
        self._verify("DIR", (await self._ask("DIR")).text, direction)
        volume = codec.text_from_number(volume_ul)
        await self._set("VOL", volume)
        self._verify("VOL", codec.volume_from(await self._ask("VOL")), (float(volume), "UL"))
        rate, expected = codec.rate_texts(rate_ul_per_min)
        await self._set("RAT", rate)
        self._verify("RAT", codec.rate_from(await self._ask("RAT")), expected)

    async def _start(self, direction: str) -> None:
        if (status := (await self._ask("RUN")).status) != {"INF": "I", "WDR": "W"}[direction]:
            raise ProtocolError(f"{self.name}: not the answer to RUN {direction}", status.encode())

    async def _wait(self, duration_s: float) -> None:
        """Wait until a stroke of that many seconds is done.

        Raises:
            DeviceFault: The pump stalled, was paused, or still moves after its time.
        """
        now_s = self.clock.monotonic_s
        begun_s = now_s()
        deadline_s = begun_s + duration_s * 1.05 + 5.0
        poll_s = min(max(duration_s / 10, 0.5), 5.0)
        while True:
            left_s = begun_s + duration_s + 0.05 - now_s()
            await self.clock.sleep(min(poll_s, left_s) if left_s > 0 else 0.5)
            status = (await self._ask("")).status
            if status == "S":
                return
            if status not in codec.MOVING or now_s() > deadline_s:
                is_late = status in codec.MOVING
                text = "still moving after its time" if is_late else "somebody else paused the pump"
                raise DeviceFault(self.name, code=status, text=text)

    async def _stop_or_tell(self) -> str:
        """Stop, and say in words how that went."""
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: the stop is not confirmed", self.name)
            return f"then a stop was tried, which is not confirmed: {error}"
        return "then it was stopped; its counters tell what it moved"

    def _verify(self, command: str, got: object, expected: object) -> None:
        if isinstance(expected, str) and isinstance(got, float):
            expected = float(expected)
        is_same = got == expected
        if isinstance(got, float) and isinstance(expected, float):
            is_same = math.isclose(got, expected, rel_tol=1e-6)
        if not is_same:
            text = f"{command} reads back {got!r}, expected {expected!r}"
            raise DeviceFault(self.name, code=command, text=text)

    async def _set(self, command: str, argument: str) -> None:
        reply = await self._ask(command, argument)
        if reply.text:
            raise ProtocolError(f"{self.name}: data in answer to {command}", reply.text.encode())

    async def _ask(self, command: str, argument: str = "") -> codec.Reply:
        reply = await self._exchange(command, argument)
        code = f"A?{reply.alarm}" if reply.alarm else f"?{reply.error.lstrip('?')}"
        if reply.alarm or reply.error:
            raise DeviceFault(self.name, code=code, text=codec.FAULTS[code])
        return reply

    async def _exchange(
        self, command: str, argument: str = "", *, is_urgent: bool = False
    ) -> codec.Reply:
        """Send one request and return the answer of this pump; others' frames are skipped."""
        address = self.settings.address
        frame = await self._conversation.ask(
            codec.encode(codec.Request(address, command, argument)),
            timeout_s=REPLY_TIMEOUT_S,
            is_reply=lambda frame: codec.decode(frame).address == address,
            is_urgent=is_urgent,
        )
        return codec.decode(frame)

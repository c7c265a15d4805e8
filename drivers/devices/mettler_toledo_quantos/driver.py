"""A Mettler Toledo Quantos: doses powder onto its balance, which is the witness of every dose."""

import asyncio
import logging
import re
from collections.abc import Coroutine, Mapping, Sequence
from typing import Annotated, ClassVar, Final

from typing_extensions import override

from drivers.acting import acting, having_acted
from drivers.clock import Clock
from drivers.devices.mettler_toledo_quantos import codec
from drivers.devices.mettler_toledo_quantos.codec import Reply, Request
from drivers.devices.mettler_toledo_quantos.settings import MettlerToledoQuantosSettings
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
from drivers.sics import GENERAL_FAULTS, STATUS_FAULTS
from drivers.ticket import Settlement, Verdict

__all__ = ["MettlerToledoQuantos"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 3.0
DOOR_S: Final = 15.0
MOVING_S: Final = 5.0
PREPARING_S: Final = 20.0
STOPPING_TURNS: Final = 6
FORESIGHT: Final = 2.0
"""Beyond so many times the target the balance was touched by somebody else."""
TargetMg = Annotated[float, Within(0.1, 250_000.0)]
ToleranceFraction = Annotated[float, Within(0.001, 0.4)]
WithinS = Annotated[float, Within(10.0, 3600.0)]
_NOTE: Final = re.compile(r"tared; (?P<target>[\d.e+-]+) mg within (?P<tolerance>[\d.e+-]+) of it")


def _duration_s(*, target_mg: float, tolerance_fraction: float, within_s: float) -> float:
    del target_mg, tolerance_fraction
    return within_s + PREPARING_S


class MettlerToledoQuantos(Instrument):
    """One dosing module; `stop` ends the dosing, and a stable weight proves that it has ended.

    References:
        MT-SICS with the commands QRA and QRD; see card.toml for where they were read.
    """

    model: ClassVar[str] = "Mettler Toledo Quantos"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "mass_dosed_mg": Within(-1000.0, 500_000.0),
        "dosages_left_counts": Within(0.0, 1e6),
        "tare_g": Within(-65_000.0, 65_000.0),
        "mass_g": Within(-65_000.0, 65_000.0),
        "quantity_left_mg": Within(0.0, 1e6),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: MettlerToledoQuantosSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(line, clock, reply_end=codec.REPLY_END)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "MettlerToledoQuantos":
        return cls(name, line, clock, settings_in(MettlerToledoQuantosSettings, name, settings))

    @override
    async def connect(self) -> str:
        data = codec.identity_from(await self._ask("I2"))
        serial_number = codec.identity_from(await self._ask("I4"))
        door = codec.door_from(await self._ask("QRD 2 3 7"))
        if door == "8":
            expected = "a dosing module whose front door is there"
            raise RigError(f"instruments.{self.name}", got=codec.DOORS[door], expected=expected)
        await self.stop()
        return f"{self.model} on {data}, serial number {serial_number}"

    @override
    async def stop(self) -> None:
        """End the dosing, now, and see that the weight is stable.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: It is not proved that nothing falls any more.
        """
        evidence: list[str] = []
        for _ in range(STOPPING_TURNS):
            try:
                await self._ask("QRA 61", "4", is_urgent=True)
            except DeviceFault as error:
                evidence.append(str(error))  # nothing is dosed, or so it says: the weight proves it
            except (OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
            try:
                weight = codec.weight_from(await self._weighed(is_urgent=True))
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
                continue
            if weight.is_stable:
                return
        raise OutcomeUnknown(f"{self.name} may still dose", "; ".join(evidence[-3:]))

    @action(recovery=RecoveryClass.PURE, duration_s=6.0, readings=("mass_g",))
    async def measure_mass(self) -> tuple[Reading, ...]:
        """Measure the net mass on the pan, once it is stable.

        Raises:
            DeviceFault: Overload, underload, or no stable weight in the balance's own time.
            OutcomeUnknown: The balance does not answer.
        """
        return (Reading("mass_g", await self._net_g()),)

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=6.0, readings=("tare_g",))
    async def tare(self) -> tuple[Reading, ...]:
        """Set the present load as tare, once it is stable, and read the tare memory back.

        Raises:
            DeviceFault: Overload, underload, no stable weight, or the read-back differs.
            OutcomeUnknown: The balance does not answer.
        """
        await self.ticket.about_to_act("tare")
        with acting(self.name):
            tared = await self._ask("T", timeout_s=self.settings.stability_timeout_s)
        with having_acted(self.name):
            tared_g = codec.weight_from(tared).mass_g
            memory_g = codec.weight_from(await self._ask("TA")).mass_g
        if tared_g != memory_g:
            text = f"the tare memory holds {memory_g:g} g, expected {tared_g:g} g"
            raise DeviceFault(self.name, code="TA", text=text, acted=True)
        return (Reading("tare_g", memory_g),)

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=2.0,
        readings=("substance", "dosages_left_counts", "quantity_left_mg"),
    )
    async def read_dosing_head(self) -> tuple[Reading, ...]:
        """Read what the dosing head holds, and for how many dosages it may still be used.

        Raises:
            DeviceFault: No head is mounted.
            ProtocolError: It does not say so much.
            OutcomeUnknown: It does not answer.
        """
        head = await self._head()
        return (
            Reading("substance", head["Substance"][1]),
            Reading("dosages_left_counts", codec.number_in(head, "Rem._dosages", "")),
            Reading("quantity_left_mg", codec.number_in(head, "Rem._quantity", "mg")),
        )

    @action(recovery=RecoveryClass.IDEMPOTENT, duration_s=MOVING_S, readings=("door_state",))
    async def set_front_door(self, *, state: str) -> tuple[Reading, ...]:
        """Set the front door open or closed, and read back where it stands.

        Args:
            state: ``open`` or ``closed``.

        Raises:
            LimitError: It is neither.
            DeviceFault: The door is blocked, or reads back differently.
            OutcomeUnknown: An answer is missing.
        """
        if state not in {"open", "closed"}:
            where = f"{self.name}.set_front_door.state"
            raise LimitError(where, got=state, expected="open or closed")
        await self.ticket.about_to_act(state)
        place = codec.OPEN if state == "open" else codec.CLOSED
        with acting(self.name):
            await self._ask("QRA 60 7", place, timeout_s=DOOR_S)
        with having_acted(self.name):
            await self._demand_door(place)
        return (Reading("door_state", state),)

    @action(recovery=RecoveryClass.QUERYABLE, duration_s=_duration_s, readings=("mass_dosed_mg",))
    async def dose(
        self, *, target_mg: TargetMg, tolerance_fraction: ToleranceFraction, within_s: WithinS
    ) -> tuple[Reading, ...]:
        """Dispense powder from the head into what stands on the pan, and weigh it.

        Args:
            target_mg: How much, in milligrams.
            tolerance_fraction: How far from the target it may be, in parts of it.
            within_s: How long the dosing alone may take, in seconds.

        Raises:
            NothingDone: It could not be prepared; no powder fell.
            DeviceFault: The balance is not tared, another head, one that is empty or expired, a
                blocked door, a powder that does not flow, or a mass beyond the tolerance, which is
                told.
            OutcomeUnknown: An answer is missing; it has been told to stop.
        """
        await self._prepared(target_mg, tolerance_fraction)
        await self.ticket.about_to_act(
            f"tared; {target_mg:g} mg within {tolerance_fraction:g} of it"
        )
        mass_mg = await self._or_stop(self._dosed_mg(within_s))
        allowed_mg = self._allowed_mg(target_mg, tolerance_fraction)
        if abs(mass_mg - target_mg) > allowed_mg:
            text = f"{mass_mg:.4g} mg were dosed, expected {target_mg:g} mg within {allowed_mg:.3g}"
            raise DeviceFault(self.name, code="tolerance", text=text, acted=True)
        return (Reading("mass_dosed_mg", mass_mg),)

    @override
    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        """Ask the balance, which was tared before the dose: what it shows is what fell."""
        note = _NOTE.fullmatch(notes[-1]) if notes else None
        if action_name != "dose" or note is None:
            return await super().settle(action_name, arguments, key=key, notes=notes)
        target_mg, tolerance = float(note["target"]), float(note["tolerance"])
        mass_mg = 1000.0 * await self._net_g()
        evidence = f"{notes[-1]}; the balance shows {mass_mg:.4g} mg"
        if abs(mass_mg - target_mg) <= self._allowed_mg(target_mg, tolerance):
            return Settlement(Verdict.RAN, evidence, (Reading("mass_dosed_mg", mass_mg),))
        if abs(mass_mg) <= self.settings.allowance_mg:
            return Settlement(Verdict.DID_NOT_RUN, evidence)
        if 0.0 < mass_mg < FORESIGHT * target_mg:
            return Settlement(Verdict.PARTLY, evidence)
        return Settlement(Verdict.CANNOT_TELL, evidence)

    async def _prepared(self, target_mg: float, tolerance_fraction: float) -> None:
        """Look at head and balance, close the door, set what is wanted; no powder falls."""
        try:
            await self._refuse_wrong_head(target_mg)
            if codec.door_from(await self._ask("QRD 2 3 7")) != codec.CLOSED:
                await self._ask("QRA 60 7", codec.CLOSED, timeout_s=DOOR_S)
                await self._demand_door(codec.CLOSED)
            await self._ask("QRA 60 2", "4", timeout_s=DOOR_S)
            await self._ask("QRD 1 1 5", f"{target_mg:.3f}")
            await self._ask("QRD 1 1 6", f"{100.0 * tolerance_fraction:.2f}")
            await self._ask("QRD 1 1 7", "0")
            shown_mg = 1000.0 * await self._net_g()
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been told to dose when this happened: {error}"
            raise NothingDone(reason) from error
        if abs(shown_mg) > self.settings.allowance_mg:
            text = f"the balance shows {shown_mg:.4g} mg, expected 0: tare it first"
            raise DeviceFault(self.name, code="tare", text=text)

    async def _refuse_wrong_head(self, target_mg: float) -> None:
        head = await self._head()
        substance, expected = head["Substance"][1], self.settings.substance
        if expected is not None and substance != expected:
            text = f"the head says that it holds {substance!r}, expected {expected!r}"
            raise DeviceFault(self.name, code="substance", text=text)
        if codec.number_in(head, "Rem._dosages", "") < 1.0:
            raise DeviceFault(self.name, code="dosages", text="the head has no dosage left")
        left_mg = codec.number_in(head, "Rem._quantity", "mg")
        if left_mg < target_mg:
            text = f"the head holds {left_mg:g} mg, {target_mg:g} mg are wanted"
            raise DeviceFault(self.name, code="quantity", text=text)

    async def _dosed_mg(self, within_s: float) -> float:
        """Dose, then weigh; a refusal counts as one only if the balance shows nothing."""
        refusal: DeviceFault | None = None
        try:
            with acting(self.name):
                await self._ask("QRA 61 1", timeout_s=within_s)
        except LineError as error:
            raise NothingDone(f"{self.name} was not told to dose: {error}") from error
        except DeviceFault as error:
            refusal = error
        with having_acted(self.name):
            mass_mg = 1000.0 * await self._net_g()
        if refusal is None:
            return mass_mg
        text = f"{refusal.text}; {mass_mg:.4g} mg lie on the balance"
        acted = abs(mass_mg) > self.settings.allowance_mg
        raise DeviceFault(self.name, code=refusal.code, text=text, acted=acted) from refusal

    def _allowed_mg(self, target_mg: float, tolerance_fraction: float) -> float:
        return max(target_mg * tolerance_fraction, self.settings.allowance_mg)

    async def _demand_door(self, place: str) -> None:
        got = codec.door_from(await self._ask("QRD 2 3 7"))
        if got != place:
            text = f"the front door is {codec.DOORS[got]}, expected {codec.DOORS[place]}"
            raise DeviceFault(self.name, code="door", text=text)

    async def _net_g(self) -> float:
        weight = codec.weight_from(await self._weighed())
        if not weight.is_stable:
            raise ProtocolError(f"{self.name}: a dynamic weight in answer to S", b"S D")
        return weight.mass_g

    async def _weighed(self, *, is_urgent: bool = False) -> Reply:
        return await self._ask(
            "S", timeout_s=self.settings.stability_timeout_s, is_urgent=is_urgent
        )

    async def _head(self) -> dict[str, tuple[str, str]]:
        """Return what the head says, unit and text by name."""
        lines: list[Reply] = []
        await self._ask("QRD 2 4 11", lines=lines)
        found: dict[str, tuple[str, str]] = {}
        for line in lines:
            found.update(codec.elements_from(line))
        if "Substance" not in found:
            raise ProtocolError("a head that names no substance", repr(found).encode())
        return found

    async def _or_stop(self, work: Coroutine[object, object, float]) -> float:
        try:
            return await work
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
            raise OutcomeUnknown(f"{self.name} was told to dose; {error}", evidence) from error

    async def _stopped_or_told(self) -> str:
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: it is not proved to be at rest", self.name)
            return f"then stopping it was tried, and it is not proved to rest: {error}"
        return "then it was stopped"

    async def _ask(
        self,
        command: str,
        value: str = "",
        *,
        timeout_s: float = REPLY_TIMEOUT_S,
        is_urgent: bool = False,
        lines: list[Reply] | None = None,
    ) -> Reply:
        """Send a request and return the reply that ends it; a B only says that it was begun.

        Args:
            command: What the answer repeats.
            value: What stands behind it, if anything.
            timeout_s: Total deadline, in seconds.
            is_urgent: Whether it goes out at once.
            lines: Takes the lines of XML before the end.

        Raises:
            DeviceFault: The device refuses, or reports an error.
        """

        def ends(frame: bytes) -> bool:
            reply = codec.decode(frame)
            if reply.command == codec.XML and lines is not None:
                lines.append(reply)
                return False
            if reply.command in GENERAL_FAULTS:
                return True
            names_it = reply.command == command or reply.command.startswith(f"{command} ")
            return names_it and reply.status != "B"

        name, *path = f"{command} {value}".split()
        frame = await self._conversation.ask(
            codec.encode(Request(name, tuple(path))),
            timeout_s=timeout_s,
            is_reply=ends,
            is_urgent=is_urgent,
        )
        reply = codec.decode(frame)
        if reply.command in GENERAL_FAULTS:
            raise DeviceFault(self.name, code=reply.command, text=GENERAL_FAULTS[reply.command])
        if reply.status == "I" and reply.fields:
            (code,) = reply.fields
            raise DeviceFault(self.name, code=code, text=f"{command}: {codec.ERRORS[code]}")
        if reply.status in STATUS_FAULTS:
            code = f"{reply.command} {reply.status}"
            raise DeviceFault(self.name, code=code, text=STATUS_FAULTS[reply.status])
        if reply.fields[:1] == ("Error",):
            text = "the weighing cell reports an error"
            raise DeviceFault(self.name, code=" ".join(reply.fields), text=text)
        return reply

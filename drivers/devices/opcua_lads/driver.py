"""A functional unit of a LADS device: programs under our job's id, and its sensors."""

import asyncio
import logging
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final

from typing_extensions import override

from drivers.acting import acting, having_acted
from drivers.clock import Clock
from drivers.devices.opcua_lads import codec
from drivers.devices.opcua_lads.codec import Reply, Request
from drivers.devices.opcua_lads.settings import OpcuaLadsSettings
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
from drivers.ticket import Settlement, Verdict

__all__ = ["OpcuaLads"]

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S: Final = 20.0
LONGEST_REPLY_BYTES: Final = 1_000_000
POLL_S: Final = 1.0
STOPPING_S: Final = 60.0
RESULT_S: Final = 10.0
RESTING: Final = {"Stopped", "Idle", "Complete", "Completed"}
"""States in which nothing runs."""
BROKEN_OFF: Final = {"Aborted", "Aborting", "Clearing"}
WithinS = Annotated[float, Within(5.0, 604_800.0)]
_NOTE: Final = re.compile(r"server (?P<server>.*); results (?P<results>.*)")


class OpcuaLads(Instrument):
    """One functional unit; `stop` calls its Stop and waits until nothing runs.

    References:
        OPC 30500-1, Laboratory and Analytical Devices; see card.toml for what was read.
    """

    model: ClassVar[str] = "LADS functional unit"
    says_when_it_acts: ClassVar[bool] = True
    reading_limits: ClassVar[Mapping[str, Within]] = {}

    def __init__(self, name: str, line: Line, clock: Clock, settings: OpcuaLadsSettings) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._device = f"DeviceSet/{settings.device}"
        self._unit = f"{self._device}/FunctionalUnitSet/{settings.unit}"
        self._results = f"{self._unit}/ProgramManager/ResultSet"
        self._conversation = Conversation(
            line, clock, reply_end=codec.REPLY_END, max_bytes=LONGEST_REPLY_BYTES
        )

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "OpcuaLads":
        return cls(name, line, clock, settings_in(OpcuaLadsSettings, name, settings))

    @override
    async def connect(self) -> str:
        codec.server_in(await self._ask(Request("hello")))
        said = []
        for name in ("Manufacturer", "Model", "SerialNumber"):
            try:
                said.append(codec.text_in(await self._ask_for(f"{self._device}/{name}")))
            except DeviceFault as error:
                expected = f"a LADS device with {name}"
                raise RigError(
                    f"instruments.{self.name}.settings.device", got=error.text, expected=expected
                ) from error
        if self.settings.serial_number not in (None, said[-1]):
            key = f"instruments.{self.name}.settings.serial_number"
            raise RigError(key, got=said[-1], expected=f"{self.settings.serial_number}")
        await self._state()
        return f"{self.model} {self.settings.unit} of {' '.join(said)}"

    @override
    async def stop(self) -> None:
        """Stop the program that runs, if one does, and wait until nothing runs.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: It is not proved that nothing runs.
        """
        evidence: list[str] = []
        deadline_s = self.clock.monotonic_s() + STOPPING_S
        while self.clock.monotonic_s() <= deadline_s:
            try:
                state = await self._state(is_urgent=True)
                if state in RESTING or state == "Aborted":
                    return
                evidence.append(state)
                if state not in {"Stopping", *BROKEN_OFF}:
                    await self._call("Stop", is_urgent=True)
            except (DeviceFault, OutcomeUnknown, ProtocolError) as error:
                evidence.append(str(error))
            await self.clock.sleep(POLL_S)
        raise OutcomeUnknown(f"{self.name} may still run", "; ".join(evidence[-3:]))

    @action(recovery=RecoveryClass.PURE, duration_s=1.0, readings=("unit_state",))
    async def read_state(self) -> tuple[Reading, ...]:
        """Read the state of the functional unit, as it calls it.

        Raises:
            DeviceFault: It has none.
            OutcomeUnknown: It does not answer.
        """
        return (Reading("unit_state", await self._state()),)

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=lambda *, sensor: 1.0,
        readings=("value",),
    )
    async def measure_sensor(self, *, sensor: str) -> tuple[Reading, ...]:
        """Measure what a sensor of the functional unit shows.

        Args:
            sensor: One of those that the settings name; its name ends in the unit.

        Raises:
            LimitError: The settings do not name it.
            DeviceFault: There is no such node, or it shows what cannot be.
            OutcomeUnknown: It does not answer.
        """
        known = self.settings.sensors.get(sensor)
        if known is None:
            where = f"{self.name}.measure_sensor.sensor"
            raise LimitError(where, got=sensor, expected=f"one of {sorted(self.settings.sensors)}")
        value = codec.number_in(await self._ask_for(f"{self._unit}/{known.path}"))
        if not known.low <= value <= known.high:
            text = f"{sensor} shows {value:g}, expected {known.low:g} to {known.high:g}"
            raise DeviceFault(self.name, code="limits", text=text)
        return (Reading("value", value),)

    @action(
        recovery=RecoveryClass.KEYED,
        duration_s=lambda *, template, within_s: float(within_s),
        readings=("run_id",),
    )
    async def run_program(self, *, template: str, within_s: WithinS) -> tuple[Reading, ...]:
        """Start a program and wait until it has ended; it carries our job's id.

        Args:
            template: The program template's id.
            within_s: When it must have ended, in seconds; it is stopped then.

        Raises:
            NothingDone: The unit could not be asked beforehand; nothing was started.
            DeviceFault: The unit is busy or refuses, or the program was broken off or took too
                long.
            OutcomeUnknown: An answer is missing; the unit has been told to stop.
        """
        note = await self._note()
        await self.ticket.about_to_act(note)
        deadline_s = self.clock.monotonic_s() + within_s
        try:
            run_id = await self._started(template)
            with having_acted(self.name):
                await self._ended(deadline_s)
                await self._demand_result(run_id)
        except asyncio.CancelledError:
            await asyncio.shield(self._stopped_or_told())
            raise
        except NothingDone:
            raise
        except (OutcomeUnknown, ProtocolError, LineError) as error:
            evidence = await asyncio.shield(self._stopped_or_told())
            reason = f"{self.name} was told to run {template}; then: {error}"
            raise OutcomeUnknown(reason, evidence) from error
        except DeviceFault:
            await asyncio.shield(self._stopped_or_told())
            raise
        return (Reading("run_id", run_id),)

    @override
    async def settle(
        self, action_name: str, arguments: Mapping[str, object], *, key: str, notes: Sequence[str]
    ) -> Settlement:
        """Look for our job's id among the results; a program under way is waited for."""
        note = _NOTE.fullmatch(notes[-1]) if notes else None
        if action_name != "run_program" or note is None:
            return await super().settle(action_name, arguments, key=key, notes=notes)
        within_s = arguments.get("within_s", 0.0)
        patience_s = float(within_s) if isinstance(within_s, int | float) else 0.0
        deadline_s = self.clock.monotonic_s() + patience_s
        while (state := await self._state()) not in RESTING and state not in BROKEN_OFF:
            if self.clock.monotonic_s() > deadline_s:
                return Settlement(Verdict.CANNOT_TELL, f"the unit is {state} all the time")
            await self.clock.sleep(POLL_S)
        server = codec.server_in(await self._ask(Request("hello")))
        names = await self._result_names()
        evidence = f"{notes[-1]}; now server {server}, {len(names)} results, the unit is {state}"
        ours = await self._result_of(key, names)
        if ours is not None:
            return await self._settled_by(ours, state, evidence)
        is_as_before = server == note["server"] and _digest(names) == note["results"]
        is_proof = is_as_before and bool(names) and state in RESTING
        return Settlement(Verdict.DID_NOT_RUN if is_proof else Verdict.CANNOT_TELL, evidence)

    async def _settled_by(self, ours: str, state: str, evidence: str) -> Settlement:
        """Judge a run that carries our job's id; one that was broken off has an end as well."""
        if state in BROKEN_OFF or not await self._has_stopped(ours):
            return Settlement(Verdict.PARTLY, f"{evidence}; {ours} was broken off")
        outcome = await self._outcome(ours)
        if outcome is None:
            text = f"{evidence}; {ours} ran and has an end, which may have come too soon"
            return Settlement(Verdict.CANNOT_TELL, text)
        if outcome != self.settings.outcome_done:
            return Settlement(Verdict.PARTLY, f"{evidence}; the outcome of {ours} is {outcome}")
        return Settlement(Verdict.RAN, evidence, (Reading("run_id", ours),))

    async def _outcome(self, result: str) -> str | None:
        """Return what a result says of how its run ended; None if the settings name no node."""
        if self.settings.outcome is None:
            return None
        path = f"{self._results}/{result}/{self.settings.outcome}"
        return codec.text_in(await self._ask_for(path))

    async def _note(self) -> str:
        """Look that nothing runs, and return what will tell later whether something did."""
        try:
            state = await self._state()
            server = codec.server_in(await self._ask(Request("hello")))
            names = await self._result_names()
        except (OutcomeUnknown, ProtocolError) as error:
            reason = f"{self.name} had not been told to run when this happened: {error}"
            raise NothingDone(reason) from error
        if state not in RESTING:
            text = f"the unit is {state}, expected it to be at rest"
            raise DeviceFault(self.name, code="busy", text=text)
        return f"server {server}; results {_digest(names)}"

    async def _started(self, template: str) -> str:
        try:
            with acting(self.name):
                reply = await self._call("StartProgram", template, "[]", self.ticket.key, "", "[]")
        except LineError as error:
            raise NothingDone(f"{self.name} was not told to run: {error}") from error
        except DeviceFault as error:
            with having_acted(self.name):
                is_at_rest = await self._state() in RESTING
            raise DeviceFault(
                self.name, code=error.code, text=error.text, acted=not is_at_rest
            ) from error
        with having_acted(self.name):
            return codec.run_id_in(reply)

    async def _ended(self, deadline_s: float) -> None:
        while (state := await self._state()) not in RESTING:
            if state in BROKEN_OFF:
                text = f"the program was broken off: the unit is {state}"
                raise DeviceFault(self.name, code=state, text=text)
            if self.clock.monotonic_s() > deadline_s:
                text = f"the unit is {state}, expected the program to have ended"
                raise DeviceFault(self.name, code="late", text=text)
            await self.clock.sleep(min(POLL_S, max(0.1, deadline_s - self.clock.monotonic_s())))

    async def _demand_result(self, run_id: str) -> None:
        """See that the program has left a result: a state that is read too early proves nothing.

        Args:
            run_id: What the server called the run; its result mostly has that name.
        """
        deadline_s = self.clock.monotonic_s() + RESULT_S
        while True:
            names = await self._result_names()
            ours = run_id if run_id in names else await self._result_of(self.ticket.key, names)
            if ours is not None and await self._has_stopped(ours):
                outcome = await self._outcome(ours)
                if outcome in (None, self.settings.outcome_done):
                    return
                text = f"the outcome of {ours} is {outcome}"
                raise DeviceFault(self.name, code="outcome", text=text)
            if self.clock.monotonic_s() > deadline_s:
                text = "the unit is at rest, but no result with our job's id has an end"
                raise DeviceFault(self.name, code="result", text=text)
            await self.clock.sleep(POLL_S)

    async def _result_of(self, key: str, names: Sequence[str]) -> str | None:
        for name in names:
            try:
                found = await self._ask_for(f"{self._results}/{name}/SupervisoryJobId")
            except DeviceFault:
                continue  # an optional property: a result without it was nobody's job
            if codec.text_in(found) == key:
                return name
        return None

    async def _has_stopped(self, result: str) -> bool:
        return bool(codec.text_in(await self._ask_for(f"{self._results}/{result}/Stopped")))

    async def _result_names(self) -> tuple[str, ...]:
        names = codec.names_in(await self._ask(Request("list", self._results)))
        return tuple(sorted(name for name in names if name != "NodeVersion"))

    async def _state(self, *, is_urgent: bool = False) -> str:
        path = f"{self._unit}/FunctionalUnitState/CurrentState"
        return codec.text_in(await self._ask_for(path, is_urgent=is_urgent))

    async def _stopped_or_told(self) -> str:
        try:
            await self.stop()
        except DriverError as error:
            logger.exception("%s: nothing proves that it has stopped", self.name)
            return f"then stopping it was tried, and nothing proves that it rests: {error}"
        return "then it was stopped"

    async def _call(self, method: str, *arguments: str, is_urgent: bool = False) -> Reply:
        path = f"{self._unit}/FunctionalUnitState"
        return await self._ask(Request("call", path, method, arguments), is_urgent=is_urgent)

    async def _ask_for(self, path: str, *, is_urgent: bool = False) -> Reply:
        return await self._ask(Request("read", path), is_urgent=is_urgent)

    async def _ask(self, request: Request, *, is_urgent: bool = False) -> Reply:
        """Send one request and return its answer.

        Raises:
            DeviceFault: The server refuses.
        """
        frame = await self._conversation.ask(
            codec.encode(request), timeout_s=REPLY_TIMEOUT_S, is_urgent=is_urgent
        )
        reply = codec.decode(frame)
        if reply.do != request.do:
            raise ProtocolError(f"not an answer to {request.do}", frame)
        if reply.error:
            code = reply.error.partition(":")[0][:60]
            raise DeviceFault(self.name, code=code, text=reply.error)
        return reply


def _digest(names: Sequence[str]) -> str:
    """Return how many names there are, and a number that tells others from them."""
    return f"{len(names)} ({zlib.crc32(' '.join(names).encode('utf-8')):08x})"

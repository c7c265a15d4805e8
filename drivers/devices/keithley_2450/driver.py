"""The Keithley 2450 source-meter: sweeps and traces, after which the output is off, always."""

import statistics
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.keithley_2450 import codec, voltammetry
from drivers.devices.keithley_2450.remote import Keithley2450Settings, Remote
from drivers.errors import DeviceFault, LimitError, RigError
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Line

__all__ = ["Keithley2450", "Keithley2450Settings"]

SET_UP_S: Final = 2.0
READING_S: Final = 0.1
TRACE_VOLTAGE_LIMIT_V: Final = 2.0
POINT_S: Final = 0.06
MOST_POINTS: Final = 20_000
PotentialV = Annotated[float, Within(-5.0, 5.0)]


def _sweep_duration_s(
    *, start_ma: float, stop_ma: float, n_points: int, dwell_s: float, voltage_limit_v: float
) -> float:
    del start_ma, stop_ma, voltage_limit_v
    return SET_UP_S + n_points * (dwell_s + READING_S)


def _trace_duration_s(*, n_readings: int, interval_s: float) -> float:
    return SET_UP_S + (n_readings - 1) * interval_s + READING_S


def _four_point_duration_s(*, current_ma: float, n_reversals: int, voltage_limit_v: float) -> float:
    del current_ma, voltage_limit_v
    return SET_UP_S + 2 * n_reversals * READING_S


def _voltammogram_duration_s(
    *,
    start_v: float,
    first_vertex_v: float,
    second_vertex_v: float,
    scan_rate_mv_per_s: float,
    step_mv: float,
    n_cycles: int,
    current_limit_ma: float,
) -> float:
    del step_mv, current_limit_ma
    out_v = abs(first_vertex_v - start_v) + abs(second_vertex_v - first_vertex_v)
    return SET_UP_S + n_cycles * 1e3 * (out_v + abs(start_v - second_vertex_v)) / scan_rate_mv_per_s


class Keithley2450(Instrument):
    """A 2450 that speaks its own SCPI command set.

    References:
        Model 2450 reference manual, 2450-901-01 Rev. B (2013), section 6; see card.toml.
    """

    model: ClassVar[str] = "Keithley 2450"
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "time_s": Within(0.0, 1e8),
        "resistance_ohm": Within(-1e12, 1e12),
        "resistance_sd_ohm": Within(0.0, 1e12),
        "offset_v": Within(-21.0, 21.0),
        "current_a": Within(-codec.OVERFLOW, codec.OVERFLOW),
        "voltage_v": Within(-codec.OVERFLOW, codec.OVERFLOW),
    }

    def __init__(self, name: str, line: Line, clock: Clock, settings: Keithley2450Settings) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._remote = Remote(name, line, clock, settings)

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "Keithley2450":
        return cls(name, line, clock, settings_in(Keithley2450Settings, name, settings))

    @override
    async def connect(self) -> str:
        identity = (await self._remote.ask("*IDN?")).fields
        if len(identity) != 4 or identity[1] != "MODEL 2450":
            got = ",".join(identity)
            raise RigError(f"instruments.{self.name}", got=got, expected="MODEL 2450")
        language = (await self._remote.ask("*LANG?")).fields
        if language != ("SCPI",):
            key = f"instruments.{self.name}"
            raise RigError(key, got=",".join(language), expected="command set SCPI (*LANG SCPI)")
        await self._remote.tell("*RST")
        await self._remote.tell("*CLS")
        await self._remote.verify_no_failure()
        await self.stop()
        return ",".join(identity)

    @override
    async def stop(self) -> None:
        """Switch the output off, and read back that it is.

        Raises:
            LineError: The line is down.
            OutcomeUnknown: The device did not confirm it.
        """
        await self._remote.switch_off()

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_sweep_duration_s,
        readings=("current_a", "voltage_v", "limit_state"),
    )
    async def measure_current_sweep(
        self,
        *,
        start_ma: Annotated[float, Within(1e-6, 1000.0)],
        stop_ma: Annotated[float, Within(1e-6, 1000.0)],
        n_points: Annotated[int, Within(2, 1000)],
        dwell_s: Annotated[float, Within(0.0, 600.0)],
        voltage_limit_v: Annotated[float, Within(0.02, 20.0)],
    ) -> tuple[Reading, ...]:
        """Measure the voltage at currents that are evenly spaced in their logarithm.

        Args:
            start_ma: First current, in milliamperes.
            stop_ma: Last current, in milliamperes; it may be the smaller one.
            n_points: How many currents, both ends included.
            dwell_s: How long each current flows before it is measured, in seconds.
            voltage_limit_v: The source goes no higher, in volts.

        Returns:
            The measured currents in amperes and voltages in volts, overflow as 9.9e37, and
            ``limit_state``: ``clear``, or ``tripped`` if the source ever stood at its limit.

        Raises:
            LimitError: The two ends are the same.
            DeviceFault: The device refuses, or a set-point reads back differently.
            OutcomeUnknown: An answer is missing; the output has been switched off.
        """
        if start_ma == stop_ma:
            where = f"{self.name}.measure_current_sweep.stop_ma"
            raise LimitError(where, got=stop_ma, expected=f"other than start_ma = {start_ma:g}")
        ratio = (stop_ma / start_ma) ** (1 / (n_points - 1))
        wanted_a = [1e-3 * start_ma * ratio**index for index in range(n_points)]
        currents: list[float] = []
        voltages: list[float] = []
        has_tripped = False
        await self._remote.source_current(voltage_limit_v)
        await self._remote.set_number(":SOUR:CURR", wanted_a[0])
        async with self._remote.output_on():
            for current_a in wanted_a:
                await self._remote.set_number(":SOUR:CURR", current_a)
                await self.clock.sleep(dwell_s)
                measured_a, measured_v = await self._remote.read("SOUR", "READ")
                currents.append(measured_a)
                voltages.append(measured_v)
                has_tripped |= await self._remote.is_true(":SOUR:CURR:VLIM:TRIP?")
        return (
            Reading("current_a", tuple(currents)),
            Reading("voltage_v", tuple(voltages)),
            Reading("limit_state", "tripped" if has_tripped else "clear"),
        )

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_trace_duration_s,
        readings=("time_s", "voltage_v"),
    )
    async def measure_voltage_trace(
        self,
        *,
        n_readings: Annotated[int, Within(1, 100_000)],
        interval_s: Annotated[float, Within(0.1, 3600.0)],
    ) -> tuple[Reading, ...]:
        """Measure the voltage again and again while no current flows.

        Args:
            n_readings: How many.
            interval_s: From one to the next, in seconds.

        Returns:
            Seconds since the first reading, by the device's own clock, and voltages in volts,
            overflow as 9.9e37.

        Raises:
            DeviceFault: The device refuses, or a set-point reads back differently.
            OutcomeUnknown: An answer is missing; the output has been switched off.
        """
        times: list[float] = []
        voltages: list[float] = []
        await self._remote.source_current(TRACE_VOLTAGE_LIMIT_V)
        await self._remote.set_number(":SOUR:CURR", 0.0)
        await self._remote.clear_buffer()
        async with self._remote.output_on():
            begun_s = self.clock.monotonic_s()
            for index in range(n_readings):
                left_s = begun_s + index * interval_s - self.clock.monotonic_s()
                await self.clock.sleep(max(0.0, left_s))
                time_s, voltage_v = await self._remote.read("REL", "READ")
                times.append(time_s)
                voltages.append(voltage_v)
        return (Reading("time_s", tuple(times)), Reading("voltage_v", tuple(voltages)))

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_four_point_duration_s,
        readings=("resistance_ohm", "resistance_sd_ohm", "offset_v"),
    )
    async def measure_resistance_four_point(
        self,
        *,
        current_ma: Annotated[float, Within(1e-6, 1000.0)],
        n_reversals: Annotated[int, Within(1, 1000)],
        voltage_limit_v: Annotated[float, Within(0.02, 20.0)],
    ) -> tuple[Reading, ...]:
        """Measure a resistance over four wires, with the current turned round and round again.

        What does not turn with the current, a thermoelectric voltage for one, drops out: half the
        difference of the two voltages counts. Of needles in a row the resistivity is
        2 pi times their distance times the resistance [Valdes1954]_.

        Args:
            current_ma: Each way, in milliamperes.
            n_reversals: How many pairs of readings are taken.
            voltage_limit_v: The source goes no higher, in volts.

        Returns:
            Mean and standard deviation of the resistance in ohms (0 for one pair), and the mean
            voltage that did not turn, in volts.

        Raises:
            DeviceFault: The device refuses, a set-point reads back differently, the source stood
                at its limit, or nothing is connected.
            OutcomeUnknown: An answer is missing; the output has been switched off.
        """
        pairs: list[tuple[float, float]] = []
        await self._remote.source_current(voltage_limit_v, is_four_wire=True)
        await self._remote.set_number(":SOUR:CURR", 1e-3 * current_ma)
        async with self._remote.output_on():
            for _ in range(n_reversals):
                pairs.append(await self._reversed(1e-3 * current_ma))
        resistances, offsets = zip(*pairs, strict=True)
        spread_ohm = statistics.stdev(resistances) if n_reversals > 1 else 0.0
        return (
            Reading("resistance_ohm", statistics.fmean(resistances)),
            Reading("resistance_sd_ohm", spread_ohm),
            Reading("offset_v", statistics.fmean(offsets)),
        )

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_voltammogram_duration_s,
        readings=("time_s", "voltage_v", "current_a", "limit_state"),
    )
    async def measure_cyclic_voltammogram(
        self,
        *,
        start_v: PotentialV,
        first_vertex_v: PotentialV,
        second_vertex_v: PotentialV,
        scan_rate_mv_per_s: Annotated[float, Within(0.1, 200.0)],
        step_mv: Annotated[float, Within(0.1, 50.0)],
        n_cycles: Annotated[int, Within(1, 100)],
        current_limit_ma: Annotated[float, Within(1e-3, 1000.0)],
    ) -> tuple[Reading, ...]:
        """Measure the current while the voltage goes up and down a staircase.

        Each reading begins a quarter into its step: there a staircase gives the currents of a
        steady scan [Bilewicz1989]_. With the output off the terminals are open, so that a cell
        is not discharged.

        Args:
            start_v: Where each cycle begins and ends, in volts.
            first_vertex_v: Where the scan turns first, in volts.
            second_vertex_v: Where it turns again, in volts.
            scan_rate_mv_per_s: In millivolts a second.
            step_mv: Height of a step, in millivolts; each leg is divided into whole steps.
            n_cycles: How many.
            current_limit_ma: No more flows, in milliamperes; it also chooses the range.

        Returns:
            Seconds since the first reading by the device's own clock, measured voltages in volts
            and currents in amperes, and ``limit_state``: ``clear``, or ``tripped`` if the current
            ever stood at its limit.

        Raises:
            LimitError: The scan stands still, is too quick for its steps, or has too many.
            DeviceFault: The device refuses, or cannot keep up with the scan.
            OutcomeUnknown: An answer is missing; the output has been switched off.
        """
        step_s = step_mv / scan_rate_mv_per_s
        steps_v = voltammetry.staircase(
            (start_v, first_vertex_v, second_vertex_v, start_v), 1e-3 * step_mv, n_cycles
        )
        self._verify_scan(len(steps_v), step_mv, scan_rate_mv_per_s)
        found = await voltammetry.scan(
            self._remote, self.clock, steps_v, step_s, current_limit_a=1e-3 * current_limit_ma
        )
        if found.latest_s > step_s:
            text = f"a point was {found.latest_s:.2f} s late, a step takes {step_s:.2f} s"
            raise DeviceFault(self.name, code="late", text=text)
        return (
            Reading("time_s", found.times_s),
            Reading("voltage_v", found.voltages_v),
            Reading("current_a", found.currents_a),
            Reading("limit_state", "tripped" if found.has_tripped else "clear"),
        )

    def _verify_scan(self, n_points: int, step_mv: float, scan_rate_mv_per_s: float) -> None:
        where = f"{self.name}.measure_cyclic_voltammogram"
        if not 2 <= n_points <= MOST_POINTS:
            expected = f"2 to {MOST_POINTS} points"
            raise LimitError(f"{where}.step_mv", got=f"{n_points} points", expected=expected)
        shortest_s = POINT_S + 0.08 * self.settings.power_line_cycles
        if step_mv / scan_rate_mv_per_s < shortest_s:
            expected = f"at most {step_mv / shortest_s:.3g} at this step and integration time"
            raise LimitError(
                f"{where}.scan_rate_mv_per_s", got=scan_rate_mv_per_s, expected=expected
            )

    async def _reversed(self, current_a: float) -> tuple[float, float]:
        """Return the resistance by both directions of a current, and what did not turn with it."""
        found: list[tuple[float, float]] = []
        for wanted_a in (current_a, -current_a):
            await self._remote.set_number(":SOUR:CURR", wanted_a)
            measured_a, measured_v = await self._remote.read("SOUR", "READ")
            if await self._remote.is_true(":SOUR:CURR:VLIM:TRIP?"):
                text = "the source stood at its voltage limit: nothing connected, or too much"
                raise DeviceFault(self.name, code="limit", text=text)
            if abs(measured_v) >= codec.OVERFLOW or measured_a * wanted_a <= 0.0:
                text = f"{measured_a:g} A and {measured_v:g} V at {wanted_a:g} A"
                raise DeviceFault(self.name, code="overflow", text=text)
            found.append((measured_a, measured_v))
        (plus_a, plus_v), (minus_a, minus_v) = found
        return (plus_v - minus_v) / (plus_a - minus_a), (plus_v + minus_v) / 2.0

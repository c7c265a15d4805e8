"""What a source-meter is wired to: a voltage for a current and the other way round."""

import math
from typing import Final, Protocol

import numpy as np

from simulators.errors import OffTheMap
from simulators.plumbing import Plumbing
from simulators.thermocouple import HIGHEST_C, type_k_voltage_v
from simulators.worlds.world import World

__all__ = [
    "OVERFLOW",
    "Cell",
    "Electrode",
    "FourPointProbe",
    "OpenCircuit",
    "RedoxCouple",
    "Resistor",
    "Thermocouple",
    "cell_for",
]

OVERFLOW: Final = 9.9e37
"""What an instrument that speaks SCPI reports when there is nothing sensible to read."""

_REVERSIBLE_V: Final = 1.229
_TAFEL_SLOPE_V: Final = 0.06
_REFERENCE_CURRENT_A: Final = 10e-3
_RESISTANCE_OHM: Final = 2.0
_LEAKAGE_A: Final = 1e-7
_ELECTRODE_NOISE_V: Final = 0.2e-3
_LEAST_SAMPLE_UL: Final = 300.0

_DAY_S: Final = 86_400.0
_ZERO_C_IN_K: Final = 273.15
_AMBIENT_K: Final = 298.15
_SUPERHEAT_K: Final = 40.0
_COOLING_TIME_S: Final = 600.0
_ARREST_S: Final = 45.0
_REHEAT_AFTER_S: Final = 60.0
_THERMOCOUPLE_NOISE_V: Final = 2e-6

_PROBE_SPACING_M: Final = 1e-3
_PROBE_OFFSET_V: Final = 40e-6
_PROBE_NOISE_V: Final = 1e-6


_FARADAY_C_PER_MOL: Final = 96485.33212
_THERMAL_V: Final = 8.314462618 * 298.15 / _FARADAY_C_PER_MOL
_AREA_M2: Final = 1e-4
_CONCENTRATION_MOL_PER_M3: Final = 1.0
_DIFFUSION_M2_PER_S: Final = 1e-9
_COUPLE_NOISE_A: Final = 5e-9
_STIRRED_AFTER_S: Final = 60.0
_SOONEST_S: Final = 1e-3
_LARGEST_CURRENT_A: Final = 1.05


class Cell(Protocol):
    """Two terminals with something behind them."""

    def current_a(self, voltage_v: float, now_s: float) -> float:
        """Return the current that a voltage drives, in amperes.

        Args:
            voltage_v: Voltage at the terminals, in volts; it stays until another one is given.
            now_s: When, on the bench's clock.
        """
        ...

    def voltage_v(self, current_a: float, now_s: float) -> float:
        """Return the voltage that a current brings about, `OVERFLOW` if there is no telling.

        Args:
            current_a: Current through the terminals, in amperes.
            now_s: When, on the bench's clock.
        """
        ...


class _SampleHolder:
    """Knows the outcome of what is in a position, drawn once for each sample.

    The noise depends on the seed and on the how-many-eth filling of the position only, never on
    how often anybody looked. What drifts grows with the time at which the sample was last changed.
    """

    def __init__(
        self,
        plumbing: Plumbing,
        position: str,
        world: World,
        seed: tuple[int, ...],
        drift_per_day: float,
    ) -> None:
        self._drift_per_day = drift_per_day
        self._plumbing = plumbing
        self._position = position
        self._world = world
        self._seed = seed
        self._version = -1
        self._outcome: float | None = None

    @property
    def filling(self) -> int:
        """Return the number of the sample, counted from 1."""
        return self._plumbing.vessel(self._position).filling

    def outcome(self) -> float | None:
        """Return the one outcome of the world, or None without a sample that it knows."""
        vessel = self._plumbing.vessel(self._position)
        if vessel.version == self._version:
            return self._outcome
        self._version = vessel.version
        self._outcome = None
        fractions = self._plumbing.fractions(self._position)
        if fractions and vessel.volume_ul >= _LEAST_SAMPLE_UL:
            rng = np.random.default_rng((*self._seed, vessel.filling))
            try:
                (self._outcome,) = self._world.outcomes(fractions, rng).values()
            except OffTheMap:
                return None
            self._outcome *= 1.0 + self._drift_per_day * vessel.changed_at_s / _DAY_S
        return self._outcome

    def temperature_factor(self) -> float:
        """Return what its outcome is multiplied by at the present warmth of the position."""
        warm_c = self._plumbing.warmth.temperature_c(self._position)
        return self._world.temperature_factor(self._plumbing.fractions(self._position), warm_c)


class Electrode:
    """An oxygen-evolving electrode of 1 cm2 in the sample, with an uncompensated resistance.

    V = 1.229 + overpotential + 0.06 log10(I / 10 mA) + 2 ohm I, in volts, with 0.2 mV of noise;
    the world's overpotential belongs to 10 mA.

    Args:
        sample: What is in the position.
        rng: Noise of the reading.
    """

    def __init__(self, sample: _SampleHolder, rng: np.random.Generator) -> None:
        self._sample = sample
        self._rng = rng

    def voltage_v(self, current_a: float, now_s: float) -> float:
        """Return the voltage that a current brings about, `OVERFLOW` without a sample."""
        overpotential_v = self._sample.outcome()
        if overpotential_v is None:
            return OVERFLOW
        faradaic_a = max(current_a, _LEAKAGE_A)
        decades = math.log10(faradaic_a / _REFERENCE_CURRENT_A)
        return (
            _REVERSIBLE_V
            + overpotential_v
            + _TAFEL_SLOPE_V * decades
            + current_a * _RESISTANCE_OHM
            + self._rng.normal(0.0, _ELECTRODE_NOISE_V)
        )

    def current_a(self, voltage_v: float, now_s: float) -> float:
        """Return the current at which the voltage is as given, 0 where there is no telling."""
        return _current_by_halving(self, voltage_v, now_s)


class Thermocouple:
    """A type K thermocouple in the molten sample, reference junction at 0 degrees Celsius.

    A furnace holds the melt 40 K above its liquidus until readings begin, and heats it again
    when none was taken for a minute. From the first reading the melt cools by Newton's law
    (600 s, to 298 K), stands still at its liquidus for 45 s, and cools on.

    Args:
        sample: What is in the position.
        rng: Noise of the reading, 2 microvolts.
    """

    def __init__(self, sample: _SampleHolder, rng: np.random.Generator) -> None:
        self._sample = sample
        self._rng = rng
        self._filling = 0
        self._began_s = 0.0
        self._read_s = -math.inf

    def voltage_v(self, current_a: float, now_s: float) -> float:
        """Return the thermoelectric voltage; `OVERFLOW` without a sample or beyond type K."""
        liquidus_k = self._sample.outcome()
        if liquidus_k is None:
            return OVERFLOW
        is_reheated = now_s - self._read_s > _REHEAT_AFTER_S
        if self._filling != self._sample.filling or is_reheated:
            self._filling = self._sample.filling
            self._began_s = now_s
        self._read_s = now_s
        temperature_c = _cooling_k(liquidus_k, now_s - self._began_s) - _ZERO_C_IN_K
        if not 0.0 <= temperature_c <= HIGHEST_C:
            return OVERFLOW
        return type_k_voltage_v(temperature_c) + self._rng.normal(0.0, _THERMOCOUPLE_NOISE_V)

    def current_a(self, voltage_v: float, now_s: float) -> float:
        """Return the current at which the voltage is as given, 0 where there is no telling."""
        return _current_by_halving(self, voltage_v, now_s)


def _cooling_k(liquidus_k: float, time_s: float) -> float:
    """Return the temperature of a melt some seconds after its furnace was switched off."""
    excess_k = liquidus_k - _AMBIENT_K
    to_liquidus_s = _COOLING_TIME_S * math.log((excess_k + _SUPERHEAT_K) / excess_k)
    if time_s < to_liquidus_s:
        return _AMBIENT_K + (excess_k + _SUPERHEAT_K) * math.exp(-time_s / _COOLING_TIME_S)
    solid_s = max(0.0, time_s - to_liquidus_s - _ARREST_S)
    return _AMBIENT_K + excess_k * math.exp(-solid_s / _COOLING_TIME_S)


class FourPointProbe:
    """Four needles in a row, 1 mm apart, on a sample that is thick and wide against that.

    V = rho I / (2 pi s) [Valdes1954]_, with a thermoelectric voltage of 40 microvolts that does
    not turn with the current, and 1 microvolt of noise. The world's outcome is the resistivity in
    ohm metres, which follows the temperature of the position.

    Args:
        sample: What is in the position.
        rng: Noise of the reading.
    """

    def __init__(self, sample: _SampleHolder, rng: np.random.Generator) -> None:
        self._sample = sample
        self._rng = rng

    def voltage_v(self, current_a: float, now_s: float) -> float:
        """Return the voltage between the inner needles, `OVERFLOW` without a sample."""
        resistivity_ohm_m = self._sample.outcome()
        if resistivity_ohm_m is None:
            return OVERFLOW
        resistivity_ohm_m *= self._sample.temperature_factor()
        resistance_ohm = resistivity_ohm_m / (2.0 * math.pi * _PROBE_SPACING_M)
        noise_v = float(self._rng.normal(0.0, _PROBE_NOISE_V))
        return resistance_ohm * current_a + _PROBE_OFFSET_V + noise_v

    def current_a(self, voltage_v: float, now_s: float) -> float:
        """Return the current at which the voltage is as given, 0 where there is no telling."""
        return _current_by_halving(self, voltage_v, now_s)


class RedoxCouple:
    """A disc of 1 cm2 in 1 mM of a reduced species that gives one electron, at 25 degrees Celsius.

    Reversible, with equal diffusion coefficients of 1e-5 cm2/s, semi-infinite linear diffusion and
    no convection: the semi-integral of the current is n F A c sqrt(D) / (1 + exp(-nF(E - E0)/RT))
    [Oldham1973]_. For voltages that stand still between steps that is a sum over the steps, each
    with a current that falls with the root of its age; charging of the double layer is over
    before anybody reads. The world's outcome is E0 in volts against the reference. Where no
    voltage was given for a minute, the solution has been stirred.

    Args:
        sample: What is in the position.
        rng: Noise of the reading, 5 nA.
    """

    def __init__(self, sample: _SampleHolder, rng: np.random.Generator) -> None:
        self._sample = sample
        self._rng = rng
        self._filling = 0
        self._heard_s = -math.inf
        self._steps: list[tuple[float, float]] = []
        self._semi_integral = 0.0

    def voltage_v(self, current_a: float, now_s: float) -> float:
        """Return `OVERFLOW`: the couple is not made for currents that are forced upon it."""
        return OVERFLOW

    def current_a(self, voltage_v: float, now_s: float) -> float:
        """Return the current by all steps so far, 0 without a sample."""
        formal_v = self._sample.outcome()
        if formal_v is None:
            return 0.0
        if self._filling != self._sample.filling or now_s - self._heard_s > _STIRRED_AFTER_S:
            self._filling, self._steps, self._semi_integral = self._sample.filling, [], 0.0
        self._heard_s = now_s
        whole = _FARADAY_C_PER_MOL * _AREA_M2 * _CONCENTRATION_MOL_PER_M3
        whole *= math.sqrt(_DIFFUSION_M2_PER_S)
        oxidized = (1.0 + math.tanh((voltage_v - formal_v) / _THERMAL_V / 2.0)) / 2.0
        wanted = whole * oxidized
        if wanted != self._semi_integral:
            self._steps.append((now_s, wanted - self._semi_integral))
            self._semi_integral = wanted
        begun_s, heights = np.array(self._steps).reshape(-1, 2).T
        ages_s = np.maximum(now_s - begun_s, _SOONEST_S)
        noise_a = float(self._rng.normal(0.0, _COUPLE_NOISE_A))
        return float(np.sum(heights / np.sqrt(math.pi * ages_s))) + noise_a


class Resistor:
    """A resistor, for a source-meter that looks at no position.

    Args:
        resistance_ohm: Above 0.
    """

    def __init__(self, resistance_ohm: float) -> None:
        self._resistance_ohm = resistance_ohm

    def voltage_v(self, current_a: float, now_s: float) -> float:
        """Return the voltage that a current brings about."""
        return current_a * self._resistance_ohm

    def current_a(self, voltage_v: float, now_s: float) -> float:
        """Return the current that a voltage drives."""
        return voltage_v / self._resistance_ohm


class OpenCircuit:
    """Two terminals with nothing behind them that a source-meter could see."""

    def voltage_v(self, current_a: float, now_s: float) -> float:
        """Return `OVERFLOW`, whatever the current."""
        return OVERFLOW

    def current_a(self, voltage_v: float, now_s: float) -> float:
        """Return 0, whatever the voltage."""
        return 0.0


def cell_for(
    world: World,
    plumbing: Plumbing,
    position: str,
    seed: tuple[int, ...],
    rng: np.random.Generator,
    *,
    drift_per_day: float = 0.0,
) -> Cell:
    """Return what stands between a position and a source-meter in a world.

    Args:
        world: Its `transducer` decides.
        plumbing: What is in the position.
        position: Its name.
        seed: From which each sample's own noise is drawn.
        rng: From which the noise of each reading is drawn.
        drift_per_day: By which part of itself every outcome grows a day, on the bench's clock.
    """
    sample = _SampleHolder(plumbing, position, world, seed, drift_per_day)
    if world.transducer == "electrode":
        return Electrode(sample, rng)
    if world.transducer == "thermocouple":
        return Thermocouple(sample, rng)
    if world.transducer == "four_point_probe":
        return FourPointProbe(sample, rng)
    if world.transducer == "redox_couple":
        return RedoxCouple(sample, rng)
    return OpenCircuit()


def _current_by_halving(cell: Cell, voltage_v: float, now_s: float) -> float:
    """Return the current, at most 1.05 A each way, at which a cell's voltage is as given."""
    low, high = -_LARGEST_CURRENT_A, _LARGEST_CURRENT_A
    if cell.voltage_v(0.0, now_s) == OVERFLOW:
        return 0.0
    for _ in range(50):
        middle = (low + high) / 2.0
        if cell.voltage_v(middle, now_s) > voltage_v:
            high = middle
        else:
            low = middle
    return (low + high) / 2.0

"""What a source-meter is wired to: a voltage for a current, set by a world's sample."""

import math
from typing import Final, Protocol

import numpy as np

from simulators.errors import OffTheMap
from simulators.plumbing import Plumbing
from simulators.thermocouple import HIGHEST_C, type_k_voltage_v
from simulators.worlds.world import World

__all__ = ["OVERFLOW", "Cell", "Electrode", "Resistor", "Thermocouple", "cell_for"]

OVERFLOW: Final = 9.9e37
"""What an instrument that speaks SCPI reports when there is nothing sensible to read."""

_REVERSIBLE_V: Final = 1.229
_TAFEL_SLOPE_V: Final = 0.06
_REFERENCE_CURRENT_A: Final = 10e-3
_RESISTANCE_OHM: Final = 2.0
_LEAKAGE_A: Final = 1e-7
_ELECTRODE_NOISE_V: Final = 0.2e-3
_LEAST_SAMPLE_UL: Final = 300.0

_ZERO_C_IN_K: Final = 273.15
_AMBIENT_K: Final = 298.15
_SUPERHEAT_K: Final = 40.0
_COOLING_TIME_S: Final = 600.0
_ARREST_S: Final = 45.0
_REHEAT_AFTER_S: Final = 60.0
_THERMOCOUPLE_NOISE_V: Final = 2e-6


class Cell(Protocol):
    """Two terminals with something behind them."""

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
    how often anybody looked.
    """

    def __init__(
        self, plumbing: Plumbing, position: str, world: World, seed: tuple[int, ...]
    ) -> None:
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
        return self._outcome


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


def _cooling_k(liquidus_k: float, time_s: float) -> float:
    """Return the temperature of a melt some seconds after its furnace was switched off."""
    excess_k = liquidus_k - _AMBIENT_K
    to_liquidus_s = _COOLING_TIME_S * math.log((excess_k + _SUPERHEAT_K) / excess_k)
    if time_s < to_liquidus_s:
        return _AMBIENT_K + (excess_k + _SUPERHEAT_K) * math.exp(-time_s / _COOLING_TIME_S)
    solid_s = max(0.0, time_s - to_liquidus_s - _ARREST_S)
    return _AMBIENT_K + excess_k * math.exp(-solid_s / _COOLING_TIME_S)


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


def cell_for(
    world: World,
    plumbing: Plumbing,
    position: str,
    seed: tuple[int, ...],
    rng: np.random.Generator,
) -> Cell:
    """Return what stands between a position and a source-meter in a world.

    Args:
        world: Its `transducer` decides.
        plumbing: What is in the position.
        position: Its name.
        seed: From which each sample's own noise is drawn.
        rng: From which the noise of each reading is drawn.
    """
    sample = _SampleHolder(plumbing, position, world, seed)
    if world.transducer == "electrode":
        return Electrode(sample, rng)
    return Thermocouple(sample, rng)

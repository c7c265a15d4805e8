"""Oxide-ion conduction of doped ceria in closed form: Arrhenius, with composition.

The paper itself was not at hand when this was written: its four pairs of constants were quoted
from memory, that of Gd 0.1 as the one of two remembered prefactors that gives the remembered
conductivity at 500 degrees Celsius. Whoever needs more than a plausible world checks them first.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from typing_extensions import override

from simulators.errors import OffTheMap, SynthesisFailed
from simulators.worlds.composition import fractions_in_order, written_out
from simulators.worlds.world import Transducer, World

__all__ = ["DopedCeria"]

_BOLTZMANN_EV_PER_K: Final = 8.617333e-5
_ZERO_C_IN_K: Final = 273.15
_CM_PER_M: Final = 100.0

_EASIEST: Final = 0.1
"""The share of dopant at which ions move most easily."""
_EV_ABOVE: Final = 1.4
"""Rise of the activation energy beyond it, in eV: 0.14 eV from Gd 0.1 to Gd 0.2."""
_EV_BELOW: Final = 0.6
"""Rise towards pure ceria; ours, of the order that dilute samples show."""
_LEAST_DOPANT: Final = 0.02
_MOST_DOPANT: Final = 0.30
_SITES_PER_DOPANT: Final = 0.25
"""Empty oxygen sites, as a share of all, for a share of dopant of 1: x / 2 in 2."""


@dataclass(frozen=True, slots=True)
class _Published:
    """Lattice conductivity of one composition, sigma T = A exp(-E / k T), after [Steele2000]_."""

    dopant: float
    activation_ev: float
    prefactor_s_k_per_cm: float


_PUBLISHED: Final = {
    "Gd": _Published(0.1, 0.64, 1.09e5),
    "Sm": _Published(0.1, 0.66, 5.08e4),
    "Y": _Published(0.113, 0.87, 3.16e6),
}
_MORE_GD: Final = _Published(0.2, 0.78, 5.00e5)


def _rise_ev(dopant: float) -> float:
    """Return how far the activation energy lies above its least value, in eV."""
    if dopant > _EASIEST:
        return _EV_ABOVE * (dopant - _EASIEST)
    return _EV_BELOW * (_EASIEST - dopant)


def _log_of_jumps(dopant: float) -> float:
    """Return the logarithm of empty sites times full ones, as shares of all oxygen sites."""
    empty = dopant * _SITES_PER_DOPANT
    return math.log(empty * (1.0 - empty))


def _compensation_ev() -> float:
    """Return the energy that ties prefactor to activation energy, such that Gd 0.2 comes out."""
    gd = _PUBLISHED["Gd"]
    gained = math.log(_MORE_GD.prefactor_s_k_per_cm / gd.prefactor_s_k_per_cm)
    gained -= _log_of_jumps(_MORE_GD.dopant) - _log_of_jumps(gd.dopant)
    return (_MORE_GD.activation_ev - gd.activation_ev) / gained


_COMPENSATION_EV: Final = _compensation_ev()


class DopedCeria(World):
    """Resistivity of Ce(1-x)M(x)O(2-x/2), M of Gd, Sm and Y, at one temperature.

    sigma T = C v (1 - v) exp((E - E0) / E') exp(-E / k T), v = x / 4 the share of empty oxygen
    sites. E0 and C belong to the dopants, in proportion to their shares; E lies above E0 by
    1.4 (x - 0.1) eV beyond x = 0.1 and by 0.6 (0.1 - x) eV below it; E' (0.16 eV) ties prefactor
    to activation energy (Meyer and Neldel's rule). The constants taken for the four compositions
    of [Steele2000]_ (Gd 0.1, Gd 0.2, Sm 0.1, Y 0.113) come out exactly. What lies between them,
    and the mixing of dopants without any gain, is our form. The best x rises with the
    temperature.

    The outcome is ``resistivity_ohm_m``. The spread between samples is ours.

    Args:
        temperature_c: Where the outcome is asked for, 200 to 1000 degrees Celsius.
    """

    name: ClassVar[str] = "doped_ceria"
    components: ClassVar[tuple[str, ...]] = ("Ce", "Gd", "Sm", "Y")
    transducer: ClassVar[Transducer] = "four_point_probe"
    noise_sd: ClassVar[Mapping[str, float]] = {"resistivity_ohm_m": 0.03}
    made_sd: ClassVar[float] = 0.002
    failure_region: ClassVar[str] = (
        "more than 0.30 of dopant: a second phase, no dense fluorite to put a probe on"
    )

    def __init__(self, temperature_c: float = 500.0) -> None:
        if not 200.0 <= temperature_c <= 1000.0:
            raise ValueError(f"temperature_c: got {temperature_c}, expected 200 to 1000")
        self.temperature_c = temperature_c

    def activation_energy_ev(self, fractions: Mapping[str, float]) -> float:
        """Return the activation energy of conduction, in eV.

        Args:
            fractions: Cation fractions, sum 1.

        Raises:
            OffTheMap: There is hardly any dopant, or the composition is none.
            SynthesisFailed: There is too much of it.
        """
        dopants = self._dopants(fractions)
        total = sum(dopants.values())
        least = sum(
            share * (_PUBLISHED[name].activation_ev - _rise_ev(_PUBLISHED[name].dopant))
            for name, share in dopants.items()
        )
        return least / total + _rise_ev(total)

    def conductivity_s_per_cm(self, fractions: Mapping[str, float], temperature_c: float) -> float:
        """Return the conductivity, in siemens per centimetre.

        Args:
            fractions: Cation fractions, sum 1.
            temperature_c: Above -273 degrees Celsius.

        Raises:
            OffTheMap: There is hardly any dopant, or the composition is none.
            SynthesisFailed: There is too much of it.
        """
        dopants = self._dopants(fractions)
        total = sum(dopants.values())
        log_c = sum(share * _log_of_prefactor(_PUBLISHED[name]) for name, share in dopants.items())
        temperature_k = temperature_c + _ZERO_C_IN_K
        exponent = log_c / total + _log_of_jumps(total) + _rise_ev(total) / _COMPENSATION_EV
        exponent -= self.activation_energy_ev(fractions) / (_BOLTZMANN_EV_PER_K * temperature_k)
        return math.exp(exponent) / temperature_k

    @override
    def temperature_factor(self, fractions: Mapping[str, float], temperature_c: float) -> float:
        """Return what the resistivity is multiplied by at another temperature."""
        here = self.conductivity_s_per_cm(fractions, self.temperature_c)
        return here / self.conductivity_s_per_cm(fractions, temperature_c)

    @override
    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the resistivity, in ohm metres.

        Args:
            fractions: Cation fractions, sum 1.

        Raises:
            OffTheMap: There is hardly any dopant, or the composition is none.
            SynthesisFailed: There is too much of it.
        """
        conductivity = self.conductivity_s_per_cm(fractions, self.temperature_c)
        return {"resistivity_ohm_m": 1.0 / (conductivity * _CM_PER_M)}

    @override
    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, float]:
        """Return one sample's resistivity, in ohm metres.

        Args:
            fractions: Cation fractions, sum 1.
            rng: Where the spread between samples is drawn from.

        Raises:
            OffTheMap: There is hardly any dopant, or the composition is none.
            SynthesisFailed: There is too much of it.
        """
        true = self.true_outcomes(fractions)
        return {name: rng.normal(value, self.noise_sd[name]) for name, value in true.items()}

    def _dopants(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the dopants' cation fractions, once there is a fluorite made of them."""
        asked = fractions_in_order(self.name, self.components, fractions)
        dopants = {name: float(value) for name, value in zip(self.components, asked, strict=True)}
        del dopants["Ce"]
        total = sum(dopants.values())
        if total > _MOST_DOPANT:
            reason = f"{total:.4f} of dopant, a fluorite takes {_MOST_DOPANT}"
            raise SynthesisFailed(self.name, written_out(fractions), reason)
        if total < _LEAST_DOPANT:
            reason = f"{total:.4f} of dopant, known from {_LEAST_DOPANT}"
            raise OffTheMap(self.name, written_out(fractions), reason)
        return dopants


def _log_of_prefactor(published: _Published) -> float:
    """Return ln C of a dopant, from the one composition of it that is published."""
    from_jumps = _log_of_jumps(published.dopant)
    from_rise = _rise_ev(published.dopant) / _COMPENSATION_EV
    return math.log(published.prefactor_s_k_per_cm) - from_jumps - from_rise

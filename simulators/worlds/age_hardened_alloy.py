"""A face-centred cubic alloy of seven metals, solution-treated and aged, in closed form.

The papers' full texts were not at hand when this was written. Formulas and constants were quoted
from memory; two things were checked: the five volumes of [Varvenne2016]_ against an open input
file, and that the formulas give the 125 MPa quoted for equal parts of the five metals.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from typing_extensions import override

from simulators.errors import SynthesisFailed
from simulators.worlds.composition import fractions_in_order, written_out
from simulators.worlds.strengthening import (
    Matrix,
    Particles,
    precipitation_strength_mpa,
    solute_strength_mpa,
)
from simulators.worlds.world import Transducer, World

__all__ = ["AgeHardenedAlloy"]


@dataclass(frozen=True, slots=True)
class _Metal:
    """What the formulas need to know of one metal."""

    mass_g_per_mol: float
    volume_a3: float
    shear_modulus_gpa: float
    poisson_ratio: float
    n_valence_electrons: int
    price_usd_per_kg: float


_METALS: Final = {
    "Co": _Metal(58.933, 11.12, 75.0, 0.31, 9, 33.0),
    "Cr": _Metal(51.996, 12.27, 115.0, 0.21, 6, 10.0),
    "Fe": _Metal(55.845, 12.09, 82.0, 0.29, 8, 0.5),
    "Mn": _Metal(54.938, 12.60, 80.0, 0.24, 7, 2.0),
    "Ni": _Metal(58.693, 10.94, 76.0, 0.31, 10, 17.0),
    "Al": _Metal(26.982, 12.61, 26.0, 0.35, 3, 2.5),
    "Ti": _Metal(47.867, 14.29, 44.0, 0.32, 4, 7.0),
}
"""Volumes of Co, Cr, Fe, Mn and Ni per atom in such alloys from [Varvenne2016]_; those of Al and
Ti from how they widen nickel (0.179 and 0.360 angstrom per unit of atomic fraction). Moduli are
those of the polycrystals; prices are round, ours, for comparing alloys only."""

_GAS_J_PER_MOL_K: Final = 8.314463
_G_PER_CM3_PER_DALTON_PER_A3: Final = 1.660539
_ZERO_C_IN_K: Final = 273.15
_TEST_K: Final = 293.0
_GRAINS_MPA: Final = 70.0
"""494 MPa um^0.5 of Hall and Petch for grains of 50 um."""

_FCC_ELECTRONS: Final = 7.9
"""The 8 of [Guo2011]_ less 0.1, since the equal parts of the five metals, one phase, have 8.0."""
_MOST_FORMER: Final = 0.15
_FORMER_IN_PARTICLE: Final = 0.25
_MOST_OF_NICKEL: Final = 0.9

_REFERENCE_K: Final = 1073.15
_SOLUBLE: Final = 0.0048
_SOLUTION_J_PER_MOL: Final = 102.8e3
_DIFFUSION_J_PER_MOL: Final = 276e3
_COARSENING_M3_PER_S: Final = 3.4e-29
_NUCLEUS_M: Final = 2e-9
_FORMING_S: Final = 150.0
_AVRAMI: Final = 1.5


class AgeHardenedAlloy(World):
    """Strength, density and price of Co-Cr-Fe-Mn-Ni with Al and Ti, water-quenched and aged.

    The yield strength is that of the random solid solution [Varvenne2016]_, of grains of 50 um,
    and of the particles Ni3(Al,Ti) that ageing brings [He2016]_, added up. How many: the lever
    rule with a solubility of Al + Ti that rises with the temperature, reached after Avrami. How
    large: r^3 = r0^3 + K t, with a K that gives 13 nm after 18 h at 800 degrees Celsius. The
    solubility and the kinetics are ours, set to the order of what [He2016]_ found (0.22 of
    particles in (CoCrFeNi)94Ti2Al4 at 800 degrees Celsius). The density follows from masses and
    volumes; the price is that of the metals. What Al and Ti are added to is one phase, face-centred
    cubic, down to 7.9 valence electrons per atom, after [Guo2011]_. The spreads between samples
    are ours.

    Args:
        ageing_temperature_c: 500 to 950 degrees Celsius.
        ageing_time_h: 0 (quenched) to 1000 hours.
    """

    name: ClassVar[str] = "age_hardened_alloy"
    components: ClassVar[tuple[str, ...]] = tuple(_METALS)
    transducer: ClassVar[Transducer] = "none"
    noise_sd: ClassVar[Mapping[str, float]] = {
        "yield_strength_mpa": 10.0,
        "density_g_per_cm3": 0.01,
        "cost_usd_per_kg": 0.0,
    }
    made_sd: ClassVar[float] = 0.002
    failure_region: ClassVar[str] = (
        "fewer than 7.9 valence electrons per atom without Al and Ti (a brittle second phase), "
        "or more than 0.15 of Al + Ti (cracks in casting; ours)"
    )

    def __init__(self, ageing_temperature_c: float = 750.0, ageing_time_h: float = 16.0) -> None:
        if not 500.0 <= ageing_temperature_c <= 950.0:
            raise ValueError(
                f"ageing_temperature_c: got {ageing_temperature_c}, expected 500 to 950"
            )
        if not 0.0 <= ageing_time_h <= 1000.0:
            raise ValueError(f"ageing_time_h: got {ageing_time_h}, expected 0 to 1000")
        self._ageing_k = ageing_temperature_c + _ZERO_C_IN_K
        self._ageing_s = ageing_time_h * 3600.0

    def particles(self, fractions: Mapping[str, float]) -> Particles:
        """Return what ageing has brought out of the solid solution.

        Args:
            fractions: Atomic fractions, sum 1.

        Raises:
            OffTheMap: It is no composition.
            SynthesisFailed: It lies in the failure region.
        """
        return self._particles(self._alloy(fractions))

    @override
    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return yield strength in MPa, density in g/cm3 and price of the metals in USD/kg.

        Args:
            fractions: Atomic fractions, sum 1.

        Raises:
            OffTheMap: It is no composition.
            SynthesisFailed: It lies in the failure region.
        """
        alloy = self._alloy(fractions)
        particles = self._particles(alloy)
        matrix = _matrix(_depleted(alloy, particles.volume_fraction))
        strength = solute_strength_mpa(matrix, _TEST_K) + _GRAINS_MPA
        masses = {name: share * _METALS[name].mass_g_per_mol for name, share in alloy.items()}
        volume = sum(share * _METALS[name].volume_a3 for name, share in alloy.items())
        paid = sum(mass * _METALS[name].price_usd_per_kg for name, mass in masses.items())
        mass = sum(masses.values())
        return {
            "yield_strength_mpa": strength + precipitation_strength_mpa(matrix, particles),
            "density_g_per_cm3": _G_PER_CM3_PER_DALTON_PER_A3 * mass / volume,
            "cost_usd_per_kg": paid / mass,
        }

    @override
    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, float]:
        """Return one sample's outcomes.

        Args:
            fractions: Atomic fractions, sum 1.
            rng: Where the spread between samples is drawn from.

        Raises:
            OffTheMap: It is no composition.
            SynthesisFailed: It lies in the failure region.
        """
        true = self.true_outcomes(fractions)
        return {name: rng.normal(value, self.noise_sd[name]) for name, value in true.items()}

    def _alloy(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the atomic fractions of all seven metals, once they make an alloy."""
        asked = fractions_in_order(self.name, self.components, fractions)
        alloy = {name: float(share) for name, share in zip(_METALS, asked, strict=True)}
        former = alloy["Al"] + alloy["Ti"]
        if former > _MOST_FORMER:
            reason = f"{former:.4f} of Al + Ti, it cracks beyond {_MOST_FORMER}"
            raise SynthesisFailed(self.name, written_out(fractions), reason)
        electrons = sum(
            share / (1.0 - former) * metal.n_valence_electrons
            for (name, metal), share in zip(_METALS.items(), alloy.values(), strict=True)
            if name not in {"Al", "Ti"}
        )
        if electrons < _FCC_ELECTRONS:
            reason = f"{electrons:.3f} valence electrons per atom, one phase needs {_FCC_ELECTRONS}"
            raise SynthesisFailed(self.name, written_out(fractions), reason)
        return alloy

    def _particles(self, alloy: Mapping[str, float]) -> Particles:
        warmth = 1.0 / self._ageing_k - 1.0 / _REFERENCE_K
        soluble = _SOLUBLE * math.exp(-_SOLUTION_J_PER_MOL / _GAS_J_PER_MOL_K * warmth)
        diffusion = math.exp(-_DIFFUSION_J_PER_MOL / _GAS_J_PER_MOL_K * warmth)
        former = alloy["Al"] + alloy["Ti"]
        lever = max(0.0, (former - soluble) / (_FORMER_IN_PARTICLE - soluble))
        nickel = _MOST_OF_NICKEL * alloy["Ni"] / (1.0 - _FORMER_IN_PARTICLE)
        formed = -math.expm1(-((self._ageing_s * diffusion / _FORMING_S) ** _AVRAMI))
        grown = _COARSENING_M3_PER_S * diffusion * _REFERENCE_K / self._ageing_k * self._ageing_s
        radius_m = math.cbrt(_NUCLEUS_M**3 + grown)
        return Particles(volume_fraction=min(lever, nickel) * formed, radius_m=radius_m)


def _depleted(alloy: Mapping[str, float], particles: float) -> dict[str, float]:
    """Return what is left of an alloy for its matrix when particles have taken their share."""
    former = alloy["Al"] + alloy["Ti"]
    taken = dict.fromkeys(alloy, 0.0)
    if former > 0.0:
        taken["Ni"] = (1.0 - _FORMER_IN_PARTICLE) * particles
        taken["Al"] = _FORMER_IN_PARTICLE * particles * alloy["Al"] / former
        taken["Ti"] = _FORMER_IN_PARTICLE * particles * alloy["Ti"] / former
    return {name: (share - taken[name]) / (1.0 - particles) for name, share in alloy.items()}


def _matrix(alloy: Mapping[str, float]) -> Matrix:
    """Return the elastic constants and misfits of a solid solution, by Vegard's rule."""
    volume = sum(share * _METALS[name].volume_a3 for name, share in alloy.items())
    misfit = sum(share * (_METALS[name].volume_a3 - volume) ** 2 for name, share in alloy.items())
    modulus = sum(share * _METALS[name].shear_modulus_gpa for name, share in alloy.items())
    return Matrix(
        shear_modulus_pa=modulus * 1e9,
        poisson_ratio=sum(share * _METALS[name].poisson_ratio for name, share in alloy.items()),
        burgers_m=math.cbrt(4.0 * volume) / math.sqrt(2.0) * 1e-10,
        misfit_m6=misfit * 1e-60,
    )

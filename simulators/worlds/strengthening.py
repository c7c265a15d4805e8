"""What makes a face-centred cubic alloy strong: solutes that do not fit, and particles.

Formulas only, in SI units unless a name says otherwise; which alloy they are used for is not
known here.
"""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["Matrix", "Particles", "precipitation_strength_mpa", "solute_strength_mpa"]

_TAYLOR: Final = 3.06
_LINE_TENSION: Final = 0.123
_BOLTZMANN_J_PER_K: Final = 1.380649e-23
_LOG_OF_RATES: Final = math.log(1e4 / 1e-3)
"""Reference strain rate, 1e4 per second, over that of the tensile test, 1e-3 per second."""
_STRESS_CORE: Final = 0.35
_ENERGY_CORE: Final = 5.70
_PA_PER_MPA: Final = 1e6

_COHERENCY: Final = 2.6
_MISFIT_STRAIN: Final = 0.0017
"""Two thirds of a lattice misfit of 0.26 %."""
_BOUNDARY_J_PER_M2: Final = 0.12


@dataclass(frozen=True, slots=True)
class Matrix:
    """The solid solution that dislocations move in."""

    shear_modulus_pa: float
    """Above 0."""
    poisson_ratio: float
    """0 to 0.5, neither of them."""
    burgers_m: float
    """Length of the Burgers vector, above 0."""
    misfit_m6: float
    """Mean square of the misfit volumes of the solutes, in m6, at least 0."""


@dataclass(frozen=True, slots=True)
class Particles:
    """Coherent, ordered particles in the matrix."""

    volume_fraction: float
    """0 to 0.7."""
    radius_m: float
    """Mean radius, above 0."""


def solute_strength_mpa(matrix: Matrix, temperature_k: float) -> float:
    """Return the yield strength of a random solid solution, in MPa, [Varvenne2016]_.

    Args:
        matrix: Its elastic constants and misfits.
        temperature_k: Of the tensile test, above 0.
    """
    if matrix.misfit_m6 <= 0.0:
        return 0.0
    misfit = matrix.misfit_m6 / matrix.burgers_m**6
    poisson = (1.0 + matrix.poisson_ratio) / (1.0 - matrix.poisson_ratio)
    stress_pa = (
        0.051
        * _LINE_TENSION ** (-1 / 3)
        * matrix.shear_modulus_pa
        * poisson ** (4 / 3)
        * _STRESS_CORE
        * misfit ** (2 / 3)
    )
    barrier_j = (
        0.274
        * _LINE_TENSION ** (1 / 3)
        * matrix.shear_modulus_pa
        * matrix.burgers_m**3
        * poisson ** (2 / 3)
        * _ENERGY_CORE
        * misfit ** (1 / 3)
    )
    heat = _BOLTZMANN_J_PER_K * temperature_k * _LOG_OF_RATES / barrier_j
    cold = 1.0 - heat ** (2 / 3)
    # Below half of the athermal stress the theory changes from its cold to its hot form.
    share = cold if cold > 0.5 else math.exp(-heat / 0.57)
    return float(_TAYLOR * stress_pa * share / _PA_PER_MPA)


def precipitation_strength_mpa(matrix: Matrix, particles: Particles) -> float:
    """Return what particles add to the yield strength, in MPa, as put together in [He2016]_.

    They are cut while they are small, for the greater of the price of their strain and the price
    of the wrong order behind the dislocation, and passed by loops once that is cheaper.

    Args:
        matrix: What they are in.
        particles: How many and how large.
    """
    if particles.volume_fraction <= 0.0:
        return 0.0
    cut = max(_strain_pa(matrix, particles), _order_pa(matrix, particles))
    return min(cut, _orowan_pa(matrix, particles)) / _PA_PER_MPA


def _strain_pa(matrix: Matrix, particles: Particles) -> float:
    """Return the stress that cuts particles in spite of their coherency strain."""
    crowded = particles.radius_m * particles.volume_fraction
    line = 0.5 * matrix.shear_modulus_pa * matrix.burgers_m
    strained = (matrix.shear_modulus_pa * _MISFIT_STRAIN) ** 1.5
    return float(_TAYLOR * _COHERENCY * strained * math.sqrt(crowded / line))


def _order_pa(matrix: Matrix, particles: Particles) -> float:
    """Return the stress that makes antiphase boundary in ordered particles."""
    shadowed = math.sqrt(3.0 * math.pi * particles.volume_fraction / 8.0)
    return 0.81 * _TAYLOR * _BOUNDARY_J_PER_M2 / (2.0 * matrix.burgers_m) * shadowed


def _orowan_pa(matrix: Matrix, particles: Particles) -> float:
    """Return the stress that bows dislocations between particles."""
    mean_m = math.sqrt(2.0 / 3.0) * particles.radius_m
    gap_m = 2.0 * mean_m * (math.sqrt(math.pi / (4.0 * particles.volume_fraction)) - 1.0)
    bowing = 0.4 * matrix.shear_modulus_pa * matrix.burgers_m / math.pi
    bowing /= math.sqrt(1.0 - matrix.poisson_ratio)
    return _TAYLOR * bowing * math.log(2.0 * mean_m / matrix.burgers_m) / gap_m

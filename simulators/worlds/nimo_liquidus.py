"""Computed liquidus temperatures of two ternary systems on a 4 at.% grid."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from typing_extensions import override

from simulators.worlds.table import REACH, CompositionTable
from simulators.worlds.world import Transducer, World

__all__ = ["AlSiZnLiquidus", "CuMgZnLiquidus"]

_LIQUIDUS_SD_K = 1.0


class _Liquidus(World):
    """What both systems share: one table, one outcome ``liquidus_k`` in kelvin."""

    name: ClassVar[str]
    components: ClassVar[tuple[str, ...]]
    transducer: ClassVar[Transducer] = "thermocouple"
    noise_sd: ClassVar[Mapping[str, float]] = {"liquidus_k": _LIQUIDUS_SD_K}
    tolerance: ClassVar[float] = REACH
    file_name: ClassVar[str]
    """The table in the folder ``data``; its fractions are in at.%."""

    def __init__(self) -> None:
        self._table = CompositionTable(self.name, self.file_name, self.components, 0.01)

    @override
    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the liquidus temperature of the nearest row, in kelvin.

        Args:
            fractions: Atomic fractions of the three components, sum 1.

        Raises:
            OffTheMap: No row is within 0.03 in every fraction.
        """
        return {"liquidus_k": self._table.outcome_nearest(fractions)}

    @override
    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, float]:
        """Return one sample's liquidus temperature, in kelvin.

        Args:
            fractions: Atomic fractions of the three components, sum 1.
            rng: Where the spread between samples is drawn from.

        Raises:
            OffTheMap: No row is within 0.03 in every fraction.
        """
        true = self.true_outcomes(fractions)
        return {name: rng.normal(value, self.noise_sd[name]) for name, value in true.items()}


class AlSiZnLiquidus(_Liquidus):
    """The liquidus surface of Al-Si-Zn, 351 compositions."""

    name: ClassVar[str] = "nimo_al_si_zn"
    components: ClassVar[tuple[str, ...]] = ("Al", "Si", "Zn")
    file_name: ClassVar[str] = "al_si_zn_liquidus.csv"


class CuMgZnLiquidus(_Liquidus):
    """The liquidus surface of Cu-Mg-Zn, 351 compositions."""

    name: ClassVar[str] = "nimo_cu_mg_zn"
    components: ClassVar[tuple[str, ...]] = ("Cu", "Mg", "Zn")
    file_name: ClassVar[str] = "cu_mg_zn_liquidus.csv"

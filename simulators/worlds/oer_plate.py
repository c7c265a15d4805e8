"""A measured library of oxygen-evolution catalysts: six metal oxides on a 10 at.% grid."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from typing_extensions import override

from simulators.worlds.table import REACH, CompositionTable
from simulators.worlds.world import Transducer, World

__all__ = ["OerPlate"]


class OerPlate(World):
    """Plate 3496 of [Rohr2020]_, 2121 measured compositions of x1..x6.

    The outcome is ``overpotential_v``, in volts: the nearest measured row, plus the declared
    spread between samples of one composition, which is ours and not part of the data.
    """

    name: ClassVar[str] = "oer_plate_3496"
    components: ClassVar[tuple[str, ...]] = ("x1", "x2", "x3", "x4", "x5", "x6")
    transducer: ClassVar[Transducer] = "electrode"
    noise_sd: ClassVar[Mapping[str, float]] = {"overpotential_v": 0.001}
    tolerance: ClassVar[float] = REACH

    def __init__(self) -> None:
        self._table = CompositionTable(self.name, "oer_plate_3496.csv", self.components, 1.0)

    @override
    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the measured overpotential of the nearest row, in volts.

        Args:
            fractions: Atomic fractions of x1..x6, sum 1.

        Raises:
            OffTheMap: No row is within 0.03 in every fraction.
        """
        return {"overpotential_v": self._table.outcome_nearest(fractions)}

    @override
    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, float]:
        """Return one sample's overpotential, in volts.

        Args:
            fractions: Atomic fractions of x1..x6, sum 1.
            rng: Where the spread between samples is drawn from.

        Raises:
            OffTheMap: No row is within 0.03 in every fraction.
        """
        true = self.true_outcomes(fractions)
        return {name: rng.normal(value, self.noise_sd[name]) for name, value in true.items()}

"""Emulators of measured mixtures whose noise is that of the samples measured more than once."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from simulators.errors import OffTheMap
from simulators.worlds.composition import fractions_in_order, written_out
from simulators.worlds.emulator import KernelMap, KernelSettings, nested_r2
from simulators.worlds.world import Transducer, World

__all__ = ["OpvPhotodegradation", "PerovskiteInstability"]

FloatArray = npt.NDArray[np.float64]
_N_FOLDS = 10


class _Replicated(World):
    """What both share: rows of fractions with one outcome, some of them repeated.

    The map goes through the means of equal compositions. The noise of a sample is drawn from
    the residuals of the repeated compositions, each widened by the root of n / (n - 1) for the
    mean that they were taken from. Between rows it answers, as far as its `tolerance` reaches.
    """

    transducer: ClassVar[Transducer] = "none"
    outcome: ClassVar[str]
    """The outcome's name."""
    file_name: ClassVar[str]
    """The table in the folder ``data``: a column a component, then the outcome."""
    settings: ClassVar[KernelSettings]
    """Those that `settings_chosen` chooses from all rows."""
    published_r2: ClassVar[float]
    """Cross-validated share of variance foretold, settings chosen within each of ten folds."""

    def __init__(self) -> None:
        path = Path(__file__).parent / "data" / self.file_name
        rows = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float64, ndmin=2)
        closed = rows[:, :-1] / rows[:, :-1].sum(axis=1, keepdims=True)
        self.compositions: FloatArray
        """`` `n x d` ``, every measured composition once."""
        self.compositions, self._row_of = np.unique(closed.round(6), axis=0, return_inverse=True)
        counts = np.bincount(self._row_of)
        self.means: FloatArray = np.bincount(self._row_of, rows[:, -1]) / counts
        """`` `n` ``, the mean outcome of each composition."""
        repeats = counts[self._row_of]
        is_repeated = repeats > 1
        missed = (rows[:, -1] - self.means[self._row_of])[is_repeated]
        widened = np.sqrt(repeats[is_repeated] / (repeats[is_repeated] - 1.0))
        self.residuals: FloatArray = missed * widened
        """What repeated samples differ by from their mean, widened; their sum is 0."""
        self._map = KernelMap(self.compositions, self.means, self.settings)

    def cross_validated_r2(self) -> float:
        """Return the figure that `published_r2` publishes, computed again; takes seconds."""
        order = np.random.default_rng(0).permutation(len(self.means))
        return nested_r2(self.compositions, self.means, order % _N_FOLDS)

    @override
    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the map's outcome.

        Args:
            fractions: Fractions of the components, sum 1 within 0.03.

        Raises:
            OffTheMap: The composition is none, or too far from every measured one.
        """
        asked = fractions_in_order(self.name, self.components, fractions)
        away = float(np.abs(self.compositions - asked).max(axis=1).min())
        if away > self.tolerance:
            reason = f"the nearest row is {away:.4f} away in one fraction"
            raise OffTheMap(
                self.name, written_out(fractions), f"{reason}, allowed is {self.tolerance}"
            )
        return {self.outcome: float(self._map.at(asked[None, :])[0])}

    @override
    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, float]:
        """Return one sample's outcome, with the residual of some sample that was repeated.

        Args:
            fractions: As for `true_outcomes`.
            rng: Where the residual is drawn from.

        Raises:
            OffTheMap: The composition is none, or too far from every measured one.
        """
        true = self.true_outcomes(fractions)
        return {name: value + float(rng.choice(self.residuals)) for name, value in true.items()}


class PerovskiteInstability(_Replicated):
    """Instability under heat, damp and light of mixed lead iodides, [Liang2021]_.

    139 films of 94 compositions. The outcome is ``instability_index`` in the source's unit, the
    change of colour summed over the test; small is good.
    """

    name: ClassVar[str] = "perovskite_instability"
    components: ClassVar[tuple[str, ...]] = ("CsPbI", "FAPbI", "MAPbI")
    outcome: ClassVar[str] = "instability_index"
    noise_sd: ClassVar[Mapping[str, float]] = {"instability_index": 95_738.0}
    tolerance: ClassVar[float] = 0.1
    made_sd: ClassVar[float] = 0.005
    file_name: ClassVar[str] = "perovskite_instability.csv"
    settings: ClassVar[KernelSettings] = KernelSettings(length=0.8, nugget=0.001)
    published_r2: ClassVar[float] = 0.739


class OpvPhotodegradation(_Replicated):
    """Photodegradation of blends for organic solar cells, [Hase2021]_.

    1040 films of 1020 compositions. The outcome is ``photodegradation`` in the source's arbitrary
    unit; small is good.
    """

    name: ClassVar[str] = "opv_photodegradation"
    components: ClassVar[tuple[str, ...]] = ("WF3", "P3HT", "PCBM", "oIDTBR")
    outcome: ClassVar[str] = "photodegradation"
    noise_sd: ClassVar[Mapping[str, float]] = {"photodegradation": 0.029733}
    tolerance: ClassVar[float] = 0.05
    made_sd: ClassVar[float] = 0.005
    file_name: ClassVar[str] = "opv_photodegradation.csv"
    settings: ClassVar[KernelSettings] = KernelSettings(length=0.8, nugget=0.001)
    published_r2: ClassVar[float] = 0.781

"""What a campaign sees of a failure region, and of a world that no source-meter can see."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from simulators.cells import OVERFLOW, Cell, cell_for
from simulators.errors import SynthesisFailed
from simulators.plumbing import Plumbing, Substance, Vessel
from simulators.worlds import Transducer, World, world_named


class _Brittle(World):
    """Half and half of two metals crumbles; either of them alone conducts."""

    name: ClassVar[str] = "brittle"
    components: ClassVar[tuple[str, ...]] = ("left", "right")
    transducer: ClassVar[Transducer] = "electrode"
    noise_sd: ClassVar[Mapping[str, float]] = {"overpotential_v": 0.001}
    failure_region: ClassVar[str] = "anything mixed"

    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        if len(fractions) > 1:
            raise SynthesisFailed(self.name, str(fractions), "it crumbles")
        return {"overpotential_v": 0.4}

    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, float]:
        return self.true_outcomes(fractions)


def cell_in(world: World, contents: dict[str, float]) -> Cell:
    vessels = {"cell": Vessel(10_000.0, is_sealed=False)}
    plumbing = Plumbing(vessels, dict.fromkeys(world.components, Substance(1.0, 1.0)))
    plumbing.pour("cell", contents, 0.0)
    return cell_for(world, plumbing, "cell", (1, 2), np.random.default_rng(0))


def test_a_sample_that_failed_reads_as_an_overflow_never_as_a_number() -> None:
    assert cell_in(_Brittle(), {"left": 2000.0}).voltage_v(1e-2, 0.0) < 2.0
    assert cell_in(_Brittle(), {"left": 1000.0, "right": 1000.0}).voltage_v(1e-2, 0.0) == OVERFLOW


def test_a_world_without_a_transducer_is_an_open_circuit() -> None:
    world = world_named("age_hardened_alloy")

    assert cell_in(world, {"Ni": 2000.0}).voltage_v(1e-2, 0.0) == OVERFLOW
    assert world.temperature_factor({"Ni": 1.0}, 100.0) == 1.0

"""What a source-meter sees of a sample."""

import numpy as np
import pytest

from simulators.cells import OVERFLOW, Cell, Resistor, cell_for
from simulators.plumbing import Plumbing, Substance, Vessel
from simulators.thermocouple import type_k_voltage_v
from simulators.worlds import world_named


def cell_with(world_name: str, contents: dict[str, float]) -> tuple[Cell, Plumbing]:
    world = world_named(world_name)
    vessels = {"cell": Vessel(10_000.0, is_sealed=False)}
    plumbing = Plumbing(vessels, dict.fromkeys(world.components, Substance(1.0, 1.0)))
    plumbing.pour("cell", contents, 0.0)
    cell = cell_for(world, plumbing, "cell", (1, 2), np.random.default_rng(0))
    return cell, plumbing


def test_an_electrode_follows_tafel_and_ohm() -> None:
    cell, _ = cell_with("oer_plate_3496", {"x1": 2000.0})

    at_1, at_10, at_100 = (
        np.mean([cell.voltage_v(current_a, 0.0) for _ in range(100)])
        for current_a in (1e-3, 1e-2, 1e-1)
    )

    assert at_10 == pytest.approx(1.229 + 0.373778 + 0.02, abs=0.004)
    assert at_10 - at_1 == pytest.approx(0.06 + 2.0 * 9e-3, abs=2e-4)
    assert at_100 - at_10 == pytest.approx(0.06 + 2.0 * 90e-3, abs=2e-4)


@pytest.mark.parametrize(
    "contents", [{}, {"x1": 200.0}, dict.fromkeys(["x1", "x2", "x3", "x4", "x5"], 400.0)]
)
def test_without_a_sample_that_is_known_there_is_an_overflow(contents: dict[str, float]) -> None:
    cell, _ = cell_with("oer_plate_3496", contents)

    assert cell.voltage_v(1e-2, 0.0) == OVERFLOW


def test_a_sample_keeps_its_outcome_and_the_next_has_another() -> None:
    cell, plumbing = cell_with("oer_plate_3496", {"x1": 2000.0})

    def mean_v() -> float:
        return float(np.mean([cell.voltage_v(1e-2, 0.0) for _ in range(400)]))

    first, again = mean_v(), mean_v()
    plumbing.draw("cell", 5000.0, 1.0)
    plumbing.pour("cell", {"x1": 2000.0}, 2.0)

    assert first == pytest.approx(again, abs=5e-5)
    assert abs(mean_v() - first) > 1e-4


def test_a_melt_cools_stands_still_and_cools_on() -> None:
    cell, _ = cell_with("nimo_al_si_zn", {"Al": 240.0, "Zn": 1760.0})

    trace = np.array([cell.voltage_v(0.0, float(time_s)) for time_s in range(180)])

    liquidus_v = type_k_voltage_v(656.14 - 273.15)
    is_still = np.abs(trace - liquidus_v) < 120e-6
    assert trace[0] == pytest.approx(type_k_voltage_v(656.14 + 40.0 - 273.15), abs=1.5e-4)
    assert 45 <= is_still.sum() <= 60
    assert trace[-1] < liquidus_v - 500e-6


def test_a_melt_left_alone_is_heated_again() -> None:
    cell, _ = cell_with("nimo_al_si_zn", {"Al": 240.0, "Zn": 1760.0})

    hot, cooler, hot_again = (cell.voltage_v(0.0, time_s) for time_s in (0.0, 30.0, 200.0))

    assert cooler < hot - 1e-4
    assert hot_again == pytest.approx(hot, abs=2e-5)


def test_a_melt_beyond_the_thermocouple_overflows() -> None:
    cell, _ = cell_with("nimo_al_si_zn", {"Si": 2000.0})

    assert cell.voltage_v(0.0, 0.0) == OVERFLOW


def test_a_resistor_obeys_ohm() -> None:
    assert Resistor(1000.0).voltage_v(1e-3, 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("temperature_c", "millivolts"),
    [(0.0, 0.0), (100.0, 4.096), (500.0, 20.644), (1000.0, 41.276), (1372.0, 54.886)],
)
def test_type_k_is_the_published_table(temperature_c: float, millivolts: float) -> None:
    assert type_k_voltage_v(temperature_c) * 1e3 == pytest.approx(millivolts, abs=5e-4)


@pytest.mark.parametrize("temperature_c", [-1.0, 1373.0, float("nan")])
def test_type_k_refuses_what_the_table_has_not(temperature_c: float) -> None:
    with pytest.raises(ValueError, match="type K"):
        type_k_voltage_v(temperature_c)


def test_a_voltage_drives_the_current_that_would_bring_it_about() -> None:
    cell, _ = cell_with("oer_plate_3496", {"x1": 2000.0})
    empty, _ = cell_with("oer_plate_3496", {})

    wanted_v = float(np.mean([cell.voltage_v(2e-2, 0.0) for _ in range(100)]))
    got_a = float(np.mean([cell.current_a(wanted_v, 0.0) for _ in range(20)]))

    assert got_a == pytest.approx(2e-2, rel=0.02)
    assert empty.current_a(1.5, 0.0) == 0.0

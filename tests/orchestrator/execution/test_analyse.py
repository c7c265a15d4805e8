"""Readings become an observation under the composition that was made, or a failed measurement."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.events import (
    ExperimentStarted,
    JobFinished,
    JobStarted,
    LoggedReading,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.point import Candidate
from orchestrator.execution.analyse import Analysed, analyse
from orchestrator.execution.executor import Done, Order
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for
from tests.support.benches import on_virtual_time, small_rig
from tests.support.recipes import RECIPE, compiled, small_campaign

POINT = {"x1": 0.3, "x2": 0.7, "rate_ul_per_min": 1000.0, "wait_s": 10.0, "gas": "argon"}
START = datetime(2026, 1, 1, tzinfo=UTC)
CURRENTS_A = tuple(0.001 * 50 ** (i / 24) for i in range(25))
DENSITIES = {"x1": 1.05, "x2": 1.0}

Readings = Mapping[str, tuple[LoggedReading, ...]]


def sweep(overpotential_v: float) -> tuple[LoggedReading, ...]:
    volts = tuple(
        1.229 + overpotential_v + 0.06 * math.log10(current / 0.01) + 2.0 * current
        for current in CURRENTS_A
    )
    return (
        LoggedReading(name="current_a", value=CURRENTS_A),
        LoggedReading(name="voltage_v", value=volts),
    )


def weighed(volumes_ml: Mapping[str, float]) -> Readings:
    masses = {}
    mass_g = 0.0
    for component, volume_ml in volumes_ml.items():
        mass_g += volume_ml * DENSITIES[component]
        masses[f"weigh_{component}"] = (LoggedReading(name="mass_g", value=mass_g),)
    return {"tare": (LoggedReading(name="tare_g", value=31.4),), **masses}


def experiment_with(readings: Readings, recipe: str = RECIPE) -> ExperimentState:
    jobs = compiled(small_campaign(recipe)).jobs_for(POINT, "E0001")
    started = ExperimentStarted(
        experiment_id="E0001",
        number=1,
        candidate=Candidate(point=POINT),
        jobs=jobs,
        cost_usd=0.0,
    )
    state = ExperimentState.from_start(started, START)
    for job in jobs:
        state = state.after(JobStarted(job_id=job.job_id, attempt=1, epoch=1), START)
        found = readings.get(job.name, ())
        state = state.after(JobFinished(job_id=job.job_id, readings=found), START)
    return state


def analysed(
    readings: Readings, recipe: str = RECIPE, constraints: tuple[str, ...] = ()
) -> Analysed:
    campaign = small_campaign(recipe, constraints=constraints)
    return analyse(campaign, small_rig(), experiment_with(readings, recipe))


def test_the_observation_stands_under_the_composition_that_was_made() -> None:
    found = analysed({**weighed({"x1": 0.62, "x2": 1.38}), "sweep": sweep(0.35)})

    assert found.cause is None
    assert found.observation is not None
    observation = found.observation.observation
    assert observation.point["x1"] == pytest.approx(0.31)
    assert observation.point["gas"] == "argon"
    assert observation.values == pytest.approx({"overpotential_v": 0.35}, abs=1e-6)
    assert set(observation.sds) == {"overpotential_v"}
    assert found.observation.computed["cost_usd_per_mol"] == pytest.approx(8 * 0.31 + 2 * 0.69)
    assert [one.quality for one in found.results] == ["good", "good"]
    assert found.results[0].values["x1"] == pytest.approx(0.31)


def test_without_a_composition_analysis_the_point_is_taken_as_asked() -> None:
    first = RECIPE.index("[[recipe.analysis]]")
    second = RECIPE.index("[[recipe.analysis]]", first + 1)
    found = analysed({"sweep": sweep(0.35)}, RECIPE[:first] + RECIPE[second:])

    assert found.observation is not None
    assert found.observation.observation.point == POINT


def test_masses_that_do_not_add_up_leave_nothing_to_be_learnt() -> None:
    found = analysed({**weighed({"x1": 0.62, "x2": 0.3}), "sweep": sweep(0.35)})

    assert found.observation is None
    assert found.cause == "measurement"
    assert found.reason.startswith("composition_by_mass: all doses weigh")
    assert [one.quality for one in found.results] == ["bad", "good"]


def test_a_bad_flag_is_a_failed_measurement_and_never_a_number() -> None:
    overflow = (
        LoggedReading(name="current_a", value=CURRENTS_A),
        LoggedReading(name="voltage_v", value=(9.9e37,) * 25),
    )
    found = analysed({**weighed({"x1": 0.6, "x2": 1.4}), "sweep": overflow})

    assert (found.observation, found.cause) == (None, "measurement")
    assert "overpotential_from_sweep: " in found.reason


def test_a_missing_reading_is_a_failed_measurement() -> None:
    found = analysed(weighed({"x1": 0.6, "x2": 1.4}))

    assert (found.observation, found.cause) == (None, "measurement")


def test_a_made_point_that_breaks_a_constraint_is_kept_and_told() -> None:
    found = analysed(
        {**weighed({"x1": 0.62, "x2": 1.38}), "sweep": sweep(0.35)},
        constraints=("x1 <= 0.3", "x2 <= 0.9"),
    )

    assert found.observation is not None
    assert found.reason == "as-made breaks `x1 <= 0.3`"
    assert found.results[0].reason.endswith("; as-made breaks `x1 <= 0.3`")


def test_a_point_as_asked_on_the_edge_of_a_constraint_breaks_nothing() -> None:
    first = RECIPE.index("[[recipe.analysis]]")
    second = RECIPE.index("[[recipe.analysis]]", first + 1)
    found = analysed(
        {"sweep": sweep(0.35)}, RECIPE[:first] + RECIPE[second:], constraints=("x1 <= 0.3",)
    )

    assert found.reason == ""


@pytest.mark.slow
def test_a_whole_experiment_on_the_bench_gives_what_was_asked_within_the_pumps_errors() -> None:
    rig = small_rig()
    jobs = compiled(small_campaign()).jobs_for(POINT, "E0001")

    async def main(clock: VirtualClock) -> dict[str, tuple[LoggedReading, ...]]:
        bench = bench_for(rig, clock, seed=11)
        executor = LocalExecutor(rig, {name: bench.line(name) for name in rig.lines}, clock)
        await executor.connect()
        readings = {}
        for job in jobs:
            outcome = await executor.perform(
                Order.for_job(
                    "oer-1",
                    job,
                    attempt=1,
                    started_time=clock.now(),
                    epoch=1,
                    not_after=clock.monotonic_s() + 1.0,
                )
            )
            assert isinstance(outcome, Done), outcome
            readings[job.name] = outcome.readings
        await executor.close()
        return readings

    found = analyse(small_campaign(), rig, experiment_with(on_virtual_time(main)))

    assert found.observation is not None, found.reason
    made = found.observation.observation
    assert made.point["x1"] == pytest.approx(0.3, abs=0.01)
    assert 0.2 < made.values["overpotential_v"] < 0.6
    assert 0.0 < made.sds["overpotential_v"] < 0.01

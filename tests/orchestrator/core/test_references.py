"""Reference samples: when they are made, that nothing learns from them, and what drift is."""

import random

import pytest

from orchestrator.core.drift import N_BASELINE, drift_conditions
from orchestrator.core.events import (
    CandidatesProposed,
    EngineAttached,
    ExperimentFinished,
    ExperimentStarted,
    ObservationAmended,
    ObservationRecorded,
    ObservationRetracted,
)
from orchestrator.core.intents import StartReference
from orchestrator.core.point import Candidate, Observation
from orchestrator.core.references import is_reference_due, reference_candidate
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import opening, small_campaign

REFERENCE = "[reference]\nevery_n_experiments = 2\npoint = { a = 0.3, b = 0.7 }\n"
EXPECTED = '[[reference.expected]]\nname = "y"\nvalue = 1.0\ntolerance = 0.1\n'


def test_every_n_experiments_a_reference_is_made_that_counts_for_nothing():
    spec = small_campaign(in_flight=1, max_experiments=5, more=REFERENCE)
    bench = DiceBench(spec, random.Random(1), trouble=0.0)

    *_, (state, _) = bench.run()

    purposes = [experiment.purpose for experiment in state.experiments]
    assert purposes == ["search", "search", "reference", "search", "search", "reference", "search"]
    assert (state.n_searched, len(state.observations), len(state.references)) == (5, 5, 2)
    assert reference_candidate(state).point == {"a": 0.3, "b": 0.7}


def test_the_reference_comes_before_the_planner_is_asked():
    bench = _bench()
    for number in (1, 2):
        _observe(bench, number, 0.0, purpose="search")

    assert is_reference_due(bench.state())
    assert bench.intents() == (StartReference(),)


def _bench(more: str = "") -> DiceBench:
    spec = small_campaign(in_flight=1, max_experiments=90, more=REFERENCE + more)
    bench = DiceBench(spec, random.Random(0), trouble=0.0)
    bench.append(opening(spec), EngineAttached(epoch=1))
    return bench


def _observe(bench: DiceBench, number: int, y: float, *, purpose: str = "reference") -> None:
    name = f"E{number:04d}"
    candidate = Candidate(point={"a": 0.3, "b": 0.7})
    if purpose == "search":
        bench.append(
            CandidatesProposed(
                proposal=number,
                planner="dice",
                method="dice",
                reason="",
                n_observations=0,
                candidates=(candidate,),
            )
        )
    bench.append(
        ExperimentStarted(
            experiment_id=name,
            number=number,
            candidate=candidate,
            jobs=(),
            cost_usd=0,
            purpose=purpose,
        ),
        ObservationRecorded(
            experiment_id=name, observation=Observation(point=candidate.point, values={"y": y})
        ),
        ExperimentFinished(experiment_id=name),
    )


@pytest.mark.parametrize(("value", "drifts"), [(1.05, False), (1.11, True), (0.89, True)])
def test_a_result_outside_its_tolerance_is_drift(value, drifts):
    bench = _bench(EXPECTED)

    _observe(bench, 1, value)

    found = drift_conditions(bench.state())
    assert [one.experiment_id for one in found] == (["E0001"] if drifts else [])


def test_a_result_back_within_its_tolerance_is_none():
    bench = _bench(EXPECTED)
    for number, value in enumerate((1.5, 1.0), start=1):
        _observe(bench, number, value)

    assert drift_conditions(bench.state()) == ()


def test_a_retracted_reference_says_nothing_and_an_amended_one_what_it_says_now():
    bench = _bench(EXPECTED)
    _observe(bench, 1, 1.5)
    bench.append(ObservationRetracted(experiment_id="E0001", reason="wrong vial"))
    after_retraction = drift_conditions(bench.state())
    seen = Observation(point={"a": 0.3, "b": 0.7}, values={"y": 1.4})
    bench.append(ObservationAmended(experiment_id="E0001", observation=seen, reason="right vial"))

    assert after_retraction == ()
    assert "1.4" in drift_conditions(bench.state())[0].message


def test_a_slow_shift_is_noticed_that_no_single_result_shows():
    dice = random.Random(4)
    bench = _bench()
    for number in range(1, N_BASELINE + 1):
        _observe(bench, number, dice.gauss(1.0, 0.05))
    steady = drift_conditions(bench.state())
    for step in range(1, 13):
        _observe(bench, N_BASELINE + step, dice.gauss(1.0 + 0.02 * step, 0.05))

    found = drift_conditions(bench.state())

    assert steady == ()
    assert "drifts upwards" in found[0].message


def test_a_steady_bench_does_not_drift():
    dice = random.Random(7)
    bench = _bench()
    for number in range(1, 41):
        _observe(bench, number, dice.gauss(1.0, 0.05))

    assert drift_conditions(bench.state()) == ()


def test_results_without_any_spread_drift_as_soon_as_they_differ():
    bench = _bench()
    for number in range(1, N_BASELINE + 2):
        _observe(bench, number, 1.0)
    steady = drift_conditions(bench.state())
    _observe(bench, N_BASELINE + 2, 1.01)

    assert steady == ()
    assert "was always 1" in drift_conditions(bench.state())[0].message

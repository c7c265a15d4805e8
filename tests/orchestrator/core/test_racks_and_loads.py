"""Places with several samples, orders that do a load, samples that spoil: what may never happen."""

import random
from collections import defaultdict
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.experiment import ExperimentStatus
from orchestrator.core.intents import RunJob
from orchestrator.core.job import JobStatus
from orchestrator.core.occupancy import Occupancy, Stay
from tests.support.dice_bench import DiceBench
from tests.support.dice_rig import CAPACITIES, SLOTS, STANDS_S
from tests.support.pretend_campaigns import small_campaign


def _check_slots(state: CampaignState) -> None:
    owners: dict[tuple[str, int], str] = {}
    for experiment in state.open_experiments.values():
        for place in experiment.places_held():
            slot = experiment.slots.get(place, 1)
            assert 1 <= slot <= SLOTS.get(place, 1)
            assert (place, slot) not in owners, f"slot {slot} of {place} holds two samples"
            owners[place, slot] = experiment.experiment_id


def _check_loads(state: CampaignState) -> None:
    loads = defaultdict(list)
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            if job.status is JobStatus.STARTED:
                loads[job.instrument].append(job)
    for instrument, jobs in loads.items():
        assert len(jobs) <= CAPACITIES.get(instrument, 1), f"{instrument} does too many"
        assert len({job.led_by or job.planned.job_id for job in jobs}) == 1, "two orders at once"
        assert len({(job.planned.action, str(job.planned.arguments)) for job in jobs}) == 1


def _check_waits(state: CampaignState) -> None:
    for experiment in [*state.open_experiments.values(), *state.closed_experiments]:
        read, move = experiment.jobs["read"], experiment.jobs["move"]
        if read.started_time is not None and move.ended_time is not None:
            waited = read.started_time - move.ended_time
            assert waited <= timedelta(seconds=STANDS_S), "it was read though it was spoilt"
        if experiment.status is ExperimentStatus.DONE:
            assert not experiment.spoilt


@given(seed=st.integers(0, 10**9), trouble=st.floats(0.0, 0.6), in_flight=st.integers(1, 6))
def test_no_slot_no_load_and_no_wait_is_broken(seed: int, trouble: float, in_flight: int) -> None:
    spec = small_campaign(in_flight=in_flight, max_experiments=8)
    bench = DiceBench(spec, random.Random(seed), trouble, has_racks=True)
    last = None

    for state, _ in bench.run():
        _check_slots(state)
        _check_loads(state)
        last = state

    assert last is not None
    _check_waits(last)
    if trouble == 0.0:
        assert last.status is CampaignStatus.FINISHED


def test_loads_are_really_shared() -> None:
    sizes: set[int] = set()
    for seed in range(20):
        spec = small_campaign(in_flight=6, max_experiments=8)
        for _, intents in DiceBench(spec, random.Random(seed), 0.0, has_racks=True).run():
            sizes |= {1 + len(one.companions) for one in intents if isinstance(one, RunJob)}

    assert {1, 2} <= sizes <= {1, 2, 3}


def test_a_sample_that_stood_too_long_is_spoilt_and_cleaned_up() -> None:
    spoilt = []
    for seed in range(40):
        spec = small_campaign(in_flight=6, max_experiments=8)
        bench = DiceBench(spec, random.Random(seed), 0.2, has_racks=True)
        *_, (state, _) = bench.run()
        spoilt += [one for one in state.closed_experiments if one.cause == "spoilt"]

    assert spoilt
    for one in spoilt:
        assert "could not begin within" in one.spoilt
        read = one.jobs["read"]
        assert read.status is not JobStatus.DONE or read.answer, "a person may say that it ran"


def test_room_is_counted_slot_by_slot() -> None:
    room = Occupancy({"rack": 2}, [Stay("rack", "E1", 2), Stay("cell", "E1")], {"oven": "c-1/E9"})

    assert room.why_not(["rack"], "E2") == ()
    assert room.occupy(["rack"], "E2") == {"rack": 1}
    assert room.occupy(["rack"], "E2") == {"rack": 1}, "it stands there already"
    assert room.why_not(["rack"], "E3") == ("E1", "E2")
    assert room.why_not(["cell"], "E1") == ()
    assert room.why_not(["cell", "oven"], "E2") == ("E1", "c-1/E9")
    assert room.occupy(["pan"], "E2") == {}

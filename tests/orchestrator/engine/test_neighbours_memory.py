"""What an engine keeps of the other campaigns on its bench: where their samples stand."""

from dataclasses import replace

from orchestrator.core.events import (
    ExperimentFailed,
    ObservationAmended,
    ObservationGiven,
    ObservationRetracted,
)
from orchestrator.engine.neighbours import Neighbours
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import StateKeeper, recovered_state
from tests.support.long_campaign import MADE, OPENING, STREAM, CountingLog, append, begun, ended


def neighbours(log: MemoryLog) -> Neighbours:
    own = recovered_state(log, OPENING.campaign_id).state
    found = Neighbours(log, replace(own, campaign_id="own-1"))
    found.catch_up()
    return found


def test_a_correction_of_what_was_forgotten_changes_nothing_about_places():
    log = MemoryLog()
    append(log, OPENING)
    found = neighbours(log)
    for number in range(1, 101):
        append(log, *ended(number))
    append(log, *begun(101))
    found.catch_up()
    before = found.others().stays()

    append(log, ObservationAmended(experiment_id="E0003", observation=MADE, reason="weighed"))
    append(log, ObservationRetracted(experiment_id="E0004", reason="wrong vial"), *ended(102))
    found.catch_up()

    assert found.others().stays() == before
    assert found.versions == {STREAM: 1 + 4 * 101 + 2 + 2}
    assert found.versions == neighbours(log).versions


def test_a_result_given_by_hand_to_what_was_forgotten_changes_nothing_about_places():
    log = MemoryLog()
    lost = ExperimentFailed(experiment_id="E0001", cause="measurement", reason="")
    append(log, OPENING, *begun(1), lost)
    found = neighbours(log)
    for number in range(2, 102):
        append(log, *ended(number))
    append(log, *begun(102))
    found.catch_up()
    before = found.others().stays()

    given = ObservationGiven(
        experiment_id="E0001", observation=MADE, composition="asked", reason="by hand"
    )
    append(log, given)
    found.catch_up()

    assert found.others().stays() == before
    assert found.versions == neighbours(log).versions


def test_an_engine_that_starts_does_not_read_the_whole_past_of_a_neighbour():
    log = CountingLog()
    append(log, OPENING)
    for number in range(1, 101):
        append(log, *ended(number))
    found = recovered_state(log, OPENING.campaign_id)
    *_, last = log.read(stream=STREAM)
    StateKeeper(log, STREAM, 0, every=1).note(found.state, last)

    log.n_read = 0
    known = Neighbours(log, replace(found.state, campaign_id="own-1"))
    known.catch_up()
    append(log, *ended(101))
    known.catch_up()

    assert log.n_read < 20
    assert known.versions == {STREAM: 1 + 4 * 101}

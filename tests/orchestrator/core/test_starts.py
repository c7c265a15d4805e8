"""What is begun must be able to end."""

from orchestrator.core.decide import decide
from orchestrator.core.events import CandidatesProposed, InstrumentLost, PlacesLeftUnclean
from orchestrator.core.intents import StartExperiment
from orchestrator.core.lab import LabState
from orchestrator.core.point import Candidate
from orchestrator.core.starts import why_not_start
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import START, DryRun, oer_campaign

POINT = {"x1": 0.5, "x2": 0.5, "x3": 0.0, "x4": 0.0, "x5": 0.0, "x6": 0.0}


def proposed():
    run = DryRun(MemoryLog(), oer_campaign())
    run.open()
    run.append(
        CandidatesProposed(
            proposal=1,
            planner="sobol",
            method="initial_design",
            reason="",
            n_observations=0,
            candidates=(Candidate(point=POINT),),
        )
    )
    return run.state()


def starts(state, lab):
    intents = decide(state, lab, START, is_planning=False).intents
    return any(isinstance(intent, StartExperiment) for intent in intents)


def test_nothing_is_begun_on_a_place_that_was_left_unclean():
    state, lab = proposed(), LabState()
    left = PlacesLeftUnclean(places=("flow_cell",), campaign_id="another-1", experiment_id="E0003")

    dirty = lab.after(left, START)

    assert starts(state, lab)
    assert not starts(state, dirty)
    reason = why_not_start(state, dirty, state.queue[0])
    assert reason == "flow_cell was left unclean by another-1/E0003"


def test_only_an_instrument_that_the_sample_needs_keeps_it_from_being_begun():
    state, lab = proposed(), LabState()

    without_x1 = lab.after(InstrumentLost(instrument="pump_x1", reason="cable"), START)
    without_x6 = lab.after(InstrumentLost(instrument="pump_x6", reason="cable"), START)

    assert not starts(state, without_x1)
    assert starts(state, without_x6)

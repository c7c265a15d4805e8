"""For every act one valid example, and what has to be true of it; an act without one fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.events import (
    LAB_STREAM,
    AbortRequested,
    AlarmAcknowledged,
    AlarmShelved,
    AlarmUnshelved,
    CampaignHeld,
    CampaignOpened,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    DoubtAnswered,
    EngineAttached,
    Event,
    HoldRequested,
    InstrumentPutBack,
    InstrumentTakenOut,
    JobFailed,
    LatchCleared,
    LatchSet,
    ObservationAmended,
    ObservationGiven,
    ObservationRetracted,
    PauseRequested,
    PlacesCleaned,
    PointAdded,
    PrioritySet,
    ResumeRequested,
    StockCounted,
    StockDiscarded,
    StockReceived,
    StopRequested,
    campaign_stream,
)
from orchestrator.core.point import Observation
from orchestrator.service.acts import ACTS, Act
from tests.support.act_bench import ALARM, OTHER_ALARM, SMALL, TASK, ActBench
from tests.support.recorded_campaign import OPENED

__all__ = ["EXAMPLES", "REASON", "ActExample", "example_of", "possible_act"]

REASON: Final = "Änderung 42: seen with my own eyes"
_STREAM: Final = campaign_stream(SMALL)
_POINT: Final[dict[str, float | str]] = {"Ni": 0.5, "Fe": 0.2, "Co": 0.3, "furnace_c": 400.0}
_OTHER_POINT: Final = {**_POINT, "furnace_c": 450.0}
_SEEN: Final = Observation(point=_POINT, values={"overpotential_v": 0.3})


@dataclass(frozen=True)
class ActExample:
    """An act that is possible on an `ActBench`."""

    fields: Mapping[str, object]
    """Without the reason."""
    says: tuple[str, ...]
    """What its consequence says, among other things: the numbers and names of now."""
    event: type[Event] | None
    """What it appends; None for one that the log keeps by its key alone."""
    heard: tuple[str, ...] = ()
    """What living stations are asked for."""
    before: tuple[Event, ...] = ()
    """What has to have happened for it to be possible."""
    rival: tuple[Event, ...] = ()
    """What somebody else may do to the same thing; empty where only the board can tell."""
    beside: tuple[Event, ...] = ()
    """What somebody else may do to another thing of the same stream."""
    reason_stands: bool = True
    """Whether its event has the reason."""
    prepare: Callable[[ActBench], None] | None = None
    """What has to be done outside the log for it to be possible."""

    def ready(self, bench: ActBench, kind: type[Act]) -> None:
        """Make a bench such that the act is possible."""
        if self.prepare is not None:
            self.prepare(bench)
        if self.before:
            bench.say(*self.before, stream=stream_of(kind), actor="engine")


def stream_of(kind: type[Act]) -> str:
    """Return the stream that an example is about."""
    return _STREAM if "campaign_id" in kind.model_fields else LAB_STREAM


def example_of(name: str, *, reason: str = REASON) -> Act:
    """Return an act of this name.

    Raises:
        KeyError: Nobody wrote an example.
    """
    return ACTS[name].model_validate({**EXAMPLES[name].fields, "reason": reason})


def possible_act(bench: ActBench, name: str) -> Act:
    """Return an act of this name, on a bench on which it is possible then."""
    EXAMPLES[name].ready(bench, ACTS[name])
    return example_of(name)


def _campaign(**more: object) -> dict[str, object]:
    return {"campaign_id": SMALL, **more}


def _amended(experiment_id: str) -> ObservationAmended:
    return ObservationAmended(
        experiment_id=experiment_id, observation=_SEEN, computed={}, reason="drift"
    )


def _acknowledged(alarm: str) -> AlarmAcknowledged:
    return AlarmAcknowledged(alarm=alarm, reason="on my way")


def _taken(bench: ActBench) -> None:
    bench.boards.desk_of(TASK).take(TASK, by="ada")


_MORE_CLEAN: Final = (PlacesCleaned(places=("vessel",), reason="rinsed"),)
_ON_C5: Final = (CandidateApproved(candidate_id="C0005"),)
_MORE_PAUSED: Final = (PauseRequested(reason="x"), ResumeRequested(reason="y"))
_HELD: Final = (HoldRequested(reason="x"), CampaignHeld(reason="x"))
_OUT: Final = (InstrumentTakenOut(instrument="balance", reason="draught"),)
_OTHER_OUT: Final = (InstrumentTakenOut(instrument="pump_x1", reason="leaks"),)
_LATCHED: Final = (LatchSet(source="operator", reason="smoke"),)
_SHELVED: Final = (AlarmShelved(alarm=ALARM, until=OPENED.replace(year=2027), reason="night"),)
_ON_OTHER_ALARM: Final = (_acknowledged(OTHER_ALARM),)
_SHELF: Final = "small-bench"
_STOCKED: Final = (StockReceived(shelf=_SHELF, stock="Ni", lot="N-1", amount=500.0, unit="ml"),)
_COUNTED: Final = (StockCounted(shelf=_SHELF, stock="Ni", lot="N-1", amount=400.0, unit="ml"),)

EXAMPLES: Final[Mapping[str, ActExample]] = {
    "resume": ActExample(
        _campaign(),
        ("2 samples", "E0002"),
        ResumeRequested,
        ("go_on",),
        before=_HELD,
        rival=(ResumeRequested(reason="x"), HoldRequested(reason="y")),
        beside=_ON_C5,
    ),
    "pause": ActExample(
        _campaign(), ("2 samples", "E0003"), PauseRequested, rival=_MORE_PAUSED, beside=_ON_C5
    ),
    "hold": ActExample(
        _campaign(),
        ("1 running job", "2 samples"),
        HoldRequested,
        ("hold",),
        rival=_MORE_PAUSED,
        beside=_ON_C5,
    ),
    "stop": ActExample(
        _campaign(),
        ("1 running job", "2 samples"),
        StopRequested,
        ("stop",),
        rival=_MORE_PAUSED,
        beside=_ON_C5,
    ),
    "abort": ActExample(
        _campaign(),
        ("1 running job", "2 samples"),
        AbortRequested,
        ("abort",),
        rival=_MORE_PAUSED,
        beside=_ON_C5,
    ),
    "set_priority": ActExample(
        _campaign(priority=5, share=2.0),
        ("priority 0", "priority 5", "share 2"),
        PrioritySet,
        rival=(PrioritySet(priority=1, share=1.0, reason="x"),),
        beside=_ON_C5,
    ),
    "approve": ActExample(
        _campaign(candidate_id="C0004"),
        ("C0004",),
        CandidateApproved,
        rival=(CandidateEdited(candidate_id="C0004", point=_POINT, reason="x"),),
        beside=_ON_C5,
    ),
    "reject": ActExample(
        _campaign(candidate_id="C0004"),
        ("C0004",),
        CandidateRejected,
        rival=(CandidateApproved(candidate_id="C0004"),),
        beside=_ON_C5,
    ),
    "edit": ActExample(
        _campaign(candidate_id="C0004", changes={"Ni": 0.3, "Co": 0.5}),
        ("C0004", "0.3", "0.5"),
        CandidateEdited,
        rival=(CandidateApproved(candidate_id="C0004"),),
        beside=_ON_C5,
    ),
    "add_point": ActExample(
        _campaign(point=_POINT),
        ("2 proposed candidates", "400"),
        PointAdded,
        rival=(PointAdded(candidate_id="P0001", point=_POINT, person="bob", reason="x"),),
        beside=(PointAdded(candidate_id="P0001", point=_OTHER_POINT, person="bob", reason="x"),),
    ),
    "answer_doubt": ActExample(
        _campaign(job_id="E0002/dose", answer="did_not_run"),
        ("E0002/dose", "600"),
        DoubtAnswered,
        rival=(
            DoubtAnswered(job_id="E0002/dose", answer="scrap_sample", reason="x"),
            JobFailed(job_id="E0002/dose", error="SampleScrapped", message="x", has_acted=True),
        ),
        beside=_ON_C5,
    ),
    "amend": ActExample(
        _campaign(experiment_id="E0001", values={"overpotential_v": {"value": 0.351}}),
        ("E0001", "0.351"),
        ObservationAmended,
        rival=(_amended("E0001"),),
        beside=_ON_C5,
    ),
    "give_result": ActExample(
        _campaign(experiment_id="E0004", values={"overpotential_v": {"value": 351, "unit": "mV"}}),
        ("E0004", "0.351"),
        ObservationGiven,
        rival=(
            ObservationGiven(
                experiment_id="E0004",
                observation=_SEEN,
                computed={},
                composition="asked",
                reason="x",
            ),
        ),
        beside=(_amended("E0001"),),
    ),
    "retract": ActExample(
        _campaign(experiment_id="E0001"),
        ("E0001",),
        ObservationRetracted,
        rival=(_amended("E0001"),),
        beside=_ON_C5,
    ),
    "emergency_stop": ActExample(
        {},
        ("2 samples",),
        LatchSet,
        ("emergency_stop",),
        rival=(*_LATCHED, LatchCleared(reason="toast")),
        beside=_OTHER_OUT,
    ),
    "clear_latch": ActExample(
        {},
        ("smoke",),
        LatchCleared,
        ("clear_latch",),
        before=_LATCHED,
        rival=(LatchSet(source="operator", reason="fire"),),
        beside=_OTHER_OUT,
    ),
    "take_out": ActExample(
        {"instrument": "balance"},
        ("balance",),
        InstrumentTakenOut,
        ("take_out",),
        rival=(*_OUT, InstrumentPutBack(instrument="balance", reason="mended")),
        beside=_OTHER_OUT,
    ),
    "put_back": ActExample(
        {"instrument": "balance"},
        ("balance",),
        InstrumentPutBack,
        ("put_back",),
        before=_OUT,
        rival=(
            InstrumentPutBack(instrument="balance", reason="mended"),
            InstrumentTakenOut(instrument="balance", reason="or not"),
        ),
        beside=_OTHER_OUT,
    ),
    "clean_places": ActExample(
        {"places": ["cell"]},
        ("cell",),
        PlacesCleaned,
        rival=(PlacesCleaned(places=("cell", "vessel"), reason="rinsed"),),
        beside=_MORE_CLEAN,
    ),
    "receive_stock": ActExample(
        {"stock": "Ni", "lot": "N-2", "amount": 250.0, "unit": "ml", "expires": "2031-01-31"},
        ("250 ml", "N-2", "750 ml"),
        StockReceived,
        before=_STOCKED,
        rival=(
            StockReceived(shelf=_SHELF, stock="Ni", lot="N-2", amount=1.0, unit="ml"),
            StockCounted(shelf=_SHELF, stock="Ni", lot="N-2", amount=1.0, unit="ml"),
        ),
        beside=_COUNTED,
    ),
    "count_stock": ActExample(
        {"stock": "Ni", "lot": "N-1", "amount": 412.5, "unit": "ml"},
        ("412.5 ml", "500 ml were reckoned"),
        StockCounted,
        before=_STOCKED,
        rival=_COUNTED,
        beside=_OTHER_OUT,
    ),
    "discard_stock": ActExample(
        {"stock": "Ni", "lot": "N-1"},
        ("500 ml are written off",),
        StockDiscarded,
        before=_STOCKED,
        rival=_COUNTED,
        beside=_OTHER_OUT,
    ),
    "acknowledge_alarm": ActExample(
        {"alarm": ALARM},
        (ALARM,),
        AlarmAcknowledged,
        rival=(_acknowledged(ALARM),),
        beside=_ON_OTHER_ALARM,
    ),
    "acknowledge_all": ActExample(
        {},
        ("2 alarms",),
        AlarmAcknowledged,
        rival=_ON_OTHER_ALARM,
        beside=_OTHER_OUT,
    ),
    "shelve_alarm": ActExample(
        {"alarm": ALARM, "duration_h": 2.5},
        (ALARM, "2.5 h"),
        AlarmShelved,
        rival=(_acknowledged(ALARM),),
        beside=_ON_OTHER_ALARM,
    ),
    "unshelve_alarm": ActExample(
        {"alarm": ALARM},
        (ALARM,),
        AlarmUnshelved,
        before=_SHELVED,
        rival=(AlarmUnshelved(alarm=ALARM, reason="morning"),),
        beside=_ON_OTHER_ALARM,
    ),
    "start_campaign": ActExample(
        {
            "file_id": "small/1",
            "file_sha256": "0" * 64,
            "rig": "small-bench",
            "rig_sha256": "1" * 64,
        },
        ("small/1", "small-bench", "other-1"),
        CampaignOpened,
        rival=_LATCHED,
        beside=_OTHER_OUT,
        reason_stands=False,
    ),
    "start_again": ActExample(
        _campaign(),
        ("small-bench", "2 samples"),
        EngineAttached,
        rival=(PauseRequested(reason="x"),),
        beside=_ON_C5,
        reason_stands=False,
    ),
    "take_task": ActExample({"task": TASK}, ("sample",), None, beside=_OTHER_OUT),
    "finish_task": ActExample(
        {"task": TASK, "values": {"mass_g": 1.25}, "sds": {"mass_g": 0.01}},
        ("numbers",),
        None,
        beside=_OTHER_OUT,
        prepare=_taken,
    ),
    "refuse_task": ActExample({"task": TASK}, ("fails",), None, beside=_OTHER_OUT, prepare=_taken),
}
"""By name of the act."""

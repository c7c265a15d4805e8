"""Every condition rings once, for what it says, and not before its time."""

from datetime import timedelta

import pytest

from orchestrator.core.alarm_conditions import SignsOfLife, conditions
from orchestrator.core.alarm_kinds import ALARM_KINDS, kind_of
from orchestrator.core.campaign import fold
from orchestrator.core.events import (
    AccessChanged,
    AlarmAcknowledged,
    CampaignHeld,
    CampaignPaused,
    EngineAttached,
    Event,
    ExperimentFailed,
    InstrumentConnected,
    InstrumentLost,
    InstrumentTakenOut,
    InterlockReleased,
    InterlockTripped,
    JobFinished,
    JobOutcomeUnknown,
    JobStarted,
    LatchCleared,
    LatchSet,
    ObservationRecorded,
    PauseRequested,
    PlacesCleaned,
    PlacesLeftUnclean,
    ProposalFailed,
    ResumeRequested,
    StationAttached,
    WatchdogActed,
)
from orchestrator.core.lab import fold_lab
from orchestrator.core.patience import Patience
from orchestrator.core.point import Observation
from tests.support.alarm_bench import NOON, alarm_raised
from tests.support.pretend_campaigns import (
    opening,
    planned_jobs,
    proposed,
    small_campaign,
    started,
)

PATIENCE = Patience()
QUIET = SignsOfLife()
GATED = '[approval]\ngate = "all"\n'
REFERENCE = """
[reference]
every_n_experiments = 2
point = { a = 0.5, b = 0.5 }
[[reference.expected]]
name = "y"
value = 1.0
tolerance = 0.1
"""


def names(
    lab: list[Event],
    campaign: list[Event] | None,
    signs: SignsOfLife = QUIET,
    *,
    after_s: float = 0.0,
    more: str = "",
    calibrate: dict[str, float] | None = None,
) -> list[str]:
    events = [] if campaign is None else [opening(small_campaign(more=more)), *campaign]
    state = fold((event, NOON) for event in events)
    found = conditions(
        fold_lab((event, NOON) for event in lab),
        [state] if state is not None else [],
        signs,
        NOON + timedelta(seconds=after_s),
        PATIENCE,
        calibrate_every_days=calibrate or {},
    )
    for one in found:
        assert one.message
        assert one.what_to_do
        assert one.kind is kind_of(one.alarm)
        assert one.raised().alarm == one.alarm
    return [one.alarm for one in found]


def failed_experiments(n: int) -> list[Event]:
    events: list[Event] = [proposed(n)]
    for number in range(1, n + 1):
        name = f"E{number:04d}"
        failure = ExperimentFailed(experiment_id=name, cause="measurement", reason="flat")
        events += [started(number), failure]
    return events


LOST = InstrumentLost(instrument="balance", reason="no reply")
OUT = InstrumentTakenOut(instrument="pump", reason="leaks")
TRIPPED = InterlockTripped(interlock="full", reason="mass_g 201", instruments=("pump",))
UNCLEAN = PlacesLeftUnclean(places=("cell",), campaign_id="small-1", experiment_id="E0001")
ACTED = WatchdogActed(reason="3 beats silent", unsafe={"pump": "no line"})
SEEN = [alarm_raised("watchdog"), AlarmAcknowledged(alarm="watchdog")]
STATION = StationAttached(rig_name="oer", rig_sha256="0" * 64, host="pc", pid=4711)
CONNECTED = InstrumentConnected(instrument="balance", driver="d", identity="i")


@pytest.mark.parametrize(
    ("lab", "after_s", "expected"),
    [
        ([LatchSet(source="operator", reason="smoke")], 0, ["latch"]),
        ([LatchSet(source="operator", reason="smoke"), LatchCleared(reason="out")], 0, []),
        ([TRIPPED], 0, ["interlock/full"]),
        ([TRIPPED, InterlockReleased(interlock="full")], 0, []),
        ([ACTED], 0, ["unsafe/pump", "watchdog"]),
        ([ACTED, STATION], 0, ["unsafe/pump", "watchdog"]),
        ([ACTED, STATION, *SEEN], 0, ["unsafe/pump"]),
        ([LOST], 59, []),
        ([LOST], 60, ["lost/balance"]),
        ([LOST, CONNECTED], 60, []),
        ([OUT], 86399, []),
        ([OUT], 86400, ["out_of_service/pump"]),
        ([UNCLEAN], 0, ["unclean/cell"]),
        ([UNCLEAN, PlacesCleaned(places=("cell",))], 0, []),
    ],
)
def test_the_laboratory_rings(lab, after_s, expected):
    assert names(lab, None, after_s=after_s) == expected


JOB = JobStarted(job_id="E0001/tare", attempt=1, epoch=1)
DOUBT = JobOutcomeUnknown(job_id="E0001/dose", evidence="no reply")
TO_DOUBT = [proposed(), started(), JobStarted(job_id="E0001/dose", attempt=1, epoch=1), DOUBT]
HELD = CampaignHeld(reason="no balance")
BROKEN = ProposalFailed(proposal=1, planner="sobol", error="singular")
PAUSED = [PauseRequested(), CampaignPaused()]


@pytest.mark.parametrize(
    ("campaign", "after_s", "expected"),
    [
        (TO_DOUBT, 0, ["in_doubt/small-1/E0001/dose"]),
        ([*TO_DOUBT, HELD], 0, ["in_doubt/small-1/E0001/dose"]),
        ([HELD], 0, ["held/small-1"]),
        ([HELD, ResumeRequested()], 0, []),
        ([BROKEN], 0, ["planner_failed/small-1"]),
        ([BROKEN, HELD], 0, ["planner_failed/small-1"]),
        (failed_experiments(4), 0, []),
        ([*failed_experiments(5), HELD], 0, ["failures/small-1"]),
        (PAUSED, 899, []),
        (PAUSED, 900, ["waiting/small-1"]),
        ([], 1799, []),
        ([], 1800, ["stalled/small-1"]),
    ],
)
def test_a_campaign_rings(campaign, after_s, expected):
    assert names([], campaign, after_s=after_s) == expected


def test_a_long_job_is_given_three_times_what_it_should_take():
    job = planned_jobs("E0001")[0].model_copy(update={"expected_s": 3600.0})
    long = started().model_copy(update={"jobs": (job,)})
    campaign = [proposed(), long, JOB]

    assert names([], campaign, after_s=3 * 3600 - 1) == []
    assert names([], campaign, after_s=3 * 3600) == ["stalled/small-1"]


def test_a_task_for_a_person_rings_while_it_is_open():
    person = InstrumentConnected(instrument="balance", driver="manual_station", identity="board")
    campaign = [proposed(), started(), JOB]

    assert names([person], campaign) == ["manual_task/small-1/E0001/tare"]
    assert names([person], [*campaign, JobFinished(job_id="E0001/tare")]) == []
    assert names([CONNECTED], campaign) == []


def test_candidates_that_need_a_person_ring_until_nobody_can_make_them():
    assert names([], [proposed(2)], more=GATED) == ["approval/small-1"]
    assert names([], [proposed(2)]) == []


def test_a_reference_sample_outside_its_tolerance_rings():
    seen = Observation(point={"a": 0.5, "b": 0.5}, values={"y": 1.2})
    recorded = ObservationRecorded(experiment_id="E0001", observation=seen)
    campaign = [started(purpose="reference"), recorded]

    assert names([], campaign, more=REFERENCE) == ["drift/small-1/y"]


def test_an_old_calibration_rings_and_no_calibration_too():
    assert names([CONNECTED], [], calibrate={"balance": 30.0}) == ["calibration/balance"]


def test_no_engine_rings_but_not_for_a_campaign_that_waits():
    attached = [EngineAttached(epoch=1)]
    nobody, somebody = SignsOfLife(driven=frozenset()), SignsOfLife(driven=frozenset({"small-1"}))

    assert names([], attached, nobody) == ["engine_silent/small-1"]
    assert names([], attached, nobody, after_s=1e6) == ["engine_silent/small-1"]
    assert names([], attached, somebody) == []
    assert names([], [*attached, *PAUSED], nobody) == []


def test_stores_stations_and_broken_streams_ring():
    signs = SignsOfLife(
        is_station_alive=False,
        free_mb={"lab.db": 999.0},
        failing={"the journal": "disk full"},
        unreadable={"campaign/x": "no such job"},
    )

    found = names([STATION], [], signs)

    expected = ["log_failing/the journal", "disk/lab.db", "unreadable/campaign/x"]
    assert found == [*expected, "station_silent/oer"]
    assert names([], [], SignsOfLife(is_station_alive=False, free_mb={"lab.db": 1000.0})) == []


def changed(change_id: int, what: str, about: str) -> AccessChanged:
    return AccessChanged(change_id=change_id, done_time=NOON, what=what, about=about)


@pytest.mark.parametrize(
    "settled", ["webhook switched on", "webhook switched off", "webhook removed"]
)
def test_a_webhook_given_up_rings_until_somebody_sees_to_it(settled):
    given_up = [
        changed(1, "webhook given up", "a1 (lims.example)"),
        changed(2, "webhook given up", "b2 (lims.example)"),
        changed(3, "role changed", "a1 (from operator to viewer)"),
    ]

    assert names(given_up, []) == ["webhook/a1", "webhook/b2"]
    assert names([*given_up, changed(4, settled, "a1 (lims.example)")], []) == ["webhook/b2"]


def test_every_kind_says_what_happens_and_what_to_do():
    for name, kind in ALARM_KINDS.items():
        assert name == kind.name
        assert kind.meaning.endswith(".")
        assert kind.consequence.endswith(".")
        one = kind.condition("thing", "it is\nso", campaign="c-1" if kind.is_of_campaign else "")
        assert one.message == "it is so"
        assert "{" not in one.what_to_do
        assert not kind.is_of_campaign or one.alarm.split("/")[1] == "c-1"
    assert kind_of("of/tomorrow") is None

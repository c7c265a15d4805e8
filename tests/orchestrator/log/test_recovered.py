"""What comes from a snapshot is what comes from the records; one that does not fit is not used."""

import random
from dataclasses import fields, replace
from pathlib import Path

import pytest

from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import (
    LAB_STREAM,
    ObservationAmended,
    ObservationGiven,
    PointAdded,
    campaign_stream,
)
from orchestrator.core.lab import fold_lab
from orchestrator.errors import LogError
from orchestrator.log.event_log import EventLog
from orchestrator.log.late_ledger import LateLedger
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import StateKeeper, recovered_lab, recovered_state
from orchestrator.log.snapshots import Snapshot
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from tests.support.recorded_campaign import CAMPAIGN_ID, RecordedCampaign, record_campaign

STREAM = campaign_stream(CAMPAIGN_ID)


@pytest.fixture(params=["memory", "sqlite"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> EventLog:
    if request.param == "memory":
        return MemoryLog()
    return open_sqlite_log(tmp_path / "athanor.db")


def folded(log: EventLog) -> CampaignState:
    state = fold((record.event, record.time) for record in log.read(stream=STREAM))
    assert state is not None
    return state


def keep(log: EventLog, *, up_to: int | None = None, every: int = 1) -> None:
    """Keep the states of a stream as an engine would that folds it record by record."""
    keeper = StateKeeper[CampaignState](log, STREAM, 0, every=every)
    state = None
    for record in log.read(stream=STREAM, limit=up_to):
        pair = (record.event, record.time)
        state = fold([pair]) if state is None else state.after(*pair)
        assert state is not None
        keeper.note(state, record)


def assert_same(found: CampaignState, wanted: CampaignState) -> None:
    for field in fields(CampaignState):
        assert getattr(found, field.name) == getattr(wanted, field.name), field.name


def test_a_state_from_a_snapshot_is_the_fold_of_all_records(log: EventLog) -> None:
    record_campaign(log, n=8, ends=False)
    for up_to in (1, 2, 5, 17, 40, None):
        keep(log, up_to=up_to, every=1)

        found = recovered_state(log, CAMPAIGN_ID)

        assert found is not None
        assert found.kept_version == (up_to or folded(log).version)
        assert isinstance(found.state.observations, LateLedger)
        assert_same(found.state, folded(log))


def test_a_recovered_state_goes_on_as_the_fold_does(log: EventLog) -> None:
    campaign = record_campaign(log, n=3, ends=False)
    keep(log)
    found = recovered_state(log, CAMPAIGN_ID)
    assert found is not None

    campaign.finish(campaign.start(), 0.41)
    last = log.last_seq()
    state = found.state
    for record in log.read(after_seq=found.seq, stream=STREAM):
        state = state.after(record.event, record.time)

    assert_same(state, folded(log))
    assert last == log.last_seq()


def test_nothing_is_read_before_somebody_looks(log: EventLog) -> None:
    record_campaign(log, n=4, ends=False)
    keep(log)

    found = recovered_state(log, CAMPAIGN_ID)

    assert found is not None
    observations = found.state.observations
    assert isinstance(observations, LateLedger)
    assert (len(observations), observations._before.is_loaded) == (4, False)
    assert list(observations) == list(folded(log).observations)


def test_a_corrected_observation_is_in_the_next_snapshot(log: EventLog) -> None:
    campaign = record_campaign(log, n=3, ends=False)
    keep(log)
    first = folded(log).observations[0]
    amended = ObservationAmended(
        experiment_id="E0001",
        observation=first.observation.model_copy(update={"values": {"overpotential_v": 0.5}}),
        computed=first.computed,
        reason="the electrode was worn",
    )
    campaign.append(amended)

    before = recovered_state(log, CAMPAIGN_ID)
    keep(log)
    after = recovered_state(log, CAMPAIGN_ID)

    assert before is not None
    assert after is not None
    assert_same(before.state, folded(log))
    assert_same(after.state, folded(log))
    assert after.state.observations[0].observation.values == {"overpotential_v": 0.5}


def test_what_people_added_and_gave_is_in_the_next_snapshot(log: EventLog) -> None:
    campaign = record_campaign(log, n=6, ends=False)
    keep(log)
    first = folded(log).observations[0]
    point = first.observation.point | {"Ni": 0.4, "Fe": 0.1, "Co": 0.5}
    campaign.append(
        PointAdded(candidate_id="P0001", point=point, person="ada", reason="a hunch"),
        ObservationGiven(
            experiment_id="E0005",
            observation=first.observation,
            computed=first.computed,
            composition="asked",
            reason="a hand-held meter",
        ),
    )

    before = recovered_state(log, CAMPAIGN_ID)
    keep(log)
    after = recovered_state(log, CAMPAIGN_ID)

    assert before is not None
    assert after is not None
    assert_same(before.state, folded(log))
    assert_same(after.state, folded(log))
    assert [one.added_by for one in after.state.queue] == ["ada"]
    assert [one.experiment_id for one in after.state.observations][4] == "E0005"


@pytest.mark.parametrize(
    "change",
    [
        {"hash": "0" * 64},
        {"seq": 3},
        {"seq": 10_000},
        {"form": "of another code"},
        {"body": b"{}"},
        {"body": b"not JSON"},
    ],
)
def test_a_snapshot_that_does_not_fit_is_not_used(log: EventLog, change: dict[str, object]) -> None:
    record_campaign(log, n=3)
    keep(log)
    kept = log.snapshot(STREAM)
    assert kept is not None

    log.keep_snapshots([replace(kept, **change)])
    found = recovered_state(log, CAMPAIGN_ID)

    assert found is not None
    assert found.kept_version == 0
    assert_same(found.state, folded(log))


def test_a_snapshot_of_another_log_is_not_used(tmp_path: Path) -> None:
    one, other = MemoryLog(), MemoryLog()
    record_campaign(one, n=3)
    keep(one)
    RecordedCampaign(other, is_simulated=False).open()
    record_campaign(other, "small-2", n=3)
    kept = one.snapshot(STREAM)
    assert kept is not None

    other.keep_snapshots([kept])
    found = recovered_state(other, CAMPAIGN_ID)

    assert found is not None
    assert (found.kept_version, found.state.version) == (0, 2)


def test_lost_parts_of_a_snapshot_are_folded_again(log: EventLog) -> None:
    record_campaign(log, n=3)
    keep(log)
    part = log.snapshot(f"{STREAM}#observations/000000")
    assert part is not None

    log.keep_snapshots([replace(part, body=b"[]")])
    found = recovered_state(log, CAMPAIGN_ID)

    assert found is not None
    assert_same(found.state, folded(log))


def test_a_damaged_snapshot_is_not_used(tmp_path: Path) -> None:
    log = open_sqlite_log(tmp_path / "athanor.db")
    record_campaign(log, n=3)
    keep(log)
    log._connection().execute("UPDATE snapshot SET body = CAST(body || ' ' AS BLOB)")

    found = recovered_state(log, CAMPAIGN_ID)

    assert found is not None
    assert found.kept_version == 0
    assert_same(found.state, folded(log))
    log.close()


def test_the_laboratorys_state_is_kept_too(log: EventLog) -> None:
    record_campaign(log, n=1)
    wanted = fold_lab((record.event, record.time) for record in log.read(stream=LAB_STREAM))
    *_, last = log.read(stream=LAB_STREAM)
    StateKeeper(log, LAB_STREAM, 0, every=1).note(wanted, last)

    found = recovered_lab(log)

    assert found.kept_version == wanted.version
    assert found.state == wanted


class _FullLog(MemoryLog):
    """A log whose disk is full."""

    def keep_snapshots(self, snapshots: object) -> None:
        raise LogError("database or disk is full")


def test_a_state_that_cannot_be_kept_harms_nobody() -> None:
    log = _FullLog()
    record_campaign(log, n=1)

    keep(log)

    found = recovered_state(log, CAMPAIGN_ID)
    assert found is not None
    assert found.kept_version == 0


def test_many_parts_come_back_in_order(tmp_path: Path) -> None:
    log = MemoryLog()
    dice = random.Random(0)
    campaign = RecordedCampaign(log)
    campaign.open()
    for _ in range(25):
        campaign.finish(campaign.start(), dice.random())
    keep(log, every=3)

    found = recovered_state(log, CAMPAIGN_ID)

    assert found is not None
    assert_same(found.state, folded(log))


def test_there_is_no_state_of_a_campaign_that_is_not_there(log: EventLog) -> None:
    assert recovered_state(log, "nothing-1") is None
    assert isinstance(log, SqliteLog | MemoryLog)
    assert log.snapshot("nothing") is None
    assert Snapshot("a", 1, "", "", b"").seq == 1

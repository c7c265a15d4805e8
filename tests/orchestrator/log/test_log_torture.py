"""Damage beside the records, and damage at random."""

from pathlib import Path

import apsw
import pytest

from orchestrator.errors import LogCorrupt
from orchestrator.log.side_tables import TelemetrySample
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.log_torture import DAMAGES, torture
from tests.support.recorded_campaign import OPENED, record_campaign


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a closed log with projections, telemetry and a sign of life."""
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    record_campaign(log, n=2)
    log.append_telemetry([TelemetrySample(OPENED, "balance", "mass_g", 1.25)])
    log.beat("engine/small-1", pid=1, host="pc", time=OPENED)
    log.close()
    return path


def change(path: Path, statement: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE campaign SET n_observed = 7", "table campaign does not say what the records say"),
        ("UPDATE experiment SET made = '{}' WHERE number = 2", "table experiment"),
        ("DELETE FROM job WHERE job_id = 'E0001/dose'", "table job"),
        ("UPDATE telemetry SET value = 1.26", "row 1 of table telemetry"),
        ("UPDATE heartbeat SET pid = 2", "row 1 of table heartbeat"),
        ("DROP TRIGGER record_stays", "tables, indices or triggers"),
        ("CREATE TABLE stowaway (x)", "tables, indices or triggers"),
    ],
)
def test_damage_beside_the_records_is_found(path: Path, statement: str, told: str) -> None:
    change(path, statement)

    log = open_sqlite_log(path)
    found = log.verify()
    log.close()

    assert found.first_bad_seq is None
    assert not found.is_whole
    assert told in found.damage


def test_a_damaged_projection_can_be_rebuilt(path: Path) -> None:
    change(path, "UPDATE campaign SET n_observed = 7")
    log = open_sqlite_log(path)

    log.rebuild_projections()

    assert log.verify().is_whole
    log.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE campaign SET opened_time = 'yesterday'",
        "UPDATE experiment SET point = '{'",
        "UPDATE campaign SET name = CAST(x'ff' AS TEXT)",
    ],
)
def test_a_row_that_cannot_be_read_is_refused(path: Path, statement: str) -> None:
    change(path, statement)
    table = statement.split()[1]

    log = open_sqlite_log(path)
    with pytest.raises(LogCorrupt):
        log.projection(table)
    log.close()


def test_signs_of_life_and_telemetry_that_cannot_be_read_are_refused(path: Path) -> None:
    change(path, "UPDATE heartbeat SET real_time = 'soon'")
    change(path, "UPDATE telemetry SET time = '2026-01-01T25:00:00.000000+00:00'")

    log = open_sqlite_log(path)
    with pytest.raises(LogCorrupt):
        log.heartbeats()
    with pytest.raises(LogCorrupt):
        log.telemetry("balance", since=OPENED, until=OPENED.replace(year=2027))
    log.close()


@pytest.mark.slow
def test_logs_damaged_at_random_are_whole_prefixes_or_refused(tmp_path: Path) -> None:
    verdicts = [torture(seed, tmp_path) for seed in range(300)]

    assert [verdict for verdict in verdicts if verdict.is_bad] == []
    assert {verdict.case.damage for verdict in verdicts} == set(DAMAGES)
    kinds = {verdict.kind for verdict in verdicts}
    assert kinds == {"refused", "found", "prefix", "without meaning"}

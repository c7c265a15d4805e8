"""Tables in and out."""

import json

import pandas as pd
import pytest

from drivers.clock import SystemClock
from orchestrator.errors import AthanorError, ObservationError
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.tables import (
    TableFormat,
    experiments_frame,
    frame_text,
    read_table,
    write_export,
)
from tests.support.recorded_campaign import RecordedCampaign, record_campaign


def view_of(log):
    return Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign()


@pytest.fixture(scope="module")
def view():
    log = MemoryLog()
    record_campaign(log)
    return view_of(log)


def test_an_export_has_one_row_for_each_experiment(view):
    frame = experiments_frame(view)

    assert len(frame) == 12
    first = frame.iloc[0]
    assert first["Ni_asked"] == 0.3
    assert first["Ni_made"] == pytest.approx(0.302)
    assert first["overpotential_v_sd"] == 0.001
    assert first["overpotential_v_predicted_mean"] == 0.35
    assert first["furnace_c_asked"] == 350.0
    failed = frame.iloc[4]
    assert failed["state"] == "failed"
    assert failed["cause"] == "instrument"
    assert pd.isna(failed["overpotential_v"])


def test_an_empty_campaign_exports_the_same_columns(view):
    log = MemoryLog()
    RecordedCampaign(log).open()

    empty = experiments_frame(view_of(log))

    assert list(empty.columns) == list(experiments_frame(view).columns)
    assert len(empty) == 0


def test_parquet_gives_back_what_was_written(view, tmp_path):
    path = write_export(view, tmp_path / "deep" / "oer.parquet", TableFormat.PARQUET)

    pd.testing.assert_frame_equal(pd.read_parquet(path), experiments_frame(view))


def test_csv_gives_back_the_same_numbers(view, tmp_path):
    path = write_export(view, tmp_path / "oer.csv", TableFormat.CSV)

    back = read_table(path)

    frame = experiments_frame(view)
    for name in ("Ni_made", "overpotential_v", "cost_usd_per_mol"):
        assert [float(text) for text in back[name][:4]] == frame[name].to_list()[:4]


def test_every_cell_stays_the_text_that_it_is(tmp_path):
    path = tmp_path / "obs.csv"
    path.write_text("x1, y ,failed,code\n0.1,,True,01\n1e-3,2,0, a\n\n", encoding="utf-8")

    frame = read_table(path)

    assert list(frame.columns) == ["x1", "y", "failed", "code"]
    assert frame["x1"].to_list() == ["0.1", "1e-3"]
    assert frame["y"].to_list() == [None, "2"]
    assert frame["failed"].to_list() == ["True", "0"]
    assert frame["code"].to_list() == ["01", " a"]


def test_a_table_with_headings_alone_has_no_rows(tmp_path):
    path = tmp_path / "obs.csv"
    path.write_text("x1,y\n", encoding="utf-8")

    frame = read_table(path)

    assert list(frame.columns) == ["x1", "y"]
    assert len(frame) == 0


def test_json_has_null_for_what_is_missing(view):
    rows = json.loads(frame_text(experiments_frame(view), TableFormat.JSON))

    assert rows[4]["overpotential_v"] is None
    assert rows[0]["is_on_front"] in (True, False)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "expected a heading row"),
        (b"a,b\n1,\xff\n", "expected UTF-8 text"),
        (b"a,a\n1,2\n", "expected each column named, and once"),
        (b"a,\n1,2\n", "expected each column named, and once"),
        (b"a,b\n1,2\n1,2,3\n", "line 3: got 3, expected 2 fields"),
        (b'a,b\n1,"2\n', "expected a CSV row"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_name(tmp_path, raw, message):
    path = tmp_path / "obs.csv"
    path.write_bytes(raw)

    with pytest.raises(ObservationError, match=message) as refused:
        read_table(path)

    assert "obs.csv" in str(refused.value)


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ObservationError, match="No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(ObservationError, match="Is a directory"):
        read_table(tmp_path)


def test_an_export_that_cannot_be_written_is_refused(view, tmp_path):
    with pytest.raises(AthanorError, match="cannot be written"):
        write_export(view, tmp_path, TableFormat.CSV)


def test_what_people_typed_is_no_formula_in_a_spreadsheet_and_numbers_stay_numbers():
    frame = pd.DataFrame(
        {
            "x_asked": [-0.5, 1.0],
            "reason": ['=HYPERLINK("http://x")', None],
            "added_by": ["@a", "b"],
        }
    )

    text = frame_text(frame, TableFormat.CSV)

    assert text.splitlines()[1] == '-0.5,"\'=HYPERLINK(""http://x"")",\'@a'
    assert text.splitlines()[2] == "1.0,,b"
    assert "'" not in frame_text(frame, TableFormat.JSON)

"""Tables in and out: exports of a campaign, and tables of observations; pandas lives here."""

from __future__ import annotations

import csv
import json
import math
from datetime import datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestrator.errors import AthanorError, ObservationError

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.service.views import CampaignView, ExperimentView

__all__ = [
    "TableFormat",
    "experiments_frame",
    "frame_text",
    "harmless_cell",
    "read_table",
    "write_export",
]

_WORDS: Final = ("cause", "reason", "correction", "added_by")
"""Columns of an export that hold what people typed or devices said."""


class TableFormat(StrEnum):
    """In what form a table is written."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table of observations or pending points from a CSV file.

    Every cell stays the text that stands in the file: only the campaign knows which columns hold
    numbers and which hold categories such as `01` or `True`.

    Args:
        path: A CSV file in UTF-8 with one heading row.

    Returns:
        One column of text for each heading; an empty field is None.

    Raises:
        ObservationError: It cannot be read as such a table.
    """
    import pandas as pd

    target = Path(path)
    try:
        text = target.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#04x} at {error.start}"
        raise ObservationError(str(target), got=got, expected="UTF-8 text") from error
    except OSError as error:
        raise ObservationError(str(target), got=error.strerror, expected="a CSV file") from error
    headings, rows = _fields(text, str(target))
    columns = {name: [row[i] or None for row in rows] for i, name in enumerate(headings)}
    return pd.DataFrame(columns, dtype="object")


def _fields(text: str, source: str) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows as text, every row as long as the headings."""
    reader = csv.reader(StringIO(text), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        where = f"{source}: line {reader.line_num}"
        raise ObservationError(where, got=str(error), expected="a CSV row") from error
    if not rows:
        raise ObservationError(source, got="nothing", expected="a heading row")
    headings, body = [heading.strip() for heading in rows[0][1]], rows[1:]
    for name in headings:
        if not name or headings.count(name) > 1:
            raise ObservationError(
                f"{source}: heading", got=name, expected="each column named, and once"
            )
    for line, row in body:
        if len(row) != len(headings):
            expected = f"{len(headings)} fields, as in the heading"
            raise ObservationError(f"{source}: line {line}", got=len(row), expected=expected)
    return headings, [row for _, row in body]


def frame_text(frame: pd.DataFrame, form: TableFormat) -> str:
    """Return a table as CSV or as a JSON list of objects; missing values are empty or null.

    Args:
        frame: The table.
        form: CSV or JSON.

    Raises:
        ValueError: The form is not text.
    """
    if form is TableFormat.CSV:
        words = {name: frame[name].map(harmless_cell) for name in _WORDS if name in frame}
        return frame.assign(**words).to_csv(index=False, lineterminator="\n")
    if form is TableFormat.JSON:
        rows = [
            {name: None if _is_missing(value) else value for name, value in row.items()}
            for row in frame.to_dict(orient="records")
        ]
        return json.dumps(rows, allow_nan=False, indent=1, default=_cell_text) + "\n"
    raise ValueError(f"{form} is not text")


def harmless_cell(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection).

    Example:
        >>> harmless_cell("=1+1"), harmless_cell("dry"), harmless_cell(-1.0)
        ("'=1+1", 'dry', -1.0)
    """
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula else cell


def _cell_text(value: object) -> str:
    """Return what JSON has no form of: a time as ISO 8601, as in every other answer."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _is_missing(value: object) -> bool:
    import pandas as pd

    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def experiments_frame(view: CampaignView) -> pd.DataFrame:
    """Return one row for each experiment.

    Columns: `experiment_id`, `number`, `state`; `<input>_asked` and `<input>_made` for every
    component and parameter; each measured value with its `_sd`; each computed value; what was
    predicted; `is_on_front`, `cost_usd`, times, `cause` and `reason`; `purpose`, `is_retracted`
    and `correction`: values stand as given or amended, and a retracted one is marked, not hidden;
    `is_given` by a person, and `added_by` whom where it is somebody's own point.
    """
    import pandas as pd

    rows = [_row(view, experiment) for experiment in view.experiments]
    frame = pd.DataFrame(rows, columns=None if rows else _columns(view))
    for name in ("started_time", "ended_time"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


def _row(view: CampaignView, experiment: ExperimentView) -> dict[str, object]:
    row: dict[str, object] = {
        "experiment_id": experiment.experiment_id,
        "number": experiment.number,
        "state": experiment.state,
    }
    for name in (*view.components, *view.parameters):
        row[f"{name}_asked"] = experiment.asked.get(name)
    for name in (*view.components, *view.parameters):
        row[f"{name}_made"] = experiment.made.get(name)
    for name in view.measured:
        row[name] = experiment.values.get(name)
        row[f"{name}_sd"] = experiment.sds.get(name)
    for name in view.computed:
        row[name] = experiment.computed.get(name)
    for name in (*view.measured, *view.computed):
        row[f"{name}_predicted_mean"] = experiment.predicted.get(name)
        row[f"{name}_predicted_sd"] = experiment.predicted_sds.get(name)
    row["is_on_front"] = experiment.is_on_front
    row["cost_usd"] = experiment.cost_usd
    row["started_time"] = experiment.started_time
    row["ended_time"] = experiment.ended_time
    row["cause"] = experiment.cause
    row["reason"] = experiment.reason
    row["purpose"] = experiment.purpose
    row["is_retracted"] = experiment.is_retracted
    row["correction"] = experiment.correction
    row["is_given"] = experiment.is_given
    row["added_by"] = experiment.added_by
    return row


def _columns(view: CampaignView) -> list[str]:
    inputs = (*view.components, *view.parameters)
    outputs = (*view.measured, *view.computed)
    return [
        *("experiment_id", "number", "state"),
        *(f"{name}_asked" for name in inputs),
        *(f"{name}_made" for name in inputs),
        *(column for name in view.measured for column in (name, f"{name}_sd")),
        *view.computed,
        *(f"{name}_predicted_{part}" for name in outputs for part in ("mean", "sd")),
        *("is_on_front", "cost_usd", "started_time", "ended_time", "cause", "reason"),
        *("purpose", "is_retracted", "correction", "is_given", "added_by"),
    ]


def write_export(view: CampaignView, path: str | Path, form: TableFormat) -> Path:
    """Write a campaign's experiments as a table.

    Args:
        view: The campaign.
        path: The file; its folder is made if there is none.
        form: In what form.

    Raises:
        AthanorError: The file cannot be written.
    """
    target = Path(path)
    frame = experiments_frame(view)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if form is TableFormat.PARQUET:
            frame.to_parquet(target, index=False)
        else:
            target.write_text(frame_text(frame, form), encoding="utf-8")
    except OSError as error:
        raise AthanorError(f"{target}: the table cannot be written: {error.strerror}") from error
    return target

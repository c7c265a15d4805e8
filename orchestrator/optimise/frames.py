"""Tables of observations and points, checked on their way in and typed on their way out."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Final

import numpy as np
import pandas as pd

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Candidate, Observation, Point
from orchestrator.errors import ObservationError

__all__ = ["candidate_frame", "observations_in", "points_in"]

SUM_TOLERANCE: Final = 0.02
"""How far from 1 the fractions of a row may sum; within it they are divided by their sum."""
_ROUNDING: Final = 1e-9
_CLOSED: Final = 1e-12
_FAILED: Final = "failed"
_SD: Final = "_sd"
_PREDICTED: Final = "_predicted_"
_NUMBER: Final = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I
)
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}
"""Texts that say whether an experiment failed."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A frame with the name under which its mistakes are reported."""

    frame: pd.DataFrame
    source: str

    def cell(self, row: int, column: str) -> object:
        """Return one cell, by its place from 0 and its column."""
        value: object = self.frame[column].iloc[row]
        return value.item() if isinstance(value, np.generic) else value

    def wrong(self, row: int, column: str, got: object, expected: str) -> ObservationError:
        """Return the error that names a cell; rows are counted from 1, without the heading."""
        where = f"{self.source}, row {row + 1}, column {column}"
        found = "nothing" if _is_missing(got) else got
        return ObservationError(where, got=found, expected=expected)

    def number(
        self, row: int, column: str, *, expected: str = "a number, or nothing if not measured"
    ) -> float:
        """Return a number, also one that is written as text, or nan for a missing value.

        Raises:
            ObservationError: The cell holds something else, or an infinite number.
        """
        value = self.cell(row, column)
        if _is_missing(value):
            return math.nan
        number = _number_in(value)
        if number is None:
            raise self.wrong(row, column, value, expected)
        if math.isinf(number):
            raise self.wrong(row, column, value, "a finite number")
        return number

    def finite(self, row: int, column: str) -> float:
        """Return a number that must be there.

        Raises:
            ObservationError: The cell holds no finite number.
        """
        number = self.number(row, column, expected="a number")
        if math.isnan(number):
            raise self.wrong(row, column, None, "a number")
        return number


def _is_missing(value: object) -> bool:
    """Return whether a cell says nothing: empty, blank, nan."""
    if isinstance(value, str):
        return value.strip().lower() in {"", "nan"}
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or value is pd.NA or value is pd.NaT


def _number_in(value: object) -> float | None:
    """Return the number that a cell holds or spells; None if it does neither."""
    if isinstance(value, str):
        text = value.strip()
        return float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    return float(value)


def observations_in(
    campaign: CampaignSpec, frame: pd.DataFrame, *, source: str = "frame"
) -> list[Observation]:
    """Read observations from a table.

    Args:
        campaign: Whose components, parameters, objectives and outcomes the columns are.
        frame: One column per component, parameter, measured objective and measured outcome; a
            missing value was not measured. Optional: ``<name>_sd`` of what was measured, and
            ``failed``: true or false, 1 or 0, nothing for false. Columns with ``_predicted_`` in
            their name are ignored. Cells are read one by one: a number or a truth value may also
            be a text that spells it.
        source: What the table is called in messages.

    Returns:
        One observation a row; fractions are divided by their sum.

    Raises:
        ObservationError: A column is missing, unknown or double, or a cell is wrong.
    """
    if frame.empty and not len(frame.columns):
        return []
    table = _Table(frame, source)
    _check_columns(campaign, table)
    points = _points(campaign, table)
    return [_observation(campaign, table, row, point) for row, point in enumerate(points)]


def points_in(
    campaign: CampaignSpec, frame: pd.DataFrame, *, source: str = "pending"
) -> list[dict[str, float | str]]:
    """Read points from a table; columns other than components and parameters are ignored.

    Raises:
        ObservationError: A component or parameter is missing, or a cell is wrong.
    """
    if frame.empty and not len(frame.columns):
        return []
    table = _Table(frame, source)
    _refuse_missing(table, campaign.space.names)
    return _points(campaign, table)


def candidate_frame(campaign: CampaignSpec, candidates: Sequence[Candidate]) -> pd.DataFrame:
    """Return candidates as a table.

    Returns:
        Components, parameters, then for each objective and each measured outcome
        ``<name>_predicted_mean`` and ``<name>_predicted_sd``, nan where there is no model yet;
        numbers are float64.
    """
    columns: dict[str, pd.Series] = {}
    for name in campaign.space.names:
        kind = "str" if name in campaign.space.categories else "float64"
        values = [candidate.point[name] for candidate in candidates]
        columns[name] = pd.Series(values, dtype=kind)
    goals = [objective.name for objective in campaign.objectives]
    for goal in [*goals, *(outcome.name for outcome in campaign.measured_outcomes)]:
        found = [candidate.predictions.get(goal) for candidate in candidates]
        means = [math.nan if each is None else each.mean for each in found]
        sds = [math.nan if each is None else each.sd for each in found]
        columns[f"{goal}_predicted_mean"] = pd.Series(means, dtype="float64")
        columns[f"{goal}_predicted_sd"] = pd.Series(sds, dtype="float64")
    return pd.DataFrame(columns)


def _check_columns(campaign: CampaignSpec, table: _Table) -> None:
    measured = campaign.measured_names
    needed = (*campaign.space.names, *dict.fromkeys(measured))
    _refuse_missing(table, needed)
    known = {*needed, *(name + _SD for name in measured), _FAILED}
    for column in table.frame.columns:
        if column in known or _PREDICTED in str(column):
            continue
        expected = f"only {', '.join(needed)}, <measured>{_SD} and {_FAILED}"
        if column in campaign.computed:
            expected = "no such column: it is computed exactly from the composition and parameters"
        raise ObservationError(f"{table.source}, columns", got=column, expected=expected)


def _refuse_missing(table: _Table, needed: Sequence[str]) -> None:
    present = [str(column) for column in table.frame.columns]
    missing = [name for name in needed if name not in present]
    if missing:
        raise ObservationError(
            f"{table.source}, columns",
            got=f"no column {', '.join(missing)} (has {', '.join(present)})",
            expected=f"the columns {', '.join(needed)}",
        )
    double = sorted({name for name in present if present.count(name) > 1})
    if double:
        raise ObservationError(
            f"{table.source}, columns", got=", ".join(double) + " twice", expected="each once"
        )


def _points(campaign: CampaignSpec, table: _Table) -> list[dict[str, float | str]]:
    return [_point(campaign, table, row) for row in range(len(table.frame))]


def _point(campaign: CampaignSpec, table: _Table, row: int) -> dict[str, float | str]:
    point: dict[str, float | str] = {}
    components = campaign.space.components
    if components:
        point.update(_closed(components, table, row))
    for parameter in campaign.space.parameters:
        categories = campaign.space.categories.get(parameter.name)
        if categories is None:
            point[parameter.name] = table.finite(row, parameter.name)
            continue
        value = table.cell(row, parameter.name)
        category = _category_in(value, categories)
        if category is None:
            expected = f"one of {', '.join(categories)}"
            raise table.wrong(row, parameter.name, value, expected)
        point[parameter.name] = category
    return point


def _category_in(value: object, categories: Sequence[str]) -> str | None:
    """Return the one category that a cell means; None if there is none or more than one.

    A text is a category as it stands, or else without the blanks around it. A number or a truth
    value may have been a category such as "1" or "True" before a table was read.
    """
    match value:
        case str() if value in categories:
            return value
        case str():
            found = [one for one in categories if one.strip() == value.strip()]
        case bool():
            found = [one for one in categories if one.strip().lower() == str(value).lower()]
        case Real():
            found = [one for one in categories if _number_in(one) == float(value)]
        case _:
            found = []
    return found[0] if len(found) == 1 else None


def _closed(components: Sequence[str], table: _Table, row: int) -> dict[str, float]:
    """Return the fractions of a row, divided by their sum."""
    fractions = {name: table.finite(row, name) for name in components}
    for name, fraction in fractions.items():
        if fraction < -_ROUNDING:
            raise table.wrong(row, name, fraction, "a fraction of at least 0")
    fractions = {name: max(0.0, fraction) for name, fraction in fractions.items()}
    total = math.fsum(fractions.values())
    if abs(total - 1) > SUM_TOLERANCE + _ROUNDING:
        where = f"{table.source}, row {row + 1}, columns {', '.join(components)}"
        expected = f"fractions that sum to 1 within {SUM_TOLERANCE}"
        raise ObservationError(where, got=f"a sum of {total:.6g}", expected=expected)
    if abs(total - 1) <= _CLOSED:
        return fractions
    return {name: fraction / total for name, fraction in fractions.items()}


def _observation(campaign: CampaignSpec, table: _Table, row: int, point: Point) -> Observation:
    values: dict[str, float] = {}
    sds: dict[str, float] = {}
    for name in campaign.measured_names:
        value = table.number(row, name)
        sd = math.nan
        if name + _SD in table.frame.columns:
            sd = table.number(row, name + _SD)
            if sd < 0:
                raise table.wrong(row, name + _SD, sd, "a standard error of at least 0")
        if math.isnan(value):
            continue
        values[name] = value
        if not math.isnan(sd):
            sds[name] = sd
    is_failed = _FAILED in table.frame.columns and _truth(table, row)
    return Observation(point=dict(point), values=values, sds=sds, is_failed=is_failed)


def _truth(table: _Table, row: int) -> bool:
    value = table.cell(row, _FAILED)
    if isinstance(value, bool):
        return value
    if _is_missing(value):
        return False
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    number = _number_in(value)
    if number not in {0.0, 1.0}:
        raise table.wrong(row, _FAILED, value, "true or false")
    return number == 1

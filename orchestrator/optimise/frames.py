"""Tables of observations and points, checked on their way in and typed on their way out."""

import math
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


@dataclass(frozen=True, slots=True)
class _Table:
    """A frame with the name under which its mistakes are reported."""

    frame: pd.DataFrame
    source: str

    def cell(self, row: int, column: str) -> object:
        """Return one cell, by its place from 0 and its column."""
        value: object = self.frame[column].iloc[row]
        return value

    def wrong(self, row: int, column: str, got: object, expected: str) -> ObservationError:
        """Return the error that names a cell; rows are counted from 1, without the heading."""
        where = f"{self.source}, row {row + 1}, column {column}"
        return ObservationError(where, got=got, expected=expected)

    def number(self, row: int, column: str) -> float:
        """Return a number or nan.

        Raises:
            ObservationError: The cell holds something else, or an infinite number.
        """
        value = self.cell(row, column)
        if value is None or value is pd.NA:
            return math.nan
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
            raise self.wrong(row, column, value, "a number, or nothing where it was not measured")
        number = float(value)
        if math.isinf(number):
            raise self.wrong(row, column, number, "a finite number")
        return number

    def finite(self, row: int, column: str) -> float:
        """Return a number that must be there.

        Raises:
            ObservationError: The cell holds no finite number.
        """
        number = self.number(row, column)
        if math.isnan(number):
            raise self.wrong(row, column, "nothing", "a number")
        return number


def observations_in(
    campaign: CampaignSpec, frame: pd.DataFrame, *, source: str = "frame"
) -> list[Observation]:
    """Read observations from a table.

    Args:
        campaign: Whose components, parameters, objectives and outcomes the columns are.
        frame: One column per component, parameter, measured objective and measured outcome; a
            missing value was not measured. Optional: ``<name>_sd`` of what was measured, and
            ``failed``. Columns with ``_predicted_`` in their name are ignored.
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
        Components, parameters, then for each objective ``<name>_predicted_mean`` and
        ``<name>_predicted_sd``, nan where there is no model yet; numbers are float64.
    """
    columns: dict[str, pd.Series] = {}
    for name in campaign.space.names:
        kind = "str" if name in campaign.space.categories else "float64"
        values = [candidate.point[name] for candidate in candidates]
        columns[name] = pd.Series(values, dtype=kind)
    for objective in campaign.objectives:
        found = [candidate.predictions.get(objective.name) for candidate in candidates]
        means = [math.nan if each is None else each.mean for each in found]
        sds = [math.nan if each is None else each.sd for each in found]
        columns[f"{objective.name}_predicted_mean"] = pd.Series(means, dtype="float64")
        columns[f"{objective.name}_predicted_sd"] = pd.Series(sds, dtype="float64")
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
            got=", ".join(present),
            expected="also " + ", ".join(missing),
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
        found = [category for category in categories if _is_category(value, category)]
        if len(found) != 1:
            expected = f"one of {', '.join(categories)}"
            raise table.wrong(row, parameter.name, value, expected)
        point[parameter.name] = found[0]
    return point


def _is_category(value: object, category: str) -> bool:
    """Return whether a cell means a category; a category such as "1" may have become a number."""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        try:
            return float(category) == float(value)
        except ValueError:
            return False
    return value == category


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
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise table.wrong(row, _FAILED, value, "true or false")

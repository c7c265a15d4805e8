"""The measured tables as points and outcomes, put on the grid of their problem's definition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["READERS", "Table"]

Point = dict[str, float | str]

HERE: Final = Path(__file__).parent / "data"
WORLDS: Final = Path(__file__).parents[3] / "simulators/worlds/data"


@dataclass(frozen=True)
class Table:
    """Every point that can be measured, and the outcomes there by name."""

    points: list[Point]
    outcomes: dict[str, NDArray[np.float64]]


def _gridded(fractions: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return rows of sum 1 in whole steps, the parts with the largest remainders rounded up."""
    n_steps = round(1 / step)
    wanted = fractions / fractions.sum(axis=1, keepdims=True) * n_steps
    counts = np.floor(wanted + 1e-9)
    order = np.argsort(counts - wanted, axis=1, kind="stable")
    for row, missing in enumerate((n_steps - counts.sum(axis=1)).round().astype(int)):
        counts[row, order[row, :missing]] += 1
    return np.asarray(counts.astype(int) / n_steps)


def _table(inputs: pd.DataFrame, outcomes: pd.DataFrame) -> Table:
    """Average what was measured more than once at one point."""
    names = list(inputs.columns)
    joined = pd.concat([inputs, outcomes], axis=1).groupby(names, sort=True, as_index=False).mean()
    points: list[Point] = [
        {n: v if isinstance(v, str) else float(v) for n, v in zip(names, row, strict=True)}
        for row in joined[names].itertuples(index=False, name=None)
    ]
    return Table(points, {name: joined[name].to_numpy(float) for name in outcomes.columns})


def _mixture(frame: pd.DataFrame, names: Sequence[str], step: float) -> pd.DataFrame:
    return pd.DataFrame(_gridded(frame[list(names)].to_numpy(float), step), columns=list(names))


def _oer() -> Table:
    frame = pd.read_csv(WORLDS / "oer_plate_3496.csv")
    outcomes = frame[["overpotential_V"]].set_axis(["overpotential_v"], axis=1)
    return _table(_mixture(frame, [f"x{i}" for i in range(1, 7)], 0.1), outcomes)


def _liquidus() -> Table:
    frame = pd.read_csv(WORLDS / "al_si_zn_liquidus.csv")
    frame = frame[frame["Si"] <= 76].reset_index(drop=True)
    outcomes = frame[["Liquidus temperature"]].set_axis(["liquidus_k"], axis=1)
    return _table(_mixture(frame, ["Al", "Si", "Zn"], 0.04), outcomes)


def _opv() -> Table:
    frame = pd.read_csv(HERE / "photo_wf3.csv")
    return _table(_mixture(frame, ["WF3", "P3HT", "PCBM", "oIDTBR"], 0.02), frame[["degradation"]])


def _monbtaw() -> Table:
    frame = pd.read_csv(HERE / "monbtaw_nanoindentation.csv")
    outcomes = frame[["hardness"]].set_axis(["hardness_gpa"], axis=1)
    return _table(_mixture(frame, ["Mo", "Nb", "Ta", "W"], 0.001), outcomes)


def _concrete() -> Table:
    frame = pd.read_csv(HERE / "boxcrete_data.csv")
    strengths = frame.pivot_table(index="Mix Name", columns="Time", values="Strength (Mean)")
    strengths = strengths[[1, 28]].dropna()
    frame = frame.drop_duplicates("Mix Name").set_index("Mix Name").loc[strengths.index]
    amounts = {
        "cement": "Cement (kg/m3)",
        "fly_ash": "Fly Ash (kg/m3)",
        "slag": "Slag (kg/m3)",
        "water": "Water (kg/m3)",
        "hrwr": "HRWR (kg/m3)",
        "fine": "Fine Aggregate (kg/m3)",
        "coarse": "Coarse Aggregates (kg/m3)",
    }
    parts = frame[list(amounts.values())].set_axis(list(amounts), axis=1)
    inputs = _mixture(parts, list(amounts), 0.0005)
    inputs["temperature_c"] = frame["Temp (C)"].to_numpy(float)
    inputs["source"] = np.where(frame["Material Source"].to_numpy() == 0, "first", "second")
    outcomes = pd.DataFrame(
        {
            "strength_1d_psi": strengths[1].to_numpy(float),
            "strength_28d_psi": strengths[28].to_numpy(float),
            "gwp_kg_per_m3": frame["GWP"].to_numpy(float),
        }
    )
    return _table(inputs, outcomes)


def _lnp3() -> Table:
    frame = pd.read_csv(HERE / "lnp3.csv").rename(
        columns={
            "surfractant_input": "surfactant_input",
            "encap_efficiency": "encapsulation",
            "particle_diameter": "diameter",
        }
    )
    outcomes = ["drug_loading", "encapsulation", "diameter"]
    return _table(frame.drop(columns=outcomes), frame[outcomes])


READERS: Final[dict[str, Callable[[], Table]]] = {
    "oer": _oer,
    "opv": _opv,
    "monbtaw": _monbtaw,
    "concrete": _concrete,
    "liquidus": _liquidus,
    "lnp3": _lnp3,
}
"""One reader a table problem, by the problem's name."""

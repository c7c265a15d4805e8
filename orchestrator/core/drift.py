"""Whether reference samples say that the bench drifts; pure.

Where the campaign file says what a reference sample should give, one result outside its tolerance
is drift. Otherwise the first results say what is usual, and a tabular cumulative sum watches those
after them: with the allowance `ALLOWANCE` and the limit `LIMIT` it notices a shift by one standard
deviation after about ten samples and raises a false alarm about once in 465.

References:
    E. S. Page, Continuous Inspection Schemes, Biometrika 41 (1954) 100-115,
    doi:10.1093/biomet/41.1-2.100. NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.3 CUSUM
    Control Charts (h = 5, k = 0.5).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.campaign import CampaignState

__all__ = ["ALLOWANCE", "LIMIT", "N_BASELINE", "Drift", "drift_conditions"]

N_BASELINE: Final = 5
"""So many first reference samples say what is usual, where the file does not."""
ALLOWANCE: Final = 0.5
"""What a result may deviate before it counts, in standard deviations."""
LIMIT: Final = 5.0
"""How much may add up before it is drift, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One measured quantity of the reference samples that is not what it was."""

    name: str
    """Of the objective or outcome."""
    experiment_id: str
    """The reference sample that shows it."""
    message: str
    """What is the matter, in a sentence."""


def drift_conditions(state: CampaignState) -> tuple[Drift, ...]:
    """Return what has drifted, by the last reference sample; nothing without reference samples.

    Args:
        state: The campaign.
    """
    reference = state.spec.reference
    if reference is None:
        return ()
    expected = {one.name: one for one in reference.expected}
    found: list[Drift] = []
    for name in state.spec.measured_names:
        series = [
            (
                record.experiment_id,
                record.observation.values[name],
                record.observation.sds.get(name),
            )
            for record in state.references
            if name in record.observation.values
        ]
        if not series:
            continue
        experiment_id, last, _ = series[-1]
        if name in expected:
            value, tolerance = float(expected[name].value), float(expected[name].tolerance)
            if abs(last - value) > tolerance:
                message = f"{name} is {last:.6g}, expected {value:.6g} ± {tolerance:.6g}"
                found.append(Drift(name, experiment_id, f"{experiment_id}: {message}"))
            continue
        message = _shift_in([value for _, value, _ in series], [sd for *_, sd in series])
        if message:
            found.append(Drift(name, experiment_id, f"{experiment_id}: {name} {message}"))
    return tuple(found)


def _shift_in(values: Sequence[float], sds: Sequence[float | None]) -> str:
    """Say by how much the later results of a series have moved; empty if they have not."""
    baseline, later = values[:N_BASELINE], values[N_BASELINE:]
    if not later:
        return ""
    usual = statistics.fmean(baseline)
    known = [sd for sd in sds[:N_BASELINE] if sd is not None]
    spread = math.hypot(statistics.stdev(baseline), statistics.fmean(known) if known else 0.0)
    if spread == 0.0:
        moved = later[-1] != usual
        return f"is {later[-1]:.6g}, was always {usual:.6g}" if moved else ""
    above = below = 0.0
    for value in later:
        deviation = (value - usual) / spread
        above = max(0.0, above + deviation - ALLOWANCE)
        below = max(0.0, below - deviation - ALLOWANCE)
    if max(above, below) <= LIMIT:
        return ""
    way = "upwards" if above > below else "downwards"
    return f"drifts {way}: last {later[-1]:.6g}, usual {usual:.6g} ± {spread:.2g}"

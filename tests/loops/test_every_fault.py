"""Every fault on every device that acts: how its campaign ends, and that nothing is done twice."""

import pytest

from drivers.catalog import DRIVERS, driver_named, names
from drivers.instrument import RecoveryClass
from simulators.conformance.examinee import Examinee
from simulators.conformance.trouble import requests_of
from simulators.faults import FaultKind
from tests.support.lone_driver import run_with_fault

ACTING = [
    (driver, action.name)
    for driver in names(DRIVERS)
    for action in driver_named(driver).actions.values()
    if action.recovery not in (RecoveryClass.PURE, RecoveryClass.IDEMPOTENT)
]
ENDS = {"finished", "in doubt", "held"}
"""A campaign ends by its rule, or holds and says why; a doubt waits for a person."""


def places_of(driver: str, action: str) -> list[int]:
    """Return up to four requests of an action, the first and the last among them."""
    first, last = requests_of(Examinee(driver), action)
    stride = max(1, (last - first) // 3)
    return sorted({*range(first, last, stride), last})


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind.value for kind in FaultKind])
@pytest.mark.parametrize(("driver", "action"), ACTING)
def test_a_fault_ends_in_a_state_that_says_so_and_repeats_nothing(
    driver: str, action: str, kind: str
) -> None:
    undisturbed = run_with_fault(driver, action).n_acts
    for place in places_of(driver, action):
        fault = {"kind": kind, "exchange": place}
        if kind == "late":
            fault["delay_s"] = 90.0
        found = run_with_fault(driver, action, fault)

        assert found.words in ENDS, f"request {place}: {found.words}"
        assert found.words == "finished" or found.state.status_reason, f"request {place}"
        twice = found.n_acts - undisturbed
        assert not twice, f"request {place}: {dict(twice)} more than without a fault"

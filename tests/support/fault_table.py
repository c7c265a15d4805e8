"""What each fault does to a campaign of each action: ``python -m tests.support.fault_table``."""

import argparse
from collections import Counter
from collections.abc import Iterator

from drivers.catalog import DRIVERS, driver_named, names
from drivers.instrument import RecoveryClass
from simulators.conformance.examinee import Examinee
from simulators.conformance.trouble import requests_of
from simulators.faults import FaultKind
from tests.support.lone_driver import run_with_fault

__all__ = ["rows"]


def rows(n_places: int) -> Iterator[tuple[str, str, RecoveryClass, dict[str, Counter[str]], int]]:
    """Run every action under every kind of fault.

    Args:
        n_places: At how many of its requests, at most.

    Yields:
        Driver, action, recovery class, ends by kind of fault, and how many acts there were more
        than without a fault.
    """
    for driver in names(DRIVERS):
        for action in driver_named(driver).actions.values():
            first, last = requests_of(Examinee(driver), action.name)
            stride = max(1, (last - first) // n_places)
            places = sorted({*range(first, last, stride), last})
            usual = run_with_fault(driver, action.name).n_acts
            ends: dict[str, Counter[str]] = {}
            n_more = 0
            for kind in FaultKind:
                fault: dict[str, object] = {"kind": kind.value}
                if kind is FaultKind.LATE:
                    fault["delay_s"] = 90.0
                found = [
                    run_with_fault(driver, action.name, {**fault, "exchange": place})
                    for place in places
                ]
                ends[kind.value] = Counter(one.words for one in found)
                n_more += sum(sum((one.n_acts - usual).values()) for one in found)
            yield driver, action.name, action.recovery, ends, n_more


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--places", type=int, default=6)
    kinds = [kind.value for kind in FaultKind]
    print(f"| driver | action | class | {' | '.join(kinds)} | acts more |")
    print(f"|---|---|---|{'---|' * len(kinds)}---|")
    for driver, action, recovery, ends, n_more in rows(parser.parse_args().places):
        cells = [", ".join(f"{n} {end}" for end, n in ends[kind].items()) for kind in kinds]
        print(f"| {driver} | {action} | {recovery.value} | {' | '.join(cells)} | {n_more} |")


if __name__ == "__main__":
    main()

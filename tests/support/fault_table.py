"""What each fault does to a campaign of each action: ``python -m tests.support.fault_table``."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from drivers.catalog import DRIVERS, driver_named, names
from simulators.conformance.examinee import Examinee
from simulators.conformance.trouble import requests_of
from simulators.faults import FaultKind
from tests.support.fuzz_book import keep, origin
from tests.support.lone_driver import run_with_fault

__all__ = ["faulted", "table"]


def faulted(driver: str, action: str, *, n_places: int) -> dict[str, object]:
    """Run an action under every kind of fault, each at several of its requests.

    Args:
        driver: The driver's name.
        action: One of its actions.
        n_places: At how many of its requests, at most about that many.

    Returns:
        ``recovery``: its class; ``ends``: by kind of fault, how often which error and which end
        of the campaign; ``n_runs``; ``n_repeated``: acts more than without a fault.
    """
    first, last = requests_of(Examinee(driver), action)
    stride = max(1, (last - first) // n_places)
    places = sorted({*range(first, last, stride), last})
    usual = run_with_fault(driver, action).n_acts
    ends: dict[str, dict[str, int]] = {}
    n_repeated = 0
    for kind in FaultKind:
        fault: dict[str, object] = {"kind": kind.value}
        if kind is FaultKind.LATE:
            fault["delay_s"] = 90.0
        found = [run_with_fault(driver, action, {**fault, "exchange": place}) for place in places]
        ends[kind.value] = dict(Counter(f"{one.error or '-'} > {one.words}" for one in found))
        n_repeated += sum(sum((one.n_acts - usual).values()) for one in found)
    return {
        "recovery": driver_named(driver).actions[action].recovery.value,
        "ends": ends,
        "n_runs": len(places) * len(FaultKind),
        "n_repeated": n_repeated,
    }


def _driver(work: tuple[str, int]) -> dict[str, object]:
    driver, n_places = work
    actions = driver_named(driver).actions
    return {name: faulted(driver, name, n_places=n_places) for name in actions}


def table(found: Mapping[str, Mapping[str, object]]) -> str:
    """Return what was found as a Markdown table.

    Args:
        found: By driver and action, as in the JSON file.
    """
    kinds = [kind.value for kind in FaultKind]
    lines = [
        f"| driver, action | class | {' | '.join(kinds)} | runs | acts repeated |",
        f"|---|---|{'---|' * len(kinds)}---|---|",
    ]
    for driver, actions in sorted(found.items()):
        for action, one in actions.items():
            if not isinstance(one, dict):
                continue  # the date and the commit beside the actions
            cells = [_cell(one["ends"].get(kind, {})) for kind in kinds]
            heading = f"| `{driver}` {action} | {one['recovery']} | "
            lines.append(f"{heading}{' | '.join(cells)} | {one['n_runs']} | {one['n_repeated']} |")
    return "\n".join(lines)


def _cell(ends: Mapping[str, int]) -> str:
    parts = []
    for end, n in sorted(ends.items(), key=lambda item: -item[1]):
        error, _, words = end.partition(" > ")
        parts.append(f"{n} {words}" if error == "-" else f"{n} {words} ({error})")
    return ", ".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run campaigns under faults and print the table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--places", type=int, default=4, help="requests of each action to strike")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--devices", nargs="*", default=names(DRIVERS))
    parser.add_argument("--out", type=Path, help="a JSON file that keeps the table")
    given = parser.parse_args(arguments)
    since = origin()
    work = [(driver, given.places) for driver in given.devices]
    with ProcessPoolExecutor(given.workers) as pool:
        found = {
            driver: {**one, **since}
            for (driver, _), one in zip(work, pool.map(_driver, work), strict=True)
        }
    if given.out is not None:
        keep(given.out, "faults", found)
    print(table(found))


if __name__ == "__main__":
    main()

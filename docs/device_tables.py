"""The tables of docs/DEVICES.md: from the drivers, their cards, and the figures that are kept."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from drivers.card import card_of
from drivers.catalog import DRIVERS, driver_named, names
from tests.support import codec_fuzz, driver_fuzz, fault_table

__all__ = [
    "FAULTS",
    "FUZZ",
    "codec_table",
    "device_table",
    "driver_table",
    "faults",
    "kept",
    "survived",
]

FUZZ: Final = Path(__file__).parent / "devices_fuzz.json"
FAULTS: Final = Path(__file__).parent / "devices_faults.json"


def device_table() -> str:
    """Return one row for every driver of ours: its actions by recovery class, level and tier."""
    lines = [
        "| driver | device | pure | idempotent | keyed | queryable | blind | level | tier |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names(DRIVERS):
        driver = driver_named(name)
        card = card_of(driver)
        classes: dict[str, list[str]] = {}
        for action in driver.actions.values():
            classes.setdefault(action.recovery.value, []).append(f"`{action.name}`")
        kinds = ("pure", "idempotent", "keyed", "queryable", "blind")
        cells = [", ".join(sorted(classes.get(kind, []))) for kind in kinds]
        ends = f"{card.quality.level} | {card.device.tier}"
        lines.append(f"| `{name}` | {card.device.model} | {' | '.join(cells)} | {ends} |")
    return "\n".join(lines)


def codec_table() -> str:
    """Return what codecs made of noise and of damaged frames."""
    return codec_fuzz.table(kept(FUZZ, "codecs"))


def driver_table() -> str:
    """Return what drivers made of damaged replies."""
    return driver_fuzz.table(kept(FUZZ, "drivers"))


def faults() -> str:
    """Return how a campaign of each action ended under each fault."""
    return fault_table.table(kept(FAULTS, "faults"))


def survived() -> str:
    """Return, for each recovery class, how many campaigns ended how, and acts repeated."""
    ends: dict[str, Counter[str]] = {}
    sums: dict[str, Counter[str]] = {}
    for actions in kept(FAULTS, "faults").values():
        for one in actions.values():
            if not isinstance(one, dict):
                continue  # the date and the commit beside the actions
            recovery = one["recovery"]
            of_class = ends.setdefault(recovery, Counter())
            for found in one["ends"].values():
                for end, n in found.items():
                    of_class[end.partition(" > ")[2]] += n
            sums.setdefault(recovery, Counter()).update(
                actions=1, runs=one["n_runs"], repeated=one["n_repeated"]
            )
    lines = [
        "| class | actions | campaigns with a fault | finished | held | in doubt | acts repeated |",
        "|---|---|---|---|---|---|---|",
    ]
    for recovery, counts in sorted(sums.items()):
        found = [f"{ends[recovery][end]:,}" for end in ("finished", "held", "in doubt")]
        cells = [str(counts["actions"]), f"{counts['runs']:,}", *found, str(counts["repeated"])]
        lines.append(f"| `{recovery}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def kept(path: Path, part: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the figures that a run has kept.

    Args:
        path: `FUZZ` or `FAULTS`.
        part: ``codecs``, ``drivers`` or ``faults``.
    """
    found: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text("utf-8"))[part]
    return found

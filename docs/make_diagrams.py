"""Draws the generated parts of the documents from the code: events, lives, imports, devices.

``python -m docs.make_diagrams`` writes them anew; a test says when that is due. A generated part
stands between ``<!-- generated: name -->`` and ``<!-- end -->``.
"""

import inspect
import re
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, get_args

from docs import device_tables
from orchestrator.core import events
from orchestrator.core.alarm_kinds import ALARM_KINDS
from orchestrator.core.alarms import ALARM_TRANSITIONS, AlarmStatus
from orchestrator.core.campaign import CAMPAIGN_TRANSITIONS, CampaignStatus
from orchestrator.core.experiment import EXPERIMENT_TRANSITIONS, ExperimentStatus
from orchestrator.core.job import JOB_TRANSITIONS, JobStatus
from orchestrator.core.lab import INSTRUMENT_TRANSITIONS, InstrumentStatus

__all__ = ["ARCHITECTURE", "DRAWN", "GENERATED", "updated"]

ROOT: Final = Path(__file__).parents[1]
ARCHITECTURE: Final = ROOT / "docs" / "ARCHITECTURE.md"
DEVICES: Final = ROOT / "docs" / "DEVICES.md"
OPERATING: Final = ROOT / "docs" / "OPERATING.md"
DRAWN: Final = (ARCHITECTURE, DEVICES, OPERATING)
"""Those with generated parts."""

_BLOCK: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def event_table() -> str:
    """Return one row for every event: its wire name, its fields, its first line."""
    union = get_args(get_args(events.Event)[0])
    lines = ["| event | fields | meaning |", "|---|---|---|"]
    for event in union:
        summary = (inspect.getdoc(event) or "").partition("\n")[0]
        fields = ", ".join(f"`{name}`" for name in event.model_fields if name != "kind")
        lines.append(f"| `{event.__name__}` | {fields} | {summary} |")
    return "\n".join(lines)


def state_diagram(
    statuses: type[StrEnum], transitions: Mapping[tuple[StrEnum, type], StrEnum]
) -> str:
    """Return a transition table as a Mermaid state diagram; steps that stay are left out.

    Args:
        statuses: Every state, the first one being where a life begins.
        transitions: From a state and an event to the next state.
    """
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(statuses))}"]
    edges: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in transitions.items():
        if before is not after:
            edges.setdefault((str(before), str(after)), []).append(event.__name__)
    for (before, after), names in edges.items():
        lines.append(f"    {before} --> {after}: {', '.join(names)}")
    left = {before for before, _ in edges}
    lines += [f"    {status} --> [*]" for status in statuses if str(status) not in left]
    return "\n".join([*lines, "```"])


def floors() -> str:
    """Return the layers of the import contracts, top floor first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = []
    for contract in project["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            layers = [re.sub(r"[()]", "", layer) for layer in contract["layers"]]
            lines += [f"**{contract['name']}**", "", "```", *layers, "```", ""]
    return "\n".join(lines).rstrip()


def alarm_table() -> str:
    """Return one row for every kind of alarm: how urgent, what it means, what to do."""
    lines = [
        "| alarm | severity | means | if nobody acts | what to do | delays |",
        "|---|---|---|---|---|---|",
    ]
    for kind in ALARM_KINDS.values():
        name = f"{kind.name}/CAMPAIGN" if kind.is_of_campaign else kind.name
        names = {"subject": "NAME", "campaign": "CAMPAIGN"}
        to_do = kind.what_to_do.format(**names).replace("|", "\\|")
        delays = f"{kind.on_delay_s:g} s / {kind.off_delay_s:g} s"
        row = [f"`{name}`", kind.severity, kind.meaning, kind.consequence, to_do, delays]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    "events": event_table,
    "floors": floors,
    "job": lambda: state_diagram(JobStatus, JOB_TRANSITIONS),
    "experiment": lambda: state_diagram(ExperimentStatus, EXPERIMENT_TRANSITIONS),
    "alarm": lambda: state_diagram(AlarmStatus, ALARM_TRANSITIONS),
    "alarms": alarm_table,
    "campaign": lambda: state_diagram(CampaignStatus, CAMPAIGN_TRANSITIONS),
    "devices": device_tables.device_table,
    "faults": device_tables.faults,
    "survived": device_tables.survived,
    "noise_in_codecs": device_tables.codec_table,
    "noise_in_drivers": device_tables.driver_table,
    "instrument": lambda: state_diagram(InstrumentStatus, INSTRUMENT_TRANSITIONS),
}
"""What can be drawn, by the name in the document."""


def updated(text: str) -> str:
    """Return a document with all its generated parts drawn anew.

    Args:
        text: The document.
    """
    return _BLOCK.sub(lambda found: found[1] + GENERATED[found[2]]() + "\n" + found[3], text)


if __name__ == "__main__":
    for document in DRAWN:
        text = updated(document.read_text(encoding="utf-8"))
        document.write_text(text, encoding="utf-8", newline="\n")

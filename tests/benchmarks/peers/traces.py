"""The traces on disk: one small JSON file a run, written whole or not at all."""

import json
from pathlib import Path
from typing import Final

from tests.benchmarks.peers.problems import problem
from tests.benchmarks.peers.racing import Run, Trace

__all__ = ["TRACES", "all_traces", "is_current", "write_trace"]

TRACES: Final = Path(__file__).parent / "traces"


def _path(peer: str, name: str, seed: int) -> Path:
    return TRACES / peer / name / f"{seed}.json"


def _shortened(value: object) -> object:
    """Return the same content with numbers of ten significant digits."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, dict):
        return {key: _shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    return value


def is_current(run: Run) -> bool:
    """Tell whether a run's trace exists and belongs to the problem as it is defined now."""
    path = _path(run.peer, run.problem, run.seed)
    if not path.exists():
        return False
    trace: Trace = json.loads(path.read_text(encoding="utf-8"))
    return trace["digest"] == problem(run.problem).digest


def write_trace(trace: Trace) -> None:
    """Write one trace, one ask and one experiment a line."""
    path = _path(trace["peer"], trace["problem"], trace["seed"])
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for key, value in trace.items():
        if key in {"asks", "experiments"}:
            rows = ",\n".join(json.dumps(_shortened(each)) for each in value)  # type: ignore[attr-defined]
            lines.append(f'"{key}": [\n{rows}\n]')
        else:
            lines.append(f'"{key}": {json.dumps(value)}')
    part = path.with_suffix(".part")
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    part.replace(path)


def all_traces() -> list[Trace]:
    """Return every trace whose problem is still defined as it was."""
    found: list[Trace] = []
    for path in sorted(TRACES.glob("*/*/*.json")):
        trace: Trace = json.loads(path.read_text(encoding="utf-8"))
        if trace["digest"] == problem(trace["problem"]).digest:
            found.append(trace)
    return found

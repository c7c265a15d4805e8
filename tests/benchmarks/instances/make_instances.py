"""Make the committed scheduling instances: python -m tests.benchmarks.instances.make_instances.

96 samples of three furnace programmes pass dosing, mixing, a furnace of eight, polishing and two
measurements. Durations are invented, of the order of a powder laboratory's.
"""

import json
import random
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
N_SAMPLES = 96
PROGRAMMES = {"p900": 150, "p1050": 200, "p1200": 260}
"""Minutes of a furnace run, by programme."""
MACHINES = {"doser": 1, "mixer": 1, "furnace": 8, "polisher": 1, "diffractometer": 1, "tester": 1}


def instance(name: str, *, has_waits: bool, breaks: bool) -> dict[str, Any]:
    """Return one instance as it is committed."""
    dice = random.Random("athanor scheduling")
    tasks: list[dict[str, Any]] = []
    programmes = [p for p in PROGRAMMES for _ in range(N_SAMPLES // len(PROGRAMMES))]
    dice.shuffle(programmes)
    for number, programme in enumerate(programmes, start=1):
        sample = f"S{number:03d}"
        steps: list[tuple[str, float, str, float | None]] = [
            ("doser", dice.choice([8, 10, 12, 14, 16]), "", None),
            ("mixer", dice.choice([6, 8, 10]), "", 20 if has_waits else None),
            ("furnace", PROGRAMMES[programme], programme, 240 if has_waits else None),
            ("polisher", dice.choice([8, 12, 16]), "", None),
            ("diffractometer", dice.choice([10, 14]), "", None),
            ("tester", dice.choice([8, 12]), "", 30 if has_waits else None),
        ]
        before: list[str] = []
        for machine, minutes, load, wait in steps:
            key = f"{sample}/{machine}"
            task: dict[str, Any] = {
                "key": key,
                "sample": sample,
                "machines": [machine],
                "duration_s": 60.0 * minutes,
                "after": before,
            }
            task |= {"load": load} if load else {}
            task |= {"max_wait_s": 60.0 * wait} if wait is not None else {}
            tasks.append(task)
            before = [key]
    breakdowns = [
        {"machine": "mixer", "from_s": 14_000.0, "until_s": 21_200.0},
        {"machine": "furnace", "from_s": 60_000.0, "until_s": 74_400.0},
        {"machine": "polisher", "from_s": 100_000.0, "until_s": 107_200.0},
    ]
    return {
        "name": name,
        "machines": [{"name": one, "capacity": n} for one, n in MACHINES.items()],
        "tasks": tasks,
        "breakdowns": breakdowns if breaks else [],
    }


def main() -> None:
    """Write the files."""
    for name, has_waits, breaks in (
        ("plain", False, False),
        ("waits", True, False),
        ("breakdowns", True, True),
    ):
        text = json.dumps(instance(name, has_waits=has_waits, breaks=breaks), indent=0)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

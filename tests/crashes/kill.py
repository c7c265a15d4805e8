"""The crash test: ``python -m tests.crashes.kill --kills 150`` kills 150 times in each class.

It goes on where an earlier run with the same ``--out`` stopped. It ends with what was lost,
repeated or kept quiet, and with exit code 1 if there is any.
"""

import argparse
import json
import multiprocessing
import random
import shutil
import statistics
import sys
import traceback
from pathlib import Path

from tests.crashes.crash_lane import LANES, Lane, places_for


def main() -> int:
    """Run the lanes and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=150, help="in each class")
    parser.add_argument("--classes", default=",".join(LANES))
    parser.add_argument("--out", type=Path, default=Path("crash-test"))
    parser.add_argument("--speed", type=float, default=50.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="forget an earlier run")
    chosen = parser.parse_args()
    if chosen.fresh:
        shutil.rmtree(chosen.out, ignore_errors=True)
    names = chosen.classes.split(",")
    context = multiprocessing.get_context("spawn")
    with context.Pool(len(names)) as pool:
        work = [(name, chosen.out, chosen.kills, chosen.speed, chosen.seed) for name in names]
        results = pool.starmap(run_lane, work)
    for result in results:
        print(json.dumps(result, indent=1))
    return 0 if all(result["is_clean"] for result in results) else 1


def run_lane(name: str, out: Path, n_kills: int, speed: float, seed: int) -> dict[str, object]:
    """Kill in one class so often, and return what came of it.

    Args:
        name: Of the class.
        out: Where the lanes are kept.
        n_kills: How many.
        speed: Of the lab's time.
        seed: Of everything that is drawn.
    """
    lane = Lane(LANES[name], out.resolve() / name, speed=speed, seed=seed)
    plan = places_for(2 * n_kills, random.Random(f"{seed} {name}"))
    error = ""
    try:
        lane.open()
        for place, victim in plan[lane.n_done :]:
            if lane.n_landed >= n_kills:
                break
            kill = lane.kill_once(place, victim)
            print(
                f"{name} {kill.number}/{n_kills} {kill.victim} at {kill.place}: "
                f"{'' if kill.landed else 'not reached; '}back in {kill.seconds:.1f} s"
                f"{' doubts ' + ' '.join(kill.answers) if kill.answers else ''}",
                flush=True,
            )
        verdict = lane.settle()
    except Exception:
        error = traceback.format_exc()
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        verdict = lane.judge()
    finally:
        lane.close()
    kills = [json.loads(line) for line in lane.kills_file.read_text().splitlines()]
    landed = [kill for kill in kills if kill["landed"]]
    return {
        "class": name,
        "kills": len(landed),
        "not_landed": len(kills) - len(landed),
        "at_landmarks": len({kill["place"] for kill in landed} - {"random"}),
        "attempts": verdict.n_attempts,
        "done": verdict.n_done,
        "acts": verdict.n_acts,
        "answered_by_a_person": sum(len(kill["answers"]) for kill in kills),
        "lost": verdict.lost,
        "duplicated": verdict.duplicated,
        "unreported": verdict.unreported,
        "stray": verdict.stray,
        "median_s_until_driven": statistics.median([kill["seconds"] for kill in kills] or [0.0]),
        "error": error,
        "is_clean": verdict.is_clean and not error,
    }


if __name__ == "__main__":
    sys.exit(main())

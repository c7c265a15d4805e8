"""What docs/WORLDS.md says of the worlds is what the worlds say of themselves."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from simulators.worlds import World, world_named

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "WORLDS.md").read_text("utf-8")
NAMES = sorted(entry_points(group="athanor.worlds").names)
NONE = "-"

every_world = pytest.mark.parametrize("world", [world_named(name) for name in NAMES], ids=NAMES)


def cells(section: str, name: str) -> list[str]:
    _, _, text = PAGE.partition(f"\n## {section}\n")
    text, _, _ = text.partition("\n## ")
    (row,) = [line for line in text.splitlines() if line.startswith("|") and f"`{name}`" in line]
    return [cell.strip() for cell in row.strip("|").split("|")]


def number(cell: str) -> float:
    return 0.0 if cell == NONE else float(cell)


@every_world
def test_the_page_says_what_a_world_answers(world: World) -> None:
    _, _, components, outcomes, seen_through = cells("What each answers", world.name)

    assert components.split(", ") == list(world.components)
    assert outcomes.split(", ") == [f"`{name}`" for name in world.noise_sd]
    assert seen_through == f"`{world.transducer}`"


@every_world
def test_the_page_says_how_far_a_world_may_be_trusted(world: World) -> None:
    _, tolerance, noise, misses, r2 = cells("How far each may be trusted", world.name)

    assert number(tolerance) == world.tolerance
    assert [float(one) for one in noise.split(", ")] == list(world.noise_sd.values())
    assert number(misses) == world.made_sd
    assert number(r2) == getattr(world, "published_r2", 0.0)


@every_world
def test_the_page_names_the_failure_region_and_the_source(world: World) -> None:
    if world.failure_region:
        assert cells("Where nothing comes of it", world.name)[1] == world.failure_region
    source, licence = cells("Where each comes from", world.name)[1:]
    assert source
    assert licence in {"MIT", "ours"}


def test_the_page_speaks_of_no_world_that_is_not_there() -> None:
    _, _, text = PAGE.partition("\n## What each answers\n")
    text, _, _ = text.partition("\n## ")

    named = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]

    assert named == NAMES

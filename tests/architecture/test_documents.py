"""The documents are true: what is generated is up to date, what is named exists."""

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from campaigns.loading import campaign_from_text
from docs.device_tables import FAULTS, FUZZ, kept
from docs.make_diagrams import ARCHITECTURE, DRAWN, GENERATED, updated
from drivers.catalog import DRIVERS, driver_named, names
from orchestrator.core.events import EVENT_KINDS
from simulators.faults import FaultKind
from tests.support.source_tree import (
    PACKAGES,
    ROOT,
    imported_packages,
    name_of,
    shipped_files,
    tree_of,
)

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


def distribution_of(requirement: str) -> str:
    return re.split(r"[<>=]", requirement)[0].lower().replace("_", "-")


@pytest.mark.parametrize("document", DRAWN, ids=name_of)
def test_the_generated_parts_are_up_to_date(document: Path) -> None:
    text = document.read_text(encoding="utf-8")

    assert updated(text) == text, "run: python -m docs.make_diagrams"


def test_every_generated_part_has_its_place() -> None:
    text = "".join(document.read_text(encoding="utf-8") for document in DRAWN)

    assert set(re.findall(r"<!-- generated: (\w+) -->", text)) == set(GENERATED)


def test_every_event_is_named() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")

    assert [kind for kind in EVENT_KINDS if f"`{kind}`" not in text] == []


def test_every_room_is_described() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    rooms = [
        f"{entry.parent.name}/{entry.name}"
        for package in ("campaigns", "drivers", "orchestrator", "simulators")
        for entry in sorted((ROOT / package).iterdir())
        if entry.is_dir() and not entry.name.startswith(("_", "."))
    ]

    assert [room for room in rooms if f"`{room}`" not in text] == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=]", line)[0] for line in project["dependencies"]]
    text = (ROOT / "docs" / "DECISIONS.md").read_text(encoding="utf-8")

    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pins = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = {distribution_of(line) for line in pins}

    assert [name for line in wanted if (name := distribution_of(line)) not in pinned] == []
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {distribution_of(line) for line in project["dependencies"]}
    known = {*PACKAGES, *sys.stdlib_module_names}
    distributions = metadata.packages_distributions()

    strangers = {
        (name_of(file), name)
        for file in shipped_files()
        for name in imported_packages(tree_of(file)) - known
        if not {distribution_of(found) for found in distributions.get(name, [])} & declared
    }

    assert strangers == set()


def test_the_first_campaign_of_the_readme_is_sound() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (header,) = re.findall(r"header\s+line alone \(`([^`]+)`\)", text)

    campaign = campaign_from_text(example, file="README.md")

    assert header.split(",") == [*campaign.space.names, *campaign.measured_names]


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]

    assert [link for link in links if not (document.parent / link).exists()] == []


@every_document
def test_every_named_file_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    folders = r"(?:campaigns|drivers|simulators|orchestrator|tests|docs)"
    named = re.findall(rf"`({folders}/[\w/.]+\.(?:py|toml|md|txt|csv))`", text)

    assert [name for name in named if not (ROOT / name).exists()] == []


@every_document
def test_every_make_target_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"`make (\w+)", document.read_text(encoding="utf-8")))

    assert named <= targets


@pytest.mark.parametrize(
    ("path", "part", "key", "least"),
    [(FUZZ, "codecs", "damaged", 1_000_000), (FUZZ, "drivers", "damaged", 100_000)],
)
def test_the_noise_was_thrown_at_every_driver(path: Path, part: str, key: str, least: int) -> None:
    found = kept(path, part)

    assert set(found) == set(names(DRIVERS))
    assert {name: one[key] for name, one in found.items() if one[key] < least} == {}


def test_every_action_met_every_fault() -> None:
    found = kept(FAULTS, "faults")
    actions = {name: set(driver_named(name).actions) for name in names(DRIVERS)}
    about_the_run = {"date", "commit"}

    assert {name: set(one) - about_the_run for name, one in found.items()} == actions
    for driver, action in [(name, one) for name, each in actions.items() for one in each]:
        one = found[driver][action]
        assert set(one["ends"]) == {kind.value for kind in FaultKind}
        assert one["recovery"] in {"pure", "idempotent"} or one["n_repeated"] == 0

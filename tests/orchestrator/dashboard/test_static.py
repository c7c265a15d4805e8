"""What every page is made of: vendored scripts, colours for every eye, states in words."""

import hashlib
import re
from enum import StrEnum
from itertools import combinations
from math import dist
from pathlib import Path
from typing import Final, get_args

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from drivers.task_board import TaskState
from orchestrator.core.alarms import AlarmStatus
from orchestrator.core.campaign_status import CampaignStatus
from orchestrator.core.experiment import ExperimentStatus
from orchestrator.core.job import JobStatus
from orchestrator.core.lab import InstrumentStatus
from orchestrator.core.lab_events import Severity
from orchestrator.dashboard.rendering import STATIC, TEMPLATES
from orchestrator.execution.analyses.analysis import Quality
from orchestrator.service.doctor import Health
from orchestrator.service.launching.views import DryRunState
from orchestrator.service.views import EngineState

_TOKENS: Final = (STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
_ICONS: Final = (STATIC / "icons.svg").read_text(encoding="utf-8")
_STATES: Final[tuple[type[StrEnum], ...]] = (
    CampaignStatus,
    ExperimentStatus,
    JobStatus,
    InstrumentStatus,
    AlarmStatus,
    Severity,
    TaskState,
    EngineState,
    Health,
    Quality,
)
_ELSEWHERE: Final = ("unattended", "waiting", "approved", "edited", "rejected", "retracted")
_Look = tuple[float, float, float]
_SIGHTS: Final[dict[str, tuple[_Look, _Look, _Look]]] = {
    "all colours": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Matrices on linear RGB, severity 1: Machado, Oliveira and Fernandes (2009), table 1."""


def _blocks() -> list[tuple[str, dict[str, str]]]:
    found = re.findall(r"(:root[^{]*?)\s*\{([^}]*)\}", _TOKENS)
    return [
        (where, dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", body))) for where, body in found
    ]


def _theme(name: str) -> dict[str, str]:
    light, *dark = (colours for _, colours in _blocks())
    return light if name == "light" else light | dark[0]


def _linear(colour: str) -> _Look:
    def one(start: int) -> float:
        part = int(colour[start : start + 2], 16) / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return one(1), one(3), one(5)


def _contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2, 1 to 21."""

    def luminance(colour: str) -> float:
        red, green, blue = _linear(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dim, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def _seen(colour: str, sight: str) -> _Look:
    """Return a colour as somebody sees it, in OKLab (Ottosson 2020), where distances are even."""
    plain = _linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, plain, strict=True))))
        for row in _SIGHTS[sight]
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _looks() -> dict[str, tuple[str, str]]:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(dict.fromkeys(("label", "number", "local", "iso"), str))
    return vars(environment.get_template("macros.html").module)["LOOKS"]


def test_vendored_scripts_are_those_that_were_taken():
    table = (STATIC / "vendor" / "VENDOR.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|$", table, re.MULTILINE))
    there = {str(path.relative_to(STATIC / "vendor")) for path in STATIC.glob("vendor/*/*.js")}
    assert named.keys() == there
    for name, digest in named.items():
        path = STATIC / "vendor" / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, name
        assert (path.parent / "LICENSE").is_file(), name


def test_no_file_of_ours_asks_another_host_or_evaluates_text():
    for path in [*STATIC.glob("css/*.css"), *STATIC.glob("js/*.js"), *TEMPLATES.rglob("*.html")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path.name
        assert not re.search(r"\beval\(|new Function\(|@import|innerHTML\s*=", text), path.name
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text), path.name


def test_both_ways_to_the_dark_theme_have_the_same_colours():
    (_, light), (auto, by_wish), (dark, by_choice) = _blocks()
    assert (auto, dark) == (':root[data-theme="auto"]', ':root[data-theme="dark"]')
    assert by_wish == by_choice
    assert light.keys() == by_wish.keys()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str):
    colours = _theme(theme)
    pairs = [
        (text, ground)
        for text in ("text", "muted", "link", "good", "info", "warning", "bad")
        for ground in ("ground", "surface", "raised")
    ]
    pairs += [(tone, f"{tone}-ground") for tone in ("good", "info", "warning", "bad")]
    pairs += [("accent-text", "accent"), ("danger-text", "danger"), ("text", "bad-ground")]
    low = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert not {pair: ratio for pair, ratio in low.items() if ratio < 4.5}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_must_be_seen_beside_text_can_be_seen(theme: str):
    colours = _theme(theme)
    pairs = [
        (mark, ground)
        for mark in ("focus", "line-strong")
        for ground in ("ground", "surface", "raised")
    ]
    pairs += [(mark, g) for mark in ("accent", "bad") for g in ("ground", "surface")]
    pairs += [(f"plot-{n}", ground) for n in range(1, 5) for ground in ("ground", "surface")]
    low = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert not {pair: ratio for pair, ratio in low.items() if ratio < 3.0}


@pytest.mark.parametrize("sight", _SIGHTS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plots_are_told_apart_by_everybody(theme: str, sight: str):
    colours = _theme(theme)
    seen = {f"plot-{n}": _seen(colours[f"plot-{n}"], sight) for n in range(1, 5)}
    near = {pair: dist(seen[pair[0]], seen[pair[1]]) for pair in combinations(seen, 2)}
    assert not {pair: distance for pair, distance in near.items() if distance < 0.12}


@pytest.mark.parametrize("states", _STATES, ids=lambda states: states.__name__)
def test_every_state_has_a_look(states: type[StrEnum]):
    assert {str(state) for state in states} <= _looks().keys()


def test_states_without_an_enumeration_have_a_look():
    assert {*_ELSEWHERE, *get_args(DryRunState)} <= _looks().keys()


def test_every_icon_that_is_named_is_drawn():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', _ICONS))
    named = {icon for icon, _ in _looks().values()}
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        named |= _named(text)
    assert named <= drawn, named - drawn


def _named(text: str) -> set[str]:
    pairs = re.findall(r'icon\("([\w-]+)"\)|\bicon="([\w-]+)"', text)
    return {first or second for first, second in pairs}


def test_every_colour_that_is_used_is_defined():
    defined = set(re.findall(r"--([\w-]+):", _TOKENS))
    for path in STATIC.glob("css/*.css"):
        used = set(re.findall(r"var\(--([\w-]+)\)", path.read_text(encoding="utf-8")))
        assert used <= defined, (path.name, used - defined)


def test_files_stay_small():
    for path in [
        *STATIC.glob("css/*.css"),
        *STATIC.glob("js/*.js"),
        *Path(TEMPLATES).rglob("*.html"),
    ]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name

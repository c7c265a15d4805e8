"""The unit with which systemd keeps one campaign running: through crashes, and after a reboot.

The unit starts a keeper, which looks into the log, waits for a person where one is asked for, and
only then becomes the engine; see `orchestrator.service.keeping`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.errors import RequestRefused

__all__ = [
    "MARK",
    "Unit",
    "command_of_keeper",
    "install_unit",
    "uninstall_unit",
    "unit_name",
    "unit_text",
]

MARK: Final = "# Written by `athanor service install`; `athanor service uninstall` removes it."
STOP_TIMEOUT_S: Final = 120
"""How long an orderly end may take: every line may use up its own time limit first."""
RESTART_AFTER_S: Final = 10


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit is made of; every path is absolute."""

    campaign_name: str
    command: tuple[str, ...]
    """The keeper, argument by argument."""
    folder: Path
    """Where it works."""
    environment: Mapping[str, str]
    """Settings: who is named in the log as the one who asked, whom to tell of alarms."""
    user: str = ""
    """Of a system unit: whose process it is. Empty for a unit of the user's own."""


def unit_name(campaign_name: str) -> str:
    """Return the name of a campaign's unit.

    Example:
        >>> unit_name("OER plate")
        'athanor-oer-plate.service'
    """
    slug = re.sub(r"[^a-z0-9]+", "-", campaign_name.lower()).strip("-") or "campaign"
    return f"athanor-{slug}.service"


def unit_text(unit: Unit) -> str:
    """Return the unit file.

    A finished (0), mistaken (2) or aborted (4) campaign is not begun again; everything else is,
    for ever: each start asks the devices what they did before it sends anything. Only the engine
    is killed with the unit: the station outlives an engine's crash and goes when the last one lets
    go.
    """
    of_system = bool(unit.user)
    lines = [
        MARK,
        "[Unit]",
        f"Description=Athanor campaign {_plain(unit.campaign_name)}",
        "StartLimitIntervalSec=0",
        *(["Wants=network-online.target", "After=network-online.target"] if of_system else []),
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(_quoted(word) for word in unit.command)}",
        f"WorkingDirectory={_plain(str(unit.folder))}",
        *(
            f"Environment={_quoted(f'{name}={value}', is_command=False)}"
            for name, value in unit.environment.items()
        ),
        *([f"User={_plain(unit.user)}"] if of_system else []),
        "Restart=always",
        f"RestartSec={RESTART_AFTER_S}",
        "RestartPreventExitStatus=0 2 4",
        "SuccessExitStatus=3",
        "KillSignal=SIGTERM",
        "KillMode=process",
        f"TimeoutStopSec={STOP_TIMEOUT_S}",
        "OOMPolicy=continue",
        "",
        "[Install]",
        f"WantedBy={'multi-user' if of_system else 'default'}.target",
        "",
    ]
    return "\n".join(lines)


def install_unit(folder: Path, name: str, text: str) -> Path:
    """Write a unit file; only one of ours is written over.

    Args:
        folder: Where systemd looks for units.
        name: Of the unit.
        text: From `unit_text`.

    Raises:
        RequestRefused: The file is somebody else's, or cannot be written.
    """
    path = folder / name
    try:
        if path.exists() and not _is_ours(path):
            raise RequestRefused(f"{path}: got somebody else's unit, expected none or one of ours")
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestRefused(f"{path}: the unit cannot be written: {error.strerror}") from error
    return path


def uninstall_unit(folder: Path, name: str) -> Path:
    """Remove a unit file of ours.

    Raises:
        RequestRefused: It is not there, is somebody else's, or cannot be removed.
    """
    path = folder / name
    try:
        if not path.exists():
            raise RequestRefused(f"{path}: got no such unit")
        if not _is_ours(path):
            raise RequestRefused(f"{path}: got somebody else's unit, expected one of ours")
        path.unlink()
    except OSError as error:
        raise RequestRefused(f"{path}: the unit cannot be removed: {error.strerror}") from error
    return path


def _is_ours(path: Path) -> bool:
    return path.read_text(encoding="utf-8", errors="replace").startswith(MARK)


def _plain(text: str) -> str:
    """Return text as the value of a setting: one line, with systemd's specifiers taken literally.

    Raises:
        RequestRefused: It has more than one line.
    """
    if not text.isprintable():
        raise RequestRefused(f"unit: got {text!r}, expected text in one line")
    return text.replace("%", "%%")


def _quoted(word: str, *, is_command: bool = True) -> str:
    """Return one word of a command line or an environment as systemd reads it.

    Example:
        >>> _quoted("/lab of ada/50%.toml")
        '"/lab of ada/50%%.toml"'
    """
    text = _plain(word).replace("\\", "\\\\").replace('"', '\\"')
    text = text.replace("$", "$$") if is_command else text
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else f'"{text}"'


def command_of_keeper(python: Path, words: Sequence[str]) -> tuple[str, ...]:
    """Return the keeper's command line.

    Args:
        python: The interpreter that Athanor is installed for.
        words: What follows ``athanor service keep``.
    """
    return (str(python), "-m", "orchestrator", "service", "keep", *words)

"""The folder of a served bench: who serves it, and the ports that stay the same."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from drivers.errors import LineError

__all__ = ["keep_ports", "kept_ports", "occupied", "socket_place"]

_Ports = TypeAdapter(dict[str, int])


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; it is made if need be, and no longer ``ready``.

    Raises:
        LineError: Another process serves it.
    """
    (folder / "lines").mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise LineError(f"{folder} is served by another process") from error
    try:
        (folder / "ready").unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def kept_ports(folder: Path) -> dict[str, int]:
    """Return the ports of the socket lines that were served from this folder before, by line.

    Raises:
        LineError: The file is damaged.
    """
    file = folder / "ports.json"
    if not file.exists():
        return {}
    try:
        return _Ports.validate_json(file.read_bytes())
    except ValidationError as error:
        raise LineError(f"{file} is damaged; remove it, and the ports are dealt afresh") from error


def keep_ports(folder: Path, ports: Mapping[str, int]) -> None:
    """Write the ports down for the next time."""
    beside = folder / ".ports.json"
    beside.write_text(json.dumps(dict(ports)), encoding="utf-8")
    beside.replace(folder / "ports.json")


@contextmanager
def socket_place(link: Path) -> Iterator[str]:
    """Yield a short path for a Unix socket to which a link leads while the block lasts.

    The paths of Unix sockets are limited to some hundred bytes, those of folders are not; a client
    resolves the link before it connects.

    Args:
        link: Where clients look.
    """
    place = tempfile.mkdtemp(prefix="athanor-")
    try:
        path = f"{place}/control"
        beside = link.with_name(f".{link.name}")
        beside.unlink(missing_ok=True)
        beside.symlink_to(path)
        beside.replace(link)
        yield path
    finally:
        link.unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)

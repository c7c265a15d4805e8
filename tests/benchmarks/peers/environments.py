"""The peers' own environments: made once, by pip, from the versions named here."""

import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["DEFAULT_FOLDER", "VERSIONS", "make_environment"]

DEFAULT_FOLDER: Final = Path(tempfile.gettempdir()) / "peers"
TORCH: Final = "torch==2.13.0"
VERSIONS: Final[Mapping[str, str]] = {
    "ax": "ax-platform==1.3.1",
    "baybe": "baybe==0.15.0",
    "bofire": "bofire[optimization]==0.5.0",
}
"""What each peer's environment holds besides torch, which is installed first."""


def make_environment(peer: str, folder: Path) -> Path:
    """Return the interpreter of a peer's environment; one that exists is taken as it is.

    Args:
        peer: A key of `VERSIONS`.
        folder: Where the environments are.

    Raises:
        CalledProcessError: pip could not install the peer.
    """
    home = folder / peer
    python = home / "bin/python"
    if (home / ".ready").exists():
        return python
    if not python.exists():
        sys.stderr.write(f"{peer}: {VERSIONS[peer]} into {home}\n")
        venv.create(home, with_pip=True)
    for what in (TORCH, VERSIONS[peer]):
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", what], check=True)
    (home / ".ready").touch()
    return python

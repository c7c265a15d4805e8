"""`sila2`'s compiler of features, kept in a process of its own.

`sila2` compiles what a server says of itself with ``grpcio-tools``, whose compiler brings a
Protocol Buffers library of its own. Loaded into one process with OR-tools, which brings another,
either ends the whole process with an abort (both orders; ``grpcio-tools`` 1.81, ``ortools`` 9.15),
and a campaign that looks ahead uses OR-tools. So the extension is never loaded here.
"""

import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

__all__ = ["EXTENSION", "keep_compiler_apart"]

EXTENSION: Final = "grpc_tools._protoc_compiler"
"""The module that must not be loaded beside OR-tools."""
_COMPILER: Final = "grpc_tools.protoc"
_LONGEST_S: Final = 60.0


def keep_compiler_apart() -> None:
    """Put a stand-in for the compiler that runs it elsewhere; call it before `sila2` is imported.

    Where the compiler itself is loaded already nothing can be done, and nothing is.
    """
    if _COMPILER not in sys.modules:
        stand_in = ModuleType(_COMPILER, __doc__)
        stand_in.__dict__["main"] = _main
        sys.modules[_COMPILER] = stand_in


def _main(command_arguments: Sequence[str]) -> int:
    """Do what the compiler's function of this name does; the first argument is a name.

    Raises:
        OSError: It cannot be started, or takes longer than a minute.
    """
    command = [sys.executable, "-m", _COMPILER, *command_arguments[1:]]
    try:
        return subprocess.run(command, check=False, timeout=_LONGEST_S).returncode
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"the compiler of SiLA features takes over {_LONGEST_S:g} s") from error

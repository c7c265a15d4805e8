"""A run whose terminal is closed lets go in order, or goes on if it was told to by nohup."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.service.lab import Lab
from orchestrator.settings import Settings

LIBRARY = Path(__file__).parents[3] / "campaigns" / "library" / "oer"
WRITES_ON = """
import sys
from orchestrator.cli.lasting_output import outlive_terminal
outlive_terminal()
print("one", flush=True)
sys.stdin.readline()
print("two", flush=True)
print("three")
sys.exit(7)
"""


TAKES_TERMINAL = """
import os, signal, sys
terminal, errors, ignores_hangup, *command = sys.argv[1:]
os.login_tty(int(terminal))
os.dup2(int(errors), 2)
if ignores_hangup == "True":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(command[0], command)
"""


def read_until(descriptor: int, word: bytes) -> None:
    seen = b""
    while word not in seen:
        seen += os.read(descriptor, 1000)


@contextmanager
def on_terminal(
    command: list[str], errors: Path, *, ignores_hangup: bool
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a command as the first process of a terminal of its own; stderr goes to a file."""
    ours, theirs = pty.openpty()
    with errors.open("wb") as file:
        passed = (theirs, file.fileno())
        words = [*map(str, passed), str(ignores_hangup), *command]
        launcher = [sys.executable, "-c", TAKES_TERMINAL, *words]
        with subprocess.Popen(launcher, pass_fds=passed, start_new_session=True) as process:
            os.close(theirs)
            yield process, ours


def test_who_writes_to_a_pipe_without_a_reader_goes_on():
    with subprocess.Popen(
        [sys.executable, "-c", WRITES_ON],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"one\n"
        process.stdout.close()
        process.stdin.write(b"go on\n")
        process.stdin.close()
        errors = process.stderr.read()

    assert (process.returncode, errors) == (7, b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ignores_hangup", "code", "state"), [(False, 3, "unattended"), (True, 0, "finished")]
)
def test_a_closed_terminal_ends_a_run_in_order_unless_nohup_says_so(
    tmp_path, ignores_hangup, code, state
):
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = re.sub(r"max_experiments = \d+", "max_experiments = 30", text)
    campaign, database = tmp_path / "campaign.toml", tmp_path / "lab.db"
    campaign.write_text(text.replace('name = "botorch"', 'name = "sobol"'), encoding="utf-8")
    command = [sys.executable, "-m", "orchestrator", "run", str(campaign), "--dry-run", "--plain"]
    command += ["--rig", str(LIBRARY / "oer_rig.toml"), "--database", str(database)]
    errors = tmp_path / "stderr"

    with on_terminal(command, errors, ignores_hangup=ignores_hangup) as (process, terminal):
        read_until(terminal, b"E0002")
        os.close(terminal)
        process.wait(90)

    said = errors.read_text(encoding="utf-8")
    assert process.returncode == code, said
    assert "Traceback" not in said
    with Lab.open(Settings(database=database, actor="ada")) as lab:
        assert lab.campaign().state == state

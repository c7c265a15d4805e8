"""The compiler inside `sila2` never meets OR-tools in one process."""

import subprocess
import sys

import pytest

SILA = """
from drivers.sila_compiler import keep_compiler_apart
keep_compiler_apart()
import sila2.client
from sila2.framework import Feature
assert Feature(DEFINITION)._identifier == "Reader"
"""
SEARCH = "from ortools.sat.python import cp_model\n"
DEFINITION = (
    '<Feature SiLA2Version="1.1" FeatureVersion="1.0" Originator="org.example" Category="tests" '
    'xmlns="http://www.sila-standard.org"><Identifier>Reader</Identifier>'
    "<DisplayName>Reader</DisplayName><Description>R</Description><Command><Identifier>Stop"
    "</Identifier><DisplayName>Stop</DisplayName><Description>S</Description>"
    "<Observable>No</Observable></Command></Feature>"
)


@pytest.mark.parametrize("order", [(SILA, SEARCH), (SEARCH, SILA)], ids=["sila", "search"])
def test_a_process_survives_both_in_either_order(order: tuple[str, str]) -> None:
    program = f"DEFINITION = {DEFINITION!r}\n" + "".join(order) + "print('alive')"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr, done.returncode) == ("alive\n", "", 0)


def test_what_the_compiler_refuses_is_told() -> None:
    program = (
        "from drivers.sila_compiler import keep_compiler_apart\n"
        "keep_compiler_apart()\n"
        "from grpc_tools import protoc\n"
        "print(protoc.main(['protoc', '--python_out=.', 'there_is_none.proto']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.stdout == "1\n"
    assert "there_is_none.proto" in done.stderr

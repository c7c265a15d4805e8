"""Reasons are text, whatever was pasted into them."""

from pathlib import Path

import pytest

from orchestrator.service.acts.bench_acts import EmergencyStop
from tests.support.act_bench import ActBench


@pytest.fixture
def bench(tmp_path: Path) -> ActBench:
    return ActBench.at(tmp_path)


@pytest.mark.parametrize(
    ("sign", "spelt"),
    [
        ("\x00", r"\u0000"),
        ("\x1b", r"\u001b"),
        ("\x7f", r"\u007f"),
        ("\x9b", r"\u009b"),
        ("\u202e", r"\u202e"),
        ("\u2066", r"\u2066"),
    ],
)
def test_signs_that_are_no_text_are_spelt_out_and_stop_no_act(
    bench: ActBench, sign: str, spelt: str
) -> None:
    bench.perform(EmergencyStop(reason=f"a{sign}b"))

    assert bench.station.latch == f"a{spelt}b"

"""Somebody acts in the very moment between the look at the page and the append."""

from pathlib import Path

import pytest

from orchestrator.core.events import Event, JobFinished
from orchestrator.errors import RequestRefused, StaleView
from orchestrator.log.sql_log import SqliteLog
from orchestrator.service.acts import ACTS
from tests.support.act_bench import SMALL, ActBench
from tests.support.act_examples import EXAMPLES, possible_act, stream_of
from tests.support.recorded_campaign import OPENED

IN_THE_LOG_ALONE = [
    name
    for name, example in EXAMPLES.items()
    if name in ACTS and example.rival and not example.heard and not name.startswith("start")
]


def racing_log(*facts: Event, stream: str, actor: str) -> type[SqliteLog]:
    """Return a log into which somebody puts facts just before the next append."""
    left = list(facts)

    class RacingLog(SqliteLog):
        def append(self, *arguments, **named):
            while left:
                said = {"time": OPENED, "actor": actor, "is_simulated": True}
                super().append(stream, [left.pop(0)], **said)
            return super().append(*arguments, **named)

    return RacingLog


@pytest.fixture
def bench(tmp_path: Path) -> ActBench:
    return ActBench.at(tmp_path)


@pytest.mark.parametrize("name", [name for name in IN_THE_LOG_ALONE if name != "pause"])
def test_who_comes_first_by_a_hair_makes_the_page_of_the_other_old(
    bench: ActBench, name: str
) -> None:
    act, stream = possible_act(bench, name), stream_of(ACTS[name])
    rival = EXAMPLES[name].rival
    seen = bench.last_seq()
    bench.log_type = racing_log(*rival, stream=stream, actor="bob")

    with pytest.raises(StaleView, match="bob acted on this"):
        bench.perform(act, seen=seen)

    assert [one.actor for one in bench.records(seen)] == ["bob"] * len(rival)
    assert bench.kept() is None


@pytest.mark.parametrize("name", IN_THE_LOG_ALONE)
def test_without_a_page_the_state_alone_decides(bench: ActBench, name: str) -> None:
    act, stream = possible_act(bench, name), stream_of(ACTS[name])
    seen = bench.last_seq()
    bench.log_type = racing_log(*EXAMPLES[name].rival, stream=stream, actor="bob")

    try:
        bench.perform(act)
        is_done = True
    except RequestRefused:
        is_done = False

    by_ada = [one for one in bench.records(seen) if one.actor == "ada"]
    assert bool(by_ada) == is_done
    assert (bench.kept() is not None) == is_done


@pytest.mark.parametrize("name", ["approve", "pause", "amend"])
def test_what_the_engine_says_in_between_only_has_it_decided_again(
    bench: ActBench, name: str
) -> None:
    act = possible_act(bench, name)
    seen = bench.last_seq()
    finished = JobFinished(job_id="E0003/tare")
    bench.log_type = racing_log(finished, stream=f"campaign/{SMALL}", actor="engine")

    told = bench.perform(act, seen=seen)

    assert not told.was_done_before
    assert [one.actor for one in bench.records(seen)] == ["engine", "ada"]

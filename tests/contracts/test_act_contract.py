"""What holds for every act of a person, on a real log: whose it is, that it is done once, and that
nothing is done on a page that is too old. A new act is tested by standing in `ACTS`.
"""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import ValidationError

from orchestrator.access.roles import ROLE_SCOPES, Principal, Role, Scope
from orchestrator.core.events import LAB_STREAM, InstrumentConnected, JobFinished
from orchestrator.errors import LogUnavailable, NotPermitted, RequestRefused, StaleView
from orchestrator.service.acts import ACTS, Act, perform_act
from tests.support.act_bench import ADA, BOB, ActBench
from tests.support.act_examples import EXAMPLES, REASON, example_of, possible_act, stream_of

EVERY = sorted(ACTS)
DANGEROUS = [name for name in EVERY if ACTS[name].is_dangerous]
REASONED = [name for name in EVERY if ACTS[name].is_dangerous or ACTS[name].needs_reason]
SAFER = [name for name in EVERY if ACTS[name].makes_safer]
NOT_SAFER = [name for name in EVERY if name not in SAFER]
CLI_SYNTAX = re.compile(r"athanor |--[a-z]|`")
KEY = "key-00001"


@pytest.fixture
def bench(tmp_path: Path) -> ActBench:
    return ActBench.at(tmp_path)


def n_done(bench: ActBench, name: str, after_seq: int) -> int:
    """Count what an act of Ada's appended after a record."""
    wanted = EXAMPLES[name].event
    return sum(
        wanted is not None and isinstance(record.event, wanted) and record.actor == "ada"
        for record in bench.records(after_seq)
    )


def with_other_body(act: Act) -> Act:
    return act.model_copy(update={"reason": "something else altogether"})


def test_every_act_has_an_example() -> None:
    assert set(ACTS) <= set(EXAMPLES), "tests/support/act_examples.py needs an example of each"


def test_few_acts_have_no_reason_in_the_log() -> None:
    assert [name for name in EVERY if not EXAMPLES[name].reason_stands] == [
        "start_again",
        "start_campaign",
    ]
    assert [name for name in EVERY if EXAMPLES[name].event is None] == [
        "finish_task",
        "refuse_task",
        "take_task",
    ]


@pytest.mark.parametrize("name", EVERY)
def test_it_is_in_the_log_with_who_and_why(bench: ActBench, name: str) -> None:
    act, example = possible_act(bench, name), EXAMPLES[name]
    before = bench.last_seq()

    told = bench.perform(act)

    kept = bench.kept()
    assert kept is not None
    assert (kept.actor, kept.seq) == ("ada", bench.last_seq())
    assert told.message
    assert told.is_done
    assert not told.was_done_before
    assert told.seq == bench.last_seq()
    if example.event is None:
        assert bench.last_seq() == before
        return
    found = [one for one in bench.records(before) if isinstance(one.event, example.event)]
    assert len(found) == (2 if name == "acknowledge_all" else 1)
    assert {one.actor for one in found} == {"ada"}
    if example.reason_stands:
        assert REASON in found[0].event.model_dump()["reason"]


@pytest.mark.parametrize("role", [*Role, "narrow"])
@pytest.mark.parametrize("name", EVERY)
def test_only_whoever_may_is_obeyed(bench: ActBench, name: str, role: Role | str) -> None:
    act, scope = possible_act(bench, name), ACTS[name].scope
    narrow = [one for one in Scope if one is not scope]
    who = (
        Principal.of_role("ada", Role.ADMIN, "token", narrow)
        if role == "narrow"
        else Principal.of_role("ada", Role(role), "session")
    )
    may = role != "narrow" and scope in ROLE_SCOPES[Role(role)]
    before = bench.last_seq()

    if may:
        assert bench.perform(act, who).message
        return
    with pytest.raises(NotPermitted, match=rf"ada may not do that: {name} needs the scope {scope}"):
        bench.perform(act, who)

    assert bench.n_opened == 0
    assert (bench.station.heard, bench.station.woken) == ([], [])
    assert bench.launcher.asked == []
    assert bench.boards.views()[0].by in ("", "ada" if EXAMPLES[name].prepare else "")
    assert (bench.last_seq(), bench.kept()) == (before, None)


@pytest.mark.parametrize("name", REASONED)
def test_it_wants_a_reason(bench: ActBench, name: str) -> None:
    possible_act(bench, name)
    before = bench.last_seq()

    for blank in ("", " \t "):
        with pytest.raises(RequestRefused, match="reason: got nothing") as told:
            bench.perform(example_of(name, reason=blank))
        assert not CLI_SYNTAX.search(str(told.value))

    assert bench.n_opened == 0
    assert (bench.station.heard, bench.station.woken) == ([], [])
    assert (bench.last_seq(), bench.kept()) == (before, None)


@pytest.mark.parametrize("name", EVERY)
def test_it_says_what_it_does_to_matter_now(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)
    before = bench.last_seq()

    said = bench.consequence(act)

    assert all(part in said for part in EXAMPLES[name].says), said
    assert not CLI_SYNTAX.search(said), said
    assert said == said.strip()
    assert "\n" not in said
    assert bench.last_seq() == before


@pytest.mark.parametrize("name", EVERY)
def test_it_travels_as_json_and_nothing_unknown_does(name: str) -> None:
    act, kind = example_of(name), ACTS[name]

    assert kind.model_validate_json(act.model_dump_json()) == act
    assert kind.model_validate(json.loads(json.dumps(act.model_dump(mode="json")))) == act
    with pytest.raises(ValidationError, match="colour"):
        kind.model_validate({**act.model_dump(), "colour": "red"})
    with pytest.raises(ValidationError, match="frozen"):
        act.reason = "another"  # type: ignore[misc]  # that it is refused is what is tested
    with pytest.raises(ValidationError, match="reason"):
        kind.model_validate({**act.model_dump(), "reason": "x" * 2001})


@pytest.mark.parametrize("name", EVERY)
def test_the_same_key_does_it_once(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)
    before = bench.last_seq()
    first = bench.perform(act)
    n_first, ended = n_done(bench, name, before), bench.last_seq()
    n_opened = len(bench.launcher.asked)

    second = bench.perform(act)

    assert second.was_done_before
    assert (second.seq, second.campaign_id) == (first.seq, first.campaign_id)
    assert "done before" in second.message
    assert (n_done(bench, name, before), bench.last_seq()) == (n_first, ended)
    assert len(bench.launcher.asked) == n_opened


@pytest.mark.parametrize("name", EVERY)
def test_a_key_is_good_for_one_act_of_one_person(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)
    bench.perform(act)
    ended, asked = bench.last_seq(), list(bench.station.acts)

    with pytest.raises(RequestRefused, match="used for another act"):
        bench.perform(with_other_body(act))
    with pytest.raises(RequestRefused, match="used for another act"):
        bench.perform(act, BOB)

    again = [(one.actor, one.event.kind) for one in bench.records(ended)]
    if name == "emergency_stop":  # each is obeyed, and says so
        assert again == [("ada", "LatchSet"), ("bob", "LatchSet")]
        return
    assert again == []
    if name in NOT_SAFER:
        assert bench.station.acts == asked


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "käse-00001", "key 00001", "key-00001\n"])
def test_a_key_that_is_none_is_refused_before_anything(bench: ActBench, key: str) -> None:
    with pytest.raises(RequestRefused, match="idempotency key"):
        bench.perform(example_of("abort"), key=key)

    assert bench.station.heard == []
    assert bench.n_opened == 0


@pytest.mark.parametrize("name", EVERY)
def test_of_two_at_once_with_one_key_one_does_it(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)
    before, gate = bench.last_seq(), Barrier(2)

    def perform(_: int) -> bool:
        gate.wait(30)
        return bench.perform(act).was_done_before

    with ThreadPoolExecutor(2) as both:
        repeated = sorted(both.map(perform, range(2)))

    assert repeated == [False, True]
    expected = {None: 0}.get(EXAMPLES[name].event, 2 if name == "acknowledge_all" else 1)
    assert n_done(bench, name, before) == expected


@pytest.mark.parametrize("name", EVERY)
def test_a_disk_that_is_full_in_the_middle_is_told_and_tried_again(
    bench: ActBench, name: str
) -> None:
    act = possible_act(bench, name)
    before = bench.last_seq()
    bench.is_full = True
    if EXAMPLES[name].event is None or not name.startswith("start"):
        with pytest.raises(LogUnavailable, match="full") as told:
            bench.perform(act)
        if EXAMPLES[name].heard and name != "resume":
            assert bench.station.acts == list(EXAMPLES[name].heard)
            assert "station small-bench did it: done" in str(told.value)
    assert (bench.last_seq(), bench.kept()) == (before, None)
    bench.is_full = False

    assert not bench.perform(act).was_done_before
    assert bench.perform(act).was_done_before

    expected = {None: 0}.get(EXAMPLES[name].event, 2 if name == "acknowledge_all" else 1)
    assert n_done(bench, name, before) == expected


@pytest.mark.parametrize("name", EVERY)
def test_stations_hear_of_it_and_first_where_it_makes_safer(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)
    before = bench.last_seq()

    bench.perform(act)

    assert bench.station.acts == list(EXAMPLES[name].heard)
    if name in SAFER:
        assert [one.seq for one in bench.station.heard] == [before] * len(bench.station.heard)
    if any(one.reason for one in bench.station.heard):
        assert {one.reason for one in bench.station.heard} == {REASON}


@pytest.mark.parametrize("name", [name for name in NOT_SAFER if EXAMPLES[name].rival])
@pytest.mark.parametrize("actor", ["bob", "ada"])
def test_a_page_that_somebody_overtook_does_nothing(bench: ActBench, name: str, actor: str) -> None:
    act, rival = possible_act(bench, name), EXAMPLES[name].rival
    seen = bench.last_seq()
    bench.say(*rival, stream=stream_of(ACTS[name]), actor=actor)
    ended = bench.last_seq()

    with pytest.raises(StaleView, match=rf"nothing was done: {actor} acted on this") as told:
        bench.perform(act, seen=seen)

    assert told.value.kind in {event.kind for event in rival}
    assert seen < told.value.seq <= ended
    assert (bench.last_seq(), bench.kept()) == (ended, None)
    assert bench.station.heard == []
    assert bench.launcher.asked == []


@pytest.mark.parametrize("name", EVERY)
def test_what_happens_to_other_things_makes_no_page_old(bench: ActBench, name: str) -> None:
    act, example = possible_act(bench, name), EXAMPLES[name]
    seen = bench.last_seq()
    connected = InstrumentConnected(instrument="balance", driver="some_driver", identity="SICS 1")
    bench.say(JobFinished(job_id="E0003/tare"), stream="campaign/small-1", actor="engine")
    bench.say(connected, stream=LAB_STREAM, actor="station")
    bench.say(*example.beside, stream=stream_of(ACTS[name]), actor="bob")

    assert not bench.perform(act, seen=seen).was_done_before


@pytest.mark.parametrize("name", [name for name in NOT_SAFER if EXAMPLES[name].rival])
@pytest.mark.parametrize("actor", ["engine", "station", "watchdog", "supervisor", "alarms"])
def test_what_our_own_processes_do_makes_no_page_old(
    bench: ActBench, name: str, actor: str
) -> None:
    act = possible_act(bench, name)
    seen = bench.last_seq()
    bench.say(*EXAMPLES[name].rival, stream=stream_of(ACTS[name]), actor=actor)

    try:
        bench.perform(act, seen=seen)
    except StaleView:
        pytest.fail("only people make pages old")
    except RequestRefused:
        return  # what they did made it impossible


@pytest.mark.parametrize("name", SAFER)
def test_what_makes_safer_is_obeyed_however_old_the_page(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)
    seen = bench.last_seq()
    bench.say(*EXAMPLES[name].rival, stream=stream_of(ACTS[name]), actor="bob")
    before = bench.last_seq()

    told = bench.perform(act, seen=seen)

    assert not told.was_done_before
    assert n_done(bench, name, before) == 1
    assert bench.station.acts == list(EXAMPLES[name].heard)


@pytest.mark.parametrize("name", NOT_SAFER)
def test_a_page_of_another_log_does_nothing(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)
    ended = bench.last_seq()

    with pytest.raises(RequestRefused, match="it is another one; look again"):
        bench.perform(act, seen=ended + 1)

    assert (bench.last_seq(), bench.kept()) == (ended, None)
    assert bench.station.heard == []


@pytest.mark.parametrize("name", EVERY)
def test_where_nobody_keeps_a_log_nothing_is_done(bench: ActBench, name: str) -> None:
    act = possible_act(bench, name)

    def no_log(person: str, acting: object) -> object:
        raise LogUnavailable("no such file")

    with pytest.raises(LogUnavailable, match="no such file"):
        perform_act(
            act,
            ADA,
            open_lab=no_log,  # type: ignore[arg-type]  # it gives none
            door=bench.station,
            key=KEY,
            launcher=bench.launcher,
            boards=bench.boards,
        )

    told_first = {"abort", "stop", "hold", "emergency_stop"}
    assert bench.station.acts == (list(EXAMPLES[name].heard) if name in told_first else [])
    assert bench.launcher.asked == []

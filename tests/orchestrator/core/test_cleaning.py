"""Which cleanings are skipped, and that no sample ever meets what would spoil it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.campaign import CampaignState, CampaignStatus, fold
from orchestrator.core.cleaning import as_they_see_themselves, skipping
from orchestrator.core.contamination import ContaminationRule
from orchestrator.core.events import (
    CampaignOpened,
    CandidatesProposed,
    Event,
    ExperimentFailed,
    ExperimentStarted,
    JobFailed,
    JobFinished,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    LabEvent,
    LatchSet,
    PlacesCleaned,
    PlacesLeftUnclean,
    PlannedJob,
)
from orchestrator.core.intents import RunJob
from orchestrator.core.job import JobStatus
from orchestrator.core.job_plan import plan_jobs
from orchestrator.core.lab import LabState, fold_lab
from orchestrator.core.others import NOBODY, Others
from orchestrator.core.point import Candidate
from orchestrator.core.slimming import without_past
from tests.support.cleaning_judge import cleaning_violations
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import START, opening, planned_jobs, small_campaign

NO_A = ContaminationRule(of=("a",), places=("vessel",), above=0.4)
STRONG, WEAK = {"a": 0.9, "b": 0.1}, {"a": 0.1, "b": 0.9}


def rinsed_jobs(experiment_id: str) -> list[PlannedJob]:
    """Return the planned jobs with a rinse of the vessel before."""
    first, *others = planned_jobs(experiment_id)
    rinse = first.model_copy(
        update={
            "job_id": f"{experiment_id}/rinse",
            "name": "rinse",
            "instrument": "rinser",
            "action": "rinse",
            "recovery": "blind",
            "cleans": "vessel",
        }
    )
    return [rinse, first.model_copy(update={"after": ("rinse",)}), *others]


@dataclass
class Told:
    """A campaign told event by event, a minute each."""

    rules: tuple[ContaminationRule, ...] = (NO_A,)
    campaign_id: str = "small-1"
    first_minute: int = 0
    jobs_of: Callable[[str], list[PlannedJob]] = rinsed_jobs
    events: list[tuple[Event, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        opened = opening(small_campaign(in_flight=4, max_experiments=20))
        more = {"contamination": self.rules, "campaign_id": self.campaign_id}
        self.tell(opened.model_copy(update=more))

    def tell(self, *events: Event) -> "Told":
        for event in events:
            minute = self.first_minute + len(self.events)
            self.events.append((event, START + timedelta(minutes=minute)))
        return self

    def begin(self, number: int, point: dict[str, float]) -> "Told":
        name, candidate = f"E{number:04d}", Candidate(point=point)
        proposed = CandidatesProposed(
            proposal=number,
            planner="sobol",
            method="",
            reason="",
            n_observations=0,
            candidates=(candidate,),
        )
        jobs = tuple(self.jobs_of(name))
        start = ExperimentStarted(
            experiment_id=name, number=number, candidate=candidate, jobs=jobs, cost_usd=0.0
        )
        return self.tell(proposed, start)

    def do(self, number: int, *names: str) -> "Told":
        for name in names:
            job_id = f"E{number:04d}/{name}"
            self.tell(JobStarted(job_id=job_id, attempt=1, epoch=1), JobFinished(job_id=job_id))
        return self

    def state(self) -> CampaignState:
        found = fold(self.events)  # type: ignore[arg-type]  # the times are datetimes
        assert found is not None
        return found


ALL = ("tare", "dose", "move", "read", "drain")


def _reason(told: Told, lab: LabState | None = None, others: Others = NOBODY) -> str:
    """Return why the rinse of the last experiment is skipped; empty if it is not."""
    state, now = told.state(), START + timedelta(hours=9)
    experiment = list(state.open_experiments)[-1]
    found = skipping(state, lab or LabState(), now, others)
    return found.reasons.get(f"{experiment}/rinse", "")


def _intents(told: Told) -> list[RunJob]:
    now = START + timedelta(hours=9)
    found = plan_jobs(told.state(), LabState(), now, frozenset()).intents
    return [one for one in found if isinstance(one, RunJob)]


def test_the_first_sample_of_a_campaign_has_its_place_cleaned():
    told = Told().begin(1, WEAK)

    assert _reason(told) == ""
    assert [(one.job_name, dict(one.skips)) for one in _intents(told)] == [("rinse", {})]


def test_a_cleaning_that_is_not_necessary_is_skipped_with_what_uses_the_place():
    told = Told().begin(1, WEAK).do(1, "rinse", *ALL).begin(2, WEAK)

    reason = "E0001 was at vessel last and left nothing that spoils"
    assert [(one.job_name, dict(one.skips)) for one in _intents(told)] == [
        ("tare", {"rinse": reason})
    ]
    assert _reason(Told().begin(1, STRONG).do(1, "rinse", *ALL).begin(2, WEAK)) == ""
    assert _reason(Told(rules=()).begin(1, STRONG).do(1, "rinse", *ALL).begin(2, WEAK)) == ""
    assert _reason(Told(rules=()).begin(1, WEAK).do(1, "rinse", *ALL).begin(2, WEAK))


def test_a_cleaning_that_is_only_thought_away_moves_no_deadline():
    told = Told().begin(1, WEAK).do(1, "rinse", *ALL).begin(2, WEAK)
    state = told.state()
    experiment = state.open_experiments["E0002"]
    job = experiment.jobs["tare"]
    urgent = replace(job, planned=job.planned.model_copy(update={"max_wait_s": 60.0}))
    experiment = replace(experiment, jobs={**experiment.jobs, "tare": urgent})
    state = replace(state, open_experiments={"E0002": experiment})
    gone = fold_lab([(LatchSet(source="operator", reason="smoke"), START)])

    found = plan_jobs(state, gone, START + timedelta(hours=9), frozenset())

    assert (found.intents, found.retries) == ([], [])
    assert found.reasons == ["E0002/tare waits: the stop latch is set: operator: smoke"]


def test_a_place_that_a_sample_is_at_is_not_judged():
    told = Told().begin(1, WEAK).do(1, "rinse", "tare").begin(2, WEAK)

    assert _reason(told) == ""


def test_a_skipped_cleaning_counts_as_done_and_keeps_the_place():
    told = Told().begin(1, WEAK).do(1, "rinse", *ALL).begin(2, WEAK)
    told.tell(
        JobSkipped(job_id="E0002/rinse", reason="clean", spares={"water": 5}),
        JobStarted(job_id="E0002/tare", attempt=1, epoch=1),
        JobFailed(job_id="E0002/tare", error="LineError", message="", has_acted=False),
    )
    experiment = told.state().open_experiments["E0002"]

    assert experiment.jobs["rinse"].status is JobStatus.SKIPPED
    assert experiment.jobs["rinse"].evidence == "clean"
    assert experiment.places_held() == {"vessel"}
    assert experiment.places_soiled() == frozenset()
    assert [one.job_name for one in _intents(told)] == ["tare"]


def test_a_cleaning_in_doubt_has_cleaned_nothing():
    told = Told().begin(1, STRONG).do(1, "rinse", *ALL).begin(2, WEAK)
    told.tell(
        JobStarted(job_id="E0002/rinse", attempt=1, epoch=1),
        JobOutcomeUnknown(job_id="E0002/rinse", evidence="crash"),
    )

    assert told.state().places["vessel"].last.experiment_id == "E0001"
    assert _intents(told) == []

    told.tell(ExperimentFailed(experiment_id="E0002", cause="instrument", reason=""))
    assert _reason(told.begin(3, WEAK)) == ""
    assert _reason(told.begin(4, STRONG))


def test_a_job_in_doubt_at_a_place_leaves_it_dirty_even_for_its_like():
    told = Told().begin(1, WEAK).do(1, "rinse", "tare")
    told.tell(
        JobStarted(job_id="E0001/dose", attempt=1, epoch=1),
        JobOutcomeUnknown(job_id="E0001/dose", evidence="crash"),
    )
    assert told.state().places["vessel"].last.doubt == "dose is in doubt"

    told.tell(ExperimentFailed(experiment_id="E0001", cause="instrument", reason=""))
    assert _reason(told.begin(2, WEAK)) == ""


def _cleaned(left_by: str, minute: int) -> LabState:
    campaign_id, experiment_id = left_by.split("/")
    left = PlacesLeftUnclean(
        places=("vessel",), campaign_id=campaign_id, experiment_id=experiment_id
    )
    done = START + timedelta(minutes=minute)
    return fold_lab([(left, done), (PlacesCleaned(places=("vessel",)), done)])


def test_a_persons_word_that_a_place_is_clean_is_taken():
    told = Told().begin(1, STRONG).do(1, "rinse", *ALL).begin(2, WEAK)

    assert _reason(told, _cleaned("small-1/E0001", 60)) == "vessel is clean since 01:00:00 UTC"
    assert _reason(told, _cleaned("small-1/E0001", 1)) == "", "it was used since"
    assert _reason(told, _cleaned("elsewhere-1/E0001", 60)) == "", "a place of another rig"


def test_what_other_campaigns_left_counts_whether_they_are_open_or_not():
    told = Told().begin(1, WEAK).do(1, "rinse", *ALL).begin(2, WEAK)
    theirs = Told(campaign_id="other-1", first_minute=60).begin(1, STRONG).do(1, *ALL)
    state = without_past(theirs.state())

    assert _reason(told)
    assert _reason(told, others=Others((state,))) == ""
    assert _reason(told, others=Others(past={"other-1": state.places})) == ""
    assert state.places["vessel"].named("other-1").last.experiment_id == "other-1/E0001"


def test_others_are_seen_without_what_they_need_not_clean():
    ours = Told(campaign_id="own-1").begin(1, WEAK).state()
    theirs = Told().begin(1, WEAK).do(1, "rinse", *ALL).begin(2, WEAK).state()

    found = as_they_see_themselves(Others((theirs,)), ours, LabState(), START)

    (state,) = found.states
    assert state.open_experiments["E0002"].jobs["rinse"].is_past
    assert not theirs.open_experiments["E0002"].jobs["rinse"].is_past


def _in_two_steps(experiment_id: str) -> list[PlannedJob]:
    rinse, tare, *others = rinsed_jobs(experiment_id)
    renamed = {"job_id": f"{experiment_id}/etch", "name": "etch"}
    after_etch = rinse.model_copy(update={"after": ("etch",)})
    return [rinse.model_copy(update=renamed), after_etch, tare, *others]


def test_all_jobs_that_clean_a_place_are_done_or_none_is():
    told = Told(jobs_of=_in_two_steps).begin(1, STRONG).do(1, "etch")
    state = told.state()

    assert "vessel" not in state.places
    assert [(one.job_name, dict(one.skips)) for one in _intents(told)] == [("rinse", {})]

    told.do(1, "rinse")
    assert told.state().places["vessel"].last is None
    told.do(1, *ALL).begin(2, STRONG)
    (intent,) = _intents(told)
    assert (intent.job_name, [*intent.skips]) == ("tare", ["etch", "rinse"])

    told.begin(3, WEAK)
    assert {one.job_name for one in _intents(told)} <= {"tare", "etch"}


def test_a_cleaning_is_done_where_something_else_comes_right_after_it():
    told = Told().begin(1, WEAK).do(1, "rinse", *ALL).begin(2, WEAK)
    state = told.state()
    experiment = state.open_experiments["E0002"]
    job = experiment.jobs["tare"]
    apart = replace(job, planned=job.planned.model_copy(update={"positions": ()}))
    experiment = replace(experiment, jobs={**experiment.jobs, "tare": apart})
    state = replace(state, open_experiments={"E0002": experiment})

    assert skipping(state, LabState(), START, NOBODY).reasons == {}


def test_opening_without_rules_reads_as_it_did():
    opened = opening(small_campaign())
    told = opened.model_dump(mode="json")
    del told["contamination"]

    assert CampaignOpened.model_validate(told) == opened


@dataclass
class RinsedBench(DiceBench):
    """A bench whose recipe rinses the vessel, for samples that may spoil each other."""

    told: list[tuple[str, Event]] = field(default_factory=list)

    def append(self, *events: Event) -> None:
        """Keep events of the campaign; it opens with a rule, or with none."""
        for event in events:
            opens = isinstance(event, CampaignOpened)
            rules = (NO_A,) if opens and self.dice.random() < 0.7 else ()
            one = event.model_copy(update={"contamination": rules}) if opens else event
            self.told.append(("small-1", one))
            super().append(one)

    def append_in_lab(self, *events: LabEvent) -> None:
        """Keep events of the laboratory beside them."""
        self.told += [("", event) for event in events]
        super().append_in_lab(*events)

    def proposal(self, n: int = 1) -> CandidatesProposed:
        """Return points that differ."""
        points = [self.dice.choice((STRONG, WEAK, {"a": 0.4, "b": 0.6})) for _ in range(n)]
        candidates = tuple(Candidate(point=point) for point in points)
        return super().proposal(n).model_copy(update={"candidates": candidates})

    def _planned(self, experiment_id: str) -> Iterator[PlannedJob]:
        yield from rinsed_jobs(experiment_id)


@given(seed=st.integers(0, 10**9), trouble=st.floats(0.0, 0.6), in_flight=st.integers(1, 4))
def test_no_sample_meets_what_spoils_it_whatever_goes_wrong(seed, trouble, in_flight):
    spec = small_campaign(in_flight=in_flight, max_experiments=8)
    bench = RinsedBench(spec, random.Random(seed), trouble)

    states = [state for state, _ in bench.run()]

    assert list(cleaning_violations(bench.told, states[-1:])) == []
    if trouble == 0.0:
        assert states[-1].status is CampaignStatus.FINISHED


def test_cleanings_are_really_skipped_and_really_done():
    seen: set[JobStatus] = set()
    for seed in range(10):
        bench = RinsedBench(small_campaign(in_flight=3, max_experiments=8), random.Random(seed), 0)
        *_, (state, _) = bench.run()
        later = sorted(state.experiments, key=lambda one: one.number)[1:]
        seen |= {one.jobs["rinse"].status for one in later}

    assert seen == {JobStatus.DONE, JobStatus.SKIPPED}

"""Who goes first: shares of instrument-hours in a small world of jobs that never run out."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.fair_share import Claim, who_first

SHARES = {"a-1": 1.0, "b-1": 2.0, "c-1": 3.0}


class Bench:
    """One instrument that campaigns want all the time, each with jobs of its own length."""

    def __init__(self, priorities: dict[str, int], lasts_s: dict[str, float]) -> None:
        self.priorities = priorities
        self.lasts_s = lasts_s
        self.used_s = dict.fromkeys(priorities, 0.0)
        self.counted_s = dict.fromkeys(priorities, 0.0)
        self.held: set[str] = set()

    def give(self) -> str:
        """Let the instrument do one job; return whose."""
        claims = [
            Claim(
                name,
                priority,
                SHARES[name],
                self.counted_s[name],
                frozenset() if name in self.held else frozenset({"furnace"}),
            )
            for name, priority in self.priorities.items()
        ]
        wanting = [name for name in self.priorities if name not in self.held]
        (who,) = [name for name in wanting if not who_first(name, claims, "furnace")]
        self.used_s[who] += self.lasts_s[who]
        self.counted_s[who] += self.lasts_s[who]
        return who

    def part(self, name: str) -> float:
        """Return a campaign's part of all instrument-seconds."""
        return self.used_s[name] / sum(self.used_s.values())


LENGTHS = st.fixed_dictionaries(
    {name: st.floats(10.0, 1000.0, allow_subnormal=False) for name in SHARES}
)


@given(LENGTHS)
def test_each_gets_its_share_whatever_its_jobs_take(lasts_s: dict[str, float]) -> None:
    bench = Bench(dict.fromkeys(SHARES, 0), lasts_s)
    while sum(bench.used_s.values()) < 400 * max(lasts_s.values()):
        bench.give()
    for name, share in SHARES.items():
        assert abs(bench.part(name) - share / 6.0) < 0.05 * share / 6.0 + 0.005


@given(LENGTHS)
def test_who_is_held_leaves_its_part_to_the_others_and_starves_nobody_when_it_is_back(
    lasts_s: dict[str, float],
) -> None:
    bench = Bench(dict.fromkeys(SHARES, 0), lasts_s)
    bench.held = {"c-1"}
    for _ in range(600):
        bench.give()
    assert bench.used_s["c-1"] == 0.0
    behind_s = bench.used_s["a-1"] - bench.used_s["b-1"] / 2.0
    assert -lasts_s["b-1"] / 2.0 <= behind_s + 1e-6
    assert behind_s <= lasts_s["a-1"] + 1e-6

    bench.held = set()
    bench.counted_s = dict.fromkeys(SHARES, 0.0)  # counted anew since it was resumed
    bench.used_s = dict.fromkeys(SHARES, 0.0)
    for _ in range(60):
        bench.give()
        rates = [bench.used_s[name] / share for name, share in SHARES.items()]
        longest = max(lasts_s[name] / share for name, share in SHARES.items())
        assert max(rates) - min(rates) <= longest + 1e-6


def test_the_higher_priority_goes_first_however_much_it_had() -> None:
    bench = Bench({"a-1": 1, "b-1": 0, "c-1": 0}, dict.fromkeys(SHARES, 60.0))
    assert {bench.give() for _ in range(50)} == {"a-1"}
    bench.held = {"a-1"}
    assert {bench.give() for _ in range(50)} == {"b-1", "c-1"}

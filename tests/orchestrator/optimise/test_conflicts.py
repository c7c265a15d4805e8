"""Whatever a refusal names does exclude every point, and nothing smaller does; by brute force."""

import itertools
import re
from fractions import Fraction

import numpy as np
import pytest

from campaigns.errors import NoFeasiblePoint
from campaigns.loading import campaign_from_text
from orchestrator.optimise import conflicts
from orchestrator.optimise.feasible_set import FeasibleSet

STEPS = 8
NAMES = ("a", "b", "c", "d")
CONDITIONS = (
    "a + b <= 0.25",
    "a >= 0.375",
    "b >= 0.375",
    "c >= 2*a",
    "d - c >= 0.25",
    "a*b >= 0.0625",
    "c*d >= 0.125",
    "a*b*c*d > 0",
    "max(a, b) <= 0.25",
    "b == c",
    "a + c + d <= 0.625",
    "1 / (a + 0.125) <= 2",
)


def brute_force() -> dict[tuple[int, ...], dict[str, Fraction]]:
    """Return all compositions in eighths, as counts and as exact fractions."""
    return {
        counts: {name: Fraction(n, STEPS) for name, n in zip(NAMES, counts, strict=True)}
        for counts in itertools.product(range(STEPS + 1), repeat=len(NAMES))
        if sum(counts) == STEPS
    }


def is_met(text: str, counts: tuple[int, ...], point: dict[str, Fraction]) -> bool:
    """Judge one condition or limit without the code under test."""
    limit = re.fullmatch(r"[a-z_.]+ = (\d)", text)
    if limit:
        return sum(n > 0 for n in counts) <= int(limit[1])
    exact = re.sub(r"\b\d+(\.\d+)?\b", lambda found: f"Fraction('{found[0]}')", text)
    return bool(eval(exact, {"Fraction": Fraction, "max": max}, dict(point)))


@pytest.mark.slow
@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_named_conflict_is_one_and_nothing_can_be_left_out(
    seed: int, is_listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_listed:
        monkeypatch.setattr(conflicts, "_LISTED", 3)
    rng = np.random.default_rng([seed, 77])
    points = brute_force()
    n_refused = 0
    for _ in range(5):
        texts = [str(text) for text in rng.choice(CONDITIONS, rng.integers(2, 6), replace=False)]
        active, together = int(rng.integers(2, 5)), int(rng.integers(2, 5))
        text = (
            f'[campaign]\nname = "x"\n[space.composition]\ncomponents = {list(NAMES)}\n'
            f"step = 0.125\nmax_active = {active}\n[batch]\nmax_components = {together}\n"
        )
        text += "".join(f'[[constraint]]\nexpression = "{each}"\n' for each in texts)
        text += '[[objective]]\nname = "y"\ndirection = "maximise"\n'
        campaign = campaign_from_text(text, file="x.toml")
        everything = [
            *texts,
            f"space.composition.max_active = {active}",
            f"batch.max_components = {together}",
        ]
        is_left = any(all(is_met(each, *one) for each in everything) for one in points.items())

        try:
            FeasibleSet.of(campaign)
        except NoFeasiblePoint as error:
            named = re.findall(r"'([^']*)'", error.reasons[0])
            sizes = [
                len(some)
                for k in range(len(named) + 1)
                for some in itertools.combinations(everything, k)
                if not any(all(is_met(each, *one) for each in some) for one in points.items())
            ]
            n_refused += 1
            assert not is_left
            assert set(named) <= set(everything)
            assert not any(all(is_met(each, *one) for each in named) for one in points.items())
            if is_listed:
                assert len(named) == min(sizes)
            for left_out in named:
                rest = [each for each in named if each != left_out]
                assert any(all(is_met(each, *one) for each in rest) for one in points.items())
        else:
            assert is_left
    assert n_refused > 0


def test_a_limit_of_the_batch_is_named() -> None:
    text = (
        '[campaign]\nname = "x"\n[space.composition]\ncomponents = ["a", "b", "c"]\nstep = 0.1\n'
        '[[constraint]]\nexpression = "a*b*c > 0"\n[batch]\nmax_components = 2\n'
        '[[objective]]\nname = "y"\ndirection = "maximise"\n'
    )

    with pytest.raises(NoFeasiblePoint, match=r"'batch.max_components = 2' and 'a\*b\*c > 0'"):
        FeasibleSet.of(campaign_from_text(text, file="x.toml"))


def test_a_limit_alone_is_named_where_bounds_need_more() -> None:
    text = (
        '[campaign]\nname = "x"\n[space.composition]\ncomponents = ["a", "b", "c"]\nstep = 0.1\n'
        "bounds = { a = [0, 0.4], b = [0, 0.4], c = [0, 0.4] }\n[batch]\nmax_components = 2\n"
        '[[objective]]\nname = "y"\ndirection = "maximise"\n'
    )

    with pytest.raises(NoFeasiblePoint, match=r"'batch.max_components = 2' cannot hold"):
        FeasibleSet.of(campaign_from_text(text, file="x.toml"))

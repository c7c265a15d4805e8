"""Random campaign files, and a judge of points that shares no code with what it judges.

Conditions are written here twice, as the file's text and as Python on Fractions; the judge uses
the latter. Most definitions have a point at which all their rules hold by construction, the
witness; some rules are added without looking at it, so that some definitions have no point.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

Exact = Mapping[str, Fraction | str]
STEPS = ("0.1", "0.05", "0.02", "0.01", "0.005", "0.002", "0.001", "0.0005")


@dataclass(frozen=True)
class Rule:
    """One condition, as text and as code."""

    text: str
    holds: Callable[[Exact], bool]
    factors: Mapping[str, Fraction] | None = None
    """Of a linear rule: a sum of factors times values, and what it is at most."""
    bound: Fraction = Fraction(0)


@dataclass
class Definition:
    """A campaign file, and the same in exact numbers."""

    text: str
    components: list[str]
    step: Fraction
    bounds: dict[str, tuple[Fraction, Fraction]]
    max_active: int
    min_active: Fraction
    levels: dict[str, list[Fraction]] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    witness: dict[str, Fraction | str] = field(default_factory=dict)
    """A point of the lattice; not all rules need hold there."""

    @property
    def has_witness(self) -> bool:
        """Whether the witness obeys everything."""
        return all(rule.holds(self.witness) for rule in self.rules)

    def complaints(self, row: Mapping[str, object]) -> list[str]:
        """Return what is wrong with one asked row."""
        wrong: list[str] = []
        exact: dict[str, Fraction | str] = {}
        wrong += self._composition_complaints(row, exact)
        for name, levels in self.levels.items():
            nearest = min(levels, key=lambda level: abs(level - Fraction(float(row[name]))))
            if float(nearest) != row[name]:
                wrong.append(f"{name} = {row[name]} is no level")
            exact[name] = nearest
        for name, texts in self.categories.items():
            if row[name] not in texts:
                wrong.append(f"{name} = {row[name]} is no category")
            exact[name] = str(row[name])
        if not wrong:
            wrong += [f"{rule.text} is broken" for rule in self.rules if not rule.holds(exact)]
        return wrong

    def _composition_complaints(
        self, row: Mapping[str, object], exact: dict[str, Fraction | str]
    ) -> list[str]:
        wrong: list[str] = []
        counts: dict[str, int] = {}
        for name in self.components:
            value = float(row[name])
            counts[name] = round(Fraction(value) / self.step)
            fraction = counts[name] * self.step
            exact[name] = fraction
            if float(fraction) != value:
                wrong.append(f"{name} = {value} is not the double nearest to {fraction}")
            low, high = self.bounds[name]
            if not low <= fraction <= high:
                wrong.append(f"{name} = {value} is out of bounds")
            if 0 < fraction < self.min_active:
                wrong.append(f"{name} = {value} is a trace")
        if sum(counts.values()) != 1 / self.step:
            wrong.append(f"the counts sum to {sum(counts.values())}")
        if sum(count > 0 for count in counts.values()) > self.max_active:
            wrong.append("too many components")
        return wrong


def random_definition(seed: int) -> Definition:
    """Return a campaign of 2 to 12 components under 0 to 10 linear and 0 to 3 other constraints."""
    rng = np.random.default_rng(seed)
    definition = _composition(rng, int(rng.integers(2, 13)))
    definition.witness = _witness(rng, definition)
    _add_parameters(rng, definition)
    is_kind = rng.random() < 0.85
    _add_linear(rng, definition, int(rng.integers(0, 11)), is_kind)
    _add_others(rng, definition, int(rng.integers(0, 4)), is_kind)
    lines = [definition.text]
    lines += [f'[[constraint]]\nexpression = "{rule.text}"' for rule in definition.rules]
    terms = " + ".join(f"{i + 1}*{name}" for i, name in enumerate(definition.components))
    lines.append(f'[computed]\ncost_usd = "{terms}"')
    lines.append('[[objective]]\nname = "strength_mpa"\ndirection = "maximise"')
    if seed % 2:
        lines.append('[[objective]]\nname = "cost_usd"\ndirection = "minimise"')
    if seed % 3 == 0:
        lines.append('[[outcome]]\nname = "strain_fraction"\nat_least = 0.1')
    lines.append("[planner]\nn_initial = 4")
    definition.text = "\n".join(lines)
    return definition


def _composition(rng: np.random.Generator, n: int) -> Definition:
    components = [f"c{i}" for i in range(n)]
    step_text = str(rng.choice(STEPS))
    step = Fraction(step_text)
    max_active = int(rng.integers(min(2, n), n + 1))
    least = int(rng.integers(1, 4)) if step < Fraction(1, 20) else 1
    bounds = {name: (Fraction(0), Fraction(1)) for name in components}
    listed: list[str] = []
    for name in components:
        if rng.random() < 0.3:
            high = Fraction(int(rng.integers(5, 10)), 10) + Fraction(1, 777)
            bounds[name] = (Fraction(0), Fraction(f"{float(high):.6f}"))
            listed.append(f"{name} = [0, {float(high):.6f}]")
    if n > 2 and rng.random() < 0.4:
        bounds["c0"] = (Fraction("0.2"), Fraction(1))
        listed = [each for each in listed if not each.startswith("c0 ")] + ["c0 = [0.2, 1]"]
    text = (
        f'[campaign]\nname = "random"\n[space.composition]\ncomponents = {components}\n'
        f"step = {step_text}\nmax_active = {max_active}\n"
        f"min_active_fraction = {float(least * step):.6f}\nbounds = {{ {', '.join(listed)} }}"
    )
    return Definition(text, components, step, bounds, max_active, least * step)


def _witness(rng: np.random.Generator, definition: Definition) -> dict[str, Fraction | str]:
    """Return one point of the lattice by trial and error."""
    n = int(1 / definition.step)
    least = max(1, int(definition.min_active / definition.step))
    while True:
        active = rng.permutation(len(definition.components))
        active = active[: int(rng.integers(1, definition.max_active + 1))]
        shares = rng.dirichlet(np.ones(len(active)))
        counts = dict.fromkeys(definition.components, 0)
        for place, share in zip(active, shares, strict=True):
            counts[f"c{place}"] = int(share * n)
        counts[f"c{active[0]}"] += n - sum(counts.values())
        point = {name: count * definition.step for name, count in counts.items()}
        inside = all(
            definition.bounds[name][0] <= value <= definition.bounds[name][1]
            and (counts[name] == 0 or counts[name] >= least)
            for name, value in point.items()
        )
        if inside:
            return dict(point)


def _add_parameters(rng: np.random.Generator, definition: Definition) -> None:
    """Add up to three parameters, and their values at the witness."""
    if rng.random() < 0.4:
        definition.text += (
            '\n[[space.parameter]]\nname = "temperature_c"\nkind = "range"\n'
            "low = 120\nhigh = 201\nstep = 2.7"
        )
        definition.levels["temperature_c"] = [120 + k * Fraction("2.7") for k in range(31)]
    if rng.random() < 0.4:
        definition.text += (
            '\n[[space.parameter]]\nname = "hold_min"\nkind = "discrete"\n'
            "values = [5, 0.1, 60.5, 17]"
        )
        definition.levels["hold_min"] = [Fraction(text) for text in ("0.1", "5", "17", "60.5")]
    for name, levels in definition.levels.items():
        definition.witness[name] = levels[int(rng.integers(len(levels)))]
    if rng.random() < 0.4:
        definition.text += (
            '\n[[space.parameter]]\nname = "solvent"\nkind = "categorical"\n'
            "values = ['water', '1', 'ethanol, dry']"
        )
        definition.categories["solvent"] = ["water", "1", "ethanol, dry"]
        definition.witness["solvent"] = definition.categories["solvent"][int(rng.integers(3))]


def _add_linear(rng: np.random.Generator, definition: Definition, n: int, is_kind: bool) -> None:
    for _ in range(n):
        names = [str(each) for each in rng.permutation(definition.components)]
        names = names[: int(rng.integers(1, min(5, len(names)) + 1))]
        factors = {name: Fraction(int(rng.integers(1, 40)), 10) for name in names}
        if rng.random() < 0.4:
            factors[names[-1]] *= -1
        if "temperature_c" in definition.levels and rng.random() < 0.2:
            factors["temperature_c"] = Fraction(1, 100)
        here = sum(factor * definition.witness[name] for name, factor in factors.items())
        slack = Fraction(int(rng.integers(0, 40)), 100)
        sign = 1 if rng.random() < 0.6 else -1
        is_honest = is_kind or rng.random() < 0.7
        bound = here + sign * (slack if is_honest else -slack - Fraction(1, 20))
        bound = Fraction(f"{float(bound):.4f}") + sign * Fraction(1, 10_000)
        body = " + ".join(f"{float(factor)}*{name}" for name, factor in factors.items())
        text = f"{body} {'<=' if sign > 0 else '>='} {float(bound):.6f}"
        definition.rules.append(_linear(text.replace("+ -", "- "), factors, bound, sign))


def _linear(text: str, factors: Mapping[str, Fraction], bound: Fraction, sign: int) -> Rule:
    signed = {name: sign * factor for name, factor in factors.items()}

    def holds(point: Exact) -> bool:
        return sum(factor * point[name] for name, factor in signed.items()) <= sign * bound

    return Rule(text, holds, signed, sign * bound)


def _add_others(rng: np.random.Generator, definition: Definition, n: int, is_kind: bool) -> None:
    a, b = (str(name) for name in rng.choice(definition.components, 2, replace=False))
    low = Fraction(int(rng.integers(1, 20)), 100)
    possible = [
        Rule(f"{a}*{b} <= 0.06", lambda p: p[a] * p[b] <= Fraction("0.06")),
        Rule(f"{a}*{b} >= {float(low)}", lambda p: p[a] * p[b] >= low),
        Rule(
            f"{a} == 0 or {b} / {a} <= 1.5",
            lambda p: p[a] == 0 or p[b] / p[a] <= Fraction("1.5"),
        ),
        Rule(
            f"max({a}, {b}) - min({a}, {b}) >= 0.1",
            lambda p: abs(p[a] - p[b]) >= Fraction("0.1"),
        ),
        Rule(f"{a}**2 + {b}**2 <= 0.5", lambda p: p[a] ** 2 + p[b] ** 2 <= Fraction("0.5")),
    ]
    if definition.categories and "temperature_c" in definition.levels:
        text = "solvent != 'water' or temperature_c <= 160"
        possible.append(Rule(text, lambda p: p["solvent"] != "water" or p["temperature_c"] <= 160))
    if len(definition.levels) == 2:
        possible.append(
            Rule(
                "temperature_c * hold_min < 5000",
                lambda p: p["temperature_c"] * p["hold_min"] < 5000,
            )
        )
    wanted = [rule for rule in possible if not is_kind or rule.holds(definition.witness)]
    for place in rng.permutation(len(wanted))[:n]:
        definition.rules.append(wanted[int(place)])

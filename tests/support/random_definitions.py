"""Random campaign files, and a judge of points that shares no code with what it judges.

Conditions are written here twice, as the file's text and as Python on Fractions; the judge uses
the latter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

Exact = Mapping[str, Fraction | str]
STEPS = ("0.1", "0.05", "0.02", "0.01", "0.005")


@dataclass
class Definition:
    text: str
    components: list[str]
    step: Fraction
    bounds: dict[str, tuple[Fraction, Fraction]]
    max_active: int
    min_active: Fraction
    levels: dict[str, list[Fraction]] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    rules: list[Callable[[Exact], bool]] = field(default_factory=list)

    def complaints(self, row: Mapping[str, object]) -> list[str]:
        """Return what is wrong with one asked row."""
        wrong: list[str] = []
        exact: dict[str, Fraction | str] = {}
        if self.components:
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
            wrong += [f"rule {i} is broken" for i, rule in enumerate(self.rules) if not rule(exact)]
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
    """Return a campaign that has feasible points by construction: all rules hold at one of them."""
    rng = np.random.default_rng(seed)
    kind = seed % 6
    n = 0 if kind == 5 else int(rng.integers(2, 13))
    definition = _composition(rng, n)
    witness = _witness(rng, definition)
    _add_parameters(rng, definition, kind, witness)
    conditions = _conditions(rng, definition, kind, witness)
    lines = [definition.text, *[f'[[constraint]]\nexpression = "{each}"' for each in conditions]]
    if n:
        terms = " + ".join(f"{i + 1}*{name}" for i, name in enumerate(definition.components))
        lines.append(f'[computed]\ncost_usd = "{terms}"')
    lines.append('[[objective]]\nname = "strength_mpa"\ndirection = "maximise"')
    if n and seed % 2:
        lines.append('[[objective]]\nname = "cost_usd"\ndirection = "minimise"')
    if seed % 3 == 0:
        lines.append('[[outcome]]\nname = "strain_fraction"\nat_least = 0.1')
    lines.append("[planner]\nn_initial = 4")
    definition.text = "\n".join(lines)
    return definition


def _composition(rng: np.random.Generator, n: int) -> Definition:
    text = '[campaign]\nname = "random"\n'
    if not n:
        return Definition(text, [], Fraction(1), {}, 0, Fraction(0))
    components = [f"c{i}" for i in range(n)]
    step_text = str(rng.choice(STEPS))
    step = Fraction(step_text)
    max_active = int(rng.integers(max(1, min(2, n)), n + 1))
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
    text += (
        f"[space.composition]\ncomponents = {components}\nstep = {step_text}\n"
        f"max_active = {max_active}\nmin_active_fraction = {float(least * step):.6f}\n"
        f"bounds = {{ {', '.join(listed)} }}"
    )
    return Definition(text, components, step, bounds, max_active, least * step)


def _witness(rng: np.random.Generator, definition: Definition) -> dict[str, Fraction | str]:
    """Return one point of the lattice by trial and error."""
    if not definition.components:
        return {}
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


def _add_parameters(
    rng: np.random.Generator,
    definition: Definition,
    kind: int,
    witness: dict[str, Fraction | str],
) -> None:
    if kind in (1, 3, 5):
        definition.text += (
            '\n[[space.parameter]]\nname = "temperature_c"\nkind = "range"\n'
            "low = 120\nhigh = 201\nstep = 2.7"
        )
        definition.levels["temperature_c"] = [120 + k * Fraction("2.7") for k in range(31)]
        witness["temperature_c"] = definition.levels["temperature_c"][int(rng.integers(31))]
    if kind in (2, 3, 5):
        definition.text += (
            '\n[[space.parameter]]\nname = "hold_min"\nkind = "discrete"\n'
            "values = [5, 0.1, 60.5, 17]"
        )
        texts = ("0.1", "5", "17", "60.5")
        definition.levels["hold_min"] = [Fraction(text) for text in texts]
        witness["hold_min"] = definition.levels["hold_min"][int(rng.integers(4))]
    if kind in (3, 4, 5):
        definition.text += (
            '\n[[space.parameter]]\nname = "solvent"\nkind = "categorical"\n'
            'values = ["water", "1", "ethanol, dry"]'
        )
        definition.categories["solvent"] = ["water", "1", "ethanol, dry"]
        witness["solvent"] = definition.categories["solvent"][int(rng.integers(3))]


def _conditions(
    rng: np.random.Generator, definition: Definition, kind: int, witness: Exact
) -> list[str]:
    """Add rules that hold at the witness; return their texts."""
    texts: list[str] = []
    names = definition.components

    def add(text: str, rule: Callable[[Exact], bool]) -> None:
        if rule(witness):
            texts.append(text)
            definition.rules.append(rule)

    if len(names) >= 2:
        a, b = (str(name) for name in rng.choice(names, 2, replace=False))
        bound = witness[a] + witness[b] + definition.step
        if rng.random() < 0.6 and definition.step >= Fraction(1, 200):
            add(f"{a} + {b} <= {float(bound):.6f}", lambda p: p[a] + p[b] <= bound)
        if rng.random() < 0.3:
            add(f"{a} >= {b}", lambda p: p[a] >= p[b])
        if rng.random() < 0.3:
            add(f"{a} < 2*{b} + 0.3", lambda p: p[a] < 2 * p[b] + Fraction("0.3"))
        if rng.random() < 0.5:
            add(f"{a}*{b} <= 0.06", lambda p: p[a] * p[b] <= Fraction("0.06"))
        if rng.random() < 0.3:
            add(
                f"{a} == 0 or {b} / {a} <= 1.5",
                lambda p: p[a] == 0 or p[b] / p[a] <= Fraction("1.5"),
            )
        if rng.random() < 0.3:
            add(
                f"max({a}, {b}) - min({a}, {b}) >= 0.1",
                lambda p: abs(p[a] - p[b]) >= Fraction("0.1"),
            )
    if kind in (3, 5):
        add(
            "solvent != 'water' or temperature_c <= 160",
            lambda p: p["solvent"] != "water" or p["temperature_c"] <= 160,
        )
        add(
            "temperature_c * hold_min < 5000",
            lambda p: p["temperature_c"] * p["hold_min"] < 5000,
        )
    return texts

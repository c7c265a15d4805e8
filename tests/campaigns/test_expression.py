"""Expressions agree with Python's own arithmetic on fractions, and with themselves on arrays."""

import math
import operator
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from campaigns.array_arithmetic import error_scale
from campaigns.errors import ExpressionError, UndefinedValue
from campaigns.expression import parse_condition, parse_expression

NAMES = ("x", "y", "z")
N_EXAMPLES = int(os.environ.get("ATHANOR_TEST_EXAMPLES", "40"))
properties = settings(max_examples=N_EXAMPLES, deadline=None)
fractions = st.fractions(min_value=-4, max_value=4, max_denominator=40)
points = st.fixed_dictionaries(dict.fromkeys(NAMES, fractions))
numbers = st.sampled_from(["0", "1", "2", "0.5", "3.25", "1e-1", "12."])
leaves = st.one_of(st.sampled_from(NAMES), numbers)


def _joined(parts: st.SearchStrategy[str], signs: str) -> st.SearchStrategy[str]:
    return st.builds("{} {} {}".format, parts, st.sampled_from(signs.split()), parts)


rational_texts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        _joined(inner, "+ - * /"),
        inner.map("({})".format),
        inner.map("-{}".format),
        st.builds("({})**{}".format, inner, st.sampled_from(["0", "1", "2", "-1", "3"])),
        st.builds("min({}, {})".format, inner, inner),
        st.builds("max({}, {})".format, inner, inner),
        inner.map("abs({})".format),
    ),
    max_leaves=8,
)
linear_texts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        _joined(inner, "+ -"),
        inner.map("({})".format),
        inner.map("-({})".format),
        st.builds("{} * ({})".format, numbers, inner),
        inner.map("({}) / 4".format),
    ),
    max_leaves=8,
)


def _python_value(text: str, point: dict[str, Fraction]) -> Fraction | None:
    """Evaluate with Python, every literal a Fraction; the texts are made here."""
    exact = " ".join(f"Fraction('{word}')" if word[0].isdigit() else word for word in _words(text))
    try:
        return Fraction(eval(exact, {"Fraction": Fraction, **point}))
    except ZeroDivisionError:
        return None


def _words(text: str) -> list[str]:
    for sign in ("**", "+", "*", "/", "(", ")", ","):
        text = text.replace(sign, f" {sign} ")
    text = text.replace("*  *", "**").replace("e-", "e~").replace("-", " - ").replace("e~", "e-")
    words = text.split()
    joined: list[str] = []
    for word in words:
        if word == "*" and joined and joined[-1] == "*":
            joined[-1] = "**"
        else:
            joined.append(word)
    return [word.removesuffix(".") if word[0].isdigit() else word for word in joined]


@pytest.mark.slow
@properties
@given(rational_texts, points)
def test_values_are_those_of_python_fractions(text: str, point: dict[str, Fraction]) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assume("constant part" not in error.reason)
        raise
    expected = _python_value(text, point)

    if expected is None:
        with pytest.raises(UndefinedValue):
            expression.evaluate(point)
    else:
        assert expression.evaluate(point) == expected


@pytest.mark.slow
@properties
@given(linear_texts, points)
def test_a_linear_form_agrees_with_the_expression(text: str, point: dict[str, Fraction]) -> None:
    expression = parse_expression(text)

    form = expression.linear_form()

    assert form is not None
    total = sum((c * point[name] for name, c in form.coefficients.items()), form.constant)
    assert total == expression.evaluate(point)
    assert form.coefficients.keys() == expression.names


@pytest.mark.slow
@properties
@given(rational_texts, st.lists(points, min_size=1, max_size=5))
def test_arrays_agree_with_single_points(text: str, many: list[dict[str, Fraction]]) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError:
        return
    assume(expression.names)
    columns = {name: np.array([float(point[name]) for point in many]) for name in NAMES}

    values = np.broadcast_to(expression.evaluate(columns), len(many))

    for index in range(len(many)):
        alone = {name: float(columns[name][index]) for name in NAMES}
        try:
            expected = float(expression.evaluate(alone))
        except UndefinedValue:
            assert math.isnan(values[index])
        else:
            assert values[index] == pytest.approx(expected, rel=1e-9, abs=1e-9)


COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
comparisons = st.tuples(linear_texts, st.sampled_from(sorted(COMPARE)), linear_texts)


@pytest.mark.slow
@properties
@given(comparisons, points)
def test_linear_inequalities_are_the_comparison(
    parts: tuple[str, str, str], point: dict[str, Fraction]
) -> None:
    left, sign, right = parts
    condition = parse_condition(f"{left} {sign} {right}")
    expected = COMPARE[sign](_python_value(left, point), _python_value(right, point))

    inequalities = condition.linear_inequalities()

    assert condition.holds(point) == expected
    if sign == "!=":
        assert inequalities is None
    else:
        assert inequalities is not None
        assert all(one.holds(point) for one in inequalities) == expected


rational_conditions = st.builds(
    "{} {} {}".format, rational_texts, st.sampled_from(sorted(COMPARE)), rational_texts
)


def _combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        parts,
        st.builds("({}) and ({})".format, parts, parts),
        st.builds("({}) or ({})".format, parts, parts),
        parts.map("not ({})".format),
    )


conditions = _combined(_combined(rational_conditions))
grid_points = st.fixed_dictionaries(
    {name: st.integers(0, 20).map(lambda k: Fraction(k, 20)) for name in NAMES}
)


@pytest.mark.slow
@properties
@given(conditions, st.lists(grid_points, min_size=1, max_size=6))
def test_screening_never_drops_what_holds(text: str, many: list[dict[str, Fraction]]) -> None:
    try:
        condition = parse_condition(text)
    except ExpressionError:
        return
    assume(condition.names)
    columns = {name: np.array([float(point[name]) for point in many]) for name in NAMES}

    passed = np.broadcast_to(condition.holds_many(columns), len(many))

    for index, point in enumerate(many):
        if condition.holds(point):
            assert passed[index]


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("sqrt(x)", {"x": Fraction(1, 4)}, Fraction(1, 2)),
        ("exp(x)", {"x": Fraction(0)}, 1.0),
        ("log10(x)", {"x": Fraction(100)}, 2.0),
        ("log(x)", {"x": Fraction(1)}, 0.0),
        ("x**0.5", {"x": Fraction(2)}, math.sqrt(2)),
        ("-x**2", {"x": Fraction(3)}, -9),
        ("2**-x", {"x": Fraction(1)}, Fraction(1, 2)),
        ("x - y - 1", {"x": Fraction(5), "y": Fraction(2)}, 2),
        ("x / y / 2", {"x": Fraction(8), "y": Fraction(2)}, 2),
        ("2**3**2 + x", {"x": Fraction(0)}, 512),
        ("+x", {"x": 3}, 3),
        ("0.1 + 0.2 + x", {"x": Fraction(0)}, Fraction(3, 10)),
    ],
)
def test_functions_and_precedence_are_the_usual_ones(
    text: str, point: dict[str, Fraction], expected: float
) -> None:
    assert parse_expression(text).evaluate(point) == pytest.approx(expected, abs=0, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("1 / x", 0),
        ("log(x)", 0),
        ("log(x)", -1),
        ("sqrt(x)", -1),
        ("x**0.5", -1),
        ("x**-1", 0),
        ("exp(x)", 10000),
        ("10**x", 5000),
        ("x * 1", math.inf),
        ("x", math.nan),
    ],
)
def test_what_has_no_finite_value_is_undefined(text: str, x: float) -> None:
    expression = parse_expression(text)

    with pytest.raises(UndefinedValue):
        expression.evaluate({"x": x})
    assert np.isnan(expression.evaluate({"x": np.array([float(x), float(x)])})).all()


@pytest.mark.parametrize("text", ["1/x > 2", "not 1/x > 2", "1/x == 1/x", "log(x) <= 5"])
def test_a_condition_on_something_undefined_does_not_hold(text: str) -> None:
    condition = parse_condition(text)

    assert not condition.holds({"x": Fraction(0)})
    assert not condition.holds_many({"x": np.zeros(2)}).any()


def test_an_undefined_part_does_not_matter_where_another_decides() -> None:
    condition = parse_condition("x == 0 or 1/x >= 2")

    assert condition.holds({"x": Fraction(0)})
    assert condition.holds({"x": Fraction(1, 2)})
    assert not condition.holds({"x": Fraction(1)})


def test_categories_are_compared_as_texts() -> None:
    condition = parse_condition("kind == 'dry' or kind != \"wet\" and x > 0.5")

    assert condition.categories == {"kind": {"dry", "wet"}}
    assert condition.numeric_names == {"x"}
    assert condition.holds({"kind": "dry", "x": Fraction(0)})
    assert not condition.holds({"kind": "wet", "x": Fraction(1)})
    many = {"kind": np.array(["dry", "wet", "hot"]), "x": np.array([0.0, 1.0, 1.0])}
    assert condition.holds_many(many).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x +",
        "x y",
        "(x",
        "x)",
        "2x",
        "0x10",
        "1_000",
        "1j",
        "x.real",
        "x[0]",
        "lambda: 1",
        "x if y else z",
        "max(x)",
        "sqrt(x, y)",
        "sqrt",
        "open('f')",
        "log(base=2)",
        "x <= 1",
        "'text'",
        "x and y",
        "x = 1",
        "x ^ 2",
        "x ** 65",
        "10**10**10",
        "9**-99",
        "1/0 + x",
        "x + log(0)",
        "é",
        "x\x00",
        "(" * 21 + "x" + ")" * 21,
        "-" * 30 + "x",
        "+".join(["x"] * 2001),
        "1" * 41,
        "1e301",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


@pytest.mark.parametrize(
    "text",
    ["x", "x + 1", "x <", "<= 1", "x => 1", "x <= 'a'", "'a' == 'b'", "not", "x == y == 'a'"],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text)


@properties
@given(st.text(alphabet="xy12.()+-*/<>=!,'e andortsqmi", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_expression, parse_condition):
        with suppress(ExpressionError):
            read = parse(text)
            assert pickle.loads(pickle.dumps(read)) == read


def test_an_error_points_at_the_character() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression("2*Al + 9^Cu")

    assert (caught.value.position, caught.value.text) == (8, "2*Al + 9^Cu")
    assert "use ** for powers (at character 9)" in str(caught.value)


def test_substitution_fills_in_definitions_and_keeps_the_text() -> None:
    definitions = {"cost": parse_expression("2*Al + 9*Cu")}

    condition = parse_condition("cost <= 5 and Al > 0").substitute(definitions)

    assert condition.text == "cost <= 5 and Al > 0"
    assert condition.names == {"Al", "Cu"}
    assert condition.holds({"Al": Fraction(1), "Cu": Fraction(1, 3)})
    assert not condition.holds({"Al": Fraction(1), "Cu": Fraction(1, 2)})


def test_a_long_sum_is_an_expression_and_survives_pickling() -> None:
    expression = parse_expression(" + ".join(["x"] * 900))

    assert pickle.loads(pickle.dumps(expression)).evaluate({"x": Fraction(1, 900)}) == 1


def test_towers_of_powers_stay_small() -> None:
    expression = parse_expression("((((x**64)**64)**64)**64)**64")

    assert expression.evaluate({"x": Fraction(1)}) == 1
    with pytest.raises(UndefinedValue):
        expression.evaluate({"x": Fraction(3, 2)})


def test_nothing_is_known_of_the_rounding_of_a_division_by_zero() -> None:
    tree = parse_expression("1/(x - x)").tree
    assert np.isinf(error_scale(tree, {"x": np.array([0.25, 1.0])})).all()

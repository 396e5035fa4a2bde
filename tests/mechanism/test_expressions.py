"""Expressions: reading, printing, derivatives, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oncovivo.errors import InputError
from oncovivo.mechanism.expressions import (
    FUNCTIONS,
    Binary,
    Call,
    Expression,
    Name,
    Negate,
    Number,
    free_ligand,
    parse,
)

NAMES = ("a", "b", "c")
LEAVES = st.one_of(
    st.sampled_from(NAMES).map(Name),
    st.floats(min_value=0.1, max_value=5.0).map(lambda value: Number(round(value, 3))),
)


def _positive(tree: Expression) -> Expression:
    """Something between 0.3 and 3, for concentrations and constants."""
    return Call("exp", (Call("tanh", (tree,)),))


def _grown(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    two = st.tuples(children, children)
    return st.one_of(
        children.map(Negate),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/"]), children, children),
        st.builds(Binary, st.just("**"), children, st.sampled_from([2.0, 3.0, 0.5]).map(Number)),
        st.builds(Call, st.sampled_from(["exp", "tanh", "log", "sqrt"]), st.tuples(children)),
        st.builds(Call, st.sampled_from(["min", "max"]), two),
        st.builds(Call, st.just("free_ligand"), st.tuples(*[children.map(_positive)] * 3)),
    )


TREES = st.recursive(LEAVES, _grown, max_leaves=10)


@given(tree=TREES)
@settings(max_examples=300, deadline=None)
def test_text_reads_back_into_the_same_tree(tree: Expression) -> None:
    assert parse(str(tree)) == tree


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a-(b-c)", "a - (b - c)"),
        ("(a-b)-c", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("a**b**c", "a**b**c"),
        ("(a**b)**c", "(a**b)**c"),
        ("-a**2", "-a**2"),
        ("(-a)**2", "(-a)**2"),
        ("a**-b", "a**-b"),
        ("2.50*a + 1e-9", "2.5*a + 1e-09"),
        ("+a", "a"),
        ("a*-b", "a*-b"),
    ],
)
def test_canonical_text_has_the_brackets_it_needs(text: str, printed: str) -> None:
    assert str(parse(text)) == printed


@pytest.mark.parametrize(
    "text", ["-a**2", "a**-b", "-a*b", "a-b-c", "a/b/c", "a**b**c", "2*-a", "--a", "-(a+b)*c"]
)
def test_operators_bind_as_in_python(text: str) -> None:
    values = {"a": 1.3, "b": 0.7, "c": 2.1}
    wanted = eval(text, {}, values)
    assert parse(text).evaluate(values) == pytest.approx(wanted, rel=1e-15)


@given(tree=TREES, point=st.tuples(*[st.floats(0.3, 2.0)] * 3), name=st.sampled_from(NAMES))
@settings(max_examples=400, deadline=None)
def test_derivative_agrees_with_finite_differences(
    tree: Expression, point: tuple[float, float, float], name: str
) -> None:
    values = dict(zip(NAMES, point, strict=True))

    def at(step: float) -> float:
        return float(tree.evaluate({**values, name: values[name] + step}))

    near = np.array([at(step) for step in (-2e-4, -1e-4, -1e-5, 0.0, 1e-5, 1e-4, 2e-4)])
    assume(bool(np.isfinite(near).all()) and float(np.abs(near).max()) < 1e6)
    right, left = (near[4] - near[3]) / 1e-5, (near[3] - near[2]) / 1e-5
    wide = (near[6] - near[0]) / 4e-4
    narrow = (near[5] - near[1]) / 2e-4
    size = 1.0 + abs(narrow)
    # Where min or max switch, or curvature is large, differences say nothing.
    assume(abs(right - left) < 1e-2 * size and abs(wide - narrow) < 1e-3 * size)
    slope = float(tree.derivative(name).evaluate(values))
    # The chain rule has no value where an inner slope is infinite: sqrt(a - a).
    assume(np.isfinite(slope))
    assert slope == pytest.approx(narrow, rel=2e-3, abs=2e-3 * size)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("exp(k*x)", lambda k, x: k * np.exp(k * x)),
        ("log(x)", lambda k, x: 1 / x),
        ("sqrt(x)", lambda k, x: 0.5 / np.sqrt(x)),
        ("tanh(x)", lambda k, x: 1 / np.cosh(x) ** 2),
        ("x**k", lambda k, x: k * x ** (k - 1)),
        ("k**x", lambda k, x: k**x * np.log(k)),
        ("x**x", lambda k, x: x**x * (np.log(x) + 1)),
        ("k/x", lambda k, x: -k / x**2),
        ("min(x, k)", lambda k, x: float(x <= k)),
        ("max(x, k)", lambda k, x: float(x > k)),
        ("max(k, x)", lambda k, x: float(x >= k)),
    ],
)
def test_derivative_is_the_known_one(text: str, slope: object) -> None:
    assert callable(slope)
    for k, x in [(0.4, 1.7), (2.3, 0.6)]:
        found = parse(text).derivative("x").evaluate({"k": k, "x": x})
        assert found == pytest.approx(slope(k, x), rel=1e-13)


def test_derivative_of_a_power_at_zero_does_not_take_a_logarithm() -> None:
    assert parse("x**psi").derivative("x").evaluate({"x": 0.0, "psi": 3.0}) == 0.0


def test_second_derivative_through_min_is_zero_where_it_is_flat() -> None:
    tree = parse("min(x**2, 4)").derivative("x").derivative("x")
    np.testing.assert_array_equal(tree.evaluate({"x": np.array([1.0, 3.0])}), [2.0, 0.0])


@pytest.mark.parametrize("name", ["t", "s", "kd"])
def test_derivative_of_free_ligand_follows_each_argument(name: str) -> None:
    values = {"t": 3.0, "s": 4.0, "kd": 0.5}
    tree = parse("free_ligand(t, s, kd)")
    step = 1e-6
    up, down = ({**values, name: values[name] + sign * step} for sign in (1, -1))
    wanted = (tree.evaluate(up) - tree.evaluate(down)) / (2 * step)
    assert tree.derivative(name).evaluate(values) == pytest.approx(float(wanted), rel=1e-8)


@given(free=st.floats(-12, 3), sites=st.floats(-3, 6), kd=st.floats(-3, 3))
@settings(max_examples=300, deadline=None)
def test_free_ligand_keeps_its_digits_beside_any_binder(
    free: float, sites: float, kd: float
) -> None:
    exact = [Fraction(10.0**power) for power in (free, sites, kd)]
    total = exact[0] + exact[1] * exact[0] / (exact[2] + exact[0])
    found = float(free_ligand(float(total), 10.0**sites, 10.0**kd))
    # The total is rounded to a double; how far that moves the free part is the condition number.
    slope = 1 / (1 + exact[1] * exact[2] / (exact[2] + exact[0]) ** 2)
    condition = float(slope * total / exact[0])
    assert found == pytest.approx(float(exact[0]), rel=1e-14 * (2 + condition))


def test_free_ligand_of_nothing_is_nothing_and_without_sites_all() -> None:
    np.testing.assert_array_equal(free_ligand([0.0, 5.0, 0.0], [3.0, 0.0, 0.0], 0.2), [0, 5, 0])


def test_evaluation_broadcasts_over_animals() -> None:
    value = parse("k*x").evaluate({"k": np.ones((3, 1)), "x": np.arange(4.0)})
    assert value.shape == (3, 4)


def test_evaluation_outside_a_domain_gives_nan_without_a_warning() -> None:
    assert np.isnan(parse("log(a)/b").evaluate({"a": -1.0, "b": 0.0}))


def test_evaluation_names_a_missing_value() -> None:
    with pytest.raises(InputError, match="none for b"):
        parse("a + b").evaluate({"a": 1.0})


def test_substitution_is_simultaneous() -> None:
    assert str(parse("a - b*a").substitute({"a": Name("b"), "b": Name("a")})) == "b - a*b"


def test_constants_are_exact() -> None:
    assert parse("914.2/1030.3").constant() == Fraction(9142, 10303)
    assert parse("1/0").constant() is None
    assert parse("2**3").constant() is None


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.b",
        "a.__class__",
        "(1).real",
        "a[0]",
        "[x for x in a]",
        "{a}",
        "lambda: a",
        "a if b else c",
        "a and b",
        "open(a)",
        "eval(a)",
        "getattr(a, b)",
        "select(a, b, a, b)",
        "exp(x=a)",
        "exp(*a)",
        "f'{a}'",
        "'a'",
        "a := 1",
        "a; b",
        "a\\b",
        "a # b",
        "_a",
        "__a__",
        "0x10",
        "1_000",
        "1j",
        "\uff41",
        "a @ b",
        "a // b",
        "a % b",
        "~a",
        "a == b",
        "a < b",
        "a ^ b",
        "",
        "   ",
        "()",
        "a b",
        "2a",
        "a +",
        "* a",
        "(a",
        "a)",
        "exp",
        "exp()",
        "exp(a, b)",
        "min(a)",
        "max(a, b, c)",
        "a(b)",
        "1e999",
        "a\x00",
    ],
)
def test_whatever_is_not_an_expression_is_refused(text: str) -> None:
    if text == "exp":
        # A function's name alone is read as a name; the model refuses it as an unknown one.
        assert parse(text) == Name("exp")
        return
    with pytest.raises(InputError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "9**9**9**9",
        "a**1000",
        "a**-1e6",
        "a**(50 + 60)",
        "a" * 65,
        "(" * 200 + "a" + ")" * 200,
        "-" * 500 + "a",
        "a**" * 100 + "a",
        "exp(" * 100 + "a" + ")" * 100,
        "+".join(["a"] * 400),
        "a" + " " * 2000,
        "9" * 1999,
    ],
)
def test_huge_powers_and_long_or_deep_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)


def test_a_long_sum_that_is_allowed_can_be_derived_and_printed() -> None:
    tree = parse("*".join(["a"] * 150))
    assert parse(str(tree)) == tree
    slope = tree.derivative("a")
    assert slope.evaluate({"a": 1.0}) == pytest.approx(150.0)
    assert str(slope)


SCRAPS = ["a", "x1", "2", "1e3", ".5", "+", "-", "*", "/", "**", "(", ")", ",", " ", "exp", "min("]
SCRAPS += ["free_ligand(", "^", ".", "_", "'", "[", "é", "\n", "9**"]


@given(text=st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join))
@settings(max_examples=500, deadline=None)
def test_any_text_gives_a_tree_or_an_input_error(text: str) -> None:
    try:
        tree = parse(text)
    except InputError:
        return
    assert parse(str(tree)) == tree


def test_the_message_says_where_and_what_to_do() -> None:
    with pytest.raises(InputError, match=r"block\.toml x1: .* '\^' at character 3 .*write \*\*"):
        parse("a ^ 2", "block.toml x1")
    with pytest.raises(InputError, match="write min or max"):
        parse("a < b")


def test_only_the_listed_functions_can_be_called() -> None:
    assert set(FUNCTIONS) == {"exp", "log", "sqrt", "min", "max", "tanh", "free_ligand"}

"""Small-study effects against metafor, by hand, and where the standard error holds the effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import bias
from oncovivo.evidence.meta.bias import EggerModel, egger_test, pet_peese
from oncovivo.evidence.meta.funnel import funnel_data
from oncovivo.evidence.meta.known_covariance import independent_covariance
from oncovivo.evidence.meta.lines import MixedLines, mixed_lines, weighted_lines
from oncovivo.evidence.meta.mixed_fit import Structure, fit_mixed
from oncovivo.evidence.meta.mixed_likelihood import Component
from oncovivo.evidence.meta.trim_and_fill import trim_and_fill
from oncovivo.evidence.meta.types import Method, Rows
from tests.evidence.meta_references import (
    BODY_WEIGHT_SECTIONS,
    CART_SECTIONS,
    cart_rows,
    close,
)

ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
SECTIONS = [*CART_SECTIONS, *BODY_WEIGHT_SECTIONS]
LABEL = [f"r{i}" for i in range(12)]
Y = np.array([-0.1, -0.3, -0.2, -0.5, -0.4, -0.9, -0.6, -1.2, -0.8, -1.1, -1.9, -1.4])
SE = np.array([0.1, 0.12, 0.15, 0.2, 0.22, 0.25, 0.3, 0.33, 0.4, 0.42, 0.5, 0.6])
N = np.array([30.0, 25, 22, 15, 12, 12, 10, 8, 6, 6, 5, 4])


def log_ratios() -> Rows:
    return Rows.of(LABEL, Y, SE**2, measure="ROM", n_treated=N, n_control=N + 2)


def hedges() -> Rows:
    inverse = 1 / N + 1 / (N + 2)
    vi = inverse + (3 * Y) ** 2 / (4 * N + 4)
    return Rows.of(LABEL, 3 * Y, vi, measure="SMD", n_treated=N, n_control=N + 2)


@pytest.mark.realdata
@pytest.mark.parametrize("section", SECTIONS)
def test_eggers_tests_are_those_of_metafor(section: str, shared_reference: ReadReference) -> None:
    reference = shared_reference("meta_modular_cart")["sections"][section]
    rows, _ = cart_rows(reference)
    iterative, closed = reference["tolerance"]["iterative"], reference["tolerance"]["closed"]
    expected = reference["results"]["egger_rma"]
    mixed = egger_test(rows, model="mixed", test="z")
    # tau² of the reference is iterated to 1e-5, which moves numbers near 0 by more than 1e-4 of
    # themselves: a thousandth of the standard error is allowed there.
    assert close(mixed.slope.statistic, expected["z"], {**iterative, "abs": 1e-3})
    near = {**iterative, "abs": 1e-3 * mixed.limit.std_error}
    assert close(mixed.limit.estimate, expected["limit"], near)
    assert close(mixed.limit.lower, expected["limit_ci"][0], near)
    assert close(mixed.limit.upper, expected["limit_ci"][1], near)
    assert mixed.slope.df is None
    weighted = egger_test(rows, model="weighted")
    expected = reference["results"]["egger_lm"]
    assert close(weighted.slope.statistic, expected["t"], closed)
    assert weighted.slope.df == expected["df"]
    assert close(weighted.slope.p_value, expected["p"], closed)


@pytest.mark.realdata
@pytest.mark.parametrize("section", SECTIONS)
def test_lines_on_imprecision_are_those_of_r(
    section: str, shared_reference: ReadReference
) -> None:
    reference = shared_reference("meta_modular_cart")["sections"][section]
    rows, _ = cart_rows(reference)
    found = pet_peese(rows)
    for line, name in ((found.pet, "pet"), (found.peese, "peese")):
        expected = reference["results"][name]
        for number, one in enumerate(line):
            for value, column in (
                (one.estimate, "Estimate"),
                (one.std_error, "Std. Error"),
                (one.statistic, "t value"),
                (one.p_value, "Pr(>|t|)"),
            ):
                assert close(value, expected[column][number], reference["tolerance"]["closed"])


@pytest.mark.realdata
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(("method", "name"), [("REML", "trimfill"), ("EE", "trimfill_EE")])
def test_rows_are_trimmed_and_filled_as_by_metafor(
    section: str, method: Method, name: str, shared_reference: ReadReference
) -> None:
    reference = shared_reference("meta_modular_cart")["sections"][section]
    rows, _ = cart_rows(reference)
    expected = reference["results"][name]
    found = trim_and_fill(rows, method=method, test="z")
    assert (found.missing, found.side) == (expected["k0"], expected["side"])
    tolerance = reference["tolerance"]["iterative"]
    assert close(found.adjusted.estimate, expected["estimate"], tolerance)
    assert close(found.adjusted.std_error, expected["se"], tolerance)
    if method == "REML":
        # The reference iterates tau² to 1e-5.
        assert close(found.adjusted.tau2, expected["tau2"], {**tolerance, "abs": 1e-5})
    assert len(found.filled) == len(rows) + found.missing


def test_rows_on_one_line_have_no_error() -> None:
    line = weighted_lines(np.array([[1.0, 2, 3]]), np.array([[1.0, 2, 3]]), np.ones((1, 3)))
    assert line.coefficients[0] == pytest.approx([0, 1])
    assert line.std_error.tolist() == [[0, 0]]
    assert line.p_value[0, 1] == 0


def test_the_weighted_line_is_least_squares() -> None:
    found = egger_test(log_ratios(), model="weighted")
    root = 1 / SE
    design = np.column_stack([np.ones(12), SE])
    estimates, (square,), _, _ = np.linalg.lstsq(design * root[:, None], Y * root, rcond=None)
    covariance = square / 10 * np.linalg.inv((design * root[:, None] ** 2).T @ design)
    assert found.limit.estimate == pytest.approx(estimates[0], rel=1e-10)
    assert found.slope.estimate == pytest.approx(estimates[1], rel=1e-10)
    assert found.slope.std_error == pytest.approx(covariance[1, 1] ** 0.5, rel=1e-10)
    assert found.limit.std_error == pytest.approx(covariance[0, 0] ** 0.5, rel=1e-10)
    assert found.dispersion == pytest.approx(square / 10, rel=1e-10)
    reach = special.stdtrit(10, 0.975) * covariance[1, 1] ** 0.5
    assert found.slope.upper == pytest.approx(estimates[1] + reach, rel=1e-10)


def test_the_mixed_line_is_the_model_with_a_level_of_rows() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0.2, 0.9, (40, 15))
    variance = x**2 * rng.uniform(0.5, 2, (40, 15))
    tau = rng.uniform(0, 0.6, (40, 1))
    y = rng.standard_normal((40, 15)) * np.sqrt(variance + tau**2) - x
    many = mixed_lines(y, x, variance)
    assert many.converged.all()
    rows = Component(
        group=np.arange(15), outcome=np.zeros(15, dtype=np.intp), tables=np.ones((1, 1, 1))
    )
    for number in range(40):
        one = fit_mixed(
            y[number],
            np.column_stack([np.ones(15), x[number]]),
            independent_covariance(variance[number]),
            Structure(components=(rows,), shapes=("level",)),
        )
        assert many.tau2[number] == pytest.approx(one.variances[0], abs=1e-8)
        assert many.line.coefficients[number] == pytest.approx(one.coefficients, rel=1e-6)
    assert (many.tau2 == 0).any()
    assert (many.tau2 > 0).any()


def test_the_mixed_line_is_tested_by_knapp_and_hartung() -> None:
    z, t = (
        egger_test(log_ratios(), model="mixed", test="z"),
        egger_test(log_ratios(), model="mixed"),
    )
    assert z.tau2 is not None
    weight = 1 / (SE**2 + z.tau2)
    rest = Y - z.limit.estimate - z.slope.estimate * SE
    factor = float((weight * rest**2).sum()) / 10
    assert t.slope.std_error == pytest.approx(z.slope.std_error * factor**0.5, rel=1e-10)
    assert t.slope.df == 10
    information = np.column_stack([np.ones(12), SE]).T @ (
        weight[:, None] * np.column_stack([np.ones(12), SE])
    )
    assert z.slope.std_error == pytest.approx(np.linalg.inv(information)[1, 1] ** 0.5, rel=1e-9)
    assert z.slope.upper - z.slope.estimate == pytest.approx(
        special.ndtri(0.975) * z.slope.std_error, rel=1e-12
    )


@pytest.mark.parametrize("model", ["weighted", "mixed"])
def test_standardized_differences_are_looked_at_by_their_animals(model: EggerModel) -> None:
    rows = hedges()
    found = egger_test(rows, model=model)
    assert found.precision == "size"
    other = replace(rows, vi=rows.vi * np.linspace(0.5, 3, 12))
    # Nothing of the standard error is left in the test.
    assert egger_test(other, model=model).slope == found.slope
    assert egger_test(rows, model=model, precision="se").slope != found.slope
    assert egger_test(log_ratios(), model=model).precision == "se"
    own = egger_test(replace(rows, measure="SMDH"), model=model)
    assert (own.precision, own.slope) == ("size", found.slope)


def test_animals_are_the_predictor_and_the_weight() -> None:
    found = egger_test(hedges(), model="weighted")
    inverse = 1 / N + 1 / (N + 2)
    slope, limit = np.polyfit(np.sqrt(inverse), 3 * Y, 1, w=1 / np.sqrt(inverse))
    assert found.slope.estimate == pytest.approx(slope, rel=1e-10)
    assert found.limit.estimate == pytest.approx(limit, rel=1e-10)
    peese = pet_peese(hedges()).peese
    square, middle = np.polyfit(inverse, 3 * Y, 1, w=1 / np.sqrt(inverse))
    assert peese[1].estimate == pytest.approx(square, rel=1e-10)
    assert peese[0].estimate == pytest.approx(middle, rel=1e-10)


def test_animals_share_out_the_variances_of_log_ratios() -> None:
    values = Y + 0.8 * (-1.0) ** np.arange(12)
    rows = replace(log_ratios(), yi=values)
    inverse = 1 / N + 1 / (N + 2)
    variance = inverse * (SE**2).sum() / inverse.sum()
    found = egger_test(rows, model="weighted", precision="size")
    slope, limit = np.polyfit(np.sqrt(inverse), values, 1, w=1 / np.sqrt(inverse))
    assert found.slope.estimate == pytest.approx(slope, rel=1e-10)
    assert found.limit.estimate == pytest.approx(limit, rel=1e-10)
    mixed = egger_test(rows, model="mixed", precision="size", test="z")
    line = mixed_lines(values[None], np.sqrt(inverse)[None], variance[None])
    assert line.tau2[0] > 0.1
    assert mixed.tau2 == pytest.approx(line.tau2[0], rel=1e-10)
    # Exchanging two rows' own variances changes nothing.
    other = replace(rows, vi=rows.vi[::-1])
    assert egger_test(other, model="mixed", precision="size").slope.p_value == pytest.approx(
        egger_test(rows, model="mixed", precision="size").slope.p_value, rel=1e-9
    )


def test_the_standard_error_of_a_standardized_difference_is_warned_of() -> None:
    found = egger_test(hedges(), precision="se")
    assert [warning.code for warning in found.warnings] == ["suspect"]
    assert egger_test(hedges()).warnings == ()
    assert egger_test(log_ratios()).warnings == ()


def test_few_rows_are_warned_of() -> None:
    nine = log_ratios().take(range(9))
    assert [warning.code for warning in egger_test(nine).warnings] == ["few_rows"]
    assert [warning.code for warning in pet_peese(nine).warnings] == ["few_rows"]
    assert [warning.code for warning in trim_and_fill(nine).warnings] == ["few_rows"]
    assert egger_test(log_ratios().take(range(10))).warnings == ()


def test_the_square_is_chosen_where_the_line_leaves_an_effect() -> None:
    alone = pet_peese(Rows.of(LABEL, Y - 0.19, SE**2, measure="ROM"))
    assert alone.pet[0].p_value > 0.10
    assert (alone.chosen, alone.estimate) == ("PET", alone.pet[0].estimate)
    effect = pet_peese(Rows.of(LABEL, Y - 1, SE**2, measure="ROM"))
    assert effect.pet[0].p_value < 0.10
    assert (effect.chosen, effect.estimate) == ("PEESE", effect.peese[0].estimate)
    assert (effect.lower, effect.upper) == (effect.peese[0].lower, effect.peese[0].upper)
    # An intercept on the other side of 0 than the rows' mean is no effect.
    against = pet_peese(Rows.of(LABEL, 0.6 - 4 * SE + 0.05 * np.cos(np.arange(12)), SE**2))
    assert against.pet[0].p_value < 0.10
    assert against.chosen == "PET"


def test_missing_rows_are_counted_by_hand() -> None:
    """Equal variances, so the center is the mean of the rows left."""
    y = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 10.0, 11.0])
    rows = Rows.of(list("abcdefg"), y, np.full(7, 0.5))
    # R0, side given: center 26/7 = 3.71; distances -4.71 -3.71 -2.71 -1.71 -0.71 6.29 7.29; the
    # largest rank on the left is 5, so 7 - 5 - 1 = 1 is missing. Without the largest row the
    # center is 2.5; distances -3.5 -2.5 -1.5 -0.5 0.5 7.5 8.5; on the left again rank 5.
    found = trim_and_fill(rows, estimator="R0", side="left", method="EE")
    assert found.missing == 1
    assert found.filled.yi[-1] == pytest.approx(2 * 2.5 - 11)
    assert found.filled.label[-1] == "filled g"
    assert found.filled.vi[-1] == 0.5
    assert found.missing_std_error == pytest.approx(2.0)
    assert found.missing_p_value == pytest.approx(0.25)
    assert found.adjusted.estimate == pytest.approx((26 + 5 - 11) / 8)
    assert found.unadjusted.estimate == pytest.approx(26 / 7)
    # L0: ranks on the right 6 + 7 = 13, (52 - 56) / 13 < 0: none is missing.
    none = trim_and_fill(rows, estimator="L0", side="left", method="EE")
    assert none.missing == 0
    assert none.adjusted is none.unadjusted
    assert none.missing_p_value is None
    # Variance of the sum of ranks at k0 = -4/13.
    k, m = 7, -4 / 13
    by_hand = (840 + 10 * m**3 + 27 * m**2 + 17 * m - 18 * k * m**2 - 18 * k * m + 294 * m) / 24
    assert none.missing_std_error == pytest.approx(4 * by_hand**0.5 / 13)


def test_the_other_side_is_the_mirror_image() -> None:
    rows = log_ratios()
    mirrored = replace(rows, yi=-rows.yi)
    for estimator in ("L0", "R0"):
        first = trim_and_fill(rows, estimator=estimator)
        second = trim_and_fill(mirrored, estimator=estimator)
        assert (first.side, second.side) == ("right", "left")
        assert first.missing == second.missing > 0
        assert second.adjusted.estimate == pytest.approx(-first.adjusted.estimate, rel=1e-8)


def test_filled_rows_carry_their_facts() -> None:
    rows = replace(log_ratios(), study=tuple(f"s{i}" for i in range(12)))
    found = trim_and_fill(rows)
    assert found.missing > 0
    last = found.filled.take([len(found.filled) - 1])
    at = LABEL.index(last.label[0].removeprefix("filled "))
    assert at == int(np.argmin(Y))
    assert last.vi[0] == rows.vi[at]
    assert last.n_treated is not None
    assert last.n_treated[0] == N[at]
    assert last.study == (f"filled s{at}",)


def test_standardized_differences_are_trimmed_by_their_animals() -> None:
    rows = hedges()
    found = trim_and_fill(rows, method="EE")
    assert found.precision == "size"
    assert found.missing > 0
    other = trim_and_fill(replace(rows, vi=rows.vi * np.linspace(3, 0.5, 12)), method="EE")
    assert other.missing == found.missing
    assert (other.filled.yi == found.filled.yi).all()
    assert other.adjusted.estimate != found.adjusted.estimate
    assert trim_and_fill(rows, method="EE", precision="se").filled.yi[-1] != found.filled.yi[-1]


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(4).permutation(12)
    rows, moved = hedges(), hedges().take(order)
    for model in ("weighted", "mixed"):
        a, b = egger_test(rows, model=model).slope, egger_test(moved, model=model).slope
        assert (b.estimate, b.p_value) == pytest.approx((a.estimate, a.p_value), rel=1e-8)
    first, second = trim_and_fill(rows), trim_and_fill(moved)
    assert first.missing == second.missing
    assert second.adjusted.estimate == pytest.approx(first.adjusted.estimate, rel=1e-8)


def test_a_funnel_is_as_wide_as_its_probability() -> None:
    found = funnel_data(log_ratios(), -0.4, levels=[0.99, 0.95], tau2=0.04)
    assert found.precision == "se"
    assert [one.level for one in found.contours] == [0.95, 0.99]
    inner = found.contours[0]
    assert found.grid[0] == 0
    assert found.grid[-1] > SE.max()
    assert inner.upper[0] - inner.lower[0] == pytest.approx(2 * 1.959963984540054 * 0.2)
    at = 40
    half = 1.959963984540054 * (found.grid[at] ** 2 + 0.04) ** 0.5
    assert (inner.lower[at], inner.upper[at]) == pytest.approx((-0.4 - half, -0.4 + half))
    assert found.imprecision == pytest.approx(SE)
    assert not found.filled.any()
    sized = funnel_data(hedges(), 0.0, filled=2)
    assert sized.precision == "size"
    assert sized.imprecision == pytest.approx(np.sqrt(1 / N + 1 / (N + 2)))
    assert sized.filled.tolist() == [False] * 10 + [True] * 2
    made = sized.to_dict()
    assert made["center"] == 0.0


def test_a_search_that_does_not_arrive_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*arrays: np.ndarray) -> MixedLines:
        return replace(mixed_lines(*arrays), converged=np.zeros(1, dtype=np.bool_))

    # The package has a function of the module's name.
    module = import_module("oncovivo.evidence.meta.trim_and_fill")
    monkeypatch.setattr(module, "_MOST_ROUNDS", 1)
    filled = trim_and_fill(log_ratios())
    assert [warning.code for warning in filled.warnings] == ["not_converged"]
    monkeypatch.setattr(bias, "mixed_lines", lost)
    found = egger_test(log_ratios(), model="mixed")
    assert [warning.code for warning in found.warnings] == ["not_converged"]


def test_results_become_plain_fields() -> None:
    assert egger_test(log_ratios()).to_dict()["k"] == 12
    assert pet_peese(log_ratios()).to_dict()["chosen"] == "PET"
    assert trim_and_fill(log_ratios()).to_dict()["side"] == "right"


def test_what_cannot_show_asymmetry_is_refused() -> None:
    bare = Rows.of(LABEL, Y, SE**2, measure="SMD")
    for test in (egger_test, pet_peese, trim_and_fill):
        with pytest.raises(InputError, match=r"animals of both groups.*n_treated and n_control"):
            test(bare)
        with pytest.raises(DataError, match="3 or more rows"):
            test(log_ratios().take([0, 1]))
        with pytest.raises(DataError, match=r"effects differ, found 2 for all 3"):
            test(Rows.of(list("abc"), [2, 2, 2], [0.25, 0.3, 0.4]))
        with pytest.raises(DataError, match=r"differ in their imprecision.*0\.5 for all 3"):
            test(Rows.of(list("abc"), [1, 2, 4], [0.25] * 3))
        with pytest.raises(InputError, match="a precision out of auto, se, size"):
            test(bare, precision="n")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a model out of weighted, mixed"):
        egger_test(log_ratios(), model="rma")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"out of L0, R0.*Q0"):
        trim_and_fill(log_ratios(), estimator="Q0")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="3 or more rows"):
        trim_and_fill(log_ratios().take([0, 1]), side="left")
    with pytest.raises(InputError, match="a side out of auto, left, right"):
        trim_and_fill(log_ratios(), side="top")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a variance between rows of 0 or more"):
        funnel_data(log_ratios(), 0, tau2=-1)
    with pytest.raises(InputError, match="0 to 12 filled rows"):
        funnel_data(log_ratios(), 0, filled=13)
    with pytest.raises(InputError, match="a confidence level"):
        funnel_data(log_ratios(), 0, levels=[95])

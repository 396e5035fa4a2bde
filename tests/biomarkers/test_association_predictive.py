"""Predictive against prognostic, joint models, single lines, and views of one marker."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.biomarkers.association import associate
from oncovivo.biomarkers.association_fits import leave_one_line_out, marker_view
from oncovivo.biomarkers.association_result import line_response
from oncovivo.biomarkers.features import FeatureTable, feature_table
from oncovivo.biomarkers.joint_association import associate_jointly
from oncovivo.biomarkers.predictive import LinePairs, line_pairs, predictive_markers
from oncovivo.errors import DataError, InputError

FloatArray = NDArray[np.float64]
N = 40


def made(
    seed: int = 1, *, growth: float = 0.03, effect: float = 0.0, equal: bool = True
) -> tuple[LinePairs, FeatureTable]:
    """Lines in which a marker goes with growth, and by `effect` with what the drug does."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N)
    error = np.full(N, 0.005) if equal else rng.uniform(0.002, 0.02, N)
    control = 0.06 + growth * x + rng.normal(0, 0.01, N)
    treated = control - 0.03 + effect * x + rng.normal(0, 0.008, N)
    control, treated = (arm + error * rng.normal(size=N) for arm in (control, treated))
    lines = [f"L{number:02d}" for number in range(N)]
    pairs = line_pairs(
        lines, control, treated, control_error=error, treated_error=error, n_animals=[6] * N
    )
    call = ["mutated" if value > 0 else "none" for value in x]
    return pairs, feature_table(lines, {"x": x, "call": call})


def test_a_marker_of_growth_alone_is_prognostic_and_not_predictive() -> None:
    pairs, table = made()
    found = predictive_markers(pairs, table)
    prognostic, predictive = found.prognostic[0], found.predictive[0]
    assert prognostic.p_value is not None
    assert predictive.p_value is not None
    assert found.treated_only[0].p_value is not None
    assert prognostic.p_value < 1e-6
    # What treated animals alone would have called a marker of response.
    assert found.treated_only[0].p_value < 1e-6
    assert predictive.p_value > 0.05
    assert "cannot tell" in found.treated_only[0].remark
    assert (predictive.lower or 0) < 0 < (predictive.upper or 0)
    assert (prognostic.lower or 0) < 0.03 < (prognostic.upper or 0)
    assert (prognostic.analysis, predictive.analysis) == ("prognostic", "predictive")


def test_a_predictive_marker_is_found_with_its_sign() -> None:
    pairs, table = made(growth=0.0, effect=-0.01)
    found = predictive_markers(pairs, table, permutations=99, rng=np.random.default_rng(1))
    assert found.predictive[0].p_permutation == 0.01
    assert (found.predictive[0].upper or 0) < 0
    assert (found.prognostic[0].p_value or 0) > 0.05


def test_the_interaction_is_the_regression_of_the_difference() -> None:
    pairs, table = made(equal=False)
    shifted = replace(pairs, covariance=0.3 * pairs.control_error * pairs.treated_error)
    variance = pairs.control_error**2 + pairs.treated_error**2 - 2 * shifted.covariance
    gap = line_response(pairs.lines, pairs.treated - pairs.control, std_error=np.sqrt(variance))
    for ours, plain in zip(
        predictive_markers(shifted, table).predictive, associate(gap, table), strict=True
    ):
        assert ours.estimate == pytest.approx(plain.estimate, rel=1e-10)
        assert ours.std_error == pytest.approx(plain.std_error, rel=1e-10)


def test_both_forms_agree_with_both_arms_and_equal_errors() -> None:
    pairs, table = made(effect=0.004)
    plain, mixed = (predictive_markers(pairs, table, form=form) for form in FORMS)
    for marker in (0, 1):
        for one, other in (
            (plain.predictive[marker], mixed.predictive[marker]),
            (plain.prognostic[marker], mixed.prognostic[marker]),
        ):
            # The mixed form's search ends at a slope of 1e-6.
            assert one.estimate == pytest.approx(other.estimate, rel=1e-4)
            assert one.std_error == pytest.approx(other.std_error, rel=1e-3)
            assert one.df == other.df == N - 2


FORMS: tuple[Any, Any] = ("difference", "mixed")


def test_the_mixed_form_uses_lines_with_one_arm() -> None:
    pairs, table = made(effect=0.004, equal=False)
    lost = pairs.treated.copy()
    lost[:15] = np.nan
    part = replace(pairs, treated=lost)
    plain, mixed = (predictive_markers(part, table, form=form) for form in FORMS)
    assert plain.n_pairs == mixed.n_pairs == N - 15
    assert (plain.predictive[0].n_lines, mixed.predictive[0].n_lines) == (N - 15, N)
    assert "15 lines with one arm, not used for the interaction: L00" in plain.remark
    assert "used by the mixed form" in mixed.remark
    # Lines of one arm move the estimate, within what it leaves open.
    gap = abs((plain.predictive[0].estimate or 0) - (mixed.predictive[0].estimate or 0))
    assert 0 < gap < 2 * (plain.predictive[0].std_error or 0)


def test_the_mixed_likelihood_is_that_of_the_whole_covariance() -> None:
    """Closed matrices against one covariance of all readings."""
    from oncovivo.biomarkers.predictive import _arms, _restricted

    pairs, table = made(equal=False)
    lost = pairs.control.copy()
    lost[:3] = np.nan
    pairs = replace(
        pairs, control=lost, covariance=0.2 * pairs.control_error * pairs.treated_error
    )
    x = table.values[:, 0]
    roots = np.array([0.01, -0.004, 0.007])
    value, beta, covariance = _restricted(_arms(pairs, np.ones(N, dtype=np.bool_), x), roots)
    root = np.array([[roots[0], 0], [roots[1], roots[2]]])
    line = root @ root.T
    turn = np.array([[1.0, 0], [1, 1]])
    y, design, blocks, kept = [], [], [], []
    for i in range(N):
        y += [pairs.control[i], pairs.treated[i]]
        design += [[1, x[i], 0, 0], [1, x[i], 1, x[i]]]
        cov = pairs.covariance[i]
        errors = np.array([[pairs.control_error[i] ** 2, cov], [cov, pairs.treated_error[i] ** 2]])
        blocks.append(turn @ line @ turn.T + errors)
        kept += [np.isfinite(pairs.control[i]), True]
    whole = np.zeros((2 * N, 2 * N))
    for i, block in enumerate(blocks):
        whole[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block
    keep = np.array(kept)
    v, z, r = whole[np.ix_(keep, keep)], np.array(design, float)[keep], np.array(y)[keep]
    inverse = np.linalg.inv(v)
    information = z.T @ inverse @ z
    expected = np.linalg.solve(information, z.T @ inverse @ r)
    left = r - z @ expected
    logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
    np.testing.assert_allclose(beta, expected, rtol=1e-9)
    np.testing.assert_allclose(covariance, np.linalg.inv(information), rtol=1e-9)
    assert value == pytest.approx((logs + left @ inverse @ left) / 2, rel=1e-10)


def test_pairs_are_put_in_order_and_checked() -> None:
    pairs = line_pairs(
        ["b", "a"],
        [1, 2],
        [3, 4],
        control_error=[0.1, 0.2],
        treated_error=[1, 1],
        covariance=[0.01, 0.02],
    )
    assert pairs.lines == ("a", "b")
    assert (pairs.control.tolist(), pairs.covariance.tolist()) == ([2, 1], [0.02, 0.01])
    with pytest.raises(InputError, match="line a: expected a covariance smaller"):
        line_pairs(["a"], [1], [2], control_error=[0.1], treated_error=[0.1], covariance=[0.02])
    with pytest.raises(InputError, match="1 covariances"):
        line_pairs(["a"], [1], [2], control_error=[0.1], treated_error=[1], covariance=[0, 0])


def test_without_controls_the_question_is_refused() -> None:
    pairs, table = made()
    alone = replace(pairs, control=np.full(N, np.nan))
    with pytest.raises(DataError, match="a treated outcome alone cannot tell predictive"):
        predictive_markers(alone, table)
    with pytest.raises(InputError, match="a form: difference or mixed"):
        predictive_markers(pairs, table, form="both")  # type: ignore[arg-type]  # tested
    with pytest.raises(InputError, match="permutations with form 'difference'"):
        predictive_markers(pairs, table, form="mixed", permutations=9)


def test_the_mixed_form_names_what_it_does_not_take() -> None:
    pairs, table = made()
    types = feature_table(table.lines, {"kind": [("a", "b", "c")[i % 3] for i in range(N)]})
    found = predictive_markers(pairs, types, form="mixed").predictive[0]
    assert (found.status, found.p_value) == ("undefined", None)
    assert found.reason == "the mixed form takes numbers or two levels"
    json.dumps(predictive_markers(pairs, table).to_dict(), allow_nan=False)


def test_a_joint_model_is_one_regression() -> None:
    rng = np.random.default_rng(3)
    lines = [f"L{number:02d}" for number in range(N)]
    x = rng.normal(size=(N, 3))
    y = x @ [1.0, -0.5, 0.0] + rng.normal(size=N)
    table = feature_table(lines, {f"x{i}": x[:, i] for i in range(3)})
    found = associate_jointly(line_response(lines, y), table)
    design = np.column_stack([np.ones(N), x])
    beta, left, *_ = np.linalg.lstsq(design, y, rcond=None)
    covariance = np.linalg.inv(design.T @ design) * float(left[0]) / (N - 4)
    for place, one in enumerate(found, start=1):
        assert one.estimate == pytest.approx(beta[place], rel=1e-9)
        assert one.std_error == pytest.approx(math.sqrt(covariance[place, place]), rel=1e-9)
        assert (one.analysis, one.df, one.q_value) == ("joint", N - 4, None)


def test_more_coefficients_than_lines_are_refused_in_one_line() -> None:
    rng = np.random.default_rng(3)
    lines = [f"L{number}" for number in range(8)]
    wide = feature_table(lines, {f"x{i}": rng.normal(size=8) for i in range(7)})
    response = line_response(lines, rng.normal(size=8))
    with pytest.raises(DataError, match=r"fewer coefficients than lines .* found 8 coefficients"):
        associate_jointly(response, wide)
    # One by one they can be tested.
    assert all(one.status == "ok" for one in associate(response, wide, method="unweighted"))


def test_the_line_that_carries_an_association_is_named() -> None:
    rng = np.random.default_rng(2)
    lines = [f"L{number}" for number in range(12)]
    x, y = rng.normal(size=12), rng.normal(size=12)
    x[5], y[5] = 8.0, 9.0
    table = feature_table(lines, {"x": x})
    response = line_response(lines, y, std_error=np.full(12, 0.3))
    found = leave_one_line_out(response, table, "x")
    assert found.largest == "L5"
    assert "L5" in found.turning
    one = next(line for line in found.lines if line.line == "L5")
    kept = np.arange(12) != 5
    slope = stats.linregress(x[kept], y[kept])
    assert one.estimate == pytest.approx(slope.slope, rel=1e-8)
    assert one.change == pytest.approx(slope.slope - (found.association.estimate or 0), rel=1e-7)
    assert len(found.lines) == 12
    few = leave_one_line_out(response.take(np.arange(3)), table, "x")
    assert all("3 lines or more" in line.reason for line in few.lines)
    assert few.largest == ""
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_view_holds_the_band_and_the_means() -> None:
    pairs, table = made(equal=False)
    response = line_response(
        pairs.lines, pairs.treated, std_error=pairs.treated_error, label="rate (1/day)"
    )
    view = marker_view(response, table, "x")
    # The band is the line's: its slope is the association's, its width least in the middle.
    slope = (view.fitted[-1] - view.fitted[0]) / (view.grid[-1] - view.grid[0])
    assert slope == pytest.approx(view.association.estimate, rel=1e-9)
    width = view.upper - view.lower
    assert 0 < width.argmin() < view.grid.size - 1
    even = marker_view(line_response(pairs.lines, pairs.treated), table, "x")
    x, at = table.values[:, 0], even.grid[7]
    fit = stats.linregress(x, pairs.treated)
    s = math.sqrt(float(((pairs.treated - fit.intercept - fit.slope * x) ** 2).sum()) / (N - 2))
    error = s * math.sqrt(1 / N + (at - x.mean()) ** 2 / float(((x - x.mean()) ** 2).sum()))
    half = stats.t.ppf(0.975, N - 2) * error
    assert even.upper[7] - even.fitted[7] == pytest.approx(half, rel=1e-9)
    groups = marker_view(response, table, "call")
    assert [mean.level for mean in groups.means] == ["none", "mutated"]
    gap = groups.means[1].estimate - groups.means[0].estimate
    assert gap == pytest.approx(groups.association.estimate, rel=1e-7)
    constant = feature_table(table.lines, {"one": np.ones(N)})
    with pytest.raises(DataError, match=r"one: expected a marker with a regression .* constant"):
        marker_view(response, constant, "one")

"""Sampling covariances of shared controls and of assumed correlations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.known_covariance import (
    correlated_covariance,
    independent_covariance,
    shared_control_covariance,
)

FloatArray: TypeAlias = NDArray[np.float64]
# Two treated arms and their control: animals, means, standard deviations.
N = np.array([8.0, 6.0, 10.0])
MEAN = np.array([400.0, 650.0, 1000.0])
SD = np.array([150.0, 260.0, 300.0])


def delta_covariance(
    effects: Callable[[FloatArray], FloatArray], at: FloatArray, variances: FloatArray
) -> FloatArray:
    """Covariance of functions of independent means and variances, by numerical derivatives."""
    step = 1e-5 * at
    columns = [
        (effects(at + size * unit) - effects(at - size * unit)) / (2 * size)
        for unit, size in zip(np.eye(at.size), step, strict=True)
    ]
    jacobian = np.array(columns).T
    return np.asarray(jacobian * variances @ jacobian.T)


def test_log_ratios_share_the_relative_variance_of_the_control() -> None:
    known = shared_control_covariance(
        "ROM",
        ["c", "c"],
        vi=[0.05, 0.06],
        n_control=[10, 10],
        mean_control=[1000, 1000],
        sd_control=[300, 300],
    )

    def effects(at: FloatArray) -> FloatArray:
        return np.asarray(np.log(at[:2] / at[2]))

    by_delta = delta_covariance(effects, MEAN, SD**2 / N)
    # 0.09 / 10; derivatives by steps of 1e-5 are good to about 1e-10.
    assert known.matrix()[0, 1] == pytest.approx(0.009, rel=1e-12)
    assert by_delta[0, 1] == pytest.approx(0.009, rel=1e-8)


def test_mean_differences_share_the_squared_error_of_the_control() -> None:
    known = shared_control_covariance(
        "MD",
        ["c", "c", "d"],
        vi=[12000, 13000, 50],
        n_control=[10, 10, 4],
        sd_control=[300, 300, 9],
    )
    assert known.matrix().tolist() == [[12000, 9000, 0], [9000, 13000, 0], [0, 0, 50]]


@pytest.mark.parametrize("standardizer", ["all_arms", "pair"])
def test_standardized_differences_share_control_and_standard_deviation(standardizer: str) -> None:
    """Against the delta method with the large-sample variances that the formulas are made from."""
    every = standardizer == "all_arms"
    pooled = np.full(3, 280.0)
    weights = np.array([N, N]) if every else np.array([[N[0], 0, N[2]], [0, N[1], N[2]]])

    def effects(at: FloatArray) -> FloatArray:
        variance = weights @ at[3:] / weights.sum(axis=1)
        return np.asarray((at[:2] - at[2]) / np.sqrt(variance))

    at = np.concatenate([MEAN, pooled**2])
    variances = np.concatenate([pooled**2 / N, 2 * pooled**4 / N])
    expected = delta_covariance(effects, at, variances)
    known = shared_control_covariance(
        "SMD",
        ["c", "c"],
        vi=np.diag(expected),
        yi=effects(at),
        n_treated=N[:2],
        n_control=[N[2], N[2]],
        standardizer="all_arms" if every else "pair",
    )
    assert known.matrix() == pytest.approx(expected, rel=1e-7)


def test_equal_arms_of_no_effect_are_correlated_by_one_half() -> None:
    known = shared_control_covariance(
        "SMD", ["c", "c"], vi=[0.2, 0.2], yi=[0, 0], n_treated=[10, 10], n_control=[10, 10]
    )
    assert known.matrix()[0, 1] / 0.2 == pytest.approx(0.5, rel=1e-12)


def test_only_rows_of_one_control_are_in_a_block() -> None:
    known = shared_control_covariance(
        "MD",
        ["b", "", "a", "b", "a", "", "z"],
        vi=np.full(7, 4.0),
        n_control=np.full(7, 4),
        sd_control=np.full(7, 2.0),
    )
    assert [(block.name, block.rows.tolist()) for block in known.blocks] == [
        ("control b", [0, 3]),
        ("control a", [2, 4]),
    ]
    assert known.matrix()[1, 5] == 0


def test_an_assumed_correlation_holds_within_groups() -> None:
    known = correlated_covariance([0.04, 0.09, 0.01], ["p", "p", "q"], rho=0.5)
    assert known.matrix() == pytest.approx(
        np.array([[0.04, 0.03, 0.0], [0.03, 0.09, 0.0], [0.0, 0.0, 0.01]]), rel=1e-12
    )
    assert len(known.blocks) == 1


def test_a_correlation_over_time_fades_with_the_distance() -> None:
    known = correlated_covariance([1, 1, 1], ["p", "p", "p"], rho=0.8, time=[0, 1, 3])
    expected = np.array([[1, 0.8, 0.512], [0.8, 1, 0.64], [0.512, 0.64, 1]])
    assert known.matrix() == pytest.approx(expected, rel=1e-12)


def test_no_correlation_is_independence() -> None:
    known = correlated_covariance([1.0, 2.0], ["p", "p"], rho=0)
    assert known.matrix().tolist() == independent_covariance([1.0, 2.0]).matrix().tolist()


@given(
    st.permutations(range(6)),
    st.floats(min_value=-0.15, max_value=0.99),
    st.lists(st.floats(min_value=0.01, max_value=10), min_size=6, max_size=6),
)
def test_the_order_of_rows_moves_the_covariance_with_them(
    order: list[int], rho: float, vi: list[float]
) -> None:
    group = ["a", "b", "a", "a", "b", ""]
    matrix = correlated_covariance(vi, group, rho=rho).matrix()
    moved = correlated_covariance(
        [vi[i] for i in order], [group[i] for i in order], rho=rho
    ).matrix()
    assert moved == pytest.approx(matrix[np.ix_(order, order)], rel=1e-12)
    assert np.linalg.eigvalsh(matrix)[0] > 0


def test_a_control_that_is_told_differently_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"one n_control for all rows of control group c.*10 and 9"
    ):
        shared_control_covariance(
            "MD", ["c", "c"], vi=[1, 1], n_control=[10, 9], sd_control=[1, 1]
        )


def test_a_singular_covariance_is_refused() -> None:
    with pytest.raises(DataError, match=r"group p, rows 1, 2.*a singular covariance matrix"):
        correlated_covariance([1, 1], ["p", "p"], rho=0.5, time=[7, 7])
    with pytest.raises(DataError, match="control c, rows 1, 2"):
        shared_control_covariance(
            "MD", ["c", "c"], vi=[1.0, 1.0], n_control=[4, 4], sd_control=[2, 2]
        )
    with pytest.raises(DataError, match="singular"):
        correlated_covariance(np.ones(4), ["p"] * 4, rho=-0.5)


@pytest.mark.parametrize("rho", [1.0, -1.0, 1.5, float("nan")])
def test_a_correlation_outside_its_domain_is_refused(rho: float) -> None:
    with pytest.raises(InputError, match="assumed correlation below 1"):
        correlated_covariance([1, 1], ["p", "p"], rho=rho)


def test_a_percentage_is_told_from_a_correlation() -> None:
    with pytest.raises(InputError, match=r"write 0\.5 for 50 %"):
        correlated_covariance([1, 1], ["p", "p"], rho=50)


def test_a_negative_correlation_over_time_is_refused() -> None:
    with pytest.raises(InputError, match="0 or above"):
        correlated_covariance([1, 1], ["p", "p"], rho=-0.2, time=[0, 1])


def test_what_a_measure_needs_must_be_there() -> None:
    with pytest.raises(InputError, match="mean_control for the covariance by shared controls"):
        shared_control_covariance("ROM", ["c"], vi=[1], n_control=[5], sd_control=[1])
    with pytest.raises(InputError, match="yi for the covariance"):
        shared_control_covariance("SMD", ["c"], vi=[1], n_control=[5])
    with pytest.raises(InputError, match="a mean_control above 0"):
        shared_control_covariance(
            "ROM", ["c"], vi=[1], n_control=[5], sd_control=[1], mean_control=[0]
        )
    with pytest.raises(InputError, match="one n_control for each of the 2 rows"):
        shared_control_covariance("MD", ["c", "c"], vi=[1, 1], n_control=[5], sd_control=[1, 1])
    with pytest.raises(InputError, match="one control_id for each of the 2 rows"):
        shared_control_covariance("MD", ["c"], vi=[1, 1], n_control=[5, 5], sd_control=[1, 1])
    with pytest.raises(InputError, match="row 2: expected a finite sd_control"):
        shared_control_covariance(
            "MD", ["c", "c"], vi=[1, 1], n_control=[5, 5], sd_control=[1, float("nan")]
        )
    with pytest.raises(InputError, match="ROM, SMD or MD"):
        shared_control_covariance("VR", ["c"], vi=[1], n_control=[5])  # type: ignore[arg-type]


def test_a_variance_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="row 2: expected a sampling variance above 0"):
        independent_covariance([1.0, 0.0])

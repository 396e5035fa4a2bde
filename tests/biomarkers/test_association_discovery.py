"""q-values of weighted regressions: p-values with the weights of the model without the marker."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.biomarkers import associate, feature_table, line_response
from oncovivo.biomarkers.association_kernels import fit_meta_regressions
from oncovivo.biomarkers.discovery import q_values

N = 24
LINES = [f"L{place:02d}" for place in range(N)]
FloatArray = NDArray[np.float64]


def made(seed: int = 4) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
    """Effects that differ beyond their errors, and five markers of which one has a slope."""
    rng = np.random.default_rng(seed)
    error = np.exp(rng.uniform(np.log(0.05), np.log(0.5), N))
    markers = {f"m{place}": rng.normal(size=N) for place in range(5)}
    effect = 0.2 * markers["m0"] + np.sqrt(0.3**2 + error**2) * rng.normal(size=N)
    return effect, error, markers


def numbers(values: Iterable[float | None]) -> FloatArray:
    """Numbers as an array."""
    return np.array([np.nan if value is None else value for value in values])


def by_hand(effect: FloatArray, error: FloatArray, x: FloatArray) -> float:
    """T test of a slope by weighted least squares, weights of the mean-only model held."""
    alone = fit_meta_regressions(
        effect, error**2, np.ones((1, N, 1)), np.ones((1, N), dtype=np.bool_)
    )
    root = 1 / np.sqrt(error**2 + alone.tau2[0])
    design = np.column_stack([np.ones(N), x]) * root[:, None]
    beta, rest, *_ = np.linalg.lstsq(design, effect * root, rcond=None)
    spread = rest[0] / (N - 2) * np.linalg.inv(design.T @ design)[1, 1]
    return float(2 * stats.t.sf(abs(beta[1]) / np.sqrt(spread), N - 2))


def test_the_p_of_a_q_is_the_t_test_with_the_weights_of_the_mean_alone() -> None:
    effect, error, markers = made()
    found = associate(line_response(LINES, effect, std_error=error), feature_table(LINES, markers))
    for one in found:
        # one weighted least-squares fit by hand; rounding only
        assert one.p_null_weights == pytest.approx(
            by_hand(effect, error, markers[one.marker]), rel=1e-9
        )
        assert one.p_for_q == one.p_null_weights != one.p_value
    p = numbers(one.p_null_weights for one in found)
    np.testing.assert_allclose(numbers(one.q_value for one in found), q_values(p), rtol=1e-14)


def test_other_methods_make_q_of_their_own_p() -> None:
    effect, error, markers = made()
    response = line_response(LINES, effect, std_error=error)
    table = feature_table(LINES, markers)
    for found in (
        associate(response, table, method="unweighted"),
        associate(response, table, method="spearman"),
    ):
        assert {one.p_null_weights for one in found} == {None}
        p = numbers(one.p_value for one in found)
        np.testing.assert_allclose(numbers(one.q_value for one in found), q_values(p), rtol=1e-14)


def test_categories_and_missing_values_have_such_a_p_too() -> None:
    effect, error, markers = made()
    holes = markers["m1"].copy()
    holes[[2, 7]] = np.nan
    table = feature_table(LINES, {"holes": holes, "three": ["a", "b", "c"] * (N // 3)})
    found = associate(line_response(LINES, effect, std_error=error), table)
    for one in found:
        assert one.p_null_weights is not None
        assert 0 < one.p_null_weights < 1

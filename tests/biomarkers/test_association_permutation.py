"""Permutation of lines: the fast products against refitted regressions, and their meaning."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.biomarkers.association import associate
from oncovivo.biomarkers.association_kernels import null_residuals, permute_markers
from oncovivo.biomarkers.association_result import LineResponse, line_response
from oncovivo.biomarkers.features import FeatureTable, feature_table

FloatArray = NDArray[np.float64]
N = 14


class Fixed:
    """A generator whose permutations are known."""

    def __init__(self, keys: FloatArray) -> None:
        self.keys = keys

    def random(self, shape: tuple[int, int]) -> FloatArray:
        """The keys that sort into the permutations."""
        assert shape == self.keys.shape
        return self.keys


def made(seed: int = 1) -> tuple[LineResponse, FeatureTable, FeatureTable]:
    """Lines, markers with and without gaps, and a covariate."""
    rng = np.random.default_rng(seed)
    lines = [f"L{number:02d}" for number in range(N)]
    error = rng.uniform(0.1, 1.0, N)
    x = rng.normal(size=N)
    gaps = x + rng.normal(size=N)
    gaps[[2, 9]] = np.nan
    kind = [("a", "b", "c")[int(code)] for code in rng.integers(0, 3, N)]
    table = feature_table(lines, {"x": x, "gaps": gaps, "kind": kind})
    covariate = feature_table(lines, {"z": rng.normal(size=N)})
    effect = 0.8 * x + error * rng.normal(size=N)
    return line_response(lines, effect, std_error=error), table, covariate


def slow_f(y: FloatArray, base: FloatArray, added: FloatArray) -> float:
    """F of added columns by two least-squares fits."""
    whole = np.column_stack([base, added])

    def left(design: FloatArray) -> float:
        beta = np.linalg.lstsq(design, y, rcond=None)[0]
        return float(((y - design @ beta) ** 2).sum())

    df = y.size - whole.shape[1]
    return float((left(base) - left(whole)) / added.shape[1] / (left(whole) / df))


def test_products_are_what_refitting_each_permutation_gives() -> None:
    response, table, covariate = made()
    assert response.std_error is not None
    draws = 60
    keys = np.random.default_rng(7).random((draws, N))
    base = np.column_stack([np.ones(N), covariate.values[:, 0]])
    null = null_residuals(response.effect, response.std_error**2, base)
    codes = table.values[:, 2]
    columns = (codes[:, None] == [1, 2]).astype(float)
    markers = np.nan_to_num(table.values[:, :2])
    here = np.isfinite(table.values[:, :2])
    counts = permute_markers(
        null,
        markers,
        here,
        permutations=draws,
        rng=Fixed(keys),  # type: ignore[arg-type]  # only `random` is called
        groups=[(columns, np.ones(N, dtype=np.bool_))],
    )
    roots = 1 / np.sqrt(response.std_error**2 + null.tau2)
    fitted = roots * response.effect - null.residual
    sets = [
        (table.values[:, :1], np.ones(N, dtype=np.bool_)),
        (table.values[:, 1:2], here[:, 1]),
        (columns, np.ones(N, dtype=np.bool_)),
    ]
    for place, (added, kept) in enumerate(sets):
        scaled = [(roots[:, None] * part)[kept] for part in (base, added)]
        seen = slow_f((roots * response.effect)[kept], *scaled)
        drawn = [slow_f((fitted + null.residual[np.argsort(key)])[kept], *scaled) for key in keys]
        expected = (1 + sum(f >= seen for f in drawn)) / (draws + 1)
        assert counts.p_value[place] == pytest.approx(expected, rel=1e-12)


def test_the_family_counts_the_most_extreme_marker() -> None:
    response, table, _ = made()
    two = table.select(["x"])
    doubled = feature_table(two.lines, {"x": two.values[:, 0], "minus": -two.values[:, 0]})
    once, both = (
        associate(response, part, permutations=199, rng=np.random.default_rng(4))
        for part in (two, doubled)
    )
    # A marker and its negative are one test: the family of both is the family of one.
    assert both[0].p_family == both[0].p_permutation == once[0].p_permutation
    rng = np.random.default_rng(8)
    many = feature_table(
        two.lines, {"x": two.values[:, 0]} | {f"n{i}": rng.normal(size=N) for i in range(30)}
    )
    found = associate(response, many, permutations=199, rng=np.random.default_rng(4))
    assert found[0].p_permutation == found[0].p_family == 1 / 200
    for one in found[1:]:
        assert (one.p_family or 0) > (one.p_permutation or 1)


def test_few_lines_have_the_p_value_of_all_relabelings() -> None:
    n = 5
    lines = [f"L{number}" for number in range(n)]
    y, x = np.array([0.0, 1.0, 3.0, 2.0, 7.0]), np.array([1.0, 2.0, 2.5, 4.0, 6.0])
    seen = abs(np.corrcoef(x, y)[0, 1])
    every = [abs(np.corrcoef(x, y[list(o)])[0, 1]) for o in itertools.permutations(range(n))]
    exact = np.mean(np.array(every) >= seen - 1e-12)
    (found,) = associate(
        line_response(lines, y),
        feature_table(lines, {"x": x}),
        method="pearson",
        permutations=20_000,
        rng=np.random.default_rng(1),
    )
    # 20,000 draws: four standard errors of the share.
    assert found.p_permutation == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))


def test_holding_the_variance_between_lines_changes_little() -> None:
    """The slow twin: the variance between lines by REML anew for each relabeling."""
    response, table, _ = made(5)
    assert response.std_error is not None
    x = table.select(["x"])
    draws = 300
    keys = np.random.default_rng(3).random((draws, N))
    null = null_residuals(response.effect, response.std_error**2, np.ones((N, 1)))
    roots = 1 / np.sqrt(response.std_error**2 + null.tau2)
    fitted = roots * response.effect - null.residual
    seen = abs(associate(response, x)[0].statistic or 0.0)
    beyond = 0
    for key in keys:
        drawn = (fitted + null.residual[np.argsort(key)]) / roots
        (again,) = associate(replace(response, effect=drawn), x)
        beyond += abs(again.statistic or 0.0) >= seen
    slow = (beyond + 1) / (draws + 1)
    fast = permute_markers(
        null,
        x.values,
        np.ones((N, 1), dtype=np.bool_),
        permutations=draws,
        rng=Fixed(keys),  # type: ignore[arg-type]  # only `random` is called
    ).p_value[0]
    # The statistics differ in their weights, so their tails may differ by a few draws in 100.
    assert fast == pytest.approx(slow, abs=0.04)


def test_the_same_generator_gives_the_same_p_values() -> None:
    response, table, covariate = made()
    first, second = (
        associate(response, table, adjust=covariate, permutations=99, rng=np.random.default_rng(2))
        for _ in range(2)
    )
    assert first == second
    assert all(result.p_permutation is not None for result in first)


def test_ranks_and_gaps_are_permuted_too() -> None:
    response, table, _ = made(2)
    numbers = table.select(["x", "gaps"])
    found = associate(
        response, numbers, method="spearman", permutations=999, rng=np.random.default_rng(1)
    )
    for result in found:
        assert result.p_permutation is not None
        assert result.p_value is not None
        # Both test the same correlation; 14 lines and 999 draws leave this much between them.
        assert result.p_permutation == pytest.approx(result.p_value, abs=0.05)

"""Associations on breast lines of the PDX Encyclopedia against what R gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from oncovivo.biomarkers.association import AssociationMethod, associate
from oncovivo.biomarkers.association_result import Association, LineResponse, line_response
from oncovivo.biomarkers.discovery import q_values
from oncovivo.biomarkers.feature_files import read_features
from oncovivo.biomarkers.features import FeatureTable

pytestmark = pytest.mark.realdata

Data = Callable[[str], Path]
Reference = Callable[[str], dict[str, object]]
# The reference's own tolerances: closed forms, and p-values of tied ranks.
ESTIMATE, P_VALUE = 1e-8, 1e-6
# Its sums are printed with twelve digits; near zero that is an absolute error.
NEAR_ZERO = 1e-11


def results(reference: Reference, table: str) -> pd.DataFrame:
    sections = cast("Mapping[str, Any]", reference("pdxe")["sections"])
    return pd.DataFrame(sections["95_biomarkers"]["results"][table])


def responses(folder: Path, treatment: str, *, outcome: bool = False) -> LineResponse:
    """Best average response of the lines under a treatment; or whether it was no progression."""
    frame = pd.read_csv(folder / "published_metrics.csv")
    frame = frame[frame["treatment"] == treatment]
    values = frame["best_avg_response_pct"].to_numpy(dtype=np.float64)
    if outcome:
        # The category before any relapse is the best one.
        best = frame["response_category"].str.split("-").str[0]
        values = (best != "PD").to_numpy(dtype=np.float64)
    return line_response(frame["model"].tolist(), values)


def by_treatment(
    frame: pd.DataFrame,
    folder: Path,
    features: FeatureTable,
    method: AssociationMethod,
    *,
    outcome: bool = False,
) -> list[Association]:
    """Our results, row by row of R's table."""
    found: dict[tuple[str, str], Association] = {}
    for treatment in frame["treatment"].unique():
        response = responses(folder, treatment, outcome=outcome)
        for one in associate(response, features, method=method):
            found[treatment, one.marker] = one
    return [found[key] for key in zip(frame["treatment"], frame["gene"], strict=True)]


def numbers(rows: list[Association], name: str) -> np.ndarray:
    return np.array([getattr(row, name) for row in rows], dtype=np.float64)


def test_expression_agrees(shared_data: Data, shared_reference: Reference) -> None:
    frame = results(shared_reference, "expression")
    assert len(frame) == 484
    features = read_features(shared_data("pdxe") / "breast_rnaseq.csv")
    rows = by_treatment(frame, shared_data("pdxe"), features, "spearman")
    assert [row.n_lines for row in rows] == frame["n"].tolist()
    np.testing.assert_allclose(
        numbers(rows, "estimate"), frame["spearman"], rtol=ESTIMATE, atol=NEAR_ZERO
    )
    p = numbers(rows, "p_value")
    np.testing.assert_allclose(p, frame["spearman_p"], rtol=P_VALUE)
    np.testing.assert_allclose(q_values(p), frame["spearman_fdr_all"], rtol=P_VALUE)
    rows = by_treatment(frame, shared_data("pdxe"), features, "pearson")
    np.testing.assert_allclose(
        numbers(rows, "estimate"), frame["pearson"], rtol=ESTIMATE, atol=NEAR_ZERO
    )
    np.testing.assert_allclose(numbers(rows, "p_value"), frame["pearson_p"], rtol=P_VALUE)
    rows = by_treatment(frame, shared_data("pdxe"), features, "concordance")
    np.testing.assert_allclose(numbers(rows, "estimate"), frame["concordance"], rtol=ESTIMATE)


def test_copy_number_agrees(shared_data: Data, shared_reference: Reference) -> None:
    frame = results(shared_reference, "cnv")
    features = read_features(shared_data("pdxe") / "breast_cnv.csv")
    rows = by_treatment(frame, shared_data("pdxe"), features, "spearman")
    np.testing.assert_allclose(
        numbers(rows, "estimate"), frame["spearman"], rtol=ESTIMATE, atol=NEAR_ZERO
    )
    np.testing.assert_allclose(numbers(rows, "p_value"), frame["p"], rtol=P_VALUE)


def test_mutations_agree(shared_data: Data, shared_reference: Reference) -> None:
    frame = results(shared_reference, "mutation")
    features = read_features(shared_data("pdxe") / "breast_mutation.csv")
    rows = by_treatment(frame, shared_data("pdxe"), features, "wilcoxon")
    assert [row.n_lines for row in rows] == (frame["n_mut"] + frame["n_wt"]).tolist()
    np.testing.assert_allclose(numbers(rows, "estimate"), frame["auc_mut_higher"], rtol=ESTIMATE)
    # R counts pairs in which the wild type is higher.
    pairs = frame["n_mut"] * frame["n_wt"]
    np.testing.assert_allclose(pairs - numbers(rows, "statistic"), frame["wilcoxon_W"])
    p = numbers(rows, "p_value")
    np.testing.assert_allclose(p, frame["wilcoxon_p"], rtol=P_VALUE)
    np.testing.assert_allclose(q_values(p), frame["wilcoxon_fdr"], rtol=P_VALUE)
    rows = by_treatment(frame, shared_data("pdxe"), features, "welch")
    np.testing.assert_allclose(-numbers(rows, "statistic"), frame["welch_t"], rtol=P_VALUE)
    np.testing.assert_allclose(numbers(rows, "p_value"), frame["welch_p"], rtol=P_VALUE)


def test_exact_tables_of_responders_agree(shared_data: Data, shared_reference: Reference) -> None:
    frame = results(shared_reference, "mutation")
    features = read_features(shared_data("pdxe") / "breast_mutation.csv")
    rows = by_treatment(frame, shared_data("pdxe"), features, "fisher", outcome=True)
    np.testing.assert_allclose(numbers(rows, "p_value"), frame["fisher_p"], rtol=P_VALUE)
    ratio = frame["fisher_or"].to_numpy(dtype=np.float64)
    ours = numbers(rows, "estimate")
    # R prints an infinite ratio as none, and searches finite ones to about 1e-4.
    np.testing.assert_allclose(ours, ratio, rtol=2e-4)


def test_odd_cells_of_the_mutation_table_are_named(shared_data: Data) -> None:
    table = read_features(shared_data("pdxe") / "breast_mutation.csv")
    assert len(table.remarks) == 4
    assert "TUBB8: copy-number calls counted as no mutation: X-1004 Amp5" in table.remarks[2]

"""Answers of studies as rows that can be pooled."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oncovivo.combination import bliss, hsa, response_additivity, synergy_row
from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.fit import fit_growth
from tests.combination.studies import TWO, exact_growth
from tests.growth.studies import made_up_growth, with_limit

RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}


def test_a_row_has_the_estimate_and_its_variance() -> None:
    found = bliss(fit_growth(exact_growth(RATES)), TWO)
    row = synergy_row(found, "study 1", factors={"lab": "one"})
    assert found.std_error is not None
    assert (row.label, row.yi, row.vi, row.df) == (
        "study 1",
        found.estimate,
        found.std_error**2,
        found.df,
    )
    assert row.yi == pytest.approx(-0.02, abs=1e-9)
    assert row.measure == "growth rate, observed less Bliss, natural log per day"
    assert row.time is None
    made = json.loads(json.dumps(row.to_dict(), allow_nan=False))
    assert made["factors"] == {"lab": "one"}
    assert (made["null"], made["scale"], made["combination"]) == ("bliss", "growth_rate", "AB")


def test_rows_of_sizes_tell_the_day_and_what_their_logs_are() -> None:
    fit = fit_growth(exact_growth(RATES))
    size = synergy_row(bliss(fit, TWO, scale="relative_volume", day=14.0), "s")
    assert (size.measure, size.time) == ("relative size, log of observed over Bliss", 14.0)
    assert size.yi == pytest.approx(-0.02 * 14, abs=1e-7)
    told = synergy_row(bliss(fit, TWO, scale="tgi", day=14.0), "s")
    assert (told.yi, told.measure) == (size.yi, size.measure)
    sums = synergy_row(response_additivity(fit, TWO, scale="auc"), "s")
    assert sums.measure == (
        "area under relative size, log of observed plus controls over partners "
        "(response additivity)"
    )


def test_studies_of_one_truth_pool_to_it() -> None:
    rows = [
        synergy_row(bliss(fit_growth(made_up_growth(RATES, seed=seed)), TWO), f"study {seed}")
        for seed in range(12)
    ]
    weight = 1 / np.array([row.vi for row in rows])
    pooled = weight @ np.array([row.yi for row in rows]) / weight.sum()
    # Inverse-variance mean of 12 studies, within three standard errors.
    assert pooled == pytest.approx(-0.02, abs=3 / np.sqrt(weight.sum()))
    assert pooled < 0


def test_results_that_are_no_effect_sizes_are_refused() -> None:
    fit = fit_growth(exact_growth(RATES))
    with pytest.raises(InputError, match=r"study s: expected .*two-sided.*found hsa"):
        synergy_row(hsa(fit, TWO), "s")
    cured = fit_censored(with_limit(made_up_growth({**RATES, "AB": -0.9}), 20.0))
    with pytest.raises(InputError, match=r"with a standard error.*bound the rate"):
        synergy_row(bliss(cured, TWO), "s")

"""Kaplan-Meier curves: limits, quantiles, late entry, numbers at risk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from oncovivo.errors import InputError
from oncovivo.survival.curves import (
    number_at_risk,
    survival_at,
    survival_curve,
    survival_quantile,
)

# Freireich EJ, et al. Blood 1963;21:699: weeks in remission on 6-mercaptopurine.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_the_remission_example_has_its_textbook_steps() -> None:
    curve = survival_curve(WEEKS, RELAPSED, method="plain")
    at, _, _ = survival_at(curve, [5, 6, 7, 10, 13, 16, 22, 23, 40])
    assert at == pytest.approx(
        [1, 0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482, 0.4482], abs=5e-5
    )
    error = dict(zip(curve.time, curve.std_error, strict=True))
    assert error[6] == pytest.approx(0.0764, abs=5e-5)
    assert error[23] == pytest.approx(0.1346, abs=5e-5)
    assert survival_quantile(curve).estimate == 23


@pytest.mark.parametrize("n", [3, 8])
def test_the_beta_product_without_censoring_is_the_exact_binomial_interval(n: int) -> None:
    curve = survival_curve(np.arange(1, n + 1), np.ones(n), method="betaproduct")
    for died in range(1, n + 1):
        exact = stats.binomtest(n - died, n).proportion_ci(method="exact")
        assert curve.lower[died - 1] == pytest.approx(exact.low, rel=1e-9, abs=1e-12)
        assert curve.upper[died - 1] == pytest.approx(exact.high, rel=1e-9)
    assert curve.start_lower == pytest.approx(0.025 ** (1 / n))


def test_the_beta_product_with_ties_is_the_exact_binomial_interval() -> None:
    curve = survival_curve([4, 4, 4, 9, 9, 12], np.ones(6), method="betaproduct")
    for step, died in enumerate((3, 5, 6)):
        exact = stats.binomtest(6 - died, 6).proportion_ci(method="exact")
        assert (curve.lower[step], curve.upper[step]) == pytest.approx((exact.low, exact.high))


def test_the_beta_product_with_censoring_is_near_the_product_of_its_betas() -> None:
    curve = survival_curve([2, 3, 4, 6, 7], [1, 0, 1, 0, 1], method="betaproduct")
    rng = np.random.default_rng(5)
    draws = 400_000
    twice = rng.beta(5, 1, draws) * rng.beta(3, 1, draws)
    assert curve.upper[2] == pytest.approx(np.quantile(twice, 0.975), abs=0.005)
    assert curve.lower[2] == pytest.approx(
        np.quantile(twice * rng.beta(2, 1, draws), 0.025), abs=0.01
    )
    # an animal that left widens the interval though the curve does not move
    assert curve.survival[1] == curve.survival[0]
    assert curve.lower[1] < curve.lower[0]
    assert curve.upper[1] == curve.upper[0]


def test_the_beta_product_never_rises_and_holds_the_curve() -> None:
    curve = survival_curve(WEEKS, RELAPSED)
    assert curve.method == "betaproduct"
    assert (np.diff(curve.lower) <= 0).all()
    assert (np.diff(curve.upper) <= 0).all()
    assert (curve.lower <= curve.survival).all()
    assert (curve.upper >= curve.survival).all()
    assert curve.lower[-1] == 0


def test_the_default_limits_are_log_log_from_ten_events_on() -> None:
    assert survival_curve(np.arange(1, 10), np.ones(9)).method == "betaproduct"
    assert survival_curve(np.arange(1, 11), np.ones(10)).method == "loglog"
    late = survival_curve([4, 6], [1, 1], entry=[0, 1])
    assert late.method == "loglog"


def test_a_median_that_is_not_reached_is_greater_than_the_last_time() -> None:
    found = survival_quantile(survival_curve([5, 9, 9, 9], [1, 0, 0, 0]))
    assert found.to_dict() == {
        "probability": 0.5,
        "estimate": None,
        # 4 animals: even with no event the exact limit is below one half
        "lower": 0.0,
        "upper": None,
        "greater_than": 9.0,
        "status": "not_reached",
    }


def test_a_curve_on_one_half_gives_the_midpoint_only_up_to_a_later_event() -> None:
    assert survival_quantile(survival_curve([3, 5, 6, 8], [1, 1, 1, 1])).estimate == 5.5
    assert survival_quantile(survival_curve([3, 5, 6, 8], [1, 1, 0, 0])).estimate == 5


def test_quartiles_are_read_from_the_curve() -> None:
    curve = survival_curve(np.arange(1, 10), np.ones(9))
    assert survival_quantile(curve, 0.25).estimate == 3
    assert survival_quantile(curve, 0.75).estimate == 7


def test_late_entry_counts_animals_only_from_then_on() -> None:
    curve = survival_curve([4, 6, 8, 9], [1, 1, 1, 0], entry=[0, 2, 5, 0])
    # at 4: animals 1, 2, 4; at 6: 2, 3, 4; at 8: 3, 4
    assert curve.at_risk.tolist() == [3, 3, 2, 1]
    assert curve.survival == pytest.approx([2 / 3, 4 / 9, 2 / 9, 2 / 9])
    assert number_at_risk([4, 6, 8, 9], [0, 4, 6, 9], entry=[0, 2, 5, 0]).tolist() == [2, 3, 3, 1]


def test_entry_of_all_at_zero_changes_nothing() -> None:
    plain = survival_curve(WEEKS, RELAPSED, method="log").to_dict()
    assert survival_curve(WEEKS, RELAPSED, entry=np.zeros(21), method="log").to_dict() == plain


def test_a_curve_that_late_entry_brings_to_zero_says_so() -> None:
    assert survival_curve([2, 8, 9], [1, 1, 0], entry=[0, 5, 5]).early_zero
    assert not survival_curve([2, 8], [1, 1]).early_zero


def test_limits_that_do_not_exist_are_none_for_json() -> None:
    made = survival_curve([2, 4], [1, 1], method="log").to_dict()
    assert made["upper"] == [pytest.approx(1.0), None]
    assert made["std_error"] == [pytest.approx(0.35355339), None]
    still = survival_curve([2, 4], [0, 0], method="loglog")
    assert still.lower.tolist() == [1, 1]


def test_all_censored_on_day_zero_has_no_estimate() -> None:
    found = survival_quantile(survival_curve([0, 0, 0], [0, 0, 0]))
    assert (found.status, found.greater_than) == ("not_reached", 0.0)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"time": [3, -1], "event": [1, 1]}, "finite times, 0 or later.*-1.*animal 2|animal 2"),
        ({"time": [3, np.nan], "event": [1, 1]}, "finite times"),
        ({"time": [], "event": []}, "at least one"),
        ({"time": [3, 4], "event": [1]}, "as many events as times"),
        ({"time": [3, 4], "event": [1, 2]}, "coded 0 or 1"),
        ({"time": [3, 4], "event": [1, 1], "entry": [0, 4]}, "entry before the end"),
        ({"time": [3, 4], "event": [1, 1], "entry": [0]}, "as many entries"),
        ({"time": [3], "event": [1], "level": 95}, "a confidence above 0"),
        ({"time": [3], "event": [1], "method": "wald"}, "limits by one of"),
        (
            {"time": [3], "event": [1], "entry": [0], "method": "betaproduct"},
            "observed from time 0",
        ),
    ],
)
def test_values_out_of_range_are_refused(arguments: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line):
        survival_curve(**arguments)


def test_a_quantile_of_all_animals_is_refused() -> None:
    with pytest.raises(InputError, match="a share above 0"):
        survival_quantile(survival_curve([3], [1]), 1.0)


def test_default_limits_of_the_median_cover_it_with_eight_animals_and_log_limits_do_not() -> None:
    rng = np.random.default_rng(12)
    covered = {"log": 0, "betaproduct": 0}
    for _ in range(400):
        event, left = rng.exponential(10, 8), rng.uniform(5, 30, 8)
        for method in ("log", None):
            curve = survival_curve(np.minimum(event, left), event <= left, method=method)
            found = survival_quantile(curve)
            low = found.lower is None or found.lower <= 10 * np.log(2)
            high = found.upper is None or found.upper >= 10 * np.log(2)
            covered[curve.method] += low and high
    assert covered["betaproduct"] >= 0.95 * 400
    assert covered["log"] < 0.92 * 400


def _animals(name: str, shared_data: Callable[[str], Path]) -> pd.DataFrame:
    table = pd.read_csv(shared_data(f"{name}/survival.csv"))
    if name == "survival_mantel_rats":
        table = table[table["sex"] == "f"]
    return table.rename(columns={"time_weeks": "time", "time_days": "time"})


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "section"),
    [("survival_mantel_rats", "70_females"), ("survival_hoel_mice", "70_all_causes")],
)
def test_steps_limits_and_medians_agree_with_r(
    name: str,
    section: str,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    table = _animals(name, shared_data)
    expected = shared_reference(name)["sections"][section]["results"]["km"]
    steps = pd.DataFrame(expected["steps"])
    for arm, rows in table.groupby("treatment"):
        curve = survival_curve(rows["time"], rows["event"], method="log")
        theirs = steps[steps["stratum"] == arm]
        chosen = curve.events > 0
        assert curve.time[chosen].tolist() == theirs["time"].tolist()
        assert curve.at_risk[chosen].tolist() == theirs["n_risk"].tolist()
        for ours, column in (
            (curve.survival, "surv"),
            (curve.std_error, "se"),
            (curve.lower, "lower"),
            (curve.upper, "upper"),
        ):
            assert ours[chosen] == pytest.approx(
                theirs[column].to_numpy(float), rel=1e-8, abs=1e-11, nan_ok=True
            )
        for method in ("log", "loglog"):
            medians = expected[f"medians_{method}_ci"]
            row = medians["arm"].index(f"g={arm}")
            found = survival_quantile(survival_curve(rows["time"], rows["event"], method=method))
            assert [found.estimate, found.lower, found.upper] == [
                medians[key][row] for key in ("median", "0.95LCL", "0.95UCL")
            ]


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "genentech_gdc0084_temozolomide",
        "genentech_vismodegib",
        "iowa_melanoma_a375",
        "kroemer_antibody_genotype",
        "kroemer_mtx_caloric",
    ],
)
@pytest.mark.parametrize("multiple", ["2x", "4x"])
def test_medians_of_growth_events_agree_with_r(
    name: str, multiple: str, shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    results = shared_reference(name)["sections"][f"11_time_to_{multiple}"]["results"]
    animals, medians = pd.DataFrame(results["per_animal"]), results["medians"]
    for row, arm in enumerate(medians["arm"]):
        rows = animals[animals["g"] == arm]
        found = survival_quantile(survival_curve(rows["time"], rows["event"], method="log"))
        theirs = [medians[key][row] for key in ("median", "0.95LCL", "0.95UCL")]
        assert [found.estimate, found.lower, found.upper] == theirs

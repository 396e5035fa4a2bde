"""Standard deviations from other dispersions, medians, suspicions and reading errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import (
    TwoGroups,
    heteroscedastic_mean_difference,
    log_ratio_of_means,
    mean_and_sd,
    mean_difference,
    normalized_mean_difference,
    sd_from,
    sd_of_change,
    standardized_mean_difference,
    suspected_sem,
    with_reading_error,
)


def test_dispersions_become_standard_deviations() -> None:
    assert sd_from([4.0], "sd", [9]).sd[0] == 4.0
    assert sd_from([16.0], "variance", [9]).sd[0] == 4.0
    assert sd_from([4.0], "sem", [9]).sd[0] == 12.0
    assert sd_from([0.0], "sem", [2]).sd[0] == 0.0
    half = stats.t.ppf(0.975, 8) * 12.0 / 3.0
    assert sd_from([half], "ci", [9]).sd[0] == pytest.approx(12.0)
    half = stats.t.ppf(0.95, 8) * 12.0 / 3.0
    assert sd_from([half], "ci", [9], level=0.9).sd[0] == pytest.approx(12.0)
    # Wan 2014: the range of 30 is 2Φ⁻¹(29.625/30.25) = 4.08 SD.
    assert sd_from([9.0], "range", [30]).sd[0] == pytest.approx(
        9.0 / (2 * stats.norm.ppf(29.625 / 30.25))
    )
    assert sd_from([9.0], "iqr", [30]).sd[0] == pytest.approx(
        9.0 / (2 * stats.norm.ppf(22.375 / 30.25))
    )


def test_wan_and_luo_by_another_program() -> None:
    # The examples printed in metaBLUE 1.0.0: c(1, 4, 10) as smallest, median and largest of 30.
    found = mean_and_sd([4.0], [30], extremes=([1.0], [10.0]))
    assert found.mean is not None
    assert found.mean[0] == pytest.approx(4.356748, abs=6e-7)
    assert found.sd[0] == pytest.approx(2.205578, abs=6e-7)


def test_quartiles_and_five_numbers_by_hand() -> None:
    quartiles = mean_and_sd([50.0], [12], quartiles=([40.0], [66.0]))
    weight = 0.7 + 0.39 / 12
    assert quartiles.mean is not None
    assert quartiles.mean[0] == pytest.approx(weight * 53 + (1 - weight) * 50)
    inner = 26 / (2 * stats.norm.ppf((9 - 0.125) / 12.25))
    assert quartiles.sd[0] == pytest.approx(inner)
    both = mean_and_sd(
        [50.0], [12], quartiles=([40.0], [66.0]), extremes=([20.0], [100.0]), label=["x"]
    )
    ends, middle = 2.2 / (2.2 + 12**0.75), 0.7 - 0.72 / 12**0.55
    assert both.mean is not None
    assert both.mean[0] == pytest.approx(ends * 60 + middle * 53 + (1 - ends - middle) * 50)
    outer = 80 / (2 * stats.norm.ppf((12 - 0.375) / 12.25))
    share = 1 / (1 + 0.07 * 12**0.6)
    assert both.sd[0] == pytest.approx(share * outer + (1 - share) * inner)
    assert both.trail[0].reported == (20.0, 40.0, 50.0, 66.0, 100.0)


@pytest.mark.parametrize("n", [8, 20])
def test_means_and_deviations_of_normal_values_are_met_on_average(n: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(100, 20, (20_000, n))
    low, first, middle, third, high = np.percentile(values, [0, 25, 50, 75, 100], axis=1)
    count = np.full(middle.size, n)
    for options in (
        {"quartiles": (first, third)},
        {"extremes": (low, high)},
        {"quartiles": (first, third), "extremes": (low, high)},
    ):
        found = mean_and_sd(middle, count, **options)
        assert found.mean is not None
        assert float(found.mean.mean()) == pytest.approx(100, abs=0.3)
        # Quartiles of a program's default lie further in than those of the formula: 10 % at 8.
        assert float(found.sd.mean()) == pytest.approx(20, rel=0.11)


def test_the_trail_says_what_was_done() -> None:
    found = sd_from([2.0, 3.0], "sem", [4, 9], label=["a treated", "a control"])
    assert found.mean is None
    assert [one.to_dict() for one in found.trail] == [
        {
            "label": label,
            "kind": "sem",
            "reported": (value,),
            "n": n,
            "formula": "SEM × √n",
            "source": "definition",
            "sd": sd,
            "mean": None,
        }
        for label, value, n, sd in (("a treated", 2.0, 4.0, 4.0), ("a control", 3.0, 9.0, 9.0))
    ]
    shown = found.to_dict()
    assert shown["sd"] == [4.0, 9.0]
    assert shown["mean"] is None
    made = mean_and_sd([50.0], [12], quartiles=([40.0], [66.0]))
    assert made.to_dict()["mean"] == [made.trail[0].mean]
    assert "Wan et al. 2014" in made.trail[0].source


@pytest.mark.parametrize(
    ("value", "kind", "n", "options", "message"),
    [
        ([1], "se", [5], {}, "a kind of dispersion out of sd, sem, variance, ci, iqr, range"),
        ([-1], "sem", [5], {}, "row 1: expected a dispersion of 0 or more, found -1"),
        ([1], "sem", [1], {}, "row 1: expected 2 animals or more, found 1"),
        ([1, 2], "iqr", [5, 4], {}, "row 2: expected 5 animals or more for quartiles, found 4"),
        ([1], "ci", [5], {"level": 95}, "between 0 and 1, found 95"),
        ([1, 2], "sem", [5], {}, "one dispersion for each of the 1"),
        ([1], "sem", [5], {"label": ["a", "b"]}, "one label for each of the 1 rows"),
        ([math.nan], "sem", [5], {}, "a dispersion of 0 or more, found nan"),
    ],
)
def test_dispersions_that_are_wrong_are_refused(
    value: list[float], kind: str, n: list[float], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        sd_from(value, kind, n, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "quartiles, extremes or both"),
        ({"quartiles": ([6], [9])}, "a first quartile not above the median, found 6 and 5"),
        ({"quartiles": ([4], [4.5])}, "a median not above the third quartile"),
        (
            {"quartiles": ([4], [7]), "extremes": ([4.5], [9])},
            "a smallest value not above the first quartile",
        ),
        ({"extremes": ([4, 3], [9, 9])}, "one smallest value for each of the 1 medians"),
    ],
)
def test_summaries_out_of_order_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mean_and_sd([5], [10], **options)


def test_quartiles_of_four_animals_are_refused() -> None:
    with pytest.raises(InputError, match=r"row x: expected 5 animals or more behind"):
        mean_and_sd([5], [4], quartiles=([4], [6]), label=["x"])


def test_the_spread_of_a_change_by_hand() -> None:
    assert sd_of_change([3], [4], correlation=0.5)[0] == pytest.approx(math.sqrt(13))
    assert sd_of_change([3], [3], correlation=1.0)[0] == 0
    with pytest.raises(InputError, match="standard deviations of 0 or more"):
        sd_of_change([-3], [4], correlation=0.5)
    with pytest.raises(InputError, match="a correlation between -1 and 1, found 50"):
        sd_of_change([3], [4], correlation=50)


def lognormal_rows(seed: int, *, sem: tuple[int, ...], k: int = 12, n: int = 8) -> TwoGroups:
    """Volumes with a coefficient of variation about 0.5, some reported with their SEM."""
    rng = np.random.default_rng(seed)
    columns = {}
    for group, mean in (("treated", 300.0), ("control", 900.0)):
        spread = np.exp(rng.normal(math.log(0.5), 0.25, k))
        values = mean * np.exp(rng.normal(0, 1, (n, k)) * np.sqrt(np.log(1 + spread**2)))
        columns[f"mean_{group}"] = values.mean(axis=0)
        columns[f"sd_{group}"] = values.std(axis=0, ddof=1)
        columns[f"sd_{group}"][list(sem)] /= math.sqrt(n)
    return TwoGroups.of(
        n_treated=[n] * k,
        mean_treated=columns["mean_treated"],
        sd_treated=columns["sd_treated"],
        n_control=[n] * k,
        mean_control=columns["mean_control"],
        sd_control=columns["sd_control"],
    )


def test_standard_errors_among_deviations_are_suspected_and_few_others() -> None:
    hits = alarms = 0
    for seed in range(100):
        found = {one.label for one in suspected_sem(lognormal_rows(seed, sem=(2, 7)))}
        hits += len(found & {"3", "8"})
        alarms += len(found - {"3", "8"})
    # Of 200 rows with standard errors and 1000 with standard deviations.
    assert hits / 200 > 0.75
    assert alarms / 1000 < 0.015


def test_rows_that_are_all_standard_errors_are_seen_by_the_usual_spread_alone() -> None:
    groups = lognormal_rows(1, sem=tuple(range(12)))
    assert len(suspected_sem(groups)) <= 1
    known = suspected_sem(groups, usual_cv=0.5, spread=0.25)
    assert len(known) > 8
    first = known[0]
    assert first.usual_cv_treated == first.usual_cv_control == pytest.approx(0.5)
    assert first.likelihood_ratio >= 10
    assert first.to_dict()["label"] == first.label


def test_the_likelihood_ratio_of_a_suspicion_by_hand() -> None:
    groups = TwoGroups.of(
        n_treated=[9],
        mean_treated=[100.0],
        sd_treated=[15.0],
        n_control=[16],
        mean_control=[200.0],
        sd_control=[30.0],
    )
    (found,) = suspected_sem(groups, usual_cv=0.45, spread=0.3)
    treated = math.log(3) ** 2 / (0.09 + 1 / 16 + 0.45**2 / 9)
    control = math.log(3) ** 2 - math.log(0.15 * 4 / 0.45) ** 2
    control /= 0.09 + 1 / 30 + 0.45**2 / 16
    expected = math.exp(0.5 * (treated + control))
    assert found.likelihood_ratio == pytest.approx(expected)
    assert (found.cv_treated, found.cv_control) == (0.15, 0.15)
    assert suspected_sem(groups, usual_cv=0.45, spread=0.3, ratio=expected * 1.01) == ()
    # Without a spread that of 0.5 is taken.
    (wider,) = suspected_sem(groups, usual_cv=0.45, ratio=2.0)
    treated = math.log(3) ** 2 / (0.25 + 1 / 16 + 0.45**2 / 9)
    control = math.log(3) ** 2 - math.log(0.15 * 4 / 0.45) ** 2
    control /= 0.25 + 1 / 30 + 0.45**2 / 16
    assert wider.likelihood_ratio == pytest.approx(math.exp(0.5 * (treated + control)))


def test_the_usual_spread_is_that_of_the_other_rows() -> None:
    cvs = [0.2, 0.4, 0.5, 0.9, 1.4, 0.1]
    groups = TwoGroups.of(
        n_treated=[40] * 6,
        mean_treated=[100.0] * 6,
        sd_treated=[100 * cv for cv in cvs],
        n_control=[40] * 6,
        mean_control=[100.0] * 6,
        sd_control=[0.0] * 6,
    )
    found = {one.label: one for one in suspected_sem(groups, ratio=0.01)}["6"]
    assert found.usual_cv_treated == pytest.approx(0.5)
    # The distances of the logs from ln 0.5 are 0.92, 0.22, 0, 0.59 and 1.03: median 0.59.
    spread = math.log(0.9 / 0.5) / 0.6744897501960817
    exponent = math.log(0.1 / 0.5) ** 2 - math.log(0.1 * math.sqrt(40) / 0.5) ** 2
    assert found.likelihood_ratio == pytest.approx(math.exp(0.5 * exponent / spread**2))


def test_a_group_without_spread_says_nothing_of_standard_errors() -> None:
    groups = TwoGroups.of(
        n_treated=[9],
        mean_treated=[100.0],
        sd_treated=[0.0],
        n_control=[9],
        mean_control=[100.0],
        sd_control=[45.0],
    )
    assert suspected_sem(groups, usual_cv=0.45) == ()


def test_a_suspicion_needs_something_to_compare_with() -> None:
    groups = lognormal_rows(1, sem=(), k=4)
    with pytest.raises(DataError, match=r"5 rows or more .* found 4; name it with usual_cv"):
        suspected_sem(groups)
    with pytest.raises(InputError, match="ratio above 0, found 0"):
        suspected_sem(groups, usual_cv=0.5, ratio=0)
    below = TwoGroups.of(
        n_treated=[9],
        mean_treated=[-1.0],
        sd_treated=[15.0],
        n_control=[9],
        mean_control=[100.0],
        sd_control=[45.0],
    )
    with pytest.raises(InputError, match="means above 0"):
        suspected_sem(below, usual_cv=0.5)


GROUPS = TwoGroups.of(
    n_treated=[8, 6],
    mean_treated=[250.0, 100.0],
    sd_treated=[100.0, 30.0],
    n_control=[10, 6],
    mean_control=[500.0, 400.0],
    sd_control=[150.0, 90.0],
)


def moved(name: str, by: float) -> TwoGroups:
    """The groups with one column moved by a distance."""
    names = ("n_treated", "mean_treated", "sd_treated", "n_control", "mean_control", "sd_control")
    columns = {one: np.array(getattr(GROUPS, one)) for one in names}
    columns[name] = columns[name] + by
    return TwoGroups.of(
        n_treated=columns["n_treated"],
        mean_treated=columns["mean_treated"],
        sd_treated=columns["sd_treated"],
        n_control=columns["n_control"],
        mean_control=columns["mean_control"],
        sd_control=columns["sd_control"],
    )


@pytest.mark.parametrize("name", ["mean_treated", "mean_control", "sd_treated", "sd_control"])
@pytest.mark.parametrize(
    "measure",
    [
        standardized_mean_difference,
        log_ratio_of_means,
        mean_difference,
        normalized_mean_difference,
    ],
)
def test_reading_errors_add_the_square_of_what_they_move(name: str, measure: Any) -> None:  # noqa: ANN401 - one of four makers
    sizes = measure(GROUPS)
    read = with_reading_error(sizes, GROUPS, **{name: 12.0})
    step = 1e-4
    slope = (measure(moved(name, step)).yi - measure(moved(name, -step)).yi) / (2 * step)
    # Central differences of step 1e-4: relative error about 1e-7.
    assert read.vi - sizes.vi == pytest.approx((12.0 * slope) ** 2, rel=1e-5, abs=1e-12)
    assert read.yi.tolist() == sizes.yi.tolist()
    assert "errors of reading" in read.variance_formula


def test_reading_errors_may_differ_between_rows() -> None:
    sizes = log_ratio_of_means(GROUPS)
    read = with_reading_error(sizes, GROUPS, mean_treated=[25.0, 0.0])
    assert read.vi[0] == pytest.approx(sizes.vi[0] + 0.01)
    assert read.vi[1] == sizes.vi[1]


def test_reading_errors_that_cannot_be_are_refused() -> None:
    sizes = log_ratio_of_means(GROUPS)
    with pytest.raises(InputError, match="errors of reading of 0 or more"):
        with_reading_error(sizes, GROUPS, mean_treated=-1.0)
    with pytest.raises(InputError, match="effect sizes of SMD, ROM, MD or NMD, found SMDH"):
        with_reading_error(heteroscedastic_mean_difference(GROUPS), GROUPS)
    other = TwoGroups.of(
        n_treated=[9],
        mean_treated=[1.0],
        sd_treated=[15.0],
        n_control=[9],
        mean_control=[100.0],
        sd_control=[45.0],
    )
    with pytest.raises(InputError, match="the 2 rows the effect sizes were made from, found 1"):
        with_reading_error(sizes, other)

"""Test of proportional hazards: brute force, invariances, error rates, and R's cox.zph."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.survival.cox import cox_fit
from oncovivo.survival.proportional import (
    ProportionalityTest,
    TimeTransform,
    arm_proportionality,
    proportionality_test,
)

Floats = npt.NDArray[np.float64]

RNG = np.random.default_rng(11)
N = 24
TIME = RNG.integers(1, 9, size=N).astype(float)
EVENT = RNG.random(N) < 0.75
COVARIATES = np.column_stack([np.arange(N) % 2, RNG.normal(size=N)])
ENTRY = np.where(np.arange(N) % 5 == 0, 0.5, 0.0)
ENTRY[TIME > 4] += 1.0
STRATA = np.arange(N) % 3


def dummies(group: npt.NDArray[np.intp], n_groups: int) -> Floats:
    return np.eye(n_groups)[group][:, 1:]


def extended_log_likelihood(theta: Floats, g: dict[float, float], entry: Floats) -> float:
    """Efron's partial likelihood with x and x·g(t), one stratum and one time after another."""
    total = 0.0
    for stratum in np.unique(STRATA):
        for at in np.unique(TIME[EVENT & (stratum == STRATA)]):
            risk = [
                i for i in range(N) if STRATA[i] == stratum and entry[i] < at and TIME[i] >= at
            ]
            ended = [i for i in risk if TIME[i] == at and EVENT[i]]
            z = {i: np.concatenate([COVARIATES[i], COVARIATES[i] * g[at]]) @ theta for i in risk}
            total += float(sum(z[i] for i in ended))
            for number in range(len(ended)):
                inside = sum(math.exp(z[i]) for i in risk)
                tied = sum(math.exp(z[i]) for i in ended)
                total -= math.log(inside - number / len(ended) * tied)
    return total


def numerical(
    function: Callable[[Floats], float], at: Floats, step: float = 1e-3
) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences."""
    size = at.size
    e = step * np.eye(size)
    gradient = np.array([(function(at + d) - function(at - d)) / (2 * step) for d in e])
    hessian = np.array(
        [
            [
                function(at + a + b)
                - function(at + a - b)
                - function(at - a + b)
                + function(at - a - b)
                for a in e
            ]
            for b in e
        ]
    ) / (4 * step**2)
    return gradient, hessian


@pytest.mark.parametrize("transform", ["identity", "log", "km", "rank"])
def test_the_score_test_agrees_with_the_extended_likelihood_written_out(
    transform: TimeTransform,
) -> None:
    found = proportionality_test(
        TIME, EVENT, COVARIATES, transform=transform, entry=ENTRY, strata=STRATA
    )
    fit = cox_fit(TIME, EVENT, COVARIATES, entry=ENTRY, strata=STRATA)
    g = dict(zip(found.time, found.transformed, strict=True))
    center = sum(found.transformed) / len(found.transformed)
    width = max(abs(value - center) for value in g.values())
    g = {at: (value - center) / width for at, value in g.items()}
    theta = np.array([*fit.coefficients, 0.0, 0.0])
    gradient, hessian = numerical(lambda x: extended_log_likelihood(x, g, ENTRY), theta)
    score = np.concatenate([np.zeros(2), gradient[2:]])
    expected = float(score @ np.linalg.solve(-hessian, score))
    assert found.overall.statistic == pytest.approx(expected, rel=1e-4)
    assert found.overall.df == 2
    for which, term in enumerate(found.terms):
        kept = [0, 1, 2 + which]
        part = score[kept] @ np.linalg.solve(-hessian[np.ix_(kept, kept)], score[kept])
        assert term.statistic == pytest.approx(float(part), rel=1e-4)
        assert term.df == 1


def test_the_kaplan_meier_transform_is_worked_out_just_before_each_time() -> None:
    time = np.array([1.0, 2.0, 3.0, 4.0])
    event = np.array([True, False, True, True])
    treated = np.array([[0.0], [1.0], [1.0], [0.0]])
    found = proportionality_test(time, event, treated)
    assert found.transformed == pytest.approx((0.0, 0.25, 1 - 0.75 / 2))
    ranked = proportionality_test(time, event, treated, transform="rank")
    assert ranked.transformed == (1.0, 3.0, 4.0)


def test_residuals_of_one_covariate_are_as_worked_out_by_hand() -> None:
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False])
    treated = np.array([[1.0], [0.0], [1.0], [0.0]])
    found = proportionality_test(time, event, treated, transform="identity")
    (beta,) = cox_fit(time, event, treated).coefficients
    assert beta is not None
    r = math.exp(beta)
    shares = [2 * r / (2 * r + 2), r / (r + 2), r / (r + 1)]
    information = sum(share * (1 - share) for share in shares)
    raw = np.array([1.0, 0.0, 1.0]) - shares
    assert found.residuals[0] == pytest.approx(beta + 3 * raw / information)
    assert found.residuals[0] is not None
    assert sum(found.residuals[0]) / 3 == pytest.approx(beta, abs=1e-9)


def test_a_fit_that_is_at_hand_is_used_and_one_of_other_data_refused() -> None:
    fit = cox_fit(TIME, EVENT, COVARIATES)
    plain = proportionality_test(TIME, EVENT, COVARIATES)
    again = proportionality_test(TIME, EVENT, COVARIATES, fit=fit)
    assert again.overall.statistic == pytest.approx(plain.overall.statistic, rel=1e-7)
    with pytest.raises(InputError, match="fit of these data"):
        proportionality_test(TIME[::-1].copy(), EVENT, COVARIATES, fit=fit)
    with pytest.raises(InputError, match="fit of these data"):
        proportionality_test(TIME, EVENT, COVARIATES[:, :1], fit=fit)


def statistics(test: ProportionalityTest) -> list[float | None]:
    return [term.statistic for term in (*test.terms, test.overall)]


def test_the_order_of_animals_and_the_units_of_covariates_and_time_change_nothing() -> None:
    plain = proportionality_test(TIME, EVENT, COVARIATES, entry=ENTRY, strata=STRATA)
    order = np.random.default_rng(3).permutation(N)
    mixed = proportionality_test(
        TIME[order], EVENT[order], COVARIATES[order], entry=ENTRY[order], strata=STRATA[order]
    )
    assert statistics(mixed) == pytest.approx(statistics(plain), rel=1e-8)
    other = COVARIATES * np.array([25.4, 1e-3]) + np.array([7.0, -2.0])
    scaled = proportionality_test(7 * TIME, EVENT, other, entry=7 * ENTRY, strata=STRATA)
    assert statistics(scaled) == pytest.approx(statistics(plain), rel=1e-6)


def test_the_arm_that_is_the_control_does_not_change_the_global_test() -> None:
    group = np.arange(N) % 3
    first = arm_proportionality(TIME, EVENT, group)
    last = arm_proportionality(TIME, EVENT, group, control=2, names=["vehicle", "low"])
    assert first.overall.df == 2
    assert first.overall.statistic == pytest.approx(last.overall.statistic, rel=1e-8)
    assert [term.name for term in first.terms] == ["arm 1", "arm 2"]
    assert [term.name for term in last.terms] == ["vehicle", "low"]
    # One contrast is in both.
    assert first.terms[1].statistic != pytest.approx(last.terms[1].statistic, rel=1e-3)


def test_an_arm_without_events_is_left_out_and_said() -> None:
    group = np.repeat([0, 1, 2], 8)
    event = EVENT & (group != 2)
    time = np.where(group == 2, 9.0, TIME)
    found = arm_proportionality(time, event, group)
    assert [term.status for term in found.terms] == ["ok", "not_estimable"]
    assert found.terms[1].reason == "the estimate is infinite"
    assert found.residuals[1] is None
    assert (found.overall.df, found.overall.reason) == (
        1,
        "covariates with an infinite estimate are left out",
    )
    # Animals that only lengthen the risk set at no hazard do not matter.
    two = group != 2
    rest = arm_proportionality(time[two], event[two], group[two], transform="identity")
    all_ = arm_proportionality(time, event, group, transform="identity")
    assert all_.overall.statistic == pytest.approx(rest.overall.statistic, rel=1e-4)
    assert arm_proportionality(time, event, group // 2).overall.status == "not_estimable"


def test_events_at_one_time_say_nothing_about_a_change() -> None:
    time = np.array([1.0, 1.0, 2.0, 2.0])
    event = np.array([True, True, False, False])
    found = proportionality_test(time, event, np.array([[0.0], [1.0], [0.0], [1.0]]))
    assert (found.overall.status, found.overall.statistic, found.overall.df) == (
        "not_estimable",
        None,
        0,
    )
    assert "too few times" in found.terms[0].reason


def test_results_are_ready_for_json() -> None:
    found = proportionality_test(TIME, EVENT, COVARIATES, strata=STRATA, names=("arm", "size"))
    read = json.loads(json.dumps(found.to_dict()))
    assert read["terms"][1]["name"] == "size"
    assert len(read["residuals"][0]) == read["events"] == len(read["stratum"])


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="km, rank, identity or log"):
        proportionality_test(TIME, EVENT, COVARIATES, transform="sqrt")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="times above 0"):
        proportionality_test(TIME - TIME.min(), EVENT, COVARIATES, transform="log")
    with pytest.raises(InputError, match="name for each of 2"):
        proportionality_test(TIME, EVENT, COVARIATES, names=["one"])
    with pytest.raises(InputError, match="another arm"):
        arm_proportionality(TIME, EVENT, np.zeros(N, dtype=int))


def rejections(times: Callable[[np.random.Generator], Floats], *, replicates: int) -> float:
    rng = np.random.default_rng(17)
    group = np.repeat([0, 1], 15)
    event = np.ones(30, dtype=bool)
    p_values = [
        arm_proportionality(times(rng), event, group).overall.p_value for _ in range(replicates)
    ]
    return float(np.mean([p is not None and p < 0.05 for p in p_values]))


def test_the_test_errs_at_its_level_and_finds_crossing_hazards() -> None:
    def proportional(rng: np.random.Generator) -> Floats:
        return np.asarray(rng.exponential(size=30) * np.repeat([1.0, 2.0], 15))

    def crossing(rng: np.random.Generator) -> Floats:
        return np.asarray([*rng.weibull(0.6, 15), *rng.weibull(3.0, 15)])

    # 400 replicates: the standard error at 5 % is 1.1 points.
    assert 0.02 < rejections(proportional, replicates=400) < 0.085
    assert rejections(crossing, replicates=100) > 0.8


def agrees(found: ProportionalityTest, reference: dict[str, list[Any]]) -> None:
    """The global test at least; the reference's other term is all arms together."""
    assert found.overall.statistic == pytest.approx(reference["chisq"][-1], rel=1e-5)
    assert found.overall.df == reference["df"][-1]
    assert found.overall.p_value == pytest.approx(reference["p"][-1], rel=1e-5)


@pytest.mark.realdata
def test_rats_and_mice_agree_with_r(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    rats = pd.read_csv(shared_data("survival_mantel_rats/survival.csv"))
    rats = rats[rats["sex"] == "f"]
    result = shared_reference("survival_mantel_rats")["sections"]["70_females"]["results"]
    drug = (rats["treatment"] == "drug").to_numpy().astype(np.intp)
    time, event = rats["time_weeks"].to_numpy(float), rats["event"].to_numpy() == 1
    agrees(arm_proportionality(time, event, drug), result["cox_efron"]["zph"])
    mice = pd.read_csv(shared_data("survival_hoel_mice/survival.csv"))
    result = shared_reference("survival_hoel_mice")["sections"]["70_all_causes"]["results"]
    free = (mice["treatment"] == "germ_free").to_numpy().astype(np.intp)
    time, event = mice["time_days"].to_numpy(float), mice["event"].to_numpy() == 1
    agrees(arm_proportionality(time, event, free), result["cox_efron"]["zph"])


@pytest.mark.realdata
def test_seven_arms_plain_and_in_strata_agree_with_r(
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    result = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]
    animals = pd.DataFrame(result["per_animal"])
    arms = ["untreated", *(term[1:] for term in result["cox_efron"]["coef"]["term"])]
    group = np.array([arms.index(arm) for arm in animals["g"]])
    time, event = animals["time"].to_numpy(float), animals["event"].to_numpy() == 1
    model = pd.factorize(animals["model"])[0]
    kind = pd.factorize(animals["tumor_type"])[0]
    agrees(arm_proportionality(time, event, group), result["cox_efron"]["zph"])
    for strata, name in ((model, "cox_strata_model"), (kind, "cox_strata_type")):
        agrees(arm_proportionality(time, event, group, strata=strata), result[name]["zph"])


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "genentech_gdc0084_temozolomide",
        "genentech_vismodegib",
        "invivosyn_combos.LS_1034",
        "invivosyn_combos.SW837",
        "iowa_melanoma_a375",
        "kroemer_antibody_genotype",
        "kroemer_mtx_caloric",
        "synergylmm_example.grwth_data",
        "synergylmm_example.webapp_example",
    ],
)
@pytest.mark.parametrize("multiple", ["2x", "4x"])
def test_visit_times_agree_with_r_where_estimates_are_finite(
    name: str, multiple: str, shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    result = shared_reference(name)["sections"][f"11_time_to_{multiple}"]["results"]
    animals, arms, cox = result["per_animal"], result["medians"]["arm"], result["cox_efron"]
    group = np.array([arms.index(arm) for arm in animals["g"]])
    time, event = np.array(animals["time"], dtype=float), np.array(animals["event"]) == 1
    found = arm_proportionality(time, event, group)
    infinite = [term.reason == "the estimate is infinite" for term in found.terms]
    assert any(infinite) == bool(cox.get("warnings"))
    if not any(infinite):
        assert found.overall.p_value == pytest.approx(cox["zph_p"], rel=1e-5)
    assert found.overall.df <= len(arms) - 1 - sum(infinite)

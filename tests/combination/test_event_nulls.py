"""Null models of a combination on the time to an event."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, special, stats

from oncovivo.combination import CombinationArms, PairArm, detectable_difference
from oncovivo.combination.event_hazards import relabeled_roots
from oncovivo.combination.event_nulls import compare_event_nulls, event_bliss, event_hsa
from oncovivo.combination.event_question import (
    METHODS,
    EventMethod,
    EventScale,
    bliss_design,
    partner_design,
    pose_event,
)
from oncovivo.combination.result import SynergyResult
from oncovivo.errors import InputError
from oncovivo.survival.cox import cox_fit
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.firth import firth_fit
from oncovivo.survival.median_ratio import median_ratio

FloatArray = NDArray[np.float64]
TWO: Final = CombinationArms(control="C", partners=("A", "B"), combination="AB")
ALL: Final = CombinationArms(
    control="C",
    partners=("A", "B", "Z"),
    combination="ABZ",
    pairs=(
        PairArm(partners=("A", "B"), arm="AB"),
        PairArm(partners=("A", "Z"), arm="AZ"),
        PairArm(partners=("B", "Z"), arm="BZ"),
    ),
)
SCALED: Final = [(scale, method) for scale, methods in METHODS.items() for method in methods]
# Other shapes of times take the path of Weibull's.
SOME: Final = [pair for pair in SCALED if pair[1] not in ("lognormal", "loglogistic")]
# Censored late, so that each arm has its median.
TIMES: Final = {
    "C": [3.0, 4, 5, 6, 7, 9],
    "A": [6.0, 8, 9, 11, 13, 15],
    "B": [5.0, 7, 8, 10, 12, 14],
    "AB": [12.0, 18, 21, 27, 29, 40],
}


def study(
    times: Mapping[str, Sequence[float]],
    *,
    end: float = 30.0,
    strata: Sequence[str] | None = None,
    cluster: Sequence[str] | None = None,
    entry: Sequence[float] | None = None,
) -> SurvivalData:
    """Animals followed up to a time."""
    time = np.concatenate([np.asarray(part, dtype=np.float64) for part in times.values()])
    event = time < end
    time = np.minimum(time, end)
    n = time.size
    return SurvivalData(
        study_id="made up",
        arms=tuple(times),
        animal_ids=tuple(f"m{i}" for i in range(n)),
        arm=np.repeat(np.arange(len(times)), [len(part) for part in times.values()]),
        entry=np.zeros(n) if entry is None else np.asarray(entry, dtype=np.float64),
        time=time,
        lower=time,
        upper=np.where(event, time, np.inf),
        event=event,
        cause=event.astype(np.int64),
        causes=("death",),
        strata=None if strata is None else tuple(strata),
        cluster=None if cluster is None else tuple(cluster),
        event_definition="death",
        event_time="visit",
    )


def rows(data: SurvivalData, order: NDArray[np.intp]) -> SurvivalData:
    """The animals in another order."""
    return replace(
        data,
        animal_ids=tuple(data.animal_ids[i] for i in order),
        arm=data.arm[order],
        entry=data.entry[order],
        time=data.time[order],
        lower=data.lower[order],
        upper=data.upper[order],
        event=data.event[order],
        cause=data.cause[order],
    )


def numbers(result: SynergyResult) -> list[float | None]:
    """What does not depend on the unit of time or on names."""
    return [
        result.estimate,
        result.std_error,
        result.lower,
        result.upper,
        result.p_value,
        result.index,
        result.index_lower,
        result.index_upper,
        result.detectable_index,
    ]


def same(
    one: Sequence[float | None], other: Sequence[float | None], *, tolerance: float = 1e-6
) -> bool:
    """Whether numbers agree, and are missing together."""
    return [a is None for a in one] == [b is None for b in other] and all(
        a == pytest.approx(b, abs=tolerance, rel=tolerance)
        for a, b in zip(one, other, strict=True)
        if a is not None
    )


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture(scope="module")
def data() -> SurvivalData:
    return study(TIMES)


# --- by hand ---------------------------------------------------------------------------------


def test_the_estimate_on_the_hazard_maximizes_the_partial_likelihood_written_out() -> None:
    # One animal an arm and one more control, events in this order: C, A, C, B; AB leaves at 30.
    small = study({"C": [1.0, 3.0], "A": [2.0], "B": [4.0], "AB": [30.0]})

    def minus(theta: FloatArray) -> float:
        a, b, extra = np.exp(theta)
        both = a * b * extra
        risk = [2 + a + b + both, 1 + a + b + both, 1 + b + both, b + both]
        return float(np.log(risk).sum() - math.log(a) - math.log(b))

    # AB outlives all: the unpenalized estimate runs away, Firth's adds half the log determinant
    def penalized(theta: FloatArray) -> float:
        step = 1e-3
        eye = step * np.eye(3)
        hessian = np.array(
            [
                [
                    (
                        minus(theta + eye[i] + eye[j])
                        - minus(theta + eye[i] - eye[j])
                        - minus(theta - eye[i] + eye[j])
                        + minus(theta - eye[i] - eye[j])
                    )
                    / (4 * step**2)
                    for j in range(3)
                ]
                for i in range(3)
            ]
        )
        return minus(theta) - 0.5 * float(np.linalg.slogdet(hessian)[1])

    expected = optimize.minimize(penalized, np.zeros(3), method="Nelder-Mead", tol=1e-9).x
    found = event_bliss(small, TWO, method="penalized")
    # the numerical Hessian is good to its step squared
    assert found.estimate == pytest.approx(expected[2], abs=1e-3)
    assert found.observed == pytest.approx(math.exp(expected.sum()), rel=1e-3)
    assert found.foreseen == pytest.approx(math.exp(expected[:2].sum()), rel=1e-3)


def test_wald_is_the_interaction_of_a_cox_model_against_t(data: SurvivalData) -> None:
    covariates = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]])[data.arm]
    fit = cox_fit(data.time, data.event, covariates)
    estimate, error = fit.coefficients[2], fit.standard_errors[2]
    assert estimate is not None
    assert error is not None
    found = event_bliss(data, TWO, method="wald")
    assert (found.estimate, found.std_error) == pytest.approx((estimate, error), rel=1e-9)
    reach = stats.t.ppf(0.975, 20) * error
    assert found.df == 20
    assert (found.lower, found.upper) == pytest.approx((estimate - reach, estimate + reach))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(estimate) / error, 20))
    assert found.index == pytest.approx(math.exp(estimate))
    assert found.detectable_index == pytest.approx(math.exp(-detectable_difference(error, 20)))
    log_hr = [value for value in fit.coefficients if value is not None]
    assert found.observed == pytest.approx(math.exp(sum(log_hr)))
    assert found.foreseen == pytest.approx(math.exp(log_hr[0] + log_hr[1]))


def test_the_penalized_test_is_firths_held_against_t(data: SurvivalData) -> None:
    covariates = bliss_design(2)[data.arm]
    reach = stats.t.ppf(0.975, 20)
    # the level at which chi-squared's limits reach as far as those of t
    fit = firth_fit(data.time, data.event, covariates, level=math.erf(reach / math.sqrt(2)))
    found = event_bliss(data, TWO, method="penalized")
    assert found.estimate == pytest.approx(fit.coefficients[2], abs=1e-7)
    assert found.std_error == pytest.approx(fit.standard_errors[2], rel=1e-6)
    assert (found.lower, found.upper) == pytest.approx((fit.lower[2], fit.upper[2]), abs=1e-5)
    root = -special.ndtri(fit.p_values[2] / 2)
    assert found.p_value == pytest.approx(2 * stats.t.sf(root, 20), rel=1e-5)


def test_single_agents_are_one_sided_and_the_worst_counts(data: SurvivalData) -> None:
    found = event_hsa(data, TWO, method="penalized")
    reach = stats.t.ppf(0.95, 20)
    lowers, uppers, p_values = [], [], []
    for partner in (0, 1):
        fit = firth_fit(
            data.time,
            data.event,
            partner_design(2, partner)[data.arm],
            level=math.erf(reach / math.sqrt(2)),
        )
        agent = found.single_agents[partner]
        assert agent.estimate == pytest.approx(fit.coefficients[2], abs=1e-7)
        assert (agent.lower, agent.upper) == pytest.approx((fit.lower[2], fit.upper[2]), abs=1e-5)
        root = -special.ndtri(fit.p_values[2] / 2)
        assert agent.p_value == pytest.approx(stats.t.cdf(-root, 20), rel=1e-5)
        assert agent.lower is not None
        assert agent.upper is not None
        lowers.append(agent.lower)
        uppers.append(agent.upper)
        p_values.append(agent.p_value)
    assert found.p_value == max(p_values)
    assert found.upper == max(uppers)
    assert found.versus == "A"
    assert found.estimate == max(agent.estimate for agent in found.single_agents)
    assert found.verdict == "synergy"
    assert found.lower is not None
    assert found.lower < max(lowers)


def test_the_index_of_medians_is_their_product(data: SurvivalData) -> None:
    found = event_bliss(data, TWO, scale="median_survival", rng=rng())
    # medians 5.5, 10, 9 and 24
    assert found.foreseen == pytest.approx(10 * 9 / 5.5)
    assert found.observed == pytest.approx(24)
    assert found.index == pytest.approx(10 * 9 / (5.5 * 24))
    highest = event_hsa(data, TWO, scale="median_survival", rng=rng())
    assert highest.versus == "A"
    assert highest.index == pytest.approx(10 / 24)
    assert highest.foreseen == pytest.approx(10)


def test_medians_of_uncensored_arms_have_the_limits_of_the_ratio_of_two(
    data: SurvivalData,
) -> None:
    # resamples follow the order of the arms: those of AB come last, after A's
    level, draws = 0.9, 4999
    found = event_hsa(data, TWO, scale="median_survival", level=level, rng=rng(), draws=draws)
    ratio = median_ratio(
        data.time, data.event, data.arm, arm=3, control=1, rng=rng(), draws=draws, level=0.8
    )
    assert ratio.ratio_lower is not None
    # other draws: 5,000 of them move a percentile of ratios by some percent
    assert found.single_agents[0].upper == pytest.approx(-math.log(ratio.ratio_lower), abs=0.08)


def test_log_normal_times_without_censoring_are_means_of_logs() -> None:
    whole = study(TIMES, end=99.0)
    logs = [np.log(times) for times in TIMES.values()]
    means = [part.mean() for part in logs]
    within = sum(((part - part.mean()) ** 2).sum() for part in logs)
    gain = means[3] - means[1] - means[2] + means[0]
    t = gain / math.sqrt(within / 20 * 4 / 6)
    found = event_bliss(whole, TWO, scale="median_survival", method="lognormal")
    assert found.estimate == pytest.approx(-gain, abs=1e-6)
    assert found.std_error == pytest.approx(math.sqrt(within / 24 * 4 / 6), rel=1e-5)
    # the likelihood ratio of a normal model is n log(1 + t²/(n - 4))
    root = math.sqrt(24 * math.log1p(t**2 / 20))
    assert found.p_value == pytest.approx(2 * stats.t.sf(root, 19), rel=1e-5)
    assert found.observed == pytest.approx(math.exp(means[3]))
    assert found.foreseen == pytest.approx(math.exp(means[1] + means[2] - means[0]))
    one = event_hsa(whole, TWO, scale="median_survival", method="lognormal")
    assert one.index == pytest.approx(math.exp(means[1] - means[3]))
    assert one.foreseen == pytest.approx(math.exp(means[1]))
    for partner, agent in zip((1, 2), one.single_agents, strict=True):
        t = (means[3] - means[partner]) / math.sqrt(within / 20 * 2 / 6)
        assert agent.estimate == pytest.approx(means[partner] - means[3], abs=1e-6)
        root = math.sqrt(24 * math.log1p(t**2 / 20))
        assert agent.p_value == pytest.approx(stats.t.sf(root, 19), rel=1e-5)
        # as far out as the likelihood ratio reaches the t quantile
        reach = math.sqrt(20 * math.expm1(stats.t.ppf(0.95, 19) ** 2 / 24))
        error = math.sqrt(within / 20 * 2 / 6)
        assert agent.upper == pytest.approx(agent.estimate + reach * error, abs=1e-5)


def test_weibull_medians_and_limits_agree_with_the_index(data: SurvivalData) -> None:
    found = event_bliss(data, TWO, scale="median_survival", method="weibull")
    assert found.observed is not None
    assert found.foreseen is not None
    assert found.index == pytest.approx(found.foreseen / found.observed)
    assert found.lower is not None
    assert found.upper is not None
    assert found.estimate is not None
    assert found.lower < found.estimate < found.upper
    again = event_bliss(
        data, TWO, scale="median_survival", method="weibull", level=1 - (found.p_value or 0)
    )
    # at the level of its own p value a limit is at 0
    assert min(abs(again.lower or 1), abs(again.upper or 1)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("strata", [None, ["a", "b", "a", "b"] * 4], ids=["whole", "strata"])
def test_relabelings_of_two_arms_within_strata_come_near_to_all_of_them(
    strata: list[str] | None,
) -> None:
    few = study(
        {
            "C": [3.0, 5, 8, 2],
            "A": [4.0, 7, 13, 20],
            "B": [5.0, 6, 9, 12],
            "AB": [11.0, 19, 29.5, 10],
        },
        strata=strata,
    )
    codes = None if strata is None else np.array([name == "b" for name in strata]).astype(np.intp)
    found = event_hsa(few, TWO, rng=rng(), draws=1999, level=0.8)
    question = pose_event(few, TWO, scale="hazard", method="relabeled", level=0.8)
    for partner in (0, 1):
        design = partner_design(2, partner)
        moved = np.flatnonzero(np.isin(question.role, (1 + partner, 3)))
        parts = [moved] if codes is None else [moved[codes[moved] == code] for code in (0, 1)]
        halves = [combinations(part.tolist(), part.size // 2) for part in parts]
        labels = []
        for chosen in product(*halves):
            row = question.role.copy()
            row[moved] = 1 + partner
            row[[place for part in chosen for place in part]] = 3
            labels.append(row)
        assert len(labels) == (70 if strata is None else 36)
        signed = []
        for row in labels:
            fit = firth_fit(few.time, few.event, design[row], strata=codes, limits=False)
            root = -special.ndtri(fit.p_values[2] / 2)
            signed.append(math.copysign(root, fit.coefficients[2]))
        roots = np.array(signed)
        own = next(i for i, row in enumerate(labels) if (row == question.role).all())
        exact = float(np.mean(roots <= roots[own] + 1e-6))
        agent = found.single_agents[partner]
        # four Monte Carlo errors
        assert agent.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact / 2000))
        mine = relabeled_roots(question, design, np.array(labels))
        assert np.sort(mine) == pytest.approx(np.sort(roots), abs=1e-5)


def test_a_relabeled_limit_passes_zero_as_the_p_value_passes_the_error() -> None:
    # arms of 4 and of 10 animals: their relabeled roots lie otherwise below 0 than above
    uneven = study(
        {
            **TIMES,
            "A": [4.0, 5, 6, 7, 8, 9, 11, 13, 15, 17],
            "B": [1.0, 1.5, 2, 2.5, 3, 3.5],
            "AB": [6.5, 12, 16, 18],
        }
    )
    p_value = event_hsa(uneven, TWO, rng=rng(), draws=499).single_agents[0].p_value
    drawn = round(500 * p_value)
    assert 2 < drawn < 200
    for count, side in ((drawn, -1), (drawn - 1, 1)):
        found = event_hsa(uneven, TWO, rng=rng(), draws=499, level=1 - count / 500)
        # 0 where the draw at the limit is the observed labeling again
        upper = found.single_agents[0].upper
        assert upper is not None
        assert side * upper > -1e-5


# --- identities ------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "method"), SOME)
def test_where_a_partner_does_nothing_bliss_compares_with_the_other(
    scale: EventScale, method: EventMethod
) -> None:
    inert = study({**TIMES, "B": TIMES["C"]})
    one = event_bliss(inert, TWO, scale=scale, method=method, rng=rng())
    other = event_hsa(inert, TWO, scale=scale, method=method, rng=rng())
    assert other.versus == "A"
    # searches of different designs meet to this
    assert one.estimate == pytest.approx(other.estimate, abs=1e-6)


@pytest.mark.parametrize(("scale", "method"), SOME)
def test_where_a_partner_adds_nothing_all_indices_are_one(
    scale: EventScale, method: EventMethod
) -> None:
    inert = study({**TIMES, "B": TIMES["C"], "AB": TIMES["A"]})
    for test in (event_bliss, event_hsa):
        found = test(inert, TWO, scale=scale, method=method, rng=rng())
        assert found.index == pytest.approx(1, abs=1e-6)
        assert found.verdict == "not_shown"
        assert found.observed == pytest.approx(found.foreseen, rel=1e-6)


@pytest.mark.parametrize(("scale", "method"), SOME)
def test_three_partners_of_which_one_is_inert_are_two(
    scale: EventScale, method: EventMethod
) -> None:
    three = CombinationArms(control="C", partners=("A", "B", "Z"), combination="AB")
    one = event_bliss(
        study({**TIMES, "Z": TIMES["C"]}), three, scale=scale, method=method, rng=rng()
    )
    # the copies of the control count in the risk sets of both
    two = event_bliss(
        study({**TIMES, "C": [*TIMES["C"], *TIMES["C"]]}),
        TWO,
        scale=scale,
        method=method,
        rng=rng(),
    )
    # the penalty of one more coefficient moves an estimate by a fraction of its error of 0.9
    tolerance = 0.05 if method in ("relabeled", "penalized") else 1e-6
    assert one.estimate == pytest.approx(two.estimate, abs=tolerance)


def test_pairs_within_three_are_asked_each_alone() -> None:
    eight = study(
        {
            **TIMES,
            "Z": [4.0, 5, 6, 8, 9, 11],
            "AZ": [7.0, 10, 12, 13, 16, 19],
            "BZ": [6.0, 9, 11, 12, 15, 22],
            "ABZ": [20.0, 25, 28, 29, 40, 40],
        }
    )
    found = compare_event_nulls(eight, ALL, rng=rng(), draws=199)
    assert len(found) == 16
    assert [row.arms.combination for row in found[::4]] == ["ABZ", "AB", "AZ", "BZ"]
    assert [(row.null, row.scale) for row in found[:4]] == [
        ("bliss", "hazard"),
        ("bliss", "median_survival"),
        ("hsa", "hazard"),
        ("hsa", "median_survival"),
    ]
    alone = event_bliss(eight, TWO, rng=rng(), draws=199)
    assert found[4].estimate == alone.estimate
    # only animals of the question's arms are looked at
    four = event_bliss(study(TIMES), TWO, rng=rng(), draws=199)
    assert numbers(four) == numbers(alone)
    # medians 10, 9, 7 and 5.5 foresee 10 · 9 · 7 / 5.5²
    assert found[1].foreseen == pytest.approx(630 / 5.5**2)


@pytest.mark.parametrize("ask", [event_bliss, event_hsa])
@pytest.mark.parametrize(("scale", "method"), SOME)
def test_unit_order_and_names_change_nothing(
    data: SurvivalData,
    scale: EventScale,
    method: EventMethod,
    ask: Callable[..., SynergyResult],
) -> None:
    found = ask(data, TWO, scale=scale, method=method, rng=rng(), draws=199)
    weeks = replace(
        data, time=data.time / 7, lower=data.lower / 7, upper=data.upper / 7, time_unit="weeks"
    )
    shuffled = rows(data, np.random.default_rng(5).permutation(data.n))
    renamed = replace(data, arms=("z", "y", "x", "w"))
    other = CombinationArms(control="z", partners=("y", "x"), combination="w")
    swapped = replace(TWO, partners=("B", "A"))
    # limits are searched to 1e-6 or so, from starts that differ
    for again in (
        ask(weeks, TWO, scale=scale, method=method, rng=rng(), draws=199),
        ask(shuffled, TWO, scale=scale, method=method, rng=rng(), draws=199),
        ask(renamed, other, scale=scale, method=method, rng=rng(), draws=199),
        ask(data, swapped, scale=scale, method=method, rng=rng(), draws=199),
    ):
        assert same(numbers(again), numbers(found), tolerance=1e-5)
        assert again.verdict == found.verdict


# --- few events ------------------------------------------------------------------------------


def test_a_cured_combination_is_censored_not_left_out() -> None:
    cured = study({**TIMES, "AB": [40.0] * 6})
    found = event_bliss(cured, TWO, rng=rng())
    assert found.estimate is not None
    assert found.estimate < -1
    assert found.upper is not None
    assert "would not be finite" in found.reason
    assert [w.arm for w in found.warnings if w.code == "no_events"] == ["AB"]
    highest = event_hsa(cured, TWO, rng=rng())
    assert highest.verdict == "synergy"
    # Cox has no estimate: Wald falls back on the penalty, and says so
    wald = event_bliss(cured, TWO, method="wald")
    assert wald.df_method == "penalized"
    assert numbers(wald) == numbers(event_bliss(cured, TWO, method="penalized"))


def test_two_arms_without_events_are_not_told_apart() -> None:
    both = study({**TIMES, "A": [40.0] * 5, "AB": [40.0] * 6})
    found = event_hsa(both, TWO, rng=rng())
    assert found.versus == "A"
    assert found.p_value == 1
    # relabelings of animals that are all alike say nothing: limits are those by t
    agent = found.single_agents[0]
    by_t = event_hsa(both, TWO, method="penalized").single_agents[0]
    assert (agent.lower, agent.upper) == pytest.approx((by_t.lower, by_t.upper), abs=1e-6)
    assert agent.lower is not None
    assert agent.upper is not None
    assert agent.lower < -3
    assert agent.upper > 3
    assert found.detectable_index is None
    assert "would not be finite" in found.reason
    # AB against B alone would have an estimate, but index and levels are of one model
    for wald in (event_bliss(both, TWO, method="wald"), event_hsa(both, TWO, method="wald")):
        assert wald.df_method == "penalized"
        assert wald.observed is not None
        assert wald.foreseen is not None
        assert wald.index == pytest.approx(wald.observed / wald.foreseen, rel=1e-6)


def test_a_median_beyond_the_study_leaves_a_bound() -> None:
    cured = study({**TIMES, "AB": [40.0] * 6})
    found = event_hsa(cured, TWO, scale="median_survival", rng=rng())
    assert (found.estimate, found.index, found.observed, found.lower) == (None, None, None, None)
    assert found.reason == "the median of 'AB' was not reached by 30"
    # every resample of AB is beyond 30, so the bound is the high percentile of A's over 30
    assert found.index_upper is not None
    assert 10 / 30 < found.index_upper <= 15 / 30
    assert found.verdict == "synergy"
    assert found.foreseen == pytest.approx(10)


def test_a_partner_whose_median_is_not_reached_leaves_nothing() -> None:
    found = event_bliss(study({**TIMES, "A": [40.0] * 6}), TWO, scale="median_survival", rng=rng())
    assert (found.estimate, found.lower, found.upper, found.p_value) == (None, None, None, None)
    assert found.reason == "the median of 'A' was not reached by 30"
    assert found.foreseen is None
    assert found.observed == pytest.approx(24)
    both = event_hsa(study({**TIMES, "A": [40.0] * 6}), TWO, scale="median_survival", rng=rng())
    assert (both.p_value, both.versus, both.verdict) == (None, None, "not_shown")


def test_a_model_of_times_bounds_a_cured_combination() -> None:
    found = event_bliss(
        study({**TIMES, "AB": [40.0] * 6}), TWO, scale="median_survival", method="weibull"
    )
    assert (found.estimate, found.lower) == (None, None)
    assert found.upper is not None
    assert found.upper < 0
    assert found.verdict == "synergy"
    assert "infinite" in found.reason


def test_fewer_than_five_animals_have_no_interval_of_medians() -> None:
    few = study({name: times[:4] for name, times in TIMES.items()})
    found = event_bliss(few, TWO, scale="median_survival", rng=rng())
    # medians 4.5, 8.5, 7.5 and 19.5
    assert found.index == pytest.approx(8.5 * 7.5 / (4.5 * 19.5))
    assert (found.lower, found.upper, found.p_value) == (None, None, None)
    assert found.reason == "4 animals are too few to resample: no limits"


def test_no_event_at_all_is_said() -> None:
    silent = study({name: [40.0] * 6 for name in TIMES})
    for row in compare_event_nulls(silent, TWO, rng=rng()):
        assert row.estimate is None
        assert row.p_value is None
        assert row.verdict == "not_shown"
        assert row.reason
    assert "no event happened" in event_bliss(silent, TWO, rng=rng()).reason


def test_as_many_animals_as_arms_have_an_estimate_and_no_test() -> None:
    one = study({"C": [1.0], "A": [3.0], "B": [2.0], "AB": [4.0]})
    found = event_bliss(one, TWO, method="penalized")
    assert found.estimate is not None
    assert (found.p_value, found.lower, found.upper) == (None, None, None)
    assert found.reason == "no more animals than arms: no test"


def test_an_event_at_once_has_no_ratio_of_medians() -> None:
    found = event_bliss(study({**TIMES, "C": [0.0] * 6}), TWO, scale="median_survival", rng=rng())
    assert (found.estimate, found.p_value) == (None, None)
    assert found.reason == "a median of 0 has no ratio"


def test_every_result_is_json() -> None:
    for times in (TIMES, {**TIMES, "AB": [40.0] * 6}, {**TIMES, "C": [0.0] * 6}):
        for row in compare_event_nulls(study(times), TWO, rng=rng(), draws=199):
            assert json.loads(json.dumps(row.to_dict(), allow_nan=False))["day"] is None


# --- verdicts --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["relabeled", "penalized", "wald", "kaplan_meier", "weibull"])
def test_verdict_limits_and_p_value_say_the_same(method: EventMethod) -> None:
    scale: EventScale = "hazard" if method in METHODS["hazard"] else "median_survival"
    source = np.random.default_rng(2)
    seen = set()
    for gain in (0.2, 1.0, 6.0) * 3:
        drawn = {
            name: (mean * source.standard_exponential(6) ** 0.3).tolist()
            for name, mean in {"C": 5, "A": 8, "B": 7, "AB": 11 * gain}.items()
        }
        found = event_bliss(
            study(drawn, end=999.0), TWO, scale=scale, method=method, rng=source, draws=399
        )
        assert found.p_value is not None
        assert (found.p_value <= 0.05 + 1e-9) == (found.verdict != "not_shown")
        if found.verdict == "synergy":
            # a limit stands on 0 where the p value is just 5 %
            assert found.upper is not None
            assert found.upper < 1e-6
        elif found.verdict == "antagonism":
            assert found.lower is not None
            assert found.lower > -1e-6
        else:
            assert found.lower is None or found.lower < 1e-6
            assert found.upper is None or found.upper > -1e-6
        seen.add(found.verdict)
    assert seen == {"synergy", "antagonism", "not_shown"}


def test_a_worse_combination_is_antagonism_for_the_highest_single_agent() -> None:
    worse = study({**TIMES, "AB": [0.5, 0.8, 1, 1.2, 1.5, 2]})
    for scale in METHODS:
        found = event_hsa(worse, TWO, scale=scale, rng=rng())
        assert found.verdict == "antagonism"
        assert found.lower is not None
        assert found.lower > 0


def test_the_detectable_index_of_relabeling_is_near_that_of_t(data: SurvivalData) -> None:
    one = event_bliss(data, TWO, rng=rng()).detectable_index
    other = event_bliss(data, TWO, method="penalized").detectable_index
    assert one is not None
    assert other is not None
    # quantiles of 999 relabelings near those of t, times a standard error of 0.9
    assert math.log(one) == pytest.approx(math.log(other), rel=0.15)


# --- designs ---------------------------------------------------------------------------------


def test_clusters_make_the_errors_robust(data: SurvivalData) -> None:
    cages = [f"{place}" for place in np.arange(data.n) // 2]
    found = event_bliss(study(TIMES, cluster=cages), TWO)
    fit = cox_fit(data.time, data.event, bliss_design(2)[data.arm], cluster=np.arange(data.n) // 2)
    assert fit.robust_standard_errors is not None
    assert found.df_method == "wald_robust"
    assert found.std_error == pytest.approx(fit.robust_standard_errors[2])
    assert found.df == 12 - 4
    told = event_bliss(study(TIMES, cluster=cages), TWO, method="penalized")
    assert [w.code for w in told.warnings] == ["clusters_not_used"]
    few = [f"{place % 4}" for place in range(data.n)]
    assert event_bliss(study(TIMES, cluster=few), TWO).reason.startswith("no more clusters")


def test_strata_have_hazards_of_their_own(
    data: SurvivalData,
) -> None:
    halves = ["a", "b", "b", "a", "b", "a", "b", "a"] * 3
    codes = np.array([half == "b" for half in halves]).astype(np.intp)
    parted = study(TIMES, strata=halves)
    found = event_bliss(parted, TWO, method="wald")
    fit = cox_fit(data.time, data.event, bliss_design(2)[data.arm], strata=codes)
    assert fit.coefficients[2] is not None
    assert found.estimate == pytest.approx(fit.coefficients[2])
    # strata that no two arms of a partner share say nothing of it
    apart = study(TIMES, strata=[*["a"] * 12, *["b"] * 12])
    assert event_bliss(apart, TWO, rng=rng()).reason.startswith("no event happened")
    medians = event_bliss(parted, TWO, scale="median_survival", rng=rng())
    assert [w.code for w in medians.warnings] == ["strata_not_used"]


def test_late_entry_counts_on_the_hazard_and_refuses_medians(data: SurvivalData) -> None:
    entry = [0.0, 1, 2] * 8
    late = study(TIMES, entry=entry)
    fit = cox_fit(data.time, data.event, bliss_design(2)[data.arm], entry=np.array(entry))
    assert event_bliss(late, TWO, method="wald").estimate == pytest.approx(fit.coefficients[2])
    assert event_bliss(late, TWO, method="relabeled", rng=rng()).p_value is not None
    for method in METHODS["median_survival"]:
        found = event_hsa(late, TWO, scale="median_survival", method=method, rng=rng())
        assert found.estimate is None
        assert found.reason == "animals came late under observation: no medians"


def test_competing_events_and_intervals_are_told(data: SurvivalData) -> None:
    event = data.event.copy()
    event[0] = False
    cause = data.cause.copy()
    cause[0] = 2
    other = replace(
        data, event=event, cause=cause, causes=("death", "toxicity"), event_time="interval"
    )
    found = event_bliss(other, TWO, method="penalized")
    assert [w.code for w in found.warnings] == ["competing_events", "interval_times"]
    assert found.warnings[0].message.startswith("1 animal with a competing event")
    # models of times take the intervals themselves
    times = event_bliss(other, TWO, scale="median_survival", method="lognormal")
    assert [w.code for w in times.warnings] == ["competing_events"]
    open_end = np.where(event, data.upper, np.inf)
    left = replace(data, event=event, cause=np.where(event, 1, 0), upper=open_end)
    censored = event_bliss(left, TWO, scale="median_survival", method="lognormal")
    assert times.estimate == pytest.approx(censored.estimate, abs=1e-9)


# --- bad input -------------------------------------------------------------------------------


def test_bad_questions_are_refused(data: SurvivalData) -> None:
    with pytest.raises(InputError, match="arm 'X'"):
        event_bliss(data, replace(TWO, combination="X"))
    with pytest.raises(InputError, match="scales of growth need a growth model"):
        event_bliss(data, TWO, scale="auc")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a scale of times to an event"):
        event_bliss(data, TWO, scale="volume")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a method of the scale hazard"):
        event_hsa(data, TWO, method="weibull")
    for level in (0.5, 1.0, math.nan):
        with pytest.raises(InputError, match=r"a level above 0\.5"):
            event_hsa(data, TWO, level=level)
    for scale in METHODS:
        with pytest.raises(InputError, match="a source of randomness"):
            event_bliss(data, TWO, scale=scale)
        with pytest.raises(InputError, match="draws or more"):
            event_bliss(data, TWO, scale=scale, rng=rng(), draws=10)


def test_an_arm_without_animals_is_refused(data: SurvivalData) -> None:
    empty = replace(data, arms=(*data.arms, "empty"))
    with pytest.raises(InputError, match="arm 'empty'"):
        event_hsa(empty, replace(TWO, partners=("A", "empty")))


def test_the_same_seed_gives_the_same_numbers(data: SurvivalData) -> None:
    one, other = (compare_event_nulls(data, TWO, rng=rng(), draws=199) for _ in range(2))
    assert [row.to_dict() for row in one] == [row.to_dict() for row in other]
    assert (
        one[0].p_value
        != compare_event_nulls(data, TWO, rng=np.random.default_rng(12), draws=199)[0].p_value
    )

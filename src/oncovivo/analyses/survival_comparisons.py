"""Comparisons of the arms of one study: tests, hazard ratios, means, medians, sensitivity.

Every function takes data whose arm 0 is the control.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.survival_result import (
    MeanContrast,
    MedianContrast,
    ProportionalRow,
    ReasonCheck,
    SurvivalOptions,
    SurvivalTest,
    Taken,
    TimeRatioRow,
)
from oncovivo.errors import DataError, InputError
from oncovivo.numerics.multiple_testing import holm
from oncovivo.survival.accelerated import arm_time_ratios
from oncovivo.survival.activity import pptc_activity
from oncovivo.survival.curves import survival_curve, survival_quantile
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.hazard_ratios import HazardRow, hazard_ratios, hazard_rows
from oncovivo.survival.interval_tests import IntervalRankTest, interval_rank_test
from oncovivo.survival.many_to_one import many_to_one
from oncovivo.survival.median_ratio import median_ratio
from oncovivo.survival.permutation import permutation_rank_test
from oncovivo.survival.proportional import arm_proportionality
from oncovivo.survival.rank_tests import RankTest, rank_test, trend_test
from oncovivo.survival.rmst import (
    RestrictedMean,
    restricted_mean_difference,
    restricted_mean_ratio,
)

__all__ = [
    "arm_hazards",
    "interval_tests",
    "label_codes",
    "mean_contrasts",
    "median_contrasts",
    "proportional_rows",
    "rank_tests",
    "reason_checks",
    "time_ratios",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


def label_codes(labels: tuple[str, ...] | None) -> IntArray | None:
    """Labels as numbers; None without any."""
    if labels is None:
        return None
    return np.asarray(np.unique(np.array(labels), return_inverse=True)[1], dtype=np.int64)


def late_entry(data: SurvivalData) -> FloatArray | None:
    """Entries, where an animal came late under observation."""
    return data.entry if (data.entry > 0).any() else None


def rank_tests(
    data: SurvivalData, options: SurvivalOptions, *, rng: np.random.Generator
) -> tuple[SurvivalTest, ...]:
    """Log-rank tests and their kin, by chi-squared and by relabeling.

    Parameters
    ----------
    data : SurvivalData
        Times that are taken as exact.
    options : SurvivalOptions
        Doses for a trend, weights of a further test, draws.
    rng : numpy.random.Generator
        Source of relabelings where not all can be looked at.

    Raises
    ------
    InputError
        If a dose names no arm, or the doses do not vary.
    """
    entry, strata = late_entry(data), label_codes(data.strata)
    within = strata is not None
    shapes = {"log_rank": (0.0, 0.0), "peto_peto": (1.0, 0.0)}
    if options.weights is not None:
        shapes["fleming_harrington"] = options.weights
    tests = []
    for name, (rho, gamma) in shapes.items():
        found = rank_test(
            data.time, data.event, data.arm, rho=rho, gamma=gamma, entry=entry, strata=strata
        )
        tests.append(_row(name, data.arms, found, stratified=within))
    if options.doses:
        scores = _scores(data.arms, options.doses)
        kept = np.isin(data.arm, list(scores))
        codes = np.searchsorted(np.array(sorted(scores)), data.arm[kept])
        found = trend_test(
            data.time[kept],
            data.event[kept],
            codes,
            np.array([scores[place] for place in sorted(scores)]),
            entry=None if entry is None else entry[kept],
            strata=None if strata is None else strata[kept],
        )
        names = tuple(data.arms[place] for place in sorted(scores))
        tests.append(_row("trend", names, found, stratified=within))
    if len(data.arms) > 2:
        tests += _pairs(data, entry, strata)
    # Relabeling is exact where leaving without event does not depend on the arm; late entry does.
    if entry is None:
        tests += _permuted(data, strata, options, rng)
    return tuple(tests)


def _row(name: str, arms: tuple[str, ...], found: RankTest, *, stratified: bool) -> SurvivalTest:
    """A rank test as a row."""
    return SurvivalTest(
        test=name,
        arms=arms if len(arms) != 2 else arms[::-1],
        statistic=found.statistic,
        df=found.df or None,
        p_value=found.p_value,
        p_adjusted=found.p_value if len(arms) == 2 else None,
        stratified=stratified,
        status=found.status,
        reason=found.reason,
    )


def _scores(arms: tuple[str, ...], doses: Mapping[str, float]) -> dict[int, float]:
    """Dose by place of the arm."""
    for name in doses:
        if name not in arms:
            expected = "an arm: " + ", ".join(arms)
            raise InputError(expected, found=repr(name), where="--dose")
    if len(set(doses.values())) < 2:
        expected = "doses of two arms or more that differ"
        raise InputError(expected, found=", ".join(doses), where="--dose")
    return {arms.index(name): dose for name, dose in doses.items()}


def _pairs(
    data: SurvivalData, entry: FloatArray | None, strata: IntArray | None
) -> list[SurvivalTest]:
    """Each arm against the control by chi-squared; p-values adjusted where times begin at 0."""
    rows = []
    joint = (
        None
        if entry is not None
        else {
            found.arm: found
            for found in many_to_one(data.time, data.event, data.arm, strata=strata).arms
        }
    )
    for place in range(1, len(data.arms)):
        pair = np.isin(data.arm, (0, place))
        found = rank_test(
            data.time[pair],
            data.event[pair],
            (data.arm[pair] == place).astype(np.int64),
            entry=None if entry is None else entry[pair],
            strata=None if strata is None else strata[pair],
        )
        arms = (data.arms[0], data.arms[place])
        row = _row("log_rank", arms, found, stratified=strata is not None)
        adjusted = None if joint is None else joint[place].p_adjusted
        rows.append(replace(row, p_adjusted=adjusted, adjustment="dunnett" if joint else ""))
    if joint is None:
        return _with_holm(rows)
    return rows


def _with_holm(rows: list[SurvivalTest]) -> list[SurvivalTest]:
    """Rows of one family with Holm's p-values."""
    known = [place for place, row in enumerate(rows) if row.p_value is not None]
    adjusted = holm(np.array([rows[place].p_value for place in known], dtype=np.float64))
    result = list(rows)
    for place, value in zip(known, adjusted.tolist(), strict=True):
        result[place] = replace(rows[place], p_adjusted=value, adjustment="holm")
    return result


def _permuted(
    data: SurvivalData,
    strata: IntArray | None,
    options: SurvivalOptions,
    rng: np.random.Generator,
) -> list[SurvivalTest]:
    """All arms together, then each against the control, by relabeling."""
    if not data.event.any():
        return []
    whole_rows: list[SurvivalTest] = []
    if len(data.arms) > 2 and strata is None:
        whole = permutation_rank_test(
            data.time, data.event, data.arm, rng=rng, draws=options.draws
        )
        whole_rows.append(
            SurvivalTest(
                test="log_rank_permutation",
                arms=data.arms,
                statistic=None,
                df=None,
                p_value=whole.p_value,
                exact=whole.exact,
                monte_carlo_error=None if whole.exact else whole.monte_carlo_error,
            )
        )
    rows = []
    for place in range(1, len(data.arms)):
        pair = np.isin(data.arm, (0, place))
        second = (data.arm[pair] == place).astype(np.int64)
        if strata is None:
            alone = permutation_rank_test(
                data.time[pair], data.event[pair], second, rng=rng, draws=options.draws
            )
            p_value, exact, error = alone.p_value, alone.exact, alone.monte_carlo_error
        else:
            pairwise = many_to_one(
                data.time[pair],
                data.event[pair],
                second,
                strata=strata[pair],
                method="permutation",
                rng=rng,
                draws=options.draws,
            )
            (one,) = pairwise.arms
            if one.p_value is None:
                continue
            p_value, exact, error = one.p_value, pairwise.exact, one.monte_carlo_error
        rows.append(
            SurvivalTest(
                test="log_rank_permutation",
                arms=(data.arms[place], data.arms[0]),
                statistic=None,
                df=None,
                p_value=p_value,
                p_adjusted=p_value if len(data.arms) == 2 else None,
                exact=exact,
                monte_carlo_error=None if exact else error,
                stratified=strata is not None,
            )
        )
    # Relabeling all arms at once would hold the error only if no arm differed from any other.
    return [*whole_rows, *(rows if len(data.arms) == 2 else _with_holm(rows))]


def interval_tests(
    data: SurvivalData, options: SurvivalOptions, *, rng: np.random.Generator
) -> tuple[SurvivalTest, ...]:
    """Log-rank tests of times that are known to a bracket of visits.

    Parameters
    ----------
    data : SurvivalData
        With intervals.
    options : SurvivalOptions
        Doses for a trend, draws.
    rng : numpy.random.Generator
        Source of relabelings where not all can be looked at.

    Raises
    ------
    InputError
        If a dose names no arm, the doses do not vary, or weights are asked for.
    """
    if options.weights is not None:
        raise InputError(
            "times taken as exact for --weights",
            found="tests by interval",
            mend="add --event-time visit or interpolated",
        )
    whole = interval_rank_test(
        data.lower, data.upper, data.arm, permutation=True, rng=rng, draws=options.draws
    )
    tests = list(_interval_rows("interval_log_rank", data.arms, whole))
    if options.doses:
        scores = _scores(data.arms, options.doses)
        kept = np.isin(data.arm, list(scores))
        codes = np.searchsorted(np.array(sorted(scores)), data.arm[kept])
        trend = interval_rank_test(
            data.lower[kept],
            data.upper[kept],
            codes,
            dose=np.array([scores[place] for place in sorted(scores)]),
            permutation=True,
            rng=rng,
            draws=options.draws,
        )
        names = tuple(data.arms[place] for place in sorted(scores))
        tests += _interval_rows("interval_trend", names, trend)
    if len(data.arms) == 2:
        return tuple(tests)
    pairs = []
    for place in range(1, len(data.arms)):
        pair = np.isin(data.arm, (0, place))
        found = interval_rank_test(
            data.lower[pair],
            data.upper[pair],
            (data.arm[pair] == place).astype(np.int64),
            permutation=True,
            rng=rng,
            draws=options.draws,
        )
        arms = (data.arms[0], data.arms[place])
        pairs.append(_interval_rows("interval_log_rank", arms, found))
    for rows in zip(*pairs, strict=True):
        tests += _with_holm([replace(row, p_adjusted=None) for row in rows])
    return tuple(tests)


def _interval_rows(
    name: str, arms: tuple[str, ...], found: IntervalRankTest
) -> tuple[SurvivalTest, SurvivalTest]:
    """An interval-censored test by chi-squared and by relabeling."""
    two = len(arms) == 2
    shown = arms[::-1] if two else arms
    return (
        SurvivalTest(
            test=name,
            arms=shown,
            statistic=found.statistic,
            df=found.df or None,
            p_value=found.p_asymptotic,
            p_adjusted=found.p_asymptotic if two else None,
            status=found.status,
            reason=found.reason,
        ),
        SurvivalTest(
            test=f"{name}_permutation",
            arms=shown,
            statistic=None,
            df=None,
            p_value=found.p_value,
            p_adjusted=found.p_value if two else None,
            exact=found.exact,
            monte_carlo_error=None if found.exact else found.monte_carlo_error,
            status=found.status,
            reason=found.reason,
        ),
    )


def arm_hazards(data: SurvivalData, *, level: float) -> tuple[HazardRow, ...]:
    """Hazard ratios against the control, within strata and with clusters where there are any."""
    found = hazard_ratios(
        data.time,
        data.event,
        data.arm,
        entry=late_entry(data),
        strata=label_codes(data.strata),
        cluster=label_codes(data.cluster),
        level=level,
    )
    return hazard_rows(found, data.arms)


def proportional_rows(data: SurvivalData) -> tuple[ProportionalRow, ...]:
    """Whether hazard ratios are constant: of each arm, and of all together."""
    try:
        found = arm_proportionality(
            data.time,
            data.event,
            data.arm,
            entry=late_entry(data),
            strata=label_codes(data.strata),
            names=data.arms[1:],
        )
    except DataError as err:
        return tuple(
            ProportionalRow(
                arm=arm,
                statistic=None,
                df=0,
                p_value=None,
                status="not_estimable",
                reason=err.found or str(err),
            )
            for arm in data.arms[1:]
        )
    terms = [*zip(data.arms[1:], found.terms, strict=True)]
    together = [(None, found.overall)] if len(terms) > 1 else []
    return tuple(
        ProportionalRow(
            arm=arm,
            statistic=term.statistic,
            df=term.df,
            p_value=term.p_value,
            status=term.status,
            reason=term.reason,
        )
        for arm, term in (*terms, *together)
    )


def mean_contrasts(data: SurvivalData, means: list[RestrictedMean]) -> tuple[MeanContrast, ...]:
    """Restricted means of the arms against the control's."""
    return tuple(
        MeanContrast(
            arm=data.arms[place],
            versus=data.arms[0],
            difference=restricted_mean_difference(means[place], means[0]),
            ratio=restricted_mean_ratio(means[place], means[0]),
        )
        for place in range(1, len(data.arms))
    )


def median_contrasts(
    data: SurvivalData,
    *,
    level: float,
    rng: np.random.Generator,
    final_ratio: FloatArray | None = None,
    toxic: BoolArray | None = None,
) -> tuple[MedianContrast, ...]:
    """Ratio and difference of medians; the activity call where there are final volumes.

    Parameters
    ----------
    data : SurvivalData
        Exact times, from 0 on.
    level : float
        Confidence of the limits.
    rng : numpy.random.Generator
        Source of resamples.
    final_ratio : ndarray, shape (n,), optional
        Last volume over baseline of each animal.
    toxic : ndarray of bool, shape (n,), optional
        Animals that died of the treatment.
    """
    rows = []
    for place in range(1, len(data.arms)):
        found = median_ratio(
            data.time, data.event, data.arm, arm=place, control=0, rng=rng, level=level
        )
        activity = (
            None
            if final_ratio is None
            else pptc_activity(
                data.time,
                data.event,
                data.arm,
                final_ratio,
                arm=place,
                control=0,
                rng=rng,
                toxic=toxic,
                level=level,
            )
        )
        rows.append(
            MedianContrast(
                arm=data.arms[place], versus=data.arms[0], found=found, activity=activity
            )
        )
    return tuple(rows)


def time_ratios(data: SurvivalData, *, level: float) -> tuple[TimeRatioRow, ...]:
    """Weibull time ratios of interval-censored times.

    An event between the baseline and the first visit has a lower end of 0; one at the baseline
    itself has no logarithm and cannot enter.

    Raises
    ------
    DataError
        If an animal's event is at its baseline.
    """
    found = arm_time_ratios(data.lower, data.upper, data.arm, distribution="weibull", level=level)
    return tuple(
        TimeRatioRow(arm=data.arms[row.group], versus=data.arms[row.versus], found=row)
        for row in found
    )


def reason_checks(data: SurvivalData, *, level: float) -> tuple[ReasonCheck, ...]:
    """The comparisons when leaving before the event counts otherwise; empty where nobody left.

    Parameters
    ----------
    data : SurvivalData
        Exact times, with the causes of those who left.
    level : float
        Confidence of the hazard ratios.
    """
    reasons = {rule.reason for rule in data.reasons}
    of_reason = np.array(
        [place > 0 and data.causes[place - 1] in reasons for place in data.cause.tolist()]
    )
    stated: dict[Taken, BoolArray] = {"as stated": data.event}
    if data.competing.any():
        stated["competing as events"] = data.event | data.competing
    # Where leaving is the event itself, as for survival, taking it away would leave nothing.
    if (data.event & of_reason).any() and (data.event & ~of_reason).any():
        stated["leavers as censored"] = data.event & ~of_reason
    if len(stated) == 1:
        return ()
    rows = []
    entry, strata = late_entry(data), label_codes(data.strata)
    for taken, event in stated.items():
        changed = int((event != data.event).sum())
        ratios = hazard_ratios(
            data.time, event, data.arm, entry=entry, strata=strata, level=level, limits=False
        )
        for place, ratio in zip(range(1, len(data.arms)), ratios, strict=True):
            mine, pair = data.arm == place, np.isin(data.arm, (0, place))
            curve = survival_curve(
                data.time[mine],
                event[mine],
                entry=None if entry is None else entry[mine],
                level=level,
            )
            test = rank_test(
                data.time[pair],
                event[pair],
                (data.arm[pair] == place).astype(np.int64),
                entry=None if entry is None else entry[pair],
                strata=None if strata is None else strata[pair],
            )
            rows.append(
                ReasonCheck(
                    taken=taken,
                    arm=data.arms[place],
                    versus=data.arms[0],
                    events=int(event[mine].sum()),
                    changed=changed,
                    median=survival_quantile(curve).estimate,
                    hazard_ratio=ratio.hazard_ratio,
                    p_value=test.p_value,
                )
            )
    return tuple(rows)

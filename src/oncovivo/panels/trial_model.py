"""Mixed model of a mouse clinical trial: lines and treatments within lines are random.

Growth rates of animals have a mean for each arm (and subgroup of lines), a deviation of the line,
one of the treatment within the line, and, where lines have several animals under a treatment, one
of the animal. Lines are the units: the standard error of an effect rests on how much it differs
from line to line, and another animal of the same line does not stand for another patient.

References
----------
Guo S et al. BMC Cancer 2019;19:718 (linear mixed models of mouse clinical trials). Kenward MG,
Roger JH. Biometrics 1997;53:983-997. Robinson GK. Stat Sci 1991;6:15-32 (predictions).
Higgins JPT et al. J R Stat Soc A 2009;172:137-159 (prediction interval).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.satterthwaite import Satterthwaite
from oncovivo.panels.trial_reml import Component, SlopeFit, fit_slopes
from oncovivo.panels.trial_result import (
    Heterogeneity,
    LineEffect,
    SubgroupTest,
    TrialEffect,
    TrialFit,
    TrialStatus,
    TrialVariance,
)

if TYPE_CHECKING:
    from oncovivo.panels.trial_data import TrialData

__all__ = ["LEAST_REPLICATES", "fit_trial"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# Animals beyond the first of their line × arm, below which animals have no variance of their own.
LEAST_REPLICATES: Final = 10
# Of the chi-squared interval of a spread; below, its ends are without meaning.
_LEAST_SPREAD_DF: Final = 1.0
_CONFOUNDED: Final = (
    "one animal of nearly every line and arm: differences among animals count as differences "
    "among lines, so the spread among lines is an upper bound"
)
_ONE_LINE: Final = "one line: its spread is taken from the other lines"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Means:
    """Mean rates of the model: one for each group × arm with animals.

    Parameters
    ----------
    groups : tuple of str or None
        Subgroups; one None without.
    of_line : ndarray of int
        Number of each line's group.
    column : ndarray of int, shape (groups, arms)
        Coefficient of each; -1 without animals.
    x : ndarray, shape (n, p)
        Design.
    """

    groups: tuple[str | None, ...]
    of_line: IntArray
    column: IntArray
    x: FloatArray

    def contrast(self, group: int, arm: int) -> FloatArray | None:
        """Weights of an effect; None where one of its two rates does not exist."""
        treated, control = self.column[group, arm], self.column[group, 0]
        if treated < 0 or control < 0:
            return None
        weights = np.zeros(self.x.shape[1])
        weights[treated], weights[control] = 1.0, -1.0
        return weights


def fit_trial(
    data: TrialData,
    *,
    groups: Sequence[str] | None = None,
    components: tuple[Component, ...] | None = None,
    likelihood: Literal["REML", "ML"] = "REML",
    level: float = 0.95,
) -> TrialFit:
    """Effects of treatments on the growth rate, over lines and in each.

    Parameters
    ----------
    data : TrialData
        From :func:`oncovivo.panels.trial_data`.
    groups : sequence of str, optional
        Subgroup of each line of `data`, in their order; lines with an empty one are left out.
    components : tuple of {"line", "line_treatment", "animal"}, optional
        What varies beside the readings. Without it ``line`` and ``line_treatment``, and ``animal``
        where at least 10 animals are not the first of their line and arm.
    likelihood : {"REML", "ML"}
        What is maximized. Intervals are Kenward-Roger's with REML; with ML they are
        Satterthwaite's and meant for comparing log-likelihoods of means only.
    level : float
        Of intervals.

    Raises
    ------
    InputError
        If groups do not match the lines, or a choice is unknown.
    DataError
        If fewer than two lines are left, or animals are fewer than mean rates.

    Examples
    --------
    Three lines, each with one animal under a control and one under a drug.

    >>> import pandas as pd
    >>> from oncovivo.panels import Panel, trial_data
    >>> rates = {"L1": (0.10, 0.04), "L2": (0.08, 0.03), "L3": (0.12, 0.05)}
    >>> rows = [
    ...     (model, f"{model}{arm}", arm, day, 200 * 2.718281828 ** (rate * day) * wobble)
    ...     for model, pair in rates.items()
    ...     for arm, rate in zip(("none", "drug"), pair)
    ...     for day, wobble in ((0, 1.0), (5, 1.02), (10, 0.97), (15, 1.01))
    ... ]
    >>> names = ["model", "animal_id", "treatment", "day", "volume_mm3"]
    >>> frame = pd.DataFrame(rows, columns=names)
    >>> data = trial_data(Panel.from_frame(frame), control="none", treatments=["drug"])
    >>> effect = fit_trial(data).effects[0]
    >>> round(effect.estimate, 3), effect.n_lines
    (-0.06, 3)
    """
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    data, labels = _grouped(data, groups)
    means = _means(data, labels)
    chosen, confounded = _components(data, components)
    fit = fit_slopes(data, means.x, chosen, likelihood=likelihood)
    inference = _inference(fit)
    notes = list(data.notes)
    if confounded:
        notes.append(_CONFOUNDED)
    if not fit.converged:
        notes.append("the search for the variances did not arrive")
    effects: list[TrialEffect] = []
    spreads: list[Heterogeneity] = []
    tests: list[SubgroupTest] = []
    lines: list[LineEffect] = []
    for arm, treatment in enumerate(data.arms[1:], start=1):
        own: list[tuple[int, FloatArray, int]] = []
        for group, name in enumerate(means.groups):
            weights = means.contrast(group, arm)
            both = data.lines_with(0, arm) & (means.of_line == group)
            effect = _effect(
                data, fit, inference, means, (group, arm), weights, int(both.sum()), level
            )
            effects.append(effect)
            spreads.append(_spread(fit, effect, confounded=confounded, level=level))
            if weights is None:
                continue
            own.append((group, weights, effect.n_lines))
            lines.extend(
                _line_effect(data, fit, line, arm, weights, name, effect.df, level)
                for line in np.flatnonzero(both).tolist()
            )
        if groups is not None:
            tests.append(_subgroup_test(treatment, means, own, fit, inference, level))
    names: tuple[Literal["line", "line_treatment", "animal", "reading"], ...]
    names = (*fit.components, "reading")
    return TrialFit(
        control=data.arms[0],
        treatments=data.arms[1:],
        baseline=data.baseline,
        likelihood=likelihood,
        log_likelihood=fit.log_likelihood,
        n_lines=len(data.lines),
        n_animals=data.n,
        n_readings=int(data.n_readings.sum()),
        method=inference.method,
        level=level,
        effects=tuple(effects),
        heterogeneity=tuple(spreads),
        subgroup_tests=tuple(tests),
        line_effects=tuple(sorted(lines, key=lambda row: (row.treatment, row.line))),
        variances=tuple(
            TrialVariance(component=name, variance=float(value), sd=math.sqrt(float(value)))
            for name, value in zip(names, fit.theta, strict=True)
        ),
        converged=fit.converged,
        simulated=data.simulated,
        notes=tuple(notes),
    )


def _grouped(
    data: TrialData, groups: Sequence[str] | None
) -> tuple[TrialData, tuple[str, ...] | None]:
    """The lines that have a group, and their groups."""
    if groups is None:
        return data, None
    if len(groups) != len(data.lines):
        expected = f"a group for each of {len(data.lines)} lines"
        raise InputError(expected, found=f"{len(groups)}")
    known = np.array([bool(name) for name in groups])
    if not known.all():
        count = int((~known).sum())
        verb = "line without group left out" if count == 1 else "lines without group left out"
        data = data.of_lines(known, note=f"{count} {verb}")
    return data, tuple(name for name in groups if name)


def _components(
    data: TrialData, asked: tuple[Component, ...] | None
) -> tuple[tuple[Component, ...], bool]:
    """What varies, and whether animals and treatments within lines are one."""
    if asked is not None:
        known = ("line", "line_treatment", "animal")
        if not asked or any(name not in known or asked.count(name) > 1 for name in asked):
            raise InputError("components, each once: " + ", ".join(known), found=repr(asked))
        return asked, ("animal" in asked) != ("line_treatment" in asked)
    if data.replicates >= LEAST_REPLICATES:
        return ("line", "line_treatment", "animal"), False
    return ("line", "line_treatment"), True


def _means(data: TrialData, labels: tuple[str, ...] | None) -> _Means:
    groups: tuple[str | None, ...] = (None,)
    of_line = np.zeros(len(data.lines), dtype=np.intp)
    if labels is not None:
        groups = tuple(sorted(set(labels)))
        of_line = np.array([groups.index(name) for name in labels], dtype=np.intp)
    cell = of_line[data.line] * len(data.arms) + data.arm
    present, place = np.unique(cell, return_inverse=True)
    column = np.full(len(groups) * len(data.arms), -1, dtype=np.intp)
    column[present] = np.arange(present.size)
    return _Means(
        groups=groups,
        of_line=of_line,
        column=column.reshape(len(groups), len(data.arms)),
        x=np.eye(present.size)[place],
    )


def _inference(fit: SlopeFit) -> KenwardRoger | Satterthwaite:
    if fit.likelihood == "REML":
        return KenwardRoger(fit.derivatives)
    return Satterthwaite(fit.derivatives, fit.derivatives.information)


def _effect(
    data: TrialData,
    fit: SlopeFit,
    inference: KenwardRoger | Satterthwaite,
    means: _Means,
    place: tuple[int, int],
    weights: FloatArray | None,
    n_lines: int,
    level: float,
) -> TrialEffect:
    group, arm = place
    treatment, name = data.arms[arm], means.groups[group]
    rates = [
        float(fit.coefficients[column]) if column >= 0 else None
        for column in (means.column[group, 0], means.column[group, arm])
    ]
    inside = (means.of_line == group)[data.line] & np.isin(data.arm, (0, arm))
    if weights is None or n_lines == 0:
        return TrialEffect(
            treatment=treatment,
            group=name,
            n_lines=0,
            n_animals=int(inside.sum()),
            control_rate=rates[0],
            treated_rate=rates[1],
            **dict.fromkeys(("estimate", "std_error", "df", "lower", "upper", "p_value")),
            status="not_estimable",
            reason=f"no line with animals both under {data.arms[0]} and under {treatment}",
        )
    estimate, error, df = _answer(weights, fit, inference)
    half = float(special.stdtrit(df, 0.5 + level / 2)) * error
    alone = n_lines == 1
    status: TrialStatus = "flagged" if alone else "ok"
    return TrialEffect(
        treatment=treatment,
        group=name,
        n_lines=n_lines,
        n_animals=int(inside.sum()),
        control_rate=rates[0],
        treated_rate=rates[1],
        estimate=estimate,
        std_error=error,
        df=df,
        lower=estimate - half,
        upper=estimate + half,
        p_value=float(2 * special.stdtr(df, -abs(estimate / error))),
        status=status,
        reason=_ONE_LINE if alone else "",
    )


def _answer(
    weights: FloatArray, fit: SlopeFit, inference: KenwardRoger | Satterthwaite
) -> tuple[float, float, float]:
    """Estimate, standard error and degrees of freedom of a question."""
    error = math.sqrt(float(weights @ inference.covariance @ weights))
    df = float(inference.df(weights[None])[0])
    return float(weights @ fit.coefficients), error, df


def _spread(
    fit: SlopeFit, effect: TrialEffect, *, confounded: bool, level: float
) -> Heterogeneity:
    """Spread of the effect among lines; two deviations enter each line's difference."""
    place = _spread_place(fit)
    variance = 0.0 if place is None else float(fit.theta[place])
    sd = math.sqrt(2.0 * variance)
    lower = upper = None
    if place is not None and variance > 0:
        inverse = np.linalg.pinv(fit.derivatives.information, hermitian=True)
        df = 2.0 * variance**2 / float(inverse[place, place])
        tail = (1 - level) / 2
        # With next to no degrees of freedom the data bound the spread on neither side.
        far, near = (float(special.chdtri(df, part)) for part in (tail, 1 - tail))
        if df >= _LEAST_SPREAD_DF and near > 0:
            lower, upper = sd * math.sqrt(df / far), sd * math.sqrt(df / near)
    low = high = share = None
    if effect.estimate is not None and effect.std_error is not None and effect.n_lines > 2:
        total = math.hypot(effect.std_error, sd)
        half = float(special.stdtrit(effect.n_lines - 2, 0.5 + level / 2)) * total
        low, high = effect.estimate - half, effect.estimate + half
        share = float(special.ndtr(-effect.estimate / sd)) if sd > 0 else None
    status: TrialStatus = "flagged" if confounded else "ok"
    reason = _CONFOUNDED if confounded else ""
    if low is None:
        status, reason = "not_estimable", "fewer than three lines: no prediction for a new one"
    return Heterogeneity(
        treatment=effect.treatment,
        group=effect.group,
        sd=sd,
        lower=lower,
        upper=upper,
        prediction_lower=low,
        prediction_upper=high,
        share_slower=share,
        status=status,
        reason=reason,
    )


def _spread_place(fit: SlopeFit) -> int | None:
    """Which variance stands for the differences of an effect among lines."""
    for name in ("line_treatment", "animal"):
        for place, component in enumerate(fit.components):
            if component == name:
                return place
    return None


def _line_effect(
    data: TrialData,
    fit: SlopeFit,
    line: int,
    arm: int,
    weights: FloatArray,
    group: str | None,
    df: float | None,
    level: float,
) -> LineEffect:
    """Own and predicted effect of a line.

    With u the deviations of treatments within the line, c = cov(u_treated - u_control, rates):
    the prediction is w'b + c'V^-1(y - Xb), its error variance 2 var(u) - c'V^-1 c + d'Phi d with
    d = w - X'V^-1 c.
    """
    rows, present = fit.blocks.rows[line], fit.blocks.present[line]
    variance = fit.variance("line_treatment")
    its_arm = np.where(present, data.arm[rows], -1)
    tie = variance * ((its_arm == arm).astype(np.float64) - (its_arm == 0))
    moved = weights - fit.weighted_x[line].T @ tie
    shrunken = float(weights @ fit.coefficients + tie @ fit.weighted_residual[line])
    left = 2 * variance - float(tie @ fit.inverse[line] @ tie)
    error = math.sqrt(max(left, 0.0) + float(moved @ fit.derivatives.covariance @ moved))
    half = float(special.stdtrit(df or math.inf, 0.5 + level / 2)) * error
    mean, spread, count = [0.0, 0.0], [0.0, 0.0], [0, 0]
    for place, number in enumerate((0, arm)):
        own = rows[its_arm == number]
        precision = 1.0 / (fit.variance("animal") + fit.theta[-1] / data.information[own])
        mean[place] = float(precision @ data.rate[own] / precision.sum())
        spread[place] = float(1.0 / precision.sum())
        count[place] = int(own.size)
    return LineEffect(
        line=data.lines[line],
        tumor_type=data.tumor_types[line],
        group=group,
        treatment=data.arms[arm],
        n_control=count[0],
        n_treated=count[1],
        raw=mean[1] - mean[0],
        raw_std_error=math.sqrt(spread[0] + spread[1]),
        shrunken=shrunken,
        prediction_error=error,
        lower=shrunken - half,
        upper=shrunken + half,
    )


def _subgroup_test(
    treatment: str,
    means: _Means,
    own: list[tuple[int, FloatArray, int]],
    fit: SlopeFit,
    inference: KenwardRoger | Satterthwaite,
    level: float,
) -> SubgroupTest:
    """F test that the effect is the same in all groups."""
    own = [part for part in own if part[2] > 0]
    names = tuple(str(means.groups[group]) for group, _, _ in own)
    counts = tuple(count for _, _, count in own)
    if len(own) < 2:
        return SubgroupTest(
            treatment=treatment,
            groups=names,
            n_lines=counts,
            **dict.fromkeys(
                (
                    "difference",
                    "std_error",
                    "lower",
                    "upper",
                    "statistic",
                    "df_numerator",
                    "df_denominator",
                    "p_value",
                )
            ),
            status="not_estimable",
            reason="fewer than two groups have lines with animals in both arms",
        )
    rows = np.array([weights - own[0][1] for _, weights, _ in own[1:]])
    test = inference.f_test(rows, fit.coefficients)
    difference = error = lower = upper = None
    if len(own) == 2:
        difference, error, df = _answer(rows[0], fit, inference)
        half = float(special.stdtrit(df, 0.5 + level / 2)) * error
        lower, upper = difference - half, difference + half
    few = [name for name, count in zip(names, counts, strict=True) if count < 2]
    return SubgroupTest(
        treatment=treatment,
        groups=names,
        n_lines=counts,
        difference=difference,
        std_error=error,
        lower=lower,
        upper=upper,
        statistic=test.statistic,
        df_numerator=test.df_numerator,
        df_denominator=test.df_denominator,
        p_value=test.p_value,
        status="flagged" if few else "ok",
        reason=f"one line only: {', '.join(few)}" if few else "",
    )

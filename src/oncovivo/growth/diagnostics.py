"""Whether a fitted growth model suits its data: residuals, and what to try where it does not.

No test here is a gate. Each points at a picture to look at or a model to fit beside the first, and
the first analysis stays the one that was planned. Readings are listed, never left out.

References
----------
Haslett J, Haslett SJ. Int Stat Rev 2007;75:1 (residuals of a model with correlated errors).
Brown MB, Forsythe AB. J Am Stat Assoc 1974;69:364; Fligner MA, Killeen TJ. J Am Stat Assoc
1976;71:210 (spread of groups). Shapiro SS, Wilk MB. Biometrika 1965;52:591.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.growth.covariance import cluster_numbers
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.law_choice import log_linearity_test
from oncovivo.growth.likelihood_ratio import LikelihoodRatio, likelihood_ratio_test
from oncovivo.growth.model import Residual

__all__ = [
    "Check",
    "Finding",
    "GrowthDiagnostics",
    "Outlier",
    "Quantiles",
    "Residuals",
    "diagnose",
    "residuals",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

CheckName: TypeAlias = Literal["spread_by_arm", "autocorrelation", "log_linearity"]

OUTLYING: Final = 3.5
RESIDUAL_QUANTILES: Final = "standardized residuals"
CENSORED: Final = "readings below the limit have no residual, and the others are a selection"
# Limits of the sample size of the Shapiro-Wilk test.
_SHAPIRO: Final = (3, 5000)
_FEWEST_OF_AN_ARM: Final = 2
# More readings than this are counted instead of named; a smaller p value is not spelled out.
_FEW: Final = 5
_TINY: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Residuals:
    """Residuals of the m readings that entered a fit; NaN where there is none.

    Parameters
    ----------
    animal, arm : ndarray of int, shape (m,)
        Numbers in the data of each reading's animal and arm.
    day : ndarray, shape (m,)
        Study day.
    fitted : ndarray, shape (m,)
        Conditional means: each animal's own curve.
    marginal : ndarray, shape (m,)
        Outcome less the group curve.
    conditional : ndarray, shape (m,)
        Outcome less the animal's own curve.
    standardized : ndarray, shape (m,)
        Conditional, over the residual standard deviation; with a residual correlation, made
        independent by its Cholesky factor in the order of time. What nlme calls normalized.
    normalized : ndarray, shape (m,)
        Marginal, made independent by the Cholesky factor of the covariance in the order of
        animals and time: how far a reading lies from what the animal's earlier ones predict, in
        standard deviations.
    deletion : ndarray, shape (m,)
        How far a reading lies from what all other readings predict, in standard deviations.
    """

    animal: IntArray
    arm: IntArray
    day: FloatArray
    fitted: FloatArray
    marginal: FloatArray
    conditional: FloatArray
    standardized: FloatArray
    normalized: FloatArray
    deletion: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Ordered values beside those of a normal distribution.

    Parameters
    ----------
    name : str
        What the values are.
    theoretical, observed : tuple of float
        Normal quantiles at (i - 1/2) / n, and the values, both rising.
    statistic, p_value : float or None
        Shapiro-Wilk test, to read the picture by; None with fewer than 3 or more than 5000 values.
    """

    name: str
    theoretical: tuple[float, ...]
    observed: tuple[float, ...]
    statistic: float | None
    p_value: float | None

    @property
    def spread(self) -> float:
        """Root mean square of the values; 1 where all are zero."""
        return float(np.sqrt(np.mean(np.square(self.observed)))) or 1.0

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


# Distances from a median that differ by less are rounding.
_SAME_DISTANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look at a fit.

    Parameters
    ----------
    name : {"spread_by_arm", "autocorrelation", "log_linearity"}
        What was looked at.
    estimate : float or None
        Largest over smallest residual standard deviation of the arms; correlation of consecutive
        normalized residuals; None for bends, of which there is one for each arm.
    statistic, p_value : float or None
        Likelihood-ratio test against the model with a variance for each arm, or a residual
        correlation; F test of bends.
    reason : str
        Why a number is missing.
    """

    name: CheckName
    estimate: float | None
    statistic: float | None
    p_value: float | None
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """A reading far from what all other readings predict.

    Parameters
    ----------
    animal_id, arm : str
        Animal and arm.
    day : float
        Study day.
    size : float
        What was measured.
    residual : float
        Deletion residual, standard deviations.
    p_adjusted : float
        Two-sided normal p value times the number of readings, at most 1.
    """

    animal_id: str
    arm: str
    day: float
    size: float
    residual: float
    p_adjusted: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a reader of the fit should know, and what to try.

    Parameters
    ----------
    code : str
        Stable name.
    message, remedy : str
        One line each.
    """

    code: str
    message: str
    remedy: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthDiagnostics:
    """How a fitted model suits its data.

    Parameters
    ----------
    study_id : str
        Study.
    level : float
        Error of each check, below which it is a finding.
    arms, animal_ids : tuple of str
        Names behind the numbers of the residuals.
    residuals : Residuals
        Of every reading.
    quantiles : tuple of Quantiles
        Of the standardized residuals and of the predicted random effects.
    spread_by_arm : mapping of str to (float or None)
        Standard deviation of the standardized residuals by arm; 1 where the model holds, a little
        less because animals' curves follow their readings.
    levene_p, fligner_p : float or None
        Tests of the same spread in all arms, as graphics' help: they take residuals for
        independent.
    checks : tuple of Check
        Spread by arm, autocorrelation, log-linearity.
    outliers : tuple of Outlier
        Readings whose deletion residual is beyond 3.5, the largest first.
    findings : tuple of Finding
        What to know.
    """

    study_id: str
    level: float
    arms: tuple[str, ...]
    animal_ids: tuple[str, ...]
    residuals: Residuals
    quantiles: tuple[Quantiles, ...]
    spread_by_arm: dict[str, float | None]
    levene_p: float | None
    fligner_p: float | None
    checks: tuple[Check, ...]
    outliers: tuple[Outlier, ...]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """What to make of it, in a few sentences."""
        if not self.findings:
            return "nothing speaks against the model"
        return "; ".join(f"{found.message}: {found.remedy}" for found in self.findings)

    def check(self, name: str) -> Check:
        """A check by name.

        Raises
        ------
        InputError
            If there is none.
        """
        for found in self.checks:
            if found.name == name:
                return found
        expected = "a check: " + ", ".join(found.name for found in self.checks)
        raise InputError(expected, found=repr(name))

    def to_dict(self) -> dict[str, object]:
        """Everything but the quantiles' points, ready for JSON."""
        known = self.residuals
        columns = {
            "fitted": known.fitted,
            "marginal": known.marginal,
            "conditional": known.conditional,
            "standardized": known.standardized,
            "normalized": known.normalized,
            "deletion": known.deletion,
        }
        return {
            "study_id": self.study_id,
            "level": self.level,
            "residuals": [
                {
                    "animal_id": self.animal_ids[animal],
                    "arm": self.arms[arm],
                    "day": float(known.day[row]),
                    **{name: _finite(values[row]) for name, values in columns.items()},
                }
                for row, (animal, arm) in enumerate(
                    zip(known.animal.tolist(), known.arm.tolist(), strict=True)
                )
            ],
            "normality": [
                {"name": own.name, "statistic": own.statistic, "p_value": own.p_value}
                for own in self.quantiles
            ],
            "spread_by_arm": dict(self.spread_by_arm),
            "levene_p": self.levene_p,
            "fligner_p": self.fligner_p,
            "checks": [check.to_dict() for check in self.checks],
            "outliers": [outlier.to_dict() for outlier in self.outliers],
            "findings": [finding.to_dict() for finding in self.findings],
            "verdict": self.verdict,
        }


def diagnose(fit: GrowthFit, *, level: float = 0.01, refit: bool = True) -> GrowthDiagnostics:
    """Look at the residuals of a fit, and hold it against models that relax an assumption.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    level : float
        Error of each check; there are several, so it is smaller than that of the analysis.
    refit : bool
        Whether larger models are fitted for the likelihood-ratio tests and the test of bends;
        the one with a residual correlation takes most of the time.

    Raises
    ------
    InputError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02], 4)
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 12 + ["drug"] * 12,
    ...     animal_id=[f"m{i // 4}" for i in range(24)],
    ...     time=(day := np.tile([0.0, 3.0, 6.0, 9.0], 6)),
    ...     log_size=5 + np.repeat([0.1, 0.05], 12) * day + wobble,
    ... )
    >>> diagnose(fit_growth(data), refit=False).outliers
    ()
    """
    # Here and not above: scipy.stats takes half a second to import.
    from scipy import stats

    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")
    known = residuals(fit)
    groups = [known.standardized[known.arm == arm] for arm in range(len(fit.data.arms))]
    groups = [group[np.isfinite(group)] for group in groups]
    spread = {
        name: float(group.std()) if group.size >= _FEWEST_OF_AN_ARM else None
        for name, group in zip(fit.data.arms, groups, strict=True)
    }
    full = [group for group in groups if group.size >= _FEWEST_OF_AN_ARM and np.ptp(group) > 0]
    # Two readings a group lie equally far from their median, whatever the spread.
    comparable = len(full) > 1 and any(
        np.ptp(np.abs(group - np.median(group))) > _SAME_DISTANCE for group in full
    )
    checks = (
        _spread_check(fit, spread, refit=refit),
        _autocorrelation(fit, known, refit=refit),
        _log_linearity(fit, level, refit=refit),
    )
    quantiles = _all_quantiles(fit, known)
    outliers = _outliers(fit, known)
    return GrowthDiagnostics(
        study_id=fit.data.study_id,
        level=level,
        arms=fit.data.arms,
        animal_ids=fit.data.animal_ids,
        residuals=known,
        quantiles=quantiles,
        spread_by_arm=spread,
        levene_p=float(stats.levene(*full, center="median").pvalue) if comparable else None,
        fligner_p=float(stats.fligner(*full, center="median").pvalue) if comparable else None,
        checks=checks,
        outliers=outliers,
        findings=tuple(_findings(fit, checks, quantiles, outliers, spread, level)),
    )


def residuals(fit: GrowthFit) -> Residuals:
    """Residuals of every reading that entered a fit.

    Readings below the limit that entered as censored have none, and where there are some the
    others have no standardized, normalized and deletion residuals either.
    """
    problem, rows, data = fit.problem, fit.terms.rows, fit.data
    own = fit.fitted()
    marginal = problem.y - problem.x @ fit.coefficients
    conditional = problem.y - own
    nothing = np.full(problem.y.size, np.nan)
    standardized, normalized, deletion = nothing, nothing, nothing
    if fit.n_censored:
        censored = data.below_limit[rows]
        marginal = np.where(censored, np.nan, marginal)
        conditional = np.where(censored, np.nan, conditional)
    else:
        standardized, normalized, deletion = _scaled(fit, marginal, conditional)
    return Residuals(
        animal=data.animal[rows],
        arm=data.arm[data.animal[rows]],
        day=data.day[rows],
        fitted=own,
        marginal=marginal,
        conditional=conditional,
        standardized=standardized,
        normalized=normalized,
        deletion=deletion,
    )


def _scaled(
    fit: GrowthFit, marginal: FloatArray, conditional: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Standardized, normalized and deletion residuals, cluster by cluster."""
    problem = fit.problem
    cluster = cluster_numbers(problem)[problem.animal]
    order = np.lexsort((problem.time, problem.animal, cluster))
    parts = np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)
    standardized, normalized = np.empty(marginal.size), np.empty(marginal.size)
    pulled, weight = np.empty(marginal.size), np.empty(marginal.size)
    inner = np.zeros((problem.x.shape[1],) * 2)
    solved = np.empty_like(problem.x)
    for part in parts:
        within, whole = _cluster_covariance(fit, part)
        normalized[part] = np.linalg.solve(np.linalg.cholesky(whole), marginal[part])
        standardized[part] = np.linalg.solve(np.linalg.cholesky(within), conditional[part])
        inverse = np.linalg.inv(whole)
        pulled[part] = inverse @ marginal[part]
        weight[part] = np.diag(inverse)
        solved[part] = inverse @ problem.x[part]
        inner += problem.x[part].T @ solved[part]
    # Diagonal of P = V⁻¹ - V⁻¹X (X'V⁻¹X)⁻¹ X'V⁻¹, in columns of unit length.
    size = np.sqrt(np.diag(inner))
    left = np.linalg.solve(inner / np.outer(size, size), (solved / size).T).T
    spread = weight - np.einsum("ij,ij->i", left, solved / size)
    # A reading that a coefficient follows alone cannot be predicted by the others.
    alone = spread <= 1e-9 * weight
    deletion = np.where(alone, np.nan, pulled / np.sqrt(np.where(alone, 1.0, spread)))
    return standardized, normalized, deletion


def _cluster_covariance(fit: GrowthFit, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Covariance of some readings, of their residuals alone and in all."""
    problem = fit.problem
    animal, time = problem.animal[rows], problem.time[rows]
    same = animal[:, None] == animal
    sd = np.sqrt(fit.residual_variance[animal])
    within = np.diag(sd**2)
    if fit.variance.autocorrelation is not None:
        lag = np.abs(time[:, None] - time)
        within = np.where(same, np.outer(sd, sd) * fit.variance.autocorrelation**lag, 0.0)
    z = np.column_stack((np.ones(rows.size), time))
    whole = within + np.where(same, z @ fit.random_covariance @ z.T, 0.0)
    for name, deviation in fit.variance.sd_groups.items():
        level = problem.groups[name][animal]
        whole = whole + np.where(level[:, None] == level, deviation**2, 0.0)
    return within, whole


def _all_quantiles(fit: GrowthFit, known: Residuals) -> tuple[Quantiles, ...]:
    """Standardized residuals, and the predicted intercepts and slopes that vary."""
    found = [_quantiles(RESIDUAL_QUANTILES, known.standardized)]
    effects = fit.random_effects
    for name, column, deviation in (
        ("random intercepts", 0, fit.variance.sd_intercept),
        ("random slopes", 1, fit.variance.sd_slope),
    ):
        if deviation:
            found.append(_quantiles(name, effects[:, column]))
    return tuple(own for own in found if own.observed)


def _quantiles(name: str, values: FloatArray) -> Quantiles:
    """Ordered values beside normal ones."""
    from scipy import stats

    ordered = np.sort(values[np.isfinite(values)])
    n = ordered.size
    fit = _SHAPIRO[0] <= n <= _SHAPIRO[1] and np.ptp(ordered) > 0
    # The test works on numbers of order one.
    test = stats.shapiro(ordered / np.abs(ordered).max()) if fit else None
    return Quantiles(
        name=name,
        theoretical=tuple(special.ndtri((np.arange(n) + 0.5) / max(n, 1)).tolist()),
        observed=tuple(ordered.tolist()),
        statistic=None if test is None else float(test.statistic),
        p_value=None if test is None else float(test.pvalue),
    )


def _spread_check(fit: GrowthFit, spread: dict[str, float | None], *, refit: bool) -> Check:
    """Residual spread by arm, against a model with a variance for each."""
    name: CheckName = "spread_by_arm"
    if fit.n_censored:
        return Check(name=name, estimate=None, statistic=None, p_value=None, reason=CENSORED)
    known = [value for value in spread.values() if value is not None]
    ratio = max(known) / min(known) if len(known) > 1 and min(known) > 0 else None
    if ratio is None:
        reason = "fewer than two arms with a spread of residuals"
        return Check(name=name, estimate=None, statistic=None, p_value=None, reason=reason)
    larger: dict[Residual, Residual] = {"iid": "arm", "car1": "arm_car1"}
    return _against(fit, name, ratio, larger, refit=refit)


def _autocorrelation(fit: GrowthFit, known: Residuals, *, refit: bool) -> Check:
    """Correlation of consecutive residuals, against a model with one."""
    name: CheckName = "autocorrelation"
    if fit.n_censored:
        return Check(name=name, estimate=None, statistic=None, p_value=None, reason=CENSORED)
    order = np.lexsort((known.day, known.animal))
    value, animal = known.normalized[order], known.animal[order]
    follows = np.diff(animal) == 0
    first, second = value[:-1][follows], value[1:][follows]
    length = float(np.sqrt((first**2).sum() * (second**2).sum()))
    if first.size < _SHAPIRO[0] or not length > 0:
        reason = "fewer than three pairs of consecutive readings"
        return Check(name=name, estimate=None, statistic=None, p_value=None, reason=reason)
    larger: dict[Residual, Residual] = {"iid": "car1", "arm": "arm_car1"}
    return _against(fit, name, float(first @ second) / length, larger, refit=refit)


def _against(
    fit: GrowthFit,
    name: CheckName,
    estimate: float,
    larger: dict[Residual, Residual],
    *,
    refit: bool,
) -> Check:
    """A check with the likelihood-ratio test against a larger residual structure."""
    other = larger.get(fit.model.residual)
    if fit.model.residual == "animal" and name == "autocorrelation":
        reason = "a model with a variance for each animal takes no correlation"
    elif other is None:
        reason = "the model has it already"
    elif not refit:
        reason = "no larger model was fitted"
    else:
        test, reason = _try(
            lambda: likelihood_ratio_test(
                fit, fit_growth(fit.data, replace(fit.model, residual=other))
            )
        )
        if test is not None:
            return Check(
                name=name, estimate=estimate, statistic=test.statistic, p_value=test.p_value
            )
    return Check(name=name, estimate=estimate, statistic=None, p_value=None, reason=reason)


def _try(test: Callable[[], LikelihoodRatio]) -> tuple[LikelihoodRatio | None, str]:
    """A test, or why the readings do not carry it."""
    try:
        return test(), ""
    except (DataError, InputError) as error:
        return None, str(error)


def _log_linearity(fit: GrowthFit, level: float, *, refit: bool) -> Check:
    """Whether group curves bend."""
    reason = ""
    if fit.n_censored:
        reason = CENSORED
    elif fit.model.time.kind != "linear":
        reason = "the model's curves bend already"
    elif fit.model.residual == "animal":
        reason = "the test is Kenward-Roger's, which a variance for each animal does not allow"
    elif not refit:
        reason = "no larger model was fitted"
    if reason:
        return Check(
            name="log_linearity", estimate=None, statistic=None, p_value=None, reason=reason
        )
    try:
        test = log_linearity_test(fit.data, model=replace(fit.model, df="kr"), level=level)
    except (DataError, InputError) as error:
        return Check(
            name="log_linearity", estimate=None, statistic=None, p_value=None, reason=str(error)
        )
    return Check(
        name="log_linearity", estimate=None, statistic=test.statistic, p_value=test.p_value
    )


def _outliers(fit: GrowthFit, known: Residuals) -> tuple[Outlier, ...]:
    """Readings beyond 3.5 standard deviations, the farthest first."""
    data = fit.data
    far = np.flatnonzero(np.abs(np.nan_to_num(known.deletion)) > OUTLYING)
    order = far[np.argsort(-np.abs(known.deletion[far]), kind="stable")]
    count = int(np.isfinite(known.deletion).sum())
    size = np.exp(data.log_size[fit.terms.rows])
    return tuple(
        Outlier(
            animal_id=data.animal_ids[known.animal[row]],
            arm=data.arms[known.arm[row]],
            day=float(known.day[row]),
            size=float(size[row]),
            residual=float(known.deletion[row]),
            p_adjusted=float(min(1.0, count * 2 * special.ndtr(-abs(known.deletion[row])))),
        )
        for row in order.tolist()
    )


def _findings(
    fit: GrowthFit,
    checks: tuple[Check, ...],
    quantiles: tuple[Quantiles, ...],
    outliers: tuple[Outlier, ...],
    spread: dict[str, float | None],
    level: float,
) -> list[Finding]:
    """What to know, in plain words."""
    found = []
    if fit.n_censored:
        found.append(
            Finding(
                code="not_checked",
                message=f"residuals were not checked: {CENSORED}",
                remedy="look at the fit without readings below the limit",
            )
        )
    by_arm, correlated, bent = checks
    certain = [outlier for outlier in outliers if outlier.p_adjusted <= level]
    if certain:
        named = ", ".join(f"{own.animal_id} day {own.day:g}" for own in certain[:_FEW])
        rest = f" and {len(certain) - _FEW} more" if len(certain) > _FEW else ""
        found.append(
            Finding(
                code="outlying_readings",
                message=f"readings far from the animal's others: {named}{rest}",
                remedy="look for slips of the caliper or the pen; correct what is wrong, leave "
                "out nothing for its size alone",
            )
        )
    bends = bent.p_value is not None and bent.p_value <= level
    if bent.p_value is not None and bends:
        found.append(
            Finding(
                code="not_log_linear",
                message=f"group curves bend on the log scale ({_spoken(bent.p_value)})",
                remedy="try --time spline with --knots, or a growth law that slows (--laws)",
            )
        )
    if by_arm.p_value is not None and by_arm.p_value <= level:
        known = {name: value for name, value in spread.items() if value is not None}
        widest, closest = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
        found.append(
            Finding(
                code="spread_differs",
                message=f"readings scatter {by_arm.estimate:.2g} times as wide in '{widest}' as "
                f"in '{closest}' ({_spoken(by_arm.p_value)})",
                remedy="try --residual arm",
            )
        )
    if correlated.p_value is not None and correlated.p_value <= level:
        found.append(
            Finding(
                code="residuals_correlated",
                message="consecutive readings of an animal deviate alike from its curve "
                f"({_spoken(correlated.p_value)})",
                remedy="try --residual car1"
                + (", after the bends, which look the same" if bends else ""),
            )
        )
    odd = [own for own in quantiles if own.p_value is not None and own.p_value <= level]
    if odd:
        named = ", ".join(f"{own.name} ({_spoken(own.p_value or 0.0)})" for own in odd)
        found.append(
            Finding(
                code="not_normal",
                message=f"not normal by Shapiro-Wilk: {named}",
                remedy="look at the quantile plot; --df cr2 and the bootstrap rest on it less",
            )
        )
    return found


def _spoken(p_value: float) -> str:
    """A p value in a sentence."""
    return f"p = {p_value:.2g}" if p_value >= _TINY else f"p < {_TINY:g}"


def _finite(value: float | np.float64) -> float | None:
    """The number, or None for NaN."""
    number = float(value)
    return number if np.isfinite(number) else None

"""Rows nested in papers, and several outcomes of a paper: models with known sampling covariance.

The estimates of one paper resemble each other more than those of different papers, and a pooled
mean that ignores it is too sure of itself. `fit_multilevel` gives every level of nesting its own
variance; `fit_multivariate` gives several outcomes of a paper a covariance matrix. Both take the
sampling covariance of rows that share animals, and both can be followed by `cluster_robust`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.known_covariance import KnownCovariance, independent_covariance
from oncovivo.evidence.meta.mixed_fit import MixedFit, Shape, Structure, fit_mixed, profile_limits
from oncovivo.evidence.meta.mixed_likelihood import Component, MixedMethod
from oncovivo.evidence.meta.types import (
    Coefficient,
    Measure,
    MetaWarning,
    Rows,
    checked_level,
    plain_fields,
)

__all__ = [
    "Intervals",
    "MultilevelResult",
    "OutcomeCorrelation",
    "VarianceComponent",
    "fit_multilevel",
    "fit_multivariate",
    "random_levels",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
MixedTest: TypeAlias = Literal["t", "z"]
MixedPrediction: TypeAlias = Literal["t-k2", "test"]
Intervals: TypeAlias = Literal["profile", "none"]
OutcomeShape: TypeAlias = Literal["CS", "UN"]

# Tests with fewer degrees of freedom than this are not to be relied on.
_FEW_DF: Final = 4
# Columns of length 1 of which some combination is shorter than this say the same.
_COLLINEAR: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceComponent:
    """Variance between the groups of a level, or of an outcome.

    Parameters
    ----------
    name : str
        Level or outcome.
    groups : int
        Groups that have an effect of their own.
    variance : float
        Of these effects.
    lower, upper : float or None
        Profile-likelihood limits; None where they were not asked for, or do not exist.
    i2 : float or None
        Share of the total variance in percent; None for outcomes.
    """

    name: str
    groups: int
    variance: float
    lower: float | None
    upper: float | None
    i2: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCorrelation:
    """Correlation of two outcomes' effects between studies.

    Parameters
    ----------
    first, second : str
        The outcomes.
    correlation : float or None
        None where an outcome does not vary.
    """

    first: str
    second: str
    correlation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultilevelResult:
    """What nested rows, or several outcomes, say together.

    Parameters
    ----------
    measure : str
        What was pooled.
    method, test : str
        Likelihood, and how coefficients are tested.
    k : int
        Rows.
    coefficients : tuple of Coefficient
        In the order of the design's columns.
    covariance : tuple of tuple of float
        Of the coefficients.
    components : tuple of VarianceComponent
        From the outermost level inward, or outcome by outcome.
    correlations : tuple of OutcomeCorrelation
        Between outcomes; empty for levels.
    i2 : float or None
        Share of the total variance that is not sampling error, in percent; None for outcomes.
    qe, qe_p_value : float
        Residual heterogeneity given the sampling covariance, and its p-value with ``qe_df``
        degrees of freedom.
    qe_df : int
        Rows less coefficients.
    qm, qm_p_value : float or None
        Test of ``tested``: chi-squared with ``qm_df``, or F with ``qm_df`` and ``qm_df2``; None
        where nothing but an intercept is in the model.
    qm_df : int
        Coefficients tested together.
    qm_df2 : int or None
        Denominator; None for chi-squared.
    tested : tuple of str
        Terms tested together: all but the intercept.
    pi_lower, pi_upper : float or None
        Prediction interval of the true effect of a new row of a new group of every level; None
        unless the model is a single mean of nested rows.
    prediction : {"t-k2", "test"}
        Its quantile: t with the outermost level's groups less 2, or that of the test.
    log_likelihood, aic : float
        Restricted with REML, with metafor's constant.
    level : float
        Confidence of all limits.
    covariance_formula : str
        How the sampling covariance was computed.
    converged : bool
        Whether the search for the variances arrived.
    warnings : tuple of MetaWarning
        What should be known.
    fit : MixedFit
        The fit itself, for `cluster_robust`; not part of `to_dict`.
    """

    measure: Measure
    method: MixedMethod
    test: MixedTest
    k: int
    coefficients: tuple[Coefficient, ...]
    covariance: tuple[tuple[float, ...], ...]
    components: tuple[VarianceComponent, ...]
    correlations: tuple[OutcomeCorrelation, ...]
    i2: float | None
    qe: float
    qe_df: int
    qe_p_value: float
    qm: float | None
    qm_df: int
    qm_df2: int | None
    qm_p_value: float | None
    tested: tuple[str, ...]
    pi_lower: float | None
    pi_upper: float | None
    prediction: MixedPrediction
    log_likelihood: float
    aic: float
    level: float
    covariance_formula: str
    converged: bool
    warnings: tuple[MetaWarning, ...]
    fit: MixedFit = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, object]:
        """All fields but the fit, ready for JSON."""
        every = plain_fields(self)
        del every["fit"]
        return every


def random_levels(nesting: str, columns: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Levels of nesting from their notation.

    Parameters
    ----------
    nesting : str
        Names of columns from the outermost level inward, with slashes: "study/comparison".
    columns : mapping of str to sequence of str
        What the names may be.

    Raises
    ------
    InputError
        A name that is empty, repeated, or no column.

    Examples
    --------
    >>> random_levels("study/row", {"row": ["1", "2"], "study": ["a", "a"]})
    {'study': ['a', 'a'], 'row': ['1', '2']}
    """
    names = [name.strip() for name in nesting.split("/")]
    for number, name in enumerate(names):
        if name not in columns or name in names[:number]:
            raise InputError(
                f"different columns out of {', '.join(columns)}, with slashes between them",
                found=repr(nesting),
                mend="write study/comparison for comparisons nested in studies",
            )
    return {name: columns[name] for name in names}


def fit_multilevel(
    rows: Rows,
    random: Mapping[str, Sequence[str]],
    *,
    covariance: KnownCovariance | None = None,
    design: ArrayLike | None = None,
    terms: Sequence[str] | None = None,
    method: MixedMethod = "REML",
    test: MixedTest = "t",
    prediction: MixedPrediction = "t-k2",
    intervals: Intervals = "profile",
    level: float = 0.95,
) -> MultilevelResult:
    """Pooled effect, or regression, with a variance for each level of nesting.

    A row's effect is X b, plus an effect of its group at every level, plus its sampling error.
    Levels are nested: a group of an inner level is told from one of the same name elsewhere.
    Without a level that has one group per row, rows of a group are taken to have one true effect.

    Tests by t take as degrees of freedom of a coefficient the groups of the coarsest level within
    whose groups its column does not vary (rows, if it varies within all), less the number of
    coefficients. metafor calls this "contain" and by default tests by z instead.

    Parameters
    ----------
    rows : Rows
        Effect sizes and sampling variances.
    random : mapping of str to sequence of str
        Levels from the outermost inward, each with the group of every row.
    covariance : KnownCovariance, optional
        Sampling covariance of rows that share animals; its variances must be those of the rows.
    design : array_like, shape (k, p), optional
        Columns of the regression; a column of ones by default.
    terms : sequence of str, length p, optional
        Their names; "intercept" by default.
    method : {"REML", "ML"}, default "REML"
        Which likelihood; compare different designs by ML.
    test : {"t", "z"}, default "t"
        How coefficients are tested.
    prediction : {"t-k2", "test"}, default "t-k2"
        Quantile of the prediction interval.
    intervals : {"profile", "none"}, default "profile"
        Limits of the variances.
    level : float, default 0.95
        Confidence.

    Raises
    ------
    InputError
        No level, columns of other lengths, or a design that is not of full rank.
    DataError
        Not more rows than coefficients, a level of a single group, or two levels that are the
        same.

    Examples
    --------
    >>> rows = Rows.of(list("abcdef"), [0.1, 0.3, 0.9, 1.1, 0.5, 0.4], [0.02] * 6)
    >>> paper = ["p", "p", "q", "q", "r", "r"]
    >>> result = fit_multilevel(rows, {"paper": paper}, intervals="none")
    >>> result.coefficients[0].df, round(result.coefficients[0].estimate, 3)
    (2, 0.55)
    """
    checked_level(level)
    x, names = _design(rows, design, terms)
    known = _known(rows, covariance)
    groups = _nested(random, len(rows))
    _check_levels(groups, known)
    zero = np.zeros(len(rows), dtype=np.intp)
    structure = Structure(
        components=tuple(
            Component(group=group, outcome=zero, tables=np.ones((1, 1, 1)))
            for group in groups.values()
        ),
        shapes=_shapes("level", len(groups)),
    )
    fit = fit_mixed(rows.yi, x, known, structure, method=method)
    counts = [int(group.max()) + 1 for group in groups.values()]
    df = None if test == "z" else _contained(x, list(groups.values()))
    share = _total_shares(fit)
    limits = [
        profile_limits(fit, number, level=level) if intervals == "profile" else (None, None)
        for number in range(len(groups))
    ]
    components = tuple(
        VarianceComponent(
            name=name,
            groups=counts[number],
            variance=float(fit.variances[number]),
            lower=limits[number][0],
            upper=limits[number][1],
            i2=float(share[number]),
        )
        for number, name in enumerate(groups)
    )
    single = x.shape[1] == 1 and bool(np.ptp(x[:, 0]) == 0) and bool(x[0, 0] == 1)
    reach = _prediction_reach(prediction, df, counts, level) if single else None
    spread = np.sqrt(float(fit.covariance[0, 0]) + float(fit.variances.sum()))
    mean = float(fit.coefficients[0])
    return _result(
        rows,
        fit,
        names,
        df=df,
        test=test,
        level=level,
        components=components,
        correlations=(),
        i2=float(share.sum()),
        pi=(None, None) if reach is None else (mean - reach * spread, mean + reach * spread),
        prediction=prediction,
        extra=_level_warnings(components),
    )


def fit_multivariate(
    rows: Rows,
    study: Sequence[str],
    outcome: Sequence[str],
    *,
    covariance: KnownCovariance | None = None,
    structure: OutcomeShape = "UN",
    within: Mapping[str, Sequence[str]] | None = None,
    design: ArrayLike | None = None,
    terms: Sequence[str] | None = None,
    method: MixedMethod = "REML",
    test: MixedTest = "t",
    intervals: Intervals = "profile",
    level: float = 0.95,
) -> MultilevelResult:
    """Effects on several outcomes, correlated within studies.

    By default every outcome has a mean of its own. Between studies, the outcomes' effects have one
    variance and one correlation ("CS"), or variances and correlations of their own ("UN"). Further
    levels may be nested within the studies.

    Parameters
    ----------
    rows : Rows
        Effect sizes and sampling variances.
    study, outcome : sequence of str, shape (k,)
        Study and outcome of each row.
    covariance : KnownCovariance, optional
        Sampling covariance; outcomes read in the same animals have one.
    structure : {"CS", "UN"}, default "UN"
        Shape of the covariance between studies.
    within : mapping of str to sequence of str, optional
        Levels nested in the studies, from the outermost inward.
    design : array_like, shape (k, p), optional
        Columns of the regression; one for each outcome by default.
    terms : sequence of str, length p, optional
        Their names; the outcomes by default.
    method, test, intervals, level : optional
        As for `fit_multilevel`.

    Raises
    ------
    InputError
        As for `fit_multilevel`.
    DataError
        Fewer than two outcomes or studies, or two outcomes that no study has together.
    """
    checked_level(level)
    k = len(rows)
    for name, column in (("study", study), ("outcome", outcome)):
        if len(column) != k:
            raise InputError(f"one {name} for each of the {k} rows", found=str(len(column)))
    outcomes = sorted({str(one) for one in outcome})
    q = len(outcomes)
    if q < 2:
        raise DataError("two or more outcomes", found="one", mend="use levels of nesting instead")
    kind = np.array([outcomes.index(one) for one in outcome], dtype=np.intp)
    if design is None:
        design, terms = np.eye(q)[kind], outcomes
    x, names = _design(rows, design, terms)
    known = _known(rows, covariance)
    levels = _nested({"study": study, **(within or {})}, k)
    group = levels["study"]
    _check_outcomes(group, kind, outcomes)
    tables = _tables(q, structure)
    inner = list(levels)[1:]
    _check_levels({name: levels[name] for name in inner}, known)
    zero = np.zeros(k, dtype=np.intp)
    fit = fit_mixed(
        rows.yi,
        x,
        known,
        Structure(
            components=(
                Component(group=group, outcome=kind, tables=tables),
                *(
                    Component(group=levels[name], outcome=zero, tables=np.ones((1, 1, 1)))
                    for name in inner
                ),
            ),
            shapes=(structure, *_shapes("level", len(inner))),
        ),
        method=method,
    )
    between = np.tensordot(fit.variances[: len(tables)], tables, axes=1)
    df = None if test == "z" else _contained(x, [group, *(levels[name] for name in inner)])
    wanted = intervals == "profile"
    # With compound symmetry all outcomes have the same variance, and the same limits.
    each = range(1 if structure == "CS" else q) if wanted else range(0)
    limits = [profile_limits(fit, 0, number, level=level) for number in each] or [(None, None)]
    components = [
        VarianceComponent(
            name=name,
            groups=int(np.unique(group[kind == number]).size),
            variance=float(between[number, number]),
            lower=limits[number % len(limits)][0],
            upper=limits[number % len(limits)][1],
            i2=None,
        )
        for number, name in enumerate(outcomes)
    ]
    for number, name in enumerate(inner, start=1):
        low, high = profile_limits(fit, number, level=level) if wanted else (None, None)
        components.append(
            VarianceComponent(
                name=name,
                groups=int(levels[name].max()) + 1,
                variance=float(fit.variances[len(tables) + number - 1]),
                lower=low,
                upper=high,
                i2=None,
            )
        )
    return _result(
        rows,
        fit,
        names,
        df=df,
        test=test,
        level=level,
        components=tuple(components),
        correlations=_correlations(between, outcomes),
        i2=None,
        pi=(None, None),
        prediction="test",
        extra=_level_warnings(components),
    )


def _result(
    rows: Rows,
    fit: MixedFit,
    names: tuple[str, ...],
    *,
    df: IntArray | None,
    test: MixedTest,
    level: float,
    components: tuple[VarianceComponent, ...],
    correlations: tuple[OutcomeCorrelation, ...],
    i2: float | None,
    pi: tuple[float | None, float | None],
    prediction: MixedPrediction,
    extra: list[MetaWarning],
) -> MultilevelResult:
    k, p = fit.model.k, fit.model.p
    qe = fit.sampling_only().quadratic
    tested = tuple(i for i, name in enumerate(names) if name != "intercept")
    if names == ("intercept",):
        tested = ()
    qm, qm_df2, qm_p = _joint(fit, tested, df)
    warnings = list(extra)
    if not fit.converged:
        warnings.append(
            MetaWarning(
                code="not_converged", message="the search for the variances did not arrive"
            )
        )
    if df is not None and df.min() < _FEW_DF:
        few = [names[i] for i in np.flatnonzero(df < _FEW_DF)]
        warnings.append(
            MetaWarning(
                code="few_df",
                message=f"fewer than {_FEW_DF} degrees of freedom for {', '.join(few)}",
            )
        )
    return MultilevelResult(
        measure=rows.measure,
        method=fit.method,
        test=test,
        k=k,
        coefficients=_coefficients(fit.coefficients, fit.covariance, names, df, level),
        covariance=tuple(tuple(float(v) for v in row) for row in fit.covariance),
        components=components,
        correlations=correlations,
        i2=i2,
        qe=qe,
        qe_df=k - p,
        qe_p_value=float(special.chdtrc(k - p, qe)),
        qm=qm,
        qm_df=len(tested),
        qm_df2=qm_df2,
        qm_p_value=qm_p,
        tested=tuple(names[i] for i in tested),
        pi_lower=pi[0],
        pi_upper=pi[1],
        prediction=prediction,
        log_likelihood=fit.log_likelihood,
        aic=-2 * fit.log_likelihood + 2 * (p + fit.phi.size),
        level=level,
        covariance_formula=fit.known.formula,
        converged=fit.converged,
        warnings=tuple(warnings),
        fit=fit,
    )


def _coefficients(
    estimates: FloatArray,
    covariance: FloatArray,
    names: Sequence[str],
    df: IntArray | None,
    level: float,
) -> tuple[Coefficient, ...]:
    found: list[Coefficient] = []
    for number, name in enumerate(names):
        error = float(np.sqrt(covariance[number, number]))
        estimate = float(estimates[number])
        statistic = estimate / error
        if df is None:
            reach = float(special.ndtri(0.5 + level / 2))
            p_value = 2 * float(special.ndtr(-abs(statistic)))
        else:
            reach = float(special.stdtrit(df[number], 0.5 + level / 2))
            p_value = 2 * float(special.stdtr(df[number], -abs(statistic)))
        found.append(
            Coefficient(
                term=name,
                estimate=estimate,
                std_error=error,
                statistic=statistic,
                df=None if df is None else int(df[number]),
                p_value=p_value,
                lower=estimate - reach * error,
                upper=estimate + reach * error,
            )
        )
    return tuple(found)


def _joint(
    fit: MixedFit, tested: tuple[int, ...], df: IntArray | None
) -> tuple[float | None, int | None, float | None]:
    """Wald test of some coefficients: statistic, denominator, p-value."""
    if not tested:
        return None, None, None
    some = list(tested)
    estimates = fit.coefficients[some]
    square = float(estimates @ np.linalg.solve(fit.covariance[np.ix_(some, some)], estimates))
    if df is None:
        return square, None, float(special.chdtrc(len(some), square))
    below = int(df[some].min())
    ratio = square / len(some)
    return ratio, below, float(special.fdtrc(len(some), below, ratio))


def _contained(x: FloatArray, groups: Sequence[IntArray]) -> IntArray:
    """Degrees of freedom of each coefficient by containment."""
    k, p = x.shape
    found = np.full(p, k, dtype=np.intp)
    for group in groups:
        count = int(group.max()) + 1
        high, low = np.full((count, p), -np.inf), np.full((count, p), np.inf)
        np.maximum.at(high, group, x)
        np.minimum.at(low, group, x)
        constant = (high == low).all(axis=0)
        found = np.where(constant, np.minimum(found, count), found)
    found = found - p
    if found.min() < 1:
        raise DataError(
            f"more groups than the {p} coefficients that differ between them",
            found=str(int(found.min()) + p),
            mend="leave out moderators, or test by z",
        )
    return np.asarray(found, dtype=np.intp)


def _total_shares(fit: MixedFit) -> FloatArray:
    """Each level's variance as percent of the total, with a typical sampling variance."""
    trace = fit.sampling_only().projected_trace
    # One row so exact that the others do not count leaves a trace of rounding errors.
    typical = (fit.model.k - fit.model.p) / trace if trace > 0 else np.inf
    return np.asarray(100 * fit.phi / (fit.phi.sum() + typical))


def _prediction_reach(
    prediction: MixedPrediction, df: IntArray | None, counts: Sequence[int], level: float
) -> float | None:
    if prediction == "test":
        free = None if df is None else int(df[0])
    else:
        free = counts[0] - 2
        if free < 1:
            return None
    if free is None:
        return float(special.ndtri(0.5 + level / 2))
    return float(special.stdtrit(free, 0.5 + level / 2))


def _design(
    rows: Rows, design: ArrayLike | None, terms: Sequence[str] | None
) -> tuple[FloatArray, tuple[str, ...]]:
    k = len(rows)
    x = np.ones((k, 1)) if design is None else np.asarray(design, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != k:
        raise InputError(f"a design of {k} rows and a column for each term", found=str(x.shape))
    p = x.shape[1]
    names = ("intercept",) if terms is None else tuple(str(term) for term in terms)
    if len(names) != p:
        raise InputError(f"one name for each of the {p} columns", found=str(len(names)))
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise InputError("a finite design", found="a missing number", where=rows.label[row])
    if k <= p:
        raise DataError(f"more rows than the {p} coefficients", found=str(k))
    length = np.sqrt((x * x).sum(axis=0))
    if not length.all() or np.linalg.matrix_rank(x / length, tol=_COLLINEAR) < p:
        raise InputError(
            "moderators that say different things",
            found=f"columns {', '.join(names)} that repeat each other or never change",
        )
    return x, names


def _known(rows: Rows, covariance: KnownCovariance | None) -> KnownCovariance:
    if covariance is None:
        return independent_covariance(rows.vi)
    if len(covariance) != len(rows):
        raise InputError(
            f"a sampling covariance of the {len(rows)} rows", found=str(len(covariance))
        )
    off = np.flatnonzero(np.abs(covariance.vi - rows.vi) > 1e-9 * rows.vi)
    if off.size:
        raise InputError(
            "a sampling covariance with the rows' own variances",
            found=f"{covariance.vi[off[0]]:g} for {rows.vi[off[0]]:g}",
            where=f"row {rows.label[off[0]]}",
        )
    return covariance


def _nested(random: Mapping[str, Sequence[str]], k: int) -> dict[str, IntArray]:
    """Group numbers of each level, inner groups told apart by the outer ones."""
    if not random:
        raise InputError("at least one level of random effects", found="none")
    above = np.zeros(k, dtype=np.intp)
    found: dict[str, IntArray] = {}
    for name, labels in random.items():
        if len(labels) != k:
            raise InputError(f"one {name} for each of the {k} rows", found=str(len(labels)))
        numbers: dict[tuple[int, str], int] = {}
        group = [
            numbers.setdefault((int(outer), label), len(numbers))
            for outer, label in zip(above, labels, strict=True)
        ]
        above = np.array(group, dtype=np.intp)
        found[name] = above
    return found


def _check_levels(groups: Mapping[str, IntArray], known: KnownCovariance) -> None:
    seen: dict[int, str] = {}
    for name, group in groups.items():
        count = int(group.max()) + 1
        if count < 2:
            raise DataError(
                f"two or more groups of the level {name}",
                found="one",
                mend=f"leave out the level {name}",
            )
        if count in seen:
            raise DataError(
                "levels that group the rows differently",
                found=f"{seen[count]} and {name} with the same {count} groups",
                mend=f"leave out one of them; {len(known)} rows are nested in them",
            )
        seen[count] = name


def _check_outcomes(group: IntArray, kind: IntArray, outcomes: Sequence[str]) -> None:
    count = int(group.max()) + 1
    if count < 2:
        raise DataError("two or more studies", found="one")
    has = np.zeros((count, len(outcomes)), dtype=bool)
    has[group, kind] = True
    together = has.astype(np.intp).T @ has.astype(np.intp)
    apart = np.argwhere(together == 0)
    if apart.size:
        first, second = (outcomes[int(i)] for i in apart[0])
        raise DataError(
            "outcomes that some study has together",
            found=f"none with both {first} and {second}",
            mend="pool these outcomes apart",
        )


def _shapes(shape: Shape, count: int) -> tuple[Shape, ...]:
    return (shape,) * count


def _tables(q: int, structure: OutcomeShape) -> FloatArray:
    """For each variance and covariance, the pairs of outcomes it holds for."""
    if structure == "CS":
        return np.array([np.eye(q), 1 - np.eye(q)])
    found: list[FloatArray] = []
    for i in range(q):
        for j in range(i + 1):
            table = np.zeros((q, q))
            table[i, j] = table[j, i] = 1.0
            found.append(table)
    return np.array(found)


def _correlations(between: FloatArray, outcomes: Sequence[str]) -> tuple[OutcomeCorrelation, ...]:
    found: list[OutcomeCorrelation] = []
    for i, first in enumerate(outcomes):
        for j, second in enumerate(outcomes[i + 1 :], start=i + 1):
            both = float(between[i, i] * between[j, j])
            found.append(
                OutcomeCorrelation(
                    first=first,
                    second=second,
                    correlation=float(between[i, j]) / both**0.5 if both > 0 else None,
                )
            )
    return tuple(found)


def _level_warnings(components: Sequence[VarianceComponent]) -> list[MetaWarning]:
    none = [one.name for one in components if one.variance == 0]
    if not none:
        return []
    message = f"the variance between groups of {', '.join(none)} is estimated as 0"
    return [MetaWarning(code="zero_variance", message=message)]

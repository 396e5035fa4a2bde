"""Rows that can be pooled, and what pooling returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import DataError, InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "LOG_MEASURES",
    "Coefficient",
    "EffectSizes",
    "Measure",
    "MetaWarning",
    "Method",
    "PooledResult",
    "Prediction",
    "RegressionResult",
    "RowResult",
    "Rows",
    "Test",
    "WarningCode",
    "checked_level",
    "checked_measure",
    "plain_fields",
    "read_only",
]

FloatArray: TypeAlias = NDArray[np.float64]

Measure: TypeAlias = Literal[
    "SMD",
    "SMDH",
    "MD",
    "ROM",
    "NMD",
    "VR",
    "CVR",
    "growth_rate",
    "log_hazard_ratio",
    "log_median_ratio",
    "log_odds_ratio",
    "risk_difference",
    "arcsine_difference",
    "freeman_tukey_difference",
    "generic",
]
"""What a row's number is; rows of different measures are not pooled."""

LOG_MEASURES: Final[frozenset[str]] = frozenset(
    {"ROM", "VR", "CVR", "log_hazard_ratio", "log_median_ratio", "log_odds_ratio"}
)
"""Measures whose exponential is a ratio."""

Method: TypeAlias = Literal["EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"]
"""Equal effects, or the estimator of the variance between rows."""

Test: TypeAlias = Literal["knapp-hartung", "knapp-hartung-floor", "z", "t"]
"""How the pooled estimate is tested; the floor keeps Knapp-Hartung from shrinking the error."""

Prediction: TypeAlias = Literal["t-k2", "test"]
"""Quantile of the prediction interval: t with k − 2 degrees of freedom, or that of the test."""

WarningCode: TypeAlias = Literal[
    "one_row",
    "few_rows",
    "few_df",
    "identical_rows",
    "not_converged",
    "empty_profile",
    "shrunk_error",
    "zero_variance",
    "correction",
    "assumption",
    "dropped",
    "suspect",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaWarning:
    """Something about a result that should be known.

    Parameters
    ----------
    code : str
        Short name of the matter, for scripts.
    message : str
        One sentence.
    rows : tuple of str
        Labels of the rows concerned; empty where it is all of them.
    """

    code: WarningCode
    message: str
    rows: tuple[str, ...] = ()


def read_only(values: ArrayLike) -> FloatArray:
    """A copy as floats that nobody can write into."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def checked_level(level: float) -> float:
    """The confidence level, a fraction between 0 and 1."""
    if not 0 < level < 1:
        raise InputError(
            "a confidence level between 0 and 1",
            found=f"{level:g}",
            mend="write 0.95 for 95 %" if 1 < level < 100 else "",
        )
    return float(level)


def checked_measure(measure: str) -> Measure:
    """The measure by its name."""
    for known in get_args(Measure):
        if measure == known:
            named: Measure = known
            return named
    raise InputError(f"a measure out of {', '.join(get_args(Measure))}", found=f"{measure!r}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectSizes:
    """Effect sizes of many rows, with the formulas they were computed by.

    Parameters
    ----------
    label : tuple of str, length k
        Name of each row; its number from 1 where it came without.
    measure : str
        What the numbers are.
    yi, vi : ndarray, shape (k,)
        Effect sizes and their sampling variances.
    formula, variance_formula : str
        How each was computed, in the field's symbols (t treated, c control).
    source : str
        Where the formulas were published.
    n_treated, n_control : ndarray, shape (k,), optional
        Animals of each group, where the formula used them.
    warnings : tuple of MetaWarning
        What was corrected or looks wrong.
    """

    label: tuple[str, ...]
    measure: Measure
    yi: FloatArray
    vi: FloatArray
    formula: str
    variance_formula: str
    source: str
    n_treated: FloatArray | None = None
    n_control: FloatArray | None = None
    warnings: tuple[MetaWarning, ...] = ()

    def rows(
        self, label: Sequence[str] | None = None, *, study: Sequence[str] | None = None
    ) -> Rows:
        """The effect sizes ready for pooling, with their warnings.

        Parameters
        ----------
        label : sequence of str, shape (k,), optional
            Other names for the rows.
        study : sequence of str, shape (k,), optional
            Paper of each row.

        Raises
        ------
        InputError, DataError
            As `Rows.of`.
        """
        labels = self.label if label is None else tuple(str(one) for one in label)
        renamed = dict(zip(self.label, labels, strict=False))
        return Rows.of(
            labels,
            self.yi,
            self.vi,
            measure=self.measure,
            study=study,
            n_treated=self.n_treated,
            n_control=self.n_control,
            formula=self.formula,
            variance_formula=self.variance_formula,
            warnings=tuple(
                replace(one, rows=tuple(renamed.get(row, row) for row in one.rows))
                for one in self.warnings
            ),
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Effect sizes that can be pooled; made by `Rows.of`, which checks them.

    Parameters
    ----------
    label : tuple of str, length k
        Name of each row.
    yi, vi : ndarray, shape (k,)
        Effect sizes and their sampling variances, above 0.
    measure : str
        What the numbers are, the same for all rows.
    study : tuple of str or None
        Paper of each row; rows of one paper are not independent.
    n_treated, n_control : ndarray, shape (k,), or None
        Animals of each group.
    formula, variance_formula : str
        How the numbers were computed; empty where they came as they are.
    warnings : tuple of MetaWarning
        What should be known of the rows; a result says it too.
    """

    label: tuple[str, ...]
    yi: FloatArray
    vi: FloatArray
    measure: Measure = "generic"
    study: tuple[str, ...] | None = None
    n_treated: FloatArray | None = None
    n_control: FloatArray | None = None
    formula: str = ""
    variance_formula: str = ""
    warnings: tuple[MetaWarning, ...] = ()

    @classmethod
    def of(
        cls,
        label: Sequence[str],
        yi: ArrayLike,
        vi: ArrayLike,
        *,
        measure: str | Sequence[str] = "generic",
        study: Sequence[str] | None = None,
        n_treated: ArrayLike | None = None,
        n_control: ArrayLike | None = None,
        formula: str = "",
        variance_formula: str = "",
        warnings: Sequence[MetaWarning] = (),
    ) -> Rows:
        """Checked rows.

        Parameters
        ----------
        label : sequence of str, shape (k,)
            Name of each row.
        yi, vi : array_like, shape (k,)
            Effect sizes and sampling variances.
        measure : str or sequence of str, default "generic"
            What the numbers are; one for all, or one for each row.
        study : sequence of str, shape (k,), optional
            Paper of each row.
        n_treated, n_control : array_like, shape (k,), optional
            Animals of each group.
        formula, variance_formula : str, optional
            How the numbers were computed.
        warnings : sequence of MetaWarning, optional
            What should be known of the rows.

        Raises
        ------
        InputError
            Columns of different lengths, a number that is missing or infinite, a variance of 0 or
            less, or a measure that is not known.
        DataError
            No row, or rows of different measures.

        Examples
        --------
        >>> rows = Rows.of(["a", "b"], [0.1, 0.4], [0.02, 0.05], measure="ROM")
        >>> len(rows)
        2
        """
        labels = tuple(str(one) for one in label)
        columns = {"yi": yi, "vi": vi, "n_treated": n_treated, "n_control": n_control}
        arrays = {name: read_only(v) for name, v in columns.items() if v is not None}
        for name, array in arrays.items():
            if array.shape != (len(labels),):
                raise InputError(
                    f"one {name} for each of the {len(labels)} labels", found=f"{array.size}"
                )
            wrong = np.flatnonzero(~np.isfinite(array))
            if wrong.size:
                raise InputError(
                    f"a finite {name}", found=f"{array[wrong[0]]}", where=f"row {labels[wrong[0]]}"
                )
        if study is not None and len(study) != len(labels):
            raise InputError(
                f"one study for each of the {len(labels)} labels", found=f"{len(study)}"
            )
        if not labels:
            raise DataError("at least one row with an effect size", found="none")
        wrong = np.flatnonzero(arrays["vi"] <= 0)
        if wrong.size:
            raise InputError(
                "a sampling variance above 0",
                found=f"{arrays['vi'][wrong[0]]:g}",
                where=f"row {labels[wrong[0]]}",
                mend="correct the dispersion of the row or leave the row out",
            )
        measures = {measure} if isinstance(measure, str) else set(measure)
        if len(measures) > 1:
            raise DataError(
                "rows of one measure",
                found=", ".join(sorted(measures)),
                mend="pool each measure by itself",
            )
        return cls(
            label=labels,
            yi=arrays["yi"],
            vi=arrays["vi"],
            measure=checked_measure(measures.pop()),
            study=None if study is None else tuple(str(one) for one in study),
            n_treated=arrays.get("n_treated"),
            n_control=arrays.get("n_control"),
            formula=formula,
            variance_formula=variance_formula,
            warnings=tuple(warnings),
        )

    def __len__(self) -> int:
        return len(self.label)

    def take(self, chosen: ArrayLike) -> Rows:
        """Some of the rows, in the order given.

        Parameters
        ----------
        chosen : array_like of int, shape (m,)
            Positions.
        """
        index = np.asarray(chosen, dtype=np.intp)

        def some(array: FloatArray | None) -> FloatArray | None:
            return None if array is None else read_only(array[index])

        return replace(
            self,
            label=tuple(self.label[i] for i in index),
            yi=read_only(self.yi[index]),
            vi=read_only(self.vi[index]),
            study=None if self.study is None else tuple(self.study[i] for i in index),
            n_treated=some(self.n_treated),
            n_control=some(self.n_control),
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """One row of a pooled result.

    Parameters
    ----------
    label : str
        Name of the row.
    yi, vi : float
        Effect size and sampling variance.
    weight : float
        Share of the row in the pooled estimate, a fraction.
    """

    label: str
    yi: float
    vi: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledResult:
    """What the rows say together.

    Parameters
    ----------
    measure, method, test : str
        What was pooled, by which estimator, tested how.
    k : int
        Rows.
    estimate, std_error : float
        Pooled effect and its standard error, that of the test.
    statistic, p_value : float
        Estimate over standard error, and the two-sided p-value.
    df : int or None
        Degrees of freedom of the test; None for z.
    lower, upper : float
        Confidence limits of the estimate.
    tau2 : float or None
        Variance between rows; 0 for equal effects, None for one row.
    tau2_std_error, tau2_lower, tau2_upper : float or None
        Standard error, and limits by the Q-profile; None where there are none.
    i2, i2_lower, i2_upper : float or None
        Share of the variation that is between rows, in percent.
    h2, h2_lower, h2_upper : float or None
        Total variation over sampling variation.
    q, q_p_value : float or None
        Cochran's Q and its p-value with ``q_df`` degrees of freedom.
    q_df : int
        k − 1.
    pi_lower, pi_upper : float or None
        Prediction interval of a new study's true effect; None for equal effects or too few rows.
    prediction : {"t-k2", "test"}
        Which quantile the prediction interval uses.
    log_likelihood : float or None
        Restricted with REML, full otherwise.
    level : float
        Confidence of all limits.
    rows : tuple of RowResult
        What was pooled, with weights.
    warnings : tuple of MetaWarning
        What should be known.
    """

    measure: Measure
    method: Method
    test: Test
    k: int
    estimate: float
    std_error: float
    statistic: float
    df: int | None
    p_value: float
    lower: float
    upper: float
    tau2: float | None
    tau2_std_error: float | None
    tau2_lower: float | None
    tau2_upper: float | None
    i2: float | None
    i2_lower: float | None
    i2_upper: float | None
    h2: float | None
    h2_lower: float | None
    h2_upper: float | None
    q: float | None
    q_df: int
    q_p_value: float | None
    pi_lower: float | None
    pi_upper: float | None
    prediction: Prediction
    log_likelihood: float | None
    level: float
    rows: tuple[RowResult, ...]
    warnings: tuple[MetaWarning, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One coefficient of a regression.

    Parameters
    ----------
    term : str
        Name.
    estimate, std_error, statistic, p_value, lower, upper : float
        Coefficient, its standard error, their ratio, two-sided p-value and limits.
    df : float or None
        Degrees of freedom; None for z. Not a whole number under robust variances.
    """

    term: str
    estimate: float
    std_error: float
    statistic: float
    df: float | None
    p_value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionResult:
    """How moderators go with the effect.

    Parameters
    ----------
    measure, method, test : str
        What was regressed, by which estimator of the residual variance, tested how.
    k : int
        Rows.
    coefficients : tuple of Coefficient
        In the order of the design's columns.
    covariance : tuple of tuple of float
        Of the coefficients.
    tau2 : float
        Variance between rows that the moderators leave.
    tau2_std_error, tau2_lower, tau2_upper : float or None
        Standard error, and limits by the Q-profile.
    i2, h2 : float
        Residual, as in `PooledResult`.
    r2_pct : float or None
        Share of the variance between rows that the moderators take away, in percent; None for
        equal effects, without a moderator, or where there is no variance to take.
    qe, qe_p_value : float
        Residual heterogeneity and its p-value with ``qe_df`` degrees of freedom.
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
    log_likelihood : float
        Restricted with REML, full otherwise.
    level : float
        Confidence of all limits.
    rows : tuple of RowResult
        What was regressed; the weight is that in the estimate of an average effect.
    warnings : tuple of MetaWarning
        What should be known.
    """

    measure: Measure
    method: Method
    test: Test
    k: int
    coefficients: tuple[Coefficient, ...]
    covariance: tuple[tuple[float, ...], ...]
    tau2: float
    tau2_std_error: float | None
    tau2_lower: float | None
    tau2_upper: float | None
    i2: float
    h2: float
    r2_pct: float | None
    qe: float
    qe_df: int
    qe_p_value: float
    qm: float | None
    qm_df: int
    qm_df2: int | None
    qm_p_value: float | None
    tested: tuple[str, ...]
    log_likelihood: float
    level: float
    rows: tuple[RowResult, ...]
    warnings: tuple[MetaWarning, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


def plain_fields(result: DataclassInstance) -> dict[str, object]:
    """Fields of a result as JSON can hold them.

    Arrays and tuples become lists, results inside become objects, and numbers that are not
    finite become None.
    """
    return {field.name: _plain(getattr(result, field.name)) for field in fields(result)}


def _plain(value: object) -> object:
    """One value of `plain_fields`."""
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    if is_dataclass(value) and not isinstance(value, type):
        return plain_fields(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value

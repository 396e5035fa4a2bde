"""A meta-analysis of a table: options, and results that can be stored and printed as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.analyses.contract import contract
from oncovivo.evidence.meta.bias import AsymmetryTest, PetPeese
from oncovivo.evidence.meta.dispersion import Conversion, SemSuspicion
from oncovivo.evidence.meta.funnel import FunnelData
from oncovivo.evidence.meta.influence import CumulativeResult, InfluenceResult, LeftOut
from oncovivo.evidence.meta.multilevel import VarianceComponent
from oncovivo.evidence.meta.regression import PredictedEffects
from oncovivo.evidence.meta.robust import RobustResult
from oncovivo.evidence.meta.trim_and_fill import TrimAndFill
from oncovivo.evidence.meta.types import (
    LOG_MEASURES,
    Coefficient,
    Measure,
    MetaWarning,
    Method,
    Prediction,
    Test,
    plain_fields,
)
from oncovivo.provenance import InputFile

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BiasSummary",
    "Bubble",
    "MetaEstimate",
    "MetaOptions",
    "MetaResult",
    "MetaRow",
    "RegressionSummary",
    "SubgroupRow",
    "SubgroupSummary",
]

SCHEMA: Final = "oncovivo.meta/1"

KnownV: TypeAlias = Literal["shared-control", "same-study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaOptions:
    """What the user says about a table of rows and how they are pooled.

    Parameters
    ----------
    measure : str, optional
        What the numbers are, or are to be made; a table of effect sizes alone is taken as given.
    variance : str, optional
        Which estimate of the sampling variance, where a measure has several.
    bias_correction : bool
        Of a log ratio of means.
    method : str
        Estimator of the variance between rows.
    test : str, optional
        How the estimate is tested: Knapp-Hartung of independent rows and t of nested ones unless
        given.
    prediction : {"t-k2", "test"}
        Quantile of the prediction interval.
    moderators : tuple of str
        Columns of a meta-regression.
    references : mapping of str to str
        Level to compare the others with, by moderator.
    by : str, optional
        Column of the subgroups.
    subgroup_variance : {"common", "separate"}
        Whether subgroups share one variance between rows.
    random : str, optional
        Levels of nesting with slashes, the outermost first.
    cluster : str, optional
        Column of the clusters of a robust variance.
    known : {"shared-control", "same-study"}, optional
        Which rows have a sampling covariance.
    rho : float, optional
        Assumed correlation of the sampling errors of a study's rows.
    dispersion : str, optional
        What the columns of dispersion hold.
    facts : tuple of str
        Columns shown beside the forest; known ones of the table where empty.
    order : str, optional
        Column by which rows are added in a cumulative pooling.
    mapping : mapping of str to str
        Their column name by canonical name.
    level : float
        Confidence of every interval.
    """

    measure: Measure | None = None
    variance: str | None = None
    bias_correction: bool = False
    method: Method = "REML"
    test: Test | None = None
    prediction: Prediction = "t-k2"
    moderators: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    by: str | None = None
    subgroup_variance: Literal["common", "separate"] = "common"
    random: str | None = None
    cluster: str | None = None
    known: KnownV | None = None
    rho: float | None = None
    dispersion: str | None = None
    facts: tuple[str, ...] = ()
    order: str | None = None
    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    level: float = 0.95

    @property
    def independent(self) -> bool:
        """Whether the rows are pooled as independent."""
        return self.random is None and self.known is None

    def to_dict(self) -> dict[str, object]:
        """The options under the names of the ``--json`` contract, defaults included."""
        return {
            "measure": None if self.measure is None else measure_name(self.measure),
            "variance": self.variance,
            "bias_correction": self.bias_correction,
            "method": self.method,
            "test": self.test or ("knapp-hartung" if self.independent else "t"),
            "prediction": self.prediction,
            "moderators": list(self.moderators),
            "reference": dict(self.references),
            "by": self.by,
            "subgroup_variance": self.subgroup_variance,
            "random": self.random,
            "cluster": self.cluster,
            "v": self.known,
            "rho": self.rho,
            "dispersion": self.dispersion,
            "facts": list(self.facts),
            "cumulative": self.order,
            "map": dict(self.mapping),
            "level": self.level,
        }


def measure_name(measure: Measure) -> str:
    """A measure as the contract calls it: numbers that came as they are were given."""
    return "given" if measure == "generic" else measure


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaRow:
    """One row, with what is shown beside it.

    Parameters
    ----------
    label : str
        Name.
    number : int
        Row of the file.
    study, group : str or None
        Paper and subgroup.
    yi, vi, std_error, lower, upper : float
        Effect size, sampling variance, its root, and the row's own limits by the normal
        distribution.
    weight : float or None
        Share in the pooled estimate, a fraction.
    n_treated, n_control : float or None
        Animals.
    facts : mapping of str to str
        What the table says of the study, by column.
    """

    label: str
    number: int
    study: str | None
    group: str | None
    yi: float
    vi: float
    std_error: float
    lower: float
    upper: float
    weight: float | None
    n_treated: float | None
    n_control: float | None
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaEstimate:
    """What the rows say together, however they were pooled; names as in `PooledResult`.

    ``df`` is None for z. Where rows are nested, ``tau2`` is the sum of the levels' variances and
    ``q`` the heterogeneity given the sampling covariance. ``missing`` says why numbers that are
    None do not exist.
    """

    measure: Measure
    method: Method
    test: Test
    k: int
    estimate: float
    std_error: float
    statistic: float
    df: float | None
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
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A regression on one number, as a line over its range.

    Parameters
    ----------
    moderator : str
        Column.
    values : tuple of float or None
        Of each row of the result, in their order; None where the row has none.
    grid : tuple of float
        Where the line is known.
    line : PredictedEffects
        Average effects there.
    """

    moderator: str
    values: tuple[float | None, ...]
    grid: tuple[float, ...]
    line: PredictedEffects


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionSummary:
    """How moderators go with the effect; names as in `RegressionResult`.

    Parameters
    ----------
    coefficients : tuple of Coefficient
        The intercept first.
    k : int
        Rows that have all moderators.
    tau2, i2, r2_pct : float or None
        Variance between rows that is left, its share in percent, and what was taken away.
    qe, qe_p_value, qe_df
        Residual heterogeneity.
    qm, qm_df, qm_df2, qm_p_value
        Test of all terms but the intercept.
    tested : tuple of str
        Those terms.
    robust : RobustResult or None
        With a cluster-robust variance.
    bubble : Bubble or None
        The line, where the only moderator is a number.
    """

    coefficients: tuple[Coefficient, ...]
    k: int
    tau2: float
    i2: float | None
    r2_pct: float | None
    qe: float
    qe_df: int
    qe_p_value: float
    qm: float | None
    qm_df: int
    qm_df2: int | None
    qm_p_value: float | None
    tested: tuple[str, ...]
    robust: RobustResult | None
    bubble: Bubble | None

    def to_dict(self) -> dict[str, object]:
        """All but the coefficients, which stand under ``moderators``, and the line."""
        content = plain_fields(self)
        del content["coefficients"], content["bubble"]
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupRow:
    """Pooled effect of a subgroup; ``df`` is None for z."""

    level: str
    k: int
    estimate: float
    std_error: float
    df: float | None
    lower: float
    upper: float
    p_value: float
    tau2: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupSummary:
    """Pooled effects of subgroups and the test of their difference.

    Parameters
    ----------
    column : str
        What makes the groups.
    variance : str
        Whether they share one variance between rows.
    groups : tuple of SubgroupRow
        In alphabetical order.
    statistic, p_value : float or None
        Chi-squared with ``df``, or F with ``df`` and ``df2``.
    """

    column: str
    variance: Literal["common", "separate"]
    groups: tuple[SubgroupRow, ...]
    statistic: float | None
    df: int
    df2: int | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasSummary:
    """Small-study effects; ``reason`` says why there is nothing.

    Parameters
    ----------
    egger : AsymmetryTest or None
        Regression of effects on imprecision.
    pet_peese : PetPeese or None
        Effect extrapolated to no sampling error.
    trim_and_fill : TrimAndFill or None
        Effect with mirror images of the rows that have none.
    funnel : FunnelData or None
        Points, and contours of significance.
    reason : str
        Why tests are missing.
    """

    egger: AsymmetryTest | None
    pet_peese: PetPeese | None
    trim_and_fill: TrimAndFill | None
    funnel: FunnelData | None
    reason: str

    def to_dict(self) -> dict[str, object]:
        """The tests; of trim and fill what was filled in, not every row again."""
        filled = self.trim_and_fill
        return {
            "status": "ok" if self.egger is not None else "not_estimable",
            "reason": self.reason,
            "egger": None if self.egger is None else self.egger.to_dict(),
            "pet_peese": None if self.pet_peese is None else self.pet_peese.to_dict(),
            "trim_and_fill": None
            if filled is None
            else {
                "estimator": filled.estimator,
                "precision": filled.precision,
                "side": filled.side,
                "missing": filled.missing,
                "missing_std_error": filled.missing_std_error,
                "estimate": filled.adjusted.estimate,
                "std_error": filled.adjusted.std_error,
                "lower": filled.adjusted.lower,
                "upper": filled.adjusted.upper,
                "tau2": filled.adjusted.tau2,
                "warnings": [plain_fields(one) for one in filled.warnings],
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaResult:
    """A table pooled.

    Parameters
    ----------
    source : InputFile
        The file.
    options : MetaOptions
        What was asked for.
    columns : mapping of str to str
        Header in the file by canonical name.
    rows_in_file : int
        Rows that were read, those left out included.
    studies : int or None
        Papers behind the rows, where they are told.
    study_rule : str
        How papers were told, where it was not from a column as it stands.
    formula, variance_formula, formula_source : str
        How effect sizes were computed, and where that was published.
    estimate : MetaEstimate
        What the rows say together.
    rows : tuple of MetaRow
        In the order of the file.
    components : tuple of VarianceComponent
        Variance of each level, where rows are nested.
    covariance_formula : str
        How sampling covariances were computed.
    robust : RobustResult or None
        The pooled effect with a cluster-robust variance.
    regression : RegressionSummary or None
        Of the moderators.
    subgroups : SubgroupSummary or None
        Of ``by``.
    bias : BiasSummary
        Small-study effects.
    left_out : tuple of LeftOut
        Pooled effect without each row, or each group of the outermost level.
    left_out_reason : str
        Why there is none.
    influence : InfluenceResult or None
        Diagnostics of independent rows.
    cumulative : CumulativeResult or None
        Pooled effect as rows come in.
    trail : tuple of Conversion
        Dispersions that were converted.
    suspicions : tuple of SemSuspicion
        Rows whose standard deviations look like standard errors.
    faults : tuple of str
        Why the result is flagged.
    warnings : tuple of MetaWarning
        What should be known.
    """

    source: InputFile
    options: MetaOptions
    columns: Mapping[str, str]
    rows_in_file: int
    studies: int | None
    study_rule: str
    formula: str
    variance_formula: str
    formula_source: str
    estimate: MetaEstimate
    rows: tuple[MetaRow, ...]
    components: tuple[VarianceComponent, ...]
    covariance_formula: str
    robust: RobustResult | None
    regression: RegressionSummary | None
    subgroups: SubgroupSummary | None
    bias: BiasSummary
    left_out: tuple[LeftOut, ...]
    left_out_reason: str
    influence: InfluenceResult | None
    cumulative: CumulativeResult | None
    trail: tuple[Conversion, ...]
    suspicions: tuple[SemSuspicion, ...]
    faults: tuple[str, ...]
    warnings: tuple[MetaWarning, ...]

    @property
    def status(self) -> Literal["ok", "flagged"]:
        """Whether something about the input makes the result one to be looked at."""
        return "flagged" if self.faults else "ok"

    @property
    def is_log(self) -> bool:
        """Whether the exponential of the effect is a ratio."""
        return self.estimate.measure in LOG_MEASURES

    def to_dict(self) -> dict[str, object]:
        """The whole result as the ``--json`` contract has it; no NaN."""
        found = plain_fields(self.estimate)
        found["measure"] = measure_name(self.estimate.measure)
        missing = found.pop("missing")
        return contract(
            SCHEMA,
            source=self.source,
            options=self.options.to_dict(),
            content={
                **found,
                "status": self.status,
                "reason": "; ".join(self.faults),
                "missing": missing,
                "ratio": self._ratio(),
                "studies": self.studies,
                "study_rule": self.study_rule,
                "rows_in_file": self.rows_in_file,
                "columns": dict(self.columns),
                "formula": self.formula,
                "variance_formula": self.variance_formula,
                "formula_source": self.formula_source,
                "covariance_formula": self.covariance_formula,
                "moderators": []
                if self.regression is None
                else [plain_fields(one) for one in self.regression.coefficients],
                "regression": None if self.regression is None else self.regression.to_dict(),
                "subgroups": None if self.subgroups is None else plain_fields(self.subgroups),
                "levels": [plain_fields(one) for one in self.components],
                "robust": None if self.robust is None else self.robust.to_dict(),
                "rows": [self._row(row) for row in self.rows],
                "bias": self.bias.to_dict(),
                "leave_one_out": [plain_fields(one) for one in self.left_out],
                "leave_one_out_reason": self.left_out_reason,
                "influence": None if self.influence is None else self.influence.to_dict()["rows"],
                "cumulative": None if self.cumulative is None else self._cumulative(),
                "conversions": [one.to_dict() for one in self.trail],
                "suspected_sem": [one.to_dict() for one in self.suspicions],
            },
            warnings=tuple(
                {
                    "code": one.code,
                    "message": one.message,
                    "arm": None,
                    "animal_id": None,
                    "rows": list(one.rows),
                }
                for one in self.warnings
            ),
        )

    def to_frame(self) -> pd.DataFrame:
        """The rows as a table, with ratios where the effect is a logarithm."""
        import pandas as pd

        records = []
        for row in self.rows:
            content = self._row(row)
            facts = content.pop("facts")
            ratio = content.pop("ratio")
            if isinstance(ratio, dict):
                content |= {
                    f"ratio{'' if n == 'estimate' else '_' + n}": v for n, v in ratio.items()
                }
            content |= facts if isinstance(facts, dict) else {}
            records.append(content)
        return pd.DataFrame.from_records(records)

    def _row(self, row: MetaRow) -> dict[str, object]:
        content = plain_fields(row)
        content["ratio"] = (
            {
                "estimate": exponential(row.yi),
                "lower": exponential(row.lower),
                "upper": exponential(row.upper),
            }
            if self.is_log
            else None
        )
        return content

    def _ratio(self) -> dict[str, float | None] | None:
        """The pooled effect as a ratio."""
        if not self.is_log:
            return None
        one = self.estimate
        return {
            "estimate": exponential(one.estimate),
            "lower": exponential(one.lower),
            "upper": exponential(one.upper),
            "pi_lower": exponential(one.pi_lower),
            "pi_upper": exponential(one.pi_upper),
        }

    def _cumulative(self) -> list[dict[str, object]]:
        """Estimate and limits at each step."""
        if self.cumulative is None:
            return []
        return [
            {
                "label": step.label,
                "k": step.pooled.k,
                "estimate": step.pooled.estimate,
                "std_error": step.pooled.std_error,
                "lower": step.pooled.lower,
                "upper": step.pooled.upper,
                "tau2": step.pooled.tau2,
            }
            for step in self.cumulative.steps
        ]


def exponential(value: float | None) -> float | None:
    """The exponential of a number, None where there is none or it cannot be held.

    Examples
    --------
    >>> exponential(0.0), exponential(None), exponential(1e6)
    (1.0, None, None)
    """
    if value is None:
        return None
    try:
        return math.exp(value)
    except OverflowError:
        return None

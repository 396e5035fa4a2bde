"""What a mouse clinical trial says: effects, how they differ among lines, and each line's own.

All of it is plain values, so that it can be stored and read back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from oncovivo.panels.trial_data import TrialBaseline

__all__ = [
    "Heterogeneity",
    "LineEffect",
    "SubgroupTest",
    "TrialEffect",
    "TrialFit",
    "TrialStatus",
    "TrialVariance",
]

TrialStatus: TypeAlias = Literal["ok", "flagged", "not_estimable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEffect:
    """Effect of a treatment on the growth rate, over lines.

    Parameters
    ----------
    treatment : str
        The arm compared with the control.
    group : str or None
        Subgroup of lines; None for all.
    n_lines, n_animals : int
        Lines with animals in both arms, and all animals of the two arms.
    control_rate, treated_rate : float or None
        Mean growth rates, natural log per day.
    estimate, std_error, df, lower, upper, p_value : float or None
        Treated less control rate, per day, with its t interval. None where it does not exist.
    p_holm : float or None
        Holm-adjusted over the treatments of one table; None where there is no table.
    status : {"ok", "flagged", "not_estimable"}
        Whether the numbers can be used.
    reason : str
        Why not, or what to know.
    """

    treatment: str
    group: str | None
    n_lines: int
    n_animals: int
    control_rate: float | None
    treated_rate: float | None
    estimate: float | None
    std_error: float | None
    df: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    p_holm: float | None = None
    status: TrialStatus = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """How much the effect of a treatment differs among lines.

    Parameters
    ----------
    treatment : str
        The arm compared with the control.
    group : str or None
        Subgroup of lines that the prediction is for; None for all.
    sd : float
        Standard deviation of the lines' effects, natural log per day.
    lower, upper : float or None
        Of `sd`; None where the data do not tell it from 0 on one side, or at all.
    prediction_lower, prediction_upper : float or None
        Where the effect in a new line is expected.
    share_slower : float or None
        Share of lines in which the treatment slows growth at all, by the model.
    status : {"ok", "flagged", "not_estimable"}
        ``flagged`` where animals of a line cannot be told from lines.
    reason : str
        Why.
    """

    treatment: str
    group: str | None
    sd: float
    lower: float | None
    upper: float | None
    prediction_lower: float | None
    prediction_upper: float | None
    share_slower: float | None
    status: TrialStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEffect:
    """Effect of a treatment in one line.

    Parameters
    ----------
    line, tumor_type, treatment : str
        Names.
    group : str or None
        Subgroup of the line.
    n_control, n_treated : int
        Animals of the line.
    raw, raw_std_error : float
        Difference of the line's own mean rates, natural log per day, and its standard error from
        readings and, where the model tells them from lines, animals.
    shrunken, prediction_error : float
        Best linear unbiased prediction of the line's effect, and the standard error of prediction.
    lower, upper : float
        About `shrunken`.
    """

    line: str
    tumor_type: str
    group: str | None
    treatment: str
    n_control: int
    n_treated: int
    raw: float
    raw_std_error: float
    shrunken: float
    prediction_error: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupTest:
    """Whether the effect of a treatment differs among subgroups of lines.

    Parameters
    ----------
    treatment : str
        The arm compared with the control.
    groups : tuple of str
        Subgroups with lines in both arms.
    n_lines : tuple of int
        Lines of each.
    difference, std_error, lower, upper : float or None
        Effect in the second of two groups less that in the first, per day; None for more groups.
    statistic, df_numerator, df_denominator, p_value : float or None
        F test of treatment × subgroup.
    status : {"ok", "flagged", "not_estimable"}
        Whether the numbers can be used.
    reason : str
        Why not.
    """

    treatment: str
    groups: tuple[str, ...]
    n_lines: tuple[int, ...]
    difference: float | None
    std_error: float | None
    lower: float | None
    upper: float | None
    statistic: float | None
    df_numerator: float | None
    df_denominator: float | None
    p_value: float | None
    status: TrialStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialVariance:
    """A variance of the model.

    Parameters
    ----------
    component : {"line", "line_treatment", "animal", "reading"}
        What varies: growth rates of lines, treatments within lines, animals, or log readings.
    variance, sd : float
        Per day squared and per day for rates; without unit for log readings.
    """

    component: Literal["line", "line_treatment", "animal", "reading"]
    variance: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFit:
    """The mixed model of a mouse clinical trial.

    Parameters
    ----------
    control : str
        Arm that others are compared with.
    treatments : tuple of str
        The others.
    baseline : {"own_intercept", "ratio"}
        How the line of an animal starts.
    likelihood : {"REML", "ML"}
        What was maximized.
    log_likelihood : float
        At the maximum, of all readings, with all constants.
    n_lines, n_animals, n_readings : int
        What entered.
    method : str
        How intervals were made.
    level : float
        Of intervals.
    effects : tuple of TrialEffect
        By treatment, and by group within where there are any.
    heterogeneity : tuple of Heterogeneity
        In the order of `effects`.
    subgroup_tests : tuple of SubgroupTest
        One for each treatment where there are groups.
    line_effects : tuple of LineEffect
        By treatment and line, where the line has animals in both arms.
    variances : tuple of TrialVariance
        Of the model.
    converged : bool
        Whether the search arrived.
    simulated : bool
        Whether numbers come from a simulation.
    notes : tuple of str
        What was left out or changed, and what to know.
    """

    control: str
    treatments: tuple[str, ...]
    baseline: TrialBaseline
    likelihood: Literal["REML", "ML"]
    log_likelihood: float
    n_lines: int
    n_animals: int
    n_readings: int
    method: str
    level: float
    effects: tuple[TrialEffect, ...]
    heterogeneity: tuple[Heterogeneity, ...]
    subgroup_tests: tuple[SubgroupTest, ...]
    line_effects: tuple[LineEffect, ...]
    variances: tuple[TrialVariance, ...]
    converged: bool
    simulated: bool
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)

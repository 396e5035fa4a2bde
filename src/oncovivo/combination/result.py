"""What a test of synergy found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from oncovivo.combination.roles import CombinationArms
from oncovivo.growth.fit import GrowthWarning

__all__ = ["Alternative", "Null", "Scale", "SingleAgent", "SynergyResult", "Verdict"]

Null: TypeAlias = Literal["bliss", "hsa", "response_additivity"]
Scale: TypeAlias = Literal[
    "growth_rate", "relative_volume", "tgi", "auc", "hazard", "median_survival"
]
Alternative: TypeAlias = Literal["two_sided", "less"]
Verdict: TypeAlias = Literal["synergy", "antagonism", "not_shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleAgent:
    """The combination against one partner alone.

    Parameters
    ----------
    arm : str
        The partner's arm.
    estimate : float
        Combination less partner, on the scale of the result.
    std_error, df : float or None
        Of the estimate; None for a normal test, or one by relabeling.
    p_value : float
        One-sided: that the combination grows less.
    lower, upper : float or None
        Limits that each hold alone at the level, one-sided; None where open.
    """

    arm: str
    estimate: float
    std_error: float | None
    df: float | None
    p_value: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SynergyResult:
    """A combination against what a null model foresees from its partners.

    Parameters
    ----------
    null : {"bliss", "hsa", "response_additivity"}
        The null model.
    scale : {"growth_rate", "relative_volume", "tgi", "auc", "hazard", "median_survival"}
        What it foresees: the rate, natural log per day; the size relative to the start on the
        day; the inhibition 100 (1 - size / control's size) of the model on the day; the area under
        the relative size up to the day; the hazard of the event; the median time to it.
    arms : CombinationArms
        Roles.
    day, time : float or None
        Study day of the index, and the same in days since baseline; None for events.
    estimate, lower, upper : float or None
        Observed less foreseen, as logs (per day on the rate): below 0 is synergy. For response
        additivity ln(R_AB + R_C) - ln(R_A + R_B).
    std_error, df : float or None
        Of the estimate.
    level : float
        Confidence.
    alternative : {"two_sided", "less"}
        ``less``: a one-sided test, whose limits each hold alone at the level.
    p_value : float or None
        Of no synergy and no antagonism, or of no synergy where one-sided.
    index, index_lower, index_upper : float or None
        Observed over foreseen size or hazard, foreseen over observed median: below 1 is synergy.
        A missing upper limit is unbounded where the reason does not say otherwise.
    detectable_index : float or None
        Largest index below 1 that a test at two-sided 1 - level finds with 80 % power, at the
        standard error of this study.
    verdict : {"synergy", "antagonism", "not_shown"}
        What the test says at the level.
    df_method : str
        How covariance and degrees of freedom were made.
    singular : bool
        Whether the fit lies on the boundary of its variances.
    versus : str or None
        The better partner by its estimate, for the highest single agent.
    single_agents : tuple of SingleAgent
        The combination against each partner, for the highest single agent.
    observed, foreseen : float or None
        The combination's quantity and what the null model foresees: rate, natural log per day;
        size relative to the start; inhibition, percent; area under the relative size, days; hazard
        ratio against the control; median, in the unit of the times. Response additivity may
        foresee a size at or below 0, and then has no index.
    reason : str
        What is missing or flagged; empty otherwise.
    warnings : tuple of GrowthWarning
        Of the fit and of the test.
    """

    null: Null
    scale: Scale
    arms: CombinationArms
    day: float | None
    time: float | None
    estimate: float | None
    std_error: float | None
    df: float | None
    lower: float | None
    upper: float | None
    level: float
    alternative: Alternative
    p_value: float | None
    index: float | None
    index_lower: float | None
    index_upper: float | None
    detectable_index: float | None
    verdict: Verdict
    df_method: str
    singular: bool
    versus: str | None = None
    single_agents: tuple[SingleAgent, ...] = ()
    observed: float | None = None
    foreseen: float | None = None
    reason: str = ""
    warnings: tuple[GrowthWarning, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "null": self.null,
            "scale": self.scale,
            "arms": self.arms.to_dict(),
            "day": self.day,
            "time": self.time,
            "estimate": self.estimate,
            "std_error": self.std_error,
            "df": self.df,
            "lower": self.lower,
            "upper": self.upper,
            "level": self.level,
            "alternative": self.alternative,
            "p_value": self.p_value,
            "index": self.index,
            "index_lower": self.index_lower,
            "index_upper": self.index_upper,
            "detectable_index": self.detectable_index,
            "verdict": self.verdict,
            "df_method": self.df_method,
            "singular": self.singular,
            "versus": self.versus,
            "single_agents": [asdict(agent) for agent in self.single_agents],
            "observed": self.observed,
            "foreseen": self.foreseen,
            "reason": self.reason,
            "warnings": [warning.to_dict() for warning in self.warnings],
        }

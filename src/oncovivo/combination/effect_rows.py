"""One study's answer as a row that can be pooled with those of other studies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from oncovivo.combination.result import Null, Scale, SynergyResult
from oncovivo.errors import InputError

__all__ = ["SynergyRow", "synergy_row"]

NULL_NAMES: Final[Mapping[Null, str]] = {
    "bliss": "Bliss",
    "hsa": "highest single agent",
    "response_additivity": "response additivity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SynergyRow:
    """A study's estimate and its variance.

    Parameters
    ----------
    label : str
        The study.
    yi, vi : float
        Observed less foreseen as logs, below 0 for synergy, and its squared standard error.
    df : float or None
        Degrees of freedom behind `vi`: with few, pooling that takes `vi` as known is too sure.
        None where the test is normal.
    null : {"bliss", "response_additivity"}
        Null model.
    scale : {"growth_rate", "relative_volume", "tgi", "auc", "hazard", "median_survival"}
        Scale.
    measure : str
        What `yi` is, in words. Rows with other words, or another `time`, are not to be pooled.
    time : float or None
        Days since baseline that `yi` refers to; None for a rate and for events.
    combination : str
        The arm.
    factors : mapping of str to str
        What tells studies apart, such as the line or the lab.
    """

    label: str
    yi: float
    vi: float
    df: float | None
    null: Null
    scale: Scale
    measure: str
    time: float | None
    combination: str
    factors: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "label": self.label,
            "yi": self.yi,
            "vi": self.vi,
            "df": self.df,
            "null": self.null,
            "scale": self.scale,
            "measure": self.measure,
            "time": self.time,
            "combination": self.combination,
            "factors": dict(self.factors),
        }


def synergy_row(
    result: SynergyResult, study_id: str, *, factors: Mapping[str, str] | None = None
) -> SynergyRow:
    """A result as an effect size of its study.

    Parameters
    ----------
    result : SynergyResult
        Two-sided. The highest single agent has no such row: the better partner is not the same one
        in every study, and the largest of two differences is no estimate with a standard error.
    study_id : str
        What the row is called.
    factors : mapping of str to str, optional
        What tells studies apart.

    Raises
    ------
    InputError
        If the result is of the highest single agent, or has no standard error.
    """
    if result.alternative != "two_sided":
        expected = "a result of a two-sided null model: bliss or response_additivity"
        raise InputError(expected, found=result.null, where=f"study {study_id}")
    estimate, error = result.estimate, result.std_error
    if estimate is None or error is None:
        expected = "a result with a standard error"
        raise InputError(expected, found=result.reason or "none", where=f"study {study_id}")
    return SynergyRow(
        label=study_id,
        yi=estimate,
        vi=error**2,
        df=result.df,
        null=result.null,
        scale=result.scale,
        measure=_measure(result),
        time=None if result.scale == "growth_rate" else result.time,
        combination=result.arms.combination,
        factors=dict(factors or {}),
    )


def _measure(result: SynergyResult) -> str:
    """What the estimate is."""
    name = NULL_NAMES[result.null]
    if result.scale == "growth_rate":
        return f"growth rate, observed less {name}, natural log per day"
    if result.scale == "median_survival":
        return f"median survival, log of {name} over observed"
    what = {
        "relative_volume": "relative size",
        "tgi": "relative size",
        "auc": "area under relative size",
        "hazard": "hazard",
    }[result.scale]
    if result.null == "response_additivity":
        return f"{what}, log of observed plus controls over partners ({name})"
    return f"{what}, log of observed over {name}"

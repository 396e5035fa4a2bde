"""Target engaged is not response: a marker of the target beside growth, line by line.

A drug may reach its target in a tumor that grows on. Over lines and arms together such a marker
still goes with growth, because treated tumors of the lines that respond have both low; within
arms of a line it says nothing of the animals. This module puts the three answers beside each
other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.remarks import Remark
from oncovivo.biomarkers.within_study import MarkerCorrelation
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Study

if TYPE_CHECKING:
    from oncovivo.growth.data import GrowthData


__all__ = [
    "EngagementAndResponse",
    "EngagementVerdict",
    "LineEngagement",
    "animal_rates",
    "compare_engagement",
]

FloatArray: TypeAlias = NDArray[np.float64]
EngagementVerdict: TypeAlias = Literal[
    "engaged_and_slowed", "engaged_not_slowed", "slowed_not_engaged", "neither"
]

ENGAGED_WITHOUT_RESPONSE: Final = "engaged_without_response"
_FEWEST: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEngagement:
    """Marker and growth of one line, treated against control, animals as units.

    Parameters
    ----------
    line, study_id : str
        Which.
    n_control, n_treated : int
        Animals with the marker.
    ratio, ratio_lower, ratio_upper : float
        Geometric mean of the treated over that of the concurrent controls, from each animal's
        mean logarithm over the days after treatment began; Welch's interval.
    ratio_p_value : float
        Two-sided.
    rate_difference, rate_lower, rate_upper : float
        Growth rate of the treated less that of the controls, natural log per day, by the mixed
        model with Kenward-Roger.
    rate_p_value : float
        Two-sided.
    verdict : EngagementVerdict
        Which intervals lie below no effect.
    """

    line: str
    study_id: str
    n_control: int
    n_treated: int
    ratio: float
    ratio_lower: float
    ratio_upper: float
    ratio_p_value: float
    rate_difference: float
    rate_lower: float
    rate_upper: float
    rate_p_value: float
    verdict: EngagementVerdict

    @property
    def inhibition_pct(self) -> float:
        """100 (1 - ratio)."""
        return 100 * (1 - self.ratio)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {**asdict(self), "inhibition_pct": self.inhibition_pct}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementAndResponse:
    """What a marker of the target says of response, and what it does not.

    Parameters
    ----------
    marker, control, treated : str
        Names of marker and arms.
    days : tuple of float
        Days of the marker after treatment began.
    lines : tuple of LineEngagement
        By name.
    pooled : MarkerCorrelation
        Spearman of marker and growth rate over all animals as if there were no arms or lines: the
        misleading one.
    within : MarkerCorrelation
        The same within arms of a line.
    simulated : bool
        Whether a study is simulated.
    level : float
        Confidence of the intervals.
    status : {"flagged"}
        The marker is from after treatment began, which keeps it from being a predictor.
    reason : str
        Why.
    remarks : tuple of Remark
        What to know.
    """

    marker: str
    control: str
    treated: str
    days: tuple[float, ...]
    lines: tuple[LineEngagement, ...]
    pooled: MarkerCorrelation
    within: MarkerCorrelation
    simulated: bool
    level: float
    status: Literal["flagged"]
    reason: str
    remarks: tuple[Remark, ...]

    def sentence(self) -> str:
        """The finding in words, with its intervals."""
        parts = [
            f"{line.line}: {self.marker} at {_percent(line.ratio)} of the control's "
            f"({_percent(line.ratio_lower)} to {_percent(line.ratio_upper)}), growth rate "
            f"{_signed(line.rate_difference)} per day ({_signed(line.rate_lower)} to "
            f"{_signed(line.rate_upper)})"
            for line in self.lines
        ]
        words = ("Simulated data. " if self.simulated else "") + "; ".join(parts) + "."
        trapped = [line.line for line in self.lines if line.verdict == "engaged_not_slowed"]
        if trapped:
            words += (
                f" In {_listed(trapped)} {self.marker} falls and growth is not shown to slow: a "
                f"fall of {self.marker} shows that the drug reached its target and not that the "
                "tumor responds."
            )
        if self.pooled.estimate is not None and self.within.estimate is not None:
            words += (
                f" Over all animals {self.marker} and growth have a Spearman correlation of "
                f"{_two(self.pooled.estimate)} (p = {self.pooled.p_value:.2g}), which mixes in "
                f"the treatment; within arms of a line it is {_two(self.within.estimate)} "
                f"(p = {self.within.p_value:.2g})."
            )
        return words

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "marker": self.marker,
            "control": self.control,
            "treated": self.treated,
            "days": list(self.days),
            "lines": [line.to_dict() for line in self.lines],
            "pooled": self.pooled.to_dict(),
            "within": self.within.to_dict(),
            "simulated": self.simulated,
            "level": self.level,
            "status": self.status,
            "reason": self.reason,
            "sentence": self.sentence(),
            "warnings": [remark.to_dict() for remark in self.remarks],
        }


def compare_engagement(
    studies: Sequence[Study],
    marker: str,
    *,
    control: str,
    treated: str,
    rng: np.random.Generator,
    assay: str | None = None,
    compartment: str | None = None,
    level: float = 0.95,
) -> EngagementAndResponse:
    """A marker's fall under treatment beside the effect on growth, line by line.

    Parameters
    ----------
    studies : sequence of Study
        One for each line, with volumes and markers; each line once.
    marker : str
        Analyte of the marker tables; its values are positive.
    control, treated : str
        Arms, the same names in all studies.
    rng : numpy.random.Generator
        Draws orders for the p-values of the correlations.
    assay, compartment : str, optional
        Needed where a table has the analyte by several assays or in several compartments.
    level : float
        Confidence of the intervals.

    Raises
    ------
    InputError
        If a line comes twice, or an arm or analyte is unknown.
    DataError
        If an arm has fewer than two animals with the marker after treatment began, a value has no
        logarithm, or the growth model cannot be fitted.
    """
    from oncovivo.biomarkers.timing import (
        MEASURED_AFTER_TREATMENT,
        MarkerTiming,
        first_treatment_day,
    )
    from oncovivo.biomarkers.within_study import correlate_marker

    if not studies:
        raise InputError("at least one study", found="none")
    if control == treated:
        raise InputError("two arms", found=f"'{control}' twice")
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    names = [study.line.name for study in studies]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("each line once", found=f"'{twice}' twice")
    rows: list[LineEngagement] = []
    values: list[float] = []
    rates: list[float] = []
    labels: list[str] = []
    days: set[float] = set()
    first: list[tuple[float, str]] = []
    for study in sorted(studies, key=lambda study: study.line.name):
        start = first_treatment_day(study)
        own, seen = _log_means(study, marker, start[0], assay, compartment)
        data = _two_arms(study, control, treated)
        rows.append(_line(study, data, own, control, treated, marker, level))
        for name, rate in zip(data.animal_ids, animal_rates(data).tolist(), strict=True):
            arm = data.arms[data.arm[data.animal_ids.index(name)]]
            values.append(own.get(name, math.nan))
            rates.append(rate)
            labels.append(f"{study.line.name}, {arm}")
        days |= seen
        first.append(start)
    timing = MarkerTiming(
        days=tuple(sorted(days)),
        first_treatment=min(first)[0],
        assumed=min(first)[1],
    )
    pooled, within = (
        correlate_marker(
            np.array(values),
            np.array(rates),
            labels,
            scope=scope,
            timing=timing,
            names=(marker, "growth rate"),
            level=level,
            rng=rng,
        )
        for scope in ("pooled", "within_arm")
    )
    remarks = [Remark(code=MEASURED_AFTER_TREATMENT, message=timing.reason(marker))]
    trapped = [row.line for row in rows if row.verdict == "engaged_not_slowed"]
    if trapped:
        message = (
            f"{marker} falls in {_listed(trapped)} too, where growth is not shown to slow: target "
            "engaged is not response"
        )
        remarks.insert(0, Remark(code=ENGAGED_WITHOUT_RESPONSE, message=message))
    return EngagementAndResponse(
        marker=marker,
        control=control,
        treated=treated,
        days=timing.days,
        lines=tuple(rows),
        pooled=pooled,
        within=within,
        simulated=any(study.simulated for study in studies),
        level=level,
        status="flagged",
        reason="; ".join(remark.message for remark in remarks),
        remarks=tuple(remarks),
    )


def animal_rates(data: GrowthData) -> FloatArray:
    """Least-squares growth rate of each animal, natural log per day; NaN with one reading.

    Parameters
    ----------
    data : GrowthData
        Readings; those gone or below the limit enter as the limit.

    Examples
    --------
    >>> from oncovivo.growth import growth_data_from_arrays
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 3,
    ...     animal_id=["m1"] * 3,
    ...     time=np.array([0.0, 5.0, 10.0]),
    ...     log_size=np.array([5.0, 5.5, 6.0]),
    ... )
    >>> animal_rates(data).round(3).tolist()
    [0.1]
    """
    n = data.n_animals
    count = data.readings
    mean_time = np.bincount(data.animal, weights=data.time, minlength=n) / count
    mean_size = np.bincount(data.animal, weights=data.log_size, minlength=n) / count
    time = data.time - mean_time[data.animal]
    size = data.log_size - mean_size[data.animal]
    squares = np.bincount(data.animal, weights=time**2, minlength=n)
    products = np.bincount(data.animal, weights=time * size, minlength=n)
    rates: FloatArray = np.full(n, np.nan)
    np.divide(products, squares, out=rates, where=squares > 0)
    return rates


def _log_means(
    study: Study, marker: str, start: float, assay: str | None, compartment: str | None
) -> tuple[dict[str, float], set[float]]:
    """Mean log marker of each animal after treatment began, and the days."""
    from oncovivo.biomarkers.animal_values import animal_values
    from oncovivo.biomarkers.marker_table import markers_of_study

    found = animal_values(
        markers_of_study(study),
        marker,
        assay=assay,
        compartment=compartment,
        averaging="geometric",
    )
    logs = found.selection.assay.scale == "log2"
    by_animal: dict[str, list[float]] = {}
    days: set[float] = set()
    for row in found.rows:
        if row.value is None or row.value_state != "measured" or row.day is None:
            continue
        if row.day <= start:
            continue
        by_animal.setdefault(row.animal_id, []).append(
            row.value * math.log(2) if logs else math.log(row.value)
        )
        days.add(row.day)
    if not days:
        expected = f"values of {marker} after treatment began on day {start:g}"
        raise DataError(expected, found="none", where=f"study {study.study_id}")
    return {name: math.fsum(part) / len(part) for name, part in by_animal.items()}, days


def _two_arms(study: Study, control: str, treated: str) -> GrowthData:
    """Growth readings of control and treated."""
    from oncovivo.growth.data import growth_data

    data = growth_data(study).without_below_limit()
    wanted = [data.arm_number(control), data.arm_number(treated)]
    return data.select(np.isin(data.arm[data.animal], wanted))


def _line(
    study: Study,
    data: GrowthData,
    own: dict[str, float],
    control: str,
    treated: str,
    marker: str,
    level: float,
) -> LineEngagement:
    """One line's marker and growth."""
    from scipy import stats

    from oncovivo.growth.fit import fit_growth

    groups = []
    for arm in (treated, control):
        logs = [own[a.animal_id] for a in study.animals_of(arm) if a.animal_id in own]
        if len(logs) < _FEWEST:
            expected = f"{_FEWEST} animals or more with {marker} after treatment began"
            where = f"study {study.study_id}, arm {arm}"
            raise DataError(expected, found=str(len(logs)), where=where)
        groups.append(np.array(logs))
    test = stats.ttest_ind(groups[0], groups[1], equal_var=False)
    limits = test.confidence_interval(level)
    fit = fit_growth(data)
    weights = fit.terms.rate(data.arm_number(treated)) - fit.terms.rate(data.arm_number(control))
    rate = fit.contrasts(weights, level=level)
    engaged, slowed = limits.high < 0, float(rate.upper[0]) < 0
    verdict: EngagementVerdict = "neither"
    if engaged:
        verdict = "engaged_and_slowed" if slowed else "engaged_not_slowed"
    elif slowed:
        verdict = "slowed_not_engaged"
    return LineEngagement(
        line=study.line.name,
        study_id=study.study_id,
        n_control=groups[1].size,
        n_treated=groups[0].size,
        ratio=math.exp(groups[0].mean() - groups[1].mean()),
        ratio_lower=math.exp(limits.low),
        ratio_upper=math.exp(limits.high),
        ratio_p_value=float(test.pvalue),
        rate_difference=float(rate.estimate[0]),
        rate_lower=float(rate.lower[0]),
        rate_upper=float(rate.upper[0]),
        rate_p_value=float(rate.p_value[0]),
        verdict=verdict,
    )


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f} %"


def _signed(rate: float) -> str:
    return f"{rate:+.3f}".replace("-", "\N{MINUS SIGN}")


def _two(correlation: float) -> str:
    return f"{correlation:.2f}".replace("-", "\N{MINUS SIGN}")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]

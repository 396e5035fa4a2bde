"""An assay over time: means by arm and day, inhibition by day, and its area over the days.

The area under the inhibition is the trapezoid over the days on which arm and control both have
values. Its error depends on who was measured: different animals on each day (serial sacrifice) are
independent, and the squares add; the same animals on all days enter with one score each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.animal_values import AnimalValue, animal_values
from oncovivo.biomarkers.inhibition import (
    GroupInhibition,
    comparable_rows,
    contrast_values,
    percent_inhibition,
    sort_day,
)
from oncovivo.biomarkers.marker_table import NO_ANIMAL, MarkerTable
from oncovivo.biomarkers.quantification import LimitedMean, MeanScale, limited_mean, t_quantile
from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ArmDayMean", "InhibitionArea", "TimeCourse", "time_course"]

FloatArray: TypeAlias = NDArray[np.float64]
Sampling: TypeAlias = Literal["separate animals", "same animals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDayMean:
    """One arm on one day.

    Parameters
    ----------
    line, arm : str
        Which.
    day : float or None
        Study day.
    values : tuple of float
        Of the animals, rising, limits at their limit; what a plot draws.
    mean : LimitedMean
        Geometric mean with its interval, values below a limit taken as such.
    """

    line: str
    arm: str
    day: float | None
    values: tuple[float, ...]
    mean: LimitedMean


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitionArea:
    """Area under the inhibition of one arm.

    Parameters
    ----------
    line, arm, versus : str
        Arm and control.
    days : tuple of float
        Days that entered.
    area_pct_days, lower, upper : float or None
        Percent inhibition times days, and its interval.
    mean_pct, mean_lower_pct, mean_upper_pct : float or None
        The same over the days spanned: mean inhibition.
    df : float or None
        Welch's degrees of freedom.
    sampling : {"separate animals", "same animals"} or None
        What the error rests on.
    level : float
        Confidence of the interval.
    status : EndpointStatus
        ``ok``, ``flagged`` or ``not_estimable``.
    reason : str
        Why; empty when ``ok``.
    """

    line: str
    arm: str
    versus: str
    days: tuple[float, ...]
    area_pct_days: float | None
    lower: float | None
    upper: float | None
    mean_pct: float | None
    mean_lower_pct: float | None
    mean_upper_pct: float | None
    df: float | None
    sampling: Sampling | None
    level: float
    status: EndpointStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCourse:
    """An analyte over time.

    Parameters
    ----------
    analyte, assay, unit : str
        What was measured and how.
    control : str
        Control arm.
    points : tuple of ArmDayMean
        Every line, arm and day, the control first.
    inhibition : tuple of GroupInhibition
        Every treated arm and day.
    areas : tuple of InhibitionArea
        Every treated arm.
    notes : tuple of str
        What to know about the table.
    """

    analyte: str
    assay: str
    unit: str
    control: str
    points: tuple[ArmDayMean, ...]
    inhibition: tuple[GroupInhibition, ...]
    areas: tuple[InhibitionArea, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each arm and day with its mean and inhibition."""
        import pandas as pd

        turned = {(g.line, g.arm, g.day): g for g in self.inhibition}
        rows = []
        for point in self.points:
            group = turned.get((point.line, point.arm, point.day))
            rows.append(
                {
                    "line": point.line,
                    "arm": point.arm,
                    "day": point.day,
                    "n": point.mean.n,
                    "n_below": point.mean.n_below,
                    "mean": point.mean.estimate,
                    "lower": point.mean.lower,
                    "upper": point.mean.upper,
                    "inhibition_pct": None if group is None else group.estimate_pct,
                    "inhibition_lower_pct": None if group is None else group.lower_pct,
                    "inhibition_upper_pct": None if group is None else group.upper_pct,
                }
            )
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def time_course(
    table: MarkerTable,
    analyte: str,
    *,
    control: str,
    assay: str | None = None,
    compartment: str | None = None,
    level: float = 0.95,
) -> TimeCourse:
    """Means and inhibition of an analyte by arm and day.

    Parameters
    ----------
    table : MarkerTable
        With arms and days.
    analyte : str
        What was measured; its assay must be on a scale on which ratios mean something.
    control : str
        Control arm.
    assay, compartment : str, optional
        Needed where the table has the analyte by several assays or in several compartments.
    level : float
        Confidence, between 0 and 1.

    Raises
    ------
    InputError
        If the analyte or the control is not there, or the assay is ordinal or in cycles.
    DataError
        If no arm but the control has values, or a value is 0 or less: all is on the log scale.

    Notes
    -----
    The area is a sum of inhibitions with the weights of the trapezoid, and its error that of the
    sum by the delta method on the logarithms: for separate animals as Bailer AJ. J Pharmacokinet
    Biopharm 1988;16:303, with the degrees of freedom of Welch and Satterthwaite.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame(
    ...     {"animal_id": [f"m{i}" for i in range(8)], "arm": 4 * ["vehicle", "drug"],
    ...      "day": 4 * [1.0] + 4 * [3.0], "analyte": "pS6", "assay": "elisa", "unit": "ng/mL",
    ...      "value": [8.0, 4.0, 12.5, 6.25, 8.0, 2.0, 12.5, 3.125]}
    ... )
    >>> found = time_course(MarkerTable(name="x", rows=rows), "pS6", control="vehicle")
    >>> [round(group.estimate_pct, 9) for group in found.inhibition]
    [50.0, 75.0]
    >>> round(found.areas[0].area_pct_days, 9), found.areas[0].sampling
    (125.0, 'separate animals')
    """
    inhibition = percent_inhibition(
        table, analyte, control=control, assay=assay, compartment=compartment, level=level
    )
    values = animal_values(table, analyte, assay=assay, compartment=compartment)
    rows = comparable_rows(values, table, control, scale="log")
    log2 = values.selection.assay.scale == "log2"
    scale: MeanScale = "linear" if log2 else "log"
    if not log2:
        wrong = [row for row in rows if row.value is None or row.value <= 0]
        if wrong:
            raise DataError(
                f"values of {analyte} above 0: a course is on the log scale",
                found=f"{wrong[0].value:g} in animal '{wrong[0].animal_id}'",
                where=table.name,
                mend="give zeros as readings below the limit of quantification",
            )
    keys = {(row.line, row.arm, row.day) for row in rows}
    points = []
    for line, arm, day in sorted(
        keys, key=lambda k: (k[0], k[1] != control, k[1], sort_day(k[2]))
    ):
        own = [row for row in rows if (row.line, row.arm, row.day) == (line, arm, day)]
        numbers = [row.value for row in own if row.value is not None]
        states = [row.value_state for row in own]
        points.append(
            ArmDayMean(
                line=line,
                arm=arm,
                day=day,
                values=tuple(sorted(numbers)),
                mean=limited_mean(numbers, states, scale=scale, level=level),
            )
        )
    areas = []
    for line, arm in sorted({(row.line, row.arm) for row in rows if row.arm != control}):
        own = [row for row in rows if (row.line, row.arm) == (line, arm)]
        theirs = [row for row in rows if (row.line, row.arm) == (line, control)]
        area = _area(own, theirs, control=control, level=level, log2=log2)
        if values.units == "fields":
            reason = "; ".join(filter(None, (area.reason, NO_ANIMAL)))
            status = "flagged" if area.status == "ok" else area.status
            area = replace(area, reason=reason, status=status)
        areas.append(area)
    return TimeCourse(
        analyte=analyte,
        assay=values.selection.assay.name,
        unit=values.selection.unit,
        control=control,
        points=tuple(points),
        inhibition=inhibition.groups,
        areas=tuple(areas),
        notes=values.notes,
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """Logarithms of one arm by day, with the animals they are of."""

    days: tuple[tuple[tuple[str, ...], FloatArray], ...]

    @property
    def means(self) -> FloatArray:
        return np.array([values.mean() for _, values in self.days])

    def sampling(self) -> Sampling | None:
        """How animals and days go together; None where neither pattern holds."""
        names = [set(animals) for animals, _ in self.days]
        if any(
            len(own) < len(animals) for own, (animals, _) in zip(names, self.days, strict=True)
        ):
            return None
        if all(own == names[0] for own in names):
            return "same animals"
        if sum(len(own) for own in names) == len(set().union(*names)):
            return "separate animals"
        return None

    def errors(self, weights: FloatArray, sampling: Sampling) -> list[tuple[float, int]]:
        """Squared errors of the weighted sum of means, each with its degrees of freedom."""
        if sampling == "same animals":
            by_animal = np.array(
                [values[np.argsort(np.array(animals))] for animals, values in self.days]
            )
            scores = weights @ by_animal
            return [(float(scores.var(ddof=1)) / scores.size, scores.size - 1)]
        return [
            (float(weight**2 * values.var(ddof=1)) / values.size, values.size - 1)
            for weight, (_, values) in zip(weights, self.days, strict=True)
        ]


def _area(
    treated: Sequence[AnimalValue],
    controls: Sequence[AnimalValue],
    *,
    control: str,
    level: float,
    log2: bool,
) -> InhibitionArea:
    """Area under the inhibition of one arm."""
    line, arm = treated[0].line, treated[0].arm
    shared = {row.day for row in treated} & {row.day for row in controls}
    days = tuple(sorted(day for day in shared if day is not None))
    kept = [row for row in (*treated, *controls) if row.day in days]
    problem = ""
    if len(days) < 2:
        problem = "fewer than 2 days with values of arm and control"
    elif any(row.value_state != "measured" for row in kept):
        problem = "values known by a limit only"
    elif len({row.plate for row in kept}) > 1:
        # Means of plates that differ are no course; inhibition by day adjusts for them.
        problem = "several plates"
    top = _side([row for row in kept if row.arm == arm], days, log2=log2)
    bottom = _side([row for row in kept if row.arm != arm], days, log2=log2)
    area = df = reach = None
    sampling: Sampling | None = None
    reason = ""
    if not problem:
        width = np.diff(np.array(days))
        trapezoid = np.zeros(len(days))
        trapezoid[:-1] += width / 2
        trapezoid[1:] += width / 2
        ratio = np.exp(top.means - bottom.means)
        area = 100 * float(trapezoid @ (1 - ratio))
        patterns = {top.sampling(), bottom.sampling()}
        sampling = patterns.pop() if len(patterns) == 1 else None
        if sampling is None:
            reason = "animals neither the same on all days nor different on each: no interval"
        elif min(values.size for _, values in (*top.days, *bottom.days)) < 2:
            reason = "fewer than 2 animals in an arm on a day: no interval"
        else:
            # By the logarithm of each day's ratio the area moves by minus its weight times it.
            slopes = 100 * trapezoid * ratio
            parts = [*top.errors(slopes, sampling), *bottom.errors(slopes, sampling)]
            total = math.fsum(square for square, _ in parts)
            shares = math.fsum(square**2 / n for square, n in parts)
            df = total**2 / shares if total > 0 else float(sum(n for _, n in parts))
            reach = t_quantile(level, df) * math.sqrt(total)
    span = days[-1] - days[0] if len(days) > 1 else 1.0
    lower = None if area is None or reach is None else area - reach
    upper = None if area is None or reach is None else area + reach
    status: EndpointStatus = "ok"
    if problem or reason:
        status = "not_estimable" if problem else "flagged"
    return InhibitionArea(
        line=line,
        arm=arm,
        versus=control,
        days=days,
        area_pct_days=area,
        lower=lower,
        upper=upper,
        mean_pct=None if area is None else area / span,
        mean_lower_pct=None if lower is None else lower / span,
        mean_upper_pct=None if upper is None else upper / span,
        df=df,
        sampling=sampling,
        level=level,
        status=status,
        reason=problem or reason,
    )


def _side(rows: Sequence[AnimalValue], days: Sequence[float], *, log2: bool) -> _Side:
    """One arm by day."""
    made = []
    for day in days:
        own = [row for row in rows if row.day == day]
        found = contrast_values(own, log2=log2)
        logs = np.zeros(0) if found is None else found[0]
        made.append((tuple(row.animal_id for row in own), logs))
    return _Side(tuple(made))

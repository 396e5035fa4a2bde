"""Percent inhibition of an assay against concurrent controls, animal by animal and by arm.

Concurrent are the controls of the same line and day and, where plates are recorded, of the same
plate. On the log scale, the default, inhibition is 100 (1 - ratio of geometric means); its limits
are made on the logarithm of the ratio and turned. On the linear scale the means are arithmetic and
the interval of their ratio is Fieller's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.animal_values import AnimalValue, AnimalValues, animal_values
from oncovivo.biomarkers.marker_table import NO_ANIMAL, MarkerTable, ValueState
from oncovivo.biomarkers.quantification import (
    MeanScale,
    check_level,
    fit_limited,
    signed,
    t_quantile,
)
from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.endpoints.intervals import fieller_limits
from oncovivo.errors import DataError, InputError
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.engine import Problem
from oncovivo.growth.kenward_roger import KenwardRoger

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AnimalInhibition",
    "GroupInhibition",
    "Inhibition",
    "InhibitionMethod",
    "percent_inhibition",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int_]
InhibitionMethod: TypeAlias = Literal[
    "log_t",
    "log_welch_t",
    "log_t_plates",
    "log_mixed_plates",
    "log_limits",
    "t",
    "fieller",
    "none",
]

_LN2 = math.log(2.0)
_FEW_CONTROLS = "fewer than 2 concurrent controls"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalInhibition:
    """Inhibition in one animal.

    Parameters
    ----------
    line, arm, animal_id : str
        Whose.
    day : float or None
        Study day.
    plate : str
        Its plate, and that of the controls; empty where none is recorded.
    estimate_pct, lower_pct, upper_pct : float or None
        Percent inhibition; negative where the animal is above the controls. The interval is that
        of the controls' mean alone: the animal's own value is taken as it is.
    greater_than_pct, less_than_pct : float or None
        What the inhibition exceeds where the value is below its limit, and what it stays below
        where the value is above it.
    n_controls : int
        Concurrent controls.
    level : float
        Confidence of the interval.
    method : InhibitionMethod
        How the interval was made.
    status : EndpointStatus
        ``ok``, ``flagged``, ``undefined`` or ``not_estimable``.
    reason : str
        Why; empty when ``ok``.
    """

    line: str
    arm: str
    animal_id: str
    day: float | None
    plate: str
    estimate_pct: float | None
    lower_pct: float | None
    upper_pct: float | None
    greater_than_pct: float | None
    less_than_pct: float | None
    n_controls: int
    level: float
    method: InhibitionMethod
    status: EndpointStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInhibition:
    """Inhibition in one arm on one day.

    Parameters
    ----------
    line, arm, versus : str
        Arm and control arm.
    day : float or None
        Study day.
    estimate_pct, lower_pct, upper_pct : float or None
        Percent inhibition and its interval.
    log_ratio, std_error : float or None
        Natural logarithm of treated over control and its standard error; None on the linear scale.
    p_value : float or None
        That treated and control are equal, two-sided; None on the linear scale.
    df : float or None
        Degrees of freedom.
    n_treated, n_control : int
        Animals that entered.
    n_limits : int
        How many of them are known by a limit only.
    plates : tuple of str
        Plates that entered as blocks; empty without.
    level : float
        Confidence of the interval.
    method : InhibitionMethod
        ``log_welch_t``: unequal variances; ``log_t_plates``: least squares with plates as blocks,
        one variance; ``log_mixed_plates``: the same with a random level of each animal, where
        animals are on several plates (Kenward-Roger); ``log_limits``: maximum likelihood with
        limits, one variance; ``fieller``.
    status : EndpointStatus
        ``ok``, ``flagged``, ``unbounded``, ``undefined`` or ``not_estimable``.
    reason : str
        Why; empty when ``ok``.
    """

    line: str
    arm: str
    versus: str
    day: float | None
    estimate_pct: float | None
    lower_pct: float | None
    upper_pct: float | None
    log_ratio: float | None
    std_error: float | None
    p_value: float | None
    df: float | None
    n_treated: int
    n_control: int
    n_limits: int
    plates: tuple[str, ...]
    level: float
    method: InhibitionMethod
    status: EndpointStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """Inhibition of one analyte.

    Parameters
    ----------
    analyte, assay, unit : str
        What was measured and how.
    control : str
        Control arm.
    scale : {"log", "linear"}
        Where means were taken.
    units : {"animals", "fields"}
        What was counted as one.
    animals : tuple of AnimalInhibition
        Every treated animal, day and plate.
    groups : tuple of GroupInhibition
        Every treated arm and day.
    notes : tuple of str
        What to know about the table.
    """

    analyte: str
    assay: str
    unit: str
    control: str
    scale: MeanScale
    units: Literal["animals", "fields"]
    animals: tuple[AnimalInhibition, ...]
    groups: tuple[GroupInhibition, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each arm and day."""
        import pandas as pd

        return pd.DataFrame([asdict(group) for group in self.groups])

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def percent_inhibition(
    table: MarkerTable,
    analyte: str,
    *,
    control: str,
    assay: str | None = None,
    compartment: str | None = None,
    scale: MeanScale = "log",
    level: float = 0.95,
) -> Inhibition:
    """Percent inhibition of an analyte against the concurrent controls.

    Parameters
    ----------
    table : MarkerTable
        With arms.
    analyte : str
        What was measured; its assay must be on a scale on which ratios mean something.
    control : str
        Control arm.
    assay, compartment : str, optional
        Needed where the table has the analyte by several assays or in several compartments.
    scale : {"log", "linear"}
        ``log``: geometric means of animals, replicates and fields averaged arithmetically before;
        ``linear``: arithmetic means, and no values known by a limit.
    level : float
        Confidence, between 0 and 1.

    Raises
    ------
    InputError
        If the analyte or the control is not there, or the assay is ordinal or in cycles.
    DataError
        If no arm but the control has values, or the arm of a reading is blank.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame(
    ...     {"animal_id": [f"m{i}" for i in range(6)], "arm": 3 * ["vehicle"] + 3 * ["drug"],
    ...      "day": 3.0, "analyte": "pS6", "assay": "elisa", "unit": "ng/mL",
    ...      "value": [8.0, 10.0, 12.5, 2.0, 2.5, 3.125]}
    ... )
    >>> found = percent_inhibition(MarkerTable(name="x", rows=rows), "pS6", control="vehicle")
    >>> round(found.groups[0].estimate_pct, 9), found.groups[0].method
    (75.0, 'log_welch_t')
    >>> [round(animal.estimate_pct) for animal in found.animals]
    [80, 75, 69]
    """
    check_level(level)
    if scale not in ("log", "linear"):
        raise InputError("a scale: log or linear", found=repr(scale))
    values = animal_values(table, analyte, assay=assay, compartment=compartment)
    rows = comparable_rows(values, table, control, scale=scale)
    treated = [row for row in rows if row.arm != control]
    controls = [row for row in rows if row.arm == control]
    if not treated:
        expected = "treated animals with values"
        raise DataError(expected, found=f"none but of '{control}'", where=table.name)
    log2 = values.selection.assay.scale == "log2"
    groups = []
    keys = {(row.line, row.arm, row.day) for row in treated}
    for line, arm, day in sorted(keys, key=lambda k: (k[0], k[1], sort_day(k[2]))):
        own = [row for row in treated if (row.line, row.arm, row.day) == (line, arm, day)]
        theirs = [row for row in controls if (row.line, row.day) == (line, day)]
        groups.append(
            _group(
                own,
                theirs,
                frame={"line": line, "arm": arm, "versus": control, "day": day},
                scale=scale,
                level=level,
                log2=log2,
                remark=NO_ANIMAL if values.units == "fields" else "",
            )
        )
    animals = [
        _animal(row, controls, scale=scale, level=level, log2=log2)
        for row in sorted(treated, key=lambda r: (r.line, r.arm, sort_day(r.day), r.animal_id))
    ]
    return Inhibition(
        analyte=analyte,
        assay=values.selection.assay.name,
        unit=values.selection.unit,
        control=control,
        scale=scale,
        units=values.units,
        animals=tuple(animals),
        groups=tuple(groups),
        notes=values.notes,
    )


def comparable_rows(
    values: AnimalValues, table: MarkerTable, control: str, *, scale: MeanScale
) -> list[AnimalValue]:
    """Rows with a value or a limit, once the assay and the arms can carry a ratio.

    Raises
    ------
    InputError
        If they cannot.
    DataError
        If an arm is blank.
    """
    selection = values.selection
    if selection.assay.scale not in ("ratio", "log2"):
        cycles = selection.assay.scale == "cycles"
        raise InputError(
            "an assay whose ratios mean something",
            found=f"{selection.assay.words} of {selection.analyte}",
            where=table.name,
            mend="normalize threshold cycles first (normalized_qpcr)"
            if cycles
            else "compare the arms by ranks (compare_groups)",
        )
    if selection.assay.scale == "log2" and scale == "linear":
        raise InputError("the log scale for an assay in log2", found="linear", where=table.name)
    arms = sorted({row.arm for row in values.rows})
    if control not in arms or not control:
        raise InputError(
            f"a control arm with values of {selection.analyte}: " + ", ".join(filter(None, arms)),
            found=repr(control),
            where=table.name,
        )
    if "" in arms:
        raise DataError("the arm of each reading", found="a blank arm", where=table.name)
    return [row for row in values.rows if row.value_state != "not_measured"]


def sort_day(day: float | None) -> float:
    """A day, or minus infinity for none."""
    return -math.inf if day is None else day


def contrast_values(
    rows: Sequence[AnimalValue], *, log2: bool
) -> tuple[FloatArray, IntArray] | None:
    """Natural logarithms of values and limits, and their sides; None where one has none."""
    y, sign = signed([row.value or 0.0 for row in rows], [row.value_state for row in rows])
    if log2:
        return y * _LN2, sign
    return None if (y <= 0).any() else (np.log(y), sign)


def _merged(rows: Sequence[AnimalValue]) -> list[AnimalValue]:
    """Rows of animals, several plates of an animal kept."""
    return sorted(rows, key=lambda row: (row.animal_id, row.plate))


def _group(
    treated: Sequence[AnimalValue],
    controls: Sequence[AnimalValue],
    *,
    frame: Mapping[str, object],
    scale: MeanScale,
    level: float,
    log2: bool,
    remark: str,
) -> GroupInhibition:
    """One arm against the controls of its day."""
    rows = [*_merged(treated), *_merged(controls)]
    plates = sorted({row.plate for row in rows})
    blocked = len(plates) > 1
    remarks = [remark]
    if blocked:
        # A plate without both arms says nothing of their difference.
        shared = [
            plate
            for plate in plates
            if any(row.plate == plate for row in treated)
            and any(row.plate == plate for row in controls)
        ]
        lost = sum(row.plate not in shared for row in rows)
        if lost:
            remarks.append(f"{lost} values on plates without both arms are left out")
        rows, plates = [row for row in rows if row.plate in shared], shared
        blocked = len(plates) > 1
    own = [row for row in rows if row.arm == frame["arm"]]
    theirs = [row for row in rows if row.arm != frame["arm"]]
    n_treated = len({row.animal_id for row in own})
    n_control = len({row.animal_id for row in theirs})
    n_limits = sum(row.value_state != "measured" for row in rows)
    result = _Contrast()
    if n_treated < 1 or n_control < 1:
        result = _Contrast(status="not_estimable", reason="no concurrent controls")
    elif scale == "linear":
        result = _linear_contrast(own, theirs, level=level, n_limits=n_limits, blocked=blocked)
    else:
        result = _log_contrast(own, theirs, plates=plates, level=level, log2=log2)
    reason = "; ".join(filter(None, (result.reason, *remarks)))
    status = result.status
    if status == "ok" and reason:
        status = "flagged"
    return GroupInhibition(
        line=str(frame["line"]),
        arm=str(frame["arm"]),
        versus=str(frame["versus"]),
        day=_day(frame["day"]),
        estimate_pct=result.estimate_pct,
        lower_pct=result.lower_pct,
        upper_pct=result.upper_pct,
        log_ratio=result.log_ratio,
        std_error=result.std_error,
        p_value=result.p_value,
        df=result.df,
        n_treated=n_treated,
        n_control=n_control,
        n_limits=n_limits,
        plates=tuple(plates) if blocked else (),
        level=level,
        method=result.method,
        status=status,
        reason=reason,
    )


def _day(day: object) -> float | None:
    return float(day) if isinstance(day, int | float) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contrast:
    """Estimate, interval and what they rest on."""

    estimate_pct: float | None = None
    lower_pct: float | None = None
    upper_pct: float | None = None
    log_ratio: float | None = None
    std_error: float | None = None
    p_value: float | None = None
    df: float | None = None
    method: InhibitionMethod = "none"
    status: EndpointStatus = "ok"
    reason: str = ""


def _log_contrast(
    own: Sequence[AnimalValue],
    theirs: Sequence[AnimalValue],
    *,
    plates: Sequence[str],
    level: float,
    log2: bool,
) -> _Contrast:
    """Ratio of geometric means."""
    rows = [*own, *theirs]
    found = contrast_values(rows, log2=log2)
    if found is None:
        return _Contrast(
            status="undefined",
            reason="a value of 0 or less has no logarithm: give zeros as below the limit, or use "
            "the linear scale",
        )
    y, sign = found
    is_treated = np.arange(len(rows)) < len(own)
    if len(plates) < 2 and not sign.any():
        return _welch(y[is_treated], y[~is_treated], level=level)
    blocks = [[row.plate == plate for row in rows] for plate in plates[1:]]
    x = np.column_stack([np.ones(len(rows)), is_treated, *blocks]).astype(np.float64)
    limits = int((sign != 0).sum())
    said = f"{limits} of {len(rows)} values known by a limit only" if limits else ""
    measured = sign == 0
    known = (measured & is_treated).any() and (measured & ~is_treated).any()
    animals = sorted({row.animal_id for row in rows})
    if len(animals) < len(rows) and not limits:
        number = np.array([animals.index(row.animal_id) for row in rows], dtype=np.intp)
        return _mixed(y, x, number, level=level)
    if len(animals) < len(rows):
        said += "; animals on several plates count as more than one: the interval is too narrow"
    fit = fit_limited(y, sign, x) if known else None
    if fit is None:
        few = "too few measured values for an interval"
        return _Contrast(status="not_estimable", reason="; ".join(filter(None, (said, few))))
    difference, error = float(fit.coefficients[1]), math.sqrt(float(fit.covariance[1, 1]))
    return _finished(
        difference,
        error,
        float(fit.df),
        level=level,
        method="log_limits" if limits else "log_t_plates",
        reason=said,
    )


def _welch(treated: FloatArray, control: FloatArray, *, level: float) -> _Contrast:
    """Difference of means with unequal variances."""
    difference = float(treated.mean() - control.mean())
    if min(treated.size, control.size) < 2:
        return _Contrast(
            estimate_pct=-100 * math.expm1(difference),
            log_ratio=difference,
            status="flagged",
            reason="fewer than 2 animals in an arm: no interval",
        )
    a = float(treated.var(ddof=1)) / treated.size
    b = float(control.var(ddof=1)) / control.size
    df = float(treated.size + control.size - 2)
    if a + b > 0:
        df = (a + b) ** 2 / (a**2 / (treated.size - 1) + b**2 / (control.size - 1))
    return _finished(difference, math.sqrt(a + b), df, level=level, method="log_welch_t")


def _mixed(y: FloatArray, x: FloatArray, animal: NDArray[np.intp], *, level: float) -> _Contrast:
    """Difference with plates as blocks and a random level of each animal."""
    order = np.argsort(animal, kind="stable")
    is_treated = np.zeros(int(animal.max()) + 1, dtype=np.intp)
    is_treated[animal] = x[:, 1].astype(np.intp)
    problem = Problem(
        y=y[order],
        x=x[order],
        time=np.zeros(y.size),
        animal=animal[order],
        arm=is_treated,
        random="intercept",
    )
    if y.size <= x.shape[1] or is_treated.size < 3:
        return _Contrast(status="not_estimable", reason="too few animals for an interval")
    try:
        fit = fit_dense(problem)
    except DataError:
        return _Contrast(status="not_estimable", reason="no spread between animals or plates")
    inference = KenwardRoger(fit.derivatives)
    question = np.array([[0.0, 1.0, *[0.0] * (x.shape[1] - 2)]])
    return _finished(
        float(fit.coefficients[1]),
        math.sqrt(float(inference.covariance[1, 1])),
        float(inference.df(question)[0]),
        level=level,
        method="log_mixed_plates",
    )


def _finished(
    difference: float,
    error: float,
    df: float,
    *,
    level: float,
    method: InhibitionMethod,
    reason: str = "",
) -> _Contrast:
    """A contrast of logarithms as percent inhibition: larger ratios are less inhibition."""
    from scipy.special import stdtr

    reach = t_quantile(level, df) * error
    p_value = None if error == 0 else float(2 * stdtr(df, -abs(difference) / error))
    return _Contrast(
        estimate_pct=-100 * math.expm1(difference),
        lower_pct=-100 * math.expm1(difference + reach),
        upper_pct=-100 * math.expm1(difference - reach),
        log_ratio=difference,
        std_error=error,
        p_value=p_value,
        df=df,
        method=method,
        status="flagged" if reason else "ok",
        reason=reason,
    )


def _linear_contrast(
    own: Sequence[AnimalValue],
    theirs: Sequence[AnimalValue],
    *,
    level: float,
    n_limits: int,
    blocked: bool,
) -> _Contrast:
    """Ratio of arithmetic means with Fieller's interval."""
    if n_limits or blocked:
        why = "values known by a limit" if n_limits else "several plates"
        return _Contrast(status="undefined", reason=f"{why}: use the log scale")
    top = np.array([row.value for row in own], dtype=np.float64)
    bottom = np.array([row.value for row in theirs], dtype=np.float64)
    if bottom.mean() <= 0:
        return _Contrast(status="undefined", reason="the mean of the controls is not above 0")
    estimate = 100 * (1 - float(top.mean() / bottom.mean()))
    if min(top.size, bottom.size) < 2:
        reason = "fewer than 2 animals in an arm: no interval"
        return _Contrast(estimate_pct=estimate, status="flagged", reason=reason)
    lower, upper = fieller_limits(top, bottom, level=level)
    if not np.isfinite(lower):
        return _Contrast(
            estimate_pct=estimate,
            method="fieller",
            status="unbounded",
            reason="the mean of the controls does not differ from 0",
        )
    return _Contrast(
        estimate_pct=estimate,
        lower_pct=100 * (1 - float(upper)),
        upper_pct=100 * (1 - float(lower)),
        method="fieller",
    )


def _animal(
    row: AnimalValue,
    controls: Sequence[AnimalValue],
    *,
    scale: MeanScale,
    level: float,
    log2: bool,
) -> AnimalInhibition:
    """One animal against the mean of its concurrent controls."""
    theirs = [
        other
        for other in controls
        if (other.line, other.day, other.plate) == (row.line, row.day, row.plate)
    ]
    center = _control_mean(theirs, scale=scale, level=level, log2=log2)
    estimate = lower = upper = greater = less = None
    status, reason, method = center.status, center.reason, center.method
    value = row.value
    if value is not None and scale == "log" and not log2 and value <= 0:
        center = _Center(status="undefined", reason="a value of 0 or less has no logarithm")
        status, reason, method = center.status, center.reason, center.method
    if value is not None and center.mean is not None:

        def turned(mean: float) -> float:
            if scale == "linear":
                return 100 * (1 - value / mean)
            own = value * _LN2 if log2 else math.log(value)
            return -100 * math.expm1(own - mean)

        limit: ValueState = row.value_state
        if limit == "measured":
            estimate = turned(center.mean)
            if center.lower is not None and center.upper is not None:
                lower, upper = turned(center.lower), turned(center.upper)
        else:
            greater = turned(center.mean) if limit == "below_limit" else None
            less = turned(center.mean) if limit == "above_limit" else None
            side = "below" if limit == "below_limit" else "above"
            status, method = "flagged", "none"
            reason = "; ".join(filter(None, (f"{side} the limit of quantification", reason)))
    return AnimalInhibition(
        line=row.line,
        arm=row.arm,
        animal_id=row.animal_id,
        day=row.day,
        plate=row.plate,
        estimate_pct=estimate,
        lower_pct=lower,
        upper_pct=upper,
        greater_than_pct=greater,
        less_than_pct=less,
        n_controls=len(theirs),
        level=level,
        method=method,
        status=status,
        reason=reason,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Center:
    """Mean of the concurrent controls with its limits; on the log scale their logarithms."""

    mean: float | None = None
    lower: float | None = None
    upper: float | None = None
    method: InhibitionMethod = "none"
    status: EndpointStatus = "ok"
    reason: str = ""


def _control_mean(
    controls: Sequence[AnimalValue], *, scale: MeanScale, level: float, log2: bool
) -> _Center:
    """Mean of the controls by maximum likelihood where some are known by a limit."""
    if not controls:
        return _Center(status="not_estimable", reason="no concurrent controls")
    limits = sum(row.value_state != "measured" for row in controls)
    if scale == "log":
        found = contrast_values(controls, log2=log2)
        if found is None:
            reason = "a control of 0 or less has no logarithm"
            return _Center(status="undefined", reason=reason)
        y, sign = found
    else:
        y, sign = signed([r.value or 0.0 for r in controls], [r.value_state for r in controls])
    said = f"{limits} of {len(controls)} controls known by a limit only" if limits else ""
    fit = fit_limited(y, sign, np.ones((y.size, 1)))
    if fit is None:
        if limits:
            few = "; ".join((said, "fewer than two different measured controls"))
            return _Center(status="not_estimable", reason=few)
        mean, error, df = float(y.mean()), 0.0, float(y.size - 1)
    else:
        mean = float(fit.coefficients[0])
        error, df = math.sqrt(float(fit.covariance[0, 0])), float(fit.df)
    if scale == "linear" and mean <= 0:
        return _Center(status="undefined", reason="the mean of the controls is not above 0")
    if df < 1:
        return _Center(mean=mean, status="flagged", reason=_FEW_CONTROLS + ": no interval")
    reach = t_quantile(level, df) * error
    low = mean - reach
    if scale == "linear" and low <= 0:
        reason = "the mean of the controls does not differ from 0"
        return _Center(mean=mean, status="unbounded", reason=reason, method="t")
    return _Center(
        mean=mean,
        lower=low,
        upper=mean + reach,
        method="log_t" if scale == "log" else "t",
        status="flagged" if said else "ok",
        reason=said,
    )

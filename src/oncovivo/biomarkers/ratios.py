"""Ratios of signals: phosphorylated over total, target over loading control.

A ratio is a difference of logarithms, and errors of replicates add there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.biomarkers.animal_values import AnimalValue, animal_values
from oncovivo.biomarkers.marker_table import MarkerTable, ValueState
from oncovivo.biomarkers.quantification import check_level, t_quantile
from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.errors import DataError, InputError

__all__ = ["SignalRatio", "ratio_table", "signal_ratio"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRatio:
    """A ratio of two signals of one sample.

    Parameters
    ----------
    ratio : float
        Geometric mean of the numerator over that of the denominator.
    log_ratio, std_error : float
        Natural logarithm of it, and its standard error from the replicates; the error is None with
        one replicate.
    lower, upper : float or None
        Interval of the ratio: t on the log scale.
    df : float or None
        Degrees of freedom: pairs less one, or Welch's.
    level : float
        Confidence of the interval.
    status : EndpointStatus
        ``flagged`` without an error.
    reason : str
        Why.
    """

    ratio: float
    log_ratio: float
    std_error: float | None
    lower: float | None
    upper: float | None
    df: float | None
    level: float
    status: EndpointStatus
    reason: str


def signal_ratio(
    numerator: Sequence[float],
    denominator: Sequence[float],
    *,
    lanes: Literal["paired", "separate"] = "paired",
    level: float = 0.95,
) -> SignalRatio:
    """Ratio of two signals with the error of their technical replicates.

    For a phosphorylated over a total protein, each first over its own loading control, call it
    with these quotients.

    Parameters
    ----------
    numerator, denominator : sequence of float
        Signals of the replicates, above 0.
    lanes : {"paired", "separate"}
        ``paired``: replicate i of both comes from one lane or well, and what the lane adds to both
        cancels; ``separate``: their errors are independent.
    level : float
        Confidence, between 0 and 1.

    Raises
    ------
    InputError
        If a signal is not above 0, or paired replicates are not as many.

    Examples
    --------
    >>> found = signal_ratio([2.0, 8.0], [1.0, 4.0])
    >>> round(found.ratio, 12), round(found.std_error, 12)
    (2.0, 0.0)
    """
    check_level(level)
    if lanes not in ("paired", "separate"):
        raise InputError("lanes: paired or separate", found=repr(lanes))
    top, bottom = _logs("numerator", numerator), _logs("denominator", denominator)
    if lanes == "paired" and top.size != bottom.size:
        found = f"{top.size} and {bottom.size}"
        raise InputError("as many replicates of both signals in paired lanes", found=found)
    difference = float(top.mean() - bottom.mean())
    error, df = _paired(top - bottom) if lanes == "paired" else _separate(top, bottom)
    if error is None or df is None:
        return SignalRatio(
            ratio=math.exp(difference),
            log_ratio=difference,
            std_error=None,
            lower=None,
            upper=None,
            df=None,
            level=level,
            status="flagged",
            reason="one replicate: no error can be told",
        )
    reach = t_quantile(level, df) * error
    return SignalRatio(
        ratio=math.exp(difference),
        log_ratio=difference,
        std_error=error,
        lower=math.exp(difference - reach),
        upper=math.exp(difference + reach),
        df=df,
        level=level,
        status="ok",
        reason="",
    )


def ratio_table(
    table: MarkerTable, numerator: str, denominator: str, *, analyte: str | None = None
) -> MarkerTable:
    """Ratio of two analytes of each animal, day and plate as a new marker table.

    Parameters
    ----------
    table : MarkerTable
        With both analytes, each by one assay on a ratio scale.
    numerator, denominator : str
        Analytes, such as phospho-S6 and S6.
    analyte : str, optional
        Name of the ratio; by default "numerator/denominator".

    Returns
    -------
    MarkerTable
        Rows of the assay ``signal_ratio``, of geometric means over replicates and fields. A
        numerator below its limit gives a ratio below the limit over the denominator, a denominator
        below its limit a ratio above; where both are limits in the same direction nothing is known
        of the ratio.

    Raises
    ------
    InputError
        If an analyte is not there, is not on a ratio scale, or a signal is not above 0.
    DataError
        If no animal has both on one day and plate.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"animal_id": "m1", "arm": "drug", "day": 3.0, "analyte": ["pS6", "S6"],
    ...      "assay": "blot", "value": [5.0, 10.0]}
    ... )
    >>> ratio_table(MarkerTable(name="example", rows=rows), "pS6", "S6").frame["value"].tolist()
    [0.5]
    """
    sides = [
        animal_values(table, name, averaging="geometric") for name in (numerator, denominator)
    ]
    for side in sides:
        if side.selection.assay.scale != "ratio":
            raise InputError(
                f"an analyte on a ratio scale: {side.selection.analyte}",
                found=side.selection.assay.words,
                where=table.name,
                mend="on a log scale take differences; threshold cycles go to normalized_qpcr",
            )
    top, bottom = ({row.sample: row for row in side.rows} for side in sides)
    both = [key for key in top if key in bottom]
    if not both:
        expected = f"animals with {numerator} and {denominator} of one day and plate"
        raise DataError(expected, found="none", where=table.name)
    name = analyte or f"{numerator}/{denominator}"
    rows = []
    for key in both:
        value, state = _quotient(top[key], bottom[key])
        rows.append(
            {
                "line": key[0],
                "arm": key[1],
                "animal_id": key[2],
                "day": key[3],
                "plate": key[4],
                "analyte": name,
                "assay": "signal_ratio",
                "value": value,
                "value_state": state,
            }
        )
    alone = len(set(top) ^ set(bottom))
    notes = [f"{alone} samples have only one of {numerator} and {denominator}"] if alone else []
    units = {side.selection.unit for side in sides}
    if len(units) > 1:
        notes.append(
            f"{numerator} and {denominator} are in different units: only quotients of the ratio "
            "mean something"
        )
    return MarkerTable(name=table.name, rows=pd.DataFrame(rows), notes=(*table.notes, *notes))


def _quotient(top: AnimalValue, bottom: AnimalValue) -> tuple[float | None, ValueState]:
    """Quotient of values and limits, and on which side of it the truth lies."""
    turned: dict[ValueState, ValueState] = {
        "below_limit": "above_limit",
        "above_limit": "below_limit",
    }
    states = {top.value_state, turned.get(bottom.value_state, bottom.value_state)} - {"measured"}
    if top.value is None or bottom.value is None or len(states) > 1:
        return None, "not_measured"
    return top.value / bottom.value, states.pop() if states else "measured"


def _logs(what: str, values: Sequence[float]) -> FloatArray:
    signals = np.asarray(values, dtype=np.float64)
    if not signals.size:
        raise InputError(f"one or more signals of the {what}", found="none")
    wrong = ~(np.isfinite(signals) & (signals > 0))
    if wrong.any():
        found = f"{signals[wrong][0]:g}"
        raise InputError(f"signals above 0 of the {what}", found=found)
    return np.log(signals)


def _paired(difference: FloatArray) -> tuple[float | None, float | None]:
    """Standard error of a mean, and its degrees of freedom."""
    n = difference.size
    if n < 2:
        return None, None
    return float(difference.std(ddof=1)) / math.sqrt(n), float(n - 1)


def _separate(top: FloatArray, bottom: FloatArray) -> tuple[float | None, float | None]:
    """Standard error of a difference of means, and Welch's degrees of freedom."""
    if min(top.size, bottom.size) < 2:
        return None, None
    a, b = float(top.var(ddof=1)) / top.size, float(bottom.var(ddof=1)) / bottom.size
    if a + b == 0:
        return 0.0, float(top.size + bottom.size - 2)
    return math.sqrt(a + b), (a + b) ** 2 / (a**2 / (top.size - 1) + b**2 / (bottom.size - 1))

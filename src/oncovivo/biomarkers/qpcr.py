"""Relative quantities from threshold cycles, with the efficiency of each reaction.

The quantity of a transcript falls by its amplification factor E with each cycle that its threshold
is reached later. Relative to a reference transcript and to a calibrator it is
E_target^(dCt target) / E_reference^(dCt reference), dCt being calibrator minus sample. With both
factors 2 this is 2 to the power of minus delta delta Ct.

References
----------
Pfaffl MW. Nucleic Acids Res 2001;29:e45. Livak KJ, Schmittgen TD. Methods 2001;25:402 (both 2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.biomarkers.animal_values import AnimalValue, animal_values
from oncovivo.biomarkers.marker_table import MarkerTable, ValueState
from oncovivo.biomarkers.quantification import check_level, t_quantile
from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.errors import DataError, InputError

__all__ = [
    "RelativeQuantity",
    "amplification_factor",
    "normalized_qpcr",
    "relative_quantity",
]

FloatArray: TypeAlias = NDArray[np.float64]

# Twice in each cycle is all that a polymerase can; standard curves scatter a little above.
_FACTORS: Final = (1.0, 2.2)
# Efficiencies of 90 to 110 % are usual; others are said.
_USUAL: Final = (1.9, 2.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeQuantity:
    """Quantity of a transcript in a sample relative to a calibrator.

    Parameters
    ----------
    ratio : float
        Fold of the calibrator.
    log2_ratio : float
        Its logarithm to base 2.
    std_error : float or None
        Standard error of `log2_ratio` from the replicates of the four means, which are taken as
        independent and the efficiencies as known; None without replicates.
    lower, upper : float or None
        Interval of the ratio: t with Satterthwaite's degrees of freedom on the log scale.
    df : float or None
        These.
    level : float
        Confidence of the interval.
    efficiency_target, efficiency_reference : float
        Amplification factors.
    status : EndpointStatus
        ``flagged`` where a factor is unusual or there is no error.
    reason : str
        Why.
    """

    ratio: float
    log2_ratio: float
    std_error: float | None
    lower: float | None
    upper: float | None
    df: float | None
    level: float
    efficiency_target: float
    efficiency_reference: float
    status: EndpointStatus
    reason: str


def amplification_factor(slope: float) -> float:
    """Amplification factor from the slope of a standard curve: 10^(-1 / slope).

    Parameters
    ----------
    slope : float
        Threshold cycles per tenfold quantity, negative.

    Raises
    ------
    InputError
        If the slope is not that of an amplification.

    Examples
    --------
    >>> round(amplification_factor(-3.3219), 3)
    2.0
    """
    if not slope < 0:
        raise InputError("a negative slope of the standard curve", found=f"{slope:g}")
    factor = float(10.0 ** (-1.0 / slope))
    check_factor(factor)
    return factor


def relative_quantity(
    target: tuple[Sequence[float], Sequence[float]],
    reference: tuple[Sequence[float], Sequence[float]],
    *,
    efficiency_target: float = 2.0,
    efficiency_reference: float = 2.0,
    level: float = 0.95,
) -> RelativeQuantity:
    """Quantity of a sample relative to a calibrator.

    Parameters
    ----------
    target, reference : (sequence of float, sequence of float)
        Threshold cycles of the transcript: replicates of the sample, then of the calibrator. They
        are averaged as cycles. An undetermined cycle is no number: give such samples to
        :func:`normalized_qpcr` as readings above a limit.
    efficiency_target, efficiency_reference : float
        Amplification factors, above 1 and at most 2.2; 2 is a doubling in each cycle.
    level : float
        Confidence, between 0 and 1.

    Raises
    ------
    InputError
        If there is no cycle, one is not a positive number, or a factor is out of range.

    Examples
    --------
    >>> round(relative_quantity(([22.0], [24.0]), ([18.0], [18.5])).ratio, 4)
    2.8284
    """
    check_level(level)
    remarks = [
        f"amplification factor {factor:g} of the {name} is far from 2"
        for name, factor in (("target", efficiency_target), ("reference", efficiency_reference))
        if unusual_factor(factor)
    ]
    parts: list[tuple[float, FloatArray]] = []
    for (sample, calibrator), factor in (
        (target, efficiency_target),
        (reference, efficiency_reference),
    ):
        weight = math.log2(factor)
        parts += [(-weight, _cycles(sample)), (weight, _cycles(calibrator))]
    signs = (1.0, 1.0, -1.0, -1.0)
    log2 = math.fsum(s * w * float(c.mean()) for s, (w, c) in zip(signs, parts, strict=True))
    error = df = lower = upper = None
    if all(cycles.size > 1 for _, cycles in parts):
        squares = [w**2 * float(c.var(ddof=1)) / c.size for w, c in parts]
        freedom = [c.size - 1 for _, c in parts]
        total = math.fsum(squares)
        error = math.sqrt(total)
        shares = math.fsum(v**2 / f for v, f in zip(squares, freedom, strict=True))
        df = total**2 / shares if total > 0 else float(sum(freedom))
        reach = t_quantile(level, df) * error
        lower, upper = 2.0 ** (log2 - reach), 2.0 ** (log2 + reach)
    else:
        remarks.append("a mean of one cycle: no error can be told")
    return RelativeQuantity(
        ratio=2.0**log2,
        log2_ratio=log2,
        std_error=error,
        lower=lower,
        upper=upper,
        df=df,
        level=level,
        efficiency_target=efficiency_target,
        efficiency_reference=efficiency_reference,
        status="flagged" if remarks else "ok",
        reason="; ".join(remarks),
    )


def normalized_qpcr(
    table: MarkerTable,
    target: str,
    references: Sequence[str],
    *,
    efficiencies: Mapping[str, float] | None = None,
) -> MarkerTable:
    """Log quantity of a transcript over its references, for each animal, day and plate.

    Contrasts between arms of these are relative quantities: log2 of the ratio of Pfaffl with the
    control arm as calibrator, with animals as units.

    Parameters
    ----------
    table : MarkerTable
        With threshold cycles (assay ``qpcr_ct``) of all.
    target : str
        Transcript asked about.
    references : sequence of str
        One or more reference transcripts; several are averaged on the log scale.
    efficiencies : mapping of str to float, optional
        Amplification factor by transcript; 2 where none is given.

    Returns
    -------
    MarkerTable
        Rows of the assay ``qpcr_log2``. A target that was not reached (a cycle above the last) is
        a quantity below a limit; a sample whose reference is not measured is ``not_measured``.

    Raises
    ------
    InputError
        If a transcript is not there or not measured as threshold cycles, there is no reference, or
        a factor is out of range or belongs to no transcript of the call.
    DataError
        If no sample has the target and its references.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"animal_id": ["m1", "m1"], "arm": "drug", "day": 3.0, "analyte": ["VEGFA", "ACTB"],
    ...      "assay": "qpcr_ct", "value": [24.0, 18.0]}
    ... )
    >>> made = normalized_qpcr(MarkerTable(name="example", rows=rows), "VEGFA", ["ACTB"])
    >>> made.frame["value"].tolist()
    [-6.0]
    """
    if not references:
        raise InputError("one or more reference transcripts", found="none")
    names = (target, *references)
    if len(set(names)) < len(names):
        raise InputError("each transcript once", found=", ".join(names))
    factors = dict.fromkeys(names, 2.0)
    for name, factor in (efficiencies or {}).items():
        if name not in factors:
            raise InputError("an efficiency of " + ", ".join(names), found=f"'{name}'")
        check_factor(factor)
        factors[name] = factor
    values = {}
    for name in names:
        found = animal_values(table, name, assay="qpcr_ct")
        values[name] = {row.sample: row for row in found.rows}
    shared = [key for key in values[target] if all(key in values[name] for name in references)]
    if not shared:
        expected = f"samples with {target} and {', '.join(references)}"
        raise DataError(expected, found="none", where=table.name)
    rows = []
    for key in shared:
        value, state = _normalized(
            values[target][key], [values[name][key] for name in references], names, factors
        )
        rows.append(
            {
                "line": key[0],
                "arm": key[1],
                "animal_id": key[2],
                "day": key[3],
                "plate": key[4],
                "analyte": target,
                "assay": "qpcr_log2",
                "value": value,
                "value_state": state,
            }
        )
    notes = [
        f"amplification factor {factor:g} of {name} is far from 2"
        for name, factor in factors.items()
        if unusual_factor(factor)
    ]
    lost = len(values[target]) - len(shared)
    if lost:
        notes.append(f"{lost} samples of {target} have no reference and are left out")
    return MarkerTable(name=table.name, rows=pd.DataFrame(rows), notes=(*table.notes, *notes))


def check_factor(factor: float) -> None:
    """Refuse what no reaction amplifies by.

    Raises
    ------
    InputError
        If the factor is not above 1 and at most 2.2.
    """
    if not _FACTORS[0] < factor <= _FACTORS[1]:
        raise InputError(
            "an amplification factor above 1 and at most 2.2",
            found=f"{factor:g}",
            mend="an efficiency of 95 % is a factor of 1.95",
        )


def unusual_factor(factor: float) -> bool:
    """Whether a factor is allowed and far from 2.

    Raises
    ------
    InputError
        As :func:`check_factor`.
    """
    check_factor(factor)
    return not _USUAL[0] <= factor <= _USUAL[1]


def _cycles(values: Sequence[float]) -> FloatArray:
    cycles = np.asarray(values, dtype=np.float64)
    if not cycles.size:
        raise InputError("one or more threshold cycles", found="none")
    wrong = ~(np.isfinite(cycles) & (cycles > 0))
    if wrong.any():
        raise InputError("threshold cycles above 0", found=f"{cycles[wrong][0]:g}")
    return cycles


def _normalized(
    target: AnimalValue,
    references: Sequence[AnimalValue],
    names: Sequence[str],
    factors: Mapping[str, float],
) -> tuple[float | None, ValueState]:
    """Log2 quantity of one sample; more cycles are a smaller quantity."""
    turned: dict[ValueState, ValueState] = {
        "above_limit": "below_limit",
        "below_limit": "above_limit",
    }
    cycles = [row.value for row in references if row.value_state == "measured"]
    known = [value for value in cycles if value is not None]
    if target.value is None or len(known) < len(references):
        return None, "not_measured"
    own = -target.value * math.log2(factors[names[0]])
    weights = [math.log2(factors[name]) for name in names[1:]]
    reference = -math.fsum(v * w for v, w in zip(known, weights, strict=True)) / len(known)
    return own - reference, turned.get(target.value_state, target.value_state)

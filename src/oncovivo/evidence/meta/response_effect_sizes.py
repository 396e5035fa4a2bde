"""Contrasts of the shares of responding animals, many rows at once.

References
----------
Freeman MF, Tukey JW. Ann Math Stat 1950;21:607.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError
from oncovivo.evidence.meta.columns import above_zero, column, known_choice, numbered, same_length
from oncovivo.evidence.meta.types import EffectSizes, MetaWarning, read_only

__all__ = ["ProportionMeasure", "response_contrast"]

FloatArray: TypeAlias = NDArray[np.float64]

ProportionMeasure: TypeAlias = Literal[
    "log_odds_ratio", "risk_difference", "arcsine_difference", "freeman_tukey_difference"
]


def response_contrast(
    responders_treated: ArrayLike,
    n_treated: ArrayLike,
    responders_control: ArrayLike,
    n_control: ArrayLike,
    *,
    measure: ProportionMeasure = "log_odds_ratio",
) -> EffectSizes:
    """Contrast of the shares of responding animals; more responders are positive.

    Parameters
    ----------
    responders_treated, n_treated, responders_control, n_control : array_like, shape (k,)
        Numbers of animals.
    measure : str, default "log_odds_ratio"
        ``log_odds_ratio`` and ``risk_difference`` get ½ added to the four cells of a table with
        an empty cell, said in a warning. ``arcsine_difference`` (of the roots of the shares) and
        ``freeman_tukey_difference`` (of the double arcsines) need no addition.

    Raises
    ------
    InputError
        Shares or percentages in place of numbers of animals, more responders than animals, or a
        measure that does not exist.

    Examples
    --------
    >>> sizes = response_contrast([4], [8], [0], [8])
    >>> round(float(sizes.yi[0]), 3), sizes.warnings[0].code
    (2.833, 'correction')
    """
    known_choice("a measure", measure, get_args(ProportionMeasure))
    a, nt = column(responders_treated), column(n_treated)
    c, nc = column(responders_control), column(n_control)
    same_length(
        ("numbers of treated responders", a),
        ("n_treated", nt),
        ("number of control responders", c),
        ("n_control", nc),
    )
    for responders, n in ((a, nt), (c, nc)):
        _check_counts(responders, n)
    found: tuple[MetaWarning, ...] = ()
    if measure in ("log_odds_ratio", "risk_difference"):
        empty = (a == 0) | (c == 0) | (a == nt) | (c == nc)
        added = np.where(empty, 0.5, 0.0)
        message = "½ was added to the four cells of tables with an empty cell"
        if empty.any():
            rows = tuple(str(at + 1) for at in np.flatnonzero(empty))
            found = (MetaWarning(code="correction", message=message, rows=rows),)
        yi, vi, formula, named = _table_contrast(
            a + added, nt - a + added, c + added, nc - c + added, measure
        )
    elif measure == "arcsine_difference":
        yi = np.arcsin(np.sqrt(a / nt)) - np.arcsin(np.sqrt(c / nc))
        vi = 0.25 / nt + 0.25 / nc
        formula, named = "arcsin√p_t − arcsin√p_c", "1/(4n_t) + 1/(4n_c)"
    else:
        yi = _double_arcsine(a, nt) - _double_arcsine(c, nc)
        vi = 1.0 / (4.0 * nt + 2.0) + 1.0 / (4.0 * nc + 2.0)
        formula = (
            "FT(a, n_t) − FT(c, n_c), FT(x, n) = ½[arcsin√(x/(n + 1)) + arcsin√((x + 1)/(n + 1))]"
        )
        named = "1/(4n_t + 2) + 1/(4n_c + 2)"
    return EffectSizes(
        label=numbered(a.size),
        measure=measure,
        yi=read_only(yi),
        vi=read_only(vi),
        formula=formula,
        variance_formula=named,
        source="Freeman and Tukey 1950"
        if measure == "freeman_tukey_difference"
        else "delta method",
        n_treated=read_only(nt),
        n_control=read_only(nc),
        warnings=found,
    )


def _check_counts(responders: FloatArray, n: FloatArray) -> None:
    """Stop where numbers of animals are none."""
    above_zero("a number of animals", n)
    whole = np.isfinite(responders) & (responders == np.floor(responders)) & (n == np.floor(n))
    wrong = ~(whole & (responders >= 0) & (responders <= n))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            "whole numbers of responding animals, at most as many as there are animals",
            found=f"{responders[at]:g} of {n[at]:g}",
            where=f"row {at + 1}",
            mend="give numbers of animals, not shares or percentages",
        )


def _table_contrast(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, measure: ProportionMeasure
) -> tuple[FloatArray, FloatArray, str, str]:
    """Log odds ratio or risk difference of 2 × 2 tables without empty cells."""
    if measure == "log_odds_ratio":
        odds = np.log(a * d / (b * c))
        return odds, 1 / a + 1 / b + 1 / c + 1 / d, "ln[ad/(bc)]", "1/a + 1/b + 1/c + 1/d"
    pt, pc = a / (a + b), c / (c + d)
    vi = pt * (1.0 - pt) / (a + b) + pc * (1.0 - pc) / (c + d)
    return pt - pc, vi, "p_t − p_c", "p_t(1 − p_t)/n_t + p_c(1 − p_c)/n_c"


def _double_arcsine(x: FloatArray, n: FloatArray) -> FloatArray:
    """Freeman and Tukey's transformation, the mean of two arcsines."""
    both = np.arcsin(np.sqrt(x / (n + 1.0))) + np.arcsin(np.sqrt((x + 1.0) / (n + 1.0)))
    return np.asarray(0.5 * both, dtype=np.float64)

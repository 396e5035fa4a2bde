"""Rates of response in a mouse clinical trial: exact, and paired by line where lines are shared.

A line has one vote under each treatment, the middle category of its animals. Two arms given to
the same lines are compared by the lines that changed sides (McNemar); two groups of different
lines under one arm by Fisher's test.

References
----------
Clopper CJ, Pearson ES. Biometrika 1934;26:404. Newcombe RG. Stat Med 1998;17:873 and 17:2635
(score intervals of differences, independent and paired).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.endpoints.rates import Rate, clopper_pearson
from oncovivo.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from oncovivo.panels.result import PanelResult

__all__ = [
    "ResponseComparison",
    "ResponseOutcome",
    "compare_group_responses",
    "compare_responses",
    "fisher_p_value",
    "independent_difference_interval",
    "mcnemar_p_value",
    "paired_difference_interval",
]

ResponseOutcome: TypeAlias = Literal["objective_response", "disease_control"]

_OUTCOMES: Final[dict[ResponseOutcome, tuple[str, ...]]] = {
    "objective_response": ("CR", "PR"),
    "disease_control": ("CR", "PR", "SD"),
}
# Tables as likely as the one seen, up to rounding, count as extreme.
_TIE: Final = 1 + 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseComparison:
    """Two rates of response beside each other.

    Parameters
    ----------
    outcome : {"objective_response", "disease_control"}
        CR or PR; CR, PR or SD.
    treatment : str
        Arm of the second rate.
    first, second : str
        What is compared: the control and the treatment, or two groups of lines.
    paired : bool
        Whether both rates are of the same lines.
    first_rate, second_rate : Rate
        Of lines, with exact intervals.
    gained, lost : int or None
        Lines that respond under the second only, and under the first only; None if not paired.
    difference, lower, upper : float or None
        Second less first, with Newcombe's interval.
    p_value : float or None
        Exact: McNemar if paired, else Fisher.
    status : {"ok", "not_estimable"}
        Whether there is a difference.
    reason : str
        Why not.
    """

    outcome: ResponseOutcome
    treatment: str
    first: str
    second: str
    paired: bool
    first_rate: Rate
    second_rate: Rate
    gained: int | None
    lost: int | None
    difference: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    status: Literal["ok", "not_estimable"]
    reason: str


def compare_responses(
    result: PanelResult, *, control: str, treatment: str, level: float = 0.95
) -> tuple[ResponseComparison, ...]:
    """Objective response and disease control under a treatment and the control, same lines.

    Parameters
    ----------
    result : PanelResult
        From :func:`oncovivo.panels.compute_panel`.
    control, treatment : str
        Two of its treatments.
    level : float
        Of intervals.

    Raises
    ------
    InputError
        If the panel has no such treatment.
    """
    matrix = result.matrix()
    _check_named(matrix, control, treatment)
    both = matrix[[control, treatment]].dropna()
    found: list[ResponseComparison] = []
    for outcome, words in _OUTCOMES.items():
        before, after = both[control].isin(words), both[treatment].isin(words)
        n = len(both)
        kept, gained = int((before & after).sum()), int((after & ~before).sum())
        lost = int((before & ~after).sum())
        difference = lower = upper = p_value = None
        if n:
            difference = (gained - lost) / n
            lower, upper = paired_difference_interval(
                kept, gained, lost, n - kept - gained - lost, level=level
            )
            p_value = mcnemar_p_value(gained, lost)
        found.append(
            ResponseComparison(
                outcome=outcome,
                treatment=treatment,
                first=control,
                second=treatment,
                paired=True,
                first_rate=clopper_pearson(kept + lost, n, level=level),
                second_rate=clopper_pearson(kept + gained, n, level=level),
                gained=gained,
                lost=lost,
                difference=difference,
                lower=lower,
                upper=upper,
                p_value=p_value,
                status="ok" if n else "not_estimable",
                reason="" if n else "no line with a response under both",
            )
        )
    return tuple(found)


def compare_group_responses(
    result: PanelResult, *, treatment: str, groups: Mapping[str, str], level: float = 0.95
) -> tuple[ResponseComparison, ...]:
    """Rates of response to one treatment in groups of lines, each against the first.

    Parameters
    ----------
    result : PanelResult
        From :func:`oncovivo.panels.compute_panel`.
    treatment : str
        One of its treatments.
    groups : mapping of str to str
        Group of each line by name; lines without one are left out. Groups are taken in the order
        of their names.
    level : float
        Of intervals.

    Raises
    ------
    InputError
        If the panel has no such treatment.
    """
    matrix = result.matrix()
    _check_named(matrix, treatment)
    column = matrix[treatment].dropna()
    label = np.array([groups.get(str(name), "") for name in column.index.get_level_values(1)])
    names = sorted(set(label.tolist()) - {""})
    found: list[ResponseComparison] = []
    for outcome, words in _OUTCOMES.items():
        responds = column.isin(words).to_numpy(dtype=bool)
        counts = [
            (int(responds[label == name].sum()), int((label == name).sum())) for name in names
        ]
        for name, (k, n) in zip(names[1:], counts[1:], strict=True):
            first_k, first_n = counts[0]
            lower, upper = independent_difference_interval(first_k, first_n, k, n, level=level)
            found.append(
                ResponseComparison(
                    outcome=outcome,
                    treatment=treatment,
                    first=names[0],
                    second=name,
                    paired=False,
                    first_rate=clopper_pearson(first_k, first_n, level=level),
                    second_rate=clopper_pearson(k, n, level=level),
                    gained=None,
                    lost=None,
                    difference=k / n - first_k / first_n,
                    lower=lower,
                    upper=upper,
                    p_value=fisher_p_value(first_k, first_n, k, n),
                    status="ok",
                    reason="",
                )
            )
    return tuple(found)


def mcnemar_p_value(gained: int, lost: int) -> float:
    """Two-sided exact p-value that lines change sides equally often in both directions.

    Parameters
    ----------
    gained, lost : int
        Lines that respond under one arm only.

    Examples
    --------
    >>> mcnemar_p_value(5, 0)
    0.0625
    """
    return min(1.0, 2.0 * float(special.bdtr(min(gained, lost), gained + lost, 0.5)))


def fisher_p_value(k1: int, n1: int, k2: int, n2: int) -> float:
    """Two-sided exact p-value that two groups respond equally often.

    Parameters
    ----------
    k1, n1, k2, n2 : int
        Lines that respond, and lines, of both groups.

    Examples
    --------
    >>> round(fisher_p_value(3, 4, 1, 4), 4)
    0.4857
    """
    total = k1 + k2
    table = np.arange(max(0, total - n2), min(n1, total) + 1)

    ways = _log_ways(n1, table) + _log_ways(n2, total - table)
    chance = np.exp(ways - _log_ways(n1 + n2, np.array([total])))
    seen = chance[k1 - int(table[0])]
    return min(1.0, float(chance[chance <= seen * _TIE].sum()))


def independent_difference_interval(
    k1: int, n1: int, k2: int, n2: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Newcombe's score interval of the second of two independent rates less the first.

    Parameters
    ----------
    k1, n1, k2, n2 : int
        Lines that respond, and lines, of both groups.
    level : float
        Of the interval.

    Examples
    --------
    >>> low, high = independent_difference_interval(48, 80, 56, 70)
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    p1, low1, high1 = _wilson(k1, n1, level)
    p2, low2, high2 = _wilson(k2, n2, level)
    return (
        p2 - p1 - math.hypot(p2 - low2, high1 - p1),
        p2 - p1 + math.hypot(high2 - p2, p1 - low1),
    )


def paired_difference_interval(
    kept: int, gained: int, lost: int, neither: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Newcombe's score interval of the difference of two rates of the same lines.

    Parameters
    ----------
    kept, gained, lost, neither : int
        Lines that respond under both arms, the second only, the first only, and neither.
    level : float
        Of the interval.
    """
    n = kept + gained + lost + neither
    p1, low1, high1 = _wilson(kept + lost, n, level)
    p2, low2, high2 = _wilson(kept + gained, n, level)
    margins = (kept + lost) * (gained + neither) * (kept + gained) * (lost + neither)
    crossed = float(kept * neither - gained * lost)
    if crossed > 0:
        crossed = max(crossed - n / 2, 0.0)
    tie = crossed / math.sqrt(margins) if margins else 0.0
    down, up = p2 - low2, high1 - p1
    rise, fall = high2 - p2, p1 - low1
    difference = p2 - p1
    return (
        difference - math.sqrt(down**2 - 2 * tie * down * up + up**2),
        difference + math.sqrt(rise**2 - 2 * tie * rise * fall + fall**2),
    )


def _log_ways(n: int, k: NDArray[np.intp]) -> NDArray[np.float64]:
    """Logarithm of the ways to choose k of n."""
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _wilson(k: int, n: int, level: float) -> tuple[float, float, float]:
    """A rate with its score interval."""
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    center, half = 2 * k + z2, math.sqrt(z2 * (z2 + 4 * k * (n - k) / n))
    below = 2 * (n + z2)
    return k / n, max((center - half) / below, 0.0), min((center + half) / below, 1.0)


def _check_named(matrix: pd.DataFrame, *names: str) -> None:
    """Treatments that some line has a response to."""
    for name in names:
        if name not in matrix.columns:
            raise InputError("a treatment with evaluable animals", found=repr(name), where="panel")

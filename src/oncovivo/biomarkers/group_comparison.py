"""Arms compared in one assay with animals as units: ranks, analysis of variance, many-to-one.

Kruskal-Wallis over all arms, Wilcoxon's rank sum test for pairs with Bonferroni's correction,
analysis of variance with Tukey's pairs, and Dunnett's comparisons with a control.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.animal_values import AnimalValue, AnimalValues, Averaging, animal_values
from oncovivo.biomarkers.marker_table import NO_ANIMAL, MarkerTable
from oncovivo.biomarkers.quantification import check_level, t_quantile
from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.errors import DataError, InputError
from oncovivo.numerics.multivariate_t import max_t

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ArmSummary", "AssayComparison", "PairComparison", "VarianceTest", "compare_groups"]

FloatArray: TypeAlias = NDArray[np.float64]

# As R's wilcox.test: exact below this size of both arms, without ties.
_EXACT_BELOW: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """One arm.

    Parameters
    ----------
    arm : str
        Name.
    values : tuple of float
        Of the units, rising; what a plot draws.
    n : int
        Units.
    n_limits : int
        Units known by a limit only, at which they stand in `values` and in the ranks.
    mean, sd, median : float or None
        Of the values; mean and standard deviation are None where limits are among them.
    lower, upper : float or None
        Student's t interval of the mean.
    """

    arm: str
    values: tuple[float, ...]
    n: int
    n_limits: int
    mean: float | None
    sd: float | None
    median: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceTest:
    """A test over all arms at once.

    Parameters
    ----------
    name : {"kruskal_wallis", "anova"}
        Which.
    statistic : float
        H corrected for ties, or F.
    df, df_residual : float or None
        Degrees of freedom; those of the residual for the analysis of variance only.
    p_value : float
        Chance of a larger statistic.
    """

    name: Literal["kruskal_wallis", "anova"]
    statistic: float
    df: float
    df_residual: float | None
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparison:
    """Two arms.

    Parameters
    ----------
    arm, versus : str
        The contrast is arm - versus.
    difference : float or None
        Of means.
    lower, upper : float or None
        Tukey's simultaneous interval of it.
    tukey_p : float or None
        Adjusted over all pairs.
    wilcoxon_p, bonferroni_p : float or None
        Rank sum test, alone and times the number of pairs.
    wilcoxon_exact : bool
        Whether by all orders, or by the normal approximation with continuity correction.
    dunnett_p : float or None
        Adjusted over the comparisons with the control; None for other pairs.
    """

    arm: str
    versus: str
    difference: float | None
    lower: float | None
    upper: float | None
    tukey_p: float | None
    wilcoxon_p: float | None
    bonferroni_p: float | None
    wilcoxon_exact: bool
    dunnett_p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssayComparison:
    """One analyte on one day, arm by arm.

    Parameters
    ----------
    analyte, assay, unit : str
        What was measured and how.
    line : str
        Line; empty where the table names none.
    day : float or None
        Study day.
    control : str or None
        Control arm.
    units : {"animals", "fields"}
        What was counted as one.
    arms : tuple of ArmSummary
        Control first, then by name.
    kruskal, anova : VarianceTest or None
        None where there are too few values; no analysis of variance where limits are among them.
    pairs : tuple of PairComparison
        All pairs.
    level : float
        Confidence of the intervals.
    status : EndpointStatus
        ``flagged`` where there is something to know.
    reason : str
        What; empty when ``ok``.
    """

    analyte: str
    assay: str
    unit: str
    line: str
    day: float | None
    control: str | None
    units: Literal["animals", "fields"]
    arms: tuple[ArmSummary, ...]
    kruskal: VarianceTest | None
    anova: VarianceTest | None
    pairs: tuple[PairComparison, ...]
    level: float
    status: EndpointStatus
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair."""
        import pandas as pd

        return pd.DataFrame([asdict(pair) for pair in self.pairs])

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def compare_groups(
    table: MarkerTable,
    analyte: str,
    *,
    control: str | None = None,
    day: float | None = None,
    line: str | None = None,
    assay: str | None = None,
    compartment: str | None = None,
    averaging: Averaging = "arithmetic",
    level: float = 0.95,
) -> AssayComparison:
    """Arms compared in one analyte on one day.

    Parameters
    ----------
    table : MarkerTable
        With arms.
    analyte : str
        What was measured.
    control : str, optional
        Control arm of Dunnett's comparisons.
    day, line : optional
        Needed where the table has several.
    assay, compartment : str, optional
        Needed where the table has the analyte by several assays or in several compartments.
    averaging : {"arithmetic", "geometric"}
        How replicates and fields of an animal are averaged.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    AssayComparison
        Values below a limit enter the ranks as the smallest (tied at one limit) and keep the
        means, which would be invented, from being given; so do those above one as the largest.

    Raises
    ------
    InputError
        If the analyte, control, day or line is not there, or day or line must be said.
    DataError
        If there are fewer than two arms with values, or values below limits that are above
        measured values, whose order is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame(
    ...     {"animal_id": [f"m{i}" for i in range(6)], "arm": 3 * ["vehicle"] + 3 * ["drug"],
    ...      "day": 21.0, "analyte": "Ki-67", "assay": "labeling_index",
    ...      "value": [60.0, 70.0, 65.0, 20.0, 30.0, 25.0]}
    ... )
    >>> found = compare_groups(MarkerTable(name="x", rows=rows), "Ki-67", control="vehicle")
    >>> found.pairs[0].difference, round(found.pairs[0].wilcoxon_p, 3)
    (-40.0, 0.1)
    """
    check_level(level)
    values = animal_values(
        table, analyte, assay=assay, compartment=compartment, averaging=averaging
    )
    rows = [row for row in values.rows if row.value_state != "not_measured"]
    rows = _on(rows, "line", line, table.name)
    rows = _on(rows, "day", day, table.name)
    if any(not row.arm for row in rows):
        raise DataError("the arm of each reading", found="a blank arm", where=table.name)
    rows, on_plates = _plates_averaged(rows)
    names = sorted({row.arm for row in rows}, key=lambda arm: (arm != control, arm))
    if control is not None and control not in names:
        raise InputError(
            f"a control arm with values of {analyte}: " + ", ".join(sorted(names)),
            found=repr(control),
            where=table.name,
        )
    if len(names) < 2:
        found = ", ".join(names) or "none"
        raise DataError(f"two or more arms with values of {analyte}", found=found)
    _check_order(rows, analyte, table.name)
    groups = [_ranked([row for row in rows if row.arm == name]) for name in names]
    limits = [sum(r.value_state != "measured" for r in rows if r.arm == name) for name in names]
    remarks = _remarks(values, sum(limits), len(rows))
    if on_plates:
        remarks.append("plates are averaged for each animal, not adjusted for")
    arms = tuple(
        _summary(name, group, count, level)
        for name, group, count in zip(names, groups, limits, strict=True)
    )
    enough = all(group.size > 1 for group in groups)
    if not enough:
        remarks.append("an arm of one: no tests")
    if values.selection.assay.scale == "ordinal":
        remarks.append(f"{values.selection.assay.words} is ordinal: ranks only")
    means = enough and not sum(limits) and values.selection.assay.scale != "ordinal"
    anova = _anova(groups) if means else None
    if means and anova is None:
        remarks.append("no spread within the arms")
    return AssayComparison(
        analyte=analyte,
        assay=values.selection.assay.name,
        unit=values.selection.unit,
        line=rows[0].line,
        day=rows[0].day,
        control=control,
        units=values.units,
        arms=arms,
        kruskal=_kruskal(groups) if enough else None,
        anova=anova,
        pairs=_pairs(names, groups, control, level=level, tests=enough, anova=anova),
        level=level,
        status="flagged" if remarks else "ok",
        reason="; ".join(remarks),
    )


def _on(
    rows: Sequence[AnimalValue],
    what: Literal["line", "day"],
    wanted: str | float | None,
    name: str,
) -> list[AnimalValue]:
    """Rows of one line or day."""
    present = sorted({getattr(row, what) for row in rows}, key=lambda v: (v is not None, v))
    if wanted is None:
        if len(present) > 1:
            shown = ", ".join(str(value) for value in present[:8])
            raise InputError(f"which {what}, of several", found=shown, where=name)
        return list(rows)
    kept = [row for row in rows if getattr(row, what) == wanted]
    if not kept:
        shown = ", ".join(str(value) for value in present[:8])
        raise InputError(f"a {what} of the table: {shown}", found=repr(wanted), where=name)
    return kept


def _plates_averaged(rows: Sequence[AnimalValue]) -> tuple[list[AnimalValue], bool]:
    """One row for each animal; several plates of one animal are refused with limits."""
    own: dict[str, list[AnimalValue]] = {}
    for row in rows:
        own.setdefault(row.animal_id, []).append(row)
    made = []
    for animal, parts in own.items():
        known = [part.value for part in parts if part.value is not None]
        if len(parts) > 1 and any(part.value_state != "measured" for part in parts):
            expected = f"one plate of animal '{animal}', or values of all"
            raise DataError(expected, found="limits on several plates")
        made.append(replace(parts[0], value=math.fsum(known) / len(known)))
    return made, len({row.plate for row in rows}) > 1


def _check_order(rows: Sequence[AnimalValue], analyte: str, name: str) -> None:
    """Refuse limits inside the measured values: the order is then not known."""
    measured = [row.value for row in rows if row.value_state == "measured"]
    known = [value for value in measured if value is not None]
    for row in rows:
        if row.value is None or row.value_state == "measured":
            continue
        below = row.value_state == "below_limit"
        crossed = any(v < row.value if below else v > row.value for v in known)
        other = any(
            o.value_state == row.value_state and o.value is not None and o.value != row.value
            for o in rows
        )
        if crossed or other:
            raise DataError(
                f"limits of {analyte} outside all measured values, one on each side",
                found=f"{'below' if below else 'above'} {row.value:g} in animal '{row.animal_id}'",
                where=name,
                mend="compare by percent_inhibition, whose likelihood needs no order",
            )


def _ranked(rows: Sequence[AnimalValue]) -> FloatArray:
    """Values, limits moved past the measured ones that equal them."""
    made = []
    for row in rows:
        value = 0.0 if row.value is None else row.value
        if row.value_state == "below_limit":
            value = float(np.nextafter(value, -np.inf))
        elif row.value_state == "above_limit":
            value = float(np.nextafter(value, np.inf))
        made.append(value)
    return np.sort(np.array(made, dtype=np.float64))


def _remarks(values: AnimalValues, n_limits: int, n: int) -> list[str]:
    """What is to be known beside the numbers."""
    remarks = []
    if values.units == "fields":
        remarks.append(NO_ANIMAL)
    if n_limits:
        remarks.append(f"{n_limits} of {n} values known by a limit only: ranks only")
    return remarks


def _summary(name: str, group: FloatArray, n_limits: int, level: float) -> ArmSummary:
    """Numbers of one arm."""
    mean = sd = lower = upper = None
    if not n_limits:
        mean = float(group.mean())
        if group.size > 1:
            sd = float(group.std(ddof=1))
            reach = t_quantile(level, group.size - 1) * sd / math.sqrt(group.size)
            lower, upper = mean - reach, mean + reach
    return ArmSummary(
        arm=name,
        values=tuple(group.tolist()),
        n=group.size,
        n_limits=n_limits,
        mean=mean,
        sd=sd,
        median=float(np.median(group)),
        lower=lower,
        upper=upper,
    )


def _kruskal(groups: Sequence[FloatArray]) -> VarianceTest | None:
    """Kruskal-Wallis; None where all values are one."""
    from scipy import stats

    together = np.concatenate(groups)
    if np.ptp(together) == 0:
        return None
    found = stats.kruskal(*groups)
    return VarianceTest(
        name="kruskal_wallis",
        statistic=float(found.statistic),
        df=float(len(groups) - 1),
        df_residual=None,
        p_value=float(found.pvalue),
    )


def _anova(groups: Sequence[FloatArray]) -> VarianceTest | None:
    """One-way analysis of variance; None without spread within the arms."""
    from scipy import special

    together = np.concatenate(groups)
    mean = together.mean()
    between = sum(group.size * (group.mean() - mean) ** 2 for group in groups)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    k, n = len(groups), together.size
    if within <= 1e-24 * float((together**2).sum()):
        return None
    statistic = float(between / (k - 1) / (within / (n - k)))
    return VarianceTest(
        name="anova",
        statistic=statistic,
        df=float(k - 1),
        df_residual=float(n - k),
        p_value=float(special.fdtrc(k - 1, n - k, statistic)),
    )


def _pairs(
    names: Sequence[str],
    groups: Sequence[FloatArray],
    control: str | None,
    *,
    level: float,
    tests: bool,
    anova: VarianceTest | None,
) -> tuple[PairComparison, ...]:
    """All pairs; the later arm less the earlier."""
    count = len(names) * (len(names) - 1) // 2
    dunnett = _dunnett(groups, level) if control is not None and anova is not None else None
    made = []
    quantile = _range_quantile(groups, level) if anova is not None else 0.0
    for first, second in combinations(range(len(names)), 2):
        a, b = groups[second], groups[first]
        p_value, exact = _wilcoxon(a, b) if tests else (None, False)
        difference = lower = upper = tukey = None
        if anova is not None:
            difference = float(a.mean() - b.mean())
            lower, upper, tukey = _tukey(a, b, groups, quantile)
        against = dunnett is not None and first == 0
        made.append(
            PairComparison(
                arm=names[second],
                versus=names[first],
                difference=difference,
                lower=lower,
                upper=upper,
                tukey_p=tukey,
                wilcoxon_p=p_value,
                bonferroni_p=None if p_value is None else min(1.0, p_value * count),
                wilcoxon_exact=exact,
                dunnett_p=float(dunnett[second - 1]) if against and dunnett is not None else None,
            )
        )
    return tuple(made)


def _wilcoxon(a: FloatArray, b: FloatArray) -> tuple[float | None, bool]:
    """Rank sum test as R's wilcox.test has it; None where all values are one."""
    from scipy import stats

    together = np.concatenate((a, b))
    if np.ptp(together) == 0:
        return None, False
    exact = max(a.size, b.size) < _EXACT_BELOW and np.unique(together).size == together.size
    found = stats.mannwhitneyu(
        a, b, alternative="two-sided", method="exact" if exact else "asymptotic"
    )
    return float(found.pvalue), exact


def _pooled(groups: Sequence[FloatArray]) -> tuple[float, int]:
    """Standard deviation within arms, and its degrees of freedom."""
    df = sum(group.size for group in groups) - len(groups)
    square = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    return math.sqrt(square / df), df


def _range_quantile(groups: Sequence[FloatArray], level: float) -> float:
    """Quantile of the studentized range."""
    from scipy import stats

    _, df = _pooled(groups)
    return float(stats.studentized_range.ppf(level, len(groups), df))


def _tukey(
    a: FloatArray, b: FloatArray, groups: Sequence[FloatArray], quantile: float
) -> tuple[float, float, float]:
    """Limits and p value of one pair by the studentized range (Tukey-Kramer)."""
    from scipy import stats

    sd, df = _pooled(groups)
    error = sd * math.sqrt((1 / a.size + 1 / b.size) / 2)
    difference = float(a.mean() - b.mean())
    reach = quantile * error
    p_value = float(stats.studentized_range.sf(abs(difference) / error, len(groups), df))
    return difference - reach, difference + reach, p_value


def _dunnett(groups: Sequence[FloatArray], level: float) -> FloatArray:
    """Adjusted p values of each arm against the first."""
    sd, df = _pooled(groups)
    sizes = np.array([group.size for group in groups], dtype=np.float64)
    means = np.array([group.mean() for group in groups])
    share = np.sqrt(sizes[1:] / (sizes[1:] + sizes[0]))
    correlation = np.outer(share, share)
    np.fill_diagonal(correlation, 1.0)
    statistic = (means[1:] - means[0]) / (sd * np.sqrt(1 / sizes[1:] + 1 / sizes[0]))
    return max_t(statistic, correlation, float(df), level=level).p_values

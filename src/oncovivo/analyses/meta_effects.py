"""Effect sizes of a table: from group summaries, counts, medians, or as they are given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.dispersion import (
    Conversion,
    DispersionKind,
    SemSuspicion,
    sd_from,
    suspected_sem,
    with_reading_error,
)
from oncovivo.evidence.meta.effect_sizes import (
    DifferenceVariance,
    HeteroscedasticVariance,
    NmdVariance,
    RatioVariance,
    coefficient_of_variation_ratio,
    heteroscedastic_mean_difference,
    log_ratio_of_means,
    mean_difference,
    normalized_mean_difference,
    standardized_mean_difference,
    variability_ratio,
)
from oncovivo.evidence.meta.response_effect_sizes import ProportionMeasure, response_contrast
from oncovivo.evidence.meta.survival_effect_sizes import log_hazard_ratio, median_survival_ratio
from oncovivo.evidence.meta.two_groups import TwoGroups
from oncovivo.evidence.meta.types import EffectSizes, Measure, MetaWarning, Rows, checked_measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oncovivo.analyses.meta_input import MetaTable

__all__ = ["MetaEffects", "meta_effects", "parse_measure"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# Other names of measures, in lower case.
_MEASURES: Final[dict[str, Measure]] = {
    "given": "generic",
    "g": "SMD",
    "lnrr": "ROM",
    "logrr": "ROM",
    "hr": "log_hazard_ratio",
    "loghr": "log_hazard_ratio",
    "msr": "log_median_ratio",
    "or": "log_odds_ratio",
    "rd": "risk_difference",
}
_OF_MEANS: Final = ("SMD", "SMDH", "MD", "ROM", "NMD", "VR", "CVR")
_OF_SHARES: Final = tuple(get_args(ProportionMeasure))
_KINDS: Final = tuple(get_args(DispersionKind))
_VARIANCES: Final[dict[str, tuple[str, ...]]] = {
    "SMD": get_args(DifferenceVariance),
    "SMDH": get_args(HeteroscedasticVariance),
    "ROM": get_args(RatioVariance),
    "NMD": get_args(NmdVariance),
}
_FEWEST_FOR_SUSPICION: Final = 5
# Effects that are fractions, and what they cannot exceed: a percentage does.
_FRACTIONS: Final[dict[str, float]] = {"risk_difference": 1.0, "NMD": 2.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaEffects:
    """Rows that can be pooled, and how they came about.

    Parameters
    ----------
    rows : Rows
        Effect sizes.
    index : ndarray of int, shape (k,)
        Position of each row in the table.
    groups : TwoGroups or None
        Group summaries behind the rows, where they were made from means.
    formula, variance_formula, source : str
        How they were computed, and where that was published.
    trail : tuple of Conversion
        Dispersions that were converted.
    suspicions : tuple of SemSuspicion
        Rows whose standard deviations look like standard errors.
    faults : tuple of str
        What makes the result one to be flagged.
    """

    rows: Rows
    index: IntArray
    groups: TwoGroups | None
    formula: str
    variance_formula: str
    source: str
    trail: tuple[Conversion, ...]
    suspicions: tuple[SemSuspicion, ...]
    faults: tuple[str, ...]


def parse_measure(text: str) -> Measure:
    """A measure by its name or one of its other names.

    Raises
    ------
    InputError
        If there is no such measure.

    Examples
    --------
    >>> parse_measure("lnRR"), parse_measure("smd"), parse_measure("given")
    ('ROM', 'SMD', 'generic')
    """
    wanted = text.strip().casefold()
    if wanted in _MEASURES:
        return _MEASURES[wanted]
    for known in get_args(Measure):
        if known.casefold() == wanted:
            return checked_measure(known)
    names = [known for known in get_args(Measure) if known != "generic"]
    raise InputError(
        "a measure out of " + ", ".join([*names, "given"]), found=repr(text), where="--measure"
    )


def meta_effects(
    table: MetaTable,
    measure: Measure,
    *,
    variance: str | None = None,
    bias_correction: bool = False,
    dispersion: str | None = None,
) -> MetaEffects:
    """Effect sizes of a table.

    Parameters
    ----------
    table : MetaTable
        What was read.
    measure : str
        What to compute, or what the given numbers are.
    variance : str, optional
        Which estimate of the sampling variance, where a measure has several.
    bias_correction : bool
        Of a log ratio of means.
    dispersion : str, optional
        What the columns of dispersion hold, whatever they are called.

    Raises
    ------
    InputError
        If columns are missing, or a number lies outside its domain; names the row.
    DataError
        If no row is left, or rows are of different measures.
    """
    if dispersion is not None and dispersion not in _KINDS:
        raise InputError(
            "a dispersion out of " + ", ".join(_KINDS),
            found=repr(dispersion),
            where="--dispersion",
        )
    if variance is not None and variance not in _VARIANCES.get(measure, ()):
        known = ", ".join(_VARIANCES.get(measure, ())) or "none, it has one"
        raise InputError(
            f"a variance of the measure {measure}: {known}",
            found=repr(variance),
            where="--variance",
        )
    if bias_correction and measure != "ROM":
        raise InputError(
            "the measure ROM for a correction of its bias", found=measure, where="--measure"
        )
    from_means = measure in _OF_MEANS and table.has(
        "n_treated", "mean_treated", "n_control", "mean_control"
    )
    if from_means:
        return _from_means(table, measure, variance, dispersion, bias_correction=bias_correction)
    if measure in _OF_SHARES and table.has("responders_treated", "responders_control"):
        return _from_counts(table, cast("ProportionMeasure", measure))
    if measure == "log_median_ratio" and table.has("median_treated", "median_control"):
        return _from_medians(table)
    if measure == "log_hazard_ratio" and table.has(
        "hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper"
    ):
        return _from_hazard_ratios(table)
    if table.has("yi"):
        return _given(table, measure)
    raise InputError(
        _needed(measure),
        found="the columns " + ", ".join(table.headers[:20]),
        where=table.table.place,
        mend="name them with --map, as --map n_treated=N1",
    )


def _needed(measure: Measure) -> str:
    """Columns from which a measure is made."""
    given = "or yi and vi"
    if measure in _OF_MEANS:
        return (
            "the columns n_treated, mean_treated, sd_treated or sem_treated, n_control, "
            f"mean_control, sd_control or sem_control, {given}"
        )
    if measure in _OF_SHARES:
        return f"the columns responders_treated, n_treated, responders_control, n_control, {given}"
    if measure == "log_median_ratio":
        return (
            "the columns median_treated, events_treated, median_control, events_control, " + given
        )
    if measure == "log_hazard_ratio":
        return f"the columns hazard_ratio, hazard_ratio_lower, hazard_ratio_upper, {given}"
    return "the columns yi and vi"


def _from_means(
    table: MetaTable,
    measure: Measure,
    variance: str | None,
    dispersion: str | None,
    *,
    bias_correction: bool,
) -> MetaEffects:
    """Effect sizes from group summaries; incomplete rows are left out with a warning."""
    trail: list[Conversion] = []
    columns: dict[str, FloatArray] = {}
    for side in ("treated", "control"):
        n = table.numbers(f"n_{side}")
        columns[f"n_{side}"] = n
        columns[f"mean_{side}"] = table.numbers(f"mean_{side}")
        columns[f"sd_{side}"], converted = _standard_deviations(table, side, n, dispersion)
        trail += converted
    faults = []
    few = (columns["n_treated"] < 2) | (columns["n_control"] < 2)
    if few.any():
        faults.append(f"{_row_count(few)} fewer than 2 animals in a group")
    still = (columns["sd_treated"] == 0) & (columns["sd_control"] == 0)
    if still.any():
        faults.append(f"{_row_count(still)} no variance in both groups")
    groups = TwoGroups.of(label=table.labels, incomplete="drop", **columns).usable(measure)
    position = {label: at for at, label in enumerate(table.labels)}
    index = np.array([position[label] for label in groups.label], dtype=np.intp)
    sizes = _sizes(
        table, groups, index, measure, variance=variance, bias_correction=bias_correction
    )
    if table.has("reading_error_treated") or table.has("reading_error_control"):
        sizes = with_reading_error(
            sizes,
            groups,
            mean_treated=np.nan_to_num(table.numbers("reading_error_treated")[index]),
            mean_control=np.nan_to_num(table.numbers("reading_error_control")[index]),
        )
    kept = {*groups.label}
    trail = [
        one
        for one in trail
        if one.label.removesuffix(", control").removesuffix(", treated") in kept
    ]
    return _found(
        table,
        sizes,
        index,
        groups=groups,
        trail=tuple(trail),
        suspicions=() if trail else _suspicions(groups),
        faults=tuple(faults),
    )


def _row_count(chosen: NDArray[np.bool_]) -> str:
    """How many rows have something."""
    count = int(chosen.sum())
    return "1 row has" if count == 1 else f"{count} rows have"


def _standard_deviations(
    table: MetaTable, side: str, n: FloatArray, dispersion: str | None
) -> tuple[FloatArray, list[Conversion]]:
    """Standard deviations of one side, and the record of those that were converted."""
    kinds = [kind for kind in (*_KINDS, "dispersion") if table.has(f"{kind}_{side}")]
    if not kinds:
        raise InputError(
            f"a column of dispersion: sd_{side} or sem_{side}",
            found="none",
            where=table.table.place,
            mend=f"name it with --map sd_{side}=… or --map sem_{side}=…",
        )
    sd = np.full(n.size, np.nan)
    trail: list[Conversion] = []
    told = _told_kinds(table, dispersion) if "dispersion" in kinds else []
    for kind in kinds:
        values = table.numbers(f"{kind}_{side}")
        if (values < 0).any():
            at = int(np.argmax(values < 0))
            raise table.table.error(at, f"{kind}_{side}", "a dispersion of 0 or more")
        usable = np.isnan(sd) & np.isfinite(values) & (n >= 2)
        if kind == "dispersion":
            by_row = [dispersion or told[at] for at in range(n.size)]
        else:
            by_row = [dispersion or kind] * n.size
        for one in dict.fromkeys(by_row):
            chosen = np.flatnonzero(usable & np.array([name == one for name in by_row]))
            if chosen.size == 0:
                continue
            found = sd_from(
                values[chosen],
                one,
                n[chosen],
                label=[f"{table.labels[at]}, {side}" for at in chosen],
            )
            sd[chosen] = found.sd
            if one != "sd":
                trail += found.trail
    return sd, trail


def _told_kinds(table: MetaTable, dispersion: str | None) -> list[str]:
    """What kind of dispersion each row says that it has."""
    if dispersion is not None:
        return []
    if not table.has("dispersion"):
        raise InputError(
            "what the columns of dispersion hold: " + ", ".join(_KINDS),
            found="nothing",
            where=table.table.place,
            mend="add --dispersion sem, or a column 'dispersion' with the kind of each row",
        )
    told = [text.casefold() for text in table.texts("dispersion", where="dispersion")]
    told = [{"se": "sem"}.get(text, text) for text in told]
    for at, text in enumerate(told):
        if text not in _KINDS:
            raise table.table.error(at, "dispersion", "a dispersion out of " + ", ".join(_KINDS))
    return told


def _sizes(
    table: MetaTable,
    groups: TwoGroups,
    index: IntArray,
    measure: Measure,
    *,
    variance: str | None,
    bias_correction: bool,
) -> EffectSizes:
    """The measure of each row."""
    if measure == "SMD":
        return standardized_mean_difference(
            groups, variance=cast("DifferenceVariance", variance or "LS")
        )
    if measure == "SMDH":
        return heteroscedastic_mean_difference(
            groups, variance=cast("HeteroscedasticVariance", variance or "LS-J2")
        )
    if measure == "ROM":
        return log_ratio_of_means(
            groups,
            variance=cast("RatioVariance", variance or "LS"),
            bias_correction=bias_correction,
        )
    if measure == "NMD":
        sham = table.numbers("mean_sham")[index] if table.has("mean_sham") else 0.0
        return normalized_mean_difference(
            groups,
            sham=sham,
            treated_per_control=_served(table)[index],
            variance=cast("NmdVariance", variance or "fixed"),
        )
    if measure == "VR":
        return variability_ratio(groups)
    if measure == "CVR":
        return coefficient_of_variation_ratio(groups)
    return mean_difference(groups)


def _served(table: MetaTable) -> FloatArray:
    """How many treated groups each row's control serves."""
    if not table.has("control_id"):
        return np.ones(table.table.n)
    controls = table.controls()
    counts = Counter(controls)
    return np.array([counts[name] if name else 1 for name in controls], dtype=np.float64)


def _suspicions(groups: TwoGroups) -> tuple[SemSuspicion, ...]:
    """Rows whose standard deviations look like standard errors, where that can be told."""
    positive = (groups.mean_treated > 0) & (groups.mean_control > 0)
    if int(positive.sum()) < _FEWEST_FOR_SUSPICION:
        return ()
    return suspected_sem(groups.usable("ROM"))


def _from_counts(table: MetaTable, measure: ProportionMeasure) -> MetaEffects:
    names = ("responders_treated", "n_treated", "responders_control", "n_control")
    columns = [table.numbers(name) for name in names]
    index, dropped = _complete(table, dict(zip(names, columns, strict=True)))
    for count, n, name in (
        (columns[0], columns[1], names[0]),
        (columns[2], columns[3], names[2]),
    ):
        _check(
            table,
            index,
            name,
            (count == np.floor(count)) & (count >= 0) & (count <= n),
            "a whole number of responding animals, at most as many as there are",
            mend="give numbers of animals, not shares or percentages",
        )
    sizes = response_contrast(*(column[index] for column in columns), measure=measure)
    return _found(table, _named(sizes, table, index, dropped), index)


def _from_medians(table: MetaTable) -> MetaEffects:
    names = ["median_treated", "median_control"]
    assumed: tuple[MetaWarning, ...] = ()
    for side in ("treated", "control"):
        if table.has(f"events_{side}"):
            names.append(f"events_{side}")
        elif table.has(f"n_{side}"):
            names.append(f"n_{side}")
            message = f"events of the {side} animals taken to be all animals"
            assumed = (*assumed, MetaWarning(code="assumption", message=message))
        else:
            raise InputError(
                f"a column events_{side} or n_{side}", found="none", where=table.table.place
            )
    columns = [table.numbers(name) for name in names]
    index, dropped = _complete(table, dict(zip(names, columns, strict=True)))
    for name, values in zip(names, columns, strict=True):
        _check(table, index, name, values > 0, f"a {name} above 0")
    mt, mc, dt, dc = (column[index] for column in columns)
    sizes = median_survival_ratio(mt, mc, events_treated=dt, events_control=dc)
    return _found(table, _named(sizes, table, index, (*assumed, *dropped)), index)


def _from_hazard_ratios(table: MetaTable) -> MetaEffects:
    names = ("hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper")
    columns = [table.numbers(name) for name in names]
    index, dropped = _complete(table, dict(zip(names, columns, strict=True)))
    for name, values in zip(names, columns, strict=True):
        _check(table, index, name, values > 0, f"a {name} above 0")
    sizes = log_hazard_ratio(*(column[index] for column in columns))
    return _found(table, _named(sizes, table, index, dropped), index)


def _given(table: MetaTable, measure: Measure) -> MetaEffects:
    """Effect sizes with their variances, standard errors or 95 % limits."""
    yi = table.numbers("yi")
    if table.has("vi"):
        name, vi, formula = "vi", table.numbers("vi"), "as given"
    elif table.has("se"):
        error = table.numbers("se")
        name, vi, formula = "se", np.sign(error) * error**2, "square of the standard error"
    elif table.has("lower", "upper"):
        name = "upper"
        width = table.numbers("upper") - table.numbers("lower")
        # Half the width of a 95 % interval by the normal distribution.
        vi = np.sign(width) * (width / (2.0 * special.ndtri(0.975))) ** 2
        formula = "square of the width of the 95 % interval over 2 · 1.96"
    else:
        raise InputError(
            "a column vi of sampling variances, se, or lower and upper",
            found="none",
            where=table.table.place,
            mend="name it with --map vi=…",
        )
    measures = _told_measures(table)
    index, dropped = _complete(table, {"yi": yi, name: vi})
    expected = {
        "vi": "a sampling variance above 0",
        "se": "a standard error above 0",
        "upper": "an upper limit above the lower one",
    }[name]
    mend = "correct the cell or leave the row out"
    _check(table, index, name, vi > 0, expected, mend=mend)
    if measure in _FRACTIONS:
        mend = "write 0.6 for 60 %"
        _check(table, index, "yi", yi <= _FRACTIONS[measure], "a fraction", mend=mend)
    if measures and measure == "generic":
        kept = {measures[at] for at in index}
        if len(kept) > 1:
            raise DataError(
                "rows of one measure",
                found=", ".join(sorted(kept)),
                where=f"{table.table.place} column {table.columns['measure']}",
                mend="pool each measure by itself",
            )
        measure = kept.pop()
    elif measures and {measures[at] for at in index} != {measure}:
        raise DataError(
            f"rows of the measure {measure}",
            found=", ".join(sorted({measures[at] for at in index})),
            where=f"{table.table.place} column {table.columns['measure']}",
            mend="pool each measure by itself",
        )
    both = table.has("n_treated", "n_control")
    n_t, n_c = (table.numbers(f"n_{side}")[index] for side in ("treated", "control"))
    known = both and bool(np.isfinite(n_t).all() and np.isfinite(n_c).all())
    sizes = EffectSizes(
        label=tuple(table.labels[at] for at in index),
        measure=measure,
        yi=yi[index],
        vi=vi[index],
        formula="as given",
        variance_formula=formula,
        source="the table",
        n_treated=n_t if known else None,
        n_control=n_c if known else None,
        warnings=dropped,
    )
    return _found(table, sizes, index)


def _told_measures(table: MetaTable) -> list[Measure]:
    """Measure of each row, where a column says it; a column of other words says nothing."""
    if not table.has("measure"):
        return []
    names = {known.casefold() for known in get_args(Measure)} | {*_MEASURES}
    texts = table.texts("measure", where="measure")
    if not any(text.casefold() in names for text in texts):
        return []
    for at, text in enumerate(texts):
        if text.casefold() not in names:
            known = ", ".join(get_args(Measure))
            raise table.table.error(at, "measure", f"a measure out of {known}")
    return [parse_measure(text) for text in texts]


def _check(
    table: MetaTable,
    index: IntArray,
    name: str,
    right: NDArray[np.bool_],
    expected: str,
    *,
    mend: str = "",
) -> None:
    """Refuse the first row in use whose cell is not what it should be; names its place."""
    wrong = index[~right[index]]
    if wrong.size:
        at = int(wrong[0])
        raise InputError(
            expected, found=table.table.texts[name][at], where=table.place(at, name), mend=mend
        )


def _complete(
    table: MetaTable, columns: dict[str, FloatArray]
) -> tuple[IntArray, tuple[MetaWarning, ...]]:
    """Positions of complete rows, and warnings of the others."""
    reasons: dict[int, str] = {}
    for name, values in columns.items():
        for at in np.flatnonzero(np.isnan(values)).tolist():
            reasons.setdefault(at, name)
    index = np.array([at for at in range(table.table.n) if at not in reasons], dtype=np.intp)
    if index.size == 0:
        at = min(reasons)
        raise DataError(
            "at least one complete row",
            found=f"{reasons[at]} is missing",
            where=table.place(at, reasons[at]),
        )
    return index, tuple(
        MetaWarning(
            code="dropped",
            message=f"left out: {reasons[at]} is missing",
            rows=(table.labels[at],),
        )
        for at in sorted(reasons)
    )


def _named(
    sizes: EffectSizes, table: MetaTable, index: IntArray, more: Sequence[MetaWarning]
) -> EffectSizes:
    """Effect sizes that were numbered, under the names of their rows."""
    labels = tuple(table.labels[at] for at in index)
    renamed = dict(zip(sizes.label, labels, strict=True))
    return replace(
        sizes,
        label=labels,
        warnings=(
            *more,
            *(replace(w, rows=tuple(renamed[row] for row in w.rows)) for w in sizes.warnings),
        ),
    )


def _found(
    table: MetaTable,
    sizes: EffectSizes,
    index: IntArray,
    *,
    groups: TwoGroups | None = None,
    trail: tuple[Conversion, ...] = (),
    suspicions: tuple[SemSuspicion, ...] = (),
    faults: tuple[str, ...] = (),
) -> MetaEffects:
    """The rows with the paper of each, and what looks wrong about them."""
    study = None if table.study is None else [table.study[at] for at in index]
    rows = sizes.rows(study=study)
    extra = tuple(
        MetaWarning(
            code="suspect",
            message=f"the standard deviations look like standard errors of the mean, "
            f"{one.likelihood_ratio:.0f} times likelier: check the paper",
            rows=(one.label,),
        )
        for one in suspicions
    )
    units = _units(table, index)
    if sizes.measure == "MD" and len(units) > 1:
        message = f"differences in several units cannot be pooled: {', '.join(units)}"
        extra = (*extra, MetaWarning(code="suspect", message=message))
        faults = (*faults, message)
    copies = _copies(table, index)
    if copies:
        faults = (*faults, f"rows that are copies of another: {', '.join(copies)}")
    if len(rows) > 1 and np.ptp(rows.yi) == 0 and np.ptp(rows.vi) == 0:
        faults = (*faults, "all rows have the same effect size and variance")
    return MetaEffects(
        rows=replace(rows, warnings=(*rows.warnings, *extra)),
        index=index,
        groups=groups,
        formula=sizes.formula,
        variance_formula=sizes.variance_formula,
        source=sizes.source,
        trail=trail,
        suspicions=suspicions,
        faults=faults,
    )


def _units(table: MetaTable, index: IntArray) -> list[str]:
    """Units of the rows, blanks apart."""
    if not table.has("unit"):
        return []
    texts = table.texts("unit", where="unit")
    return sorted({texts[at] for at in index if texts[at]})


def _copies(table: MetaTable, index: IntArray) -> list[str]:
    """Rows all of whose cells are those of an earlier row."""
    cells = table.table.texts
    seen: dict[tuple[str, ...], int] = {}
    found = []
    for at in index.tolist():
        key = tuple(cells[name][at] for name in cells)
        if key in seen:
            found.append(table.labels[at])
        seen.setdefault(key, at)
    return found

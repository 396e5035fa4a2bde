"""What moves the pooled effect: moderators, subgroups, leaving out, the order of rows."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.meta_model import MetaModel
from oncovivo.analyses.meta_result import (
    Bubble,
    RegressionSummary,
    SubgroupRow,
    SubgroupSummary,
)
from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.influence import (
    CumulativeResult,
    LeftOut,
    cumulative,
    leave_one_out,
)
from oncovivo.evidence.meta.moderators import Moderator, design_matrix
from oncovivo.evidence.meta.regression import fit_regression, predict_effects
from oncovivo.evidence.meta.subgroups import subgroup_test
from oncovivo.evidence.meta.types import MetaWarning

__all__ = [
    "FEWEST_LEFT",
    "MOST_LEFT",
    "cumulative_effects",
    "effects_without_each",
    "regression_summary",
    "subgroup_names",
    "subgroup_summary",
]

IntArray: TypeAlias = NDArray[np.intp]

_GRID: Final = 61
FEWEST_LEFT: Final = 3
"""Rows, or groups, of which one can be left out."""

MOST_LEFT: Final = 3000
"""Leaving out each of more rows than this takes longer than a person waits."""

# More groups than this are not left out one by one: each needs a fit of its own.
_MOST_REFITS: Final = 200
_NOT_STATED: Final = "not stated"


def regression_summary(model: MetaModel) -> tuple[RegressionSummary, tuple[MetaWarning, ...]]:
    """The regression on the moderators, and what to know of it.

    Parameters
    ----------
    model : MetaModel
        The rows, and what is asked.

    Raises
    ------
    InputError, DataError
        If a column is missing, or the moderators cannot carry a regression.
    """
    values, chosen, dropped = _moderators(model)
    options = model.options
    rows = model.effects.rows.take(chosen)
    design = design_matrix(values, len(rows), references=options.references)
    bubble_name = next(iter(values)) if len(values) == 1 and len(design.terms) == 2 else None
    continuous = bubble_name is not None and bubble_name in design.terms
    if model.is_nested:
        nested = model.nested(design, chosen, intervals="none")
        summary = RegressionSummary(
            coefficients=nested.coefficients,
            k=nested.k,
            tau2=sum(one.variance for one in nested.components),
            i2=nested.i2,
            r2_pct=None,
            qe=nested.qe,
            qe_df=nested.qe_df,
            qe_p_value=nested.qe_p_value,
            qm=nested.qm,
            qm_df=nested.qm_df,
            qm_df2=nested.qm_df2,
            qm_p_value=nested.qm_p_value,
            tested=nested.tested,
            robust=None if options.cluster is None else model.robust(nested, design, chosen),
            bubble=None,
        )
        return summary, (*dropped, *nested.warnings)
    found = fit_regression(
        rows,
        values,
        references=options.references,
        method=options.method,
        test=options.test or "knapp-hartung",
        level=options.level,
    )
    bubble = None
    if continuous and bubble_name is not None:
        numbers = np.asarray(values[bubble_name], dtype=np.float64)
        grid = np.linspace(numbers.min(), numbers.max(), _GRID)
        line = predict_effects(
            found,
            np.column_stack([np.ones(_GRID), grid]),
            prediction=options.prediction,
        )
        placed: list[float | None] = [None] * len(model.effects.rows)
        for at, value in zip(chosen.tolist(), numbers.tolist(), strict=True):
            placed[at] = value
        bubble = Bubble(
            moderator=bubble_name,
            values=tuple(placed),
            grid=tuple(grid.tolist()),
            line=line,
        )
    summary = RegressionSummary(
        coefficients=found.coefficients,
        k=found.k,
        tau2=found.tau2,
        i2=found.i2,
        r2_pct=found.r2_pct,
        qe=found.qe,
        qe_df=found.qe_df,
        qe_p_value=found.qe_p_value,
        qm=found.qm,
        qm_df=found.qm_df,
        qm_df2=found.qm_df2,
        qm_p_value=found.qm_p_value,
        tested=found.tested,
        robust=None if options.cluster is None else model.robust(None, design, chosen),
        bubble=bubble,
    )
    return summary, (*dropped, *found.warnings)


def _moderators(model: MetaModel) -> tuple[dict[str, Moderator], IntArray, list[MetaWarning]]:
    """Values of the moderators for the rows that have all of them."""
    columns = {name: model.texts(name, "--moderators") for name in model.options.moderators}
    whole = [at for at in range(len(model.effects.rows)) if all(c[at] for c in columns.values())]
    chosen = np.array(whole, dtype=np.intp)
    if chosen.size == 0:
        raise DataError(
            "rows that have all moderators",
            found="none",
            where=model.table.table.place,
            mend="leave out a moderator",
        )
    gone = [one for at, one in enumerate(model.effects.rows.label) if at not in {*whole}]
    warnings = []
    if gone:
        message = "left out, a moderator is missing"
        warnings = [MetaWarning(code="dropped", message=message, rows=tuple(gone))]
    found: dict[str, Moderator] = {}
    for name, texts in columns.items():
        numbers = model.as_numbers(name)
        found[name] = [texts[at] for at in whole] if numbers is None else numbers[chosen].tolist()
    return found, chosen, warnings


def subgroup_names(model: MetaModel, column: str) -> list[str]:
    """Subgroup of each row; rows whose cell is blank are one of their own.

    Parameters
    ----------
    model : MetaModel
        The rows, and what is asked.
    column : str
        What makes the groups.

    Raises
    ------
    InputError
        If there is no such column.
    """
    return [text or _NOT_STATED for text in model.texts(column, "--by")]


def subgroup_summary(
    model: MetaModel, column: str
) -> tuple[SubgroupSummary, tuple[MetaWarning, ...]]:
    """Pooled effects of the subgroups, and what to know of them.

    Parameters
    ----------
    model : MetaModel
        The rows, and what is asked.
    column : str
        What makes the groups.

    Raises
    ------
    InputError, DataError
        If the column is missing, does not vary, or has as many levels as rows.
    """
    names = subgroup_names(model, column)
    options = model.options
    if not model.is_nested:
        found = subgroup_test(
            model.effects.rows,
            column,
            names,
            variance=options.subgroup_variance,
            method=options.method,
            test=options.test or "knapp-hartung",
            level=options.level,
        )
        summary = SubgroupSummary(
            column=column,
            variance=found.variance,
            groups=tuple(
                SubgroupRow(
                    level=level,
                    k=k,
                    estimate=one.estimate,
                    std_error=one.std_error,
                    df=one.df,
                    lower=one.lower,
                    upper=one.upper,
                    p_value=one.p_value,
                    tau2=tau2,
                )
                for level, k, one, tau2 in zip(
                    found.levels, found.k, found.pooled, found.tau2, strict=True
                )
            ),
            statistic=found.statistic,
            df=found.df,
            df2=found.df2,
            p_value=found.p_value,
        )
        return summary, found.warnings
    k = len(model.effects.rows)
    cells = model.nested(design_matrix({column: names}, k, intercept=False), intervals="none")
    contrast = model.nested(design_matrix({column: names}, k), intervals="none")
    tau2 = sum(one.variance for one in cells.components)
    levels = sorted(set(names))
    summary = SubgroupSummary(
        column=column,
        variance="common",
        groups=tuple(
            SubgroupRow(
                level=level,
                k=names.count(level),
                estimate=one.estimate,
                std_error=one.std_error,
                df=one.df,
                lower=one.lower,
                upper=one.upper,
                p_value=one.p_value,
                tau2=tau2,
            )
            for level, one in zip(levels, cells.coefficients, strict=True)
        ),
        statistic=contrast.qm,
        df=contrast.qm_df,
        df2=contrast.qm_df2,
        p_value=contrast.qm_p_value,
    )
    return summary, cells.warnings


def effects_without_each(model: MetaModel) -> tuple[tuple[LeftOut, ...], str]:
    """The pooled effect without each row, or each group of the outermost level; why there is none.

    Parameters
    ----------
    model : MetaModel
        The rows, and what is asked.
    """
    rows, options = model.effects.rows, model.options
    if not model.is_nested:
        if not FEWEST_LEFT <= len(rows) <= MOST_LEFT:
            return (), f"{len(rows)} rows: {FEWEST_LEFT} to {MOST_LEFT} can be left out"
        found = leave_one_out(
            rows,
            method=options.method,
            test=options.test or "knapp-hartung",
            level=options.level,
        )
        return found.rows, ""
    outer = next(iter(model.levels().values()))
    names = list(dict.fromkeys(outer))
    if not FEWEST_LEFT <= len(names) <= _MOST_REFITS:
        return (), f"{len(names)} groups: {FEWEST_LEFT} to {_MOST_REFITS} can be left out"
    without = []
    for name in names:
        kept = np.array([at for at, one in enumerate(outer) if one != name], dtype=np.intp)
        try:
            fitted = model.nested(chosen=kept, intervals="none")
        except DataError as error:
            return (), f"without {name}: {error}"
        one = fitted.coefficients[0]
        without.append(
            LeftOut(
                label=name,
                estimate=one.estimate,
                std_error=one.std_error,
                lower=one.lower,
                upper=one.upper,
                p_value=one.p_value,
                tau2=sum(part.variance for part in fitted.components),
                i2=fitted.i2 if fitted.i2 is not None else math.nan,
                q=fitted.qe,
            )
        )
    return tuple(without), ""


def cumulative_effects(model: MetaModel) -> CumulativeResult | None:
    """The pooled effect as rows come in, where a column orders them.

    Parameters
    ----------
    model : MetaModel
        The rows, and what is asked.

    Raises
    ------
    InputError
        If rows are nested, or a cell of the column is blank.
    """
    if model.options.order is None:
        return None
    if model.is_nested:
        raise InputError(
            "independent rows for --cumulative", found="nested ones", where="--cumulative"
        )
    texts = model.full(model.options.order, "--cumulative")
    numbers = model.as_numbers(model.options.order)
    return cumulative(
        model.effects.rows,
        texts if numbers is None else numbers,
        method=model.options.method,
        test=model.options.test or "knapp-hartung",
        level=model.options.level,
    )

"""Figures of a meta-analysis, as drawings and as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from oncovivo.analyses.figure_files import check_figure_name, write_named_figures
from oncovivo.analyses.meta_result import MetaResult
from oncovivo.endpoints.wording import number_text
from oncovivo.evidence.meta.bubble_plot import plot_bubbles
from oncovivo.evidence.meta.forest_plot import ForestRow, ForestSummary, plot_forest
from oncovivo.evidence.meta.funnel_plot import plot_funnel
from oncovivo.evidence.meta.types import Test

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOST_FOREST_ROWS", "meta_figures", "write_meta_figures"]

_TESTS: Final[Mapping[Test, str]] = {
    "knapp-hartung": "Knapp-Hartung",
    "knapp-hartung-floor": "Knapp-Hartung with floor",
    "z": "z test",
    "t": "t test",
}

MOST_FOREST_ROWS: Final = 120
"""A forest of more rows than this shows the pooled effects alone."""


def meta_figures(result: MetaResult) -> dict[str, Figure]:
    """The figures by what they show, those that have nothing to show left out.

    ``forest``; ``funnel`` where rows differ in imprecision; ``bubble`` where the only moderator
    is a number.
    """
    one = result.estimate
    few = len(result.rows) <= MOST_FOREST_ROWS
    found = {
        "forest": plot_forest(
            [_forest_row(result, at) for at in range(len(result.rows))] if few else [],
            _summary(result),
            subgroups={} if result.subgroups is None else _subgroups(result),
            measure=one.measure,
            level=one.level,
            note=""
            if few
            else f"{len(result.rows)} rows, more than can be drawn: pooled effects alone",
        )
    }
    if result.bias.funnel is not None and len(result.rows) > 1:
        egger = result.bias.egger
        found["funnel"] = plot_funnel(
            result.bias.funnel,
            one.estimate,
            measure=one.measure,
            egger_p=None if egger is None else egger.slope.p_value,
        )
    regression = result.regression
    if regression is not None and regression.bubble is not None:
        bubble = regression.bubble
        rows = [
            (value, row.yi, row.weight)
            for value, row in zip(bubble.values, result.rows, strict=True)
            if value is not None
        ]
        found["bubble"] = plot_bubbles(
            [value for value, _, _ in rows],
            [yi for _, yi, _ in rows],
            [weight if weight is not None else 1.0 for _, _, weight in rows],
            bubble.grid,
            bubble.line,
            slope=regression.coefficients[1],
            moderator=bubble.moderator,
            measure=one.measure,
            level=one.level,
        )
    return found


def _forest_row(result: MetaResult, at: int) -> ForestRow:
    row = result.rows[at]
    facts = dict(row.facts)
    if row.n_treated is not None and row.n_control is not None:
        facts = {"n (t / c)": f"{row.n_treated:g} / {row.n_control:g}", **facts}
    return ForestRow(
        label=row.label,
        estimate=row.yi,
        lower=row.lower,
        upper=row.upper,
        weight=row.weight,
        group=row.group or "",
        facts=facts,
    )


def _summary(result: MetaResult) -> ForestSummary:
    one = result.estimate
    robust = None if result.robust is None else result.robust.coefficients[0]
    return ForestSummary(
        label="all",
        k=one.k,
        estimate=one.estimate,
        lower=one.lower,
        upper=one.upper,
        pi_lower=one.pi_lower,
        pi_upper=one.pi_upper,
        robust_lower=None if robust is None else robust.lower,
        robust_upper=None if robust is None else robust.upper,
        words=_model_words(result),
    )


def _model_words(result: MetaResult) -> str:
    """How rows were pooled, and how much they differ."""
    one = result.estimate
    if one.k == 1:
        return "nothing is pooled"
    parts = ["equal effects" if one.method == "EE" else one.method, _TESTS[one.test]]
    if result.options.random is not None:
        parts.insert(0, f"nested {result.options.random}")
    if one.i2 is not None and one.tau2 is not None:
        parts.append(f"I² {one.i2:.0f} %, τ² {number_text(one.tau2)}")
    if one.q is not None and one.q_p_value is not None:
        p = "< 0.0001" if one.q_p_value < 1e-4 else f"= {one.q_p_value:.2g}"
        parts.append(f"Q {one.q:.1f} on {one.q_df} df, p {p}")
    groups = result.subgroups
    if groups is not None and groups.p_value is not None:
        p = "< 0.0001" if groups.p_value < 1e-4 else f"= {groups.p_value:.2g}"
        parts.append(f"difference of groups p {p}")
    return "; ".join(parts)


def _subgroups(result: MetaResult) -> dict[str, ForestSummary]:
    if result.subgroups is None:
        return {}
    return {
        one.level: ForestSummary(
            label=one.level,
            k=one.k,
            estimate=one.estimate,
            lower=one.lower,
            upper=one.upper,
        )
        for one in result.subgroups.groups
    }


def write_meta_figures(result: MetaResult, path: Path) -> tuple[Path, ...]:
    """Draw a result: the forest goes to `path`, the others to its name with what they show.

    Parameters
    ----------
    result : MetaResult
        What to draw.
    path : Path
        Ends in ``.svg`` or ``.png``.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If a file cannot be written.
    """
    check_figure_name(path)
    drawn = {
        path.stem if name == "forest" else f"{path.stem}-{name}": figure
        for name, figure in meta_figures(result).items()
    }
    title = f"Effects of {result.estimate.k} rows of {result.source.name}, pooled"
    return write_named_figures(drawn, path, title=title)

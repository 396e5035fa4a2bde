"""A meta-analysis as sentences and tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.meta_result import BiasSummary, MetaResult
from oncovivo.analyses.meta_wording import (
    effect_sentence,
    effect_words,
    prediction_sentence,
    variation_sentence,
)
from oncovivo.cli.tables import plain
from oncovivo.endpoints.wording import number_text
from oncovivo.evidence.meta.types import Coefficient
from oncovivo.survival.wording import p_text

__all__ = ["show_meta"]

# Rows of which the terminal shows all; of more only the first and a count.
_MOST_ROWS: Final = 60
_SHOWN: Final = 25
_LONGEST_LABEL: Final = 32
_MOST_NAMES: Final = 4


def show_meta(result: MetaResult) -> None:
    """The effect in a sentence, then rows, subgroups, moderators, levels, bias, and notes."""
    console = Console(highlight=False)
    console.print(Text(effect_sentence(result), style="bold"))
    console.print(plain(prediction_sentence(result.estimate)))
    console.print(plain(variation_sentence(result.estimate)))
    if result.faults:
        console.print(Text(f"FLAGGED: {'; '.join(result.faults)}", style="bold"))
    console.print()
    _show_rows(console, result)
    if result.components:
        _show_levels(console, result)
    if result.robust is not None:
        _show_robust(console, result)
    if result.subgroups is not None:
        _show_subgroups(console, result)
    if result.regression is not None:
        _show_regression(console, result)
    _show_bias(console, result.bias, result)
    _show_left_out(console, result)
    _show_notes(console, result)


def _show_rows(console: Console, result: MetaResult) -> None:
    measure = result.estimate.measure
    name = "ratio" if result.is_log else "effect"
    shown = _table("row", name, f"{result.estimate.level:.0%} interval", "weight")
    rows = result.rows if len(result.rows) <= _MOST_ROWS else result.rows[:_SHOWN]
    for row in rows:
        shown.add_row(
            plain(f"  {_shortened(row.label)}"),
            effect_words(row.yi, measure),
            _interval(effect_words(row.lower, measure), effect_words(row.upper, measure)),
            "—" if row.weight is None else f"{100 * row.weight:.1f} %",
        )
    console.print(shown)
    if len(rows) < len(result.rows):
        console.print(f"  … and {len(result.rows) - len(rows)} more; -o FILE.csv has them all")
    _indented(console, f"effect: {result.formula}; variance: {result.variance_formula}")
    console.print()


def _show_levels(console: Console, result: MetaResult) -> None:
    console.print("Variance of each level")
    shown = _table("level", "groups", "variance", f"{result.estimate.level:.0%} interval", "I²")
    for one in result.components:
        shown.add_row(
            plain(f"  {one.name}"),
            str(one.groups),
            number_text(one.variance),
            _interval(*(("—" if v is None else number_text(v)) for v in (one.lower, one.upper))),
            "—" if one.i2 is None else f"{one.i2:.1f} %",
        )
    console.print(shown)
    _indented(console, f"sampling errors: {result.covariance_formula}")
    console.print()


def _show_robust(console: Console, result: MetaResult) -> None:
    robust = result.robust
    if robust is None:
        return
    console.print(f"Robust to what ties rows of a cluster (CR2, {robust.clusters} clusters)")
    console.print(_coefficients(robust.coefficients, "pooled effect", result))
    console.print()


def _coefficients(
    coefficients: Sequence[Coefficient], intercept: str, result: MetaResult
) -> Table:
    """Coefficients with limits and tests; ratios where the effect is a logarithm."""
    measure = result.estimate.measure
    name = "ratio" if result.is_log else "estimate"
    shown = _table("term", name, f"{result.estimate.level:.0%} interval", "df", "p")
    for one in coefficients:
        shown.add_row(
            plain(f"  {intercept if one.term == 'intercept' else _shortened(one.term)}"),
            effect_words(one.estimate, measure),
            _interval(effect_words(one.lower, measure), effect_words(one.upper, measure)),
            "—" if one.df is None else f"{one.df:.4g}",
            p_text(one.p_value),
        )
    return shown


def _show_subgroups(console: Console, result: MetaResult) -> None:
    groups = result.subgroups
    if groups is None:
        return
    measure = result.estimate.measure
    console.print(plain(f"Subgroups by {groups.column}, {groups.variance} variance between rows"))
    name = "ratio" if result.is_log else "effect"
    shown = _table("group", "rows", name, f"{result.estimate.level:.0%} interval", "p")
    for one in groups.groups:
        shown.add_row(
            plain(f"  {_shortened(one.level)}"),
            str(one.k),
            effect_words(one.estimate, measure),
            _interval(effect_words(one.lower, measure), effect_words(one.upper, measure)),
            p_text(one.p_value),
        )
    console.print(shown)
    _indented(console, _test_words(groups.statistic, groups.df, groups.df2, groups.p_value))
    console.print()


def _show_regression(console: Console, result: MetaResult) -> None:
    found = result.regression
    if found is None:
        return
    console.print(f"Meta-regression of {found.k} rows")
    per = "; of a number the factor per unit" if result.is_log else ""
    console.print(_coefficients(found.coefficients, "intercept", result))
    if found.robust is not None:
        console.print("  robust (CR2)")
        console.print(_coefficients(found.robust.coefficients, "intercept", result))
    words = _test_words(found.qm, found.qm_df, found.qm_df2, found.qm_p_value)
    left = f"τ² left {number_text(found.tau2)}"
    if found.r2_pct is not None:
        left += f", {found.r2_pct:.0f} % of it taken away"
    _indented(console, f"{words}; {left}{per}")
    console.print()


def _test_words(statistic: float | None, df: int, df2: int | None, p_value: float | None) -> str:
    """A test of several coefficients."""
    if statistic is None:
        return "no test of the difference"
    name = f"χ²({df})" if df2 is None else f"F({df}, {df2})"
    return f"test of no difference: {name} = {number_text(statistic)}, p {p_text(p_value)}"


def _show_bias(console: Console, bias: BiasSummary, result: MetaResult) -> None:
    console.print("Small-study effects")
    if bias.egger is None or bias.pet_peese is None or bias.trim_and_fill is None:
        _indented(console, f"not tested: {bias.reason}")
        console.print()
        return
    measure = result.estimate.measure
    predictor = "1/√n" if bias.egger.precision == "size" else "standard error"
    _indented(
        console,
        f"Egger's test on the {predictor}: slope {number_text(bias.egger.slope.estimate)}, "
        f"p {p_text(bias.egger.slope.p_value)}",
    )
    extrapolated = bias.pet_peese
    low, high = (effect_words(v, measure) for v in (extrapolated.lower, extrapolated.upper))
    _indented(
        console,
        f"{extrapolated.chosen}, effect without sampling error: "
        f"{effect_words(extrapolated.estimate, measure)} ({low} to {high})",
    )
    filled = bias.trim_and_fill
    where = "larger" if filled.side == "right" else "smaller"
    many = {0: "no row", 1: "1 row"}.get(filled.missing, f"{filled.missing} rows")
    _indented(
        console,
        f"trim and fill: {many} missing among the {where} effects, pooled with them "
        f"{effect_words(filled.adjusted.estimate, measure)}",
    )
    for one in bias.egger.warnings:
        _indented(console, one.message)
    if result.components or result.robust is not None:
        _indented(console, "these tests take rows as independent")
    console.print()


def _show_left_out(console: Console, result: MetaResult) -> None:
    """How far leaving out one row, or one group, moves the effect."""
    if not result.left_out:
        return
    measure = result.estimate.measure
    lowest = min(result.left_out, key=lambda one: one.estimate)
    highest = max(result.left_out, key=lambda one: one.estimate)
    console.print("Without one of them")
    _indented(
        console,
        f"pooled effect from {effect_words(lowest.estimate, measure)} (without {lowest.label}) "
        f"to {effect_words(highest.estimate, measure)} (without {highest.label})",
    )
    if result.influence is not None:
        marked = [one.label for one in result.influence.rows if one.influential]
        if marked:
            _indented(console, f"influential: {_listed(marked)}")
    console.print()


def _show_notes(console: Console, result: MetaResult) -> None:
    for one in result.warnings:
        about = f" [{_listed(one.rows)}]" if one.rows else ""
        _indented(console, f"note: {one.message}{about}")
    if result.trail:
        kinds = sorted({one.kind for one in result.trail})
        formulas = sorted({one.formula for one in result.trail})
        _indented(
            console,
            f"note: {len(result.trail)} standard deviations made from {', '.join(kinds)} "
            f"({'; '.join(formulas)}); --json has each",
        )


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    shown = ", ".join(_shortened(name) for name in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _shortened(name: str) -> str:
    """A name cut in its middle."""
    if len(name) <= _LONGEST_LABEL:
        return name
    tail = (_LONGEST_LABEL - 1) // 2
    return f"{name[: _LONGEST_LABEL - 1 - tail].rstrip()}…{name[-tail:].lstrip()}"


def _interval(lower: str, upper: str) -> str:
    return "—" if lower == upper == "—" else f"{lower} to {upper}"


def _table(*headings: str) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, heading in enumerate(headings):
        shown.add_column(f"  {heading}" if number == 0 else heading, overflow="fold")
    return shown


def _indented(console: Console, words: str) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(plain(words), (0, 0, 0, 2), expand=False))

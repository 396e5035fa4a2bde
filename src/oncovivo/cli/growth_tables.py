"""Growth models as tables that fit a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.growth_result import FileGrowth, GrowthResult
from oncovivo.cli.tables import plain
from oncovivo.endpoints.wording import number_text
from oncovivo.growth.compare import GrowthComparison
from oncovivo.growth.wording import (
    EFFECT_TEXT,
    dropout_lines,
    effect_interval,
    effect_text,
    limits_text,
    model_in_words,
    p_text,
    variance_in_words,
)

__all__ = ["show_growth"]


def show_growth(result: FileGrowth) -> None:
    """Study by study: the model, rates, contrasts, effects, and what to know."""
    console = Console(highlight=False)
    for study in result.analysed:
        _show_study(console, study)
    for skipped in result.skipped:
        console.print(plain(f"{skipped.study_id} was not analysed: {skipped.reason}"))
    console.print(f"seed {result.seed}")


def _show_study(console: Console, study: GrowthResult) -> None:
    compared = study.comparison
    simulated = " · SIMULATED" if study.simulated else ""
    line = "" if study.line in study.study_id else f", line {study.line}"
    heading = (
        f"{study.study_id}{line}: {study.n_animals} animals, {study.n_observations} readings, "
        f"control {compared.control}{simulated}"
    )
    console.print(Text(heading, style="bold"))
    words = model_in_words(study.model, likelihood=study.likelihood, censored=study.n_censored)
    _indented(console, words)
    _indented(console, variance_in_words(study.variance))
    console.print()
    console.print(f"Growth rates, natural log per day, {compared.level:.0%} intervals")
    console.print(_rates(study))
    console.print()
    family = compared.family.adjustment.capitalize()
    console.print(f"Differences of rates, {family} · {compared.df_method}")
    console.print(_contrasts(compared))
    if study.free_intercepts is not None:
        console.print()
        method = study.free_intercepts.df_method
        console.print(f"The same with an intercept for each arm · {method}")
        console.print(_contrasts(study.free_intercepts))
    console.print()
    console.print(f"Size of the effect against {compared.control}, day {compared.day:g}")
    _show_effects(console, study)
    console.print()
    console.print("Who left, and does it matter")
    for line in dropout_lines(study.dropout):
        _indented(console, line)
    _show_more(console, study)
    console.print()
    console.print("Residuals and single animals")
    for finding in study.findings or ():
        _indented(console, f"{finding.message}; {finding.remedy}")
    if not study.findings:
        _indented(console, "nothing in the residuals speaks against the model")
    single = study.influence_reason if study.influence is None else study.influence.verdict
    _indented(console, single)
    for warning in study.warnings:
        _indented(console, f"note: {warning.message}")
    console.print()


def _show_more(console: Console, study: GrowthResult) -> None:
    """Bootstrap tests and growth laws, where they were asked for."""
    if study.bootstrap:
        console.print()
        console.print(
            f"Parametric bootstrap, {study.bootstrap[0].draws} draws, each contrast alone"
        )
        shown = _table("  arm", "interval", "p")
        for test in study.bootstrap:
            shown.add_row(
                plain(f"  {test.arm}"), limits_text(test.lower, test.upper), p_text(test.p_value)
            )
        console.print(shown)
    if study.laws:
        console.print()
        console.print("Growth laws, score and error of animals left out")
        shown = _table("  law", "log-likelihood", "BIC", "score", "error", "")
        for row in study.laws:
            cells = (row.log_likelihood, row.bic, row.predictive_score)
            shown.add_row(
                plain(f"  {row.law.replace('_', ' ')}"),
                *("—" if cell is None else f"{cell:.1f}" for cell in cells),
                _number(row.predictive_error),
                plain(row.failure),
            )
        console.print(shown)
        _indented(console, study.law_verdict)


def _table(*headings: str) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, heading in enumerate(headings):
        shown.add_column(heading, overflow="fold", no_wrap=number > 0)
    return shown


def _rates(study: GrowthResult) -> Table:
    shown = _table("  arm", "n", "rate", "interval", "df", "doubling time, d")
    counts = study.n_by_arm
    for rate in study.comparison.rates:
        time = rate.doubling_time
        doubling = (
            "—"
            if time.estimate is None
            else f"{number_text(time.estimate)} ({limits_text(time.lower, time.upper)})"
        )
        shown.add_row(
            plain(f"  {rate.arm}"),
            str(counts.get(rate.arm, 0)),
            _number(rate.estimate),
            limits_text(rate.lower, rate.upper),
            "—" if rate.df is None else f"{rate.df:.1f}",
            doubling,
        )
    return shown


def _contrasts(compared: GrowthComparison) -> Table:
    family = compared.family.adjustment
    together = family != "none"
    limits = "simultaneous interval" if together else "interval"
    shown = _table("  arm", "difference", limits, "df", "p", *(["adjusted p"] if together else []))
    for found in compared.contrasts:
        name = f"{found.arm} − {found.versus}" if family == "tukey" else found.arm
        lower, upper = (
            (found.lower_simultaneous, found.upper_simultaneous)
            if together
            else (found.lower, found.upper)
        )
        shown.add_row(
            plain(f"  {name}"),
            _number(found.estimate),
            limits_text(lower, upper),
            "—" if found.df is None else f"{found.df:.1f}",
            p_text(found.p_value),
            *([p_text(found.p_adjusted)] if together else []),
        )
    return shown


def _show_effects(console: Console, study: GrowthResult) -> None:
    """Growth inhibition by arm, each number with its interval; remarks below."""
    shown = _table("  measure", "estimate", "interval", "")
    numbers: dict[str, int] = {}
    last = ""
    for effect in study.comparison.effects:
        mark = f"[{numbers.setdefault(effect.reason, len(numbers) + 1)}]" if effect.reason else ""
        if effect.arm != last:
            shown.add_row(Text(f"  {effect.arm}", style="bold"))
            last = effect.arm
        shown.add_row(
            plain(f"    {EFFECT_TEXT[effect.effect]}"),
            effect_text(effect),
            effect_interval(effect),
            plain(mark),
        )
    console.print(shown)
    for reason, number in numbers.items():
        _indented(console, f"[{number}] {reason}")


def _number(value: float | None) -> str:
    return "—" if value is None else number_text(value)


def _indented(console: Console, words: str) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(plain(words), (0, 0, 0, 2), expand=False))

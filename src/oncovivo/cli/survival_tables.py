"""Survival analyses as tables that fit a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.survival_result import FileSurvival, SurvivalResult
from oncovivo.cli.tables import plain
from oncovivo.survival.wording import (
    TEST_TEXT,
    adjusted_text,
    interval_text,
    median_ratio_text,
    median_text,
    number_text,
    p_text,
    reason_lines,
    time_in_words,
)

__all__ = ["show_survival"]


def show_survival(result: FileSurvival) -> None:
    """Study by study: arms, tests, hazard ratios, contrasts, and what to know."""
    console = Console(highlight=False)
    for study in result.analysed:
        _show_study(console, study)
    for skipped in result.skipped:
        console.print(plain(f"{skipped.study_id} was not analysed: {skipped.reason}"))
    console.print(f"seed {result.seed}")


def _show_study(console: Console, study: SurvivalResult) -> None:
    simulated = " · SIMULATED" if study.simulated else ""
    line = "" if study.line is None or study.line in study.study_id else f", line {study.line}"
    n, events = sum(arm.n for arm in study.arms), sum(arm.events for arm in study.arms)
    heading = (
        f"{study.study_id}{line}: {n} animals, {events} events, control {study.control}{simulated}"
    )
    console.print(Text(heading, style="bold"))
    _indented(console, f"event: {study.event_definition}")
    _indented(console, time_in_words(study.shown_time, study.tested_time))
    for words in reason_lines(study.reasons, study.causes):
        _indented(console, words)
    console.print()
    unit = {"days": "days", "weeks": "weeks", "as given": "in the unit of the file"}
    console.print(f"Arms alone, {study.level:.0%} intervals, times {unit[study.time_unit]}")
    console.print(_arms(study))
    console.print()
    console.print("Tests of no difference")
    console.print(_tests(study))
    console.print()
    console.print(f"Against {study.control}")
    _show_contrasts(console, study)
    if study.sensitivity:
        console.print()
        console.print("When animals that left before the event count otherwise")
        console.print(_sensitivity(study))
    for warning in study.warnings:
        about = f"{warning.arm}: " if warning.arm else ""
        _indented(console, f"note: {about}{warning.message}")
    console.print()


def _arms(study: SurvivalResult) -> Table:
    """Counts, median and restricted mean of each arm."""
    competing = any(arm.competing for arm in study.arms)
    tau = f"mean to {number_text(study.arms[0].tau)}"
    other = ("competing",) if competing else ()
    shown = _table("  arm", "n", "events", *other, "median", "interval", tau, "interval")
    for arm in study.arms:
        shown.add_row(
            plain(f"  {arm.arm}"),
            str(arm.n),
            str(arm.events),
            *((str(arm.competing),) if competing else ()),
            median_text(arm.median, arm.greater_than),
            interval_text(arm.median_lower, arm.median_upper),
            number_text(arm.rmst),
            interval_text(arm.rmst_lower, arm.rmst_upper, open_ends=False),
        )
    return shown


def _tests(study: SurvivalResult) -> Table:
    """Each test on a line; of several arms, those of each arm follow the one of all."""
    many = len(study.arms) > 2
    shown = _table("  test", "arm", "χ²", "df", "p", *(("adjusted p",) if many else ()))
    for test in study.tests:
        stratified = ", stratified" if test.stratified else ""
        name = f"{TEST_TEXT[test.test]}{stratified}{', exact' if test.exact else ''}"
        shown.add_row(
            plain(f"  {name}"),
            plain(test.arms[0] if len(test.arms) == 2 else f"all {len(test.arms)}"),
            "—" if test.statistic is None else f"{test.statistic:.2f}",
            "—" if test.df is None else str(test.df),
            p_text(test.p_value),
            *((adjusted_text(test.p_adjusted, test.adjustment),) if many else ()),
        )
    return shown


def _show_contrasts(console: Console, study: SurvivalResult) -> None:
    """Hazard ratios, ratios of medians and differences of restricted means."""
    shown = _table("  measure", "estimate", "interval", "p", "")
    numbers: dict[str, int] = {}

    def mark(reason: str) -> Text:
        if not reason:
            return Text("")
        return plain(f"[{numbers.setdefault(reason, len(numbers) + 1)}]")

    proportional = {row.arm: row for row in study.proportional}
    medians = {row.arm: row for row in study.medians}
    means = {row.arm: row for row in study.means}
    ratios = {row.arm: row for row in study.time_ratios}
    for row in study.hazards:
        shown.add_row(Text(f"  {row.arm}", style="bold"))
        method = {"cox": "Cox", "cox_robust": "Cox, robust", "firth": "Firth"}.get(
            row.method, row.method
        )
        shown.add_row(
            f"    hazard ratio ({method})",
            number_text(row.hazard_ratio),
            interval_text(row.lower, row.upper),
            p_text(row.p_value),
            mark(row.reason),
        )
        constant = proportional.get(row.arm)
        if constant is not None and constant.p_value is not None:
            shown.add_row("    constant hazard ratio", "—", "—", p_text(constant.p_value), "")
        if (median := medians.get(row.arm)) is not None:
            found = median.found
            shown.add_row(
                "    ratio of medians (EFS T/C)",
                median_ratio_text(found.ratio, found.ratio_greater_than),
                interval_text(found.ratio_lower, found.ratio_upper),
                "—",
                mark(found.reason),
            )
            if median.activity is not None:
                call = median.activity.call.replace("_", " ")
                shown.add_row("    PPTC activity", call, "—", "—", mark(median.activity.reason))
        if (mean := means.get(row.arm)) is not None:
            found_mean = mean.difference
            shown.add_row(
                "    difference of means",
                number_text(found_mean.estimate),
                interval_text(found_mean.lower, found_mean.upper, open_ends=False),
                p_text(found_mean.p_value),
                "",
            )
        if (ratio := ratios.get(row.arm)) is not None:
            shown.add_row(
                f"    time ratio ({ratio.found.distribution.capitalize()})",
                number_text(ratio.found.time_ratio),
                interval_text(ratio.found.lower, ratio.found.upper),
                p_text(ratio.found.p_value),
                mark(ratio.found.reason),
            )
    console.print(shown)
    for reason, number in numbers.items():
        _indented(console, f"[{number}] {reason}")


def _sensitivity(study: SurvivalResult) -> Table:
    shown = _table("  leavers taken", "arm", "events", "median", "hazard ratio", "log-rank p")
    for row in study.sensitivity:
        taken = row.taken if row.changed == 0 else f"{row.taken} ({row.changed})"
        shown.add_row(
            f"  {taken}",
            plain(row.arm),
            str(row.events),
            number_text(row.median),
            number_text(row.hazard_ratio),
            p_text(row.p_value),
        )
    return shown


def _table(*headings: str) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, heading in enumerate(headings):
        shown.add_column(heading, overflow="fold", no_wrap=number > 0)
    return shown


def _indented(console: Console, words: str) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(plain(words), (0, 0, 0, 2), expand=False))

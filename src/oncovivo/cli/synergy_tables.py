"""Combinations as tables that fit a terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.synergy_result import FileSynergy, SynergyAnalysis
from oncovivo.cli.tables import plain
from oncovivo.combination.fixed_addition import FixedAddition
from oncovivo.combination.grid_surface import GridSurface
from oncovivo.combination.plot_words import NULL_WORDS, SCALE_WORDS, index_words
from oncovivo.combination.result import SynergyResult
from oncovivo.combination.wording import (
    VERDICT_WORDS,
    addition_sentence,
    answer_sentence,
    grid_sentence,
    index_limits,
    open_limits,
)
from oncovivo.endpoints.wording import number_text
from oncovivo.growth.wording import limits_text, model_in_words, p_text

__all__ = ["show_synergy"]

_NULLS: Final = {"bliss": "Bliss", "hsa": "HSA", "response_additivity": "additivity"}
_MEANT: Final = {
    "hsa": "HSA: highest single agent, one-sided, its limits each hold alone",
    "response_additivity": "additivity: response additivity",
}
_COULD_FIND: Final = (
    "could find: the largest index below 1 that a study of this precision finds with 80 % power"
)
_SCALES: Final = {**SCALE_WORDS, "tgi": "inhibition", "auc": "area under curve"}


def show_synergy(result: FileSynergy) -> None:
    """Study by study: the answer, every null model and scale, and what to know."""
    console = Console(highlight=False)
    for study in result.analysed:
        _show_study(console, study)
    for skipped in result.skipped:
        console.print(plain(f"{skipped.study_id} was not analysed: {skipped.reason}"))
    console.print(f"seed {result.seed}")


def _show_study(console: Console, study: SynergyAnalysis) -> None:
    simulated = " · SIMULATED" if study.simulated else ""
    line = "" if study.line in study.study_id else f", line {study.line}"
    animals = sum(study.n_by_arm.values())
    heading = f"{study.study_id}{line}: {animals} animals in {len(study.n_by_arm)} arms{simulated}"
    console.print(Text(heading, style="bold"))
    if study.model is not None and study.likelihood is not None:
        words = model_in_words(study.model, likelihood=study.likelihood, censored=study.n_censored)
        _indented(console, words)
    if study.event:
        _indented(console, f"event of hazards and median times: {study.event}")
    console.print()
    for surface in study.surfaces:
        _show_surface(console, surface)
    if study.results and not study.surfaces:
        _show_results(console, study)
    if study.addition is not None:
        _show_addition(console, study.addition)
    _show_more(console, study)
    for warning in study.warnings:
        of = f" ({warning.arm})" if warning.arm else ""
        _indented(console, f"note: {warning.message}{of}")
    console.print()


def _show_results(console: Console, study: SynergyAnalysis) -> None:
    _indented(console, answer_sentence(study.results[0], study.n_by_arm))
    console.print()
    console.print(
        f"Index: observed over foreseen, below 1 is synergy · {100 * study.level:g} % limits, "
        "each answer alone"
    )
    reasons: dict[str, int] = {}
    asked = ("", "")
    shown = _table("  null, scale", "index", "limits", "p", "could find", "verdict")
    for result in study.results:
        if asked != (result.arms.combination, result.null):
            asked = (result.arms.combination, result.null)
            of = "" if len(study.whole) == len(study.results) else f", {asked[0]}"
            day = "" if result.day is None else f", day {result.day:g}"
            shown.add_row(Text(f"  {_NULLS[result.null]}{of}{day}", style="bold"))
        _add_result(shown, result, reasons)
    console.print(shown)
    for reason, number in reasons.items():
        _indented(console, f"[{number}] {reason}")
    shown_nulls = {result.null for result in study.results}
    meant = [words for null, words in _MEANT.items() if null in shown_nulls]
    _indented(console, "; ".join((*meant, _COULD_FIND)))


def _add_result(shown: Table, result: SynergyResult, reasons: dict[str, int]) -> None:
    mark = ""
    if result.reason:
        mark = f" [{reasons.setdefault(result.reason, len(reasons) + 1)}]"
    shown.add_row(
        plain(f"    {_SCALES[result.scale]}"),
        "—" if result.index is None else index_words(result.index),
        plain(index_limits(result)),
        "—" if result.p_value is None else p_text(result.p_value),
        "—" if result.detectable_index is None else index_words(result.detectable_index),
        plain(VERDICT_WORDS[result.verdict] + mark),
    )


def _show_surface(console: Console, surface: GridSurface) -> None:
    _indented(console, grid_sentence(surface))
    console.print()
    first, second = surface.grid.compounds
    units = [f" {unit}" if unit else "" for unit in surface.grid.units]
    console.print(
        f"{NULL_WORDS[surface.null].capitalize()}: dose pairs by index, "
        f"{100 * surface.level:g} % limits over all pairs"
    )
    shown = _table(f"  {first}", second, "index", "limits", "adjusted p", "could find", "verdict")
    for cell in surface.ranked:
        alone = cell.alone
        shown.add_row(
            plain(f"  {cell.doses[0]:g}{units[0]}"),
            plain(f"{cell.doses[1]:g}{units[1]}"),
            "—" if alone.index is None else index_words(alone.index),
            plain(open_limits(cell.index_lower, cell.index_upper)),
            "—" if cell.p_adjusted is None else p_text(cell.p_adjusted),
            "—" if alone.detectable_index is None else index_words(alone.detectable_index),
            VERDICT_WORDS[cell.verdict],
        )
    console.print(shown)
    console.print()


def _show_addition(console: Console, found: FixedAddition) -> None:
    """The effect of an addition on top of each arm, and whether it is one effect."""
    _indented(console, addition_sentence(found))
    console.print()
    console.print(
        f"What the addition multiplies the relative size by, day {found.day:g}, "
        f"{100 * found.level:g} % limits"
    )
    shown = _table("  on top of", "factor", "limits", "index", "limits over all", "p", "verdict")
    indices = {index.partner: index for index in found.indices}
    for effect in found.effects:
        index = indices.get(effect.without)
        shown.add_row(
            plain(f"  {effect.without}"),
            index_words(effect.factor),
            open_limits(effect.factor_lower, effect.factor_upper),
            "" if index is None else index_words(index.index),
            ""
            if index is None
            else open_limits(index.index_lower_simultaneous, index.index_upper_simultaneous),
            "" if index is None else p_text(index.p_adjusted),
            "" if index is None else VERDICT_WORDS[index.verdict],
        )
    console.print(shown)
    _indented(
        console,
        "index: the partner's factor over the control's, observed over foreseen size of the arm "
        "with both; p: among all partners",
    )


def _show_more(console: Console, study: SynergyAnalysis) -> None:
    """Bands, factorial reading, robust errors, resamples, sequences and doses."""
    if study.bands:
        console.print()
        console.print("Over all days together")
        for band in study.bands:
            _indented(
                console,
                f"{band.arms.combination}, {NULL_WORDS[band.null]}: "
                + (
                    band.reason
                    or f"{VERDICT_WORDS[band.verdict]}, p {p_text(band.p_value)} over "
                    f"{len(band.days)} days"
                ),
            )
    if study.interactions:
        console.print()
        console.print("Factorial reading: interactions on log growth, natural log per day")
        shown = _table("  partners", "estimate", "limits", "p")
        for found in study.interactions:
            shown.add_row(
                plain("  " + " × ".join(found.partners)),
                number_text(found.estimate),
                limits_text(found.lower, found.upper),
                p_text(found.p_value),
            )
        console.print(shown)
    several = len(study.bands) > len({band.null for band in study.bands})
    differing = [both for both in study.sensitivity if not both.agrees]
    if study.sensitivity:
        console.print()
        if not differing:
            _indented(console, "cluster-robust errors (CR2) say the same on every scale")
        for both in differing:
            _indented(
                console,
                f"with cluster-robust errors (CR2), {NULL_WORDS[both.result.null]} on the "
                f"{SCALE_WORDS[both.result.scale]} "
                + (f"for {both.result.arms.combination} " if several else "")
                + f"is {VERDICT_WORDS[both.robust.verdict]}, "
                f"p {p_text(both.robust.p_value)}",
            )
    for area in study.areas:
        _indented(
            console,
            f"areas of animals{f', {area.arms.combination}' if several else ''}, "
            f"{NULL_WORDS[area.null]}, day {area.day:g}: index "
            f"{'—' if area.index is None else index_words(area.index)} "
            f"({open_limits(area.index_lower, area.index_upper)}), {area.draws} resamples"
            + (f"; {area.reason}" if area.reason else ""),
        )
    for combination, draw in study.drawn:
        of = f" of {combination}" if several else ""
        _indented(
            console,
            f"response additivity{of} from {draw.draws} draws: index "
            f"{'—' if draw.index is None else index_words(draw.index)} "
            f"({open_limits(draw.index_lower, draw.index_upper)}), p {p_text(draw.p_value)}",
        )
    for sequence in study.sequences:
        for pair in sequence.pairs:
            _indented(
                console,
                f"{pair.arm} against {pair.versus}, which differ in order or timing only: "
                f"difference of rates {number_text(pair.estimate)} "
                f"({limits_text(pair.lower_simultaneous, pair.upper_simultaneous)}), "
                f"p {p_text(pair.p_adjusted)}",
            )


def _table(*headings: str) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, heading in enumerate(headings):
        shown.add_column(
            heading, overflow="fold", no_wrap=number > 0 or heading == "  null, scale"
        )
    return shown


def _indented(console: Console, words: str) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(plain(words), (0, 0, 0, 2), expand=False))

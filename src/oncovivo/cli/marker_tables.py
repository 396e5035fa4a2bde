"""Markers as tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from oncovivo.analyses.marker_analysis import MarkerAnalysis
from oncovivo.analyses.marker_arms import MarkerArms
from oncovivo.analyses.marker_engagement import MarkerEngagement
from oncovivo.analyses.marker_files import MarkerResult
from oncovivo.biomarkers.association_result import Association
from oncovivo.biomarkers.association_task import lines_word
from oncovivo.biomarkers.prediction import Prediction
from oncovivo.cli.tables import plain, simple_table
from oncovivo.growth.wording import p_text

__all__ = ["show_markers"]

_MOST_ROWS = 20


def show_markers(result: MarkerResult) -> None:
    """The associations, then what to know."""
    console = Console(highlight=False)
    if isinstance(result, MarkerAnalysis):
        _show_lines(console, result)
    elif isinstance(result, MarkerArms):
        _show_arms(console, result)
    else:
        _show_studies(console, result)


def _show_lines(console: Console, result: MarkerAnalysis) -> None:
    for one in result.treatments:
        heading = one.response.label
        if one.treatment:
            heading = f"{one.treatment}: {heading}"
        if result.control is not None:
            heading += f", against {result.control}"
        console.print(plain(f"{heading}{' (simulated)' if result.simulated else ''}"))
        _show_associations(console, one.associations)
        if one.response.outcome == "treated":
            console.print(
                "an outcome under treatment alone: a marker of growth goes with it as well as one "
                "of the drug's effect (--outcome effect, where it is against controls)",
                style="yellow",
            )
        if one.interaction is not None:
            console.print("marker and growth of the controls: prognostic, whatever the drug does")
            _show_associations(console, one.interaction.prognostic)
        for names, what in (
            (one.without_markers, "without markers"),
            (one.without_response, "without a response"),
        ):
            if names:
                shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
                count = f"{len(names)} {lines_word(len(names))}"
                console.print(plain(f"{count} {what}: {shown}"), style="dim")
        for note in one.notes:
            console.print(plain(note), style="dim")
    for file in result.files:
        for remark in file.remarks:
            console.print(plain(f"{file.name}: {remark}"), style="dim")
    if result.prediction is not None:
        _show_prediction(console, result.prediction)


def _show_associations(console: Console, found: Sequence[Association]) -> None:
    """The smallest p first; what has no numbers is counted by its reason."""
    drawn = any(one.p_permutation is not None for one in found)
    usable = sorted(
        (one for one in found if _has_numbers(one)),
        key=lambda one: (1.0 if one.p_value is None else one.p_value, one.marker),
    )
    if usable:
        extra = ("p perm.",) if drawn else ()
        counted = any(one.n_animals is not None for one in usable)
        after = ("lines", "animals") if counted else ("lines",)
        table = simple_table("marker", "what", "estimate (limits)", "p", *extra, "q", *after)
        for one in usable[:_MOST_ROWS]:
            table.add_row(
                plain(one.marker + ("*" if one.status == "flagged" else "")),
                plain(one.measure),
                plain(_limits(one)),
                _p(one.p_value),
                *((_p(one.p_permutation),) if drawn else ()),
                _p(one.q_value),
                str(one.n_lines),
                *(("" if one.n_animals is None else str(one.n_animals),) if counted else ()),
            )
        console.print(table)
        if len(usable) > _MOST_ROWS:
            console.print(f"and {len(usable) - _MOST_ROWS} more; write all with -o FILE.csv")
    _show_reasons(console, [one for one in usable[:_MOST_ROWS] if one.status == "flagged"], "* ")
    _show_reasons(console, [one for one in found if not _has_numbers(one)], "without numbers: ")


def _has_numbers(one: Association) -> bool:
    return one.estimate is not None or one.p_value is not None


def _show_reasons(console: Console, found: Sequence[Association], before: str) -> None:
    """Each reason once, with its markers."""
    ordered = sorted(found, key=lambda one: one.reason)
    for reason, group in groupby(ordered, key=lambda one: one.reason):
        names = list(dict.fromkeys(one.marker for one in group))
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        console.print(plain(f"{before}{shown}: {reason}"), style="yellow")


def _show_arms(console: Console, result: MarkerArms) -> None:
    console.print(f"{result.n_readings} readings, against {result.control}", markup=False)
    table = simple_table("marker", "arm", "analysis", "estimate (limits)", "p", "animals")
    results = [one.result for one in result.contrasts]
    for one in result.contrasts:
        found = one.result
        if not _has_numbers(found):
            continue
        table.add_row(
            plain(found.marker + ("*" if found.status == "flagged" else "")),
            plain(one.arm),
            plain(f"{found.analysis}; {found.measure}"),
            plain(_limits(found)),
            _p(found.p_value),
            "" if found.n_animals is None else str(found.n_animals),
        )
    if table.row_count:
        console.print(table)
    _show_reasons(console, [one for one in results if one.status == "flagged"], "* ")
    _show_reasons(console, [one for one in results if not _has_numbers(one)], "without numbers: ")
    for remark in dict.fromkeys(one.remark for one in results if one.remark):
        console.print(plain(remark), style="dim")
    said = {one.reason for one in results}
    for note in result.notes:
        if note not in said:
            console.print(plain(note), style="dim")


def _show_studies(console: Console, result: MarkerEngagement) -> None:
    console.print(
        f"{result.treated} against {result.control}{' (simulated)' if result.simulated else ''}",
        markup=False,
    )
    table = simple_table("marker", "analysis", "estimate (limits)", "p", "animals")
    for one in result.associations:
        table.add_row(
            plain(one.marker),
            plain(f"{one.analysis}; {one.measure}"),
            plain(_limits(one)),
            _p(one.p_value),
            "" if one.n_animals is None else str(one.n_animals),
        )
    console.print(table)
    for found in result.results:
        console.print(plain(found.sentence()))
        for remark in found.remarks:
            console.print(plain(remark.message), style="yellow")


def _show_prediction(console: Console, found: Prediction) -> None:
    """How well lines that were not seen are predicted."""
    words = (
        f"{found.model.replace('_', ' ')}: out-of-fold R² {found.r2:.2f}, RMSE {found.rmse:.3g}"
    )
    if found.spearman is not None:
        words += f", Spearman {found.spearman:.2f}"
    if found.p_value is not None:
        words += f", p {p_text(found.p_value)} by permutation"
    console.print(plain(words))
    if found.r2 <= 0:
        console.print("the markers tell nothing about lines that were not seen", style="yellow")
    for remark in found.remarks:
        console.print(plain(remark.message), style="dim")


def _limits(one: Association) -> str:
    if one.estimate is None:
        return ""
    words = _number(one.estimate)
    if one.lower is not None and one.upper is not None:
        words += f" ({_number(one.lower)} to {_number(one.upper)})"
    return words


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _p(value: float | None) -> str:
    return "" if value is None else p_text(value)

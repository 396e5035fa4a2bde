"""The results of a study that claims of the guide query, as rows to which numbers lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oncovivo.analyses import Bundle, StudyResult
from oncovivo.analyses.study_names import study_source
from oncovivo.analyses.study_rows import StudyRow, study_rows
from oncovivo.documents import (
    Link,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    text,
)
from oncovivo.endpoints.wording import number_text
from oncovivo.growth.wording import p_text
from oncovivo.guide.study_label import StudyLabel
from oncovivo.guide.wording import plain_word

__all__ = ["combination_places", "study_links", "study_references", "study_row_section"]

_NONE: Final = "—"


def study_links(studies: Sequence[StudyResult]) -> dict[str, Link]:
    """From what a claim writes in ``from`` to the section of the study."""
    return {
        study_source(study.id): Link(content=f"study {study.id}", target=f"study-{study.id}")
        for study in studies
    }


def study_references(bundle: Bundle) -> dict[str, str]:
    """From what a claim writes in ``from`` to the reference that the study was taken from."""
    return {
        study_source(study.id): study.source
        for study in bundle.studies
        if study.source in bundle.library
    }


def combination_places(bundle: Bundle) -> dict[str, Link]:
    """By claim, the section of the one combination that all rows of its query are results of."""
    sections = {
        row.row_id: row.combination
        for study in _queried(bundle)
        for row in study_rows(study)
        if row.combination is not None
    }
    places = {}
    for result in bundle.claims:
        found = {sections.get(row) for row in result.rows}
        origin = result.claim.origin
        if origin is None or origin.kind.word != "study" or len(found) != 1 or None in found:
            continue
        (number,) = found
        places[result.claim.id] = Link(
            content=f"study {origin.name}", target=f"combination-{origin.name}-{number}"
        )
    return places


def study_row_section(bundle: Bundle) -> Section | None:
    """Every row of the studies that claims query; None where no claim queries any."""
    studies = _queried(bundle)
    if not studies:
        return None
    words = (
        "Every result of the studies that sentences of this guide are tested against. A result "
        "stands here once, with its limits and p value; the sections of the studies say how it "
        "was computed."
    )
    return Section(
        anchor="study-rows",
        title="The results of studies that sentences rest on",
        blocks=(Paragraph(content=text(words)), *(_table(study) for study in studies)),
    )


def _queried(bundle: Bundle) -> tuple[StudyResult, ...]:
    """The studies that a claim queries."""
    asked = {result.claim.source for result in bundle.claims}
    return tuple(study for study in bundle.studies if study_source(study.id) in asked)


def _table(study: StudyResult) -> Table:
    rows = study_rows(study)
    label = StudyLabel(id=study.id, title=study.title, simulated=study.simulated)
    levels = " or ".join(f"{level:.0%}" for level in dict.fromkeys(row.level for row in rows))
    return Table(
        anchor=f"table-study-rows-{study.id}",
        caption=label.caption(
            f"Results of {study.title} that a claim may query, each alone with {levels} limits. "
            f"Row 1 is {study.id}:1 to a claim, and so on."
        ),
        columns=(
            TableColumn(heading="Row", width=0.6),
            TableColumn(heading="Result", width=2.4),
            TableColumn(heading="Arm", width=1.8),
            TableColumn(heading="Against", width=1.8),
            TableColumn(heading="Day", width=0.6, align="right"),
            TableColumn(heading="n", width=0.5, align="right"),
            TableColumn(heading="Estimate (limits)", width=2.6, align="right"),
            TableColumn(heading="Ratio or index (limits)", width=2.4, align="right"),
            TableColumn(heading="p (adjusted)", width=1.2, align="right"),
            TableColumn(heading="Says", width=1.1),
        ),
        rows=tuple(_row(row, number) for number, row in enumerate(rows, start=1)),
        note=text(
            "n: animals of all arms behind the result. Estimate: arm less control, of rates per "
            "day and of times in days; percent inhibited; log of observed over foreseen. Limits "
            "and p of the highest single agent are one-sided. Adjusted: for all arms together. "
            "∞: an open limit. A dash: it does not exist or could not be estimated."
        ),
    )


def _row(row: StudyRow, number: int) -> TableRow:
    said = row.verdict or row.direction
    column = "direction" if row.verdict is None else "verdict"
    adjusted = "" if row.p_adjusted is None else f" ({p_text(row.p_adjusted)})"
    ratio = (
        (row.ratio, row.ratio_lower, row.ratio_upper)
        if row.null_model is None
        else (row.index, row.index_lower, row.index_upper)
    )
    cells = (
        str(number),
        _result_words(row),
        row.arm,
        ", ".join(row.versus),
        _NONE if row.day is None else f"{row.day:g}",
        str(row.n),
        _estimate(row.estimate, row.lower, row.upper),
        _estimate(*ratio, lowest="−∞" if row.analysis == "growth_rate" else "0"),
        f"{p_text(row.p_value)}{adjusted}",
        _NONE if said is None else plain_word(column, said),
    )
    return TableRow(anchor=f"row-{row.row_id}", cells=tuple(text(cell) for cell in cells))


def _result_words(row: StudyRow) -> str:
    """Null model or analysis, and the scale where it says more."""
    scale = plain_word("scale", row.scale)
    if row.null_model is not None:
        return f"{plain_word('null_model', row.null_model)}, {scale}"
    return scale


def _estimate(
    estimate: float | None, lower: float | None, upper: float | None, *, lowest: str = "−∞"
) -> str:
    """A number with its limits, as far as there are any; `lowest` is an open lower limit."""
    if estimate is None and lower is None and upper is None:
        return _NONE
    shown = _NONE if estimate is None else number_text(estimate)
    if lower is None and upper is None:
        return shown
    low = lowest if lower is None else number_text(lower)
    high = "∞" if upper is None else number_text(upper)
    return f"{shown} ({low} to {high})"

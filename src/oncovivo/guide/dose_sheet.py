"""The dose sheet of a day as a page to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from oncovivo.analyses.design_doses import DosesResult
from oncovivo.design.dose_volumes import Formulation, FormulationTotal, SheetRow
from oncovivo.documents import (
    Badge,
    Block,
    Document,
    Inline,
    Note,
    Paragraph,
    Section,
    Table,
    Text,
    text,
)
from oncovivo.guide.sheets import BOX, Heading, sheet_table

__all__ = ["dose_document"]

_LINES: tuple[Heading, ...] = (
    ("animal", 1.1, "left"),
    ("cage", 0.9, "left"),
    ("weight (g)", 0.9, "right"),
    ("of day", 0.7, "right"),
    ("draw (mL)", 0.9, "right"),
    ("comes to (mg/kg)", 1.0, "right"),
    ("given, at", 2.4, "left"),
    ("initials", 1.1, "left"),
)
_TOTALS: tuple[Heading, ...] = (
    ("formulation", 2.2, "left"),
    ("animals", 0.9, "right"),
    ("today (mL)", 0.9, "right"),
    ("doses left", 0.8, "right"),
    ("in all (mL)", 0.9, "right"),
    ("in all (mg)", 0.9, "right"),
    ("stock + diluent (mL)", 1.4, "right"),
    ("lots", 0.6, "right"),
)


def dose_document(result: DosesResult, *, printed: date) -> Document:
    """The dose sheet as a document, with room for who gave it and when.

    Parameters
    ----------
    result : DosesResult
        The sheet.
    printed : date
        Date that the page shows.
    """
    sheet = result.sheet
    blocks: list[Block] = [
        Paragraph(
            content=text(
                f"Draw what is written, tick, and sign. Weights may be {sheet.max_weight_age:g} "
                "days old. A line without a volume says why: nothing is given by it."
            )
        )
    ]
    if sheet.n_refused:
        words = f"{sheet.n_refused} of {len(sheet.rows)} lines have no volume."
        blocks.append(Note(kind="warning", content=text(words)))
    blocks += [Note(kind="info", content=text(note)) for note in sheet.notes]
    due = [one for one in result.plan.formulations if one.doses_on(sheet.day)]
    blocks += [
        _lines(number, formulation, rows, sheet.day)
        for number, (formulation, rows) in enumerate(
            zip(due, _groups(sheet.rows), strict=True), start=1
        )
    ]
    sections = [Section(anchor="sheet", title="What each animal gets", blocks=tuple(blocks))]
    if sheet.totals:
        sections.append(
            Section(
                anchor="made",
                title="What has to be made",
                blocks=(_totals(due, sheet.totals), *_batches(due)),
            )
        )
    return Document(
        title=result.plan.title,
        subtitle=f"Doses of study day {sheet.day:g}",
        date=printed.isoformat(),
        sections=tuple(sections),
    )


def _groups(rows: Sequence[SheetRow]) -> Iterator[list[SheetRow]]:
    """The lines of each formulation: they follow each other, every animal once."""
    group: list[SheetRow] = []
    for row in rows:
        if group and (
            _treatment(row) != _treatment(group[0])
            or row.animal_id in {line.animal_id for line in group}
        ):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _treatment(row: SheetRow) -> tuple[str, str, str, float]:
    """What tells the lines of two formulations apart."""
    return row.arm, row.compound, row.route, row.dose_mg_per_kg


def _lines(number: int, formulation: Formulation, rows: Sequence[SheetRow], day: float) -> Table:
    """The lines of a formulation, with empty cells to write into."""
    caged = any(row.cage for row in rows)
    return sheet_table(
        f"doses-{number}",
        f"{formulation.arm}: {_name(formulation)}",
        [heading for heading in _LINES if caged or heading[0] != "cage"],
        [
            (
                row.animal_id,
                *([row.cage or ""] if caged else []),
                "" if row.weight_g is None else f"{row.weight_g:.1f}",
                "" if row.weight_day is None else f"{row.weight_day:g}",
                _volume(row, formulation.step_ml),
                "" if row.given_mg_per_kg is None else f"{row.given_mg_per_kg:#.3g}",
                " ".join([BOX] * formulation.doses_on(day))
                if row.status == "ok"
                else f"do not dose: {row.reason}",
                "",
            )
            for row in rows
        ],
        note=(
            f"{formulation.concentration_mg_per_ml:g} mg/mL. Syringe in steps of "
            f"{formulation.step_ml:g} mL, rounded "
            + ("down" if formulation.rounding == "down" else "to the nearest")
            + f". At most {formulation.ceiling()[0]:g} mL/kg {formulation.route.value}: "
            f"{formulation.ceiling()[1]}."
        ),
        use="writing",
    )


def _name(formulation: Formulation) -> str:
    """Compound, dose and route."""
    course = formulation.treatment.courses[0]
    dose = f"{formulation.dose_mg_per_kg():.4g} mg/kg"
    if course.dose is not None and course.dose.unit != "mg/kg":
        dose += f" ({course.dose})"
    return f"{formulation.treatment.compound or ''} {dose} {formulation.route.value}".strip()


def _volume(row: SheetRow, step: float) -> tuple[Inline, ...]:
    """The volume with as many decimals as the syringe shows; none is said in a word."""
    if row.volume_ml is None:
        return (Badge(content="none", kind="error"),)
    decimals = max(len(f"{step:.10f}".rstrip("0").partition(".")[2]), 0)
    return (Text(content=f"{row.volume_ml:.{decimals}f}", style="strong"),)


def _totals(due: Sequence[Formulation], totals: Sequence[FormulationTotal]) -> Table:
    """What has to be made."""
    overage = sorted({total.overage_pct for total in totals})
    percents = ", ".join(f"{value:g}" for value in overage)
    return sheet_table(
        "totals",
        "Volumes and amounts at today's weights, overage included",
        _TOTALS,
        [
            (
                f"{total.arm}: {_name(formulation)}",
                str(total.n_animals),
                f"{total.today_ml:.2f}",
                str(total.doses_left),
                f"{total.course_ml:.2f}",
                f"{total.course_mg:.1f}",
                ""
                if total.stock_ml is None or total.diluent_ml is None
                else f"{total.stock_ml:.2f} + {total.diluent_ml:.2f}",
                "" if total.lots is None else str(total.lots),
            )
            for formulation, total in zip(due, totals, strict=True)
        ],
        note=f"Overage {percents} %. An animal to be weighed again counts with the largest "
        "volume of the others.",
    )


def _batches(due: Sequence[Formulation]) -> tuple[Table]:
    """Where the numbers of what was used are written."""
    return (
        sheet_table(
            "batches",
            "What was used",
            (
                ("formulation", 2.2, "left"),
                ("lot or batch", 1.6, "left"),
                ("made on", 1.2, "left"),
                ("use by", 1.2, "left"),
                ("prepared by", 1.4, "left"),
            ),
            [(f"{one.arm}: {_name(one)}", "", "", "", "") for one in due],
            use="writing",
        ),
    )

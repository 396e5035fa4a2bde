"""The dose sheet of a day, from a file of formulations and a table of weights.

::

    title = "Temsirolimus in 786-O: doses"
    species = "mouse"
    day = 14
    max_weight_age = 3

    [[dose]]
    arm = "temsirolimus"
    regimen = "temsirolimus 20 mg/kg i.v. qw x3"
    concentration_mg_per_ml = 5.0
    stock_mg_per_ml = 10.0
    lot_mg = 25.0
    step_ml = 0.01
    rounding = "nearest"
    overage_pct = 20

The table of weights has the columns ``animal_id``, ``arm``, ``day`` and ``body_weight_g``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.design.dose_conversion import EquivalentDose, equivalent_dose, km_factor
from oncovivo.design.dose_volumes import (
    AnimalWeight,
    DoseSheet,
    Formulation,
    Rounding,
    dose_sheet,
)
from oncovivo.documents import (
    Block,
    Document,
    Note,
    Paragraph,
    Section,
    TableColumn,
    TableRow,
    render_html,
    render_pdf,
    text,
)
from oncovivo.documents import Table as DocumentTable
from oncovivo.errors import FileFormatError, InputError
from oncovivo.provenance import InputFile
from oncovivo.studies import parse_regimen
from oncovivo.studies.delimited import read_delimited
from oncovivo.texts import parse_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = [
    "DosePlan",
    "DosesResult",
    "check_sheet_name",
    "plan_doses_file",
    "read_dose_plan",
    "read_weights",
    "sheet_document",
    "write_sheet",
]

SCHEMA: Final = "oncovivo.design_doses/1"
_WEIGHT_COLUMNS: Final = ("animal_id", "arm", "day", "body_weight_g")
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_STRICT: Final = ConfigDict(extra="forbid", strict=True)


class _DoseEntry(BaseModel):
    """A formulation as the file has it."""

    model_config = _STRICT

    arm: _Name
    regimen: _Name
    concentration_mg_per_ml: float
    step_ml: float = 0.01
    rounding: Rounding = "nearest"
    ceiling_ml_per_kg: float | None = None
    ceiling_source: _Name | None = None
    stock_mg_per_ml: float | None = None
    lot_mg: float | None = None
    overage_pct: float = 10.0


class _DoseFile(BaseModel):
    """A file of formulations."""

    model_config = _STRICT

    title: str = "Dose sheet"
    species: _Name
    day: float
    max_weight_age: float
    dose: Annotated[list[_DoseEntry], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlan:
    """What a file of formulations says.

    Parameters
    ----------
    title : str
        Heading of the sheet.
    species : str
        For ceilings and equivalent doses.
    day : float
        Study day of the sheet.
    max_weight_age : float
        Days that a weight may be old.
    formulations : tuple of Formulation
        In the order of the file.
    """

    title: str
    species: str
    day: float
    max_weight_age: float
    formulations: tuple[Formulation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DosesResult:
    """The sheet, and what it was made from.

    Parameters
    ----------
    source, weights : InputFile
        The two files.
    plan : DosePlan
        What was declared.
    sheet : DoseSheet
        Lines and totals.
    equivalents : tuple of EquivalentDose
        Of each dose, in humans.
    """

    source: InputFile
    weights: InputFile
    plan: DosePlan
    sheet: DoseSheet
    equivalents: tuple[EquivalentDose, ...]

    def to_frame(self) -> pd.DataFrame:
        """The lines of the sheet."""
        import pandas as pd

        return pd.DataFrame([row.to_dict() for row in self.sheet.rows])

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design doses``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={
                "weights": {"name": self.weights.name, "sha256": self.weights.sha256},
                "species": self.plan.species,
                "day": self.sheet.day,
                "max_weight_age": self.sheet.max_weight_age,
            },
            content={
                "title": self.plan.title,
                "sheet": [row.to_dict() for row in self.sheet.rows],
                "totals": [total.to_dict() for total in self.sheet.totals],
                "equivalents": [found.to_dict() for found in self.equivalents],
                "notes": list(self.sheet.notes),
            },
        )


def read_dose_plan(path: Path) -> DosePlan:
    """The formulations that a file declares.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or has an entry that it should not.
    InputError
        If a number is outside its domain, or a regimen cannot be read.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError("a UTF-8 text file", where=path.name) from error
    try:
        file = _DoseFile.model_validate(parse_toml(content, where=path.name))
    except ValidationError as error:
        what = "a file of doses"
        raise FileFormatError.from_validation(error, what=what, where=path.name) from error
    km_factor(file.species)
    return DosePlan(
        title=file.title,
        species=file.species,
        day=file.day,
        max_weight_age=file.max_weight_age,
        formulations=tuple(_formulation(entry, file.species) for entry in file.dose),
    )


def _formulation(entry: _DoseEntry, species: str) -> Formulation:
    """A formulation with its regimen read."""
    treatments = parse_regimen(entry.regimen).treatments
    if len(treatments) > 1:
        raise InputError(
            "a regimen of one compound",
            found=entry.regimen,
            where=f"doses of arm '{entry.arm}'",
            mend="give each compound an entry with its concentration",
        )
    return Formulation(
        arm=entry.arm,
        treatment=treatments[0],
        species=species,
        **entry.model_dump(exclude={"arm", "regimen"}),
    )


def read_weights(path: Path) -> tuple[AnimalWeight, ...]:
    """Weighings of a table with the columns ``animal_id arm day body_weight_g``.

    A blank weight is an animal that was not weighed on the day.

    Raises
    ------
    FileFormatError
        If the table cannot be read, lacks a column, or a cell is not what it should be.
    """
    table = read_delimited(path, decimal_columns=("day", "body_weight_g"))
    missing = [name for name in _WEIGHT_COLUMNS if name not in table.texts]
    if missing:
        raise FileFormatError(
            "the columns " + ", ".join(_WEIGHT_COLUMNS),
            found=", ".join(table.texts),
            where=table.place,
            mend=f"add {missing[0]}",
        )
    days = table.numbers("day", required=True).values
    weights = table.numbers("body_weight_g").values
    for index, weight in enumerate(weights.tolist()):
        if weight <= 0:
            expected = "a positive weight in g"
            raise table.error(index, "body_weight_g", expected)
    return tuple(
        AnimalWeight(animal_id=name, arm=arm, day=day, weight_g=weight)
        for name, arm, day, weight in zip(
            table.words("animal_id"),
            table.words("arm"),
            days.tolist(),
            weights.tolist(),
            strict=True,
        )
        if weight == weight
    )


def plan_doses_file(path: Path, weights: Path, *, day: float | None = None) -> DosesResult:
    """The dose sheet of a file of formulations and a table of weights.

    Parameters
    ----------
    path, weights : Path
        The two files.
    day : float, optional
        Study day; else as the file of formulations has it.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    InputError
        If a number is outside its domain, or the files do not fit each other.
    """
    plan = read_dose_plan(path)
    sheet = dose_sheet(
        plan.formulations,
        read_weights(weights),
        day=plan.day if day is None else day,
        max_weight_age=plan.max_weight_age,
    )
    doses = dict.fromkeys(formulation.dose_mg_per_kg() for formulation in plan.formulations)
    return DosesResult(
        source=input_digest(path),
        weights=input_digest(weights),
        plan=plan,
        sheet=sheet,
        equivalents=tuple(equivalent_dose(dose, plan.species) for dose in doses),
    )


def check_sheet_name(path: Path) -> None:
    """Refuse a name that no sheet is written to.

    Raises
    ------
    InputError
        If the name ends in neither ``.html`` nor ``.pdf``.
    """
    if path.suffix.lower() not in (".html", ".pdf"):
        expected = "a file ending in .html or .pdf"
        raise InputError(expected, found=path.name, where="--sheet", mend="rename it")


def write_sheet(result: DosesResult, path: Path, *, printed: date) -> None:
    """Write the dose sheet as a page to print, ``.html`` or ``.pdf``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    MissingExtraError
        If Jinja2 or typst is not installed.
    OSError
        If the file cannot be written.
    """
    check_sheet_name(path)
    document = sheet_document(result, printed=printed)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".pdf":
        midnight = datetime(printed.year, printed.month, printed.day, tzinfo=UTC)
        path.write_bytes(render_pdf(document, timestamp=int(midnight.timestamp())))
    else:
        path.write_text(render_html(document), encoding="utf-8", newline="\n")


def sheet_document(result: DosesResult, *, printed: date) -> Document:
    """The dose sheet as a document to print, with room for who gave it and when.

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
                f"Weights may be {sheet.max_weight_age:g} days old. A line without a volume says "
                "why: nothing is given by it."
            )
        )
    ]
    if sheet.n_refused:
        words = f"{sheet.n_refused} of {len(sheet.rows)} lines have no volume."
        blocks.append(Note(kind="warning", content=text(words)))
    blocks += [Note(kind="info", content=text(note)) for note in sheet.notes]
    blocks.append(_sheet_table(result))
    sources = dict.fromkeys(total.ceiling_source for total in sheet.totals)
    made: list[Block] = [
        _totals_table(result),
        Paragraph(content=text("Largest volumes: " + "; ".join(sources) + ".")),
    ]
    return Document(
        title=result.plan.title,
        subtitle=f"Doses of study day {sheet.day:g}",
        date=printed.isoformat(),
        sections=(
            Section(anchor="sheet", title="What each animal gets", blocks=tuple(blocks)),
            Section(anchor="made", title="What has to be made", blocks=tuple(made)),
        ),
    )


def _sheet_table(result: DosesResult) -> DocumentTable:
    """The lines, with empty cells to write into."""
    heads = (
        ("animal", 1.0),
        ("arm", 1.6),
        ("compound, route", 1.8),
        ("weight (g)", 0.9),
        ("of day", 0.7),
        ("volume (mL)", 0.9),
        ("remark", 2.0),
        ("given by, at", 1.4),
    )
    return _document_table(
        "doses",
        "Volumes by animal",
        heads,
        [
            (
                row.animal_id,
                row.arm,
                f"{row.compound} {row.route}".strip(),
                "" if row.weight_g is None else f"{row.weight_g:.1f}",
                "" if row.weight_day is None else f"{row.weight_day:g}",
                "none" if row.volume_ml is None else f"{row.volume_ml:g}",
                row.reason,
                "",
            )
            for row in result.sheet.rows
        ],
    )


def _totals_table(result: DosesResult) -> DocumentTable:
    """What has to be made."""
    heads = (
        ("arm", 1.6),
        ("compound", 1.2),
        ("animals", 0.8),
        ("today (mL)", 0.9),
        ("doses left", 0.8),
        ("in all (mL)", 0.9),
        ("in all (mg)", 0.9),
        ("lots", 0.6),
    )
    return _document_table(
        "totals",
        "Volumes and amounts, overage included",
        heads,
        [
            (
                total.arm,
                total.compound,
                str(total.n_animals),
                f"{total.today_ml:.2f}",
                str(total.doses_left),
                f"{total.course_ml:.2f}",
                f"{total.course_mg:.1f}",
                "" if total.lots is None else str(total.lots),
            )
            for total in result.sheet.totals
        ],
    )


def _document_table(
    anchor: str,
    caption: str,
    heads: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[str]],
) -> DocumentTable:
    """A table of plain cells."""
    return DocumentTable(
        anchor=anchor,
        caption=text(caption),
        columns=tuple(TableColumn(heading=head, width=width) for head, width in heads),
        rows=tuple(TableRow(cells=tuple(text(cell) for cell in row)) for row in rows),
    )

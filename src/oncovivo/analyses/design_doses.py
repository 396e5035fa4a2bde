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

The table of weights has the columns ``animal_id``, ``arm``, ``day`` and ``body_weight_g``; a
column ``cage`` is printed beside the animal.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from oncovivo.errors import FileFormatError, InputError
from oncovivo.provenance import InputFile
from oncovivo.studies import parse_regimen
from oncovivo.studies.delimited import read_delimited
from oncovivo.texts import parse_toml

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DosePlan", "DosesResult", "plan_doses_file", "read_dose_plan", "read_weights"]

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
    """Weighings of a table with the columns ``animal_id arm day body_weight_g``, and ``cage``.

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
    cages = [cell.strip() or None for cell in table.texts.get("cage", [""] * len(days))]
    return tuple(
        AnimalWeight(animal_id=name, arm=arm, day=day, weight_g=weight, cage=cage)
        for name, arm, day, weight, cage in zip(
            table.words("animal_id"),
            table.words("arm"),
            days.tolist(),
            weights.tolist(),
            cages,
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

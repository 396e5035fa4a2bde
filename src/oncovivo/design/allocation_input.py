"""Files of an allocation: the list of animals, and the design as TOML.

::

    title = "Temsirolimus in 786-O: four arms"
    method = "restricted"            # complete | permuted_blocks | restricted | cage
    control = "vehicle"
    control_ratio = "sqrt"           # or a size, a ratio or a number of cages in each arm
    strata = ["sex"]                 # sex | donor | cage
    seed = 7                         # else from the digest of both files

    [eligibility]
    volume_mm3 = [100, 200]
    body_weight_g = [18, 30]
    surplus = "random"               # or farthest

    [restriction]
    quantile = 0.1
    candidates = 10000

    [order]
    sessions = 3

    [[arms]]
    name = "vehicle"

    [[arms]]
    name = "temsirolimus 20 mg/kg"

    [[exclude]]
    animal_id = "M07"
    reason = "ulcerated"
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oncovivo.design.allocation_plan import (
    AllocationDesign,
    ArmPlan,
    BaselineAnimal,
    Covariate,
    Method,
    Stratum,
    Surplus,
)
from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies.columns import name_header, shown_headers
from oncovivo.studies.delimited import read_text_sheet, sheet_columns, trimmed_header
from oncovivo.studies.sheet import MISSING, LongTable, Sheet
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook
from oncovivo.texts import check_characters, parse_toml
from oncovivo.units import convert

__all__ = [
    "ANIMAL_COLUMNS",
    "AllocationFile",
    "AnimalList",
    "design_to_dict",
    "read_allocation_design",
    "read_animals",
    "read_design_content",
]

ANIMAL_COLUMNS: Final = ("animal_id", "volume_mm3", "body_weight_g", "cage", "sex", "donor")
"""Columns of a list of animals that are read."""

_CANONICAL_UNITS: Final = {"volume_mm3": "mm³", "body_weight_g": "g"}
_OTHER_NAMES: Final = {
    "sex": "sex",
    "gender": "sex",
    "m/f": "sex",
    "geschlecht": "sex",
    "donor": "donor",
    "donor id": "donor",
    "tumor donor": "donor",
    "donor tumor": "donor",
    "donor mouse": "donor",
    "spender": "donor",
}
# Words before or behind a name that say what the whole list is about.
_AT_BASELINE: Final = re.compile(
    r"\b(?:at\s+)?(?:baseline|initial|start|starting|randomi[sz]ation|day\s*0|d0)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalList:
    """Animals of a file, and which column was read as what.

    Parameters
    ----------
    animals : tuple of BaselineAnimal
        In the order of the file.
    columns : mapping of str to str
        Header in the file by canonical name.
    """

    animals: tuple[BaselineAnimal, ...]
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationFile:
    """A design and the seed that the file gives, if it does."""

    design: AllocationDesign
    seed: int | None


def read_animals(path: Path, *, mapping: Mapping[str, str] | None = None) -> AnimalList:
    """Animals before the study: one row each.

    Parameters
    ----------
    path : Path
        Delimited UTF-8 text, or a workbook whose first worksheet is the list.
    mapping : mapping of str to str, optional
        Their column by canonical name; comes before every guess.

    Raises
    ------
    FileFormatError
        If the file is no such list; names row and column.
    InputError
        If the mapping names a column that does not exist.
    """
    if path.suffix.casefold() in WORKBOOK_SUFFIXES:
        sheet = read_workbook(path)[0]
    else:
        sheet = read_text_sheet(path)
    if not sheet.rows:
        raise FileFormatError("a header and rows", found="none", where=sheet.place)
    headers = trimmed_header(sheet.rows[0])
    columns = _find_columns(headers, mapping or {}, sheet)
    table = _table(sheet, columns)
    ids = [
        "" if text in MISSING else text for text in table.texts[columns["animal_id"].casefold()]
    ]
    seen: set[str] = set()
    for index, name in enumerate(ids):
        if not name:
            raise table.error(index, columns["animal_id"].casefold(), "the name of an animal")
        if name in seen:
            raise table.error(
                index,
                columns["animal_id"].casefold(),
                "one row for each animal",
                mend="keep the row of the baseline",
            )
        seen.add(name)
    volumes = _numbers(table, columns, "volume_mm3")
    weights = _numbers(table, columns, "body_weight_g")
    cages, sexes, donors = (_texts(table, columns, name) for name in ("cage", "sex", "donor"))
    return AnimalList(
        animals=tuple(
            BaselineAnimal(
                animal_id=name,
                volume_mm3=volume,
                body_weight_g=weight,
                cage=cage,
                sex=sex,
                donor=donor,
            )
            for name, volume, weight, cage, sex, donor in zip(
                ids, volumes, weights, cages, sexes, donors, strict=True
            )
        ),
        columns=columns,
    )


def _find_columns(
    headers: Sequence[str], mapping: Mapping[str, str], sheet: Sheet
) -> dict[str, str]:
    """Header of each canonical name."""
    found: dict[str, str] = {}
    folded = {" ".join(header.casefold().split()): header for header in headers}
    for ours, theirs in mapping.items():
        name = ours.strip().casefold()
        if name not in ANIMAL_COLUMNS:
            expected = "a column of a list of animals: " + ", ".join(ANIMAL_COLUMNS)
            raise InputError(expected, found=repr(ours), where="--map")
        header = folded.get(" ".join(theirs.casefold().split()))
        if header is None:
            expected = f"a column '{theirs}', mapped to {name}"
            raise FileFormatError(expected, found=shown_headers(headers), where=sheet.place)
        found[name] = header
    candidates: dict[str, list[tuple[bool, int, str]]] = {}
    for header in headers:
        known = _canonical(header)
        if known is not None and known[0] not in found and header not in found.values():
            candidates.setdefault(known[0], []).append((not known[1], known[2], header))
    for name, those in candidates.items():
        those.sort(key=lambda candidate: candidate[:2])
        likeliest = [candidate for candidate in those if candidate[0] == those[0][0]]
        if len(likeliest) > 1 and (likeliest[0][0] is False or name in _CANONICAL_UNITS):
            raise FileFormatError(
                f"one column that can be {name}",
                found=f"'{likeliest[0][2]}' and '{likeliest[1][2]}'",
                where=sheet.place,
                mend=f"say which: --map {name}=NAME",
            )
        found[name] = those[0][2]
    if "animal_id" not in found:
        raise FileFormatError(
            "a column that names the animals",
            found=shown_headers(headers),
            where=sheet.place,
            mend="say which: --map animal_id=NAME",
        )
    return found


def _canonical(header: str) -> tuple[str, bool, int] | None:
    """Canonical name of a header, whether it is that name itself, and how unlikely it is."""
    plain = " ".join(header.casefold().replace("_", " ").replace("tumour", "tumor").split())
    if plain in _OTHER_NAMES:
        return _OTHER_NAMES[plain], plain in ("sex", "donor"), 0
    said = name_header(header) or name_header(_without_moment(header))
    if said is None or said.canonical not in ANIMAL_COLUMNS:
        return None
    return said.canonical, said.exact, said.rank


def _without_moment(header: str) -> str:
    """A header without the words for baseline."""
    return " ".join(_AT_BASELINE.sub(" ", header.replace("_", " ")).split())


def _table(sheet: Sheet, columns: Mapping[str, str]) -> LongTable:
    """Cells by header in lower case."""
    numeric = [columns[name].casefold() for name in _CANONICAL_UNITS if name in columns]
    return sheet_columns(sheet, decimal_columns=numeric)


def _numbers(table: LongTable, columns: Mapping[str, str], name: str) -> list[float | None]:
    """Numbers of a column in its canonical unit; None where missing."""
    if name not in columns:
        return [None] * table.n
    header = columns[name]
    found = table.numbers(header.casefold())
    said = name_header(header) or name_header(_without_moment(header))
    unit = said.unit if said is not None and said.canonical == name else None
    values = found.values
    if unit is not None and unit != _CANONICAL_UNITS[name]:
        values = np.asarray(convert(values, unit, _CANONICAL_UNITS[name]))
    return [None if value != value else float(value) for value in values.tolist()]


def _texts(table: LongTable, columns: Mapping[str, str], name: str) -> list[str | None]:
    """Texts of a column; None where missing."""
    if name not in columns:
        return [None] * table.n
    return [None if text in MISSING else text for text in table.texts[columns[name].casefold()]]


class _Strict(BaseModel):
    """Unknown keys are errors and values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Arm(_Strict):
    """A table ``[[arms]]``."""

    name: str
    size: int | None = None
    cages: int | None = None
    ratio: float | None = None


class _Excluded(_Strict):
    """A table ``[[exclude]]``."""

    animal_id: str
    reason: str


class _Eligibility(_Strict):
    """The table ``[eligibility]``; ``"any"`` lifts a window."""

    volume_mm3: list[float] | Literal["any"] = Field(default_factory=lambda: [100.0, 200.0])
    body_weight_g: list[float] | Literal["any"] = "any"
    surplus: Surplus = "random"


class _Restriction(_Strict):
    """The table ``[restriction]``."""

    quantile: float = 0.1
    candidates: int = 10_000
    covariates: list[Covariate] | None = None
    variance_weight: float = 0.5


class _Order(_Strict):
    """The table ``[order]``."""

    sessions: int = 1
    cages_together: bool = False


class _AllocationContent(_Strict):
    """Content of ``allocation.toml``."""

    title: str = ""
    method: Method
    control: str | None = None
    control_ratio: Literal["sqrt"] | None = None
    strata: list[Stratum] = Field(default_factory=list)
    block_size: int | None = None
    seed: int | None = Field(default=None, ge=0)
    eligibility: _Eligibility = Field(default_factory=_Eligibility)
    restriction: _Restriction = Field(default_factory=_Restriction)
    order: _Order = Field(default_factory=_Order)
    arms: list[_Arm]
    exclude: list[_Excluded] = Field(default_factory=list)


def read_allocation_design(path: Path) -> AllocationFile:
    """The design of an allocation.

    Parameters
    ----------
    path : Path
        TOML, as this module describes it.

    Raises
    ------
    FileFormatError
        If the file is missing, is no TOML, or has a key, type or word that it may not have.
    InputError
        If what it says contradicts itself.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        expected = "a file with the design of an allocation"
        raise FileFormatError(expected, found=error.strerror or "", where=path.name) from error
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at byte {error.start}"
        raise FileFormatError("UTF-8 text", found=found, where=path.name) from error
    check_characters(text, where=path.name)
    return read_design_content(parse_toml(text, where=path.name), where=path.name)


def read_design_content(content: object, *, where: str) -> AllocationFile:
    """The design that parsed TOML or JSON holds.

    Parameters
    ----------
    content : object
        As the file has it.
    where : str
        The file.

    Raises
    ------
    FileFormatError
        If it has a key, type or word that it may not have.
    InputError
        If what it says contradicts itself.
    """
    try:
        read = _AllocationContent.model_validate(content)
    except ValidationError as error:
        what = "the design of an allocation"
        raise FileFormatError.from_validation(error, what=what, where=where) from error
    covariates = read.restriction.covariates
    design = AllocationDesign(
        arms=tuple(
            ArmPlan(name=arm.name, size=arm.size, cages=arm.cages, ratio=arm.ratio)
            for arm in read.arms
        ),
        method=read.method,
        title=read.title,
        control=read.control,
        sqrt_control=read.control_ratio == "sqrt",
        strata=tuple(read.strata),
        volume_window=_window(read.eligibility.volume_mm3, "volume_mm3"),
        weight_window=_window(read.eligibility.body_weight_g, "body_weight_g"),
        excluded=tuple((animal.animal_id, animal.reason) for animal in read.exclude),
        surplus=read.eligibility.surplus,
        block_size=read.block_size,
        covariates=None if covariates is None else tuple(covariates),
        quantile=read.restriction.quantile,
        candidates=read.restriction.candidates,
        variance_weight=read.restriction.variance_weight,
        sessions=read.order.sessions,
        cages_together=read.order.cages_together,
    )
    return AllocationFile(design=design, seed=read.seed)


def design_to_dict(design: AllocationDesign) -> dict[str, object]:
    """A design as :func:`read_design_content` reads it.

    Parameters
    ----------
    design : AllocationDesign
        What was decided.
    """
    content: dict[str, object] = {"title": design.title, "method": design.method}
    if design.control is not None:
        content["control"] = design.control
    if design.sqrt_control:
        content["control_ratio"] = "sqrt"
    if design.block_size is not None:
        content["block_size"] = design.block_size
    restriction: dict[str, object] = {
        "quantile": design.quantile,
        "candidates": design.candidates,
        "variance_weight": design.variance_weight,
    }
    if design.covariates is not None:
        restriction["covariates"] = list(design.covariates)
    windows = {"volume_mm3": design.volume_window, "body_weight_g": design.weight_window}
    numbers = ("size", "cages", "ratio")
    return {
        **content,
        "strata": list(design.strata),
        "eligibility": {
            **{name: "any" if w is None else list(w) for name, w in windows.items()},
            "surplus": design.surplus,
        },
        "restriction": restriction,
        "order": {"sessions": design.sessions, "cages_together": design.cages_together},
        "arms": [
            {
                "name": arm.name,
                **{n: getattr(arm, n) for n in numbers if getattr(arm, n) is not None},
            }
            for arm in design.arms
        ],
        "exclude": [{"animal_id": name, "reason": reason} for name, reason in design.excluded],
    }


def _window(values: list[float] | Literal["any"], name: str) -> tuple[float, float] | None:
    """Two ends of a window."""
    if values == "any":
        return None
    if len(values) != 2:
        raise InputError(
            "a smallest and a largest value, or 'any'",
            found=f"{len(values)} values",
            where=f"eligibility.{name}",
        )
    return float(values[0]), float(values[1])

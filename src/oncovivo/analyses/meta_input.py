"""Tables of effect sizes or of group summaries for a meta-analysis: columns found by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies.delimited import read_text_sheet, sheet_columns, trimmed_header
from oncovivo.studies.sheet import MISSING, LongTable
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook

__all__ = ["COLUMNS", "EACH_ROW", "MetaTable", "read_meta_table"]

FloatArray: TypeAlias = NDArray[np.float64]

_SIDES: Final = ("treated", "control")
# How a side is called in the columns of other programs and reviews.
_OTHER_SIDES: Final[Mapping[str, tuple[str, ...]]] = {
    "treated": ("treatment", "exp", "ex", "experimental", "trt", "t", "e", "1i"),
    "control": ("con", "ctrl", "nc", "c", "2i"),
}
_OTHER_NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "n": ("n", "no", "size"),
    "mean": ("mean", "m"),
    "sd": ("sd",),
    "sem": ("sem", "se"),
}
_OF_A_SIDE: Final = (
    "n",
    "mean",
    "sd",
    "sem",
    "variance",
    "ci",
    "iqr",
    "range",
    "dispersion",
    "responders",
    "median",
    "events",
    "reading_error",
)
_NUMBERS: Final = (
    *(f"{what}_{side}" for what in _OF_A_SIDE for side in _SIDES),
    *("mean_sham", "yi", "vi", "se", "lower", "upper"),
    *("hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper"),
)
COLUMNS: Final[tuple[str, ...]] = (
    *("label", "study_id", "control_id", "measure", "unit", "dispersion"),
    *_NUMBERS,
)
"""Columns that mean something by themselves; all others are moderators or facts."""

EACH_ROW: Final = ("row", "comparison")
"""Levels that are each row of the table by itself."""

_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "label": ("comp_id", "comparison_id", "row_id", "slab"),
    "study_id": ("study", "paper", "paper_id"),
    "control_id": ("con_id", "control_group"),
    "unit": ("units", "unit_of_analysis"),
    "yi": ("effect_size",),
    "se": ("sei", "std_error"),
    "hazard_ratio": ("hr",),
}
# Squares and their products stay within what a float holds.
_LARGEST: Final = 1e70
_NUMBERED: Final = re.compile(r"\s*\(\d+\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaTable:
    """A table of rows to be pooled, columns under the names of this project.

    Parameters
    ----------
    table : LongTable
        Cells; columns under their own names in lower case, and under canonical ones.
    headers : tuple of str
        Header of the file.
    columns : mapping of str to str
        Header in the file by canonical name.
    labels : tuple of str
        Name of each row, each once.
    study : tuple of str or None
        Paper of each row.
    study_rule : str
        How the papers were told, where it was not from a column as it stands.
    """

    table: LongTable
    headers: tuple[str, ...]
    columns: Mapping[str, str]
    labels: tuple[str, ...]
    study: tuple[str, ...] | None
    study_rule: str

    def has(self, *names: str) -> bool:
        """Whether all of the columns are there."""
        return all(name in self.columns for name in names)

    def numbers(self, name: str) -> FloatArray:
        """A column of numbers; all missing where there is no such column.

        Raises
        ------
        FileFormatError
            If a cell is not a number.
        """
        if name not in self.columns:
            return np.full(self.table.n, np.nan)
        return self.sized(name)

    def sized(self, column: str) -> FloatArray:
        """Numbers of any column, refused where their squares cannot be computed with.

        Parameters
        ----------
        column : str
            Name in lower case, canonical or its own.

        Raises
        ------
        FileFormatError
            If a cell is not a number.
        InputError
            If a number is too large or too close to 0.
        """
        values = self.table.numbers(column).values
        size = np.abs(values)
        wrong = np.flatnonzero((size > _LARGEST) | ((size > 0) & (size < 1 / _LARGEST)))
        if wrong.size:
            at = int(wrong[0])
            raise InputError(
                "a number that a measurement can have",
                found=self.table.texts[column][at],
                where=self.place(at, column),
            )
        return values

    def texts(self, name: str, *, where: str) -> list[str]:
        """Texts of any column by its canonical or its own name; blank where missing.

        Parameters
        ----------
        name : str
            Not case-sensitive; ``study`` is also the paper, ``row`` and ``comparison`` each row
            by itself unless they were mapped.
        where : str
            Option that names it.

        Raises
        ------
        InputError
            If there is no such column.
        """
        wanted = name.strip().casefold()
        if wanted == "study" and self.study is not None and "study" not in self.columns:
            return list(self.study)
        if wanted in EACH_ROW and wanted not in self.columns:
            return list(self.labels)
        if wanted in self.table.texts:
            return ["" if cell in MISSING else cell for cell in self.table.texts[wanted]]
        shown = ", ".join(self.headers[:30]) + (", …" if len(self.headers) > 30 else "")
        raise InputError(
            f"a column of the table: {shown}",
            found=repr(name),
            where=where,
            mend="name it with --map if the file calls it otherwise",
        )

    def controls(self) -> list[str]:
        """Control group of each row, told from those of other papers; blank where not named."""
        names = self.texts("control_id", where="control_id")
        if self.study is None:
            return names
        pairs = zip(self.study, names, strict=True)
        return [f"{study}, {name}" if name else "" for study, name in pairs]

    def place(self, index: int, name: str) -> str:
        """Place of a cell in words."""
        return self.table.where(index, name)


def read_meta_table(
    path: Path, mapping: Mapping[str, str], *, named: Iterable[str] = ()
) -> MetaTable:
    """The rows of a file.

    Parameters
    ----------
    path : Path
        Delimited UTF-8 text, or a workbook whose first worksheet is the table.
    mapping : mapping of str to str
        Their column name by canonical name, or by a name that an option uses.
    named : iterable of str
        Names that options use.

    Raises
    ------
    FileFormatError
        If the file cannot be read as a table.
    InputError
        If the mapping names a column that is not there, or a name that nothing uses.
    """
    workbook = path.suffix.casefold() in WORKBOOK_SUFFIXES
    sheet = read_workbook(path)[0] if workbook else read_text_sheet(path)
    if not sheet.rows:
        raise FileFormatError("a header and rows", found="none", where=sheet.place)
    shown = {name.casefold(): name for name in trimmed_header(sheet.rows[0])}
    columns = _columns(shown, mapping, {name.casefold() for name in named}, sheet.place)
    numeric = [columns[name].casefold() for name in _NUMBERS if name in columns]
    read = sheet_columns(sheet, decimal_columns=numeric)
    own = {name: shown.get(name, name) for name in read.texts}
    table = LongTable(
        place=read.place,
        file=read.file,
        texts={**read.texts, **{n: read.texts[h.casefold()] for n, h in columns.items()}},
        headers={**own, **columns},
        row_numbers=read.row_numbers,
        decimal_comma=read.decimal_comma,
    )
    study, rule = _studies(table) if "study_id" in columns else (None, "")
    return MetaTable(
        table=table,
        headers=tuple(shown.values()),
        columns=columns,
        labels=_labels(table),
        study=study,
        study_rule=rule,
    )


def _columns(
    shown: Mapping[str, str], mapping: Mapping[str, str], named: set[str], place: str
) -> dict[str, str]:
    """Header of each canonical name, and of each name that an option uses."""
    found: dict[str, str] = {}
    for name, theirs in mapping.items():
        ours = name.casefold()
        if ours not in COLUMNS and ours not in named | {"study"}:
            raise InputError(
                "a column of group summaries or effect sizes, or one that an option names: "
                + ", ".join(COLUMNS),
                found=repr(name),
                where="--map",
            )
        if theirs.casefold() not in shown:
            raise InputError(
                f"a column of {place}: " + ", ".join(list(shown.values())[:30]),
                found=repr(theirs),
                where="--map",
            )
        found["study_id" if ours == "study" else ours] = shown[theirs.casefold()]
    taken = {header.casefold() for header in found.values()}
    for name in COLUMNS:
        if name in found:
            continue
        for other in (name, *_other_names(name)):
            if other in shown and (other == name or other not in taken):
                found[name] = shown[other]
                break
    return found


def _other_names(name: str) -> list[str]:
    """Other names under which a column is known."""
    what, _, side = name.rpartition("_")
    if side not in _SIDES or what not in _OTHER_NUMBERS:
        return list(_OTHER_NAMES.get(name, ()))
    found = []
    for number in _OTHER_NUMBERS[what]:
        for other in _OTHER_SIDES[side]:
            if other.endswith("i"):
                found.append(f"{number}{other}")
            else:
                found += [f"{number}_{other}", f"{other}_{number}", f"{number}.{other}"]
    return found


def _labels(table: LongTable) -> tuple[str, ...]:
    """Names of the rows, with their number in the file where a name comes twice or is missing."""
    source = next((name for name in ("label", "study_id") if name in table.texts), None)
    if source is None:
        return tuple(f"row {number}" for number in table.row_numbers)
    texts = table.texts[source]
    repeated = {text for text in texts if texts.count(text) > 1} if len(texts) < 5000 else set()
    return tuple(
        f"row {number}"
        if text in MISSING
        else (f"{text} (row {number})" if text in repeated else text)
        for text, number in zip(texts, table.row_numbers, strict=True)
    )


def _studies(table: LongTable) -> tuple[tuple[str, ...], str]:
    """Paper of each row: as it stands, or without the number of the experiment in brackets."""
    names = tuple(
        f"row {number}" if text in MISSING else text
        for text, number in zip(table.texts["study_id"], table.row_numbers, strict=True)
    )
    papers = tuple(_NUMBERED.sub("", name) for name in names)
    if len(set(names)) == len(names) and len(set(papers)) < len(names):
        return papers, "the name of the row without the number in brackets at its end"
    return names, ""

"""Cells as a file holds them, and named columns of them with their places.

A :class:`Sheet` is rows of text from a delimited file, a worksheet or a data frame. A
:class:`LongTable` is what the layouts are brought to: one row per animal and day, columns under
their canonical names, each cell still knowing its row and header for a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import FileFormatError

__all__ = ["MISSING", "LongTable", "Merge", "Numbers", "Sheet", "has_decimal_comma"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Merge: TypeAlias = tuple[int, int, int, int]

# R writes NA for a missing value; other words are errors.
MISSING: Final = ("", "NA")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NUMBER_COMMA: Final = re.compile(r"[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?")
# A digit above zero before the exponent.
_ANY_DIGIT: Final = re.compile(r"[^eE]*[1-9]")
_BELOW_MARKS: Final = ("<", "≤")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of cells.

    Parameters
    ----------
    file : str
        Name of the file.
    name : str, optional
        Name of the worksheet, where the file has several.
    rows : sequence of sequences of str
        Text of the cells without outer white space; row 0 is the first row of the file.
    merges : tuple of (int, int, int, int)
        First row, first column, last row, last column of merged cells, counted from 0.
    comma_possible : bool
        Whether a number may have a comma as decimal mark.
    header_anywhere : bool
        Whether titles may stand above the header.
    """

    file: str
    name: str | None = None
    rows: Sequence[Sequence[str]]
    merges: tuple[Merge, ...] = ()
    comma_possible: bool
    header_anywhere: bool = False

    @property
    def place(self) -> str:
        """File and worksheet in words."""
        return self.file if self.name is None else f"{self.file} sheet '{self.name}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Numbers of a column.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN where a cell is missing; behind a ``<`` the limit.
    below : ndarray of bool, shape (n,)
        Where the cell said ``<``.
    """

    values: FloatArray
    below: BoolArray

    @property
    def missing(self) -> BoolArray:
        """Where the cell is blank or NA."""
        return np.isnan(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTable:
    """Columns under their canonical names.

    Parameters
    ----------
    place : str
        File, and worksheet.
    file : str
        Name of the file.
    texts : dict of str to list of str
        Text of the cells by canonical name, all of one length.
    headers : dict of str to str or list of str
        Header of each column in the file, or of each cell where they stood in several columns.
    row_numbers : ndarray, shape (n,)
        As a spreadsheet counts them: the first row of the file is row 1.
    decimal_comma : bool
        Whether its numbers have a comma as decimal mark.
    """

    place: str
    file: str
    texts: dict[str, list[str]]
    headers: dict[str, str | list[str]]
    row_numbers: NDArray[np.int64]
    decimal_comma: bool

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.row_numbers)

    def where(self, index: int, column: str) -> str:
        """Place of a cell in words; `index` counts from 0."""
        header = self.headers.get(column, column)
        name = header if isinstance(header, str) else header[index]
        return f"{self.place} row {self.row_numbers[index]}, column {name}"

    def error(self, index: int, column: str, expected: str, *, mend: str = "") -> FileFormatError:
        """The error for a cell; `index` counts from 0."""
        text = self.texts[column][index]
        found = f"'{text[:60]}'" if text else "a blank cell"
        return FileFormatError(expected, found=found, where=self.where(index, column), mend=mend)

    def words(self, column: str) -> list[str]:
        """Texts of a column without blanks.

        Raises
        ------
        FileFormatError
            If a cell is blank.
        """
        texts = self.texts[column]
        if "" in texts:
            expected = "a value"
            raise self.error(texts.index(""), column, expected)
        return texts

    def numbers(self, column: str, *, limits: bool = False, required: bool = False) -> Numbers:
        """Numbers of a column; all missing where there is no such column.

        Parameters
        ----------
        column : str
            Canonical name.
        limits : bool
            Whether a cell may say ``<14``.
        required : bool
            Whether a blank cell is refused.

        Raises
        ------
        FileFormatError
            If a cell holds anything else than a finite number; names the first such cell.
        """
        if column not in self.texts:
            return Numbers(values=np.full(self.n, np.nan), below=np.zeros(self.n, dtype=bool))
        texts = self.texts[column]
        below = np.zeros(self.n, dtype=bool)
        if limits and any(text[:1] in _BELOW_MARKS for text in texts if text):
            below = np.array([text[:1] in _BELOW_MARKS if text else False for text in texts])
            texts = [text[1:].lstrip() if text[:1] in _BELOW_MARKS else text for text in texts]
        values = self._values(texts)
        if values is None:
            raise self._first_bad(column, texts, below, required=required)
        missing = np.isnan(values)
        if (missing & below).any() or (required and missing.any()):
            raise self._first_bad(column, texts, below, required=required)
        if (values[below] <= 0).any():
            index = int(np.flatnonzero(below & (values <= 0))[0])
            expected = "a positive number after '<'"
            raise self.error(index, column, expected)
        return Numbers(values=values, below=below)

    def _values(self, texts: list[str]) -> FloatArray | None:
        """Numbers of plain texts, None where one is not a number."""
        if self.decimal_comma:
            if any("." in text for text in texts):
                return None
            texts = [text.replace(",", ".") for text in texts]
        filled = np.array([text not in MISSING for text in texts], dtype=bool)
        values = np.full(len(texts), np.nan)
        present = [text for text in texts if text not in MISSING]
        if any("_" in text for text in present):
            return None
        try:
            values[filled] = np.array(present, dtype=object).astype(np.float64)
        except (ValueError, OverflowError):
            return None
        # A number too small for a float is no reading of 0.
        vanished = (values[filled] == 0).nonzero()[0]
        if any(_ANY_DIGIT.match(present[index]) for index in vanished):
            return None
        return values if np.isfinite(values[filled]).all() else None

    def _first_bad(
        self, column: str, texts: list[str], below: BoolArray, *, required: bool
    ) -> FileFormatError:
        """The error for the first cell that holds no number."""
        pattern = _NUMBER_COMMA if self.decimal_comma else _NUMBER
        index = next(
            i
            for i, text in enumerate(texts)
            if (text in MISSING and (required or below[i]))
            or (text not in MISSING and not _is_number(text, pattern))
        )
        mend = "leave the cell blank where nothing was measured"
        if texts[index].startswith("="):
            mend = (
                "open the file in a spreadsheet program and save it, so that formulas have values"
            )
        if _NUMBER.fullmatch(texts[index]) or _NUMBER_COMMA.fullmatch(texts[index]):
            mend = "use one decimal mark in the whole file; a comma needs ';' or tab between cells"
        expected = "a number"
        return self.error(index, column, expected, mend=mend)


def has_decimal_comma(cells: Iterable[str]) -> bool:
    """Whether the first number with a decimal mark has a comma."""
    for cell in cells:
        if "." not in cell and "," not in cell:
            continue
        text = cell.lstrip("<≤ ")
        if "." in text and _NUMBER.fullmatch(text):
            return False
        if "," in text and _NUMBER_COMMA.fullmatch(text):
            return True
    return False


def _is_number(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether a text is a finite number with the file's decimal mark."""
    if not pattern.fullmatch(text):
        return False
    value = float(text.replace(",", "."))
    return bool(np.isfinite(value)) and (value != 0 or not _ANY_DIGIT.match(text))

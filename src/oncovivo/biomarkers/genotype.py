"""Genotype calls by line and gene, as panels publish them.

A cell says what was found in one gene of one line, several findings separated by ``;``. Tables of
mutations are seen with calls of copy number in them (``Amp5``, ``Del0.8``): these are read, kept
apart from mutations and named, not counted as mutations in silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies.delimited import read_text_sheet, sheet_columns, trimmed_header
from oncovivo.studies.sheet import MISSING
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CallKind", "GenotypeCall", "GenotypeRule", "GenotypeTable", "read_genotypes"]

CallKind: TypeAlias = Literal["known_functional", "likely_functional", "novel", "mutated"]
GenotypeRule: TypeAlias = Literal["any_mutation", "functional", "amplified", "deleted"]

_COPY: Final = re.compile(r"(amp|del)(\d+(?:\.\d+)?)?", re.IGNORECASE)
_KINDS: Final[Mapping[str, CallKind]] = {
    "mutknownfunctional": "known_functional",
    "mutlikelyfunctional": "likely_functional",
    "mutnovel": "novel",
    "mut": "mutated",
    "mutant": "mutated",
    "mutated": "mutated",
    "1": "mutated",
}
_NONE: Final = ("0", "wt", "wildtype", "wild type", "wild-type", "none", "no")
_LINE_NAMES: Final = ("line", "model", "xenograft_line", "cell_line")
_FUNCTIONAL: Final = ("known_functional", "likely_functional")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenotypeCall:
    """What was found in one gene of one line.

    Parameters
    ----------
    line, gene : str
        Where.
    mutations : tuple of CallKind
        Kinds of mutation, each once; empty where none was found.
    amplified, deleted : bool
        Calls of copy number.
    copies : float or None
        The number in such a call.
    tested : bool
        False for a blank cell, which is not a wild type.
    text : str
        The cell.
    """

    line: str
    gene: str
    mutations: tuple[CallKind, ...]
    amplified: bool
    deleted: bool
    copies: float | None
    tested: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GenotypeTable:
    """Calls of a panel.

    Parameters
    ----------
    name : str
        Of the file.
    lines, genes : tuple of str
        In the order of the file.
    calls : tuple of GenotypeCall
        Line by line.
    notes : tuple of str
        Cells that are not what the table is of, such as copy numbers among mutations.
    """

    name: str
    lines: tuple[str, ...]
    genes: tuple[str, ...]
    calls: tuple[GenotypeCall, ...]
    notes: tuple[str, ...]

    @property
    def copy_number_cells(self) -> tuple[GenotypeCall, ...]:
        """Calls of copy number."""
        return tuple(call for call in self.calls if call.amplified or call.deleted)

    def matrix(self, rule: GenotypeRule = "any_mutation") -> pd.DataFrame:
        """1 where a line has what the rule asks, 0 where not, NaN where it was not tested.

        Parameters
        ----------
        rule : {"any_mutation", "functional", "amplified", "deleted"}
            ``functional`` asks for mutations of known or likely function.

        Returns
        -------
        DataFrame
            Lines as rows, genes as columns.

        Raises
        ------
        InputError
            If the rule is unknown.
        """
        import pandas as pd

        if rule not in ("any_mutation", "functional", "amplified", "deleted"):
            expected = "a rule: any_mutation, functional, amplified or deleted"
            raise InputError(expected, found=repr(rule))
        numbers = np.array([_answer(call, rule) for call in self.calls], dtype=np.float64)
        shape = (len(self.lines), len(self.genes))
        return pd.DataFrame(numbers.reshape(shape), index=self.lines, columns=self.genes)


def read_genotypes(path: Path) -> GenotypeTable:
    """The calls of a file with a line in each row and a gene in each column.

    A cell is ``0`` or ``WT`` for no finding, blank for not tested, or findings separated by ``;``:
    ``MutKnownFunctional``, ``MutLikelyFunctional``, ``MutNovel``, ``Mut``, and ``Amp`` or ``Del``
    with a number of copies.

    Parameters
    ----------
    path : Path
        UTF-8 text, or an ``.xlsx`` whose first worksheet counts; first column ``line`` or
        ``model``.

    Raises
    ------
    FileFormatError
        If the file is malformed or a cell holds no call; names row and column.
    DataError
        If a line or a gene is there twice.
    """
    if not path.is_file():
        raise FileFormatError("a file of genotypes", found="nothing there", where=path.name)
    workbook = path.suffix.casefold() in WORKBOOK_SUFFIXES
    sheet = read_workbook(path)[0] if workbook else read_text_sheet(path)
    if not sheet.rows:
        raise FileFormatError("a header and rows", found="none", where=sheet.place)
    header = trimmed_header(sheet.rows[0])
    table = sheet_columns(sheet, decimal_columns=())
    table = replace(table, headers={name.casefold(): name for name in header})
    key = header[0].casefold() if header else ""
    if key not in _LINE_NAMES or len(header) < 2:
        raise FileFormatError(
            "a first column 'line' or 'model', and a column for each gene",
            found=", ".join(header[:6]),
            where=f"{sheet.place} row 1",
        )
    lines, genes = table.words(key), header[1:]
    seen: dict[str, int] = {}
    for index, line in enumerate(lines):
        if seen.setdefault(line, index) != index:
            found = f"'{line}' again"
            raise DataError("each line once", found=found, where=table.where(index, key))
    calls = []
    for index, line in enumerate(lines):
        for gene in genes:
            text = table.texts[gene.casefold()][index]
            call = _parse(text, line=line, gene=gene)
            if call is None:
                expected = "a genotype: 0, WT, Mut…, Amp… or Del…"
                raise table.error(index, gene.casefold(), expected)
            calls.append(call)
    made = GenotypeTable(
        name=table.place, lines=tuple(lines), genes=tuple(genes), calls=tuple(calls), notes=()
    )
    return replace(made, notes=_notes(made))


def _parse(text: str, *, line: str, gene: str) -> GenotypeCall | None:
    """The call of a cell, None where it is none."""
    tested = text not in MISSING
    kinds: list[CallKind] = []
    amplified = deleted = False
    copies: float | None = None
    parts = [part.strip() for part in text.split(";")] if tested else []
    for part in parts:
        copy = _COPY.fullmatch(part)
        if copy is not None:
            amplified |= copy[1].casefold() == "amp"
            deleted |= copy[1].casefold() == "del"
            copies = float(copy[2]) if copy[2] else copies
        elif part.casefold() in _NONE and len(parts) == 1:
            continue
        elif part.casefold() in _KINDS:
            kinds.append(_KINDS[part.casefold()])
        else:
            return None
    return GenotypeCall(
        line=line,
        gene=gene,
        mutations=tuple(sorted(set(kinds))),
        amplified=amplified,
        deleted=deleted,
        copies=copies,
        tested=tested,
        text=text,
    )


def _answer(call: GenotypeCall, rule: GenotypeRule) -> float:
    """1, 0, or NaN for a gene not tested."""
    if not call.tested:
        return math.nan
    if rule == "any_mutation":
        return float(bool(call.mutations))
    if rule == "functional":
        return float(any(kind in _FUNCTIONAL for kind in call.mutations))
    return float(call.amplified if rule == "amplified" else call.deleted)


def _notes(table: GenotypeTable) -> tuple[str, ...]:
    """Copy numbers among mutations, named."""
    odd = table.copy_number_cells
    if not odd or not any(call.mutations for call in table.calls):
        return ()
    shown: Sequence[str] = [f"{call.line} {call.gene} {call.text}" for call in odd[:12]]
    more = f" and {len(odd) - 12} more" if len(odd) > 12 else ""
    return (
        f"{len(odd)} cells hold a copy number among mutations and are not counted as mutations "
        f"for it: {', '.join(shown)}{more}",
    )

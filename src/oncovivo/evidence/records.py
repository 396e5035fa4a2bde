"""Literature rows, each with a locator in its source.

A row is one xenograft line × regimen × contrast × endpoint × time.

:class:`Record` is the one place where the columns of ``evidence/records.csv`` are declared: their
order, meaning, type, word list, and whether a cell may say why a value is not there. The reader,
the writer, the claims' queries and the reference page all follow it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, Literal, TypeAlias, TypeVar, get_args

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.csvfile import read_rows, write_rows
from oncovivo.evidence.vocabulary import WORD_LISTS, Identifiers, State
from oncovivo.studies.regimen import Regimen, parse_regimen

__all__ = [
    "COLUMNS",
    "Column",
    "Record",
    "Reported",
    "Scalar",
    "flatten",
    "read_records",
    "write_records",
]

Scalar: TypeAlias = str | float | int
ColumnKind: TypeAlias = Literal[
    "key", "word", "text", "number", "count", "tumor", "compound", "partner", "regimen", "sources"
]
T = TypeVar("T")

STATES: tuple[State, ...] = tuple(state for state in get_args(State) if state != "given")
"""The words that a cell holds instead of a value."""

SEPARATOR = ";"
"""Between the keys of several sources in one cell."""

# '+' joins partners given together; ';' lists partners that a row merges, which the lint refuses
_PARTNERS = re.compile(r"[+;]")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_RRID_LINE = re.compile(r"CVCL_[A-Z0-9]{4}")
_RRID_HOST = re.compile(r"(RRID:)?(IMSR_[A-Z]+:[\w-]+|MGI:\d+)")


@dataclass(frozen=True, slots=True)
class Reported(Generic[T]):
    """A value, or the reason why there is none.

    Examples
    --------
    >>> Reported(8)
    Reported(value=8, state='given')
    >>> str(Reported(state="not_reported"))
    'not reported'
    """

    value: T | None = None
    state: State = "given"

    def __post_init__(self) -> None:
        if (self.value is None) == (self.state == "given"):
            raise InputError(
                "a value with the state 'given', or no value with another state",
                found=f"{self.value!r} with {self.state!r}",
            )

    def __str__(self) -> str:
        if self.value is None:
            return self.state.replace("_", " ")
        if isinstance(self.value, float):
            return f"{self.value:g}"
        return str(self.value)

    @property
    def given(self) -> bool:
        """Whether there is a value."""
        return self.state == "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column of ``records.csv`` holds.

    ``words`` names a list of :data:`oncovivo.evidence.vocabulary.WORD_LISTS`; ``states`` says
    whether a cell may hold one of ``not_reported``, ``not_extracted``, ``not_accessible``,
    ``not_applicable`` instead of a value; ``blank`` whether it may be empty.
    """

    name: str
    kind: ColumnKind
    text: str
    words: str = ""
    states: bool = False
    blank: bool = False


def _column(
    kind: ColumnKind, text: str, *, words: str = "", states: bool = False, blank: bool = False
) -> Any:  # noqa: ANN401  # a dataclass field stands for the type of its annotation
    """A dataclass field that carries its column's description."""
    return field(
        metadata={"kind": kind, "text": text, "words": words, "states": states, "blank": blank}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One literature row; `line_number` is its line in the file (0 when made in code)."""

    row_id: str = _column("key", "identifier of the row, unique in the file")
    use: str = _column("word", "whether the row may carry a claim", words="use")
    filed_under: str = _column(
        "tumor", "OncoTree code of the section of the guide that shows the row"
    )
    tumor_type: str = _column("text", "tumor type in words")
    oncotree: Reported[str] = _column(
        "tumor", "OncoTree code of the tumor; its release is in tumor_types.csv", states=True
    )
    ncit: Reported[str] = _column("text", "NCI Thesaurus code, as C4033", states=True)
    doid: Reported[str] = _column("text", "Disease Ontology id, as DOID:4467", states=True)
    xenograft_line: Reported[str] = _column(
        "text", "name of the line, patient-derived model or engineered model", states=True
    )
    line_rrid: Reported[str] = _column("text", "RRID of the line, as CVCL_1051", states=True)
    graft_type: Reported[str] = _column(
        "word", "what was grafted", words="graft_type", states=True
    )
    site: Reported[str] = _column("word", "where it grew", words="site", states=True)
    host_species: Reported[str] = _column("text", "species of the host, as mouse", states=True)
    host_strain: Reported[str] = _column("text", "strain as the source names it", states=True)
    host_rrid: Reported[str] = _column(
        "text", "RRID or MGI id of the strain, as IMSR_JAX:000651", states=True
    )
    immune_status: Reported[str] = _column(
        "word", "immune system of the host", words="immune_status", states=True
    )
    compound: str = _column("compound", "identity key of the substance under study")
    partner: Reported[str] = _column(
        "partner",
        "keys of what it was combined with, joined by ' + '; not_applicable for a single agent",
        states=True,
    )
    regimen: Reported[str] = _column(
        "regimen",
        "dose, route and schedule of the compound, as '2 mg/kg i.v. qd x21'",
        states=True,
    )
    comparator: Reported[str] = _column(
        "word", "what the row compares with", words="comparator", states=True
    )
    contrast: Reported[str] = _column("word", "kind of comparison", words="contrast", states=True)
    allocation: Reported[str] = _column(
        "word", "how subjects came into the groups", words="allocation", states=True
    )
    endpoint: str = _column("word", "what was measured", words="endpoint")
    day: Reported[float] = _column(
        "number", "day of the reading, days since baseline", states=True
    )
    direction: str = _column("word", "which way the result points", words="direction")
    n_treated: Reported[int] = _column("count", "number in the treated group", states=True)
    n_control: Reported[int] = _column("count", "number in the comparator group", states=True)
    n_unit: Reported[str] = _column("word", "what the numbers count", words="n_unit", states=True)
    value: Reported[float] = _column("number", "the result as a number", states=True)
    unit: Reported[str] = _column("word", "unit of the value", words="unit", states=True)
    denominator: Reported[str] = _column(
        "text",
        "what a percent, ratio or count refers to, as 'vehicle mean' or '17 lines'",
        states=True,
    )
    dispersion: Reported[float] = _column("number", "dispersion of the value", states=True)
    dispersion_kind: Reported[str] = _column(
        "word", "kind of dispersion", words="dispersion_kind", states=True
    )
    test: Reported[str] = _column("text", "statistical test that the source names", states=True)
    p_value: Reported[str] = _column("text", "p as printed, as 'p < 0.05' or '0.03'", states=True)
    null_model: Reported[str] = _column(
        "word", "null model behind a claim of synergy", words="null_model", states=True
    )
    evidence_kind: str = _column("word", "kind of evidence", words="evidence_kind")
    source: str = _column("sources", "keys in references.json, separated by ';'")
    locator: str = _column(
        "text", "where in the source: 'abstract', 'Table 2', 'Figure 3B', 'p. 145'"
    )
    read_from: Reported[str] = _column("word", "how it was read", words="read_from", states=True)
    reading: str = _column("word", "how far the source was checked", words="reading")
    statement: str = _column("text", "the result in our own words")
    source_compound: str = _column(
        "text", "the substance as the source names it, where it differs", blank=True
    )
    source_tumor: str = _column(
        "text", "the tumor as the source names it, where it differs", blank=True
    )
    source_result: str = _column(
        "text", "the result as the source states it, where a later text differs", blank=True
    )
    note: str = _column("text", "what a reader should know about the row", blank=True)
    line_number: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The source keys."""
        return tuple(key.strip() for key in self.source.split(SEPARATOR) if key.strip())

    @property
    def partners(self) -> tuple[str, ...]:
        """The keys of the combination partners; empty for a single agent."""
        if self.partner.value is None:
            return ()
        return tuple(key.strip() for key in _PARTNERS.split(self.partner.value))

    @property
    def parsed_regimen(self) -> Regimen | None:
        """The regimen, parsed; None when the row gives none."""
        return None if self.regimen.value is None else parse_regimen(self.regimen.value)


COLUMNS: tuple[Column, ...] = tuple(
    Column(name=f.name, **f.metadata) for f in fields(Record) if f.metadata
)
"""The columns of ``records.csv`` in their order."""

_NAMES = tuple(column.name for column in COLUMNS)


def read_records(
    path: Path, *, identifiers: Identifiers, reference_keys: Sequence[str]
) -> tuple[Record, ...]:
    """The rows of a ``records.csv``.

    Parameters
    ----------
    path : Path
        The file.
    identifiers : Identifiers
        The tumor types and compounds that rows may use.
    reference_keys : sequence of str
        The keys that the column ``source`` may use.

    Raises
    ------
    FileFormatError
        If the file has no rows, an unknown column, a word, id, unit, key or state that is not
        known, a blank cell where a value or a state is due, or a row id twice; the message names
        row and column.
    """
    records: list[Record] = []
    lines: dict[str, int] = {}
    known_keys = frozenset(reference_keys)
    for line, cells in read_rows(path, columns=_NAMES):
        values: dict[str, Any] = {
            column.name: _read_cell(
                column,
                cells[column.name],
                place=_Place(path.name, line, column.name),
                identifiers=identifiers,
                reference_keys=known_keys,
            )
            for column in COLUMNS
        }
        row_id = values["row_id"]
        if row_id in lines:
            raise FileFormatError(
                "a row id that no other row has",
                found=f"{row_id!r}, also in row {lines[row_id]}",
                where=f"{path.name} row {line}, column row_id",
                mend="give each row an id of its own",
            )
        lines[row_id] = line
        records.append(Record(**values, line_number=line))
    if not records:
        raise FileFormatError(
            "at least one row below the header",
            found="none",
            where=path.name,
            mend="add a row, or take the evidence section out of the guide",
        )
    return tuple(records)


def write_records(records: Sequence[Record]) -> str:
    """The CSV text of rows; reading it gives the same rows.

    Raises
    ------
    Nothing: every record can be written.
    """
    return write_rows(
        _NAMES, ([_cell(record, column) for column in COLUMNS] for record in records)
    )


def flatten(record: Record) -> dict[str, tuple[Scalar, ...]]:
    """The row as a mapping from column to the values that a query may match.

    A cell without a value gives its state, ``source`` gives every key, ``oncotree`` only the row's
    own code, and ``partner`` every partner (``not_applicable`` for a single agent).
    """
    flat: dict[str, tuple[Scalar, ...]] = {}
    for column in COLUMNS:
        value = getattr(record, column.name)
        if column.kind == "sources":
            flat[column.name] = record.sources
        elif column.kind == "partner" and record.partners:
            flat[column.name] = record.partners
        elif isinstance(value, Reported):
            flat[column.name] = (value.state if value.value is None else value.value,)
        else:
            flat[column.name] = (value,)
    return flat


def _cell(record: Record, column: Column) -> str:
    """One cell as it is written in the file."""
    value = getattr(record, column.name)
    if isinstance(value, Reported):
        if value.value is None:
            return value.state
        value = value.value
    return (
        repr(value)
        if isinstance(value, float) and not value.is_integer()
        else (str(int(value)) if isinstance(value, float) else str(value))
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A cell's place, for messages."""

    file: str
    line: int
    column: str

    def __str__(self) -> str:
        return f"{self.file} row {self.line}, column {self.column}"


def _read_cell(
    column: Column,
    cell: str,
    *,
    place: _Place,
    identifiers: Identifiers,
    reference_keys: frozenset[str],
) -> Any:  # noqa: ANN401  # the type is that of the record's field
    """The value of one cell, checked."""
    if column.states and cell in STATES:
        return Reported(state=cell)
    if not cell:
        if column.blank:
            return ""
        _fail(
            _expectation(column),
            "an empty cell",
            place,
            "write the value"
            + (f", or why there is none: {', '.join(STATES)}" if column.states else ""),
        )
    value = _check_value(
        column, cell, place=place, identifiers=identifiers, reference_keys=reference_keys
    )
    return Reported(value) if column.states else value


def _expectation(column: Column) -> str:
    """What a column expects, in words."""
    return column.text.split(";")[0]


def _fail(expected: str, found: str, place: _Place, mend: str) -> None:
    raise FileFormatError(expected, found=found, where=str(place), mend=mend)


def _check_value(
    column: Column,
    cell: str,
    *,
    place: _Place,
    identifiers: Identifiers,
    reference_keys: frozenset[str],
) -> Scalar:
    """A cell that holds a value, converted and checked against its column."""
    if column.kind in ("number", "count"):
        return _read_number(column, cell, place)
    if column.kind == "word" and cell not in WORD_LISTS[column.words]:
        listed = ", ".join(WORD_LISTS[column.words])
        states = f", or {', '.join(STATES)}" if column.states else ""
        _fail(
            f"a word of the list {column.words}",
            repr(cell),
            place,
            f"use one of: {listed}{states}",
        )
    elif column.kind == "key" and not _KEY.fullmatch(cell):
        _fail(
            "an identifier of letters, digits, '.', '_' and '-'",
            repr(cell),
            place,
            "rename the row",
        )
    elif column.kind == "tumor" and cell not in identifiers.tumor_types:
        _fail(
            "a known OncoTree code",
            repr(cell),
            place,
            "use a code of tumor_types.csv, or add it to evidence/tumor_types.csv with its source",
        )
    elif column.kind in ("compound", "partner"):
        for key in _PARTNERS.split(cell) if column.kind == "partner" else (cell,):
            if key.strip() not in identifiers.compounds:
                _fail(
                    "the key of a known compound",
                    repr(key.strip()),
                    place,
                    "use a key of compounds.csv, or add it to evidence/compounds.csv",
                )
    elif column.kind == "sources":
        for key in cell.split(SEPARATOR):
            if key.strip() not in reference_keys:
                _fail(
                    "a key of references.json",
                    repr(key.strip()),
                    place,
                    "add the reference, or correct the key",
                )
    elif column.kind == "regimen":
        try:
            parse_regimen(cell)
        except InputError as err:
            raise FileFormatError(
                f"a regimen: {err.expected}",
                found=err.found,
                where=str(place),
                mend=err.mend or "write it as '2 mg/kg i.v. qd x21'",
            ) from err
    elif column.name in _FORMS and not _FORMS[column.name].fullmatch(cell):
        _fail(
            f"an id of the form {_FORMS[column.name].pattern}",
            repr(cell),
            place,
            f"copy the id from its source, or write one of: {', '.join(STATES)}",
        )
    return cell


_FORMS = {
    "ncit": re.compile(r"C\d+"),
    "doid": re.compile(r"DOID:\d+"),
    "line_rrid": _RRID_LINE,
    "host_rrid": _RRID_HOST,
}


def _read_number(column: Column, cell: str, place: _Place) -> float | int:
    """A finite number, or a whole number above zero for a count."""
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        mend = f"use a point as decimal sign, or write one of: {', '.join(STATES)}"
        _fail("a number", repr(cell), place, mend)
    if column.kind == "number":
        return number
    if number != int(number) or number < 1:
        _fail("a whole number above zero", repr(cell), place, "correct the count")
    return int(number)

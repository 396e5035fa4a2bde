"""Studies for an analysis: read, selected, and with what the user said about them applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

from oncovivo.errors import InputError
from oncovivo.studies import ReadOptions, Study, VolumeFormula, read_with_mapping
from oncovivo.studies.columns import ColumnMapping
from oncovivo.studies.dates import DateOrder
from oncovivo.studies.padding import Zeros
from oncovivo.studies.readings import SheetMeaning, parse_day_zero
from oncovivo.studies.selection import (
    BelowLimit,
    find_limit,
    keep_arms,
    omit_below_limit,
    resolve_zeros,
    select_studies,
)

__all__ = [
    "StudyOptions",
    "StudySelection",
    "load_selection",
    "load_studies",
    "parse_mapping",
    "read_selection",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """What the user says about a study file: how to read it and what to take of it.

    Parameters
    ----------
    study, line : str, optional
        Which study and which line; all where not given.
    arms : tuple of str
        Which arms; all when empty.
    mapping : mapping of str to str
        Their column name by canonical name.
    baseline_day : float, optional
        Day that relative volumes refer to; for the analysis, reading does not need it.
    limit_mm3 : float, optional
        Smallest volume that can be measured.
    zeros : {"gone", "missing"}, optional
        What zeros at the end of a series are.
    below_limit : {"censored", "omitted"}
        Whether readings that are gone or below the limit stay, as left-censored, or are left out.
    formula : VolumeFormula, optional
        Formula by which volumes are made from diameters.
    units : mapping of str to str
        Unit of a column by canonical name.
    day_zero : date or str, optional
        Calendar date of day 0, or ``treatment``, ``implant`` or ``first``.
    date_order : {"day_first", "month_first"}, optional
        Order of day and month in dates such as 3/4/2024.
    sheets : {"studies", "arms", "measures"}, optional
        What each worksheet is.
    only_sheets : tuple of str
        Worksheets to read; all when empty.

    Raises
    ------
    InputError
        If a number or word is not one of those allowed.
    """

    study: str | None = None
    line: str | None = None
    arms: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    baseline_day: float | None = None
    limit_mm3: float | None = None
    zeros: Zeros | None = None
    below_limit: BelowLimit = "censored"
    formula: VolumeFormula | None = None
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    day_zero: date | str | None = None
    date_order: DateOrder | None = None
    sheets: SheetMeaning | None = None
    only_sheets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.zeros not in (None, "gone", "missing"):
            expected = "what zeros are: gone or missing"
            raise InputError(expected, found=repr(self.zeros))
        if self.below_limit not in ("censored", "omitted"):
            expected = "what becomes of readings below the limit: censored or omitted"
            raise InputError(expected, found=repr(self.below_limit))
        if self.limit_mm3 is not None and not 0 < self.limit_mm3 < float("inf"):
            expected = "a positive limit in mm³"
            raise InputError(expected, found=repr(self.limit_mm3))
        self.read_options()

    def read_options(self) -> ReadOptions:
        """The part that says how to read the file."""
        zero = self.day_zero
        return ReadOptions(
            mapping=self.mapping,
            formula=self.formula,
            units=self.units,
            day_zero=parse_day_zero(zero) if isinstance(zero, str) else zero,
            date_order=self.date_order,
            sheets=self.sheets,
            only_sheets=self.only_sheets,
        )

    def to_dict(self) -> dict[str, object]:
        """The options under the names of the ``--json`` contract, defaults included."""
        zero = self.day_zero
        return {
            "study": self.study,
            "line": self.line,
            "arms": list(self.arms),
            "mapping": dict(self.mapping),
            "baseline_day": self.baseline_day,
            "limit_mm3": self.limit_mm3,
            "zeros": self.zeros,
            "below_limit": self.below_limit,
            "formula": self.formula,
            "units": dict(self.units),
            "day_zero": zero.isoformat() if isinstance(zero, date) else zero,
            "date_order": self.date_order,
            "sheets": self.sheets,
            "only_sheets": list(self.only_sheets),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySelection:
    """Studies for an analysis, and how their file was read.

    Parameters
    ----------
    studies : tuple of Study
        Selected, with zeros resolved.
    mappings : mapping of str to ColumnMapping
        Which column was read as what, by file or worksheet.
    """

    studies: tuple[Study, ...]
    mappings: Mapping[str, ColumnMapping]


def load_studies(path: Path | str, options: StudyOptions | None = None) -> tuple[Study, ...]:
    """Studies of a file or folder, ready for an analysis.

    Parameters
    ----------
    path : path-like
        As for ``read_study``.
    options : StudyOptions, optional
        What the user says.

    Returns
    -------
    tuple of Study
        In the order of the file. Their ``limit_mm3`` is set where readings are gone or below a
        limit, and a note says which rule set it.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If a study, line, arm or column is named that does not exist.
    DataError
        If rows contradict each other, or zeros look like padding and nobody said what they are.
    """
    return load_selection(path, options).studies


def load_selection(path: Path | str, options: StudyOptions | None = None) -> StudySelection:
    """As :func:`load_studies`, with the mapping of the columns.

    Parameters
    ----------
    path : path-like
        As for ``read_study``.
    options : StudyOptions, optional
        What the user says.

    Raises
    ------
    FileFormatError, InputError, DataError
        As :func:`load_studies`.
    """
    options = options or StudyOptions()
    read = read_selection(path, options)
    return StudySelection(
        studies=tuple(_applied(study, options) for study in read.studies), mappings=read.mappings
    )


def read_selection(path: Path | str, options: StudyOptions | None = None) -> StudySelection:
    """Studies as their file has them, before anything is assumed for an analysis.

    Zeros stay as they are unless the options say what they are, and no limit is taken for them.

    Parameters
    ----------
    path : path-like
        As for ``read_study``.
    options : StudyOptions, optional
        How to read the file, what to take of it, and what its zeros are.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If a study, line, arm or column is named that does not exist.
    DataError
        If rows contradict each other.
    """
    options = options or StudyOptions()
    reading = read_with_mapping(path, options.read_options())
    chosen = select_studies(reading.studies, study=options.study, line=options.line)
    chosen = keep_arms(chosen, options.arms)
    if options.zeros is not None:
        chosen = tuple(resolve_zeros(study, options.zeros) for study in chosen)
    return StudySelection(studies=tuple(chosen), mappings=reading.mappings)


def parse_mapping(texts: Sequence[str]) -> dict[str, str]:
    """The mapping that ``--map canonical=theirs`` gives.

    Parameters
    ----------
    texts : sequence of str
        Each with an equals sign; what is behind the first one is their name.

    Raises
    ------
    InputError
        If a text has no equals sign or nothing beside it, or a name comes twice.

    Examples
    --------
    >>> parse_mapping(["volume_mm3=TV", "animal_id=Mouse #"])
    {'volume_mm3': 'TV', 'animal_id': 'Mouse #'}
    """
    mapping: dict[str, str] = {}
    for text in texts:
        ours, _, theirs = (part.strip() for part in text.partition("="))
        if not ours or not theirs:
            expected = "canonical=theirs, such as volume_mm3=TV"
            raise InputError(expected, found=repr(text))
        if ours in mapping:
            expected = f"{ours} once"
            raise InputError(expected, found=repr(text))
        mapping[ours] = theirs
    return mapping


def _applied(study: Study, options: StudyOptions) -> Study:
    """The study with zeros, the limit and what is below it as the user said."""
    study = resolve_zeros(study, options.zeros)
    if not study.measurements["volume_state"].isin(["gone", "below_limit"]).any():
        return study
    if options.below_limit == "omitted":
        return omit_below_limit(study)
    limit = find_limit(study, options.limit_mm3)
    if limit is None:
        return study
    notes = study.notes
    if limit.rule in ("smallest positive volume", "largest default"):
        notes = (*notes, f"No limit of measurement is stated; taken as {limit}.")
    return replace(study, limit_mm3=limit.value, notes=notes, table=study.measurements)

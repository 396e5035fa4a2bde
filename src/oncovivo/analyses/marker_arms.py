"""A table of what assays measured: arms compared with the control, animals as units.

Readings of one day are compared arm by arm; where animals were read on several days, a line over
time is fitted in each arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.biomarkers.association_result import Association
from oncovivo.biomarkers.group_comparison import AssayComparison, compare_groups
from oncovivo.biomarkers.marker_reading import read_markers
from oncovivo.biomarkers.marker_table import MARKER_TABLE_COLUMNS, MarkerTable
from oncovivo.biomarkers.repeated_readings import CourseFit, fit_course
from oncovivo.biomarkers.time_course import TimeCourse, time_course
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.provenance import InputFile
from oncovivo.studies.delimited import read_text_sheet, sheet_columns, trimmed_header
from oncovivo.studies.sheet import MISSING, Sheet
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook

__all__ = ["ArmContrast", "MarkerArms", "MarkerArmsOptions", "compare_marker_arms"]

SCHEMA: Final = "oncovivo.markers/1"
_CONTROLS: Final = ("vehicle", "untreated", "control", "cg")
_NO_ANALYTE: Final = ("_sd", "_se", "_sem")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerArmsOptions:
    """What is asked of a marker table.

    Parameters
    ----------
    control : str, optional
        Control arm; found by its name where it is not given.
    analytes : tuple of str
        ``NAME`` or ``NAME:ASSAY``. In a wide file the columns that are analytes, else those to
        look at; all where none is named.
    mapping : tuple of (str, str)
        Our name of a column and theirs.
    constants : tuple of (str, str)
        What all rows have in common: ``analyte``, ``assay``, ``unit``, ``line``.
    level : float
        Confidence of limits.
    """

    control: str | None = None
    analytes: tuple[str, ...] = ()
    mapping: tuple[tuple[str, str], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    level: float = 0.95

    def to_dict(self) -> dict[str, object]:
        """All options, ready for JSON."""
        return {
            "control": self.control,
            "analytes": list(self.analytes),
            "map": dict(self.mapping),
            "set": dict(self.constants),
            "level": self.level,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmContrast:
    """An arm against the control in one marker, and the result of one analysis."""

    arm: str
    versus: str
    day: float | None
    result: Association

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "arm": self.arm,
            "versus": self.versus,
            "day": self.day,
            **self.result.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerArms:
    """Arms compared in every marker of a table.

    Parameters
    ----------
    source : InputFile
        The file.
    options : MarkerArmsOptions
        What was asked.
    control : str
        Control arm.
    n_readings : int
        Readings of the table.
    comparisons : tuple of AssayComparison
        Of markers that animals have once.
    courses : tuple of CourseFit
        Of markers that animals have on several days.
    inhibitions : tuple of TimeCourse
        Of the same, percent inhibition by day, where values are positive.
    contrasts : tuple of ArmContrast
        Every arm against the control.
    notes : tuple of str
        What to know of the table.
    """

    source: InputFile
    options: MarkerArmsOptions
    control: str
    n_readings: int
    comparisons: tuple[AssayComparison, ...]
    courses: tuple[CourseFit, ...]
    inhibitions: tuple[TimeCourse, ...]
    contrasts: tuple[ArmContrast, ...]
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, object]:
        """The JSON contract."""
        return contract(
            SCHEMA,
            source=self.source,
            options=self.options.to_dict(),
            content={
                "control": self.control,
                "n_readings": self.n_readings,
                "associations": [one.to_dict() for one in self.contrasts],
                "comparisons": [one.to_dict() for one in self.comparisons],
                "courses": [one.to_dict() for one in self.courses],
                "prediction": None,
            },
            warnings=tuple(
                {"code": "note", "message": note, "arm": None, "animal_id": None, "rows": []}
                for note in self.notes
            ),
        )


def compare_marker_arms(path: Path, options: MarkerArmsOptions) -> MarkerArms:
    """Every arm of a marker table against its control.

    Parameters
    ----------
    path : Path
        Long or wide table of readings.
    options : MarkerArmsOptions
        What is asked.

    Raises
    ------
    FileFormatError
        If the file is malformed or lacks a column.
    InputError
        If an arm or a marker is not in it.
    DataError
        If values do not fit their assay, or the file has no arms.
    """
    table, notes = _read(path, options)
    if len(table.arms) < 2:
        raise DataError(
            "two arms or more",
            found=", ".join(table.arms) or "no column of arms",
            where=path.name,
            mend="name the column of arms with --map arm=COLUMN",
        )
    control = _control(table, options.control)
    wanted = _asked(table, options.analytes)
    read = [name for name in table.analytes if not wanted or name in wanted]
    parts: list[_Analyte] = []
    refusals: list[DataError | InputError] = []
    for analyte in read:
        try:
            parts.append(_of_analyte(table, analyte, control, wanted.get(analyte), options.level))
        except (DataError, InputError) as err:
            refusals.append(err)
            parts.append(_refused(table, analyte, control, str(err), options.level))
    if len(refusals) == len(read):
        raise refusals[0]
    return MarkerArms(
        source=input_digest(path),
        options=options,
        control=control,
        n_readings=table.n,
        comparisons=tuple(one.comparison for one in parts if one.comparison is not None),
        courses=tuple(one.course for one in parts if one.course is not None),
        inhibitions=tuple(one.inhibition for one in parts if one.inhibition is not None),
        contrasts=tuple(contrast for one in parts for contrast in one.contrasts),
        notes=(*notes, *(note for one in parts for note in one.notes), *table.notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Analyte:
    """What one marker gives."""

    comparison: AssayComparison | None = None
    course: CourseFit | None = None
    inhibition: TimeCourse | None = None
    contrasts: tuple[ArmContrast, ...]
    notes: tuple[str, ...] = ()


def _of_analyte(
    table: MarkerTable, analyte: str, control: str, assay: str | None, level: float
) -> _Analyte:
    """Arms compared in one marker: once, or over time where animals have several days."""
    if not _is_repeated(table, analyte):
        found = compare_groups(table, analyte, control=control, assay=assay or None, level=level)
        return _Analyte(comparison=found, contrasts=tuple(_of_comparison(found)))
    course = fit_course(table, analyte, control=control, assay=assay or None, level=level)
    inhibition: TimeCourse | None = None
    notes: tuple[str, ...] = ()
    try:
        inhibition = time_course(table, analyte, control=control, assay=assay or None, level=level)
    except DataError as err:
        notes = (f"no inhibition of {analyte} by day: {err}",)
    return _Analyte(
        course=course,
        inhibition=inhibition,
        contrasts=tuple(_of_course(course, table.arms)),
        notes=notes,
    )


def _refused(
    table: MarkerTable, analyte: str, control: str, reason: str, level: float
) -> _Analyte:
    """A marker that cannot be compared, beside others that can."""
    return _Analyte(
        contrasts=tuple(
            ArmContrast(
                arm=arm,
                versus=control,
                day=None,
                result=Association(
                    marker=analyte,
                    analysis="none",
                    n_lines=1,
                    status="undefined",
                    reason=reason,
                    level=level,
                ),
            )
            for arm in table.arms
            if arm != control
        )
    )


def _asked(table: MarkerTable, analytes: Sequence[str]) -> dict[str, str]:
    """Assay by name of the markers to look at; empty where all are."""
    found = {}
    for text in analytes:
        name, assay = _parted(text, table.analytes)
        if name not in table.analytes:
            raise InputError(
                "a marker of the table",
                found=repr(text),
                where=table.name,
                mend=f"use one of: {', '.join(table.analytes)}",
            )
        found[name] = assay
    return found


def _parted(text: str, known: Sequence[str]) -> tuple[str, str]:
    """Name and assay of ``NAME:ASSAY``; a name that is known may hold a colon itself."""
    if text in known or ":" not in text:
        return text, ""
    name, _, assay = text.rpartition(":")
    return name, assay


def _read(path: Path, options: MarkerArmsOptions) -> tuple[MarkerTable, tuple[str, ...]]:
    """The table; columns of numbers are analytes where no column says otherwise."""
    mapping, constants = dict(options.mapping), dict(options.constants)
    sheet = _sheet(path)
    headers = trimmed_header(sheet.rows[0]) if sheet.rows else []
    folded = {header.casefold() for header in headers}
    has_value = "value" in mapping or "value" in folded
    named = {"analyte", "marker", "gene"} & folded or "analyte" in {*constants, *mapping}
    if has_value and not named:
        constants["analyte"] = mapping.get("value", "value")
    if has_value:
        return read_markers(path, columns=mapping, constants=constants), ()
    wide = {
        name: assay or constants.get("assay", "other")
        for name, assay in (_parted(text, headers) for text in options.analytes)
    }
    notes: tuple[str, ...] = ()
    if not wide:
        wide = {name: constants.get("assay", "other") for name in _numeric(sheet, mapping)}
        if not wide:
            raise FileFormatError(
                "a column 'value', or columns of numbers as markers",
                found=", ".join(headers[:10]),
                where=f"{sheet.place} row 1",
                mend="name the column with --map value=COLUMN",
            )
        notes = (f"columns taken as markers: {', '.join(wide)}",)
    constants.pop("assay", None)
    return read_markers(path, columns=mapping, constants=constants, wide=wide), notes


def _sheet(path: Path) -> Sheet:
    """Cells of a text file, or of the first worksheet of a workbook."""
    if path.suffix.casefold() in WORKBOOK_SUFFIXES:
        return read_workbook(path)[0]
    return read_text_sheet(path)


def _numeric(sheet: Sheet, mapping: dict[str, str]) -> list[str]:
    """Columns that are mostly numbers and no key, time or spread."""
    known = {*MARKER_TABLE_COLUMNS, *_KEYS, *(name.casefold() for name in mapping.values())}
    texts = sheet_columns(sheet, decimal_columns=[]).texts
    found = []
    for header in trimmed_header(sheet.rows[0]):
        name = header.casefold()
        if name in known or name.endswith(_NO_ANALYTE):
            continue
        cells = [cell for cell in texts[name] if cell not in MISSING]
        # A word among numbers is refused where the numbers are read, with its row.
        if 2 * sum(map(_is_number, cells)) > len(cells):
            found.append(header)
    return found


_KEYS: Final = ("animal", "mouse", "treatment", "group", "week", "weeks", "days", "roi", "model")


def _is_number(cell: str) -> bool:
    try:
        float(cell.lstrip("<>≤≥ ").replace(",", "."))
    except ValueError:
        return False
    return True


def _control(table: MarkerTable, named: str | None) -> str:
    arms = table.arms
    if named is not None:
        if named not in arms:
            raise InputError(
                "an arm of the table as control",
                found=repr(named),
                mend=f"use one of: {', '.join(arms)}",
            )
        return named
    for word in _CONTROLS:
        for arm in arms:
            if arm.casefold() == word:
                return arm
    raise InputError(
        "the name of the control arm",
        found="none",
        mend=f"name it with --control: {', '.join(arms)}",
    )


def _is_repeated(table: MarkerTable, analyte: str) -> bool:
    """Whether some animal has the marker on several days."""
    frame = table.frame
    own = frame[frame["analyte"] == analyte]
    days = own.dropna(subset=["day"]).groupby("animal_id")["day"].nunique()
    return bool((days > 1).any())


def _of_comparison(found: AssayComparison) -> list[ArmContrast]:
    """Dunnett's and Wilcoxon's answers for each arm against the control."""
    sizes = {arm.arm: arm.n for arm in found.arms}
    result = []
    for pair in found.pairs:
        if pair.versus == found.control:
            sign, arm = 1.0, pair.arm
        elif pair.arm == found.control:
            sign, arm = -1.0, pair.versus
        else:
            continue
        control = found.control or ""
        limits = sorted(sign * one for one in (pair.lower, pair.upper) if one is not None)
        for analysis, p in (
            ("Dunnett", pair.dunnett_p),
            ("Wilcoxon rank sum, Bonferroni", pair.bonferroni_p),
        ):
            own = analysis == "Dunnett" and len(limits) == 2
            result.append(
                ArmContrast(
                    arm=arm,
                    versus=control,
                    day=found.day,
                    result=Association(
                        marker=found.analyte,
                        analysis=analysis,
                        estimate=None if pair.difference is None else sign * pair.difference,
                        lower=limits[0] if own else None,
                        upper=limits[1] if own else None,
                        p_value=p,
                        n_lines=1,
                        n_animals=sizes[arm] + sizes[control]
                        if found.units == "animals"
                        else None,
                        status="not_estimable"
                        if p is None
                        else "flagged"
                        if found.units == "fields" or found.status == "flagged"
                        else "ok",
                        reason=found.reason,
                        measure=f"difference of means, {found.unit}".rstrip(", "),
                        remark="limits are Tukey's, over all pairs" if own else "",
                        level=found.level,
                    ),
                )
            )
    return result


def _of_course(found: CourseFit, arms: Sequence[str]) -> list[ArmContrast]:
    """Each arm's change over time less the control's."""
    terms = {term.term: term for term in found.terms}
    result = []
    for arm in arms:
        term = terms.get(f"{arm} slope")
        if term is None:
            continue
        result.append(
            ArmContrast(
                arm=arm,
                versus=found.control,
                day=None,
                result=Association(
                    marker=found.analyte,
                    analysis="mixed model, change per day",
                    estimate=term.estimate,
                    std_error=term.std_error,
                    lower=term.lower,
                    upper=term.upper,
                    p_value=term.p_value,
                    n_lines=1,
                    n_animals=found.n_animals,
                    status="flagged" if found.status == "flagged" else "ok",
                    reason=found.reason,
                    measure=f"difference of slopes, {found.unit} per day".replace(",  ", ", "),
                    df=term.df,
                    level=found.level,
                ),
            )
        )
    return result

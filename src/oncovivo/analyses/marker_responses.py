"""Responses of lines to treatments: from growth curves of a panel, or a column of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from oncovivo.biomarkers.association_result import LineResponse, line_response
from oncovivo.biomarkers.predictive import LinePairs, line_pairs
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.panels import Panel
from oncovivo.panels.trial_data import TrialData, trial_data
from oncovivo.panels.trial_model import fit_trial
from oncovivo.studies.delimited import read_delimited, sheet_columns
from oncovivo.studies.sheet import LongTable
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook

if TYPE_CHECKING:
    from oncovivo.panels.trial_result import TrialFit

__all__ = [
    "AskedResponse",
    "ResponseOptions",
    "panel_control",
    "panel_responses",
    "table_responses",
]

_LINE_NAMES: Final = ("model", "line", "xenograft_line", "cell_line")
_TREATMENT_NAMES: Final = ("treatment", "arm")
_CONTROLS: Final = ("untreated", "vehicle", "control", "vehicle control", "no treatment")
_MOST_NAMED: Final = 12
_TUMOR_TYPE: Final = "a tumor type of the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseOptions:
    """Which responses of which lines.

    Parameters
    ----------
    control : str, optional
        Control treatment of a panel; found by its name where it is not given.
    treatments : tuple of str
        Treatments; where none is named, all that `fewest_lines` lines with markers have.
    tumor_types : tuple of str
        Lines of these types only; all where none is named.
    response : str, optional
        Column of a table with one row for each line (and treatment); without it the file is a
        panel of growth curves.
    std_error : str, optional
        Column of the response's standard errors.
    outcome : {"effect", "treated"}
        What a response column is: an effect against controls, or an outcome under treatment alone.
    fewest_lines : int
        Lines that a treatment needs where none is named and there are several.
    baseline_day : float, optional
        Day of a panel that growth is followed from.
    level : float
        Confidence of limits.
    """

    control: str | None = None
    treatments: tuple[str, ...] = ()
    tumor_types: tuple[str, ...] = ()
    response: str | None = None
    std_error: str | None = None
    outcome: Literal["effect", "treated"] = "treated"
    fewest_lines: int = 8
    baseline_day: float | None = None
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AskedResponse:
    """A treatment with the response of its lines.

    Parameters
    ----------
    treatment : str
        Its name; empty where a table names none.
    response : LineResponse
        Of the lines.
    pairs : LinePairs or None
        Control and treated growth rates behind an effect.
    notes : tuple of str
        What was left out.
    """

    treatment: str
    response: LineResponse
    pairs: LinePairs | None = None
    notes: tuple[str, ...] = ()


def panel_control(panel: Panel, options: ResponseOptions) -> str:
    """The control of a panel, by its name where nobody named one.

    Raises
    ------
    InputError
        If there is none, or the file does not have the one that was named.
    """
    names: list[str] = sorted(set(panel.labels["treatment"].tolist()))
    if options.control is not None:
        if options.control not in names:
            raise InputError(
                "a treatment of the file as control",
                found=repr(options.control),
                mend=f"use one of: {_listed(names)}",
            )
        return options.control
    for word in _CONTROLS:
        for name in names:
            if name.casefold() == word:
                return name
    raise InputError(
        "the name of the control",
        found="none",
        mend=f"name it with --control: {_listed(names)}",
    )


def panel_responses(
    panel: Panel, control: str, usable: Sequence[str], options: ResponseOptions
) -> tuple[list[AskedResponse], dict[str, str]]:
    """Each line's effect of each treatment on the growth rate, and the lines' tumor types.

    Parameters
    ----------
    panel : Panel
        Growth curves.
    control : str
        Control treatment.
    usable : sequence of str
        Lines with markers.
    options : ResponseOptions
        What is asked.

    Raises
    ------
    InputError
        If a treatment or tumor type is not in the file, or a treatment comes twice or is the
        control.
    DataError
        If no treatment has enough lines beside the control.
    """
    _check_named(
        options.treatments,
        set(panel.labels["treatment"].tolist()) - {control},
        expected="a treatment of the file beside the control",
    )
    _check_named(
        options.tumor_types, set(panel.labels["tumor_type"].tolist()), expected=_TUMOR_TYPE
    )
    wanted = options.treatments or _usual_treatments(panel, control, set(usable), options)
    found: list[AskedResponse] = []
    types: dict[str, str] = {}
    for treatment in wanted:
        try:
            data = trial_data(
                panel,
                control=control,
                treatments=[treatment],
                baseline_day=options.baseline_day,
            )
            if options.tumor_types:
                kept = np.array([kind in options.tumor_types for kind in data.tumor_types])
                listed = ", ".join(options.tumor_types)
                data = data.of_lines(kept, note=f"lines of {listed} only")
            fit = fit_trial(data, level=options.level)
        except DataError as err:
            where = f"treatment {treatment}"
            raise DataError(err.expected, found=err.found, where=where, mend=err.mend) from err
        types.update(zip(data.lines, data.tumor_types, strict=True))
        found.append(_asked(data, treatment, fit))
    return found, types


def _check_named(named: Sequence[str], known: set[str], *, expected: str, where: str = "") -> None:
    """Refuse a name that the file does not have, and one that comes twice."""
    usable = _listed(sorted(known - {""}))
    for place, name in enumerate(named):
        if name not in known:
            raise InputError(
                expected,
                found=repr(name),
                where=where,
                mend=f"use one of: {usable}" if usable else "the file names none",
            )
        if name in named[:place]:
            raise InputError(f"{expected}, each once", found=f"{name!r} twice", where=where)


def _usual_treatments(
    panel: Panel, control: str, usable: set[str], options: ResponseOptions
) -> tuple[str, ...]:
    """Treatments that enough lines with markers had beside the control, by name."""
    model, kind = panel.labels["model"], panel.labels["tumor_type"]
    by_treatment: dict[str, set[str]] = {}
    for line, tumor, treatment in zip(
        model.tolist(), kind.tolist(), panel.labels["treatment"].tolist(), strict=True
    ):
        if line in usable and (not options.tumor_types or tumor in options.tumor_types):
            by_treatment.setdefault(treatment, set()).add(line)
    controls = by_treatment.pop(control, set())
    if len(set(panel.labels["treatment"].tolist()) - {control}) == 1 and by_treatment:
        return tuple(by_treatment)
    found = tuple(
        name
        for name, lines in sorted(by_treatment.items())
        if len(lines & controls) >= options.fewest_lines
    )
    if not found:
        raise DataError(
            f"a treatment that {options.fewest_lines} lines with markers had beside {control}",
            found="none",
            mend="name a treatment with --treatment, or give markers of more lines",
        )
    return found


def _asked(data: TrialData, treatment: str, fit: TrialFit) -> AskedResponse:
    """Effects of one treatment line by line, without shrinking, and the two rates behind each."""
    lines = [one for one in fit.line_effects if one.treatment == treatment]
    pairs = _pairs(data, fit)
    return AskedResponse(
        treatment=treatment,
        response=line_response(
            [one.line for one in lines],
            [one.raw for one in lines],
            std_error=[one.raw_std_error for one in lines],
            n_animals=[one.n_control + one.n_treated for one in lines],
            label="effect on the growth rate, ln per day",
        ),
        pairs=pairs,
        notes=fit.notes,
    )


def _pairs(data: TrialData, fit: TrialFit) -> LinePairs:
    """Control and treated growth rates of each line, with the errors that the model gives them."""
    variance = {one.component: one.variance for one in fit.variances}
    reading, animal = variance["reading"], variance.get("animal", 0.0)
    n = len(data.lines)
    own = animal + reading / data.information
    precision = 1.0 / own
    cell = data.cell
    total = np.bincount(cell, weights=precision, minlength=2 * n).reshape(n, 2)
    mean = np.bincount(cell, weights=precision * data.rate, minlength=2 * n).reshape(n, 2) / total
    error = 1.0 / np.sqrt(total)
    counts = np.bincount(data.line, minlength=n)
    return line_pairs(
        data.lines,
        mean[:, 0],
        mean[:, 1],
        control_error=error[:, 0],
        treated_error=error[:, 1],
        n_animals=counts.tolist(),
    )


def table_responses(
    path: Path, usable: Sequence[str], options: ResponseOptions
) -> tuple[list[AskedResponse], dict[str, str]]:
    """A column of a table with one row per line and treatment, and the lines' tumor types.

    Parameters
    ----------
    path : Path
        Delimited text, or a workbook whose first worksheet counts, with a column of lines, and
        one of treatments where there are several.
    usable : sequence of str
        Lines with markers.
    options : ResponseOptions
        What is asked.

    Raises
    ------
    FileFormatError
        If a column is missing, a cell is no number, a standard error is not positive, or a line
        comes twice under a treatment.
    InputError
        If a treatment or tumor type is not in the table.
    DataError
        If no treatment has enough lines.
    """
    response = options.response or ""
    wanted = [name for name in (response, options.std_error) if name]
    table = _read(path, [name.casefold() for name in wanted])
    missing = [name for name in wanted if name.casefold() not in table.texts]
    if missing:
        raise FileFormatError(
            f"a column {missing[0]}", found=", ".join(list(table.texts)[:10]), where=table.place
        )
    lines = table.words(_column(table, _LINE_NAMES, "of lines"))
    arm = next((name for name in _TREATMENT_NAMES if name in table.texts), None)
    given = table.words(arm) if arm else [""] * table.n
    kinds = table.texts.get("tumor_type", [""] * table.n)
    values = table.numbers(response.casefold()).values
    errors = table.numbers(options.std_error.casefold()).values if options.std_error else None
    _check_named(options.tumor_types, set(kinds), expected=_TUMOR_TYPE, where=table.place)
    kept = [
        row
        for row in range(table.n)
        if not np.isnan(values[row])
        and (not options.tumor_types or kinds[row] in options.tumor_types)
    ]
    if errors is not None and options.std_error is not None:
        for row in kept:
            if not errors[row] > 0:
                expected = "a positive standard error with each response"
                raise table.error(row, options.std_error.casefold(), expected)
    found = []
    for treatment in _table_treatments(given, lines, kept, set(usable), options, table.place):
        rows = [row for row in kept if given[row] == treatment]
        seen: dict[str, int] = {}
        for row in rows:
            if lines[row] in seen:
                first = table.row_numbers[seen[lines[row]]]
                raise FileFormatError(
                    "one response for each line and treatment",
                    found=f"{lines[row]} again, first in row {first}",
                    where=f"{table.place} row {table.row_numbers[row]}",
                )
            seen[lines[row]] = row
        found.append(
            AskedResponse(
                treatment=treatment,
                response=line_response(
                    [lines[row] for row in rows],
                    values[rows],
                    std_error=None if errors is None else errors[rows],
                    label=response,
                    outcome=options.outcome,
                ),
            )
        )
    return found, dict(zip(lines, kinds, strict=True))


def _table_treatments(
    given: Sequence[str],
    lines: Sequence[str],
    kept: Sequence[int],
    usable: set[str],
    options: ResponseOptions,
    where: str,
) -> tuple[str, ...]:
    """Treatments that were asked for, or all with enough lines, by name."""
    names = sorted(set(given))
    _check_named(options.treatments, set(names), expected="a treatment of the file", where=where)
    if options.treatments or len(names) == 1:
        return options.treatments or tuple(names)
    counts = {
        name: len({lines[row] for row in kept if given[row] == name} & usable) for name in names
    }
    found = tuple(name for name in names if counts[name] >= options.fewest_lines)
    if not found:
        raise DataError(
            f"a treatment with responses of {options.fewest_lines} lines that have markers",
            found=f"{max(counts.values(), default=0)} at most",
            where=where,
            mend="name a treatment with --treatment, or give markers of more lines",
        )
    return found


def _read(path: Path, numeric: Sequence[str]) -> LongTable:
    """The table of a text file, or of the first worksheet of a workbook."""
    if path.suffix.casefold() in WORKBOOK_SUFFIXES:
        return sheet_columns(read_workbook(path)[0], decimal_columns=numeric)
    return read_delimited(path, decimal_columns=numeric)


def _column(table: LongTable, names: Sequence[str], what: str) -> str:
    """The first of some columns that a table has."""
    for name in names:
        if name in table.texts:
            return name
    raise FileFormatError(
        f"a column {what} named {' or '.join(names[:2])}",
        found=", ".join(list(table.texts)[:10]),
        where=table.place,
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_MOST_NAMED])}{', …' if len(names) > _MOST_NAMED else ''}"

"""Studies out of data frames, for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date
from typing import Final

import pandas as pd

from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies.caliper import VolumeFormula
from oncovivo.studies.files import studies_of_sheets
from oncovivo.studies.layout import find_layout, to_long
from oncovivo.studies.readings import ReadOptions, parse_day_zero
from oncovivo.studies.sheet import Sheet
from oncovivo.studies.study import Study
from oncovivo.texts import check_characters

__all__ = ["studies_from_frame"]

_MIDNIGHT: Final = "00:00:00"


def studies_from_frame(
    df: object,
    *,
    mapping: Mapping[str, str] | None = None,
    formula: VolumeFormula | None = None,
    units: Mapping[str, str] | None = None,
    day_zero: date | str | None = None,
    name: str = "data frame",
) -> tuple[Study, ...]:
    """Studies that a data frame holds, in the order in which they first appear.

    Parameters
    ----------
    df : DataFrame
        In the long or wide layout; any frame that pandas can take (it has ``to_pandas`` or
        ``__dataframe__``), or a mapping of columns.
    mapping, formula, units, day_zero
        As for ``read_study``.
    name : str
        What a study is called where no column says it, and the frame in messages.

    Raises
    ------
    FileFormatError
        If a column is missing or a cell does not hold what it should; rows count as in a file,
        the first below the header being row 2.
    DataError
        If rows contradict each other.
    InputError
        If pandas cannot take the object.
    """
    frame = _as_pandas(df)
    options = ReadOptions(
        mapping=dict(mapping or {}),
        formula=formula,
        units=dict(units or {}),
        day_zero=parse_day_zero(day_zero) if isinstance(day_zero, str) else day_zero,
    )
    header = [" ".join(str(level) for level in _levels(label)) for label in frame.columns]
    columns = [_texts(frame.iloc[:, position]) for position in range(frame.shape[1])]
    rows = [header, *(list(row) for row in zip(*columns, strict=True))]
    check_characters("\n".join("\t".join(row) for row in rows), where=name)
    if len(rows) == 1 or not any(header):
        expected = "a data frame with columns and rows"
        raise FileFormatError(expected, found="an empty one", where=name)
    sheet = Sheet(file=name, rows=rows, comma_possible=True)
    long_sheet = to_long(sheet, find_layout(sheet, given=options.given()))
    return studies_of_sheets([long_sheet], options, label=name)


def _as_pandas(df: object) -> pd.DataFrame:
    """The frame as pandas has it, its named index as columns."""
    if isinstance(df, pd.DataFrame):
        frame = df
    elif hasattr(df, "to_pandas"):
        frame = df.to_pandas()
    elif hasattr(df, "__dataframe__"):
        with warnings.catch_warnings():
            # pandas prefers newer protocols; frames that have this one only are still taken.
            warnings.simplefilter("ignore", DeprecationWarning)
            frame = pd.api.interchange.from_dataframe(df)
    elif isinstance(df, Mapping):
        try:
            frame = pd.DataFrame(dict(df))
        except ValueError as error:
            expected = "columns of one length"
            raise InputError(expected, found=str(error)) from error
    else:
        expected = "a data frame, or a mapping of columns"
        raise InputError(expected, found=type(df).__name__)
    if not isinstance(frame, pd.DataFrame):
        expected = "a data frame"
        raise InputError(expected, found=type(frame).__name__)
    named = [level for level in frame.index.names if level is not None]
    return frame.reset_index(level=named) if named else frame


def _levels(label: object) -> tuple[object, ...]:
    """Parts of a column's label that say something."""
    parts = label if isinstance(label, tuple) else (label,)
    return tuple(part for part in parts if str(part).strip())


def _texts(column: pd.Series) -> list[str]:
    """Cells of a column as text; numbers as the shortest text that reads back to them."""
    values = column.astype(object).to_list()
    return ["" if missing else _text(v) for v, missing in zip(values, column.isna(), strict=True)]


def _text(value: object) -> str:
    """Text of a cell."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        return repr(float(value)).removesuffix(".0")
    if isinstance(value, pd.Timestamp):
        return value.isoformat().removesuffix(f"T{_MIDNIGHT}")
    return str(value)

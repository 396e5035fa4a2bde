"""Contracts of the tidy tables: their columns, dtypes and what a row must satisfy.

A table that leaves a reader satisfies its contract; code behind it need not check again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np

from oncovivo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from pandera.pandas import Check, Column, DataFrameSchema

__all__ = [
    "CHANGE_COLUMNS",
    "DOSE_COLUMNS",
    "EVENT_COLUMNS",
    "MARKER_COLUMNS",
    "MEASUREMENT_COLUMNS",
    "ChangeReason",
    "CheckedMeasurements",
    "TableName",
    "VolumeState",
    "check_measurements",
    "check_table",
    "measurements_contract",
]

VolumeState: TypeAlias = Literal["measured", "not_measured", "gone", "below_limit"]
TableName: TypeAlias = Literal["doses", "events", "markers", "changes"]
ChangeReason: TypeAlias = Literal[
    "length_below_width",
    "one_diameter_zero",
    "not_a_body_weight",
    "zero_read_as_missing",
    "below_limit_omitted",
    "repeated_animal_day",
]

MEASUREMENT_COLUMNS: Final[tuple[str, ...]] = (
    "animal_id",
    "day",
    "length_mm",
    "width_mm",
    "depth_mm",
    "area_mm2",
    "volume_mm3",
    "volume_state",
    "body_weight_g",
)
DOSE_COLUMNS: Final[tuple[str, ...]] = ("animal_id", "day", "compound", "dose_mg_per_kg", "route")
EVENT_COLUMNS: Final[tuple[str, ...]] = ("animal_id", "day", "event", "detail")
MARKER_COLUMNS: Final[tuple[str, ...]] = (
    "animal_id",
    "day",
    "analyte",
    "value",
    "unit",
    "assay",
    "compartment",
)
# What reading or a choice made of a cell; nothing is changed or left out in silence.
CHANGE_COLUMNS: Final[tuple[str, ...]] = (
    "animal_id",
    "day",
    "column",
    "found",
    "made",
    "reason",
)


@dataclass(frozen=True, slots=True)
class CheckedMeasurements:
    """Measurements that satisfy their contract, made by :func:`check_measurements` only.

    A file of many studies is checked once; each study then takes its rows as they are.

    Parameters
    ----------
    table : DataFrame
        With the columns of ``MEASUREMENT_COLUMNS``; not to be changed.
    """

    table: pd.DataFrame


def measurements_contract(*, grouped: bool = False) -> DataFrameSchema:
    """Contract of the measurements: one row per animal and day.

    ``volume_mm3`` depends on ``volume_state``: positive when ``measured``, zero when ``gone``, the
    limit itself when ``below_limit``, missing when ``not_measured``. An area of 0 is a tumor that
    is gone.

    Parameters
    ----------
    grouped : bool
        Whether a first column ``group`` tells studies apart, so that animals are unique in each.
    """
    from pandera.pandas import Check, Column, DataFrameSchema

    def volume_fits_state(table: pd.DataFrame) -> pd.Series[bool]:
        state, volume = table["volume_state"], table["volume_mm3"]
        fits: pd.Series[bool] = (
            (state.isin(["measured", "below_limit"]) & (volume > 0))
            | ((state == "gone") & (volume == 0))
            | ((state == "not_measured") & volume.isna())
        )
        return fits

    columns = {
        "animal_id": _text(),
        "day": Column(float, _finite_check()),
        "length_mm": _positive(),
        "width_mm": _positive(),
        "depth_mm": _positive(),
        "area_mm2": Column(
            float, [_finite_check(), Check.ge(0, error="0 or more")], nullable=True
        ),
        "volume_mm3": Column(float, _finite_check(), nullable=True),
        "volume_state": Column(
            str, Check.isin(get_args(VolumeState), error="a known volume state")
        ),
        "body_weight_g": _positive(),
    }
    group = {"group": Column("int64")} if grouped else {}
    return DataFrameSchema(
        {**group, **columns},
        checks=Check(
            volume_fits_state, name="volume_mm3", error="a volume that fits its volume_state"
        ),
        unique=[*group, "animal_id", "day"],
        strict=True,
        ordered=True,
    )


def check_measurements(
    table: pd.DataFrame, *, group: NDArray[np.int64] | None = None
) -> CheckedMeasurements:
    """The table, once it satisfies the contract of the measurements.

    Parameters
    ----------
    table : DataFrame
        With the columns of ``MEASUREMENT_COLUMNS``, in that order; ``area_mm2`` may be left out.
    group : ndarray, shape (n,), optional
        A number for each row's study, where the table holds several.

    Returns
    -------
    CheckedMeasurements
        A checked copy.

    Raises
    ------
    DataError
        If the contract is broken; names the first column and row, counted from 0.
    """
    table = _with_text_dtypes(table, ("animal_id", "volume_state"))
    if "area_mm2" not in table.columns and "depth_mm" in table.columns:
        place = list(table.columns).index("depth_mm") + 1
        table.insert(place, "area_mm2", np.full(len(table), np.nan))
    if group is None:
        return CheckedMeasurements(_validate(table, measurements_contract(), "measurements"))
    table.insert(0, "group", group.astype("int64"))
    checked = _validate(table, measurements_contract(grouped=True), "measurements")
    return CheckedMeasurements(checked.drop(columns="group"))


def check_table(name: TableName, table: pd.DataFrame) -> pd.DataFrame:
    """A table of doses, events, markers or changes, once it satisfies its contract.

    Parameters
    ----------
    name : TableName
        Which table.
    table : DataFrame
        With its columns, in order; text that is missing is an empty text.

    Returns
    -------
    DataFrame
        A checked copy, its rows numbered from 0.

    Raises
    ------
    DataError
        If the contract is broken; names the first column and row, counted from 0.
    """
    texts = [c for c in table.columns if c not in ("day", "dose_mg_per_kg", "value")]
    return _validate(_with_text_dtypes(table, texts).reset_index(drop=True), _contract(name), name)


def _contract(name: TableName) -> DataFrameSchema:
    """Contract of a table beside the measurements."""
    from pandera.pandas import Check, Column, DataFrameSchema

    optional_text = Column(str)
    number = Column(float, _finite_check(), nullable=True)
    contracts: dict[TableName, dict[str, Column]] = {
        "doses": {
            "animal_id": _text(),
            "day": Column(float, _finite_check()),
            "compound": _text(),
            "dose_mg_per_kg": Column(
                float, [_finite_check(), Check.ge(0, error="0 or more")], nullable=True
            ),
            "route": optional_text,
        },
        "events": {
            "animal_id": _text(),
            "day": Column(float, _finite_check()),
            "event": _text(),
            "detail": optional_text,
        },
        "markers": {
            "animal_id": _text(),
            "day": Column(float, _finite_check()),
            "analyte": _text(),
            "value": number,
            "unit": optional_text,
            "assay": optional_text,
            "compartment": optional_text,
        },
        "changes": {
            "animal_id": _text(),
            "day": Column(float, _finite_check()),
            "column": Column(str, Check.isin(MEASUREMENT_COLUMNS, error="a measured column")),
            "found": optional_text,
            "made": optional_text,
            "reason": Column(str, Check.isin(get_args(ChangeReason), error="a known reason")),
        },
    }
    return DataFrameSchema(contracts[name], strict=True, ordered=True)


def _text() -> Column:
    """Text that is not empty."""
    from pandera.pandas import Check, Column

    return Column(str, Check.str_length(min_value=1, error="not empty"))


def _positive() -> Column:
    """Number above zero, or missing."""
    from pandera.pandas import Check, Column

    return Column(float, [_finite_check(), Check.gt(0, error="positive")], nullable=True)


def _finite_check() -> Check:
    """Neither infinity; a missing value is the business of ``nullable``."""
    from pandera.pandas import Check

    return Check(lambda values: values.abs() != np.inf, error="finite")


def _with_text_dtypes(table: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    """A copy whose texts have the dtype that pandas gives to texts, rows or no rows."""
    import pandas as pd

    table = table.copy()
    for name in texts:
        if name in table.columns and table[name].dtype == object:
            dtype = str if table.empty else None
            table[name] = pd.Series(table[name].tolist(), index=table.index, dtype=dtype)
    return table


def _validate(table: pd.DataFrame, contract: DataFrameSchema, name: str) -> pd.DataFrame:
    """The table, its first failure as one line."""
    from pandera.errors import SchemaErrors

    try:
        return contract.validate(table, lazy=True)
    except SchemaErrors as error:
        failures = error.failure_cases.sort_values("index", kind="stable", na_position="first")
        first = failures.astype(object).where(failures.notna(), None).iloc[0]
        place = name
        if first["index"] is not None:
            place += f" row {first['index']}"
        cell = first["schema_context"] == "Column" and first["index"] is not None
        if cell:
            place += f", column {first['column']}"
        raise DataError(
            f"a table that satisfies: {first['check']}",
            found=str(first["failure_case"]) if cell or first["index"] is None else "",
            where=place,
        ) from error

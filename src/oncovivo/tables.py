"""Contracts of the tidy tables: their columns, dtypes and what a row must satisfy.

A table that leaves a reader satisfies its contract; code behind it need not check again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np

from oncovivo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import DataFrameSchema

__all__ = [
    "MEASUREMENT_COLUMNS",
    "VolumeState",
    "check_measurements",
    "measurements_contract",
]

VolumeState: TypeAlias = Literal["measured", "not_measured", "gone", "below_limit"]

MEASUREMENT_COLUMNS: Final[tuple[str, ...]] = (
    "animal_id",
    "day",
    "length_mm",
    "width_mm",
    "depth_mm",
    "volume_mm3",
    "volume_state",
    "body_weight_g",
)


def measurements_contract() -> DataFrameSchema:
    """Contract of the measurements: one row per animal and day.

    ``volume_mm3`` depends on ``volume_state``: positive when ``measured``, zero when ``gone``, the
    limit itself when ``below_limit``, missing when ``not_measured``.
    """
    from pandera.pandas import Check, Column, DataFrameSchema

    def positive(*, name: str) -> Column:
        return Column(
            float,
            [Check(_finite, error="finite"), Check.gt(0, error="positive")],
            nullable=True,
            name=name,
        )

    def volume_fits_state(table: pd.DataFrame) -> pd.Series[bool]:
        state, volume = table["volume_state"], table["volume_mm3"]
        fits: pd.Series[bool] = (
            (state.isin(["measured", "below_limit"]) & (volume > 0))
            | ((state == "gone") & (volume == 0))
            | ((state == "not_measured") & volume.isna())
        )
        return fits

    return DataFrameSchema(
        {
            "animal_id": Column(str, Check.str_length(min_value=1, error="not empty")),
            "day": Column(float, Check(_finite, error="finite")),
            "length_mm": positive(name="length_mm"),
            "width_mm": positive(name="width_mm"),
            "depth_mm": positive(name="depth_mm"),
            "volume_mm3": Column(float, Check(_finite, error="finite"), nullable=True),
            "volume_state": Column(
                str, Check.isin(get_args(VolumeState), error="a known volume state")
            ),
            "body_weight_g": positive(name="body_weight_g"),
        },
        checks=Check(
            volume_fits_state, name="volume_mm3", error="a volume that fits its volume_state"
        ),
        unique=["animal_id", "day"],
        strict=True,
        ordered=True,
    )


def _finite(values: pd.Series[float]) -> pd.Series[bool]:
    """Neither infinity; a missing value is the business of ``nullable``."""
    return values.abs() != np.inf


def check_measurements(table: pd.DataFrame) -> pd.DataFrame:
    """The table, once it satisfies the contract of the measurements.

    Parameters
    ----------
    table : DataFrame
        With the columns of ``MEASUREMENT_COLUMNS``, in that order.

    Returns
    -------
    DataFrame
        A checked copy.

    Raises
    ------
    DataError
        If the contract is broken; names the first column and row, counted from 0.
    """
    from pandera.errors import SchemaErrors

    try:
        return measurements_contract().validate(table.copy(), lazy=True)
    except SchemaErrors as error:
        failures = error.failure_cases.sort_values("index", kind="stable", na_position="first")
        first = failures.astype(object).where(failures.notna(), None).iloc[0]
        place = "measurements"
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

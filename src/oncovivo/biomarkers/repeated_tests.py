"""An assay read on the same days in each arm: F tests of days, arms, and their interaction.

Each arm has a mean of its own on each day, so that no course over time is assumed; animals, and
tumors within them, have random levels. Questions are about means of means (type III): arms
averaged over days with equal shares, days averaged over arms.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.marker_table import MarkerTable
from oncovivo.biomarkers.repeated_readings import (
    PreparedReadings,
    SmallSample,
    check_method,
    prepared_readings,
)
from oncovivo.errors import DataError
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.satterthwaite import Satterthwaite

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CourseQuestion", "CourseTest", "CourseTests", "course_f_test"]

FloatArray: TypeAlias = NDArray[np.float64]
CourseQuestion: TypeAlias = Literal["day", "arm", "day x arm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseTest:
    """One question about a course.

    Parameters
    ----------
    question : {"day", "arm", "day x arm"}
        Whether the days, the arms, or the differences of arms from day to day are equal.
    statistic : float
        F.
    df, df_residual : float
        Degrees of freedom.
    p_value : float
        Chance of a larger F.
    method : {"satterthwaite", "kenward_roger"}
        Of the degrees of freedom.
    """

    question: CourseQuestion
    statistic: float
    df: float
    df_residual: float
    p_value: float
    method: SmallSample


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseTests:
    """Tests of days, arms and interaction.

    Parameters
    ----------
    analyte, control : str
        What was measured, and the first arm.
    days : tuple of float
        Days.
    tests : tuple of CourseTest
        The three.
    remarks : tuple of str
        What is to be known of readings and fit.
    """

    analyte: str
    control: str
    days: tuple[float, ...]
    tests: tuple[CourseTest, ...]
    remarks: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each question."""
        import pandas as pd

        return pd.DataFrame([asdict(test) for test in self.tests])


def course_f_test(
    table: MarkerTable,
    analyte: str,
    *,
    control: str,
    assay: str | None = None,
    compartment: str | None = None,
    scale: Literal["log", "linear"] = "linear",
    method: SmallSample = "kenward_roger",
) -> CourseTests:
    """F tests of days, arms and their interaction.

    Parameters
    ----------
    table : MarkerTable
        Of one line, with animal ids, arms and days.
    analyte : str
        What was measured.
    control : str
        One of the arms.
    assay, compartment : str, optional
        Needed where the table has the analyte by several assays or in several compartments.
    scale : {"log", "linear"}
        Whether logarithms are taken.
    method : {"satterthwaite", "kenward_roger"}
        Degrees of freedom.

    Raises
    ------
    InputError
        As :func:`oncovivo.biomarkers.fit_course`.
    DataError
        As there, or if an arm has no reading on a day that others have.
    """
    check_method(method)
    readings = prepared_readings(
        table, analyte, control=control, assay=assay, compartment=compartment, scale=scale
    )
    days = np.unique(readings.day)
    if days.size < 2:
        raise DataError("readings on two or more days", found="one", where=table.name)
    x = _cells(readings, days, table.name)
    fit = readings.fit(x)
    inference: Satterthwaite | KenwardRoger = (
        KenwardRoger(fit.derivatives)
        if method == "kenward_roger"
        else Satterthwaite(fit.derivatives, fit.observed_information)
    )
    by_day, by_arm = _steps(days.size), _steps(len(readings.arms))
    mean_day = np.full((1, days.size), 1 / days.size)
    mean_arm = np.full((1, len(readings.arms)), 1 / len(readings.arms))
    questions: dict[CourseQuestion, FloatArray] = {
        "day": np.kron(by_day, mean_arm),
        "arm": np.kron(mean_day, by_arm),
        "day x arm": np.asarray(np.kron(by_day, by_arm), dtype=np.float64),
    }
    tests = []
    for question, weights in questions.items():
        found = inference.f_test(weights, fit.coefficients)
        tests.append(
            CourseTest(
                question=question,
                statistic=found.statistic,
                df=found.df_numerator,
                df_residual=found.df_denominator,
                p_value=found.p_value,
                method=method,
            )
        )
    return CourseTests(
        analyte=analyte,
        control=control,
        days=tuple(days.tolist()),
        tests=tuple(tests),
        remarks=tuple(readings.remarks(fit)),
    )


def _cells(readings: PreparedReadings, days: FloatArray, name: str) -> FloatArray:
    """A column for each day and arm, arms within days."""
    arm = readings.arm[readings.unit]
    cell = np.searchsorted(days, readings.day) * len(readings.arms) + arm
    counts = np.bincount(cell, minlength=days.size * len(readings.arms))
    if not counts.all():
        day, own = divmod(int(np.flatnonzero(counts == 0)[0]), len(readings.arms))
        found = f"none of '{readings.arms[own]}' on day {days[day]:g}"
        raise DataError(
            "readings of each arm on each day",
            found=found,
            where=name,
            mend="leave the day out, or fit lines (fit_course)",
        )
    return np.asarray(np.eye(counts.size)[cell])


def _steps(count: int) -> FloatArray:
    """Each level less the one before it."""
    return np.diff(np.eye(count), axis=0)

"""An assay read week after week: a mixed model with tumors within animals.

The mean is a line over time in each arm; animals, and tumors of one animal where the table has
them, have random levels. Degrees of freedom are Satterthwaite's or Kenward and Roger's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.marker_table import MarkerSelection, MarkerTable
from oncovivo.biomarkers.quantification import check_level, t_quantile
from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.errors import DataError, InputError
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.engine import EngineFit, Problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.satterthwaite import Satterthwaite

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CourseFit", "CourseTerm", "SmallSample", "fit_course"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
SmallSample: TypeAlias = Literal["satterthwaite", "kenward_roger"]

_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseTerm:
    """A coefficient of the mean.

    Parameters
    ----------
    term : str
        ``intercept`` and ``slope`` of the control; ``ARM`` and ``ARM slope`` are differences of
        an arm from it.
    estimate, std_error : float
        In the unit of the assay, slopes by day.
    df : float
        Degrees of freedom.
    lower, upper : float
        t interval.
    p_value : float
        That it is 0, two-sided.
    """

    term: str
    estimate: float
    std_error: float
    df: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFit:
    """A fitted course.

    Parameters
    ----------
    analyte, assay, unit : str
        What was measured and how.
    control : str
        Arm that others are compared with.
    terms : tuple of CourseTerm
        Mean.
    animal_variance : float
        Of the levels of animals.
    tumor_variance : float or None
        Of the levels of tumors within animals; None where no animal has several.
    residual_variance : float
        Of readings of one tumor.
    log_likelihood : float
        Restricted, as lme4 has it.
    method : {"satterthwaite", "kenward_roger"}
        Of standard errors and degrees of freedom.
    n, n_animals, n_tumors : int
        Readings, animals and tumors that entered.
    n_left_out : int
        Readings known by a limit only or not taken.
    level : float
        Confidence of the intervals.
    status : EndpointStatus
        ``flagged`` where there is something to know.
    reason : str
        What; empty when ``ok``.
    """

    analyte: str
    assay: str
    unit: str
    control: str
    terms: tuple[CourseTerm, ...]
    animal_variance: float
    tumor_variance: float | None
    residual_variance: float
    log_likelihood: float
    method: SmallSample
    n: int
    n_animals: int
    n_tumors: int
    n_left_out: int
    level: float
    status: EndpointStatus
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row for each term."""
        import pandas as pd

        return pd.DataFrame([asdict(term) for term in self.terms])

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def fit_course(
    table: MarkerTable,
    analyte: str,
    *,
    control: str,
    assay: str | None = None,
    compartment: str | None = None,
    scale: Literal["log", "linear"] = "linear",
    method: SmallSample = "kenward_roger",
    level: float = 0.95,
) -> CourseFit:
    """A line over time in each arm, with random levels of animals and of tumors within them.

    Readings enter one by one: replicates and fields must have been averaged, or be the readings.

    Parameters
    ----------
    table : MarkerTable
        Of one line, with animal ids, arms and days.
    analyte : str
        What was measured.
    control : str
        Arm that others are compared with.
    assay, compartment : str, optional
        Needed where the table has the analyte by several assays or in several compartments.
    scale : {"log", "linear"}
        Whether logarithms are taken.
    method : {"satterthwaite", "kenward_roger"}
        Standard errors and degrees of freedom.
    level : float
        Confidence, between 0 and 1.

    Raises
    ------
    InputError
        If the analyte or the control is not there, a choice is unknown, or on the log scale a
        value is not above 0.
    DataError
        If there are several lines, no animal ids, fewer than two arms, an arm of one animal or
        without two days, or readings that the mean explains without rest.

    Notes
    -----
    Readings known by a limit only are left out and said: where there are many, use
    :func:`percent_inhibition` by day.
    """
    check_level(level)
    check_method(method)
    readings = prepared_readings(
        table, analyte, control=control, assay=assay, compartment=compartment, scale=scale
    )
    x = _columns(readings.day, readings.arm[readings.unit], len(readings.arms))
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise DataError("two or more days in each arm", found="one", where=table.name)
    fit = readings.fit(x)
    inference: Satterthwaite | KenwardRoger = (
        KenwardRoger(fit.derivatives)
        if method == "kenward_roger"
        else Satterthwaite(fit.derivatives, fit.observed_information)
    )
    errors = np.sqrt(np.diag(inference.covariance))
    freedom = inference.df(np.eye(x.shape[1]))
    own = float(fit.random_covariance[0, 0])
    remarks = readings.remarks(fit)
    nested = readings.nested
    return CourseFit(
        analyte=analyte,
        assay=readings.selection.assay.name,
        unit="log" if scale == "log" else readings.selection.unit,
        control=control,
        terms=tuple(
            _term(name, float(b), float(se), float(df), level)
            for name, b, se, df in zip(
                _names(readings.arms), fit.coefficients, errors, freedom, strict=True
            )
        ),
        animal_variance=float(fit.group_variances["animal"]) if nested else own,
        tumor_variance=own if nested else None,
        residual_variance=float(fit.residual_variance[0]),
        log_likelihood=fit.log_likelihood,
        method=method,
        n=readings.y.size,
        n_animals=readings.n_animals,
        n_tumors=readings.n_tumors,
        n_left_out=readings.n_left_out,
        level=level,
        status="flagged" if remarks else "ok",
        reason="; ".join(remarks),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedReadings:
    """Readings as arrays, tumor by tumor.

    Parameters
    ----------
    selection : MarkerSelection
        Of what.
    y, day : ndarray, shape (m,)
        Readings and their days.
    unit : ndarray of int, shape (m,)
        Tumor, or animal where none has several, rising from 0.
    arm, host : ndarray of int, shape (n,)
        Arm and animal of each unit.
    arms : tuple of str
        Control first.
    nested : bool
        Whether units are tumors within animals.
    n_animals, n_tumors, n_left_out : int
        How many.
    """

    selection: MarkerSelection
    y: FloatArray
    day: FloatArray
    unit: IntArray
    arm: IntArray
    host: IntArray
    arms: tuple[str, ...]
    nested: bool
    n_animals: int
    n_tumors: int
    n_left_out: int

    def fit(self, x: FloatArray) -> EngineFit:
        """Random levels of animals, and of tumors within them, about a mean with columns `x`."""
        problem = Problem(
            y=self.y,
            x=x,
            time=self.day,
            animal=self.unit,
            arm=self.arm,
            groups={"animal": self.host} if self.nested else {},
            random="intercept",
        )
        return fit_dense(problem)

    def remarks(self, fit: EngineFit) -> list[str]:
        """What is to be known of readings and fit."""
        remarks = []
        if self.n_left_out:
            remarks.append(f"{self.n_left_out} readings without a value or a day are left out")
        if fit.singular:
            remarks.append("a variance of animals or tumors is 0")
        if not fit.converged:
            remarks.append("the search did not converge")
        return remarks


def check_method(method: SmallSample) -> None:
    """Refuse a method that is none.

    Raises
    ------
    InputError
        If it is unknown.
    """
    if method not in ("satterthwaite", "kenward_roger"):
        raise InputError("a method: satterthwaite or kenward_roger", found=repr(method))


def prepared_readings(
    table: MarkerTable,
    analyte: str,
    *,
    control: str,
    assay: str | None,
    compartment: str | None,
    scale: Literal["log", "linear"],
) -> PreparedReadings:
    """Readings of one analyte as arrays.

    Raises
    ------
    InputError, DataError
        As :func:`fit_course`.
    """
    if scale not in ("log", "linear"):
        raise InputError("a scale: log or linear", found=repr(scale))
    selection = table.find(analyte, assay=assay, compartment=compartment)
    if selection.assay.scale in ("ordinal", "cycles"):
        found = selection.assay.words
        raise InputError("an assay with distances", found=found, where=table.name)
    frame = table.readings(selection)
    kept = frame[(frame["value_state"] == "measured") & frame["day"].notna()]
    _check_rows(kept, control, table.name)
    y = kept["value"].to_numpy(dtype=np.float64)
    if scale == "log":
        if (y <= 0).any():
            found = f"{y[y <= 0][0]:g}"
            raise InputError("values above 0 on the log scale", found=found, where=table.name)
        y = np.log(y)
    arms = (control, *sorted(set(kept["arm"]) - {control}))
    animal, animals = _numbered(kept["animal_id"].tolist())
    tumor, tumors = _numbered(list(zip(kept["animal_id"], kept["tumor_id"], strict=True)))
    nested = len(tumors) > len(animals)
    unit = tumor if nested else animal
    arm_of = np.zeros(int(unit.max()) + 1, dtype=np.intp)
    arm_of[unit] = [arms.index(arm) for arm in kept["arm"]]
    host = np.zeros(int(unit.max()) + 1, dtype=np.intp)
    host[unit] = animal
    order = np.argsort(unit, kind="stable")
    return PreparedReadings(
        selection=selection,
        y=y[order],
        day=kept["day"].to_numpy(dtype=np.float64)[order],
        unit=unit[order],
        arm=arm_of,
        host=host,
        arms=arms,
        nested=nested,
        n_animals=len(animals),
        n_tumors=len(tumors),
        n_left_out=len(frame) - len(kept),
    )


def _check_rows(kept: pd.DataFrame, control: str, name: str) -> None:
    """Refuse readings that cannot carry the model."""
    if kept.empty:
        raise DataError("measured readings with a day", found="none", where=name)
    if len(kept) > _MOST_ROWS:
        expected = f"at most {_MOST_ROWS:,} readings"
        raise DataError(expected, found=f"{len(kept):,}", where=name)
    lines = sorted(set(kept["line"]))
    if len(lines) > 1:
        raise DataError("readings of one line", found=", ".join(lines[:6]), where=name)
    if (kept["animal_id"] == "").any():
        raise DataError("the animal of each reading", found="a blank animal id", where=name)
    arms = sorted(set(kept["arm"]))
    if control not in arms or not control:
        expected = "a control arm of the table: " + ", ".join(filter(None, arms))
        raise InputError(expected, found=repr(control), where=name)
    if len(arms) < 2 or "" in arms:
        raise DataError("two or more arms, each named", found=", ".join(arms), where=name)
    for arm in arms:
        animals = kept.loc[kept["arm"] == arm, "animal_id"].nunique()
        if animals < 2:
            raise DataError(f"two or more animals in arm '{arm}'", found="one", where=name)


def _numbered(labels: Sequence[object]) -> tuple[IntArray, list[object]]:
    """Number of each label, in the order of the sorted table, from 0."""
    known: dict[object, int] = {}
    numbers = [known.setdefault(label, len(known)) for label in labels]
    return np.array(numbers, dtype=np.intp), list(known)


def _columns(day: FloatArray, arm: IntArray, n_arms: int) -> FloatArray:
    """Intercept and day of the control, differences of levels, differences of slopes."""
    levels = [(arm == number).astype(np.float64) for number in range(1, n_arms)]
    slopes = [level * day for level in levels]
    return np.column_stack((np.ones_like(day), day, *levels, *slopes))


def _names(arms: Sequence[str]) -> list[str]:
    return ["intercept", "slope", *arms[1:], *(f"{arm} slope" for arm in arms[1:])]


def _term(name: str, estimate: float, error: float, df: float, level: float) -> CourseTerm:
    """A coefficient with its interval."""
    from scipy.special import stdtr

    reach = t_quantile(level, df) * error
    return CourseTerm(
        term=name,
        estimate=estimate,
        std_error=error,
        df=df,
        lower=estimate - reach,
        upper=estimate + reach,
        p_value=min(1.0, float(2 * stdtr(df, -math.fabs(estimate) / error))),
    )

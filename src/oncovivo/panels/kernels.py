"""All curves of a panel at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from oncovivo.endpoints.curves import BoolArray, FloatArray, Readings, pad_by_length
from oncovivo.endpoints.mrecist import BestResponses, Rule
from oncovivo.endpoints.mrecist_calls import MrecistCalls, call_mrecist

__all__ = ["CurveAreas", "curve_areas", "panel_calls"]

# Curves in one matrix: their working arrays then stay in a processor's cache.
CHUNK: Final = 1024


def panel_calls(
    readings: Readings,
    *,
    rule: Rule = "published_text",
    progressed: BoolArray | None = None,
    chunk: int = CHUNK,
) -> MrecistCalls:
    """Categories of all animals, computed over matrices of curves of similar length.

    Parameters
    ----------
    readings : Readings
        Of n animals.
    rule : {"published_text", "published_table"}
        Which readings count.
    progressed : ndarray of bool, shape (n,), optional
        Whether an animal left because of its tumor.
    chunk : int
        Curves in one matrix; changes speed and memory, never a result.
    """
    n = readings.n
    best_pct, best_day, average_pct, average_day, cured = (np.full(n, np.nan) for _ in range(5))
    n_late = np.zeros(n, dtype=np.intp)
    category, response = (np.full(n, -1, dtype=np.int8) for _ in range(2))
    others = np.full((n, 2), -1, dtype=np.int8)
    depends = np.zeros(n, dtype=bool)
    for rows, day, volume in pad_by_length(readings, chunk=chunk):
        part = call_mrecist(
            day, volume, rule=rule, progressed=None if progressed is None else progressed[rows]
        )
        best_pct[rows], best_day[rows] = part.best.best_pct, part.best.best_day
        average_pct[rows], average_day[rows] = part.best.average_pct, part.best.average_day
        n_late[rows], category[rows] = part.best.n_late, part.best.category
        response[rows], cured[rows] = part.response, part.cured_day
        others[rows], depends[rows] = part.others, part.depends_on_schedule
    return MrecistCalls(
        best=BestResponses(
            best_pct=best_pct,
            best_day=best_day,
            average_pct=average_pct,
            average_day=average_day,
            n_late=n_late,
            category=category,
        ),
        response=response,
        cured_day=cured,
        others=others,
        depends_on_schedule=depends,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveAreas:
    """Areas under n curves; NaN below two readings.

    Parameters
    ----------
    auc : ndarray, shape (n,)
        Trapezoid of the volume over days from the baseline reading to the last, mm³·day.
    normalized : ndarray, shape (n,)
        That over the days it spans, mm³: raw areas of animals followed for different times cannot
        be compared.
    """

    auc: FloatArray
    normalized: FloatArray


def curve_areas(readings: Readings) -> CurveAreas:
    """Areas under the curves of volume, by the trapezoid rule.

    Parameters
    ----------
    readings : Readings
        Of n animals.
    """
    n = readings.n
    width, height = np.diff(readings.day), readings.volume[1:] + readings.volume[:-1]
    animal = np.repeat(np.arange(n), readings.length)
    same = animal[1:] == animal[:-1]
    area = np.bincount(animal[1:][same], weights=0.5 * (width * height)[same], minlength=n)
    span = np.bincount(animal[1:][same], weights=width[same], minlength=n)
    enough = readings.length > 1
    auc = np.where(enough, area, np.nan)
    return CurveAreas(auc=auc, normalized=auc / np.where(enough, span, np.nan))

"""Responses of a panel: from curves to one row for each animal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import pandas as pd

from oncovivo.endpoints.curves import BoolArray, FloatArray, IntArray, Readings
from oncovivo.endpoints.mrecist import CATEGORIES, NO_CATEGORY, CodeArray, Rule
from oncovivo.endpoints.mrecist_calls import (
    PROGRESSION,
    MrecistCalls,
    mrecist_reason,
    remarks_on_curve,
    why_no_category,
)
from oncovivo.panels.kernels import curve_areas, panel_calls
from oncovivo.panels.panel import LABELS, Panel, TextArray
from oncovivo.panels.reading import read_panel
from oncovivo.panels.result import PanelResult

if TYPE_CHECKING:
    from oncovivo.studies import LeavingReason, Study

__all__ = ["PanelSource", "compute_panel"]

PanelSource: TypeAlias = "Panel | pd.DataFrame | Sequence[Study] | Path | str"


def compute_panel(
    source: PanelSource, *, rule: Rule = "published_text", baseline_day: float | None = None
) -> PanelResult:
    """Response of every animal of a panel, and summaries by treatment, line and tumor type.

    An animal without a reading on its baseline day takes its last earlier one, else its first
    later one as baseline, and is flagged; its clock starts on the baseline day all the same.

    Parameters
    ----------
    source : Panel, DataFrame, sequence of Study, or path
        The curves; a path is read as :func:`oncovivo.studies.read_study` does.
    rule : {"published_text", "published_table"}
        Which readings mRECIST counts.
    baseline_day : float, optional
        Study day on which treatment began, for all lines; without it what the studies declare,
        else each line's first day with readings of 80 % of its animals.

    Raises
    ------
    InputError
        If the rule is unknown.
    DataError
        If the rows contradict each other, or a file read here holds zeros that look like padding.
    FileFormatError
        If a file cannot be read.
    """
    panel = _panel(source)
    start, guessed = panel.baseline_days(baseline_day)
    readings = panel.readings(start)
    calls = panel_calls(readings, rule=rule, progressed=np.isin(panel.end_reason, PROGRESSION))
    areas = curve_areas(readings)
    first, last = readings.start[:-1], np.maximum(readings.start[1:] - 1, 0)
    has_reading, has_later = readings.length > 0, readings.length > 1
    begin = _taken(readings.volume, first, has_reading)
    end = _taken(readings.volume, last, has_later)
    change = np.full(panel.n, np.nan)
    np.divide(100.0 * (end - begin), begin, out=change, where=begin > 0)
    table = pd.DataFrame(panel.labels)[list(LABELS)]
    table["baseline_day"] = _taken(readings.day, first, has_reading) + start
    table["baseline_volume_mm3"] = begin
    table["n_readings"] = readings.length
    table["last_day"] = _taken(readings.day, last, has_reading) + start
    table["end_reason"] = panel.end_reason
    table["best_response_pct"] = calls.best.best_pct
    table["best_response_day"] = calls.best.best_day + start
    table["best_average_response_pct"] = calls.best.average_pct
    table["best_average_response_day"] = calls.best.average_day + start
    table["end_change_pct"] = change
    table["auc_mm3_day"] = areas.auc
    table["normalized_auc_mm3"] = areas.normalized
    table["mrecist"] = _words(calls.best.category)
    table["response"] = _words(calls.response)
    table["cured_day"] = calls.cured_day + start
    table["depends_on_schedule"] = calls.depends_on_schedule
    reasons, flagged = _reasons(panel, readings, calls, start, guessed)
    table["status"] = np.where(
        calls.response == NO_CATEGORY, "not_estimable", np.where(flagged, "flagged", "ok")
    ).astype(object)
    table["reason"] = reasons
    return PanelResult(
        rule=rule, baseline_day=baseline_day, simulated=panel.simulated, table=table
    )


def _panel(source: PanelSource) -> Panel:
    """The panel of a source."""
    if isinstance(source, Panel):
        return source
    if isinstance(source, pd.DataFrame):
        return Panel.from_frame(source)
    if isinstance(source, str | Path):
        return read_panel(source)
    return Panel.from_studies(source)


def _taken(
    values: FloatArray,
    at: IntArray,
    exists: BoolArray,
) -> FloatArray:
    """Values at places, NaN where there is none."""
    taken = np.full(at.size, np.nan)
    taken[exists] = values[at[exists]]
    return taken


def _words(codes: CodeArray) -> TextArray:
    """Categories in words, None where there is none."""
    return np.array([*CATEGORIES, None], dtype=object)[codes]


def _reasons(
    panel: Panel,
    readings: Readings,
    calls: MrecistCalls,
    start: FloatArray,
    guessed: BoolArray,
) -> tuple[list[str], BoolArray]:
    """Sentence of each animal, and whether something in it needs a look."""
    reasons: list[str] = []
    flagged = np.zeros(panel.n, dtype=bool)
    for i in range(panel.n):
        own = slice(int(readings.start[i]), int(readings.start[i + 1]))
        offset = float(start[i])
        early = ""
        if calls.best.category[i] == NO_CATEGORY:
            why = cast("LeavingReason", panel.end_reason[i])
            early = why_no_category(readings.day[own], readings.volume[own], offset, why)
        remarks = remarks_on_curve(readings, own, offset, n_late=int(calls.best.n_late[i]))
        if guessed[i]:
            remarks.append(
                f"no day with readings of 80 % of the line's animals: day {offset:g} has the most"
            )
        reasons.append("; ".join([mrecist_reason(calls, i, offset=offset, early=early), *remarks]))
        flagged[i] = bool(
            remarks or calls.response[i] != calls.best.category[i] or calls.depends_on_schedule[i]
        )
    return reasons, flagged

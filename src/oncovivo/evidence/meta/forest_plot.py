"""A forest of effects: rows with weights and facts, subgroups, the pooled effect, its prediction.

It draws what was computed and computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from oncovivo.errors import InputError
from oncovivo.evidence.meta.plot_frame import (
    MEASURE_WORDS,
    SIDE_WORDS,
    cut_limits,
    effect_axis,
    effect_text,
    head_lines,
    inches,
    say,
    shortened,
    write_head,
)
from oncovivo.evidence.meta.types import LOG_MEASURES, Measure
from oncovivo.figures.theme import PALETTE, TEXT_COLOR, new_figure, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ForestRow", "ForestSummary", "plot_forest"]

_ROW_COLOR: Final = PALETTE[0]
_POOLED_COLOR: Final = PALETTE[1]
_PREDICTION_COLOR: Final = PALETTE[2]
# Inches.
_FOREST: Final = 2.9
_LINE: Final = 0.225
_GAP: Final = 0.14
_NUMBERS: Final = 1.45
_WEIGHTS: Final = 0.55
_BELOW: Final = 0.72
_LONGEST_FACT: Final = 18
# Markers of the lightest and of the heaviest row, points.
_SMALLEST: Final = 2.6
_LARGEST: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """One row of a forest.

    Parameters
    ----------
    label : str
        Name.
    estimate, lower, upper : float
        Effect and its limits; of a ratio, logarithms.
    weight : float or None
        Share in the pooled effect, a fraction.
    group : str
        Subgroup; empty where there are none.
    facts : mapping of str to str
        What stands beside the name, by heading.
    """

    label: str
    estimate: float
    lower: float
    upper: float
    weight: float | None = None
    group: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestSummary:
    """A pooled effect of a forest.

    Parameters
    ----------
    label : str
        What was pooled.
    k : int
        Rows.
    estimate, lower, upper : float
        Effect and its limits; of a ratio, logarithms.
    pi_lower, pi_upper : float or None
        Prediction interval.
    robust_lower, robust_upper : float or None
        Cluster-robust limits.
    words : str
        How it was pooled.
    """

    label: str
    k: int
    estimate: float
    lower: float
    upper: float
    pi_lower: float | None = None
    pi_upper: float | None = None
    robust_lower: float | None = None
    robust_upper: float | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of the forest: a row, a pooled effect, its prediction, or a heading."""

    kind: Literal["row", "pooled", "all", "robust", "prediction", "heading"]
    label: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    weight: float | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def plot_forest(
    rows: Sequence[ForestRow],
    summary: ForestSummary,
    *,
    subgroups: Mapping[str, ForestSummary] | None = None,
    measure: Measure,
    level: float = 0.95,
    note: str = "",
) -> Figure:
    """Effects of the rows, of subgroups and of all, with a prediction interval.

    Parameters
    ----------
    rows : sequence of ForestRow
        From the top; none where they are too many to be drawn.
    summary : ForestSummary
        All rows pooled.
    subgroups : mapping of str to ForestSummary, optional
        Pooled effect of each group, drawn of two rows or more; rows are ordered by group.
    measure : str
        What the numbers are.
    level : float
        Confidence of all limits.
    note : str
        A line for the head.

    Raises
    ------
    InputError
        If a row is of a group that has no pooled effect.
    """
    pooled = dict(subgroups or {})
    unknown = sorted({row.group for row in rows} - {*pooled}) if pooled else []
    if unknown:
        raise InputError("a pooled effect of each group", found=f"none of {unknown[0]!r}")
    lines = _lines(rows, summary, pooled)
    log = measure in LOG_MEASURES
    headings = list(dict.fromkeys(name for row in rows for name in row.facts))
    facts = [
        (
            name,
            inches([name.replace("_", " "), *(_fact(line, name) for line in lines)]),
        )
        for name in headings
    ]
    names = inches([line.label for line in lines], weight="bold") + (0.12 if pooled else 0.0)
    left = 0.15 + names + sum(width + _GAP for _, width in facts) + _GAP
    width = left + _FOREST + _NUMBERS + _WEIGHTS + 0.15
    percent = f"{100 * level:g} %"
    said = [one for one in (summary.words, note) if one]
    drawn = [f"bars and diamonds: {percent} limits"]
    if rows:
        drawn.append("squares grow with the weight")
    if summary.pi_lower is not None:
        drawn.append(f"hatched: {percent} of true effects of new studies (prediction interval)")
    broken, head = head_lines([*said, "; ".join(drawn)], width)
    high = _LINE * len(lines)
    height = head + 0.3 + high + _BELOW
    with themed():
        figure = new_figure(width=width, height=height)
        write_head(figure, _title(measure, summary.k), broken)
        box = (left / width, _BELOW / height, _FOREST / width, high / height)
        ax = figure.add_axes(box)
        ends = _ends(lines)
        _dress(ax, measure, ends, len(lines), high)
        heaviest = max((line.weight or 0.0 for line in lines), default=0.0)
        for place, line in enumerate(lines):
            _draw(ax, line, place, ends, heaviest)
            _write(ax, line, place, facts, names, left, log=log, grouped=bool(pooled))
        _headings(ax, facts, names, left, high, percent, weights=heaviest > 0)
        center = summary.estimate
        if ends[0] <= center <= ends[1]:
            ax.axvline(center, color=_POOLED_COLOR, linewidth=0.8, linestyle=":", zorder=1)
    return figure


def _title(measure: Measure, k: int) -> str:
    """What is drawn."""
    words = MEASURE_WORDS[measure]
    pooled = "1 row" if k == 1 else f"{k} rows pooled"
    return f"{words[0].upper()}{words[1:]}: {pooled}"


def _lines(
    rows: Sequence[ForestRow], summary: ForestSummary, pooled: Mapping[str, ForestSummary]
) -> list[_Line]:
    """All lines from the top."""
    found: list[_Line] = []
    if pooled:
        for name, one in pooled.items():
            members = [row for row in rows if row.group == name]
            if members:
                found.append(_Line(kind="heading", label=shortened(name)))
                found += [_row_line(row) for row in members]
            if members and one.k == 1:
                continue
            label = f"pooled, {one.k} {'row' if one.k == 1 else 'rows'}"
            found.append(
                _Line(
                    kind="pooled",
                    label=label if members else f"{shortened(name)}: {label}",
                    estimate=one.estimate,
                    lower=one.lower,
                    upper=one.upper,
                )
            )
    else:
        found += [_row_line(row) for row in rows]
    found.append(
        _Line(
            kind="all",
            label=f"{summary.label}, {summary.k} {'row' if summary.k == 1 else 'rows'}",
            estimate=summary.estimate,
            lower=summary.lower,
            upper=summary.upper,
        )
    )
    if summary.robust_lower is not None and summary.robust_upper is not None:
        found.append(
            _Line(
                kind="robust",
                label="cluster-robust limits",
                estimate=summary.estimate,
                lower=summary.robust_lower,
                upper=summary.robust_upper,
            )
        )
    if summary.pi_lower is not None and summary.pi_upper is not None:
        found.append(
            _Line(
                kind="prediction",
                label="prediction interval",
                lower=summary.pi_lower,
                upper=summary.pi_upper,
            )
        )
    return found


def _row_line(row: ForestRow) -> _Line:
    return _Line(
        kind="row",
        label=shortened(row.label),
        estimate=row.estimate,
        lower=row.lower,
        upper=row.upper,
        weight=row.weight,
        facts=row.facts,
    )


def _fact(line: _Line, name: str) -> str:
    """A fact as shown; a dash where the table says nothing."""
    if line.kind != "row":
        return ""
    return shortened(line.facts.get(name, "") or "–", _LONGEST_FACT)


def _ends(lines: Sequence[_Line]) -> tuple[float, float]:
    """Ends of the axis; what all rows say is shown whole, and so is everything without rows."""
    centers = [line.estimate for line in lines if line.estimate is not None]
    rows = any(line.kind == "row" for line in lines)
    for line in lines:
        if line.lower is not None and line.upper is not None and (line.kind == "all" or not rows):
            centers += [line.lower, line.upper]
    limits = [one for line in lines for one in (line.lower, line.upper) if one is not None]
    return cut_limits(centers, [one for one in limits if math.isfinite(one)])


def _dress(ax: Axes, measure: Measure, ends: tuple[float, float], count: int, high: float) -> None:
    """Axis of effects, the line of no difference, and what its sides mean."""
    ax.grid(visible=False)
    ax.axvline(0.0, color=TEXT_COLOR, linewidth=0.9, linestyle="--", zorder=1)
    ax.set_ylim(count - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    effect_axis(ax, measure, ends)
    middle = (0.0 - ends[0]) / (ends[1] - ends[0])
    below = -0.58 / high
    for words, place, align in (
        (SIDE_WORDS[measure][0], middle - 0.02, "right"),
        (SIDE_WORDS[measure][1], middle + 0.02, "left"),
    ):
        room = (middle if align == "right" else 1 - middle) * _FOREST
        arrow = f"← {words}" if align == "right" else f"{words} →"
        if words and inches([arrow]) < room + 0.5:
            say(
                ax,
                place,
                below,
                arrow,
                transform=ax.transAxes,
                align="right" if align == "right" else "left",
            )


def _draw(ax: Axes, line: _Line, place: int, ends: tuple[float, float], heaviest: float) -> None:
    """Bar and square of a row, diamond of a pooled effect, hatched bar of a prediction."""
    if line.lower is None or line.upper is None:
        return
    low, high = max(line.lower, ends[0]), min(line.upper, ends[1])
    color = _ROW_COLOR
    if line.kind == "prediction":
        color = _PREDICTION_COLOR
        ax.barh(
            place,
            high - low,
            left=low,
            height=0.34,
            facecolor="white",
            edgecolor=color,
            hatch="////",
            linewidth=0.8,
        )
    elif line.kind in ("pooled", "all", "robust") and line.estimate is not None:
        color = _POOLED_COLOR
        ax.fill(
            [low, line.estimate, high, line.estimate],
            [place, place - 0.32, place, place + 0.32],
            facecolor=color if line.kind == "all" else "white",
            edgecolor=color,
            linewidth=1.0,
            zorder=3,
        )
    elif line.estimate is not None:
        ax.plot([low, high], [place, place], color=color, linewidth=1.3, solid_capstyle="butt")
        share = 0.0 if heaviest <= 0 else math.sqrt(max(line.weight or 0.0, 0.0) / heaviest)
        ax.plot(
            [line.estimate],
            [place],
            marker="s",
            markersize=_SMALLEST + (_LARGEST - _SMALLEST) * share,
            color=color,
            markeredgecolor="white",
            markeredgewidth=0.5,
            linestyle="none",
            zorder=3,
        )
    for edge, cut, marker in (
        (ends[0], line.lower < ends[0], "<"),
        (ends[1], line.upper > ends[1], ">"),
    ):
        if cut:
            ax.plot(
                [edge],
                [place],
                marker=marker,
                markersize=5,
                color=color,
                linestyle="none",
                clip_on=False,
                zorder=4,
            )


def _write(
    ax: Axes,
    line: _Line,
    place: int,
    facts: Sequence[tuple[str, float]],
    names: float,
    left: float,
    *,
    log: bool,
    grouped: bool,
) -> None:
    """Name and facts on the left, numbers and weight on the right."""
    beside = ax.get_yaxis_transform()
    weight: Literal["normal", "bold"] = (
        "bold" if line.kind in ("heading", "pooled", "all") else "normal"
    )
    shift = 0.15 - left
    say(
        ax,
        (shift + (0.1 if line.kind in ("row", "pooled") and grouped else 0.0)) / _FOREST,
        place,
        line.label,
        transform=beside,
        weight=weight,
    )
    at = shift + names + _GAP
    for name, width in facts:
        say(ax, at / _FOREST, place, _fact(line, name), transform=beside)
        at += width + _GAP
    if line.kind == "heading":
        return
    limits = f"({effect_text(line.lower, log=log)}, {effect_text(line.upper, log=log)})"
    words = limits if line.estimate is None else f"{effect_text(line.estimate, log=log)} {limits}"
    say(
        ax,
        1 + (_NUMBERS + 0.08) / _FOREST,
        place,
        words,
        transform=beside,
        align="right",
        weight="bold" if line.kind == "all" else "normal",
    )
    if line.weight is not None:
        percent = f"{100 * line.weight:.1f} %"
        right = 1 + (_NUMBERS + _WEIGHTS + 0.05) / _FOREST
        say(ax, right, place, percent, transform=beside, align="right")


def _headings(
    ax: Axes,
    facts: Sequence[tuple[str, float]],
    names: float,
    left: float,
    high: float,
    percent: str,
    *,
    weights: bool,
) -> None:
    """What stands in the columns."""
    above = 1 + 0.12 / high
    at = 0.15 - left + names + _GAP
    for name, width in facts:
        say(ax, at / _FOREST, above, name.replace("_", " "), transform=ax.transAxes)
        at += width + _GAP
    right = 1 + (_NUMBERS + 0.08) / _FOREST
    say(ax, right, above, f"effect ({percent})", transform=ax.transAxes, align="right")
    if weights:
        right = 1 + (_NUMBERS + _WEIGHTS + 0.05) / _FOREST
        say(ax, right, above, "weight", transform=ax.transAxes, align="right")

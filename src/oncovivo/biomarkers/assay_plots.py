"""Pictures of assays; they draw what results hold and compute nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.biomarkers.assays import find_assay
from oncovivo.biomarkers.group_comparison import ArmSummary, AssayComparison
from oncovivo.biomarkers.inhibition import GroupInhibition
from oncovivo.biomarkers.time_course import TimeCourse
from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.theme import GREY, TEXT_COLOR, SeriesStyle, new_figure, series_style, themed
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_assay", "plot_inhibition_course"]

_SMALL: Final = 7.5
# Sideways places of values that would cover each other, share of the distance of two arms.
_STEP: Final = 0.045
_WIDEST: Final = 0.32
# Values nearer than this share of the axis are drawn side by side.
_NEAR: Final = 0.02
_MOST_ARMS: Final = 24
# Characters of a line of a name, and its lines.
_LONGEST: Final = 15
_MOST_LINES: Final = 3


def plot_assay(result: AssayComparison, *, ax: Axes | None = None) -> Axes:
    """Every animal of each arm, with the mean and its interval beside them.

    The marks of an arm in which values are known by a limit only are open, such values stand at
    their limit, and the median is drawn in place of the mean.

    Parameters
    ----------
    result : AssayComparison
        Of one analyte and day.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    InputError
        If there are more than 24 arms.
    """
    if len(result.arms) > _MOST_ARMS:
        raise InputError(f"at most {_MOST_ARMS} arms", found=str(len(result.arms)))
    with themed():
        if ax is None:
            width = max(3.6, 1.0 + 1.1 * len(result.arms))
            figure = new_figure(width=width, height=4.1)
            ax = figure.add_axes((0.72 / width, 0.24, 1 - 0.9 / width, 0.62))
        reach = _reach(result.arms)
        for place, arm in enumerate(result.arms):
            control = result.control is not None and arm.arm == result.control
            treated = place - int(result.control is not None and not control)
            style = series_style(max(treated, 0), is_control=control)
            _draw_arm(ax, arm, place, style, reach)
        ax.set_xticks(
            range(len(result.arms)),
            [f"n = {arm.n}\n{_short(arm.arm)}" for arm in result.arms],
        )
        ax.grid(visible=False, axis="x")
        ax.set_xlim(-0.6, len(result.arms) - 0.4)
        ax.set_ylabel(_label(result.analyte, result.assay, result.unit))
        ax.set_title(_title(result), loc="left", fontsize=9)
        words = "each mark is an animal"
        if result.units == "fields":
            words = "each mark is a field: no animal ids, pseudo-replicates"
        shown = f"mean with {100 * result.level:g} % interval beside them"
        if not _means(result.arms):
            shown += "\nopen marks, median as a line: an arm with limits"
        ax.text(
            0,
            -0.25,
            f"{words}\n{shown}",
            transform=ax.transAxes,
            fontsize=_SMALL,
            color=TEXT_COLOR,
            va="top",
            linespacing=1.15,
        )
    return ax


def plot_inhibition_course(result: TimeCourse, *, ax: Axes | None = None) -> Axes:
    """Percent inhibition by day with its interval, one line for each arm.

    Parameters
    ----------
    result : TimeCourse
        Of one analyte.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    InputError
        If no arm has an inhibition on a day.
    """
    known = [group for group in result.inhibition if group.estimate_pct is not None]
    dated = [group for group in known if group.day is not None]
    if not dated:
        raise InputError("an inhibition on a day", found="none")
    names = sorted({(group.line, group.arm) for group in dated})
    several = len({line for line, _ in names}) > 1
    days = sorted({group.day for group in dated if group.day is not None})
    shift = 0.006 * ((days[-1] - days[0]) or 1.0)
    with themed():
        if ax is None:
            figure = new_figure(width=6.0, height=3.9)
            ax = figure.add_axes((0.115, 0.15, 0.64, 0.72))
        for place, name in enumerate(names):
            own = [group for group in dated if (group.line, group.arm) == name]
            label = _short(f"{name[0]}: {name[1]}" if several else name[1])
            # Intervals of one day must not hide each other.
            offset = shift * (place - (len(names) - 1) / 2)
            _draw_course(ax, own, series_style(place), label, offset)
        ax.axhline(0, color=TEXT_COLOR, linewidth=0.7)
        ax.axhline(100, color=GREY, linewidth=0.8, linestyle=":")
        limits = [g.lower_pct for g in dated if g.lower_pct is not None]
        lowest = min([-10.0, *(g.estimate_pct for g in dated if g.estimate_pct is not None)])
        # An interval may reach far below: its end is cut, the estimate never.
        ax.set_ylim(max(min([lowest, *limits]) - 5.0, lowest - 100.0), 108)
        ax.set_xlabel(axis_label("time", "day"))
        assay = find_assay(result.assay)
        ax.set_ylabel("inhibition (%)")
        ax.set_title(
            spelled_out(f"{result.analyte}, {assay.words}: inhibition against {result.control}"),
            loc="left",
            fontsize=9,
        )
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, fontsize=_SMALL)
    return ax


def _draw_course(
    ax: Axes, groups: Sequence[GroupInhibition], style: SeriesStyle, label: str, offset: float
) -> None:
    """One arm: estimates, intervals, animals on each day."""
    days = [(group.day or 0.0) + offset for group in groups]
    numbers = [group.estimate_pct for group in groups if group.estimate_pct is not None]
    counts = sorted({group.n_treated for group in groups})
    said = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"
    ax.plot(
        days,
        numbers,
        color=style.color,
        linestyle=style.line,
        marker=style.marker,
        markersize=5,
        label=f"{label}\nn = {said} a day",
        zorder=3,
    )
    for day, group in zip(days, groups, strict=True):
        if group.lower_pct is not None and group.upper_pct is not None:
            ax.plot(
                [day, day],
                [group.lower_pct, group.upper_pct],
                color=style.color,
                linewidth=1.0,
                zorder=2,
            )


def _reach(arms: Sequence[ArmSummary]) -> float:
    """Height of the values of all arms."""
    values = [value for arm in arms for value in arm.values]
    return (max(values) - min(values)) or 1.0


def _draw_arm(ax: Axes, arm: ArmSummary, place: int, style: SeriesStyle, reach: float) -> None:
    """Animals side by side, mean with interval at their right."""
    for value, side in _spread(arm.values, reach):
        ax.plot(
            place + side,
            value,
            marker=style.marker,
            markersize=4,
            color=style.color,
            linestyle="none",
            alpha=0.8,
            markerfacecolor="white" if arm.n_limits else style.color,
        )
    if arm.mean is None:
        if arm.median is not None:
            ax.plot([place - 0.25, place + 0.25], [arm.median] * 2, color=TEXT_COLOR)
        return
    beside = place + _WIDEST + 0.06
    ax.plot([beside - 0.07, beside + 0.07], [arm.mean] * 2, color=TEXT_COLOR, linewidth=1.8)
    if arm.lower is not None and arm.upper is not None:
        ax.plot([beside] * 2, [arm.lower, arm.upper], color=TEXT_COLOR, linewidth=1.1)


def _spread(values: Sequence[float], reach: float) -> list[tuple[float, float]]:
    """Values with a place to the side, so that near ones do not cover each other."""
    made: list[tuple[float, float]] = []
    for value in values:
        near = {round(side / _STEP) for other, side in made if value - other < _NEAR * reach}
        step = next(s for s in _sides() if s not in near or abs(s) * _STEP >= _WIDEST)
        made.append((value, step * _STEP))
    return made


def _sides() -> list[int]:
    """0, 1, -1, 2, -2 … to the widest."""
    most = int(_WIDEST / _STEP) + 1
    return [0, *(sign * step for step in range(1, most + 1) for sign in (1, -1))]


def _means(arms: Sequence[ArmSummary]) -> bool:
    return all(arm.mean is not None for arm in arms)


def _title(result: AssayComparison) -> str:
    """Analyte, line, day and the test over all arms."""
    parts = [result.analyte]
    parts += [result.line] if result.line else []
    parts += [f"day {result.day:g}"] if result.day is not None else []
    title = ", ".join(parts)
    if result.kruskal is not None:
        p_value = result.kruskal.p_value
        said = "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"
        title += f"\nKruskal-Wallis {said}"
    return spelled_out(title)


def _label(analyte: str, assay: str, unit: str) -> str:
    """Analyte with assay and unit."""
    words = find_assay(assay).words
    shown = f" ({unit})" if unit and unit not in ("1", words) else ""
    return spelled_out(f"{analyte}, {words}{shown}")


def _short(name: str) -> str:
    """A name that fits under its place: broken into lines, the middle left out of a long one."""
    lines = textwrap.wrap(spelled_out(name), _LONGEST)
    return "\n".join(lines if len(lines) <= _MOST_LINES else (lines[0] + " …", lines[-1]))

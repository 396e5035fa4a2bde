"""Pictures of a panel; they draw what a result holds and compute nothing.

A category has a color, a hatch or a symbol, and where there is room its letters, so that color is
never the only code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from oncovivo.endpoints.mrecist import CATEGORIES, Category
from oncovivo.endpoints.waterfall_plots import CAP_PCT, CATEGORY_STYLES
from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.theme import GREY, TEXT_COLOR, mark_simulated, new_figure, themed
from oncovivo.panels.result import PanelResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["plot_category_counts", "plot_response_matrix", "plot_waterfall"]


# With more bars than this a hatch cannot be seen, and rows of ticks below tell the categories.
_MOST_HATCHED: Final = 60
_MOST_NAMED_LINES: Final = 60
_WORDS: Final[dict[str, str]] = {
    "best_response_pct": "best response",
    "best_average_response_pct": "best average response",
}


def plot_waterfall(
    result: PanelResult,
    *,
    treatment: str | None = None,
    value: Literal["best_response_pct", "best_average_response_pct"] = "best_response_pct",
    ax: Axes | None = None,
) -> Axes:
    """Animals from the worst response to the best, colored by category.

    Bars are cut at +200 %, and a triangle says so. A star marks an animal whose tumor is gone at
    its last reading. Beyond 60 animals rows of ticks below the bars repeat the categories.

    Parameters
    ----------
    result : PanelResult
        The panel.
    treatment : str, optional
        All animals without it.
    value : {"best_response_pct", "best_average_response_pct"}
        Height of the bars.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Raises
    ------
    InputError
        If no animal had the treatment, or none has a response.
    """
    table = result.waterfall(treatment, value=value)
    if table.empty:
        expected = "animals with a response"
        raise InputError(expected, found=f"none under {treatment or 'any treatment'}")
    with themed():
        if ax is None:
            figure = new_figure(width=max(5.2, min(9.0, 0.085 * len(table) + 2.4)), height=4.0)
            ax = figure.add_axes((0.13, 0.16, 0.82, 0.66))
        few = len(table) <= _MOST_HATCHED
        for category in CATEGORIES:
            part = table[table["response"] == category]
            _bars(ax, part, category, value=value, few=few)
        _cut_marks(ax, table, value)
        _lines(ax)
        lowest = -100.0 if few else -100.0 - 4 * _TICK_ROW - 10
        ax.set_ylim(lowest - 6, min(CAP_PCT, max(float(table[value].max()), 40.0)) * 1.08)
        ax.set_xlim(-0.8, len(table) - 0.2)
        ax.set_xticks([])
        ax.set_yticks([-100, -50, 0, 50, 100, 150, 200])
        ax.set_ylabel(f"{_WORDS[value]} (%)")
        ax.set_xlabel(f"animals, worst to best (n = {len(table)})")
        title = treatment or "all treatments"
        ax.set_title(f"{title}: mRECIST, {result.rule.replace('_', ' ')}", loc="left", pad=26)
        _key(ax, table, few=few)
        if result.simulated:
            mark_simulated(_figure_of(ax))
    return ax


# Height of a row of category ticks, in percent points of the axis.
_TICK_ROW: Final = 13.0


def _bars(ax: Axes, part: pd.DataFrame, category: Category, *, value: str, few: bool) -> None:
    """Bars of one category, and its row of ticks where there are many."""
    if part.empty:
        return
    style = CATEGORY_STYLES[category]
    heights = part[value].clip(upper=CAP_PCT)
    ax.bar(
        part.index,
        heights,
        width=0.86 if few else 1.0,
        color=style.color,
        hatch=style.hatch if few else None,
        edgecolor=TEXT_COLOR if few else style.color,
        linewidth=0.5 if few else 0.0,
        zorder=3,
    )
    cured = part[part["cured_day"].notna()]
    ax.plot(
        cured.index,
        [4.0] * len(cured),
        linestyle="none",
        marker="*",
        markersize=6 if few else 3,
        color=TEXT_COLOR,
        zorder=5,
    )
    if not few:
        row = -110.0 - _TICK_ROW * CATEGORIES.index(category)
        ax.vlines(part.index, row - 0.7 * _TICK_ROW, row, color=style.color, linewidth=0.7)
        ax.annotate(
            category,
            (1.0, row - 0.35 * _TICK_ROW),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            fontsize=6.5,
            va="center",
            annotation_clip=False,
        )


def _cut_marks(ax: Axes, table: pd.DataFrame, value: str) -> None:
    """Triangles on the bars that are cut."""
    cut = table.index[table[value] > CAP_PCT]
    ax.plot(
        cut,
        [CAP_PCT * 1.03] * len(cut),
        linestyle="none",
        marker="^",
        markersize=3.5,
        color=TEXT_COLOR,
        clip_on=False,
        zorder=5,
    )


def _lines(ax: Axes) -> None:
    """Zero and the cuts of the categories."""
    ax.axhline(0, color=TEXT_COLOR, linewidth=0.8, zorder=4)
    for cut in (35, -50, -95):
        ax.axhline(cut, color=GREY, linewidth=0.8, linestyle="--", zorder=4)
        ax.annotate(
            f"{cut:+d}",
            (1, cut),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=TEXT_COLOR,
            annotation_clip=False,
        )


def _key(ax: Axes, table: pd.DataFrame, *, few: bool) -> None:
    """What colors, hatches and marks mean, with the number of animals of each category."""
    from matplotlib.patches import Patch

    handles: list[Patch | Line2D] = []
    for category in CATEGORIES:
        style = CATEGORY_STYLES[category]
        count = int((table["response"] == category).sum())
        handles.append(
            Patch(
                facecolor=style.color,
                hatch=style.hatch if few else None,
                edgecolor=TEXT_COLOR,
                linewidth=0.5,
                label=f"{category} ({count})",
            )
        )
    if table["cured_day"].notna().any():
        handles.append(_mark("*", "gone at the last reading"))
    handles.append(_mark("^", f"above +{CAP_PCT:g} %"))
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=len(handles),
        fontsize=7.5,
        columnspacing=1.0,
        handletextpad=0.4,
        borderaxespad=0.2,
    )


def _mark(marker: str, label: str) -> Line2D:
    """A mark for the key."""
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], linestyle="none", marker=marker, markersize=5, color=TEXT_COLOR, label=label
    )


def plot_response_matrix(result: PanelResult) -> Figure:
    """Category of each line under each treatment: lines across, treatments down.

    Lines are grouped by tumor type; a cell's symbol says the category as well as its color. What
    was not tested is blank.

    Parameters
    ----------
    result : PanelResult
        The panel.

    Raises
    ------
    InputError
        If no animal has a response.
    """
    matrix = result.matrix("response")
    if matrix.empty:
        expected = "animals with a response"
        raise InputError(expected, found="none")
    types = result.to_frame().drop_duplicates(["study", "model"]).set_index(["study", "model"])
    of_line = types["tumor_type"].reindex(matrix.index)
    matrix = matrix.loc[sorted(matrix.index, key=lambda line: (of_line[line], line))]
    named = len(matrix) <= _MOST_NAMED_LINES
    cell = 0.20 if named else 0.085
    longest = max(len(spelled_out(str(name))) for name in matrix.columns)
    left = 0.3 + 0.062 * longest
    below = (
        0.25 + 0.068 * max(len(spelled_out(str(line))) for _, line in matrix.index)
        if named
        else 0.35
    )
    wide, high = (
        max(cell * len(matrix), 2.6),
        (0.19 if named else 0.125) * len(matrix.columns) + 0.1,
    )
    width, height = left + wide + 0.25, below + high + 0.85
    with themed():
        figure = new_figure(width=width, height=height)
        ax = figure.add_axes((left / width, below / height, wide / width, high / height))
        for category in CATEGORIES:
            columns, rows = (matrix.T.to_numpy() == category).nonzero()[::-1]
            style = CATEGORY_STYLES[category]
            ax.scatter(
                columns, rows, marker="s", s=(cell * 66) ** 2, color=style.color, linewidths=0
            )
            ax.scatter(
                columns,
                rows,
                marker=style.marker,
                s=(cell * 32) ** 2,
                color="white" if category in ("CR", "PD") else TEXT_COLOR,
                linewidths=0.5 if not named else 0.9,
            )
        _dress_matrix(ax, matrix, [of_line[line] for line in matrix.index], named=named)
        figure.text(0.1 / width, 1 - 0.12 / height, _title(result), fontsize=9.5, va="top")
        _matrix_key(figure, left=left / width, top=1 - 0.30 / height)
        if result.simulated:
            mark_simulated(figure)
    return figure


def _title(result: PanelResult) -> str:
    """What a picture of the whole panel shows."""
    return f"mRECIST by line and treatment ({result.rule.replace('_', ' ')}; n = {result.n})"


def _dress_matrix(ax: Axes, matrix: pd.DataFrame, types: list[str], *, named: bool) -> None:
    """Names of treatments, lines and tumor types."""
    ax.set_xlim(-0.6, len(matrix) - 0.4)
    ax.set_ylim(len(matrix.columns) - 0.4, -0.6)
    ax.set_yticks(range(len(matrix.columns)), [str(name) for name in matrix.columns], fontsize=7)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    if named:
        names = [str(line) for _, line in matrix.index]
        ax.set_xticks(range(len(matrix)), names, rotation=90, fontsize=7)
    else:
        ax.set_xticks([])
        ax.set_xlabel(f"{len(matrix)} xenograft lines, grouped by tumor type")
    begin = 0
    for place in range(1, len(types) + 1):
        if place == len(types) or types[place] != types[begin]:
            ax.text(
                (begin + place - 1) / 2,
                -0.9,
                types[begin] or "type not stated",
                ha="center",
                va="bottom",
                fontsize=7.5,
            )
            if place < len(types):
                ax.axvline(place - 0.5, color=TEXT_COLOR, linewidth=0.7)
            begin = place


def _matrix_key(figure: Figure, *, left: float, top: float) -> None:
    """Symbols and colors of the categories."""
    from matplotlib.lines import Line2D

    handles = []
    for category in CATEGORIES:
        style = CATEGORY_STYLES[category]
        box = Line2D([], [], linestyle="none", marker="s", markersize=9, color=style.color)
        sign = Line2D(
            [],
            [],
            linestyle="none",
            marker=style.marker,
            markersize=4.5,
            color="white" if category in ("CR", "PD") else TEXT_COLOR,
        )
        handles.append((box, sign))
    # A tuple of artists is drawn as one; the stubs do not know it.
    figure.legend(  # type: ignore[call-overload]
        handles,
        list(CATEGORIES),
        loc="upper left",
        bbox_to_anchor=(left, top),
        ncols=len(CATEGORIES),
        fontsize=8,
        borderaxespad=0.0,
        columnspacing=1.2,
    )


def plot_category_counts(
    result: PanelResult,
    *,
    by: Literal["tumor_type", "treatment", "model"] = "tumor_type",
    ax: Axes | None = None,
) -> Axes:
    """Share of animals in each category, a bar for each tumor type, treatment or line.

    The number of animals stands in each part that has room, and n with the evaluable ones behind
    the name.

    Parameters
    ----------
    result : PanelResult
        The panel.
    by : {"tumor_type", "treatment", "model"}
        What a bar is.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Raises
    ------
    InputError
        If no animal has a response.
    """
    rows = [row for row in result.summaries(by) if row.n_evaluable]
    if not rows:
        expected = "animals with a response"
        raise InputError(expected, found="none")
    names = [getattr(row, by) or "not stated" for row in rows]
    labels = [f"{name} (n = {row.n_evaluable})" for name, row in zip(names, rows, strict=True)]
    with themed():
        if ax is None:
            left = 0.3 + 0.07 * max(len(spelled_out(label)) for label in labels)
            width, height = left + 5.2, 0.26 * len(rows) + 1.25
            figure = new_figure(width=width, height=height)
            high = 0.26 * len(rows)
            ax = figure.add_axes((left / width, 0.5 / height, 5.0 / width, high / height))
        begin = [0.0] * len(rows)
        for category in CATEGORIES:
            counts = [getattr(row, f"n_{category.lower()}") for row in rows]
            shares = [
                100.0 * count / row.n_evaluable for count, row in zip(counts, rows, strict=True)
            ]
            style = CATEGORY_STYLES[category]
            ax.barh(
                range(len(rows)),
                shares,
                left=begin,
                height=0.78,
                color=style.color,
                hatch=style.hatch,
                edgecolor="white" if category == "CR" else TEXT_COLOR,
                linewidth=0.4,
                label=category,
            )
            for place, (count, share) in enumerate(zip(counts, shares, strict=True)):
                if share >= 3:
                    _count(ax, begin[place] + share / 2, place, count)
            begin = [a + b for a, b in zip(begin, shares, strict=True)]
        ax.set_yticks(range(len(rows)), labels, fontsize=7.5)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(0, 100)
        ax.set_xlabel("share of evaluable animals (%); numbers are animals")
        ax.grid(visible=False)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, borderaxespad=0.2)
        ax.set_title(f"mRECIST, {result.rule.replace('_', ' ')}", loc="left", pad=22)
        if result.simulated:
            mark_simulated(_figure_of(ax))
    return ax


def _count(ax: Axes, x: float, y: float, count: int) -> None:
    """Number of animals in a part of a bar, on a plate that keeps the hatch away."""
    ax.text(
        x,
        y,
        str(count),
        ha="center",
        va="center",
        fontsize=6.5,
        color=TEXT_COLOR,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
    )


def _figure_of(ax: Axes) -> Figure:
    """The figure that an axes belongs to."""
    figure = ax.get_figure(root=True)
    if figure is None:
        expected = "axes that belong to a figure"
        raise InputError(expected)
    return figure

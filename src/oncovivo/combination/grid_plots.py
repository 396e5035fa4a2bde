"""The picture of a dose grid; it draws what a surface holds and computes nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from oncovivo.combination.grid_surface import GridCell, GridSurface
from oncovivo.combination.plot_frame import KEY_SIZE, heads, write_heads
from oncovivo.combination.plot_words import (
    NULL_WORDS,
    SCALE_WORDS,
    animals_words,
    index_words,
    limits_words,
    p_words,
)
from oncovivo.combination.simultaneous import JointTest
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.theme import (
    GREY,
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    themed,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

__all__ = ["plot_dose_grid"]

# Blue for synergy and vermilion for antagonism: told apart with any color vision, and in grey the
# printed numbers tell. Three parts of four of the palette's blue and vermilion, on which black
# letters are read.
_SYNERGY: Final = "#4096C5"
_ANTAGONISM: Final = "#E08740"
# The color scale reaches at least this factor from 1, so that noise is pale, and at most that one.
_LEAST_FACTOR: Final = 4.0
_MOST_FACTOR: Final = 64.0
_SHADES: Final = 60
# Inches.
_CELL: Final = (1.2, 0.78)
_LEFT: Final = 0.95
_BELOW: Final = 0.6
_BAR_GAP: Final = 0.3
_BAR: Final = 0.16
_RIGHT: Final = 0.75
# Least width, so that sentences above the grid do not stand in narrow columns.
_NARROWEST: Final = 5.4


def plot_dose_grid(surface: GridSurface, *, simulated: bool = False) -> Figure:
    """Heat map of a grid's indices with the limits that hold over all cells.

    A row for each dose of the first compound, rising upwards, a column for each of the second.
    Framed cells are those whose limits exclude 1.

    Parameters
    ----------
    surface : GridSurface
        From :func:`oncovivo.combination.grid_surface.grid_synergy`.
    simulated : bool
        Whether the data are simulated, which the figure then says.
    """
    with themed():
        figure = _drawn(surface, simulated=simulated)
        if simulated:
            mark_simulated(figure)
    return figure


def _drawn(surface: GridSurface, *, simulated: bool) -> Figure:
    from matplotlib.colors import LinearSegmentedColormap

    rows, columns = surface.grid.levels
    grid_width, grid_height = _CELL[0] * len(columns), _CELL[1] * len(rows)
    width = max(_LEFT + grid_width + _BAR_GAP + _BAR + _RIGHT, _NARROWEST)
    title = f"{surface.study_id}: {' × '.join(surface.grid.compounds)}"
    lines, top = heads(width, title, _sentences(surface), simulated=simulated)
    top += 0.14
    height = top + grid_height + _BELOW
    figure = new_figure(width=width, height=height)
    write_heads(figure, lines)
    bottom = _BELOW / height
    ax = figure.add_axes((_LEFT / width, bottom, grid_width / width, grid_height / height))
    reach = _reach(surface)
    shades = LinearSegmentedColormap.from_list("index", [_SYNERGY, "#FFFFFF", _ANTAGONISM])
    by_doses = {cell.doses: cell for cell in surface.cells}
    for row, first in enumerate(rows):
        for column, second in enumerate(columns):
            _draw_cell(ax, by_doses.get((first, second)), (column, row), reach, shades)
    # Frames after all cells: a neighbor would cover half of one.
    for cell in surface.cells:
        if cell.verdict != "not_shown":
            _draw_frame(ax, columns.index(cell.doses[1]), rows.index(cell.doses[0]))
    _dress(ax, surface)
    bar = figure.add_axes(
        (
            (_LEFT + grid_width + _BAR_GAP) / width,
            bottom,
            _BAR / width,
            grid_height / height,
        )
    )
    _draw_bar(bar, reach, shades)
    return figure


def _reach(surface: GridSurface) -> float:
    """Log of the index at the ends of the color scale."""
    logs = [abs(math.log(cell.alone.index)) for cell in surface.cells if cell.alone.index]
    farthest = max(logs, default=0.0)
    return min(max(farthest, math.log(_LEAST_FACTOR)), math.log(_MOST_FACTOR))


def _draw_cell(
    ax: Axes, cell: GridCell | None, place: tuple[int, int], reach: float, shades: Colormap
) -> None:
    """A cell: color, index, limits, what was found."""
    from matplotlib.patches import Rectangle

    column, row = place
    index = None if cell is None else cell.alone.index
    share = 0.0
    if index is not None:
        log_index = math.log(index) if index > 0 else -reach
        share = max(-1.0, min(1.0, log_index / reach))
    ax.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5),
            1.0,
            1.0,
            facecolor="#EEEEEE" if index is None else shades(0.5 + share / 2),
            edgecolor="white",
            linewidth=1.5,
            hatch="////" if index is None else None,
        )
    )
    if cell is None or index is None:
        words = "not tested" if cell is None else "no answer"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        ax.text(column, row, words, ha="center", va="center", fontsize=KEY_SIZE, bbox=box)
        return
    ax.text(
        column,
        row + 0.17,
        index_words(index),
        ha="center",
        va="center",
        fontsize=10.5,
        weight="bold",
        color=TEXT_COLOR,
    )
    words = limits_words(cell.index_lower, cell.index_upper) or "no limits"
    ax.text(column, row - 0.13, words, ha="center", va="center", fontsize=7.0, color=TEXT_COLOR)
    if cell.verdict != "not_shown":
        ax.text(
            column,
            row - 0.33,
            cell.verdict,
            ha="center",
            va="center",
            fontsize=7.0,
            color=TEXT_COLOR,
        )


def _draw_frame(ax: Axes, column: int, row: int) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(
        Rectangle(
            (column - 0.465, row - 0.45),
            0.93,
            0.90,
            fill=False,
            edgecolor="#000000",
            linewidth=2.0,
            zorder=4,
        )
    )


def _dress(ax: Axes, surface: GridSurface) -> None:
    """Doses as ticks, compounds as labels."""
    rows, columns = surface.grid.levels
    ax.grid(visible=False)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    ax.set_xticks(range(len(columns)), [f"{dose:g}" for dose in columns])
    ax.set_yticks(range(len(rows)), [f"{dose:g}" for dose in rows])
    ax.tick_params(length=0, labelsize=8.5)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    labels = [
        spelled_out(f"{name} ({unit})" if unit else f"{name} (dose)")
        for name, unit in zip(surface.grid.compounds, surface.grid.units, strict=True)
    ]
    ax.set_ylabel(labels[0])
    ax.set_xlabel(labels[1])


def _draw_bar(ax: Axes, reach: float, shades: Colormap) -> None:
    """The color scale."""
    from matplotlib.patches import Rectangle

    for shade in range(_SHADES):
        low = -reach + 2 * reach * shade / _SHADES
        color = shades((shade + 0.5) / _SHADES)
        ax.add_patch(Rectangle((0, low), 1, 2 * reach / _SHADES, facecolor=color, edgecolor=color))
    ax.grid(visible=False)
    ax.set_xlim(0, 1)
    ax.set_ylim(-reach, reach)
    ax.set_xticks([])
    step = 2 if reach < math.log(17) else 4
    most = int((reach + 1e-9) / math.log(step))
    factors = [float(step) ** power for power in range(-most, most + 1)]
    ax.set_yticks([math.log(factor) for factor in factors], [_factor(f) for f in factors])
    ax.yaxis.tick_right()
    ax.yaxis.set_label_position("right")
    ax.set_ylabel("index", color=GREY)
    ax.tick_params(length=2, labelsize=7.5)
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_visible(False)


def _factor(value: float) -> str:
    """A factor below 1 as a fraction."""
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def _sentences(surface: GridSurface) -> list[str]:
    """Null, scale, day, what limits hold over, the global test, animals."""
    percent = f"{100 * surface.level:g} %"
    said = [
        f"index: observed over foreseen relative size on day {surface.day:g}, "
        f"{NULL_WORDS[surface.null]} on the {SCALE_WORDS[surface.scale]}; "
        "blue, below 1: synergy; orange, above 1: antagonism"
    ]
    count = sum(cell.lower is not None for cell in surface.cells)
    if count:
        if surface.critical is not None:
            how = f"limits: {percent}, together over {count} cells (largest |t|, two-sided: "
            how += f"{surface.critical:.2f} standard errors)"
        else:
            how = f"limits: {percent} on each side, together over {count} cells (Bonferroni; "
            how += "the test is one-sided)"
        said.append(f"{how}; framed: they exclude 1")
    animals = animals_words(surface.n_animals, sorted(surface.n_animals))
    if surface.joint is None:
        said.append(f"no cell has an answer; {animals}")
    else:
        claim = "no interaction in any cell" if surface.null == "bliss" else "no synergy anywhere"
        said.append(f"test of {claim}: {_joint_words(surface.joint)}; {animals}")
    return said


def _joint_words(joint: JointTest) -> str:
    words = p_words(joint.p_value)
    if joint.method != "f":
        return words
    below = "∞" if joint.df_denominator is None else f"{joint.df_denominator:.3g}"
    return f"F({joint.df_numerator:g}, {below}) = {joint.statistic:.2f}, {words}"

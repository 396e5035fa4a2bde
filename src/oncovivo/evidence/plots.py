"""Figures of evidence: what was counted, drawn and not computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING

from oncovivo.errors import InputError
from oncovivo.evidence.evidence_map import MAP_KINDS, MapCell
from oncovivo.figures.theme import new_figure, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_evidence_map"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """How a direction looks: shape and color both tell it."""

    marker: str
    color: str
    words: str


_MARKS: Mapping[str, _Mark] = MappingProxyType(
    {
        "benefit": _Mark(marker="^", color="#0072B2", words="benefit"),
        "none": _Mark(marker="s", color="#5c5c5c", words="no difference"),
        "harm": _Mark(marker="v", color="#D55E00", words="harm"),
        "mixed": _Mark(marker="D", color="#8a5a9e", words="mixed"),
        "not_applicable": _Mark(marker="o", color="#1a1a1a", words="no direction"),
    }
)

# inches
_WIDTH = 7.4
_LEFT = 1.75
_RIGHT = 0.1
_TOP = 0.62
_BOTTOM = 0.75
_WIDEST_COLUMN = 1.3
_LINE = 0.175
_PADDING = 0.13
_NAME_LENGTH = 22
_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "animal_pharmacodynamics": "animal\npharmaco-\ndynamics",
        "in_vitro": "in vitro",
        "animal_study": "animal-level\nstudy",
        "simulated_study": "animal study\n(simulated)",
    }
)

_MARK_SIZE = 30.0
_TEXT_SIZE = 8.0
_GRID = "#d5dce3"
_SHADE = "#f5f7f9"
_FAINT = "#8794a1"


def plot_evidence_map(cells: Sequence[MapCell], *, ax: Axes | None = None) -> Axes:
    """Evidence map: tumor types down, kinds of evidence across, a mark per direction.

    Filled marks are evidence, hollow ones context that never carries a claim. Beside each mark
    stand the number of rows and, in brackets, of independent works. A dash says that there is no
    row.

    Parameters
    ----------
    cells : sequence of MapCell
        From :func:`oncovivo.evidence.evidence_map`.
    ax : Axes, optional
        Where to draw; else a new figure as tall as the map needs.

    Raises
    ------
    InputError
        If there is no cell.
    """
    if not cells:
        raise InputError("at least one cell of the evidence map", found="none")
    with themed():
        names = {cell.oncotree: _label(cell) for cell in cells}
        heights = {code: _height(code, cells, names[code]) for code in names}
        kinds = [kind for kind in MAP_KINDS if any(cell.kind == kind for cell in cells)]
        if ax is None:
            ax = _new_axes(sum(heights.values()), columns=len(kinds))
        ax.set_xlim(0, len(kinds))
        ax.set_ylim(sum(heights.values()), 0)
        ax.grid(visible=False)
        top = 0.0
        middles = []
        for number, (code, height) in enumerate(heights.items()):
            if number % 2:
                ax.axhspan(top, top + height, color=_SHADE, linewidth=0, zorder=0)
            for column, kind in enumerate(kinds):
                inside = [cell for cell in cells if cell.oncotree == code and cell.kind == kind]
                _draw_cell(ax, inside, left=column, middle=top + height / 2)
            middles.append(top + height / 2)
            top += height
        _finish(ax, kinds=kinds, names=list(names.values()), middles=middles)
        _add_legend(ax, cells)
    return ax


def _label(cell: MapCell) -> str:
    """Name and code, broken to the width of the margin."""
    name = f"{cell.tumor_type} ({cell.oncotree})" if cell.oncotree else cell.tumor_type
    return "\n".join(wrap(name, _NAME_LENGTH))


def _height(code: str, cells: Sequence[MapCell], label: str) -> float:
    """The height of a tumor type's row, inches."""
    stacked = max(
        sum(cell.oncotree == code and cell.kind == kind for cell in cells) for kind in MAP_KINDS
    )
    return max(stacked, label.count("\n") + 1) * _LINE + _PADDING


def _new_axes(height: float, *, columns: int) -> Axes:
    """Axes with the margins that names, headings and legend need."""
    total = height + _TOP + _BOTTOM
    width = min(_WIDTH - _LEFT - _RIGHT, columns * _WIDEST_COLUMN)
    figure = new_figure(width=_WIDTH, height=total)
    return figure.add_axes(
        (
            _LEFT / _WIDTH,
            _BOTTOM / total,
            width / _WIDTH,
            height / total,
        )
    )


def _draw_cell(ax: Axes, cells: Sequence[MapCell], *, left: float, middle: float) -> None:
    """The marks of one tumor type and kind, one below the other."""
    from matplotlib.transforms import ScaledTranslation

    if not cells:
        ax.text(
            left + 0.5, middle, "–", ha="center", va="center", color=_FAINT, fontsize=_TEXT_SIZE
        )
        return
    # the pair of mark and numbers is centered whatever the width of the column
    inches = ax.get_figure(root=True).dpi_scale_trans  # type: ignore[union-attr]  # ax is drawn in
    beside = ax.transData + ScaledTranslation(-0.2, 0, inches)
    first = middle - (len(cells) - 1) * _LINE / 2
    for number, cell in enumerate(cells):
        mark = _MARKS[cell.direction]
        y = first + number * _LINE
        ax.scatter(
            [left + 0.5],
            [y],
            marker=mark.marker,
            s=_MARK_SIZE,
            facecolor=mark.color if cell.use == "evidence" else "white",
            edgecolor=mark.color,
            linewidth=1.2,
            zorder=3,
            transform=beside,
        )
        ax.annotate(
            f"{cell.n_rows} ({cell.n_works})",
            (left + 0.5, y),
            xytext=(-7, 0),
            textcoords="offset points",
            ha="left",
            va="center_baseline",
            fontsize=_TEXT_SIZE,
        )


def _finish(
    ax: Axes, *, kinds: Sequence[str], names: Sequence[str], middles: Sequence[float]
) -> None:
    """Headings, names and thin lines between columns."""
    headings = [_HEADINGS.get(kind) or MAP_KINDS[kind].replace(" ", "\n") for kind in kinds]
    ax.set_xticks([column + 0.5 for column in range(len(kinds))], headings)
    ax.set_yticks(list(middles), list(names))
    ax.tick_params(
        axis="x", top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=5
    )
    ax.tick_params(axis="y", length=0, pad=6)
    for column in range(1, len(kinds)):
        ax.axvline(column, color=_GRID, linewidth=0.8, zorder=1)
    for side in ("top", "bottom"):
        ax.spines[side].set_visible(True)
        ax.spines[side].set_color(_GRID)
    for side in ("left", "right"):
        ax.spines[side].set_visible(False)


def _add_legend(ax: Axes, cells: Sequence[MapCell]) -> None:
    """The directions that occur, then what filling and numbers mean."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import blended_transform_factory

    def entry(marker: str, color: str, face: str, text: str) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=5.5,
            markeredgecolor=color,
            markerfacecolor=face,
            label=text,
        )

    shown = {cell.direction for cell in cells}
    handles = [
        entry(mark.marker, mark.color, mark.color, mark.words)
        for direction, mark in _MARKS.items()
        if direction in shown
    ]
    if any(cell.use == "context" for cell in cells):
        handles.append(entry("^", "#333333", "#333333", "filled: evidence"))
        handles.append(entry("^", "#333333", "white", "hollow: context, carries no claim"))
    handles.append(entry("", "none", "none", "3 (2): 3 rows of 2 works"))
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=blended_transform_factory(
            ax.get_figure(root=True).transFigure,  # type: ignore[union-attr]  # ax is drawn in
            ax.transAxes,
        ),
        borderaxespad=0.6,
        ncols=3,
        handletextpad=0.2,
        columnspacing=2.0,
        fontsize=_TEXT_SIZE,
    )

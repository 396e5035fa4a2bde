"""The flow diagram of a review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from oncovivo.evidence.screening.flow import Flow, FlowColumn
from oncovivo.evidence.screening.found import SOURCE_KINDS
from oncovivo.figures import new_figure, themed
from oncovivo.figures.text_width import text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_flow"]

# Everything in px at 100 dots per inch; points are 72 to the inch.
_DPI: Final = 100.0
_POINTS: Final = 8.5
_SIZE: Final = _POINTS * _DPI / 72
_LINE: Final = 16.0
_PADDING: Final = 9.0
_BOX: Final = 200.0
_GAP: Final = 24.0
_ROW_GAP: Final = 26.0
_STRIP: Final = 26.0
_MARGIN: Final = 14.0
_HEADER: Final = 28.0
_INDENT: Final = "   "

_INK: Final = "#222222"
_FRAME: Final = "#52606D"
_OPEN: Final = "#B3361B"
_STRIP_FILL: Final = "#DCE9F5"
_HEADER_FILL: Final = "#F6E5C4"
_PHASES: Final = ("Identification", "Screening", "Included")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a box."""

    text: str
    bold: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class _Placed:
    """A box: left edge, top, height and lines; y points down."""

    x: float
    y: float
    height: float
    lines: tuple[_Line, ...]

    @property
    def middle(self) -> float:
        """Height of its center."""
        return self.y + self.height / 2


def plot_flow(flow: Flow) -> Figure:
    """The flow of a review in the boxes of PRISMA 2020.

    The left half shows databases and registers, the right one other methods, where any were used.
    What waits for a decision has lines of its own while there is any; of other methods the boxes
    of duplicates and of screening are drawn where they count something.

    Parameters
    ----------
    flow : Flow
        The numbers.
    """
    from matplotlib.patches import Rectangle

    columns = [flow.searched] + ([flow.other] if flow.other is not None else [])
    grid = [_rows(column, always=column is flow.searched) for column in columns]
    heights = [
        max((_height(box) for rows in grid for box in rows[row] if box), default=0.0)
        for row in range(4)
    ]
    included = _included(flow)
    left = _MARGIN + _STRIP + 12
    column_width = 2 * _BOX + _GAP
    width = left + len(columns) * column_width + (len(columns) - 1) * _GAP + _MARGIN
    title_lines = _wrap(flow.title, width - 2 * _MARGIN, bold=True)
    y = _MARGIN + _LINE * (len(title_lines) + flow.fictitious) + (8 if flow.title else 0)
    header = y
    tops = []
    y += _HEADER + 16
    for height in heights:
        tops.append(y)
        y += height + _ROW_GAP
    final = _Placed(left, y, _height(included), included)
    y += final.height + 20
    notes = [
        _Line(part, open=note.open)
        for note in _notes(flow)
        for part in _wrap(note.text, width - 2 * _MARGIN)
    ]
    total = y + _LINE * len(notes) + _MARGIN - 6

    figure = new_figure(width=width / _DPI, height=total / _DPI)
    with themed():
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, width)
        axes.set_ylim(total, 0)
        axes.axis("off")
        top = _MARGIN
        for line in title_lines:
            _write(axes, line, _MARGIN, top + _LINE / 2, bold=True)
            top += _LINE
        if flow.fictitious:
            mark = "MADE-UP RECORDS: an example, not a review"
            _write(axes, mark, _MARGIN, top + _LINE / 2, bold=True, color=_OPEN)
        spans = (
            (tops[0], heights[0]),
            (tops[1], tops[3] + heights[3] - tops[1]),
            (final.y, final.height),
        )
        for phase, (begin, tall) in zip(_PHASES, spans, strict=True):
            needed = text_width(phase, size=_SIZE, weight="bold") + 12
            begin, tall = min(begin, begin + (tall - needed) / 2), max(tall, needed)
            axes.add_patch(
                Rectangle(
                    (_MARGIN, begin), _STRIP, tall, facecolor=_STRIP_FILL, edgecolor=_FRAME, lw=0.8
                )
            )
            _write(axes, phase, _MARGIN + _STRIP / 2, begin + tall / 2, bold=True, turned=True)
        ends = []
        for number, rows in enumerate(grid):
            x = left + number * (column_width + _GAP)
            label = "Databases and registers" if number == 0 else "Other methods"
            axes.add_patch(
                Rectangle(
                    (x, header),
                    column_width,
                    _HEADER,
                    facecolor=_HEADER_FILL,
                    edgecolor=_FRAME,
                    lw=0.8,
                )
            )
            words = f"Identification of studies via {label[0].lower()}{label[1:]}"
            _write(
                axes, words, x + column_width / 2, header + _HEADER / 2, bold=True, centered=True
            )
            ends.append(_draw_column(axes, rows, x, tops, heights))
        _draw_box(axes, final)
        _join(axes, ends, final)
        for number, note in enumerate(notes):
            _write(
                axes,
                note.text,
                _MARGIN,
                y + _LINE * (number + 0.5),
                color=_OPEN if note.open else _INK,
            )
    return figure


_Row = tuple[tuple[_Line, ...], tuple[_Line, ...]]


def _rows(column: FlowColumn, *, always: bool) -> list[_Row]:
    """Main and side box of each row; a box without lines is not drawn."""
    found: list[_Line] = [_Line("Records identified from:", bold=True)]
    for kind, sources in groupby(column.identified, key=lambda source: source.kind):
        named = list(sources)
        found.append(_counted(SOURCE_KINDS[kind], sum(source.n for source in named)))
        if [source.name for source in named] != [SOURCE_KINDS[kind]]:
            found += (_counted(f"{_INDENT}{source.name}", source.n) for source in named)
    if always and not column.identified:
        found.append(_counted("Databases", 0))
    screening = always or column.n_excluded + column.n_screening_open > 0
    removed = always or column.n_duplicates > 0
    reasons = [_counted(f"{_INDENT}{label}", n) for label, n in column.excluded_reports]
    rows: list[_Row] = [
        (
            _folded(found),
            _folded(
                [
                    _Line("Records removed before screening:", bold=True),
                    _counted("Duplicate records", column.n_duplicates),
                ]
            )
            if removed
            else (),
        ),
        (
            _folded(
                [
                    _counted("Records screened", column.n_screened),
                    *_open("Still to be decided", column.n_screening_open),
                ]
            ),
            _folded([_counted("Records excluded", column.n_excluded)]),
        )
        if screening
        else ((), ()),
        (
            _folded(
                [
                    _counted("Reports sought for retrieval", column.n_sought),
                    *_open("Of these in progress", column.n_retrieval_open),
                ]
            ),
            _folded([_counted("Reports not retrieved", column.n_not_retrieved)]),
        ),
        (
            _folded(
                [
                    _counted("Reports assessed for eligibility", column.n_assessed),
                    *_open("Of these in progress", column.n_assessment_open),
                ]
            ),
            _folded([_counted("Reports excluded", column.n_excluded_reports), *reasons]),
        ),
    ]
    return rows


def _included(flow: Flow) -> tuple[_Line, ...]:
    return _folded(
        [
            _counted("Studies included in review", flow.n_studies),
            _counted("Reports of included studies", flow.n_reports),
        ]
    )


def _notes(flow: Flow) -> tuple[_Line, ...]:
    """What stands below the diagram."""
    notes = []
    if not flow.complete:
        notes.append(
            _Line(
                f"In progress: {flow.n_open} records or reports and {flow.n_near_duplicates} pairs"
                " of possible duplicates wait for a decision.",
                open=True,
            )
        )
    notes.append(_Line("Boxes after PRISMA 2020: Page et al., BMJ 2021;372:n71."))
    return tuple(notes)


def _counted(words: str, n: int) -> _Line:
    return _Line(f"{words} (n = {n:,})")


def _open(words: str, n: int) -> tuple[_Line, ...]:
    return (_Line(f"{words} (n = {n:,})", open=True),) if n else ()


def _folded(lines: Sequence[_Line]) -> tuple[_Line, ...]:
    """The lines, long ones in several."""
    folded: list[_Line] = []
    for line in lines:
        indent = _INDENT if line.text.startswith(_INDENT) else ""
        room = _BOX - 2 * _PADDING - text_width(indent * 2, size=_SIZE)
        for number, part in enumerate(_wrap(line.text.strip(), room, bold=line.bold)):
            folded.append(_Line(indent * (2 if number else 1) + part, line.bold, line.open))
    return tuple(folded)


def _wrap(text: str, room: float, *, bold: bool = False) -> list[str]:
    """Text in lines that fit; ``(n = 3)`` stays together, a single word may be too long."""
    lines: list[str] = []
    for word in text.replace("(n = ", "(n\u00a0=\u00a0").split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        wide = text_width(longer, size=_SIZE, weight="bold" if bold else "normal")
        if lines and wide <= room:
            lines[-1] = longer
        elif word:
            lines.append(word)
    return lines


def _height(lines: Sequence[_Line]) -> float:
    return _LINE * len(lines) + 2 * _PADDING if lines else 0.0


def _draw_column(
    axes: Axes, rows: Sequence[_Row], x: float, tops: Sequence[float], heights: Sequence[float]
) -> _Placed:
    """The boxes of a column with their arrows; the last main box."""
    before: _Placed | None = None
    for (main, side), top, height in zip(rows, tops, heights, strict=True):
        if not main:
            continue
        box = _Placed(x, top, height, main)
        _draw_box(axes, box)
        if before is not None:
            center = x + _BOX / 2
            _arrow(axes, (center, before.y + before.height), (center, top))
        if side:
            beside = _Placed(x + _BOX + _GAP, top, height, side)
            _draw_box(axes, beside)
            _arrow(axes, (x + _BOX, box.middle), (beside.x, box.middle))
        before = box
    if before is None:
        return _Placed(x, tops[-1], heights[-1], ())
    return before


def _draw_box(axes: Axes, box: _Placed) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((box.x, box.y), _BOX, box.height, facecolor="white", edgecolor=_FRAME, lw=1.0)
    )
    first = box.middle - _LINE * (len(box.lines) - 1) / 2
    for number, line in enumerate(box.lines):
        _write(
            axes,
            line.text,
            box.x + _PADDING,
            first + number * _LINE,
            bold=line.bold,
            color=_OPEN if line.open else _INK,
        )


def _join(axes: Axes, ends: Sequence[_Placed], final: _Placed) -> None:
    """From the last box of each column to the included studies."""
    center = final.x + _BOX / 2
    _arrow(axes, (center, ends[0].y + ends[0].height), (center, final.y))
    for end in ends[1:]:
        x = end.x + _BOX / 2
        axes.plot([x, x], [end.y + end.height, final.middle], color=_FRAME, lw=1.1)
        _arrow(axes, (x, final.middle), (final.x + _BOX, final.middle))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": _FRAME,
            "lw": 1.1,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 11,
        },
    )


def _write(
    axes: Axes,
    text: str,
    x: float,
    y: float,
    *,
    bold: bool = False,
    color: str = _INK,
    centered: bool = False,
    turned: bool = False,
) -> None:
    axes.text(
        x,
        y,
        text.replace("$", r"\$"),
        fontsize=_POINTS,
        color=color,
        weight="bold" if bold else "normal",
        ha="center" if centered or turned else "left",
        va="center_baseline" if not turned else "center",
        rotation=90 if turned else 0,
    )

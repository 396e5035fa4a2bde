"""What the pictures of this package share: head, axes, styles of arms, labels beside curves."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.text_width import text_width
from oncovivo.figures.theme import TEXT_COLOR, SeriesStyle, new_figure, series_style
from oncovivo.survival.events import SurvivalData
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.transforms import Transform

__all__ = [
    "CENSOR_MARK",
    "MOST_ARMS_TOGETHER",
    "SMALL",
    "TINY",
    "Head",
    "LeavingMark",
    "arm_styles",
    "axis_end",
    "cause_words",
    "data_lines",
    "dress_share",
    "inches",
    "leaving_marks",
    "mark_handle",
    "panels",
    "panels_width",
    "say",
    "shortened",
    "time_label",
    "title_panel",
]

FloatArray: TypeAlias = NDArray[np.float64]

# More bands than this in one panel cover each other.
MOST_ARMS_TOGETHER: Final = 4
SMALL: Final = 7.5
_TITLE_SIZE: Final = 8.0
_TITLE_LINE: Final = 0.125
_TITLE_LINES: Final = 2
TINY: Final = 6.5
_LONGEST_NAME: Final = 32
_PANEL_COLUMNS: Final = 4
_POINTS: Final = 72.0
# Inches: sides of a panel, what is left free beside and below it.
_PANEL_WIDTH: Final = 1.95
_PANEL_HEIGHT: Final = 1.35
_PANEL_GAP: Final = 0.24
_PANEL_ABOVE: Final = 0.40
_LEFT: Final = 0.62

_REASON_MARKS: Final[Mapping[str, str]] = {
    "ulceration": "P",
    "body_weight_loss": "v",
    "toxicity": "X",
    "found_dead": "d",
    "tumor_related": "p",
    "volume_limit": "s",
}
_OTHER_MARKS: Final = ("^", "D", "h", "<", ">", "8", "*", "H")
CENSOR_MARK: Final = "|"
# Ends that tell nothing of the event; others without a cause are censored by a bar as well.
_CENSORED_MARKS: Final = {"scheduled": CENSOR_MARK, "volume_limit": "^", "technical": "x"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Title, lines of text and key above the axes.

    Parameters
    ----------
    title : str
        First line.
    lines : sequence of str
        Further lines, broken where they are longer than the figure is wide.
    handles : sequence of Line2D
        The key.
    width : float
        Of the figure, in.
    """

    title: str
    lines: Sequence[str]
    handles: Sequence[Line2D]
    width: float

    @property
    def texts(self) -> list[str]:
        """The lines as broken."""
        room = int((self.width - 0.2) * _POINTS / text_width("n", size=SMALL))
        return [part for line in self.lines for part in textwrap.wrap(spelled_out(line), room)]

    @property
    def columns(self) -> int:
        """Columns of the key."""
        widest = max((_inches_of(str(h.get_label())) for h in self.handles), default=1.0)
        return max(1, min(len(self.handles), int((self.width - 0.2) / (widest + 0.55))))

    @property
    def height(self) -> float:
        """Inches that the head takes."""
        rows = math.ceil(len(self.handles) / self.columns)
        return 0.34 + 0.155 * len(self.texts) + 0.19 * rows + (0.06 if rows else 0.0)

    def draw(self, figure: Figure) -> None:
        """Write it into a figure of its width."""
        width, height = figure.get_figwidth(), figure.get_figheight()
        figure.text(0.1 / width, 1 - 0.1 / height, spelled_out(self.title), fontsize=9.5, va="top")
        for place, line in enumerate(self.texts):
            down = 0.31 + 0.155 * place
            figure.text(0.1 / width, 1 - down / height, line, fontsize=SMALL, va="top")
        if self.handles:
            figure.legend(
                handles=list(self.handles),
                loc="upper left",
                bbox_to_anchor=(0.08 / width, 1 - (0.34 + 0.155 * len(self.texts)) / height),
                ncols=self.columns,
                fontsize=SMALL,
                borderaxespad=0.0,
                columnspacing=1.4,
                handlelength=1.8,
            )


def shortened(name: str, longest: int = _LONGEST_NAME) -> str:
    """A name that fits beside a curve, cut in its middle: doses often stand at the end.

    Examples
    --------
    >>> shortened("temozolomide 50 mg/kg + GDC-0084 18 mg/kg", 24)
    'temozolomide…84 18 mg/kg'
    """
    name = spelled_out(name)
    if len(name) <= longest:
        return name
    tail = (longest - 1) // 2
    return f"{name[: longest - 1 - tail].rstrip()}…{name[-tail:].lstrip()}"


def inches(words: Sequence[str]) -> float:
    """Width of the longest of some small texts, in."""
    return max((_inches_of(text) for text in words), default=0.0)


def _inches_of(text: str) -> float:
    return text_width(spelled_out(text), size=SMALL) / _POINTS


def say(
    ax: Axes,
    x: float,
    y: float,
    words: str,
    *,
    transform: Transform,
    align: Literal["left", "right", "center"] = "left",
    size: float = SMALL,
) -> None:
    """A small text beside the axes."""
    ax.text(
        x,
        y,
        spelled_out(words),
        ha=align,
        va="center",
        fontsize=size,
        color=TEXT_COLOR,
        transform=transform,
    )


def arm_styles(arms: Sequence[str], control: str | None) -> dict[str, SeriesStyle]:
    """Style of each arm.

    Raises
    ------
    InputError
        If there is no arm, or the control is none of them.
    """
    if not arms:
        expected = "at least one arm to draw"
        raise InputError(expected, found="none")
    if control is not None and control not in arms:
        expected = "a control among the arms that are drawn: " + ", ".join(arms)
        raise InputError(expected, found=repr(control))
    treated = [arm for arm in arms if arm != control]
    styles = {arm: series_style(place) for place, arm in enumerate(treated)}
    if control is not None:
        styles[control] = series_style(0, is_control=True)
    return styles


def time_label(data: SurvivalData) -> str:
    """Label of the time axis, in the unit of the data."""
    unit = {"days": "day", "weeks": "week", "as given": "1"}[data.time_unit]
    return axis_label("time", unit)


def data_lines(data: SurvivalData, *, drawn: bool = True) -> list[str]:
    """What the event is, as a line of the head.

    Parameters
    ----------
    data : SurvivalData
        Of the study.
    drawn : bool
        Whether points stand for events that are known to a bracket only.
    """
    time = {
        "visit": "as recorded",
        "interpolated": "interpolated between visits",
        "interval": "known to the bracket between visits",
    }[data.event_time]
    if drawn and data.event_time == "interval":
        time += ", drawn as interpolated"
    return [f"event: {data.event_definition}; time {time}"]


def cause_words(cause: str) -> str:
    """A cause as people write it."""
    return cause.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeavingMark:
    """How animals that left in one way are marked: marker, words, and which they are, (n,)."""

    marker: str
    words: str
    animals: NDArray[np.bool_]


def leaving_marks(data: SurvivalData) -> tuple[LeavingMark, ...]:
    """Marks of each way to leave without the event that occurs, censored first."""
    found = []
    censored = data.cause == 0
    reasons = np.array(data.ended if data.ended is not None else ("",) * data.n)
    for reason in (*_CENSORED_MARKS, ""):
        known = reasons == reason if reason else ~np.isin(reasons, tuple(_CENSORED_MARKS))
        marker = _CENSORED_MARKS.get(reason, CENSOR_MARK)
        words = f"censored: {cause_words(reason)}" if reason else "censored"
        found.append(LeavingMark(marker=marker, words=words, animals=censored & known))
    free = list(_OTHER_MARKS)
    for number in sorted({int(cause) for cause in data.cause[data.competing]}):
        name = data.causes[number - 1]
        marker = _REASON_MARKS.get(name) or (free.pop(0) if len(free) > 1 else free[0])
        animals = ~data.event & (data.cause == number)
        words = f"competing: {cause_words(name)}"
        found.append(LeavingMark(marker=marker, words=words, animals=animals))
    return tuple(mark for mark in found if mark.animals.any())


def mark_handle(marker: str, label: str, face: str = "white") -> Line2D:
    """A mark in the key."""
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=6 if marker == CENSOR_MARK else 5,
        color=TEXT_COLOR,
        markerfacecolor=face,
        label=label,
    )


def axis_end(times: ArrayLike) -> float:
    """Right end of the time axis; above 0 even where nothing was followed."""
    known = np.asarray(times, dtype=np.float64)
    known = known[np.isfinite(known)]
    latest = float(known.max()) if known.size else 0.0
    return 1.04 * latest if latest > 0 else 1.0


def dress_share(ax: Axes, *, end: float, label: str, ticks: int) -> list[float]:
    """Scales of an axes of shares over time; returns the marks of the time axis."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(0, end)
    ax.set_ylim(0, 1.05)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "0.25", "0.5", "0.75", "1"])
    ax.set_ylabel(label)
    locator = MaxNLocator(nbins=ticks, steps=[1, 2, 2.5, 5, 10])
    marks = [float(mark) for mark in locator.tick_values(0, end) if 0 <= mark <= end]
    ax.set_xticks(marks)
    return marks


def panels(names: Sequence[str], *, head: Head, below: float = 0.45) -> tuple[Figure, list[Axes]]:
    """A figure with as many equal panels, and its head.

    Parameters
    ----------
    names : sequence of str
        What is written above each.
    head : Head
        Of the width that :func:`panels_width` says.
    below : float
        Room below each panel, in.
    """
    count = len(names)
    above = _PANEL_ABOVE + _TITLE_LINE * (max(len(_title_lines(name)) for name in names) - 1)
    columns = min(count, _PANEL_COLUMNS)
    rows = math.ceil(count / columns)
    step = _PANEL_HEIGHT + above + below
    height = head.height + rows * step + 0.22
    figure = new_figure(width=head.width, height=height)
    found = []
    for place in range(count):
        row, column = divmod(place, columns)
        ax = figure.add_axes(
            (
                (_LEFT + column * (_PANEL_WIDTH + _PANEL_GAP)) / head.width,
                1 - (head.height + row * step + above + _PANEL_HEIGHT) / height,
                _PANEL_WIDTH / head.width,
                _PANEL_HEIGHT / height,
            )
        )
        ax.tick_params(labelsize=7, labelleft=column == 0)
        found.append(ax)
    head.draw(figure)
    return figure, found


def panels_width(count: int) -> float:
    """Width of the figure of :func:`panels`, in; room for the head even of a single panel."""
    columns = min(count, _PANEL_COLUMNS)
    return max(_LEFT + columns * (_PANEL_WIDTH + _PANEL_GAP), 5.2)


def _title_lines(name: str) -> list[str]:
    """A name above a panel; what tells doses apart is often at its end, so it may be broken."""
    room = int(_PANEL_WIDTH * _POINTS / text_width("n", size=_TITLE_SIZE))
    return textwrap.wrap(spelled_out(name), room, max_lines=_TITLE_LINES, placeholder=" …") or [""]


def title_panel(ax: Axes, name: str, words: str) -> None:
    """Name of an arm above its panel, with a line below."""
    title = "\n".join(_title_lines(name))
    ax.set_title(title, fontsize=_TITLE_SIZE, loc="left", pad=13, linespacing=1.1)
    ax.text(0, 1.03, words, transform=ax.transAxes, fontsize=TINY, va="bottom", color="#444444")

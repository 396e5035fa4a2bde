"""Figures as files: their names, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from oncovivo.errors import InputError
from oncovivo.figures import to_png, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_figure_name", "figure_stem", "write_named_figures"]


def check_figure_name(path: Path) -> None:
    """Refuse a name that no figure is written to, before anything is computed.

    Raises
    ------
    InputError
        If the name ends in neither ``.svg`` nor ``.png``.
    """
    if path.suffix.lower() not in (".svg", ".png"):
        raise InputError(
            "a name ending in .svg or .png", found=path.name, where="--figure", mend="rename it"
        )


def figure_stem(path: Path, number: int, *, of: int) -> str:
    """Name of a study's figure: that of the path, with the study's number where there are several.

    Examples
    --------
    >>> figure_stem(Path("growth.svg"), 2, of=3), figure_stem(Path("growth.svg"), 1, of=1)
    ('growth-2', 'growth')
    """
    return path.stem if of == 1 else f"{path.stem}-{number}"


def write_named_figures(
    figures: Mapping[str, Figure], path: Path, *, title: str
) -> tuple[Path, ...]:
    """Write figures beside a path, under names with its ending.

    Parameters
    ----------
    figures : mapping of str to Figure
        By name without ending.
    path : Path
        Ends in ``.svg`` or ``.png``.
    title : str
        What readers of the page aloud say of an SVG.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If a file cannot be written.
    """
    check_figure_name(path)
    written = []
    for name, figure in figures.items():
        place = path.with_name(name + path.suffix)
        if path.suffix.lower() == ".png":
            place.write_bytes(to_png(figure))
        else:
            place.write_bytes(to_svg(figure, title=title).encode())
        written.append(place)
    return tuple(written)

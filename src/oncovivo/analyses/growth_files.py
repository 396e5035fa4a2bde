"""Figures of growth models as files."""

from __future__ import annotations

from pathlib import Path

from oncovivo.analyses.growth_result import FileGrowth
from oncovivo.errors import InputError
from oncovivo.figures import to_png, to_svg
from oncovivo.growth.plots import plot_contrasts, plot_growth_model

__all__ = ["check_figure_name", "write_growth_figures"]


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


def write_growth_figures(result: FileGrowth, path: Path) -> tuple[Path, ...]:
    """Draw the model and the contrasts of each study.

    Of one study, the curves go to `path` and the contrasts to its name with ``-contrasts``; of
    several, each name carries the study's number.

    Parameters
    ----------
    result : FileGrowth
        What to draw.
    path : Path
        Ends in ``.svg`` or ``.png``.

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
    written: list[Path] = []
    studies = result.analysed
    for number, study in enumerate(studies, start=1):
        stem = path.stem if len(studies) == 1 else f"{path.stem}-{number}"
        control = study.comparison.control
        drawn = {
            stem: plot_growth_model(study.curves, control=control, simulated=study.simulated),
            f"{stem}-contrasts": plot_contrasts(
                study.comparison, n_animals=study.n_by_arm, simulated=study.simulated
            ),
        }
        for name, figure in drawn.items():
            place = path.with_name(name + path.suffix)
            if path.suffix.lower() == ".png":
                place.write_bytes(to_png(figure))
            else:
                title = f"Growth model of {study.study_id}"
                place.write_bytes(to_svg(figure, title=title).encode())
            written.append(place)
    return tuple(written)

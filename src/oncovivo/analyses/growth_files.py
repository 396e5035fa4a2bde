"""Figures of growth models as files."""

from __future__ import annotations

from pathlib import Path

from oncovivo.analyses.figure_files import check_figure_name, figure_stem, write_named_figures
from oncovivo.analyses.growth_result import FileGrowth
from oncovivo.growth.plots import plot_contrasts, plot_growth_model

__all__ = ["write_growth_figures"]


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
        stem = figure_stem(path, number, of=len(studies))
        control = study.comparison.control
        drawn = {
            stem: plot_growth_model(study.curves, control=control, simulated=study.simulated),
            f"{stem}-contrasts": plot_contrasts(
                study.comparison, n_animals=study.n_by_arm, simulated=study.simulated
            ),
        }
        written += write_named_figures(drawn, path, title=f"Growth model of {study.study_id}")
    return tuple(written)

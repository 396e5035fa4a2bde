"""Figures of survival analyses, as drawings and as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oncovivo.analyses.figure_files import check_figure_name, figure_stem, write_named_figures
from oncovivo.analyses.survival_result import FileSurvival, SurvivalResult
from oncovivo.survival.hazard_plots import plot_hazard_ratios
from oncovivo.survival.incidence_plots import MOST_BARS, plot_follow_up, plot_incidence
from oncovivo.survival.plots import plot_survival

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["survival_figures", "write_survival_figures"]


def survival_figures(study: SurvivalResult) -> dict[str, Figure]:
    """The figures of a study by what they show, those that have nothing to show left out.

    ``curves``; ``hazards`` where a hazard ratio was estimated; ``incidence`` where causes compete;
    ``follow_up`` of studies with few animals.
    """
    data = study.data()
    found = {
        "curves": plot_survival(
            {row.arm: row.curve() for row in study.curves},
            data,
            control=study.control,
            simulated=study.simulated,
        )
    }
    if any(row.hazard_ratio is not None for row in study.hazards):
        found["hazards"] = plot_hazard_ratios(
            study.hazards,
            study_id=study.study_id,
            level=study.level,
            simulated=study.simulated,
        )
    if study.incidence:
        found["incidence"] = plot_incidence(
            {row.arm: row.found() for row in study.incidence},
            data,
            control=study.control,
            simulated=study.simulated,
        )
    if data.n <= MOST_BARS:
        found["follow_up"] = plot_follow_up(data, control=study.control, simulated=study.simulated)
    return found


def write_survival_figures(result: FileSurvival, path: Path) -> tuple[Path, ...]:
    """Draw each study.

    The curves go to `path`, the other figures to its name with what they show; of several
    studies, each name carries the study's number.

    Parameters
    ----------
    result : FileSurvival
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
        drawn = {
            stem if name == "curves" else f"{stem}-{name.replace('_', '-')}": figure
            for name, figure in survival_figures(study).items()
        }
        title = f"Time to {study.event_definition}, {study.study_id}"
        written += write_named_figures(drawn, path, title=title)
    return tuple(written)

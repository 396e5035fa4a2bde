"""What a fit leaves behind as files: its figures, and a simulation with its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oncovivo.analyses.figure_files import check_figure_name, write_named_figures
from oncovivo.analyses.mechanism_fit_result import Estimator, FileFit
from oncovivo.errors import InputError
from oncovivo.evidence.csvfile import read_text
from oncovivo.growth.saem import SaemPlan
from oncovivo.mechanism.fit_plots import SearchTrace, plot_animals, plot_search
from oncovivo.mechanism.fitted_simulation import FittedNumber, fitted_simulation_text
from oncovivo.mechanism.vpc_plot import plot_visual_check
from oncovivo.texts import parse_toml

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_simulation_name", "simulation_of_plan", "write_fit_figures", "write_simulation"]


def write_fit_figures(found: FileFit, path: Path) -> tuple[Path, ...]:
    """Draw the visual check, the animals, and the search of a population fit.

    The check goes to `path`, the animals to its name with ``-animals``, the search to that with
    ``-search``. Without a check the animals go to `path`.

    Parameters
    ----------
    found : FileFit
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
    title, numbers = found.plan.title, found.numbers_sentence
    animals = plot_animals(
        found.curves,
        title=title,
        control=found.control,
        numbers=numbers,
        simulated=found.simulated,
    )
    figures: dict[str, Figure] = {path.stem: animals}
    if found.check is not None:
        check = plot_visual_check(found.check, numbers=numbers, simulated=found.simulated)
        figures = {path.stem: check, f"{path.stem}-animals": animals}
    if found.fit is not None:
        figures[f"{path.stem}-search"] = plot_search(
            _traces(found),
            title=title,
            settles_at=(found.options.saem or SaemPlan()).explore,
            summary=_summary(found),
            simulated=found.simulated,
        )
    return write_named_figures(figures, path, title=f"Fit: {title}")


def _summary(found: FileFit) -> str:
    """How the search ended."""
    fit = found.fit
    if fit is None:
        return ""
    end = "converged" if fit.converged else "NOT CONVERGED"
    rounds = "" if fit.rounds == 1 else f" in {fit.rounds} rounds, the last of which is shown"
    return (
        f"{end}{rounds}; the log-likelihood would still rise by {fit.gain:.2g}; "
        f"{fit.effective_draws:.0f} draws count for the animal that has the fewest"
    )


def _traces(found: FileFit) -> tuple[SearchTrace, ...]:
    """Typical values, spreads and the error by iteration, natural values."""
    fit = found.fit
    if fit is None:
        return ()
    k = len(found.plan.estimated)
    trace = fit.run.trace
    made = []
    for place, (one, row) in enumerate(zip(found.plan.estimated, found.rows, strict=True)):
        unit = "" if one.unit == "1" else f", {one.unit}"
        made.append(
            SearchTrace(
                name=f"{one.name}{unit}",
                values=one.natural(trace[:, place]),
                end=float(one.natural(float(found.typical[place]))),
                lower=row.lower,
                upper=row.upper,
                log=one.transform == "log",
            )
        )
    for place, one in enumerate(found.plan.estimated):
        if one.between_animal:
            made.append(
                SearchTrace(
                    name=f"{one.name}, spread between animals",
                    values=trace[:, k + place],
                    end=float(found.spread[place]),
                    lower=None,
                    upper=None,
                    log=True,
                )
            )
    made.append(
        SearchTrace(
            name="error of a log reading",
            values=np.exp(trace[:, 2 * k]),
            end=float(fit.sigma),
            lower=None,
            upper=None,
            log=True,
        )
    )
    return tuple(made)


def simulation_of_plan(plan_path: Path) -> Path:
    """The simulation file that a plan names.

    Parameters
    ----------
    plan_path : Path
        A plan that can be read.
    """
    content = parse_toml(read_text(plan_path), where=plan_path.name)
    return plan_path.parent / str(content.get("simulation", ""))


def check_simulation_name(path: Path, plan_path: Path, *, estimator: Estimator) -> None:
    """Refuse what no simulation is made of or written to, before anything is computed.

    Raises
    ------
    InputError
        If the name does not end in ``.toml``, is that of the plan or of its simulation, or
        animals are fitted alone.
    FileFormatError
        If the plan is no TOML.
    OSError
        If the plan cannot be read.
    """
    where = "--save-simulation"
    if estimator == "animals":
        raise InputError(
            "a fit of the population, or a pooled one", found="single animals", where=where
        )
    if path.suffix.lower() != ".toml":
        raise InputError("a name ending in .toml", found=path.name, where=where, mend="rename it")
    if path.resolve() == plan_path.resolve():
        raise InputError("another file than the plan", found=path.name, where=where)
    if path.resolve() == simulation_of_plan(plan_path).resolve():
        raise InputError("another file than the simulation", found=path.name, where=where)


def write_simulation(found: FileFit, plan_path: Path, path: Path) -> tuple[str, ...]:
    """Write the simulation of a plan with the fitted numbers, so that ``simulate`` runs it.

    A number that the readings do not determine keeps its old value and status. Limits of a pooled
    fit are too narrow to be carried on, so that its numbers come without uncertainty.

    Parameters
    ----------
    found : FileFit
        Converged, of the population or pooled.
    plan_path : Path
        The plan.
    path : Path
        File to write, ending in ``.toml``.

    Returns
    -------
    tuple of str
        Names of the numbers that were written.

    Raises
    ------
    InputError
        As :func:`check_simulation_name`, and if the search did not converge.
    OSError
        If the file cannot be written.
    """
    check_simulation_name(path, plan_path, estimator=found.options.estimator)
    if not found.converged or found.sigma is None:
        raise InputError("a fit that converged", found="one that did not", where=path.name)
    numbers = [
        FittedNumber(
            name=row.name,
            unit=row.unit,
            transform=one.transform,
            value=row.estimate,
            lower=one.lower,
            upper=one.upper,
            spread=row.spread,
            standard_error=None if found.fit is None else row.standard_error,
        )
        for row, one in zip(found.rows, found.plan.estimated, strict=True)
        if row.estimate is not None
    ]
    growth = found.data.growth
    kind = "SIMULATED study" if found.simulated else "study"
    left = ", ".join(found.not_identified)
    left = f" Not determined by it, and kept as they were: {left}." if left else ""
    text = fitted_simulation_text(
        simulation_of_plan(plan_path),
        path,
        numbers=numbers,
        source=f"{kind} {growth.study_id}, {found.options.estimator} fit {found.plan.name}",
        note=f"Numbers with status fitted are from {kind} {growth.study_id}: "
        f"{growth.n_animals} animals, {growth.n_observations} readings.{left}",
        sigma=found.sigma,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return tuple(one.name for one in numbers)
